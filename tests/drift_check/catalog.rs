//! The catalog against its mark, and against what the files make.

use serde_json::json;

use super::{applied, drift};
use crate::support::db::TestDb;
use crate::support::project::Project;

#[test]
fn a_hotfix_by_hand_is_seen_with_its_diff() {
    let (db, project) = applied();
    assert_eq!(drift(&db, &project, &[]), json!([]));
    db.psql("alter table orders alter v set default 'x'; create index by_hand on items (v)");
    assert_eq!(
        drift(&db, &project, &[]),
        json!([
            ["drift.schema", "index public.by_hand", "error"],
            ["drift.schema", "table public.orders", "error"]
        ])
    );
    assert_eq!(drift(&db, &project, &["--no-schema"]), json!([]));
    let run = project.on(&db, &["drift-check"]).run().exits(1);
    let diff: Vec<&str> = run
        .stdout
        .split('\n')
        .filter(|row| row.starts_with("    +") || row.starts_with("    -"))
        .collect();
    assert!(
        diff.iter().any(|row| row.contains("default 'x'::text")),
        "{}",
        run.stdout
    );
    db.psql("alter table orders alter v drop default; drop index by_hand");
    assert_eq!(drift(&db, &project, &[]), json!([]));
}

#[test]
fn data_and_upkeep_are_no_drift() {
    let (db, project) = applied();
    db.psql("insert into orders values (1, 'a'), (2, 'b'); delete from orders where id = 1");
    db.psql("vacuum full orders");
    db.psql("analyze; reindex table orders");
    db.psql(&format!(
        "alter database {} set search_path = pg_temp, public",
        db.name()
    ));
    assert_eq!(drift(&db, &project, &["--shadow"]), json!([]));
}

#[test]
fn the_shadow_finds_what_was_there_before_the_mark() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table by_hand (id int)");
    project
        .migration("1_a.sql", "create table a (id int);\n")
        .migration("2_b.sql", "create index concurrently a_id on a (id);\n")
        .migration(
            "3_c.sql",
            "grant select on a to public;\ncreate function f() returns int language sql as 'select 1';\n",
        );
    project.on(&db, &["migrate"]).run().exits(0);
    project.migration("4_pending.sql", "create table pending (id int);\n");
    assert_eq!(drift(&db, &project, &[]), json!([["drift.pending", "4", "info"]]));
    assert_eq!(
        drift(&db, &project, &["--shadow"]),
        json!([
            ["drift.schema", "table public.by_hand", "error"],
            ["drift.pending", "4", "info"]
        ])
    );
    let empty = TestDb::new();
    assert_eq!(
        drift(&db, &project, &["--shadow-url", &empty.url()]),
        json!([
            ["drift.schema", "table public.by_hand", "error"],
            ["drift.pending", "4", "info"]
        ])
    );
    // It is not empty any more.
    let run = project
        .on(&db, &["drift-check", "--shadow-url", &empty.url()])
        .run()
        .exits(3);
    assert!(run.stderr.contains("is not empty"), "{}", run.stderr);
}

#[test]
fn roles_and_owners_are_made_again_in_the_shadow() {
    let (db, project) = (TestDb::new(), Project::new());
    let role = format!("{}_App", db.name());
    db.admin(&format!("create role \"{role}\" login createrole"));
    db.psql(&format!(
        "grant create on database {} to \"{role}\"; grant create on schema public to \"{role}\"",
        db.name()
    ));
    project.migration(
        "1_a.sql",
        format!(
            "create table a (id int);\ngrant select on a to \"{role}\";\nalter table a enable row level security;\n"
        ),
    );
    project
        .rlsctl(&["migrate"])
        .env("DATABASE_URL", db.url_as(&role))
        .run()
        .exits(0);
    let run = project
        .rlsctl(&["drift-check", "--shadow"])
        .env("DATABASE_URL", db.url_as(&role))
        .run();
    assert!(!run.stdout.contains("table public.a "), "{}", run.stdout);
}

#[test]
fn a_file_that_needs_what_no_file_makes_is_named() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table by_hand (id int)");
    project
        .migration("0005_a.sql", "create table a (id int);\n")
        .migration("0009_b.sql", "alter table by_hand add column v text;\n");
    project.on(&db, &["migrate"]).run().exits(0);
    let run = project
        .on(&db, &["drift-check", "--shadow", "--format", "json"])
        .run()
        .exits(1);
    let finding = run.json()["findings"][0].clone();
    assert_eq!(finding["code"], "drift.shadow-failed");
    assert_eq!(finding["object"], "0009");
    assert!(
        finding["message"]
            .as_str()
            .unwrap()
            .contains("relation \"by_hand\" does not exist"),
        "{finding}"
    );
}
