//! One test for each case in which migration tools go on silently, stop at the first problem, or leave a half applied file: what is
//! wrong is found before anything runs, all of it is listed, and the exit code says so.

use serde_json::{Value, json};

use crate::support::db::TestDb;
use crate::support::project::Project;
use crate::support::rlsctl::Run;

/// A project whose files 1 and 2 are applied.
fn applied(db: &TestDb) -> Project {
    let project = Project::new();
    project
        .migration("1_a.sql", "create table a (id int);\n")
        .migration("2_b.sql", "create table b (id int);\n");
    project.on(db, &["migrate"]).run().exits(0);
    project
}

/// Code and object of every finding, which have to be the same in `migrate`, `migrate --plan` and, with another exit code, `status`.
fn refused(db: &TestDb, project: &Project) -> Value {
    let before = db.catalog();
    let codes = |run: &Run| -> Value {
        let document = run.json();
        let findings = document["findings"].as_array().unwrap().iter();
        findings
            .map(|finding| json!([finding["code"], finding["object"]]))
            .collect()
    };
    let found = codes(&project.on(db, &["migrate", "--format", "json"]).run().exits(6));
    let planned = codes(
        &project
            .on(db, &["migrate", "--plan", "--format", "json"])
            .run()
            .exits(6),
    );
    let shown = codes(&project.on(db, &["status", "--format", "json"]).run().exits(1));
    assert_eq!((&planned, &shown), (&found, &found));
    assert_eq!(db.catalog(), before);
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "2");
    found
}

fn has(db: &TestDb, name: &str) -> bool {
    db.psql(&format!("select to_regclass('{name}') is not null")) == "t"
}

#[test]
fn applied_file_edited() {
    let db = TestDb::new();
    let project = applied(&db);
    project
        .migration("1_a.sql", "create table a (id bigint);\n")
        .migration("2_b.sql", "create table b (id bigint);\n")
        .migration("3_c.sql", "create table c (id int);\n");
    assert_eq!(
        refused(&db, &project),
        json!([["drift.edited", "1"], ["drift.edited", "2"]])
    );
    assert!(!has(&db, "c"));
    let run = project.on(&db, &["migrate"]).run().exits(6);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 6
    ----- stdout -----
    ----- stderr -----
    error [drift.edited] 1 was edited after it was applied at [timestamp] by postgres
      at migrations/1_a.sql:1:1
      checksum in ledger: 519a1e8e560b
      checksum of file: f3ce0dede48a
      help: restore the file as it was applied and put the change into a new migration; or, if it is meant to be so, `rlsctl accept 1 --reason '...'`
    error [drift.edited] 2 was edited after it was applied at [timestamp] by postgres
      at migrations/2_b.sql:1:1
      checksum in ledger: a042b2118853
      checksum of file: 3092f168259e
      help: restore the file as it was applied and put the change into a new migration; or, if it is meant to be so, `rlsctl accept 2 --reason '...'`
    error: refused before anything ran: 2 findings
      state: nothing was changed
      next: mend what is listed above, then run `rlsctl migrate` again
    ");
}

#[test]
fn older_file_pending_and_a_later_one_edited() {
    let db = TestDb::new();
    let project = applied(&db);
    project
        .migration("0_early.sql", "create table early (id int);\n")
        .migration("2_b.sql", "create table b (id bigint);\n");
    assert_eq!(
        refused(&db, &project),
        json!([["drift.gap", "0"], ["drift.edited", "2"]])
    );
    assert!(!has(&db, "early"));
    // Allowing the one does not excuse the other.
    project.on(&db, &["migrate", "--allow-out-of-order"]).run().exits(6);
    assert!(!has(&db, "early"));
}

#[test]
fn file_missing() {
    let db = TestDb::new();
    let project = applied(&db);
    project
        .remove("migrations/1_a.sql")
        .migration("3_c.sql", "create table c (id int);\n");
    assert_eq!(refused(&db, &project), json!([["drift.missing-file", "1"]]));
    assert!(!has(&db, "c"));
    // What the help names is the file, to the letter.
    let sql = db.psql("select sql from rlsctl.ledger where version = '1'");
    project.migration("1_a.sql", sql + "\n");
    project.on(&db, &["migrate"]).run().exits(0);
    assert!(has(&db, "c"));
}

#[test]
fn hotfix_by_hand_is_not_undone_by_a_run() {
    let db = TestDb::new();
    let project = applied(&db);
    db.psql("alter table a add column hotfix text");
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(
        db.psql("select count(*) from pg_attribute where attrelid = 'a'::regclass and attname = 'hotfix'"),
        "1"
    );
}

#[test]
fn same_version_other_content() {
    // Two branches, each with its own file 3; one is applied, the other is merged in its place.
    let db = TestDb::new();
    let (project, other) = (applied(&db), Project::new());
    other
        .migration("1_a.sql", "create table a (id int);\n")
        .migration("2_theirs.sql", "create table theirs (id int);\n");
    assert_eq!(refused(&db, &other), json!([["drift.same-version", "2"]]));
    assert!(!has(&db, "theirs"));
    // Both in one folder.
    project.migration("02_theirs.sql", "create table theirs (id int);\n");
    let run = project.on(&db, &["migrate", "--format", "json"]).run().exits(6);
    let finding = run.json()["findings"][0].clone();
    assert_eq!(finding["code"], "drift.duplicate");
    assert_eq!(
        finding["evidence"]["files"],
        json!(["migrations/02_theirs.sql", "migrations/2_b.sql"])
    );
    assert!(!has(&db, "theirs"));
}

#[test]
fn lf_to_crlf() {
    let db = TestDb::new();
    let project = applied(&db);
    project
        .migration("1_a.sql", "create table a (id int);\r\n")
        .migration("3_c.sql", "create table c (\r\n  id int);\r\n");
    let document = project.on(&db, &["status", "--format", "json"]).run().exits(0).json();
    assert_eq!(document["findings"], json!([]));
    project.on(&db, &["migrate"]).run().exits(0);
    project.migration("3_c.sql", "create table c (\n  id int);\n");
    let document = project.on(&db, &["status", "--format", "json"]).run().exits(0).json();
    assert_eq!(
        (&document["findings"], &document["summary"]["pending"]),
        (&json!([]), &json!(0))
    );
}

#[test]
fn byte_order_mark() {
    let db = TestDb::new();
    let project = applied(&db);
    project
        .migration("1_a.sql", "\u{feff}create table a (id int);\n")
        .migration("3_c.sql", "\u{feff}create table c (id int);\n");
    let document = project.on(&db, &["status", "--format", "json"]).run().exits(0).json();
    assert_eq!(document["findings"], json!([]));
    project.on(&db, &["migrate"]).run().exits(0);
    assert!(has(&db, "c"));
    project.migration("3_c.sql", "create table c (id int);\n");
    let document = project.on(&db, &["status", "--format", "json"]).run().exits(0).json();
    assert_eq!(document["findings"], json!([]));
}

#[test]
fn own_begin_and_commit_then_an_error() {
    let db = TestDb::new();
    let project = applied(&db);
    // Wrapped whole: it runs inside our transaction, and its error leaves nothing.
    project.migration("3_c.sql", "BEGIN;\ncreate table c (id int);\nselect 1/0;\nCOMMIT;\n");
    let run = project.on(&db, &["migrate"]).run().exits(5);
    assert!(
        run.stderr.contains("3_c.sql:3:1") && run.stderr.contains("22012"),
        "{}",
        run.stderr
    );
    assert!(!has(&db, "c"));
    // An error behind the COMMIT leaves nothing of what is before it either: the file's own blocks run in our transaction.
    project.migration("3_c.sql", "BEGIN;\ncreate table c (id int);\nCOMMIT;\nselect 1/0;\n");
    let run = project.on(&db, &["migrate"]).run().exits(5);
    assert!(
        run.stderr.contains("3_c.sql:4:1") && run.stderr.contains("nothing of it remains"),
        "{}",
        run.stderr
    );
    assert!(!has(&db, "c"));
    // Control that opens no block, or closes none, is refused with its place.
    project.migration("3_c.sql", "create table c (id int);\nCOMMIT;\nselect 1/0;\n");
    let run = project.on(&db, &["migrate"]).run().exits(6);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 6
    ----- stdout -----
    ----- stderr -----
    error [files.transaction-control] 3 `COMMIT` would end or change the transaction that also holds the file's ledger row
      at migrations/3_c.sql:2:1
      line: COMMIT;
      help: take it out: the file and its ledger row are one transaction, in which blocks of BEGIN and COMMIT run too
    error: refused before anything ran: 1 finding
      state: nothing was changed
      next: mend what is listed above, then run `rlsctl migrate` again
    ");
    assert!(!has(&db, "c"));
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "2");
}

#[test]
fn set_search_path_in_a_file() {
    let db = TestDb::new();
    let project = applied(&db);
    project
        .migration(
            "3_c.sql",
            "create schema other;\nset search_path = other;\ncreate table c (id int);\n",
        )
        .migration("4_d.sql", "create table d (id int);\n")
        .migration(
            "5_e.sql",
            "set search_path = '';\ncreate index concurrently on public.a (id);\n",
        )
        .migration("6_f.sql", "create table f (id int);\n")
        .migration("7_g.sql", "select set_config('search_path', 'other', false);\n")
        .migration("8_h.sql", "create table h (id int);\n");
    project.on(&db, &["migrate"]).run().exits(0);
    for table in ["other.c", "public.d", "public.f", "public.h"] {
        assert!(has(&db, table), "{table}");
    }
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "8");
    let document = project.on(&db, &["status", "--format", "json"]).run().exits(0).json();
    assert_eq!(document["summary"]["pending"], 0);
}
