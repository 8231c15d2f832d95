//! Two databases at "905" that are not the same 905: thirty differences of as many kinds, each found by its own name and nothing else.

use std::collections::BTreeSet;

use super::{found, history};
use crate::support::db::TestDb;
use crate::support::project::Project;

/// What is done by hand, how it is undone, and the objects that are told.
type ByHand = (&'static str, &'static str, &'static [&'static str]);

/// What the last migration of the history adds to the generated ones, so that there is something of every kind.
const LAST: &str = "create schema app;
create role ROLE;
create table app.plans (id int primary key, name text not null, price numeric default 1);
alter table app.plans enable row level security;
create policy readable on app.plans using (true);
comment on column app.plans.price is 'a month';
create type app.state as enum ('new', 'old');
create function app.price(int) returns int language sql as 'select $1';
create view app.cheap with (security_invoker = off) as select id from app.plans where price < 5;
create index plans_name_idx on app.plans (name);
create publication changes for table app.plans;
grant select on app.plans to ROLE;
alter default privileges in schema app grant select on tables to ROLE;
";

const BY_HAND: &[ByHand] = &[
    (
        "revoke select on app.plans from ROLE",
        "grant select on app.plans to ROLE",
        &["table app.plans"],
    ),
    (
        "grant update (name) on app.plans to ROLE",
        "revoke update (name) on app.plans from ROLE",
        &["table app.plans"],
    ),
    (
        "alter table app.plans alter price set default 2",
        "alter table app.plans alter price set default 1",
        &["table app.plans"],
    ),
    (
        "create or replace function app.price(int) returns int language sql as 'select $1 * 2'",
        "create or replace function app.price(int) returns int language sql as 'select $1'",
        &["function app.price(integer)"],
    ),
    (
        "alter function app.price(int) set search_path = ''",
        "alter function app.price(int) reset search_path",
        &["function app.price(integer)"],
    ),
    (
        "create policy extra on app.plans using (false)",
        "drop policy extra on app.plans",
        &["policy extra on app.plans"],
    ),
    (
        "alter policy readable on app.plans using (id > 0)",
        "alter policy readable on app.plans using (true)",
        &["policy readable on app.plans"],
    ),
    (
        "alter table app.plans disable row level security",
        "alter table app.plans enable row level security",
        &["table app.plans"],
    ),
    (
        "alter table app.plans force row level security",
        "alter table app.plans no force row level security",
        &["table app.plans"],
    ),
    (
        "alter table app.plans alter name drop not null",
        "alter table app.plans alter name set not null",
        &["table app.plans"],
    ),
    (
        "update pg_index set indisvalid = false where indexrelid = 'app.plans_name_idx'::regclass",
        "update pg_index set indisvalid = true where indexrelid = 'app.plans_name_idx'::regclass",
        &["index app.plans_name_idx"],
    ),
    (
        "alter view app.cheap set (security_invoker = on)",
        "alter view app.cheap set (security_invoker = off)",
        &["view app.cheap"],
    ),
    (
        "alter default privileges in schema app revoke select on tables from ROLE",
        "alter default privileges in schema app grant select on tables to ROLE",
        &["default privileges for role OWNER in schema app on tables"],
    ),
    (
        "alter publication changes add table orders_1",
        "alter publication changes drop table orders_1",
        &["publication changes"],
    ),
    (
        "comment on column app.plans.price is 'a year'",
        "comment on column app.plans.price is 'a month'",
        &["table app.plans"],
    ),
    (
        "alter table app.plans owner to ROLE",
        "alter table app.plans owner to OWNER; grant select on app.plans to ROLE",
        &["table app.plans"],
    ),
    (
        "create trigger by_hand before update on app.plans for each row execute function orders_1_touch()",
        "drop trigger by_hand on app.plans",
        &["trigger by_hand on app.plans"],
    ),
    (
        "alter table app.plans add constraint cheap check (price < 100)",
        "alter table app.plans drop constraint cheap",
        &["constraint cheap on app.plans"],
    ),
    (
        "create sequence app.numbers",
        "drop sequence app.numbers",
        &["sequence app.numbers"],
    ),
    // An enum's value cannot be taken out again: last.
    ("alter type app.state add value 'odd'", "", &["enum app.state"]),
];

struct Pair {
    local: TestDb,
    production: TestDb,
    project: Project,
}

impl Pair {
    fn new() -> Self {
        // One is a copy, the other was built by itself.
        let ((local, project), production) = (history(), TestDb::new());
        let last = LAST.replace("create role ROLE;\n", "").replace("ROLE", &role(&local));
        local.admin(&format!("create role {}", role(&local)));
        project.migration("00905_app.sql", last);
        for db in [&local, &production] {
            project.on(db, &["migrate", "--quiet"]).run().exits(0);
        }
        Self {
            local,
            production,
            project,
        }
    }

    /// What `drift-check` tells about production, as `code object`.
    fn told(&self, args: &[&str]) -> BTreeSet<String> {
        let run = self
            .project
            .on(&self.production, &[&["drift-check", "--format", "json"], args].concat())
            .run();
        let all = found(&run);
        let told = all.as_array().unwrap().iter();
        told.map(|one| format!("{} {}", one[0].as_str().unwrap(), one[1].as_str().unwrap()))
            .collect()
    }

    fn by_hand(&self, sql: &str) {
        self.production.psql(&self.named(sql));
    }

    fn named(&self, sql: &str) -> String {
        sql.replace("ROLE", &role(&self.local)).replace("OWNER", "postgres")
    }
}

fn role(db: &TestDb) -> String {
    format!("{}_app", db.name())
}

#[test]
fn what_is_done_by_hand_at_905_is_named_and_nothing_else() {
    let pair = Pair::new();
    let other = pair.local.url();
    let against = ["--against", other.as_str(), "--no-schema"];
    assert_eq!(pair.told(&[]), BTreeSet::new());
    assert_eq!(pair.told(&against), BTreeSet::new());
    for (plant, undo, objects) in BY_HAND {
        pair.by_hand(plant);
        let expected: BTreeSet<String> = objects
            .iter()
            .map(|object| format!("drift.schema {}", pair.named(object)))
            .collect();
        assert_eq!(pair.told(&[]), expected, "{plant}: since the last run");
        assert_eq!(pair.told(&against), expected, "{plant}: against the other database");
        if !undo.is_empty() {
            pair.by_hand(undo);
        }
    }
    assert_eq!(
        pair.told(&[]),
        BTreeSet::from(["drift.schema enum app.state".to_owned()]),
        "all else is undone"
    );
}
