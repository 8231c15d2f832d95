//! Files against ledger. What is planted among many files is in `planted_files`.

use serde_json::json;

use super::{applied, commit, drift};

#[test]
fn nothing_to_report() {
    let (db, project) = applied();
    let run = project.on(&db, &["drift-check"]).run().exits(0);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 0
    ----- stdout -----
    files   c760518a1c3d migrations (plain layout, 6 files)
    ledger  c760518a1c3d [local:[socket]]/[db-name] as postgres (6 applied, newest 0006)
    catalog 8 objects as when rlsctl last ran, at [timestamp]
    no drift
    ----- stderr -----
    ");
    assert_eq!(drift(&db, &project, &["--strict", "--no-pending"]), json!([]));
}

#[test]
fn the_head_of_the_files_is_the_one_that_they_make() {
    let (db, project) = applied();
    let heads = || {
        let told = project.on(&db, &["drift-check", "--format", "json"]).run().json();
        ["head_of_files", "head"].map(|head| told["summary"][head].as_str().unwrap().to_owned())
    };
    let [files, ledger] = heads();
    assert_eq!(files, ledger);
    project.migration("0007_next.sql", "create table next (id int);\n");
    let [pending, still] = heads();
    assert_eq!(still, ledger);
    assert_ne!(pending, ledger);
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(heads(), [pending.clone(), pending.clone()]);
    // Edited: as many files as rows, and yet not theirs.
    project.migration("0007_next.sql", "create table next (id bigint);\n");
    let [edited, still] = heads();
    assert_eq!(still, pending);
    assert_ne!(edited, pending);
}

#[test]
fn a_pipeline_sees_all_that_was_looked_at_once() {
    let (db, project) = applied();
    let cases = |args: &[&str]| {
        let all = [&["drift-check", "--format", "junit"], args].concat();
        let run = project.on(&db, &all).run();
        run.stdout.matches("<testcase ").count()
    };
    assert_eq!(cases(&["--no-schema"]), 6);
    assert_eq!(cases(&[]), 6 + 8);
    project
        .migration("0007_next.sql", "select 1;\n")
        .migration("0003_labels.sql", "select 3;\n")
        .remove("migrations/0005_teams.sql");
    assert_eq!(cases(&["--no-schema"]), 7);
}

#[test]
fn what_is_only_told_can_be_made_an_error() {
    let (db, project) = applied();
    project
        .migration("0003_labels.sql", "create table labels (id int, v text);\n")
        .migration("0007_next.sql", "select 1;\n");
    assert_eq!(
        drift(&db, &project, &[]),
        json!([["drift.cosmetic", "0003", "info"], ["drift.pending", "0007", "info"]])
    );
    assert_eq!(
        drift(&db, &project, &["--strict", "--no-pending"]),
        json!([["drift.cosmetic", "0003", "error"], ["drift.pending", "0007", "error"]])
    );
    assert_eq!(drift(&db, &project, &["--no-files"]), json!([]));
}

#[test]
fn a_hotfix_is_written_back() {
    let (db, project) = applied();
    commit(&project, "six");
    let sql = "alter table orders add column fixed boolean;\n-- in a hurry: 'é'\n";
    db.psql(&format!(
        "insert into rlsctl.ledger (version, sort_key, name, checksum, token_checksum, sql, origin, transactional, tool_version) \
         select '0005.1', sort_key || '.', 'hotfix', encode(sha256(convert_to($t${sql}$t$, 'UTF8')), 'hex'), \
         repeat('0', 64), $t${sql}$t$, 'migrate', true, '0' from rlsctl.ledger where version = '0005'"
    ));
    assert_eq!(drift(&db, &project, &[]), json!([["drift.hotfix", "0005.1", "error"]]));
    let run = project.on(&db, &["drift-check", "--write-missing"]).run().exits(0);
    assert!(run.stdout.contains("0005.1_hotfix.sql"), "{}", run.stdout);
    assert_eq!(project.read("migrations/0005.1_hotfix.sql"), sql);
    // Written once, and then everything agrees.
    assert_eq!(drift(&db, &project, &["--write-missing", "--no-pending"]), json!([]));
    project.on(&db, &["migrate"]).run().exits(0);
}

#[test]
fn what_cannot_be_written_back_is_said() {
    let (db, project) = applied();
    db.psql("update rlsctl.ledger set sql = null where version = '0003'");
    project.remove("migrations/0003_labels.sql");
    assert_eq!(
        drift(&db, &project, &["--write-missing"]),
        json!([
            ["drift.missing-file", "0003", "error"],
            ["drift.not-written", "0003", "error"]
        ])
    );
}
