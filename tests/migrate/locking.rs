//! Getting locks: the dead are ended, everybody else is left alone and named.

use crate::support::db::TestDb;
use crate::support::poll::eventually;
use crate::support::project::Project;
use crate::support::servers::server_with;
use crate::support::session::Session;

/// Waits until a session has been idle in its transaction for more than a second, by the server's clock.
pub(super) fn until_old(db: &TestDb, session: &Session) {
    let sql = format!(
        "select state_change < clock_timestamp() - interval '1.1 s' from pg_stat_activity where pid = {}",
        session.pid()
    );
    eventually("it is old enough", || db.psql(&sql) == "t");
}

pub(super) fn lives(session: &Session) -> bool {
    session.run("select 1").is_ok()
}

const ALTER: &str = "alter table a add b int;";
const IS_DONE: &str = "select count(*) from pg_attribute where attrelid = 'a'::regclass and attname = 'b'";

#[test]
fn a_dead_holder_is_ended_recorded_and_everybody_else_lives() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int); create table other (id int)");
    let (dead, elsewhere, idle) = (db.session(), db.session(), db.session());
    dead.ok("set application_name = 'the dead worker'; begin; select from a where id = 4711");
    elsewhere.ok("begin; select from other");
    idle.ok("select from a");
    until_old(&db, &dead);
    until_old(&db, &elsewhere);
    project.migration("1_a.sql", ALTER);
    let run = project
        .on(&db, &["migrate", "--end-blockers-older-than", "1s"])
        .run()
        .exits(0);
    assert!(run.stderr.contains("the dead worker"), "{}", run.stderr);
    assert!(!lives(&dead) && lives(&elsewhere) && lives(&idle));
    assert_eq!(db.psql(IS_DONE), "1");
    let recorded = "select version, detail->>'pid', detail->>'application', detail->>'query', detail->'locks'->>0
        from rlsctl.event where kind = 'session ended'";
    let query = "set application_name = ?; begin; select from a where id = ?";
    let expected = format!("1|{}|the dead worker|{query}|public.a ACCESS SHARE", dead.pid());
    assert_eq!(db.psql(recorded), expected);
}

#[test]
fn who_is_protected_young_or_to_be_kept_is_spared_and_the_reason_is_named() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int)");
    let name = db.name().to_owned();
    let holder = db.session();
    holder.ok(&format!(
        "set application_name = 'nightly {name}'; begin; select from a"
    ));
    until_old(&db, &holder);
    project.migration("1_a.sql", ALTER);
    let blocked = |project: &Project, args: &[&str], reason: &str| {
        let args = [&["migrate", "--lock-wait", "1s"], args].concat();
        let run = project.on(&db, &args).run().exits(4);
        assert!(run.stderr.contains(reason), "{reason} in\n{}", run.stderr);
        assert!(
            run.stderr.contains(&format!("backend {}", holder.pid())),
            "{}",
            run.stderr
        );
        assert!(lives(&holder));
        assert_eq!(db.psql(IS_DONE), "0");
    };
    blocked(&project, &[], "idle for less than 24 h");
    blocked(&project, &["--keep-blockers"], "ending sessions is switched off");
    let protected = Project::new();
    protected.migration("1_a.sql", ALTER);
    protected.config("[reap]\nolder_than = '1s'\nprotect_applications = ['nightly*']\n");
    blocked(&protected, &[], "its application is protected");
    protected.config("[reap]\nolder_than = '1s'\nprotect_roles = ['postgres']\n");
    blocked(&protected, &[], "its role is protected");
}

#[test]
fn without_the_privilege_the_grant_is_named_and_nobody_is_ended() {
    let (db, project) = (TestDb::new(), Project::new());
    let role = format!("owner_{}", db.name());
    db.admin(&format!(
        "create role {role} login; create role app_{role} login; grant create on database {} to {role}",
        db.name()
    ));
    db.psql(&format!(
        "create table a (id int); alter table a owner to {role}; grant select on a to app_{role}"
    ));
    let holder = Session::connect(&format!("{} user=app_{role}", db.dsn()));
    holder.ok("begin; select from a");
    project.migration("1_a.sql", ALTER);
    let run = |grant: &str| {
        let run = project
            .rlsctl(&["migrate", "--lock-wait", "1s", "--end-blockers-older-than", "1s"])
            .env("DATABASE_URL", db.url_as(&role))
            .run()
            .exits(4);
        assert!(
            run.stderr.contains(&format!("grant {grant} to {role}")),
            "{}",
            run.stderr
        );
        assert!(lives(&holder));
        run
    };
    run("pg_read_all_stats");
    db.admin(&format!("grant pg_read_all_stats to {role}"));
    holder.ok("select 1");
    until_old(&db, &holder);
    run("pg_signal_backend");
    holder.ok("rollback");
    drop(holder);
    db.psql(&format!(
        "drop owned by {role} cascade; drop owned by app_{role} cascade"
    ));
    eventually("the roles are free", || {
        crate::support::db::psql(
            db.server(),
            &db.server().dsn("postgres"),
            &format!("drop role if exists {role}, app_{role}"),
        )
        .is_ok()
    });
}

#[test]
fn a_dead_holder_of_a_table_that_only_the_server_knows_is_ended() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int)");
    let dead = db.session();
    dead.ok("begin; select from a");
    until_old(&db, &dead);
    project.migration(
        "1_a.sql",
        "do $$ begin execute 'alter table ' || 'a add b int'; end $$;",
    );
    project
        .on(&db, &["migrate", "--end-blockers-older-than", "1s"])
        .run()
        .exits(0);
    assert!(!lives(&dead));
    assert_eq!(db.psql(IS_DONE), "1");
}

#[test]
fn whoever_holds_another_table_of_the_same_name_is_not_ended() {
    for sets in [
        "set local search_path = s2;",
        "set search_path = s2;\n-- rlsctl: section a\n",
        "select set_config('search_path', 's2', true);",
    ] {
        let (db, project) = (TestDb::new(), Project::new());
        db.psql("create table a (id int); create schema s2; create table s2.a (id int)");
        let (innocent, dead) = (db.session(), db.session());
        innocent.ok("begin; select from public.a");
        dead.ok("begin; select from s2.a");
        until_old(&db, &innocent);
        until_old(&db, &dead);
        project.migration("1_a.sql", format!("{sets} alter table a add b int;"));
        project
            .on(&db, &["migrate", "--end-blockers-older-than", "1s"])
            .run()
            .exits(0);
        assert!(lives(&innocent) && !lives(&dead), "{sets}");
        assert_eq!(
            db.psql("select attrelid::regclass from pg_attribute where attname = 'b'"),
            "s2.a"
        );
    }
}

#[test]
fn the_dead_on_a_table_that_the_file_does_not_name_is_ended() {
    for (sql, held) in [
        ("drop table child;", "parent"),
        ("alter table child drop constraint k;", "parent"),
        ("drop table parent cascade;", "child"),
    ] {
        let (db, project) = (TestDb::new(), Project::new());
        db.psql("create table parent (id int primary key); create table child (id int constraint k references parent)");
        let dead = db.session();
        dead.ok(&format!("begin; select from {held}"));
        until_old(&db, &dead);
        project.migration("1_a.sql", sql);
        project
            .on(&db, &["migrate", "--end-blockers-older-than", "1s"])
            .run()
            .exits(0);
        assert!(!lives(&dead), "{sql}");
    }
}

#[test]
fn all_files_in_one_transaction_get_past_the_dead_too() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int)");
    let dead = db.session();
    dead.ok("begin; select from a");
    until_old(&db, &dead);
    project
        .migration("1_c.sql", "create table c (id int);")
        .migration("2_a.sql", ALTER);
    project
        .on(
            &db,
            &["migrate", "--single-transaction", "--end-blockers-older-than", "1s"],
        )
        .run()
        .exits(0);
    assert!(!lives(&dead));
    assert_eq!(db.psql(IS_DONE), "1");
}

#[test]
fn an_index_behind_an_old_snapshot_says_so_and_leaves_nothing() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int); create table other (id int)");
    let old = db.session();
    old.ok("set application_name = 'the report'; begin isolation level repeatable read; select from other");
    until_old(&db, &old);
    project.migration("1_a.sql", "create index concurrently a_id on a (id);");
    let args = ["migrate", "--lock-wait", "2s", "--end-blockers-older-than", "1s"];
    let run = project.on(&db, &args).run().exits(4);
    for said in [
        format!("backend {}", old.pid()),
        "waiting for old snapshots".to_owned(),
        "it holds no table that is needed".to_owned(),
    ] {
        assert!(run.stderr.contains(&said), "{said} in\n{}", run.stderr);
    }
    assert!(lives(&old), "it holds none of the tables");
    assert_eq!(
        db.psql("select count(*) from pg_index where indrelid = 'a'::regclass"),
        "0"
    );
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "0");
    assert_eq!(db.psql("select count(*) from rlsctl.step"), "0");
    assert_eq!(db.psql("select kind, version from rlsctl.event"), "blocked|1");
    old.ok("commit");
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(
        db.psql("select indisvalid from pg_index where indrelid = 'a'::regclass"),
        "t"
    );
}

#[test]
fn an_index_that_is_rebuilt_is_given_up_at_the_deadline_and_built_later() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int); create index ia on a (id); create table other (id int)");
    let old = db.session();
    old.ok("begin isolation level repeatable read; select from other");
    project.migration("1_a.sql", "reindex index concurrently ia;");
    let run = project.on(&db, &["migrate", "--lock-wait", "1s"]).run().exits(4);
    assert!(run.stderr.contains(&format!("backend {}", old.pid())), "{}", run.stderr);
    let invalid = "select count(*) from pg_index where indrelid = 'a'::regclass and not indisvalid";
    assert_eq!(db.psql(invalid), "0");
    old.ok("commit");
    project.on(&db, &["migrate"]).run().exits(0);
    let indexes = "select count(*), bool_and(indisvalid) from pg_index where indrelid = 'a'::regclass";
    assert_eq!(db.psql(indexes), "1|t");
}

#[test]
fn an_index_behind_a_dead_writer_is_built_after_its_end() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int)");
    let dead = db.session();
    dead.ok("begin; insert into a values (1)");
    until_old(&db, &dead);
    project.migration("1_a.sql", "create index concurrently a_id on a (id);");
    project
        .on(&db, &["migrate", "--end-blockers-older-than", "1s"])
        .run()
        .exits(0);
    assert!(!lives(&dead));
    assert_eq!(
        db.psql("select indisvalid from pg_index where indrelid = 'a'::regclass"),
        "t"
    );
}

#[test]
fn killed_while_it_waits_no_backend_of_ours_waits_on() {
    for sql in ["alter table a add b int;", "create index concurrently a_id on a (id);"] {
        let (db, project) = (TestDb::new(), Project::new());
        db.psql("create table a (id int)");
        let holder = db.session();
        holder.ok("begin; insert into a values (1)");
        project.migration("1_a.sql", sql);
        let running = project.on(&db, &["migrate"]).spawn();
        running.until_stderr("waiting");
        running.signal("KILL");
        let ours = "select count(*) from pg_stat_activity where application_name like 'rlsctl%' and datname = current_database()";
        eventually("no backend of ours is left", || db.psql(ours) == "0");
        holder.ok("commit");
        project.on(&db, &["migrate"]).run().exits(0);
    }
}

/// Starts a server on which autovacuum is at a table, and goes on with it for long.
fn vacuumed(more: &[(&str, &str)], sql: &str) -> rlsctl::pg::scratch::Scratch {
    let slow = [
        ("autovacuum", "on"),
        ("autovacuum_naptime", "1s"),
        ("autovacuum_vacuum_cost_delay", "100ms"),
        ("autovacuum_vacuum_cost_limit", "1"),
        ("autovacuum_vacuum_insert_threshold", "10"),
    ];
    let server = server_with(&[&slow[..], more].concat());
    let psql = |sql: &str| crate::support::db::psql(&server, &server.dsn("postgres"), sql).unwrap();
    psql(sql);
    let vacuums =
        "select count(*) from pg_stat_activity where backend_type = 'autovacuum worker' and query like '%public.a%'";
    eventually("autovacuum is at it", || psql(vacuums) == "1");
    server
}

const FILLED: &str =
    "create table a (id int); insert into a select generate_series(1, 200000); delete from a where id % 2 = 0";

#[test]
fn an_autovacuum_is_made_to_leave() {
    let server = vacuumed(&[("deadlock_timeout", "300ms")], FILLED);
    let project = Project::new();
    project.migration("1_a.sql", ALTER);
    let run = project
        .rlsctl(&["migrate", "--lock-wait", "20s"])
        .env("DATABASE_URL", server.url("postgres"));
    run.run().exits(0);
    let done = crate::support::db::psql(&server, &server.dsn("postgres"), IS_DONE);
    assert_eq!(done.unwrap(), "1");
}

#[test]
fn an_autovacuum_against_wraparound_is_waited_for_and_named() {
    // More transaction ids than the server lets pass without freezing, each one a block with an error of its own.
    let burn = "create table burnt (id int); do $$ begin for i in 1..101000 loop
        begin insert into burnt values (i); exception when others then null; end; end loop; end $$";
    let server = vacuumed(
        &[("autovacuum_freeze_max_age", "100000")],
        &format!(
            "{}; {burn}",
            FILLED.replace("a (id int);", "a (id int) with (autovacuum_enabled = off);")
        ),
    );
    let psql = |sql: &str| crate::support::db::psql(&server, &server.dsn("postgres"), sql).unwrap();
    let wraparound = "select count(*) from pg_stat_activity where backend_type = 'autovacuum worker' and query like '% public.a (to prevent wraparound)'";
    eventually("it is one against wraparound", || psql(wraparound) == "1");
    let project = Project::new();
    project.migration("1_a.sql", ALTER);
    let run = project
        .rlsctl(&["migrate", "--lock-wait", "2s"])
        .env("DATABASE_URL", server.url("postgres"));
    let run = run.run().exits(4);
    assert!(run.stderr.contains("prevents wraparound"), "{}", run.stderr);
    assert_eq!(psql(wraparound), "1", "it goes on");
}
