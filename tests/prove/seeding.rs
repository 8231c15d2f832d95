//! Rows that are made where the data has none.

use super::{Bench, of, one, words};
use crate::support::db::TestDb;

/// Nothing but a schema, with most of what makes a row hard to make.
const HARD: &str = "
  create type mood as enum ('calm', 'cross');
  create domain email as text check (value like '%@%.%');
  create table accounts (id bigserial primary key, mail email not null unique);
  create table tenants (id uuid primary key default gen_random_uuid(), plan text not null check (plan in ('free', 'paid')), owner bigint not null references accounts);
  create table items (id int generated always as identity primary key, tenant_id uuid not null references tenants, mood mood not null, code varchar(4) not null unique,
    amount numeric not null check (amount > 100), tags text[] not null, data jsonb not null, at date not null, span tstzrange not null, ip inet not null, ok boolean not null,
    size int generated always as (length(code)) stored, up int references items);
  create table parts (item_id int not null references items on delete cascade, nr smallint not null, note text not null check (length(note) > 20), primary key (item_id, nr));
  create function tidy() returns trigger language plpgsql as $$ begin if new.amount < 100 then raise exception 'too little'; end if; new.code := lower(new.code); return new; end $$;
  create trigger tidy before insert or update on items for each row execute function tidy();
  create role $app;
  grant usage on schema public to $app; grant select, insert, update, delete on tenants, items, parts to $app;
  alter table tenants enable row level security; alter table items enable row level security; alter table parts enable row level security;
  create policy apart on tenants using (id = nullif(current_setting('app.tenant_id', true), '')::uuid);
  create policy apart on items using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
  create policy apart on parts using (exists (select from items i where i.id = item_id));";

fn hard() -> Bench {
    let db = TestDb::new();
    let app = format!("{}_app", db.name());
    let bench = Bench {
        toml: format!("app_roles = ['{app}']\n"),
        app,
        db,
    };
    bench.sql(HARD);
    bench
}

#[test]
fn rows_are_made_and_nothing_of_them_stays() {
    let bench = hard();
    let bare = bench.json(1);
    assert_eq!(words(&bare), ["UNKNOWN"]);
    let args = ["--seed", "--format", "json"];
    let proof = bench.run(&args).exits(0).json();
    assert_eq!(words(&proof), ["PROVEN"]);
    for table in ["public.tenants", "public.items", "public.parts"] {
        for command in ["select", "insert", "update", "delete"] {
            assert!(!of(&proof, table, command).is_empty(), "{table} {command}");
        }
    }
    bench.sql("alter table items disable row level security");
    let broken = bench.run(&args).exits(1).json();
    for command in ["select", "insert", "update", "delete"] {
        one(&broken, "public.items", command, "LEAK");
    }
    bench.gone();
}

#[test]
fn one_tenant_is_not_enough_and_gets_company() {
    let bench = Bench::new();
    bench.sql("delete from lines; delete from notes where tenant_id = 2");
    bench.json(1);
    assert_eq!(
        words(&bench.run(&["--seed", "--format", "json"]).exits(0).json()),
        ["PROVEN"]
    );
    bench.sql("alter policy apart on lines using (true)");
    one(
        &bench.run(&["--seed", "--format", "json"]).exits(1).json(),
        "public.lines",
        "delete",
        "LEAK",
    );
    bench.gone();
}

#[test]
fn what_cannot_be_made_is_named() {
    let bench = hard();
    bench.sql("create table strict (id int primary key, tenant_id uuid not null, x int not null check (x % 7919 = 4242 and x > 100000)); grant select on strict to $app");
    let proof = bench.run(&["--seed", "--format", "json"]).exits(1).json();
    let reason = one(&proof, "public.strict", "select", "UNKNOWN")["reason"]
        .as_str()
        .unwrap();
    assert!(
        reason.contains("none can be made") && reason.contains("23514"),
        "{reason}"
    );
    bench.gone();
}
