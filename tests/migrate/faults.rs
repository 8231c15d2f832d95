//! What can go wrong around a run: signals, lost connections, servers that take no writes, a second runner.

use crate::support::db::TestDb;
use crate::support::pgbouncer::PgBouncer;
use crate::support::poll::eventually;
use crate::support::project::Project;
use crate::support::proxy::{Cut, Proxy};
use crate::support::servers::{full_server, server_with, standby_of, until_caught_up};

fn backends_of_ours(db: &TestDb) -> String {
    db.psql(
        "select count(*) from pg_stat_activity where application_name like 'rlsctl%' and datname = current_database()",
    )
}

#[test]
fn a_signal_cancels_on_the_server_rolls_back_and_is_told() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let (db, project) = (TestDb::new(), Project::new());
        project
            .migration("1_a.sql", "create table a (id int);")
            .migration("2_b.sql", "create table b (id int); select pg_sleep(600);");
        let running = project.on(&db, &["migrate"]).spawn();
        eventually("it sleeps", || {
            db.psql("select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == "1"
        });
        running.signal(signal);
        let run = running.wait().exits(code);
        assert!(
            run.stderr.contains("migration 2: rolled back") && run.stderr.contains("rlsctl migrate"),
            "{}",
            run.stderr
        );
        assert_eq!(db.psql("select to_regclass('b') is null"), "t");
        eventually("no backend of ours is left", || backends_of_ours(&db) == "0");
        assert_eq!(db.psql("select version from rlsctl.ledger"), "1");
    }
}

#[test]
fn a_signal_while_waiting_for_a_lock_leaves_no_waiter() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int)");
    let holder = db.session();
    holder.ok("begin; select * from a");
    project.migration("1_a.sql", "alter table a add b int;");
    let running = project.on(&db, &["migrate"]).spawn();
    running.until_stderr("waiting");
    running.signal("TERM");
    running.wait().exits(143);
    eventually("no backend of ours is left", || backends_of_ours(&db) == "0");
    assert_eq!(db.psql("select count(*) from pg_locks where not granted"), "0");
}

#[test]
fn a_held_lock_is_tried_for_and_its_holder_named() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int)");
    let holder = db.session();
    holder.ok("set application_name = 'the culprit'; begin; select * from a");
    project.migration("1_a.sql", "alter table a add b int;");
    let run = project.on(&db, &["migrate", "--lock-wait", "1s"]).run().exits(4);
    let named = format!("backend {}", holder.pid());
    for said in [
        named.as_str(),
        "the culprit",
        "idle in transaction",
        "we want public.a ACCESS EXCLUSIVE",
        "run `rlsctl migrate` again",
    ] {
        assert!(run.stderr.contains(said), "{said} in\n{}", run.stderr);
    }
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "0");
    let running = project.on(&db, &["migrate"]).spawn();
    running.until_stderr("waiting");
    holder.ok("commit");
    running.wait().exits(0);
    assert_eq!(
        db.psql("select count(*) from pg_attribute where attrelid = 'a'::regclass and attname = 'b'"),
        "1"
    );
}

#[test]
fn two_runners_at_once_both_succeed_and_nothing_runs_twice() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration("001_a.sql", "create table a (id int);\ncreate table count (n int);\n");
    for number in 2..=40 {
        let sql = if number % 5 == 0 {
            format!("insert into count values ({number});\ncreate index concurrently on a (id);\n")
        } else {
            format!("insert into count values ({number});\n")
        };
        project.migration(&format!("{number:03}_x.sql"), sql);
    }
    let runners: Vec<_> = (0..3).map(|_| project.on(&db, &["migrate"]).spawn()).collect();
    for runner in runners {
        runner.wait().exits(0);
    }
    assert_eq!(db.psql("select count(*), count(distinct n) from count"), "39|39");
    assert_eq!(
        db.psql("select count(*) from pg_index where indrelid = 'a'::regclass"),
        "8"
    );
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "40");
    assert_eq!(
        db.psql("select count(*) from rlsctl.step where finished_at is null"),
        "0"
    );
}

#[test]
fn another_runner_with_other_content_under_the_same_version_is_told() {
    let (db, ours, theirs) = (TestDb::new(), Project::new(), Project::new());
    let gate = db.session();
    db.psql("create table gate (id int)");
    gate.ok("begin; lock table gate");
    theirs.migration(
        "1_a.sql",
        // Without a lock timeout: if it made way now and then, ours would be the first.
        "-- rlsctl: statement_timeout=1min\nset local lock_timeout = 0; select 'theirs'; select * from gate;",
    );
    ours.migration("1_a.sql", "select 'ours';");
    let first = theirs.on(&db, &["migrate"]).spawn();
    eventually("theirs waits at the gate", || {
        db.psql("select count(*) from pg_locks l join pg_stat_activity a using (pid) where not granted and application_name = 'rlsctl migrate' and datname = current_database()") == "1"
    });
    let second = ours.on(&db, &["migrate"]).spawn();
    eventually("ours waits for theirs", || {
        db.psql("select count(*) from pg_locks l join pg_stat_activity a using (pid) where locktype = 'transactionid' and not granted and datname = current_database()") == "1"
    });
    gate.ok("commit");
    first.wait().exits(0);
    let run = second.wait().exits(6);
    assert!(run.stderr.contains("with other content"), "{}", run.stderr);
}

#[test]
fn a_transaction_pooler_is_no_obstacle() {
    let server = server_with(&[]);
    let pooler = PgBouncer::before(&server, 2);
    let project = Project::new();
    project
        .migration("1_a.sql", "create table a (id int);")
        .migration(
            "2_b.sql",
            "set search_path = pg_catalog; create temporary table t (id int); select 1;",
        )
        .migration("3_c.sql", "create index concurrently on a (id);")
        .migration(
            "4_d.sql",
            "do $$ begin perform set_config('app.x', 'leaked', false); end $$;",
        );
    for _ in 0..3 {
        project
            .rlsctl(&["migrate"])
            .env("DATABASE_URL", pooler.url("postgres"))
            .run()
            .exits(0);
    }
    let psql = |sql: &str| crate::support::db::psql(&server, &pooler.dsn("postgres"), sql).unwrap();
    assert_eq!(psql("select count(*) from rlsctl.ledger"), "4");
    for _ in 0..4 {
        assert_eq!(
            psql(
                "select current_setting('search_path') || coalesce(current_setting('app.x', true), '') || coalesce(to_regclass('pg_temp.t')::text, '')"
            ),
            "\"$user\", public"
        );
    }
    project.migration("5_e.sql", "select 1;");
    project
        .rlsctl(&["migrate"])
        .env("DATABASE_URL", pooler.url("postgres"))
        .run()
        .exits(0);
}

#[test]
fn round_trips_are_one_a_migration_and_five_in_all_else() {
    let (db, project) = (TestDb::new(), Project::new());
    project.generated(1..=50);
    let proxy = Proxy::before(db.server());
    let count = |proxy: &Proxy| {
        proxy.reset();
        project
            .rlsctl(&["migrate"])
            .env("DATABASE_URL", proxy.url(db.name()))
            .run()
            .exits(0);
        proxy.counts()
    };
    let first = count(&proxy);
    assert_eq!(first.named_parses, 0);
    let again = count(&proxy);
    project.generated(51..=150);
    let more = count(&proxy);
    assert!(first.most_round_trips <= 50 + 5, "{first:?}");
    assert!(again.most_round_trips <= 2, "{again:?}");
    assert!(more.most_round_trips <= 100 + 5, "{more:?}");
}

#[test]
fn a_connection_cut_before_or_after_commit_is_told_apart() {
    let (db, project) = (TestDb::new(), Project::new());
    let proxy = Proxy::before(db.server());
    project.migration("1_a.sql", "create table a (id int);");
    project
        .rlsctl(&["migrate"])
        .env("DATABASE_URL", proxy.url(db.name()))
        .run()
        .exits(0);
    project.migration("2_b.sql", "create table b_marker (id int);");
    proxy.cut(Cut::Before(b"b_marker".to_vec()));
    let run = project
        .rlsctl(&["migrate"])
        .env("DATABASE_URL", proxy.url(db.name()))
        .run()
        .exits(5);
    assert!(
        run.stderr.contains("connection was lost") && run.stderr.contains("nothing of it remains"),
        "{}",
        run.stderr
    );
    assert_eq!(db.psql("select to_regclass('b_marker') is null"), "t");
    proxy.cut(Cut::After(b"b_marker".to_vec()));
    let run = project
        .rlsctl(&["migrate"])
        .env("DATABASE_URL", proxy.url(db.name()))
        .run()
        .exits(0);
    assert!(
        run.stderr.contains("lost after its COMMIT") && run.stdout.contains("applied 1 migration"),
        "{run:?}"
    );
    assert_eq!(db.psql("select to_regclass('b_marker') is not null"), "t");
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "2");
    // The server is still at it when we are back.
    project.migration("3_c.sql", "create table c_marker (id int); select pg_sleep(1);");
    proxy.cut(Cut::After(b"c_marker".to_vec()));
    let run = project
        .rlsctl(&["migrate"])
        .env("DATABASE_URL", proxy.url(db.name()))
        .run()
        .exits(0);
    assert!(run.stderr.contains("lost after its COMMIT"), "{run:?}");
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "3");
}

#[test]
fn a_server_that_goes_away_in_the_middle_is_a_clear_message() {
    let server = server_with(&[]);
    let project = Project::new();
    project
        .migration("1_a.sql", "create table a (id int);")
        .migration("2_b.sql", "create table b (id int); select pg_sleep(600);");
    let psql = |sql: &str| crate::support::db::psql(&server, &server.dsn("postgres"), sql);
    let running = project
        .rlsctl(&["migrate"])
        .env("DATABASE_URL", server.url("postgres"))
        .spawn();
    eventually("it sleeps", || {
        psql("select count(*) from pg_stat_activity where wait_event = 'PgSleep'").is_ok_and(|count| count == "1")
    });
    psql("select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'").unwrap();
    let run = running.wait().exits(5);
    assert!(run.stderr.contains("nothing of it remains"), "{}", run.stderr);
    let running = project
        .rlsctl(&["migrate"])
        .env("DATABASE_URL", server.url("postgres"))
        .spawn();
    eventually("it sleeps", || {
        psql("select count(*) from pg_stat_activity where wait_event = 'PgSleep'").is_ok_and(|count| count == "1")
    });
    server.stop().unwrap();
    let run = running.wait().exits(3);
    assert!(
        run.stderr.contains("not known until the server is back"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("no migration was applied in this run"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_read_only_database_and_a_standby_are_told_before_anything_is_tried() {
    let (db, project) = (TestDb::new(), Project::new());
    db.admin(&format!(
        "alter database {} set default_transaction_read_only = on",
        db.name()
    ));
    project.migration("1_a.sql", "create table a (id int);");
    let run = project.on(&db, &["migrate"]).run().exits(3);
    assert!(run.stderr.contains("default_transaction_read_only"), "{}", run.stderr);
    let primary = server_with(&[]);
    let standby = standby_of(&primary);
    until_caught_up(&primary, &standby);
    let run = project
        .rlsctl(&["migrate"])
        .env("DATABASE_URL", standby.url("postgres"))
        .run()
        .exits(3);
    assert!(run.stderr.contains("standby"), "{}", run.stderr);
    project
        .rlsctl(&["status"])
        .env("DATABASE_URL", standby.url("postgres"))
        .run()
        .exits(0);
}

#[test]
fn a_full_server_is_a_connect_error_with_advice() {
    let (server, sessions) = full_server();
    let project = Project::new();
    project.migration("1_a.sql", "create table a (id int);");
    let run = project
        .rlsctl(&["migrate"])
        .env("DATABASE_URL", server.url("postgres"))
        .run()
        .exits(3);
    assert!(
        run.stderr.contains("53300") || run.stderr.contains("too many"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("next:"), "{}", run.stderr);
    drop(sessions);
}
