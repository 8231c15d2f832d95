//! One test for each case in which migration tools go on silently, stop at the first problem, or leave a half applied file: what is
//! wrong is found before anything runs, all of it is listed, and the exit code says so. What `drift-check` has to see as well is in
//! `drift_check::situations`.

use serde_json::json;

use crate::support::db::TestDb;
use crate::support::project::Project;

/// A project whose files 1 and 2 are applied.
fn applied(db: &TestDb) -> Project {
    let project = Project::new();
    project
        .migration("1_a.sql", "create table a (id int);\n")
        .migration("2_b.sql", "create table b (id int);\n");
    project.on(db, &["migrate"]).run().exits(0);
    project
}

fn has(db: &TestDb, name: &str) -> bool {
    db.psql(&format!("select to_regclass('{name}') is not null")) == "t"
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
