//! `rlsctl adopt`: another tool's ledger is taken over, nothing is run, and the other tool goes on working.

mod findings;
mod ledgers;
mod refusals;
mod since;

use serde_json::{Value, json};

use crate::support::db::TestDb;
use crate::support::project::Project;

/// The first migration; the documented checksums of all tools are of this text.
const FIRST: &str = "CREATE TABLE t (id int);\n";
/// The second one.
const SECOND: &str = "ALTER TABLE t ADD x int;\n";

/// A database that another tool has migrated, and the project's files.
struct Migrated {
    db: TestDb,
    project: Project,
}

impl Migrated {
    /// Returns a database with the two migrations in it, and the other tool's ledger as `ledger` makes it.
    fn new(layout: &str, files: &[(&str, &str)], ledger: &str) -> Self {
        let (db, project) = (TestDb::new(), Project::new());
        db.psql(FIRST);
        db.psql(SECOND);
        db.psql(ledger);
        project.config(&format!("[migrations]\ndir = \"migrations\"\nlayout = \"{layout}\"\n"));
        for (name, content) in files {
            project.migration(name, content);
        }
        Self { db, project }
    }

    fn run(&self, args: &[&str], code: i32) -> Value {
        let run = self.project.on(&self.db, args).arg("--format").arg("json");
        run.run().exits(code).json()
    }

    /// Returns what was taken over: version and class of each.
    fn adopt(&self) -> Vec<(String, String)> {
        let document = self.run(&["adopt"], 0);
        let rows = document["migrations"].as_array().unwrap().iter();
        let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
        rows.map(|row| (text(row, "version"), text(row, "class"))).collect()
    }

    /// Returns code and object of what keeps it from being adopted; nothing may have been written.
    fn refused(&self, args: &[&str]) -> Vec<(String, String)> {
        let before = self.db.catalog();
        let document = self.run(&[&["adopt"], args].concat(), 6);
        assert_eq!(self.db.catalog(), before, "something was written");
        let planned = self.run(&[&["adopt", "--dry-run"], args].concat(), 6);
        assert_eq!(planned["findings"], document["findings"]);
        let findings = document["findings"].as_array().unwrap().iter();
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
        findings
            .filter(|finding| finding["severity"] == "error")
            .map(|finding| (text(finding, "code"), text(finding, "object")))
            .collect()
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(one, other): &(&str, &str)| ((*one).to_owned(), (*other).to_owned());
    expected.iter().map(owned).collect()
}

const SQLX: &str = "create table _sqlx_migrations (version bigint primary key, description text not null, \
    installed_on timestamptz not null default '2024-01-02 03:04:05+00', success boolean not null, checksum bytea not null, \
    execution_time bigint not null)";

/// Two migrations that sqlx has applied; the server's own sha384 stands for sqlx'.
fn sqlx() -> Migrated {
    let ledger = format!(
        "{SQLX}; insert into _sqlx_migrations (version, description, success, checksum, execution_time) values
        (1, 'first one', true, sha384(convert_to('{FIRST}', 'UTF8')), -1),
        (2, 'second', true, sha384(convert_to('{SECOND}', 'UTF8')), 5)"
    );
    Migrated::new("sqlx", &[("1_first_one.sql", FIRST), ("2_second.sql", SECOND)], &ledger)
}

#[test]
fn for_people_and_for_machines() {
    let migrated = sqlx();
    migrated
        .project
        .migration("3_third.sql", "CREATE TABLE third (id int);\n");
    let (db, project) = (&migrated.db, &migrated.project);
    let before = db.catalog();
    let run = project.on(db, &["adopt", "--dry-run"]).run().exits(0);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 0
    ----- stdout -----
    target  [local:[socket]]/[db-name] as postgres
    ledger  public._sqlx_migrations (sqlx)
    files   migrations (sqlx layout, 3 files)
            verified 1 first_one
            verified 2 second
    adopt   would take over 2 migrations: 2 verified, 0 trusted; nothing was changed
    pending 1
    head    b66cc57382cd
    ----- stderr -----
    ");
    assert_eq!(db.catalog(), before, "--dry-run wrote something");
    let planned = migrated.run(&["adopt", "--dry-run"], 0);
    let run = project.on(db, &["adopt"]).run().exits(0);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 0
    ----- stdout -----
    target  [local:[socket]]/[db-name] as postgres
    ledger  public._sqlx_migrations (sqlx)
    files   migrations (sqlx layout, 3 files)
    adopt   took over 2 migrations: 2 verified, 0 trusted
    pending 1
    head    b66cc57382cd
    ----- stderr -----
    target: [local:[socket]]/[db-name] as postgres
    ");
    assert_eq!(
        planned["migrations"][0],
        json!({
            "class": "verified",
            "name": "first_one",
            "row": "1",
            "stored": "e1cc0b49a7d453bb345d9fc52670c0bfd4a694b2befb7061a9bad55916701e1ef4ddd22ee7cb1c80b4317a1b5780422c",
            "version": "1",
            "why": null,
        })
    );
    assert_eq!(
        (&planned["dry_run"], &planned["ledger"], &planned["tool"]),
        (&json!(true), &json!("public._sqlx_migrations"), &json!("sqlx"))
    );
    let run = project.on(db, &["adopt"]).run().exits(0);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 0
    ----- stdout -----
    target  [local:[socket]]/[db-name] as postgres
    ledger  public._sqlx_migrations (sqlx)
    files   migrations (sqlx layout, 3 files)
    adopt   already adopted: nothing to do
            2 in rlsctl's ledger before
    pending 1
    head    b66cc57382cd
    ----- stderr -----
    ");
}

#[test]
fn rows_and_events_say_where_they_come_from() {
    let migrated = sqlx();
    migrated.adopt();
    let db = &migrated.db;
    let rows = db.psql(
        "select version, name, origin, sql, applied_at at time zone 'UTC', transactional, duration is null from rlsctl.ledger order by sort_key",
    );
    assert_eq!(
        rows,
        "1|first_one|adopt|CREATE TABLE t (id int);\n|2024-01-02 03:04:05|t|t\n2|second|adopt|ALTER TABLE t ADD x int;\n|2024-01-02 03:04:05|t|t"
    );
    let events = db.psql(
        "select kind, coalesce(version, '-'), detail ->> 'ledger', detail ->> 'class', left(detail ->> 'stored', 8) from rlsctl.event order by id",
    );
    assert_eq!(
        events,
        "adopted|-|public._sqlx_migrations||\nadopted|1|public._sqlx_migrations|verified|e1cc0b49\nadopted|2|public._sqlx_migrations|verified|".to_owned()
            + &db.psql(&format!("select left(encode(sha384(convert_to('{SECOND}', 'UTF8')), 'hex'), 8)"))
    );
}

#[test]
fn what_the_other_tool_did_meanwhile_is_taken_over_too() {
    let migrated = sqlx();
    migrated.adopt();
    let third = "CREATE TABLE third (id int);\n";
    migrated.project.migration("3_third.sql", third);
    migrated.db.psql(third);
    migrated.db.psql(&format!(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (3, 'third', true, sha384(convert_to('{third}', 'UTF8')), 5)"
    ));
    assert_eq!(migrated.adopt(), pairs(&[("3", "verified")]));
    let document = migrated.run(&["status"], 0);
    assert_eq!(
        (&document["summary"]["applied"], &document["summary"]["pending"]),
        (&json!(3), &json!(0))
    );
}

#[test]
fn an_empty_ledger_of_another_tool_is_none_to_fear() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql(SQLX);
    project.migration("1_a.sql", "create table a (id int);\n");
    project.on(&db, &["migrate"]).run().exits(6);
    project.on(&db, &["adopt"]).run().exits(0);
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(db.psql("select count(*) from a, rlsctl.ledger"), "0");
    assert_eq!(db.psql("select version, origin from rlsctl.ledger"), "1|migrate");
}

#[test]
fn what_changes_by_hand_behind_an_adoption_is_seen() {
    let migrated = sqlx();
    let db = &migrated.db;
    let marks = "select count(*) from rlsctl.schema_mark";
    migrated.run(&["adopt", "--dry-run"], 0);
    assert_eq!(db.psql("select to_regnamespace('rlsctl') is null"), "t");
    migrated.adopt();
    assert_eq!(
        (db.psql(marks), migrated.run(&["drift-check"], 0)["findings"].clone()),
        ("1".to_owned(), json!([]))
    );
    // The mark is of the head that was adopted.
    let head = migrated.run(&["status"], 0)["summary"]["head"].clone();
    assert_eq!(json!(db.psql("select head from rlsctl.schema_mark")), head);
    migrated.run(&["adopt"], 0);
    assert_eq!(db.psql(marks), "1", "nothing was adopted, and nothing marked");
    db.psql("alter table t add column by_hand int");
    let document = migrated.run(&["drift-check"], 1);
    let found = document["findings"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{document:#}");
    assert_eq!(
        (&found[0]["code"], &found[0]["object"]),
        (&json!("drift.schema"), &json!("table public.t"))
    );
}

#[test]
fn what_changed_before_a_second_adoption_is_told_and_kept() {
    let migrated = sqlx();
    migrated.adopt();
    let (db, project) = (&migrated.db, &migrated.project);
    project.migration("3_third.sql", "CREATE TABLE third (id int);\n");
    db.psql("CREATE TABLE third (id int)");
    db.psql(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        values (3, 'third', true, sha384(convert_to(E'CREATE TABLE third (id int);\\n', 'UTF8')), 5)",
    );
    let run = project.on(db, &["adopt"]).run().exits(0);
    assert!(
        run.stderr.contains("taken for the work of sqlx: table public.third"),
        "{}",
        run.stderr
    );
    assert_eq!(
        db.psql("select kind, detail ->> 'objects' from rlsctl.event where detail ? 'objects'"),
        r#"changed-before-adoption|["table public.third"]"#
    );
    migrated.run(&["drift-check"], 0);
}

#[test]
fn a_mark_that_cannot_be_written_keeps_nothing_from_being_adopted() {
    let migrated = sqlx();
    migrated.adopt();
    let (db, project) = (&migrated.db, &migrated.project);
    db.psql("delete from rlsctl.ledger where version = '2'; create rule none as on insert to rlsctl.schema_mark do instead select 1/0");
    let run = project.on(db, &["adopt"]).run().exits(0);
    assert!(run.stderr.contains("the schema mark was not written"), "{}", run.stderr);
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "2");
}
