//! The situations in which migration tools go on silently, stop at the first problem or blame another file. Each is walked through
//! `drift-check` and `migrate`: the same codes, exit 1 and 6, with the file and the ledger's own values, and nothing changed.

use serde_json::{Value, json};

use super::{applied, commit, drift};
use crate::support::db::TestDb;
use crate::support::poll::eventually;
use crate::support::project::Project;
use crate::support::rlsctl::Run;

/// All that the ledger says.
fn ledger(db: &TestDb) -> String {
    db.psql("select to_jsonb(l) from rlsctl.ledger l order by sort_key collate \"C\"")
}

fn has(db: &TestDb, name: &str) -> bool {
    db.psql(&format!("select to_regclass('{name}') is not null")) == "t"
}

/// The findings that are errors.
fn errors(run: &Run) -> Vec<Value> {
    let findings = run.json()["findings"].as_array().cloned().unwrap_or_default();
    let errors = findings.into_iter().filter(|one| one["severity"] == "error");
    errors.collect()
}

/// Returns `[code, object]` of every error: the same from `drift-check`, `status`, `migrate` and `migrate --plan`, each with its exit code,
/// with the same evidence, of which the checksum is the ledger's own and the place is a file that is there. Nothing is changed by it.
fn refused(db: &TestDb, project: &Project) -> Value {
    let before = (db.catalog(), ledger(db));
    let told = |args: &[&str], exit: i32| {
        let run = project.on(db, args).arg("--format").arg("json").run().exits(exit);
        errors(&run)
    };
    let found = told(&["drift-check"], 1);
    for (args, exit) in [
        (&["status"][..], 1),
        (&["migrate"], 6),
        (&["migrate", "--plan"], 6),
        (&["drift-check"], 1),
    ] {
        assert_eq!(told(args, exit), found, "{args:?}");
    }
    assert_eq!((db.catalog(), ledger(db)), before);
    for finding in &found {
        if let Some(checksum) = finding["evidence"]["checksum_in_ledger"].as_str() {
            let version = finding["object"].as_str().unwrap();
            let sql = format!("select checksum from rlsctl.ledger where version = '{version}'");
            assert_eq!(db.psql(&sql), checksum, "{finding}");
        }
        if let Some(path) = finding["location"]["path"].as_str() {
            assert!(project.path().join(path).is_file(), "{finding}");
        }
    }
    found.iter().map(|one| json!([one["code"], one["object"]])).collect()
}

#[test]
fn applied_file_edited() {
    let (db, project) = applied();
    project
        .migration("0003_labels.sql", "create table labels (id bigint);\n")
        .migration("0005_teams.sql", "create table teams (id bigint);\n")
        .migration("0007_next.sql", "create table next (id int);\n");
    assert_eq!(
        refused(&db, &project),
        json!([["drift.edited", "0003"], ["drift.edited", "0005"]])
    );
    let run = project.on(&db, &["migrate"]).run().exits(6);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 6
    ----- stdout -----
    ----- stderr -----
    error [drift.edited] 0003 was edited after it was applied at [timestamp] by postgres
      at migrations/0003_labels.sql:1:1
      checksum in ledger: 3f7908602c61
      checksum of file: bfe4ecdbad56
      help: restore the file as it was applied and put the change into a new migration; or, if it is meant to be so, `rlsctl accept 0003 --reason '...'`
    error [drift.edited] 0005 was edited after it was applied at [timestamp] by postgres
      at migrations/0005_teams.sql:1:1
      checksum in ledger: 90ffafa7f647
      checksum of file: dd498ffeeb10
      help: restore the file as it was applied and put the change into a new migration; or, if it is meant to be so, `rlsctl accept 0005 --reason '...'`
    error: refused before anything ran: 2 findings
      state: nothing was changed
      next: mend what is listed above, then run `rlsctl migrate` again
    ");
    // As the help says, one by each of its two ways.
    project.migration("0003_labels.sql", "-- labels\ncreate table labels (id int, v text);\n");
    project
        .on(&db, &["accept", "0005", "--reason", "meant so"])
        .run()
        .exits(0);
    project.on(&db, &["migrate"]).run().exits(0);
    assert!(has(&db, "next"));
    assert_eq!(drift(&db, &project, &[]), json!([]));
}

#[test]
fn older_file_pending_and_a_later_one_edited() {
    let (db, project) = applied();
    project
        .migration("0000_early.sql", "create table early (id int);\n")
        .migration("0002_items.sql", "create table items (id bigint);\n");
    assert_eq!(
        refused(&db, &project),
        json!([["drift.gap", "0000"], ["drift.edited", "0002"]])
    );
    // Allowing the one does not excuse the other.
    project.on(&db, &["migrate", "--allow-out-of-order"]).run().exits(6);
    assert!(!has(&db, "early"));
    project.migration("0002_items.sql", "-- items\ncreate table items (id int, v text);\n");
    // One that says of itself that it may come late is refused nowhere.
    project.migration(
        "0001.5_late.sql",
        "-- rlsctl: allow out-of-order\ncreate table late (id int);\n",
    );
    assert_eq!(
        drift(&db, &project, &[]),
        json!([["drift.gap", "0000", "error"], ["drift.pending", "0001.5", "info"]])
    );
    assert_eq!(refused(&db, &project), json!([["drift.gap", "0000"]]));
    project.on(&db, &["migrate", "--allow-out-of-order"]).run().exits(0);
    assert!(has(&db, "early") && has(&db, "late"));
    assert_eq!(drift(&db, &project, &[]), json!([]));
}

#[test]
fn file_missing() {
    let (db, project) = applied();
    commit(&project, "six");
    project
        .remove("migrations/0001_orders.sql")
        .remove("migrations/0004_boards.sql")
        .migration("0007_next.sql", "create table next (id int);\n");
    commit(&project, "tidy up");
    assert_eq!(
        refused(&db, &project),
        json!([["drift.missing-file", "0001"], ["drift.missing-file", "0004"]])
    );
    let run = project.on(&db, &["drift-check"]).run().exits(1);
    assert_eq!(run.stdout.matches("Ada took it out on ").count(), 2, "{}", run.stdout);
    assert!(!has(&db, "next"));
    // What was applied, to the letter.
    project.on(&db, &["drift-check", "--write-missing"]).run().exits(0);
    assert_eq!(
        project.read("migrations/0001_orders.sql"),
        "-- orders\ncreate table orders (id int, v text);\n"
    );
    project.on(&db, &["migrate"]).run().exits(0);
    assert!(has(&db, "next"));
    assert_eq!(drift(&db, &project, &[]), json!([]));
}

#[test]
fn hotfix_by_hand() {
    let (db, project) = applied();
    commit(&project, "six");
    // In the schema alone: a run does not undo it, and does not make it disappear.
    db.psql("alter table orders add column hotfix text");
    let by_hand = json!([["drift.schema", "table public.orders", "error"]]);
    assert_eq!(drift(&db, &project, &[]), by_hand);
    project.migration("0007_next.sql", "create table next (id int);\n");
    let run = project.on(&db, &["migrate"]).run().exits(0);
    assert!(
        run.stderr
            .contains("changed by hand since the last run: table public.orders"),
        "{}",
        run.stderr
    );
    assert_eq!(drift(&db, &project, &[]), by_hand);
    db.psql("select hotfix from orders");
    project
        .on(&db, &["accept", "schema", "--reason", "meant so"])
        .run()
        .exits(0);
    // With its row, from a folder that is not ours.
    let theirs = Project::new();
    for name in [
        "0001_orders",
        "0002_items",
        "0003_labels",
        "0004_boards",
        "0005_teams",
        "0006_tokens",
        "0007_next",
    ] {
        let path = format!("migrations/{name}.sql");
        theirs.file(&path, project.read(&path));
    }
    theirs.migration("0008_hotfix.sql", "alter table orders add column second text;\n");
    theirs.on(&db, &["migrate"]).run().exits(0);
    commit(&project, "seven");
    assert_eq!(refused(&db, &project), json!([["drift.hotfix", "0008"]]));
    project.on(&db, &["drift-check", "--write-missing"]).run().exits(0);
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(drift(&db, &project, &[]), json!([]));
}

#[test]
fn same_version_other_content() {
    // Two branches, each with its own file 6; one is applied, the other is merged in its place.
    let (db, project) = applied();
    let file = project.read("migrations/0006_tokens.sql");
    project
        .remove("migrations/0006_tokens.sql")
        .migration("0006_theirs.sql", "create table theirs (id int);\n");
    assert_eq!(refused(&db, &project), json!([["drift.same-version", "0006"]]));
    assert!(!has(&db, "theirs"));
    // Both in one folder.
    project.migration("006_tokens.sql", file);
    let files = json!(["migrations/0006_theirs.sql", "migrations/006_tokens.sql"]);
    for (command, exit) in [("migrate", 6), ("drift-check", 1)] {
        let found = errors(&project.on(&db, &[command, "--format", "json"]).run().exits(exit));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0]["code"], "drift.duplicate");
        assert_eq!(found[0]["evidence"]["files"], files);
    }
    assert!(!has(&db, "theirs"));
}

/// Two runs at once of one pending file, which cannot end before both have begun.
fn two_runners(sql: &str) -> TestDb {
    let (db, project) = applied();
    project.migration("0007_next.sql", sql);
    let gate = db.session();
    gate.ok("begin; lock table orders");
    let runners = [(); 2].map(|()| project.on(&db, &["migrate"]).spawn());
    let running = "select count(distinct pid) from pg_stat_activity \
                   where datname = current_database() and application_name = 'rlsctl migrate'";
    eventually("both are there", || db.psql(running) == "2");
    gate.ok("commit");
    for runner in runners {
        runner.wait().exits(0);
    }
    assert_eq!(
        db.psql("select count(*) from rlsctl.ledger where version = '0007'"),
        "1"
    );
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "7");
    assert_eq!(drift(&db, &project, &["--no-pending", "--strict"]), json!([]));
    db
}

#[test]
fn two_runners_at_once() {
    let db = two_runners("insert into orders values (1);\nalter table orders add column w text;\n");
    assert_eq!(db.psql("select count(*) from orders"), "1");
}

#[test]
fn two_runners_at_once_outside_a_transaction() {
    let db = two_runners("insert into orders values (1);\ncreate index concurrently on orders (v);\n");
    assert_eq!(db.psql("select count(*) from orders"), "1");
    assert_eq!(
        db.psql("select count(*), bool_and(indisvalid) from pg_index where indrelid = 'orders'::regclass"),
        "1|t"
    );
    assert_eq!(
        db.psql("select count(*) from rlsctl.step where finished_at is null"),
        "0"
    );
}
