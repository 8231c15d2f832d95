//! What cannot be adopted as it is: the ledger is not in order, is not the only one, may not be read; the server takes no writes.

use serde_json::{Value, json};

use super::{FIRST, Migrated, SECOND, pairs, sqlx};
use crate::support::db::{TestDb, psql};
use crate::support::pgbouncer::PgBouncer;
use crate::support::project::Project;
use crate::support::servers::{server_with, standby_of, until_caught_up};

#[test]
fn a_failed_or_unfinished_migration_is_named() {
    let cases = [
        ("golang-migrate", "create table schema_migrations (version bigint, dirty boolean); insert into schema_migrations values (2, true)", "2"),
        (
            "sqlx",
            "create table _sqlx_migrations (version bigint, description text, installed_on timestamptz, success boolean, checksum bytea, execution_time bigint);
            insert into _sqlx_migrations values (2, 'b', now(), false, '', 1)",
            "2",
        ),
        (
            "flyway",
            "create table flyway_schema_history (installed_rank int, version text, description text, type text, script text, checksum int, installed_by text, installed_on timestamp, execution_time int, success boolean);
            insert into flyway_schema_history values (1, '2', 'b', 'SQL', 'V2__b.sql', 1, 'me', now(), 1, false)",
            "2",
        ),
        (
            "prisma",
            "create table _prisma_migrations (id text, checksum text, finished_at timestamptz, migration_name text, logs text, rolled_back_at timestamptz, started_at timestamptz, applied_steps_count int);
            insert into _prisma_migrations values ('a', '', null, '2_b', 'ERROR', null, now(), 0)",
            "2_b",
        ),
        (
            "atlas",
            "create table atlas_schema_revisions (version text, description text, type bigint, applied bigint, total bigint, hash text, partial_hashes jsonb, operator_version text, error text);
            insert into atlas_schema_revisions values ('2', 'b', 2, 1, 3, 'x', null, '', 'oops')",
            "2",
        ),
        (
            "pgroll",
            "create schema pgroll; create table pgroll.migrations (schema name, name text, migration jsonb, parent text, done boolean);
            insert into pgroll.migrations values ('public', '2_b', '{}', null, false)",
            "2_b",
        ),
    ];
    for (tool, ledger, object) in cases {
        let migrated = Migrated::new("plain", &[("1_a.sql", FIRST), ("2_b.sql", SECOND)], ledger);
        assert_eq!(migrated.refused(&[]), pairs(&[("adopt.unfinished", object)]), "{tool}");
    }
}

#[test]
fn several_ledgers_are_listed_and_none_is_guessed() {
    let migrated = sqlx();
    migrated.db.psql("create schema app; create table app.schema_migrations (version varchar primary key); insert into app.schema_migrations values ('1')");
    let (db, project) = (&migrated.db, &migrated.project);
    let before = db.catalog();
    let run = project.on(db, &["adopt"]).run().exits(6);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 6
    ----- stdout -----
    ----- stderr -----
    error: 2 ledgers of other tools were found
      1: app.schema_migrations (dbmate)
      2: public._sqlx_migrations (sqlx)
      state: nothing was changed
      next: name the one that is meant with `--from SCHEMA.TABLE`
    ");
    assert_eq!(db.catalog(), before);
    assert_eq!(
        migrated.run(&["status"], 0)["other_ledgers"],
        json!(["app.schema_migrations", "public._sqlx_migrations"])
    );
    project
        .on(db, &["adopt", "--from", "public.schema_migrations"])
        .run()
        .exits(6);
    project
        .on(db, &["adopt", "--from", "public._sqlx_migrations"])
        .run()
        .exits(0);
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "2");
}

#[test]
fn a_table_that_only_looks_like_one_is_taken_if_it_is_named() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table releases (version text primary key); insert into releases values ('1')");
    project.migration("1_a.sql", "create table a (id int);\n");
    assert_eq!(
        project.on(&db, &["status", "--format", "json"]).run().exits(0).json()["other_ledgers"],
        json!([])
    );
    let run = project.on(&db, &["adopt"]).run().exits(6);
    assert!(
        run.stderr.contains("no other tool's ledger was found") && run.stderr.contains("public.releases"),
        "{}",
        run.stderr
    );
    assert_eq!(db.psql("select to_regnamespace('rlsctl') is null"), "t");
    project.on(&db, &["adopt", "--from", "public.releases"]).run().exits(0);
    assert_eq!(db.psql("select version, origin from rlsctl.ledger"), "1|adopt");
}

#[test]
fn with_our_ledger_alone_there_is_nothing_to_adopt() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration("1_a.sql", "create table a (id int);\n");
    project.on(&db, &["migrate"]).run().exits(0);
    let run = project.on(&db, &["adopt"]).run().exits(0);
    assert!(run.stdout.contains("nothing to adopt"), "{}", run.stdout);
    let document = project.on(&db, &["adopt", "--format", "json"]).run().exits(0).json();
    assert_eq!(
        (&document["ledger"], &document["summary"]["adopted"]),
        (&Value::Null, &json!(0))
    );
}

/// A role that may do little, by the name of its database.
fn role(db: &TestDb) -> String {
    let role = format!("{}_adopter", db.name());
    db.admin(&format!("create role {role} login"));
    role
}

fn as_role(migrated: &Migrated, role: &str, args: &[&str], code: i32) -> String {
    let dsn = format!("{} user={role}", migrated.db.dsn());
    let run = migrated.project.rlsctl(args).env("DATABASE_URL", dsn).run().exits(code);
    run.stderr + &run.stdout
}

#[test]
fn a_privilege_that_is_missing_is_named_with_its_grant() {
    let migrated = sqlx();
    let db = &migrated.db;
    let role = role(db);
    let said = as_role(&migrated, &role, &["adopt"], 3);
    let grant = format!("GRANT USAGE ON SCHEMA public TO {role}; GRANT SELECT ON public._sqlx_migrations TO {role};");
    assert!(said.contains(&grant), "{said}");
    db.psql(&grant);
    as_role(&migrated, &role, &["adopt", "--dry-run"], 0);
    let said = as_role(&migrated, &role, &["adopt"], 3);
    let grant = format!("GRANT CREATE ON DATABASE {} TO {role};", db.name());
    assert!(said.contains(&grant), "{said}");
    assert_eq!(db.psql("select to_regnamespace('rlsctl') is null"), "t");
    // To read is enough: the lock on the table, which takes more, is done without.
    db.psql(&grant);
    as_role(&migrated, &role, &["adopt"], 0);
    assert_eq!(
        db.psql("select count(*), min(applied_by) from rlsctl.ledger"),
        format!("2|{role}")
    );
    db.psql(&format!("drop owned by {role}"));
    db.admin(&format!("drop role {role}"));
}

#[test]
fn rows_that_row_level_security_hides_are_not_taken_for_absent() {
    let migrated = sqlx();
    let db = &migrated.db;
    let role = role(db);
    db.psql(&format!(
        "grant select on _sqlx_migrations to {role}; grant create on database {} to {role};
        alter table _sqlx_migrations enable row level security; create policy first_only on _sqlx_migrations using (version = 1)",
        db.name()
    ));
    let said = as_role(&migrated, &role, &["adopt"], 3);
    assert!(said.contains("row-level security"), "{said}");
    assert_eq!(db.psql("select to_regnamespace('rlsctl') is null"), "t");
    db.psql(&format!("drop owned by {role}"));
    db.admin(&format!("drop role {role}"));
}

#[test]
fn a_server_that_takes_no_writes_is_said_to_be_one() {
    let migrated = sqlx();
    let (db, project) = (&migrated.db, &migrated.project);
    db.admin(&format!(
        "alter database {} set default_transaction_read_only = on",
        db.name()
    ));
    let run = project.on(db, &["adopt"]).run().exits(3);
    assert!(run.stderr.contains("read-only"), "{}", run.stderr);
    // Looking is allowed.
    let document = migrated.run(&["adopt", "--dry-run"], 0);
    assert_eq!(document["summary"]["adopted"], 2);
    let primary = server_with(&[]);
    let standby = standby_of(&primary);
    let ledger =
        "create table schema_migrations (version varchar primary key); insert into schema_migrations values ('1')";
    psql(&primary, &primary.dsn("postgres"), ledger).unwrap();
    until_caught_up(&primary, &standby);
    let on_standby = |args: &[&str]| project.rlsctl(args).env("DATABASE_URL", standby.url("postgres")).run();
    let run = on_standby(&["adopt"]).exits(3);
    assert!(run.stderr.contains("standby"), "{}", run.stderr);
    on_standby(&["adopt", "--dry-run"]).exits(0);
}

#[test]
fn a_transaction_pooler_is_left_as_it_was() {
    let server = server_with(&[]);
    let pooler = PgBouncer::before(&server, 1);
    let project = Project::new();
    project.migration("1_a.sql", "create table a (id int);\n");
    let sql = |text: &str| psql(&server, &server.dsn("postgres"), text).unwrap();
    sql("create table schema_migrations (version varchar primary key); insert into schema_migrations values ('1')");
    let adopt = |args: &[&str], code| {
        let run = project.rlsctl(args).env("DATABASE_URL", pooler.url("postgres")).run();
        run.exits(code)
    };
    adopt(&["adopt", "--dry-run"], 0);
    // Refused in the middle of the transaction: it must not stay open for the next one in the pool.
    adopt(&["adopt", "--map", "7=8"], 6);
    assert_eq!(
        sql("select count(*) from pg_locks where relation = 'schema_migrations'::regclass"),
        "0"
    );
    adopt(&["adopt"], 0);
    adopt(&["adopt"], 0);
    assert_eq!(
        sql("select count(*) from pg_locks where relation = 'schema_migrations'::regclass"),
        "0"
    );
    assert_eq!(sql("select version, origin from rlsctl.ledger"), "1|adopt");
}

#[test]
fn while_the_other_tool_works_we_wait_or_say_so() {
    let migrated = sqlx();
    let (db, project) = (&migrated.db, &migrated.project);
    // sqlx' own lock: 0x3d32ad9e * crc32(database).
    let key = rlsctl::adopt::lock::key(
        &rlsctl::ledger::PeerTable {
            schema: "public".to_owned(),
            table: "_sqlx_migrations".to_owned(),
            peer: rlsctl::ledger::Peer::Sqlx,
            certain: true,
        },
        db.name(),
    );
    let holder = db.session();
    holder.ok(&format!("select pg_advisory_lock({})", key.unwrap()));
    let run = project.on(db, &["adopt"]).run().exits(4);
    assert!(run.stderr.contains("sqlx holds the advisory lock"), "{}", run.stderr);
    project.on(db, &["adopt", "--dry-run"]).run().exits(0);
    holder.ok("select pg_advisory_unlock_all()");
    // A row that is not committed yet.
    holder.ok("begin; delete from _sqlx_migrations where version = 7");
    let run = project
        .on(db, &["adopt"])
        .env("RLSCTL_LOCK_WAIT", "50ms")
        .run()
        .exits(4);
    assert!(run.stderr.contains("somebody is writing to it"), "{}", run.stderr);
    assert_eq!(db.psql("select to_regnamespace('rlsctl') is null"), "t");
    holder.ok("rollback");
    project.on(db, &["adopt"]).run().exits(0);
}

#[test]
fn files_that_cannot_be_loaded_are_said_with_what_to_do() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql(
        "create table ar_internal_metadata (key text, value text); create table schema_migrations (version varchar primary key);
        insert into schema_migrations values ('20240101000000')",
    );
    project.file(
        "db/migrate/20240101000000_create_users.rb",
        "class CreateUsers < ActiveRecord::Migration[7.1]\nend\n",
    );
    for args in [&["adopt"][..], &["--dir", "db/migrate", "adopt"]] {
        let run = project.on(&db, args).run().exits(6);
        assert!(
            run.stderr.contains("Ruby") && run.stderr.contains("--dir"),
            "{}",
            run.stderr
        );
    }
    project.file("sql/20240101000000_create_users.sql", "create table users (id int);\n");
    project.on(&db, &["--dir", "sql", "adopt"]).run().exits(0);
    assert_eq!(
        db.psql("select version, origin from rlsctl.ledger"),
        "20240101000000|adopt"
    );
    assert_eq!(db.psql("select to_regclass('users') is null"), "t", "it was run");
}

#[test]
fn a_mark_without_its_file() {
    let migrated = Migrated::new(
        "golang-migrate",
        &[("000001_a.up.sql", FIRST)],
        "create table schema_migrations (version bigint, dirty boolean); insert into schema_migrations values (2, false)",
    );
    assert_eq!(migrated.refused(&[]), pairs(&[("drift.missing-file", "2")]));
}

#[test]
fn two_at_the_same_moment() {
    let migrated = sqlx();
    let (db, project) = (&migrated.db, &migrated.project);
    let runs: Vec<_> = (0..2).map(|_| project.on(db, &["adopt"]).spawn()).collect();
    let codes: Vec<i32> = runs.into_iter().map(|run| run.wait().code()).collect();
    // One writes; the other sees the lock or the rows, and says that it is safe to run again; or it came later, and finds them there.
    assert!(
        codes.contains(&0) && codes.iter().all(|code| matches!(code, 0 | 4)),
        "{codes:?}"
    );
    assert_eq!(
        db.psql("select count(*), count(distinct version) from rlsctl.ledger"),
        "2|2"
    );
    project.on(db, &["adopt"]).run().exits(0);
    assert_eq!(
        db.psql("select count(*) from rlsctl.event where version is not null"),
        "2"
    );
}

#[test]
fn every_tool_that_the_search_names_is_known() {
    let sql = include_str!("../../sql/adopt/find.sql");
    for peer in rlsctl::ledger::Peer::ALL {
        assert!(sql.contains(&format!("'{peer}'")), "{peer}");
    }
}
