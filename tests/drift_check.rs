//! `rlsctl drift-check`: files, ledger and catalog.

mod catalog;
mod files;
mod planted;
mod planted_files;
mod sides;
mod situations;
mod who;

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::db::TestDb;
use crate::support::project::Project;
use crate::support::rlsctl::Run;

/// Six migrations, applied.
fn applied() -> (TestDb, Project) {
    let (db, project) = (TestDb::new(), Project::new());
    for (number, name) in ["orders", "items", "labels", "boards", "teams", "tokens"]
        .iter()
        .enumerate()
    {
        let number = number + 1;
        project.migration(
            &format!("000{number}_{name}.sql"),
            format!("-- {name}\ncreate table {name} (id int, v text);\n"),
        );
    }
    project.on(&db, &["migrate"]).run().exits(0);
    (db, project)
}

/// How many generated files [`history`] has.
const GENERATED: usize = 904;

/// A database to which that many generated migrations are applied, and its files. It is a copy: applying them takes seconds.
fn history() -> (TestDb, Project) {
    static ORIGINAL: OnceLock<TestDb> = OnceLock::new();
    let project = Project::new();
    project.generated(1..=GENERATED);
    let original = ORIGINAL.get_or_init(|| {
        let db = TestDb::new();
        project.on(&db, &["migrate", "--quiet"]).run().exits(0);
        db
    });
    (TestDb::copy_of(original), project)
}

/// `[code, object, severity]` of every finding.
fn found(run: &Run) -> Value {
    let findings = run.json()["findings"].as_array().cloned().unwrap_or_default();
    findings
        .iter()
        .map(|finding| json!([finding["code"], finding["object"], finding["severity"]]))
        .collect()
}

/// Runs `drift-check` and returns what it found; the exit code must say the same.
fn drift(db: &TestDb, project: &Project, args: &[&str]) -> Value {
    let mut all = vec!["drift-check", "--format", "json"];
    all.extend_from_slice(args);
    let run = project.on(db, &all).run();
    let found = found(&run);
    let errors = found.as_array().unwrap().iter().any(|one| one[2] == "error");
    run.exits(i32::from(errors));
    found
}

/// Makes the project a git repository and commits all of it.
fn commit(project: &Project, message: &str) {
    let git = |args: &[&str]| {
        let status = std::process::Command::new("git")
            .args([
                "-c",
                "user.name=Ada",
                "-c",
                "user.email=ada@example.com",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(args)
            .current_dir(project.path())
            .env("HOME", project.home())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "git {args:?}");
    };
    if !project.path().join(".git").exists() {
        git(&["init", "-q"]);
    }
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", message]);
}
