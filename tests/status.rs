//! `rlsctl status`: where a target stands, for people and for machines.

use serde_json::json;

use crate::support::db::TestDb;
use crate::support::project::Project;

fn three(project: &Project) {
    project
        .migration("0001_a.sql", "create table a (id int);\n")
        .migration("0002_b.sql", "create table b (id int);\n")
        .migration("0003_c.sql", "create table c (id int);\n");
}

#[test]
fn without_a_ledger() {
    let (db, project) = (TestDb::new(), Project::new());
    three(&project);
    let run = project.on(&db, &["status"]).run().exits(0);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 0
    ----- stdout -----
    target  [local:[socket]]/[db-name] as postgres
    files   migrations (plain layout, 3 files)
    head    no ledger: rlsctl has not run here yet
    applied 0
    pending 3
            0001 a
            0002 b
            0003 c
    ----- stderr -----
    ");
    assert_eq!(
        db.psql("select to_regnamespace('rlsctl') is null"),
        "t",
        "it changed the database"
    );
    let document = project.on(&db, &["status", "--format", "json"]).run().exits(0).json();
    assert_eq!(document["summary"]["head"], serde_json::Value::Null);
    db.psql("create table _sqlx_migrations (version bigint primary key, description text, installed_on timestamptz, success boolean, checksum bytea, execution_time bigint)");
    let run = project.on(&db, &["status"]).run().exits(0);
    assert!(
        run.stdout
            .contains("another tool's ledger is here: public._sqlx_migrations"),
        "{}",
        run.stdout
    );
}

#[test]
fn applied_and_pending() {
    let (db, project) = (TestDb::new(), Project::new());
    three(&project);
    project.on(&db, &["migrate", "--to", "0002"]).run().exits(0);
    let run = project.on(&db, &["status"]).run().exits(0);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 0
    ----- stdout -----
    target  [local:[socket]]/[db-name] as postgres
    files   migrations (plain layout, 3 files)
    head    492e46aa2bc2
    applied 2, newest 0002
    pending 1
            0003 c
    ----- stderr -----
    ");
    project.on(&db, &["migrate"]).run().exits(0);
    let run = project.on(&db, &["status"]).run().exits(0);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 0
    ----- stdout -----
    target  [local:[socket]]/[db-name] as postgres
    files   migrations (plain layout, 3 files)
    head    0996b5f2e553
    applied 3, newest 0003
    pending 0
    ----- stderr -----
    ");
}

#[test]
fn the_head_is_short_for_people_and_whole_for_machines() {
    let (db, other, project) = (TestDb::new(), TestDb::new(), Project::new());
    three(&project);
    project.on(&db, &["migrate"]).run().exits(0);
    let text = project.on(&db, &["status"]).run().exits(0).stdout;
    let document = project.on(&db, &["status", "--format", "json"]).run().exits(0).json();
    let head = document["summary"]["head"].as_str().unwrap();
    assert_eq!(head.len(), 64);
    assert!(text.contains(&format!("head    {}\n", &head[..12])), "{text}");
    assert!(!text.contains(head), "{text}");
    // The same numbers with other content have another head.
    project.migration("0002_b.sql", "create table b (id bigint);\n");
    project.on(&other, &["migrate"]).run().exits(0);
    let document = project
        .on(&other, &["status", "--format", "json"])
        .run()
        .exits(0)
        .json();
    assert_eq!(document["summary"]["applied"], 3);
    assert_ne!(document["summary"]["head"].as_str().unwrap(), head);
}

/// A database and a project that disagree in every way.
fn drifted() -> (TestDb, Project) {
    let (db, project) = (TestDb::new(), Project::new());
    three(&project);
    project
        .migration("0005_e.sql", "create table e (id int);\n")
        .migration("0006_f.sql", "create table f (id int);\n");
    project.on(&db, &["migrate"]).run().exits(0);
    project
        .migration("0001_a.sql", "create table a (id bigint);\n")
        .migration("0002_b.sql", "-- licence\nCREATE TABLE b (id int);\n")
        .remove("migrations/0003_c.sql")
        .migration("0004_d.sql", "create table d (id int);\n")
        .remove("migrations/0006_f.sql")
        .migration("0007_f.sql", "create table f (id int);\n")
        .migration("0008_g.sql", "create table g (id int);\n");
    (db, project)
}

#[test]
fn every_kind_of_drift_is_shown() {
    let (db, project) = drifted();
    let run = project.on(&db, &["status"]).run().exits(1);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 1
    ----- stdout -----
    target  [local:[socket]]/[db-name] as postgres
    files   migrations (plain layout, 6 files)
    head    c54818d8d454
    applied 5, newest 0006
    pending 2
            0004 d
            0008 g

    5 findings
    error [drift.edited] 0001 was edited after it was applied at [timestamp] by postgres
      at migrations/0001_a.sql:1:1
      checksum in ledger: 519a1e8e560b
      checksum of file: f3ce0dede48a
      help: restore the file as it was applied and put the change into a new migration; or, if it is meant to be so, `rlsctl accept 0001 --reason '...'`
    error [drift.missing-file] 0003 (c) is applied, but has no file; applied at [timestamp] by postgres
      checksum in ledger: 5bcdce4a73ee
      help: get the file back; or `rlsctl drift-check --write-missing` writes the file from the ledger's text
    error [drift.gap] 0004 is pending, but the newer 0006 is applied
      at migrations/0004_d.sql:1:1
      newest applied: 0006
      help: give it a newer version, or run it where it is with `rlsctl migrate --allow-out-of-order`
    error [drift.restamped] 0006 is applied, and its statements are now in a file of version 0007
      at migrations/0007_f.sql:1:1
      checksum in ledger: d2c434feef4a
      checksum of file: d2c434feef4a
      version of file: 0007
      help: give the file its version 0006 back; running it under the new one would apply it twice
    info [drift.cosmetic] 0002 differs from what was applied in comments, white space or letter case only
      at migrations/0002_b.sql:1:1
      checksum in ledger: a042b2118853
      checksum of file: e2d59544f7b0
      help: nothing has to be done; `rlsctl accept VERSION --reason '...'` records the new form
    ----- stderr -----
    ");
}

#[test]
fn every_kind_of_drift_is_a_finding() {
    let (db, project) = drifted();
    let document = project.on(&db, &["status", "--format", "json"]).run().exits(1).json();
    let codes: Vec<_> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| json!([finding["code"], finding["object"], finding["severity"]]))
        .collect();
    let expected = json!([
        ["drift.edited", "0001", "error"],
        ["drift.missing-file", "0003", "error"],
        ["drift.gap", "0004", "error"],
        ["drift.restamped", "0006", "error"],
        ["drift.cosmetic", "0002", "info"],
    ]);
    assert_eq!(json!(codes), expected);
    assert_eq!(
        (&document["summary"]["drifted"], &document["summary"]["cosmetic"]),
        (&json!(4), &json!(1))
    );
    let evidence = &document["findings"][0]["evidence"];
    assert_eq!(evidence["checksum_in_ledger"].as_str().unwrap().len(), 64);
    assert_eq!(document["findings"][0]["location"]["path"], "migrations/0001_a.sql");
    // A version that was changed afterwards is not pending: it would be applied twice.
    assert_eq!(
        document["pending"],
        json!([{ "version": "0004", "name": "d" }, { "version": "0008", "name": "g" }])
    );
}

#[test]
fn a_cosmetic_edit_alone_is_no_drift() {
    let (db, project) = (TestDb::new(), Project::new());
    three(&project);
    project.on(&db, &["migrate"]).run().exits(0);
    project.migration("0002_b.sql", "CREATE TABLE b\n  (id int);");
    let document = project.on(&db, &["status", "--format", "json"]).run().exits(0).json();
    assert_eq!(
        (&document["ok"], &document["summary"]["drifted"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(document["findings"][0]["code"], "drift.cosmetic");
}

#[test]
fn half_applied() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration(
        "0001_a.sql",
        "create table a (id int);\ncreate index concurrently a_id on a (id);\nselect 1/0;\n",
    );
    project.on(&db, &["migrate"]).run().exits(7);
    let run = project.on(&db, &["status"]).run().exits(0);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 0
    ----- stdout -----
    target  [local:[socket]]/[db-name] as postgres
    files   migrations (plain layout, 1 file)
    head    e3b0c44298fc
    applied 0
    pending 1
            0001 a
    half    0001 is half applied; `rlsctl migrate` goes on from there
    ----- stderr -----
    ");
    let document = project.on(&db, &["status", "--format", "json"]).run().exits(0).json();
    assert_eq!(document["unfinished"], json!(["0001"]));
}

/// A terminal has 24 lines.
fn fits_a_screen(text: &str) {
    let lines: Vec<&str> = text.split('\n').collect();
    assert!(lines.len() <= 24, "{} lines\n{text}", lines.len());
    let widest = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
    assert!(widest <= 100, "{widest} columns\n{text}");
}

#[test]
fn nine_hundred_and_five_files_fit_a_screen() {
    let (db, project) = (TestDb::new(), Project::new());
    project.generated(1..=905);
    let run = project.on(&db, &["status"]).run().exits(0);
    fits_a_screen(&run.stdout);
    assert!(
        run.stdout.contains("pending 905") && run.stdout.contains("and 890 more"),
        "{}",
        run.stdout
    );
    project.on(&db, &["migrate"]).run().exits(0);
    // A licence header in every file, as happens: all of it is said, in a few lines.
    for number in 1..=905 {
        let migration = crate::support::generate::migration(number);
        project.migration(&migration.file_name, format!("-- licence\n{}", migration.sql));
    }
    let run = project.on(&db, &["status"]).run().exits(0);
    fits_a_screen(&run.stdout);
    assert!(run.stdout.contains("905 times"), "{}", run.stdout);
    let document = project.on(&db, &["status", "--format", "json"]).run().exits(0).json();
    assert_eq!(document["findings"].as_array().unwrap().len(), 905);
    let run = project.on(&db, &["migrate"]).run().exits(0);
    fits_a_screen(&run.stderr);
}
