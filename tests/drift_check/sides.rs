//! Two databases with one another, and a third place that both came from.

use serde_json::json;

use super::{applied, commit, drift};
use crate::support::db::TestDb;

#[test]
fn two_databases_at_the_same_number() {
    let (db, project) = applied();
    let other = TestDb::new();
    project.migration("0006_tokens.sql", "create table tokens (id int, hotfix boolean);\n");
    project.on(&other, &["migrate", "--to", "0005"]).run().exits(0);
    project.on(&other, &["migrate"]).run().exits(0);
    project
        .migration("0006_tokens.sql", "-- tokens\ncreate table tokens (id int, v text);\n")
        .migration("0007_next.sql", "select 1;\n");
    project.on(&db, &["migrate"]).run().exits(0);
    let url = other.url();
    assert_eq!(
        drift(&db, &project, &["--against", &url]),
        json!([
            ["drift.schema", "table public.tokens", "error"],
            ["drift.edited", "0006", "error"],
            ["drift.only-one", "0007", "error"]
        ])
    );
    let run = project.on(&db, &["drift-check", "--against", &url]).run().exits(1);
    let heads: Vec<&str> = run.stdout.split('\n').filter(|row| row.starts_with("head")).collect();
    assert_eq!(heads.len(), 1, "{}", run.stdout);
    assert!(
        run.stdout.split('\n').all(|row| row.chars().count() <= 200),
        "{}",
        run.stdout
    );
    assert_eq!(drift(&db, &project, &["--against", &db.url()]), json!([]));
}

#[test]
fn who_moved_away() {
    let (db, project) = applied();
    commit(&project, "six");
    project.migration("0003_labels.sql", "create table labels (id int, w text);\n");
    db.psql(
        "update rlsctl.ledger set checksum = repeat('0', 64), token_checksum = repeat('0', 64) where version = '0004'",
    );
    project.migration("0005_teams.sql", "create table teams (id int, w text);\n");
    db.psql(
        "update rlsctl.ledger set checksum = repeat('1', 64), token_checksum = repeat('1', 64) where version = '0005'",
    );
    let before = project.read("migrations/0003_labels.sql");
    let moved = |args: &[&str]| {
        let mut all = vec!["drift-check", "--format", "json"];
        all.extend_from_slice(args);
        let run = project.on(&db, &all).run().exits(1);
        let findings = run.json()["findings"].as_array().cloned().unwrap();
        let moved = findings
            .iter()
            .map(|one| json!([one["object"], one["evidence"]["moved"]]));
        serde_json::Value::Array(moved.collect())
    };
    let expected = json!([["0003", "files"], ["0004", "target"], ["0005", "both"]]);
    assert_eq!(moved(&["--reference", "git:HEAD"]), expected);
    assert_eq!(
        project.read("migrations/0003_labels.sql"),
        before,
        "the work tree is not touched"
    );
    commit(&project, "edited");
    assert_eq!(moved(&["--reference", "git:HEAD~1"]), expected);
    assert_eq!(
        moved(&["--reference", "migrations"]),
        json!([["0003", "target"], ["0004", "target"], ["0005", "target"]])
    );
    let run = project
        .on(&db, &["drift-check", "--reference", "git:nowhere"])
        .run()
        .exits(3);
    assert!(
        run.stderr.contains("git has no migrations in nowhere"),
        "{}",
        run.stderr
    );
}
