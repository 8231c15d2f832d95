//! Differences of as many kinds among 905 files, each found by its own version and nothing else; one at a time, and all at once.

use fs_err as fs;
use serde_json::{Value, json};

use super::{GENERATED, commit, drift, found, history};
use crate::support::db::TestDb;
use crate::support::generate::migration;
use crate::support::project::Project;

const COUNT: usize = GENERATED + 1;

type Plant = fn(&TestDb, &Project);

/// What is planted, and all that may be found. No two concern the same files.
const CASES: &[(&str, Plant, &[[&str; 3]])] = &[
    (
        "an edited file",
        |_, project| write(project, 101, "create table other (id int);\n"),
        &[["drift.edited", "00101", "error"]],
    ),
    (
        "a reformatted file",
        |_, project| {
            let sql = text(201).replace("create table ", "CREATE  TABLE\n    ");
            write(project, 201, &format!("-- licence\n{sql}"));
        },
        &[["drift.cosmetic", "00201", "info"]],
    ),
    (
        "a file with CRLF line ends: no difference at all",
        |_, project| write(project, 301, &text(301).replace('\n', "\r\n")),
        &[],
    ),
    (
        "a re-stamped file",
        |_, project| {
            take_out(project, 401);
            project.migration("01401_moved.sql", text(401));
        },
        &[["drift.restamped", "00401", "error"]],
    ),
    (
        "a swapped pair of versions",
        |_, project| {
            write(project, 501, &text(502));
            write(project, 502, &text(501));
        },
        &[
            ["drift.restamped", "00501", "error"],
            ["drift.restamped", "00502", "error"],
        ],
    ),
    (
        "another migration under the same version",
        |_, project| {
            take_out(project, 601);
            project.migration("00601_reports.sql", "create table reports (id int);\n");
        },
        &[["drift.same-version", "00601", "error"]],
    ),
    (
        "a file that was taken out",
        |_, project| {
            take_out(project, 701);
            commit(project, "tidy up");
        },
        &[["drift.missing-file", "00701", "error"]],
    ),
    (
        "a gap",
        |_, project| {
            project.migration("00801.5_late.sql", "select 1;\n");
        },
        &[["drift.gap", "00801.5", "error"]],
    ),
    (
        "a pending file",
        |_, project| {
            project.migration("01402_next.sql", "select 1;\n");
        },
        &[["drift.pending", "01402", "info"]],
    ),
    (
        "a hotfix that was applied from somewhere else",
        |db, _| {
            let theirs = Project::new();
            theirs
                .generated(1..=COUNT)
                .migration("00906_hotfix.sql", "alter table orders_1 add column fixed boolean;\n");
            theirs.on(db, &["migrate", "--quiet"]).run().exits(0);
        },
        &[["drift.hotfix", "00906", "error"]],
    ),
];

fn text(number: usize) -> String {
    migration(number).sql
}

fn write(project: &Project, number: usize, sql: &str) {
    project.migration(&migration(number).file_name, sql);
}

fn take_out(project: &Project, number: usize) {
    project.remove(format!("migrations/{}", migration(number).file_name));
}

/// Makes the files what they were.
fn restore(project: &Project) {
    fs::remove_dir_all(project.path().join("migrations")).unwrap();
    project.generated(1..=COUNT);
}

/// What `migrate` refuses, which has to be what is an error for `drift-check`.
fn refused(db: &TestDb, project: &Project) -> Value {
    found(&project.on(db, &["migrate", "--format", "json"]).run().exits(6))
}

fn errors(expected: &Value) -> Value {
    let errors = expected.as_array().unwrap().iter().filter(|one| one[2] == "error");
    errors.cloned().collect()
}

#[test]
fn what_is_done_to_files_at_905_is_named_and_nothing_else() {
    let (db, project) = history();
    project.generated(COUNT..=COUNT);
    project.on(&db, &["migrate", "--quiet"]).run().exits(0);
    commit(&project, "all");
    assert_eq!(drift(&db, &project, &["--strict", "--no-pending"]), json!([]));
    for (name, plant, expected) in CASES {
        let expected = json!(expected);
        plant(&db, &project);
        assert_eq!(drift(&db, &project, &["--no-schema"]), expected, "{name}");
        let errors = errors(&expected);
        if errors != json!([]) {
            assert_eq!(refused(&db, &project), errors, "{name}");
        }
        restore(&project);
    }
    // The hotfix is the last one, and stays.
    for (_, plant, _) in CASES.split_last().unwrap().1 {
        plant(&db, &project);
    }
    let mut all: Vec<&[&str; 3]> = CASES.iter().flat_map(|(_, _, expected)| *expected).collect();
    all.sort_by_key(|one| (one[2], one[1]));
    assert_eq!(drift(&db, &project, &[]), json!(all));
    assert_eq!(refused(&db, &project), errors(&json!(all)));
    // Two files of one version: there is no history to compare.
    project.migration("000802_again.sql", "select 1;\n");
    let twice = json!([["drift.duplicate", "migrations/000802_again.sql", "error"]]);
    assert_eq!(drift(&db, &project, &[]), twice);
    assert_eq!(refused(&db, &project), twice);
}
