//! Files against ledger.

use serde_json::json;

use super::{applied, commit, drift, found};
use crate::support::db::TestDb;
use crate::support::project::Project;

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

type Plant = fn(&TestDb, &Project);

/// What is planted, and all that may be found.
const CASES: &[(&str, Plant, &[[&str; 3]])] = &[
    (
        "an edited file",
        |_, project| {
            project.migration("0003_labels.sql", "create table labels (id int, v text, w text);\n");
        },
        &[["drift.edited", "0003", "error"]],
    ),
    (
        "a reformatted file",
        |_, project| {
            project.migration(
                "0003_labels.sql",
                "-- licence\nCREATE TABLE labels (id int,\n  v text);\n",
            );
        },
        &[["drift.cosmetic", "0003", "info"]],
    ),
    (
        "a file with CRLF line ends: no difference at all",
        |_, project| {
            project.migration(
                "0003_labels.sql",
                "-- labels\r\ncreate table labels (id int, v text);\r\n",
            );
        },
        &[],
    ),
    (
        "a re-stamped file",
        |_, project| {
            let text = project.read("migrations/0003_labels.sql");
            project
                .remove("migrations/0003_labels.sql")
                .migration("0007_labels.sql", text);
        },
        &[["drift.restamped", "0003", "error"]],
    ),
    (
        "a swapped pair of versions",
        |_, project| {
            let [a, b] = ["0003_labels", "0004_boards"].map(|name| project.read(format!("migrations/{name}.sql")));
            project.migration("0003_labels.sql", b).migration("0004_boards.sql", a);
        },
        &[
            ["drift.restamped", "0003", "error"],
            ["drift.restamped", "0004", "error"],
        ],
    ),
    (
        "another migration under the same version",
        |_, project| {
            project
                .remove("migrations/0006_tokens.sql")
                .migration("0006_reports.sql", "create table reports (id int);\n");
        },
        &[["drift.same-version", "0006", "error"]],
    ),
    (
        "a hotfix that was applied from somewhere else",
        |db, _| {
            let hotfix = Project::new();
            for (number, name) in ["orders", "items", "labels", "boards", "teams", "tokens"]
                .iter()
                .enumerate()
            {
                let number = number + 1;
                hotfix.migration(
                    &format!("000{number}_{name}.sql"),
                    format!("-- {name}\ncreate table {name} (id int, v text);\n"),
                );
            }
            hotfix.migration("0007_hotfix.sql", "alter table orders add column fixed boolean;\n");
            hotfix.on(db, &["migrate"]).run().exits(0);
        },
        &[["drift.hotfix", "0007", "error"]],
    ),
    (
        "a file that was taken out",
        |_, project| {
            project.remove("migrations/0003_labels.sql");
            commit(project, "tidy up");
        },
        &[["drift.missing-file", "0003", "error"]],
    ),
    (
        "a gap",
        |_, project| {
            project.migration("0003.5_late.sql", "select 1;\n");
        },
        &[["drift.gap", "0003.5", "error"]],
    ),
    (
        "a pending file",
        |_, project| {
            project.migration("0007_next.sql", "select 1;\n");
        },
        &[["drift.pending", "0007", "info"]],
    ),
    (
        "two files of one version",
        |_, project| {
            project.migration("006_again.sql", "select 1;\n");
        },
        &[["drift.duplicate", "migrations/0006_tokens.sql", "error"]],
    ),
];

#[test]
fn each_kind_is_named_and_nothing_else() {
    for (name, plant, expected) in CASES {
        let (db, project) = applied();
        commit(&project, "six");
        assert_eq!(drift(&db, &project, &[]), json!([]), "{name}: before");
        plant(&db, &project);
        assert_eq!(drift(&db, &project, &[]), json!(expected), "{name}");
        // `migrate` refuses by the same code what is an error here.
        let errors = expected.iter().filter(|one| one[2] == "error");
        let errors: Vec<_> = errors.map(|one| json!(one[0])).collect();
        if !errors.is_empty() {
            let run = project.on(&db, &["migrate", "--format", "json"]).run().exits(6);
            let refused: Vec<_> = found(&run)
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one[0].clone())
                .collect();
            assert_eq!(refused, errors, "{name}");
        }
    }
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
