//! Who and when, as far as the server can tell.

use serde_json::Value;

use super::applied;
use crate::support::db::{TestDb, psql};
use crate::support::project::Project;
use crate::support::proxy::Proxy;
use crate::support::servers::server_with;

/// Each made by hand, with its object.
const BY_HAND: &[(&str, &str)] = &[
    ("alter table a alter v set default 'x'", "table public.a"),
    ("comment on column \"B\".v is 'x'", "table public.\"B\""),
    ("create index by_hand on a (v)", "index public.by_hand"),
    ("create policy p on a using (true)", "policy p on public.a"),
    (
        "alter table a add constraint c check (id > 0)",
        "constraint c on public.a",
    ),
    (
        "create or replace function f(int, text) returns int language sql as 'select 2'",
        "function public.f(integer, text)",
    ),
    ("alter type e add value 'z'", "enum public.e"),
    (
        "create or replace view v as select id, id as other from a",
        "view public.v",
    ),
    ("create schema app", "schema app"),
    ("create sequence app.s", "sequence app.s"),
    (
        "alter default privileges in schema app grant select on tables to public",
        "default privileges for role postgres in schema app on tables",
    ),
    ("create publication changes for table a", "publication changes"),
    (
        "create trigger t before update on a for each row execute function suppress_redundant_updates_trigger()",
        "trigger t on public.a",
    ),
];

const FILE: &str = "create table a (id int, v text);
create table \"B\" (id int, v text);
create function f(int, text) returns int language sql as 'select 1';
create type e as enum ('y');
create view v as select id from a;
create table gone (id int);
";

fn evidence<'a>(findings: &'a [Value], object: &str) -> &'a Value {
    let found = findings.iter().find(|one| one["object"] == object);
    &found.unwrap_or_else(|| panic!("{object} is not told: {findings:?}"))["evidence"]
}

#[test]
fn when_an_object_was_last_written_is_told_where_the_server_keeps_it() {
    let server = server_with(&[("track_commit_timestamp", "on")]);
    let sql = |sql: &str| psql(&server, &server.dsn("postgres"), sql).unwrap_or_else(|error| panic!("{sql}\n{error}"));
    let project = Project::new();
    project.migration("1_a.sql", FILE);
    let run = |args: &[&str]| {
        project
            .rlsctl(args)
            .env("DATABASE_URL", server.url("postgres"))
            .env("PGTZ", "Asia/Tokyo")
            .run()
    };
    run(&["migrate"]).exits(0);
    for (by_hand, _) in BY_HAND {
        sql(by_hand);
    }
    sql("drop table gone; create role ada; alter table \"B\" owner to ada");
    let told = run(&["drift-check", "--format", "json"]).exits(1).json();
    let findings = told["findings"].as_array().unwrap();
    // `gone` is told too, of which the server knows nothing any more.
    assert_eq!(findings.len(), BY_HAND.len() + 1, "{findings:?}");
    assert_eq!(evidence(findings, "table public.gone").get("changed_at"), None);
    assert_eq!(evidence(findings, "table public.gone").get("owner"), None);
    for (by_hand, object) in BY_HAND {
        let evidence = evidence(findings, object);
        let at = evidence["changed_at"]
            .as_str()
            .unwrap_or_else(|| panic!("{by_hand}: {evidence}"));
        // After the mark was taken, by the server's own clock, and not in the future.
        let between = format!("select '{at}' > taken_at and '{at}' <= now() from rlsctl.schema_mark");
        assert_eq!(sql(&between), "t", "{by_hand}: {at}");
        let owner = if *object == "table public.\"B\"" {
            "ada"
        } else {
            "postgres"
        };
        assert_eq!(evidence["owner"], owner, "{by_hand}");
    }
    run(&["accept", "schema", "--reason", "meant so"]).exits(0);
    sql("create index last on a (id)");
    let text = run(&["drift-check"]).exits(1).stdout;
    assert!(
        text.contains("  changed at: 2") && text.contains("  owner: postgres\n"),
        "{text}"
    );
    // A frozen row keeps its writer's number, and one from before the server kept times has none: no error either way.
    sql("vacuum freeze pg_class, pg_attribute");
    run(&["drift-check"]).exits(1);
}

#[test]
fn without_the_setting_no_time_is_told_and_nothing_fails() {
    let (db, project) = applied();
    assert_eq!(db.psql("show track_commit_timestamp"), "off");
    db.psql("create index by_hand on items (v)");
    let told = project
        .on(&db, &["drift-check", "--format", "json"])
        .run()
        .exits(1)
        .json();
    let evidence = evidence(told["findings"].as_array().unwrap(), "index public.by_hand").clone();
    assert_eq!(
        (evidence.get("changed_at"), &evidence["owner"]),
        (None, &Value::from("postgres"))
    );
}

#[test]
fn a_server_that_refuses_to_tell_is_no_error() {
    let (db, project) = applied();
    let role = format!("{}_plain", db.name());
    db.psql(&format!(
        "create role {role} login; grant usage on schema rlsctl to {role}; grant select on all tables in schema rlsctl to {role};
         revoke execute on function pg_xact_commit_timestamp(xid) from public; create index by_hand on items (v)"
    ));
    let args = ["drift-check", "--format", "json"];
    let run = project.rlsctl(&args).env("DATABASE_URL", db.url_as(&role)).run();
    let told = run.exits(1).json();
    let evidence = evidence(told["findings"].as_array().unwrap(), "index public.by_hand").clone();
    assert!(
        evidence.get("diff").is_some() && evidence.get("owner").is_none(),
        "{evidence}"
    );
}

#[test]
fn it_is_asked_only_when_something_differs() {
    let (db, project) = applied();
    let trips = |db: &TestDb| {
        let proxy = Proxy::before(db.server());
        let url = proxy.url(db.name());
        project.rlsctl(&["drift-check"]).env("DATABASE_URL", url).run();
        (
            proxy.counts().round_trips,
            proxy.sql().iter().any(|sql| sql.contains("pg_xact_commit_timestamp")),
        )
    };
    let (clean, asked) = trips(&db);
    assert!(!asked);
    db.psql("create index by_hand on items (v)");
    assert_eq!(trips(&db), (clean + 1, true));
}
