//! `--format github|sarif|junit|markdown`: what pipelines read, however the command ends.

use serde_json::{Value, json};

use crate::support::db::TestDb;
use crate::support::project::Project;
use crate::support::rlsctl::Run;

const FORMATS: [&str; 4] = ["github", "sarif", "junit", "markdown"];

/// A database on which the first file was edited and the second reformatted.
fn drifted() -> (TestDb, Project) {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration("0001_a.sql", "create table a (id int);\n")
        .migration("0002_b.sql", "create table b (id int);\n")
        .migration("0003_c.sql", "create table c (id int);\n");
    project.on(&db, &["migrate"]).run().exits(0);
    project
        .migration("0001_a.sql", "create table a (id bigint);\n")
        .migration("0002_b.sql", "CREATE TABLE b (id int);\n");
    (db, project)
}

fn xml(run: &Run) -> (usize, usize, usize) {
    let tree = roxmltree::Document::parse(&run.stdout).unwrap();
    let number = |name: &str| tree.descendants().filter(|node| node.has_tag_name(name)).count();
    (number("testcase"), number("failure"), number("error"))
}

#[test]
fn status_in_each_format() {
    let (db, project) = drifted();
    let run = |format: &str| project.on(&db, &["status", "--format", format]).run().exits(1);
    insta::assert_snapshot!(run("github").snapshot(), @r"
    exit: 1
    ----- stdout -----
    ::error file=migrations/0001_a.sql,line=1,col=1,title=drift.edited::0001 was edited after it was applied at [timestamp] by postgres%0Achecksum in ledger: 519a1e8e560b%0Achecksum of file: f3ce0dede48a%0Ahelp: restore the file as it was applied and put the change into a new migration; or, if it is meant to be so, `rlsctl accept 0001 --reason '...'`
    ::notice file=migrations/0002_b.sql,line=1,col=1,title=drift.cosmetic::0002 differs from what was applied in comments, white space or letter case only%0Achecksum in ledger: a042b2118853%0Achecksum of file: 07bbd90b208c%0Ahelp: nothing has to be done; `rlsctl accept VERSION --reason '...'` records the new form
    rlsctl status of [local:[socket]]/[db-name] as postgres: 1 error, 1 note; applied 3, cosmetic 1, drifted 1, head 0996b5f2e553, newest 0003, pending 0
    ----- stderr -----
    ");
    let markdown = run("markdown").stdout;
    let expected = "| | finding | object | what | what to do |\n| --- | --- | --- | --- | --- |\n\
        | error | drift.edited | 0001 | was edited after it was applied at ";
    assert!(markdown.contains(expected), "{markdown}");
    let rows = markdown.split_terminator('\n').filter(|line| line.starts_with('|'));
    assert_eq!(rows.count(), 4, "{markdown}");
    assert_eq!(xml(&run("junit")), (3, 1, 0));
    let log = run("sarif").json();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let told: Vec<Value> = results
        .iter()
        .map(|it| json!([it["ruleId"], it["level"], it["properties"]["object"]]))
        .collect();
    assert_eq!(
        json!(told),
        json!([["drift.edited", "error", "0001"], ["drift.cosmetic", "note", "0002"]])
    );
    assert_eq!(log["runs"][0]["invocations"][0]["exitCode"], 1);
}

#[test]
fn nothing_found_is_an_empty_document() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration("0001_a.sql", "create table a (id int);\n");
    project.on(&db, &["migrate"]).run().exits(0);
    let run = |format: &str| project.on(&db, &["status", "--format", format]).run().exits(0);
    assert!(!run("github").stdout.contains("::"));
    assert_eq!(xml(&run("junit")), (1, 0, 0));
    assert_eq!(run("sarif").json()["runs"][0]["results"], json!([]));
    assert!(run("markdown").stdout.contains("no findings"));
}

/// Both the findings and why it ended are in each.
#[test]
fn a_refusal_in_each_format() {
    let (db, project) = drifted();
    let run = |format: &str| project.on(&db, &["migrate", "--format", format]).run().exits(6);
    let github = run("github");
    assert_eq!(github.stdout.matches("::error ").count(), 2, "{}", github.stdout);
    assert!(
        github
            .stdout
            .contains("title=rlsctl migrate%2C exit code 6::refused before anything ran")
    );
    assert_eq!(xml(&run("junit")), (2, 1, 1));
    let log = run("sarif").json();
    assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], false);
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "drift.edited");
    let markdown = run("markdown").stdout;
    assert!(markdown.contains("**error, exit code 6:**") && markdown.contains("| drift.edited | 0001 |"));
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "3");
}

#[test]
fn that_it_could_not_look_is_in_each_format() {
    let project = Project::new();
    project.migration("0001_a.sql", "select 1;\n");
    for (args, code) in [(&["status"][..], 3), (&["migrate"], 3), (&["status", "--nope"], 2)] {
        for format in FORMATS {
            let run = project.rlsctl(args).arg("--format").arg(format);
            let run = run
                .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing")
                .run()
                .exits(code);
            let is_told = match format {
                "github" => run.stdout.starts_with("::error title="),
                "sarif" => {
                    let invocation = run.json()["runs"][0]["invocations"][0].clone();
                    invocation["exitCode"] == code && invocation["toolExecutionNotifications"][0]["level"] == "error"
                }
                "junit" => xml(&run) == (1, 0, 1),
                _ => run.stdout.contains(&format!("**error, exit code {code}:**")),
            };
            assert!(is_told, "{format}\n{}\n{}", run.stdout, run.stderr);
        }
    }
}

#[test]
fn a_command_without_findings_says_so() {
    let project = Project::new();
    project.migration("0001_a.sql", "select 1;\n");
    for format in FORMATS {
        for args in [&["new", "x"][..], &["init"]] {
            let run = project.rlsctl(args).arg("--format").arg(format).run().exits(2);
            assert!(
                run.stderr.contains(&format!("no findings to print as {format}")),
                "{}",
                run.stderr
            );
            assert!(!run.stdout.is_empty());
        }
    }
    assert_eq!(fs_err::read_dir(project.path().join("migrations")).unwrap().count(), 1);
    assert!(!project.path().join("rlsctl.toml").exists());
}

/// Of a file's text nothing may reach the runner as a command, on neither stream.
#[test]
fn a_migration_cannot_speak_to_the_runner() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration(
        "0001_a.sql",
        "do $$ begin raise warning E'x\\n::set-env name=PATH::/evil\\n##[group]y'; raise E'z\\n::error::w'; end $$;\n",
    );
    let run = project.on(&db, &["migrate", "--format", "github"]).run().exits(5);
    for line in run
        .stdout
        .split_terminator('\n')
        .chain(run.stderr.split_terminator('\n'))
    {
        let is_command =
            line.trim_start().starts_with("::") && !line.starts_with("::error file=migrations/0001_a.sql,");
        assert!(!is_command && !line.contains("##["), "{line}");
    }
    assert!(run.stderr.contains(": :set-env"), "{}", run.stderr);
}
