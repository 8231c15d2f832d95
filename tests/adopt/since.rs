//! After an adoption the old tool may go on: what it applies then is not run a second time.

use serde_json::{Value, json};

use super::{FIRST, Migrated, SECOND, SQLX, pairs, sqlx};
use crate::support::db::TestDb;
use crate::support::project::Project;
use crate::support::proxy::Proxy;

const THIRD: &str = "CREATE TABLE third (id int);\n";

/// What sqlx does with a file: runs it, and writes its row.
fn sqlx_applies(db: &TestDb, version: u32, sql: &str) {
    db.psql(sql);
    db.psql(&format!(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        values ({version}, 'by sqlx', true, sha384(convert_to('{sql}', 'UTF8')), 5)"
    ));
}

fn ledger(db: &TestDb) -> String {
    db.psql("select string_agg(version || ' ' || origin, ', ' order by sort_key) from rlsctl.ledger")
}

fn elsewhere(document: &Value) -> Vec<Value> {
    let findings = document["findings"].as_array().unwrap().iter();
    let of_code = findings.filter(|finding| finding["code"] == "drift.applied-elsewhere");
    of_code.cloned().collect()
}

impl Migrated {
    /// Asks `migrate`, which has to refuse and to change nothing; returns object and help of each finding.
    fn held(&self) -> Vec<(String, String)> {
        let before = self.db.catalog();
        let document = self.run(&["migrate"], 6);
        assert_eq!(self.run(&["migrate", "--plan"], 6)["findings"], document["findings"]);
        assert_eq!(self.db.catalog(), before, "something was written");
        let found = elsewhere(&document);
        assert_eq!(document["findings"], json!(found), "nothing else is told");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let both = found
            .iter()
            .map(|finding| (text(&finding["object"]), text(&finding["help"])));
        both.collect()
    }

    /// Does what the help of a finding says, and returns what was taken over.
    fn obey(&self, help: &str) -> Vec<(String, String)> {
        let (_, rest) = help.split_once('`').unwrap();
        let (command, _) = rest.split_once('`').unwrap();
        let args: Vec<&str> = command.strip_prefix("rlsctl ").unwrap().split(' ').collect();
        let document = self.run(&args, 0);
        let rows = document["migrations"].as_array().unwrap().iter();
        let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
        rows.map(|row| (text(row, "version"), text(row, "class"))).collect()
    }
}

#[test]
fn what_the_old_tool_applied_since_is_refused_and_then_taken_over() {
    let migrated = sqlx();
    migrated.adopt();
    let (db, project) = (&migrated.db, &migrated.project);
    project
        .migration("3_third.sql", THIRD)
        .migration("4_fourth.sql", "CREATE TABLE fourth (id int);\n");
    migrated.run(&["migrate", "--plan"], 0);
    sqlx_applies(db, 3, THIRD);
    let run = project.on(db, &["migrate"]).run().exits(6);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 6
    ----- stdout -----
    ----- stderr -----
    error [drift.applied-elsewhere] 3 is pending here, but sqlx has applied it (public._sqlx_migrations), since that ledger was adopted; it would run a second time
      at migrations/3_third.sql:1:1
      applied at: [timestamp]
      ledger: public._sqlx_migrations
      row: 3
      stored: 34de31b166ccc82ae12369d2c006568fae8c5034ef62961c5da66a5b93a0d560d90c31596280980e72186487f0620e7b
      tool: sqlx
      help: take it over, which runs nothing: `rlsctl adopt --from public._sqlx_migrations`
    error: refused before anything ran: 1 finding
      state: nothing was changed
      next: mend what is listed above, then run `rlsctl migrate` again
    ");
    let held = migrated.held();
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(held[0].0, "3");
    assert_eq!(ledger(db), "1 adopt, 2 adopt");
    let document = migrated.run(&["drift-check", "--no-schema"], 1);
    let told = document["findings"].as_array().unwrap().iter();
    let told: Vec<_> = told.map(|one| (one["code"].clone(), one["object"].clone())).collect();
    assert_eq!(
        told,
        [
            (json!("drift.applied-elsewhere"), json!("3")),
            (json!("drift.pending"), json!("4"))
        ]
    );
    assert_eq!(migrated.obey(&held[0].1), pairs(&[("3", "verified")]));
    assert_eq!(ledger(db), "1 adopt, 2 adopt, 3 adopt");
    migrated.run(&["drift-check", "--no-schema"], 0);
    assert_eq!(migrated.run(&["migrate"], 0)["summary"]["applied"], 1);
    assert_eq!(ledger(db), "1 adopt, 2 adopt, 3 adopt, 4 migrate");
    // That the other ledger lacks what we have applied is nobody's fault.
    project.migration("5_fifth.sql", "CREATE TABLE fifth (id int);\n");
    migrated.run(&["migrate"], 0);
}

#[test]
fn only_what_is_about_to_run_is_looked_for() {
    let migrated = sqlx();
    migrated.adopt();
    let (db, project) = (&migrated.db, &migrated.project);
    project
        .migration("3_third.sql", "CREATE TABLE fourth (id int);\n")
        .migration("4_fourth.sql", THIRD);
    sqlx_applies(db, 4, THIRD);
    assert_eq!(migrated.run(&["migrate", "--to", "3"], 0)["summary"]["applied"], 1);
    assert_eq!(migrated.held()[0].0, "4");
}

#[test]
fn a_file_that_was_edited_after_the_old_tool_applied_it() {
    let migrated = sqlx();
    migrated.adopt();
    migrated
        .project
        .migration("3_third.sql", "CREATE TABLE third (id bigint);\n");
    sqlx_applies(&migrated.db, 3, THIRD);
    let held = migrated.held();
    assert!(held[0].1.starts_with("restore the file"), "{held:?}");
    migrated.run(&["adopt"], 6);
    migrated.project.migration("3_third.sql", THIRD);
    assert_eq!(migrated.obey(&held[0].1), pairs(&[("3", "verified")]));
    migrated.run(&["migrate"], 0);
}

const SUPABASE: &str = "create schema supabase_migrations;
    create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
    insert into supabase_migrations.schema_migrations values ('20240101000000', array['CREATE TABLE t (id int)'], 'first'),
      ('20240102000000', array['ALTER TABLE t ADD x int'], 'second')";

#[test]
fn the_same_statements_under_another_version() {
    let files = [
        ("20240101000000_first.sql", FIRST),
        ("20240102000000_second.sql", SECOND),
    ];
    let migrated = Migrated::new("supabase", &files, SUPABASE);
    migrated.adopt();
    migrated.project.migration("20240103000000_third.sql", THIRD);
    // A hosted tool gives the version itself; a hotfix of it that has no file at all is nothing that could run twice.
    migrated.db.psql(THIRD);
    migrated.db.psql(
        "insert into supabase_migrations.schema_migrations values ('20240103111111', array['CREATE TABLE third (id int)'], 'x'),
        ('20240104000000', array['select 1'], 'hotfix')",
    );
    let held = migrated.held();
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(held[0].0, "20240103000000");
    migrated
        .db
        .psql("delete from supabase_migrations.schema_migrations where name = 'hotfix'");
    assert_eq!(migrated.obey(&held[0].1), pairs(&[("20240103000000", "verified")]));
    migrated.project.migration("20240105000000_next.sql", "SELECT 1;\n");
    assert_eq!(migrated.run(&["migrate"], 0)["summary"]["applied"], 1);
}

#[test]
fn a_mark_that_moved_on() {
    let ledger = "create table schema_migrations (version bigint primary key, dirty boolean not null);
        insert into schema_migrations values (20, false)";
    let files = [("10_first.up.sql", FIRST), ("20_second.up.sql", SECOND)];
    let migrated = Migrated::new("golang-migrate", &files, ledger);
    migrated.adopt();
    let (db, project) = (&migrated.db, &migrated.project);
    project
        .migration("30_third.up.sql", THIRD)
        .migration("40_fourth.up.sql", "SELECT 4;\n");
    db.psql(THIRD);
    db.psql("update schema_migrations set version = 30");
    // A file that comes late was not run by it, and never will be.
    project.migration("15_late.up.sql", "CREATE TABLE late (id int);\n");
    let before = db.catalog();
    let document = migrated.run(&["migrate", "--allow-out-of-order"], 6);
    let objects: Vec<_> = elsewhere(&document)
        .into_iter()
        .map(|one| one["object"].clone())
        .collect();
    assert_eq!((objects, db.catalog()), (vec![json!("30")], before));
    let document = migrated.run(&["adopt", "--allow-out-of-order"], 0);
    let rows = document["migrations"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["version"]), (1, &json!("30")));
    assert_eq!(
        migrated.run(&["migrate", "--allow-out-of-order"], 0)["summary"]["applied"],
        2
    );
    assert_eq!(self::ledger(db), "10 adopt, 15 migrate, 20 adopt, 30 adopt, 40 migrate");
    // Half way, it is not known what is there.
    project.migration("50_fifth.up.sql", "SELECT 5;\n");
    db.psql("update schema_migrations set version = 50, dirty = true");
    assert_eq!(migrated.run(&["migrate"], 6)["findings"][0]["code"], "adopt.unfinished");
}

#[test]
fn a_mark_that_our_own_run_raised() {
    let ledger = "create table schema_migrations (version bigint primary key, dirty boolean not null);
        insert into schema_migrations values (20, false)";
    let files = [("10_first.up.sql", FIRST), ("20_second.up.sql", SECOND)];
    let migrated = Migrated::new("golang-migrate", &files, ledger);
    migrated.adopt();
    let (db, project) = (&migrated.db, &migrated.project);
    let layout = "[migrations]\nlayout = \"golang-migrate\"\n";
    project
        .config(&format!(
            "{layout}[targets.prod]\nurl = \"${{PROD}}\"\nmirror = \"golang-migrate\"\n"
        ))
        .migration("40_fourth.up.sql", "SELECT 4;\n");
    project.rlsctl(&["migrate"]).env("PROD", db.url()).run().exits(0);
    assert_eq!(db.psql("select version from schema_migrations"), "40");
    // One that comes late was run by neither, whoever asks.
    project.config(layout).migration("30_late.up.sql", THIRD);
    migrated.run(&["adopt"], 6);
    let document = migrated.run(&["adopt", "--allow-out-of-order"], 0);
    assert_eq!(document["summary"]["adopted"], 0, "{document:#}");
    let document = migrated.run(&["migrate", "--allow-out-of-order"], 0);
    assert_eq!(document["summary"]["applied"], 1);
    assert_eq!(db.psql("select to_regclass('third') is not null"), "t");
}

#[test]
fn a_ledger_without_versions() {
    let ledger =
        "create schema sqitch; create table sqitch.changes (change_id text primary key, script_hash text, change text,
          project text, note text, committed_at timestamptz default now(), committer_name text, committer_email text,
          planned_at timestamptz default now(), planner_name text, planner_email text);
        insert into sqitch.changes (change_id, change, project) values ('a', 'first', 'p'), ('b', 'second', 'p')";
    let files = [("1_first.sql", FIRST), ("2_second.sql", SECOND)];
    let migrated = Migrated::new("plain", &files, ledger);
    migrated.adopt();
    migrated.project.migration("3_third.sql", THIRD);
    migrated.run(&["migrate", "--plan"], 0);
    migrated.db.psql(THIRD);
    migrated
        .db
        .psql("insert into sqitch.changes (change_id, change, project) values ('c', 'third', 'p')");
    let held = migrated.held();
    assert_eq!(migrated.obey(&held[0].1), pairs(&[("3", "trusted")]));
}

#[test]
fn a_ledger_that_was_never_adopted_counts_for_migrate_unless_it_is_told_otherwise() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration("1_a.sql", "create table a (id int);\n");
    db.psql(SQLX);
    project.on(&db, &["migrate", "--ignore-other-ledger"]).run().exits(0);
    project.migration("2_b.sql", THIRD);
    sqlx_applies(&db, 2, THIRD);
    let run = project.on(&db, &["migrate"]).run().exits(6);
    assert!(
        run.stderr.contains("was never adopted") && run.stderr.contains("--ignore-other-ledger"),
        "{}",
        run.stderr
    );
    project.on(&db, &["drift-check", "--no-schema"]).run().exits(0);
    // One that may not be read is anybody's.
    let role = format!("{}_migrator", db.name());
    db.admin(&format!("create role {role} login"));
    db.psql(&format!(
        "grant usage on schema rlsctl to {role}; grant all on all tables in schema rlsctl to {role};
        grant all on schema public to {role}"
    ));
    let url = db.url_as(&role);
    let plan = project.rlsctl(&["migrate", "--plan"]).env("DATABASE_URL", &url);
    plan.run().exits(0);
    db.psql("drop table third");
    project.on(&db, &["migrate", "--ignore-other-ledger"]).run().exits(0);
    assert_eq!(ledger(&db), "1 migrate, 2 migrate");
}

#[test]
fn one_that_was_adopted_has_to_be_readable_and_cannot_be_ignored() {
    let migrated = sqlx();
    migrated.adopt();
    let (db, project) = (&migrated.db, &migrated.project);
    project.migration("3_third.sql", THIRD);
    let role = format!("{}_migrator", db.name());
    db.admin(&format!("create role {role} login"));
    db.psql(&format!(
        "grant usage on schema rlsctl to {role}; grant all on all tables in schema rlsctl to {role}"
    ));
    let url = db.url_as(&role);
    let plan = project.rlsctl(&["migrate", "--plan"]).env("DATABASE_URL", &url);
    let said = plan.run().exits(3).stderr;
    assert!(said.contains("GRANT SELECT ON public._sqlx_migrations TO"), "{said}");
    sqlx_applies(db, 3, THIRD);
    migrated.run(&["migrate", "--ignore-other-ledger"], 6);
    // Gone is gone.
    db.psql("drop table _sqlx_migrations; drop table third");
    migrated.run(&["migrate"], 0);
}

#[test]
fn a_ledger_that_is_kept_in_step_is_the_mirrors_business() {
    let migrated = sqlx();
    migrated.adopt();
    let (db, project) = (&migrated.db, &migrated.project);
    project
        .config("[migrations]\nlayout = \"sqlx\"\n[targets.prod]\nurl = \"${PROD}\"\nmirror = \"sqlx\"\n")
        .migration("3_third.sql", THIRD);
    let migrate = |code: i32| {
        let run = project.rlsctl(&["migrate", "--format", "json"]).env("PROD", db.url());
        run.run().exits(code).json()
    };
    assert_eq!(migrate(0)["summary"]["applied"], 1);
    project.migration("4_fourth.sql", "SELECT 4;\n");
    assert_eq!(migrate(0)["summary"]["applied"], 1);
    // Both have all of it, so there is nothing to adopt, nor to refuse without the mirror.
    assert_eq!(migrated.adopt(), pairs(&[]));
    project.config("[migrations]\nlayout = \"sqlx\"\n");
    project.migration("5_fifth.sql", "SELECT 5;\n");
    migrated.run(&["migrate", "--plan"], 0);
}

#[test]
fn without_another_ledger_the_server_is_not_asked_for_one() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration("1_a.sql", "create table a (id int);\n");
    project.on(&db, &["migrate"]).run().exits(0);
    project.migration("2_b.sql", "create table b (id int);\n");
    let proxy = Proxy::before(db.server());
    let plan = |asked: u64| {
        proxy.reset();
        let run = project
            .rlsctl(&["migrate", "--plan"])
            .env("DATABASE_URL", proxy.url(db.name()));
        run.run().exits(0);
        assert_eq!(proxy.counts().queries, asked, "{:#?}", proxy.sql());
    };
    plan(1);
    // One for finding it, one for reading it.
    db.psql(SQLX);
    plan(3);
    project.remove("migrations/2_b.sql");
    plan(1);
}
