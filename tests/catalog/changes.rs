//! Planted changes, each found by its own object and nothing beside.

use rlsctl::catalog::{Change, differences, unified};

use super::snapshot;
use crate::support::db::TestDb;

/// SQL before, the change, what is told: `+`, `-` or `~`, and the object. `ROLE` stands for a role of the test's own.
pub(super) type Planted = (&'static str, &'static str, &'static [&'static str]);

/// What most changes need.
const BASE: &str = "create role ROLE; create role ROLE2;
    create schema app;
    create table t (id int primary key, a text default 'x' not null, b int);
    create table app.u (id int);
    create function f(int) returns int language sql as 'select $1';
    create function g() returns trigger language plpgsql as 'begin return new; end';
    create type e as enum ('one', 'two');
    create sequence s;";

const TABLES: &[Planted] = &[
    (
        "grant select, insert on t to ROLE",
        "revoke insert on t from ROLE",
        &["~ table public.t"],
    ),
    ("", "grant update (a) on t to ROLE", &["~ table public.t"]),
    ("", "grant select on t to public", &["~ table public.t"]),
    ("", "grant select on t to ROLE with grant option", &["~ table public.t"]),
    ("", "revoke delete on t from current_user", &["~ table public.t"]),
    ("", "alter table t alter a set default 'y'", &["~ table public.t"]),
    ("", "alter table t alter a drop not null", &["~ table public.t"]),
    ("", "alter table t add c text", &["~ table public.t"]),
    ("", "alter table t alter b type bigint", &["~ table public.t"]),
    ("", "alter table t rename b to c", &["~ table public.t"]),
    (
        "",
        "alter table t alter a type text collate \"C\"",
        &["~ table public.t"],
    ),
    (
        "",
        "alter table t alter b set not null, alter b add generated always as identity",
        &["~ table public.t"],
    ),
    (
        "alter table t alter id add generated always as identity",
        "alter table t alter id set increment by 2",
        &["~ table public.t"],
    ),
    (
        "alter table t add c int generated always as (id + 1) stored",
        "alter table t alter c drop expression",
        &["~ table public.t"],
    ),
    ("", "alter table t set (fillfactor = 50)", &["~ table public.t"]),
    (
        "",
        "alter table t set (toast.autovacuum_enabled = off)",
        &["~ table public.t"],
    ),
    ("", "alter table t alter a set storage external", &["~ table public.t"]),
    ("", "alter table t alter a set compression pglz", &["~ table public.t"]),
    ("", "alter table t alter a set statistics 7", &["~ table public.t"]),
    ("", "alter table t alter a set (n_distinct = 5)", &["~ table public.t"]),
    ("", "alter table t enable row level security", &["~ table public.t"]),
    ("", "alter table t force row level security", &["~ table public.t"]),
    ("", "alter table t set unlogged", &["~ table public.t"]),
    ("", "alter table t owner to ROLE", &["~ table public.t"]),
    ("", "alter table t replica identity full", &["~ table public.t"]),
    ("", "comment on table t is 'c'", &["~ table public.t"]),
    ("", "comment on column t.a is 'c'", &["~ table public.t"]),
    (
        "create table v (like t)",
        "alter table v inherit t",
        &["~ table public.v"],
    ),
    ("", "alter table app.u rename to w", &["- table app.u", "+ table app.w"]),
    (
        "",
        "drop table t",
        &["- constraint t_pkey on public.t", "- table public.t"],
    ),
];

const ON_TABLES: &[Planted] = &[
    (
        "",
        "alter table t add check (b > 0)",
        &["+ constraint t_b_check on public.t"],
    ),
    (
        "alter table t add constraint c check (b > 0) not valid",
        "alter table t validate constraint c",
        &["~ constraint c on public.t"],
    ),
    (
        "alter table t add constraint c check (b > 0)",
        "comment on constraint c on t is 'x'",
        &["~ constraint c on public.t"],
    ),
    (
        "alter table t add constraint c foreign key (b) references t",
        "alter table t alter constraint c deferrable",
        &["~ constraint c on public.t"],
    ),
    (
        "alter table t add constraint c foreign key (b) references t",
        "alter table t disable trigger all",
        &["~ constraint c on public.t"],
    ),
    (
        "",
        "update pg_index set indisvalid = false where indexrelid = 't_pkey'::regclass",
        &["~ constraint t_pkey on public.t"],
    ),
    (
        "create index i on t (b)",
        "update pg_index set indisvalid = false where indexrelid = 'i'::regclass",
        &["~ index public.i"],
    ),
    (
        "create index i on t (b)",
        "drop index i; create index i on t (b desc)",
        &["~ index public.i"],
    ),
    (
        "create index i on t (b) where b > 1",
        "drop index i; create index i on t (b) where b > 2",
        &["~ index public.i"],
    ),
    (
        "create index i on t (b)",
        "comment on index i is 'c'",
        &["~ index public.i"],
    ),
    ("", "create policy p on app.u using (true)", &["+ policy p on app.u"]),
    (
        "create policy p on t using (b = 1)",
        "alter policy p on t using (b = 2)",
        &["~ policy p on public.t"],
    ),
    (
        "create policy p on t using (b = 1)",
        "alter policy p on t with check (b = 1)",
        &["~ policy p on public.t"],
    ),
    (
        "create policy p on t",
        "alter policy p on t to ROLE",
        &["~ policy p on public.t"],
    ),
    (
        "create policy p on t",
        "drop policy p on t; create policy p on t as restrictive",
        &["~ policy p on public.t"],
    ),
    (
        "create policy p on t",
        "drop policy p on t; create policy p on t for select",
        &["~ policy p on public.t"],
    ),
    (
        "create policy p on t",
        "comment on policy p on t is 'c'",
        &["~ policy p on public.t"],
    ),
    (
        "create trigger x before insert on t for each row execute function g()",
        "alter table t disable trigger x",
        &["~ trigger x on public.t"],
    ),
    (
        "",
        "create trigger x before insert on t for each row execute function g()",
        &["+ trigger x on public.t"],
    ),
    (
        "",
        "create rule r as on delete to t do instead nothing",
        &["+ rule r on public.t"],
    ),
    (
        "create rule r as on delete to t do instead nothing",
        "alter table t disable rule r",
        &["~ rule r on public.t"],
    ),
    ("", "create statistics x on a, b from t", &["+ statistics public.x"]),
    (
        "create statistics x on a, b from t",
        "alter statistics x set statistics 9",
        &["~ statistics public.x"],
    ),
];

const OTHERS: &[Planted] = &[
    (
        "",
        "create or replace function f(int) returns int language sql as 'select $1 + 1'",
        &["~ function public.f(integer)"],
    ),
    (
        "",
        "alter function f(int) set search_path = ''",
        &["~ function public.f(integer)"],
    ),
    (
        "",
        "alter function f(int) security definer",
        &["~ function public.f(integer)"],
    ),
    ("", "alter function f(int) stable", &["~ function public.f(integer)"]),
    ("", "alter function f(int) leakproof", &["~ function public.f(integer)"]),
    (
        "",
        "revoke execute on function f(int) from public",
        &["~ function public.f(integer)"],
    ),
    (
        "",
        "alter function f(int) owner to ROLE",
        &["~ function public.f(integer)"],
    ),
    (
        "",
        "create function f(text) returns int language sql as 'select 1'",
        &["+ function public.f(text)"],
    ),
    (
        "",
        "create procedure f() language sql as 'select 1'",
        &["+ procedure public.f()"],
    ),
    (
        "create function h() returns int begin atomic select 1; end",
        "create or replace function h() returns int begin atomic select 2; end",
        &["~ function public.h()"],
    ),
    (
        "",
        "create aggregate x(int) (sfunc = int4pl, stype = int)",
        &["+ aggregate public.x(integer)"],
    ),
    (
        "create view v as select id from t",
        "alter view v set (security_invoker = true)",
        &["~ view public.v"],
    ),
    (
        "create view v as select id from t",
        "create or replace view v as select id from t where b > 1",
        &["~ view public.v"],
    ),
    (
        "create view v as select id from t",
        "grant select on v to ROLE",
        &["~ view public.v"],
    ),
    (
        "create view v as select id from t",
        "alter view v alter id set default 3",
        &["~ view public.v"],
    ),
    (
        "create materialized view v as select id from t",
        "alter materialized view v set (fillfactor = 30)",
        &["~ materialized view public.v"],
    ),
    (
        "create materialized view v as select id from t with no data",
        "refresh materialized view v",
        &[],
    ),
    ("", "alter type e add value 'three'", &["~ enum public.e"]),
    ("", "alter type e add value 'half' before 'two'", &["~ enum public.e"]),
    (
        "create domain d as int check (value > 0)",
        "alter domain d drop constraint d_check",
        &["~ domain public.d"],
    ),
    (
        "create domain d as int",
        "alter domain d set default 1",
        &["~ domain public.d"],
    ),
    (
        "create type c as (a int)",
        "alter type c add attribute b text",
        &["~ type public.c"],
    ),
    (
        "create type r as range (subtype = int)",
        "grant usage on type r to ROLE",
        &["~ type public.r"],
    ),
    ("", "alter sequence s increment 5", &["~ sequence public.s"]),
    ("", "select nextval('s'), setval('s', 77)", &[]),
    ("", "alter sequence s owned by t.b", &["~ sequence public.s"]),
    ("", "create collation c from \"C\"", &["+ collation public.c"]),
    (
        "",
        "create cast (e as int) with inout",
        &["+ cast (public.e as integer)"],
    ),
    (
        "",
        "create operator === (leftarg = int, rightarg = int, function = int4eq)",
        &["+ operator public.===(integer, integer)"],
    ),
    ("", "grant usage on schema app to ROLE", &["~ schema app"]),
    ("", "grant create on schema public to public", &["~ schema public"]),
    ("", "revoke usage on schema public from public", &["~ schema public"]),
    ("", "alter schema public owner to ROLE", &["~ schema public"]),
    ("", "comment on schema public is 'ours'", &["~ schema public"]),
    (
        "",
        "alter default privileges for role ROLE in schema app grant select on tables to ROLE2",
        &["+ default privileges for role ROLE in schema app on tables"],
    ),
    (
        "alter default privileges for role ROLE grant select on tables to ROLE2",
        "alter default privileges for role ROLE grant insert on tables to ROLE2",
        &["~ default privileges for role ROLE on tables"],
    ),
    (
        "create publication p for table t",
        "alter publication p add table app.u",
        &["~ publication p"],
    ),
    (
        "create publication p for table t",
        "alter publication p set table t where (b > 1)",
        &["~ publication p"],
    ),
    (
        "create publication p",
        "alter publication p set (publish = 'insert')",
        &["~ publication p"],
    ),
    (
        "create function w() returns event_trigger language plpgsql as 'begin end'",
        "create event trigger ddl on ddl_command_end execute function w()",
        &["+ event trigger ddl"],
    ),
    (
        "create function w() returns event_trigger language plpgsql as 'begin end'; create event trigger ddl on ddl_command_end execute function w()",
        "alter event trigger ddl disable",
        &["~ event trigger ddl"],
    ),
    (
        "create foreign data wrapper w; create server x foreign data wrapper w options (host 'a')",
        "alter server x options (set host 'b')",
        &["~ server x"],
    ),
    (
        "create foreign data wrapper w; create server x foreign data wrapper w",
        "create user mapping for ROLE server x",
        &["+ user mapping for ROLE on x"],
    ),
    (
        "create foreign data wrapper w; create server x foreign data wrapper w; create foreign table y (a int) server x",
        "alter foreign table y alter a options (n 'b')",
        &["~ foreign table public.y"],
    ),
    (
        "create subscription x connection 'host=127.0.0.1 password=hunter2' publication p with (connect = false, slot_name = none)",
        "alter subscription x set publication q with (refresh = false)",
        &["~ subscription x"],
    ),
    (
        "",
        "create text search configuration c (copy = simple)",
        &["+ text search configuration public.c"],
    ),
    ("", "create extension pg_trgm", &["+ extension pg_trgm"]),
    (
        "create extension pg_trgm",
        "alter extension pg_trgm set schema app",
        &["~ extension pg_trgm"],
    ),
];

pub(super) fn check(planted: &[Planted]) {
    let mut wrong = Vec::new();
    for (number, (before, change, expected)) in planted.iter().enumerate() {
        let db = TestDb::new();
        let role = format!("{}_{}", db.name(), number);
        let own = |text: &str| text.replace("ROLE", &role);
        db.psql(&own(&format!("{BASE} {before}")));
        let old = snapshot(&db);
        db.psql(&own(change));
        let new = snapshot(&db);
        let found: Vec<String> = differences(&old.mark(), &new.mark())
            .into_iter()
            .map(|it| {
                let sign = match it.change {
                    Change::Added => '+',
                    Change::Removed => '-',
                    Change::Changed => '~',
                };
                if it.change == Change::Changed {
                    let diff = unified(&old.objects[&it.id], &new.objects[&it.id]);
                    assert!(diff.contains("\n+") || diff.contains("\n-"), "{change}: {diff}");
                }
                format!("{sign} {}", it.id)
            })
            .collect();
        let expected: Vec<String> = expected.iter().map(|text| own(text)).collect();
        if found != expected {
            wrong.push(format!("{change}\n  found {found:?}\n  wanted {expected:?}"));
        }
        // A database with a subscription cannot be dropped.
        db.psql("drop subscription if exists x");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn changes_of_tables_are_named() {
    check(TABLES);
}

#[test]
fn changes_of_what_is_on_tables_are_named() {
    check(ON_TABLES);
}

#[test]
fn changes_of_other_objects_are_named() {
    check(OTHERS);
}
