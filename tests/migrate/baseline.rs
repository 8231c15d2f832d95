//! A baseline: one file that stands for squashed versions. It is recorded, runs, or is refused, by what the ledger has.

use serde_json::json;

use crate::support::db::TestDb;
use crate::support::project::Project;

/// Four files of old.
fn history(project: &Project) {
    for number in 1..=4 {
        project.migration(
            &format!("000{number}_t.sql"),
            format!("create table t{number} (id int);\n"),
        );
    }
}

/// The same four tables in one file; those of old are gone.
fn squashed(project: &Project, directive: &str) {
    for number in 1..=4 {
        let old = project.path().join(format!("migrations/000{number}_t.sql"));
        if old.exists() {
            project.remove(old);
        }
    }
    let mut sql = format!("-- everything up to 0004\n-- rlsctl: {directive}\n");
    for number in 1..=4 {
        sql.push_str(&format!("create table t{number} (id int);\n"));
    }
    project.migration("0005_baseline.sql", sql);
}

fn origins(db: &TestDb) -> String {
    db.psql("select version || ' ' || origin from rlsctl.ledger order by sort_key collate \"C\"")
}

fn tables(db: &TestDb) -> String {
    db.psql("select count(*) from pg_catalog.pg_class where relname ~ '^t[0-9]$'")
}

#[test]
fn all_are_there_it_is_recorded() {
    let (db, project) = (TestDb::new(), Project::new());
    history(&project);
    project.on(&db, &["migrate"]).run().exits(0);
    squashed(&project, "baseline=0001..0004");
    project.migration("0006_next.sql", "create table t6 (id int);\n");
    let run = project.on(&db, &["status"]).run().exits(0);
    assert!(
        run.stdout
            .contains("0005 stands for 0001..0004, which are applied: recorded, not run"),
        "{}",
        run.stdout
    );
    let run = project.on(&db, &["drift-check"]).run().exits(0);
    assert!(
        run.stdout.contains(
            "0005 (baseline) is pending, and would only be recorded: it stands for 0001..0004, which are applied"
        ) && run.stdout.contains("`rlsctl migrate` records it; nothing of it runs")
            && run.stdout.contains("0006 (next) is pending\n"),
        "{}",
        run.stdout
    );
    let plan = project.on(&db, &["migrate", "--plan"]).run().exits(0);
    assert!(
        plan.stdout
            .contains("0005 baseline (a baseline for 0001..0004, of which 4 are applied: recorded, not run)"),
        "{}",
        plan.stdout
    );
    let run = project.on(&db, &["migrate"]).run().exits(0);
    assert!(run.stderr.contains("0005 is recorded and not run"), "{}", run.stderr);
    assert_eq!(
        origins(&db),
        "0001 migrate\n0002 migrate\n0003 migrate\n0004 migrate\n0005 baseline\n0006 migrate"
    );
    assert_eq!(tables(&db), "5");
    assert_eq!(
        db.psql("select kind, version, detail->>'stands_for', detail->>'versions' from rlsctl.event"),
        "baseline|0005|0001..0004|4"
    );
    // The rows without files are covered.
    let run = project.on(&db, &["status", "--format", "json"]).run().exits(0).json();
    assert_eq!((&run["findings"], &run["summary"]["applied"]), (&json!([]), &json!(6)));
    let run = project.on(&db, &["migrate"]).run().exits(0);
    assert!(run.stdout.contains("nothing to apply"), "{}", run.stdout);
}

#[test]
fn none_is_there_it_runs() {
    let (db, project) = (TestDb::new(), Project::new());
    squashed(&project, "baseline=0001..0004");
    let document = project
        .on(&db, &["migrate", "--plan", "--format", "json"])
        .run()
        .exits(0)
        .json();
    assert_eq!(document["files"][0]["stands_for"], "0001..0004");
    assert_eq!(document["files"][0]["recorded_only"], false);
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(origins(&db), "0005 migrate");
    assert_eq!(tables(&db), "4");
    assert_eq!(db.psql("select count(*) from rlsctl.event"), "0");
    project.on(&db, &["status"]).run().exits(0);
}

#[test]
fn some_are_there_it_is_refused_with_the_list() {
    let (db, project) = (TestDb::new(), Project::new());
    history(&project);
    project.on(&db, &["migrate", "--to", "0003"]).run().exits(0);
    squashed(&project, "baseline=0001..0004");
    project.migration("0006_next.sql", "create table t6 (id int);\n");
    let before = db.catalog();
    for (args, code) in [
        (&["migrate"][..], 6),
        (&["migrate", "--plan"], 6),
        (&["status"], 1),
        (&["drift-check"], 1),
    ] {
        let run = project.on(&db, args).arg("--format").arg("json").run().exits(code);
        let document = run.json();
        let findings = document["findings"].as_array().unwrap();
        // `drift-check` also tells that 0006 is pending.
        let findings: Vec<_> = findings.iter().filter(|one| one["severity"] == "error").collect();
        assert_eq!(findings.len(), 1, "{document:#}");
        assert_eq!(findings[0]["code"], "ledger.partial-baseline");
        assert_eq!(findings[0]["object"], "0005");
        assert_eq!(
            findings[0]["evidence"],
            json!({ "applied": ["0001", "0002", "0003"], "not_applied": ["0004"] })
        );
    }
    assert_eq!(db.catalog(), before);
    assert_eq!(origins(&db), "0001 migrate\n0002 migrate\n0003 migrate");
    // As the help says.
    history(&project);
    project.remove("migrations/0005_baseline.sql");
    project.on(&db, &["migrate", "--to", "0004"]).run().exits(0);
    squashed(&project, "baseline=0001..0004");
    project.on(&db, &["migrate"]).run().exits(0);
    assert!(origins(&db).contains("0005 baseline"));
}

#[test]
fn a_list_and_a_baseline_that_comes_late() {
    let (db, project) = (TestDb::new(), Project::new());
    history(&project);
    project.migration("0009_later.sql", "create table t9 (id int);\n");
    project.on(&db, &["migrate"]).run().exits(0);
    // Older than 0009; it changes nothing here, so it is no gap.
    squashed(&project, "baseline=1, 2, 3..4");
    project.on(&db, &["status"]).run().exits(0);
    let run = project
        .on(&db, &["drift-check", "--format", "json"])
        .run()
        .exits(0)
        .json();
    let findings = run["findings"].as_array().unwrap();
    let told = |one: &serde_json::Value| json!([one["code"], one["object"], one["evidence"]["stands_for"]]);
    assert_eq!(
        findings.iter().map(told).collect::<Vec<_>>(),
        [json!(["drift.pending", "0005", "1,2,3..4"])]
    );
    project.on(&db, &["drift-check", "--no-pending"]).run().exits(1);
    project.on(&db, &["migrate", "--single-transaction"]).run().exits(0);
    project.on(&db, &["drift-check", "--no-pending"]).run().exits(0);
    assert!(origins(&db).contains("0005 baseline"));
    assert_eq!(tables(&db), "5");
}

#[test]
fn what_is_not_covered_is_still_missing() {
    let (db, project) = (TestDb::new(), Project::new());
    history(&project);
    project.on(&db, &["migrate"]).run().exits(0);
    squashed(&project, "baseline=0001..0003");
    let document = project.on(&db, &["migrate", "--format", "json"]).run().exits(6).json();
    assert_eq!(document["findings"][0]["code"], "drift.missing-file");
    assert_eq!(document["findings"][0]["object"], "0004");
    assert_eq!(document["findings"].as_array().unwrap().len(), 1, "{document:#}");
}

#[test]
fn a_file_and_its_baseline_are_one_too_many() {
    let (db, fresh, project) = (TestDb::new(), TestDb::new(), Project::new());
    history(&project);
    project.on(&db, &["migrate"]).run().exits(0);
    squashed(&project, "baseline=0001..0004");
    project.on(&db, &["migrate"]).run().exits(0);
    project.migration("0002_t.sql", "create table t2 (id int);\n");
    for db in [&db, &fresh] {
        let document = project.on(db, &["migrate", "--format", "json"]).run().exits(6).json();
        let findings = document["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{document:#}");
        assert_eq!(
            (&findings[0]["code"], &findings[0]["object"]),
            (&json!("files.baseline-overlap"), &json!("0002"))
        );
    }
    project.remove("migrations/0002_t.sql");
    squashed(&project, "baseline=0001..0005");
    let document = project
        .on(&fresh, &["migrate", "--format", "json"])
        .run()
        .exits(6)
        .json();
    assert_eq!(document["findings"][0]["code"], "files.baseline-version");
    squashed(&project, "baseline=4..1");
    let run = project.on(&fresh, &["migrate"]).run().exits(6);
    assert!(
        run.stderr.contains("0005_baseline.sql:2:1") && run.stderr.contains("the range 4..1 is empty"),
        "{}",
        run.stderr
    );
}

#[test]
fn row_and_event_are_one_transaction() {
    let (db, project) = (TestDb::new(), Project::new());
    history(&project);
    project.on(&db, &["migrate"]).run().exits(0);
    squashed(&project, "baseline=0001..0004");
    db.psql("alter table rlsctl.event add constraint no_baseline check (kind <> 'baseline')");
    project.on(&db, &["migrate"]).run().exits(3);
    assert!(!origins(&db).contains("0005"), "{}", origins(&db));
    db.psql("alter table rlsctl.event drop constraint no_baseline");
    let document = project.on(&db, &["migrate", "--format", "json"]).run().exits(0).json();
    assert_eq!(document["applied"][0]["recorded_only"], true);
    assert!(origins(&db).contains("0005 baseline"));
}

/// A new database that was made from the baseline, and one with the whole history, both go on from there.
#[test]
fn steps_and_blocks_of_a_baseline_run_only_where_it_runs() {
    let (old, new, project) = (TestDb::new(), TestDb::new(), Project::new());
    history(&project);
    project.on(&old, &["migrate"]).run().exits(0);
    squashed(&project, "baseline=0001..0004");
    let sql = project.read("migrations/0005_baseline.sql");
    project.migration(
        "0005_baseline.sql",
        format!("{sql}create index concurrently t1_id on t1 (id);\n"),
    );
    project.on(&old, &["migrate", "--single-transaction"]).run().exits(0);
    project.on(&new, &["migrate"]).run().exits(0);
    assert_eq!(old.psql("select to_regclass('t1_id') is null"), "t");
    assert_eq!(new.psql("select to_regclass('t1_id') is null"), "f");
    assert_eq!(
        old.psql("select transactional, sql like '%0004%' from rlsctl.ledger where version = '0005'"),
        "t|t"
    );
    assert_eq!(old.psql("select count(*) from rlsctl.step"), "0");
}
