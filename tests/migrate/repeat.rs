//! Files that are repeated until 0 rows: rounds, what they leave, and what stops them.

use super::{has_table, ledger, no_ledger_rows};
use crate::support::db::TestDb;
use crate::support::pgbouncer::PgBouncer;
use crate::support::poll::eventually;
use crate::support::process::kill;
use crate::support::project::Project;
use crate::support::proxy::{Cut, Proxy};
use crate::support::servers::{server_with, standby_of, until_caught_up};
use crate::support::session::Session;

const REPEAT: &str = "-- rlsctl: repeat until 0 rows\n";

/// Three rows a round. `n` counts how often a row was written.
const BY_THREES: &str = "update t set done = true, n = n + 1\n  where id in (select id from t where not done order by id limit 3) and not done;\n";

/// Never comes to an end.
const ENDLESS: &str = "update t set n = n + 1 where id in (select id from t order by id limit 3)";

const TEN: &str = "create table t (id int primary key, done bool not null default false, n int not null default 0);
    insert into t select generate_series(1, 10);";

fn ten_rows() -> TestDb {
    let db = TestDb::new();
    db.psql(TEN);
    db
}

fn repeated(statement: &str) -> Project {
    let project = Project::new();
    project.migration("1_backfill.sql", format!("{REPEAT}{statement}"));
    project
}

/// How many rows are done, and how often all rows together were written.
fn written(db: &TestDb) -> String {
    db.psql("select count(*) filter (where done), sum(n) from t")
}

#[test]
fn each_round_is_a_message_and_a_transaction_of_its_own() {
    let (db, project) = (ten_rows(), repeated(BY_THREES));
    let proxy = Proxy::before(db.server());
    let run = project
        .rlsctl(&["migrate", "--format", "json"])
        .env("DATABASE_URL", proxy.url(db.name()))
        .run()
        .exits(0);
    assert_eq!(written(&db), "10|10");
    assert_eq!(db.psql("select count(distinct xmin::text) from t"), "4");
    assert_eq!(ledger(&db), "1 backfill false");
    let rounds: Vec<String> = proxy
        .sql()
        .into_iter()
        .filter(|sql| sql.contains("update t set"))
        .collect();
    let of_one_message = |sql: &&String| sql.contains("begin;") && sql.trim_end().ends_with("commit");
    // Four with rows, one without, and the last, which has the ledger's row before it.
    assert_eq!(
        (rounds.len(), rounds.iter().filter(of_one_message).count()),
        (6, 5),
        "{rounds:#?}"
    );
    assert!(rounds.iter().position(|sql| sql.contains("insert into rlsctl.ledger")) == Some(5));
    assert_eq!(
        run.json()["repeated"],
        serde_json::json!([{ "version": "1", "rounds": 4, "rows": 10 }])
    );
    assert!(
        run.stderr.contains("4 rounds, 10 rows") && !run.stderr.contains("warning"),
        "{}",
        run.stderr
    );
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(written(&db), "10|10");
}

#[test]
fn a_round_that_fails_leaves_those_before_it_and_nothing_of_its_own() {
    let (db, project) = (ten_rows(), repeated(BY_THREES));
    db.psql("alter table t add check (id <> 8 or n = 0)");
    let run = project.on(&db, &["migrate", "--format", "json"]).run().exits(7);
    assert!(
        run.stderr.contains("23514") && run.stderr.contains("1_backfill.sql:2"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("2 rounds done, committed and kept"),
        "{}",
        run.stderr
    );
    assert_eq!(run.json()["repeated"][0]["rows"], 6);
    assert_eq!((written(&db).as_str(), ledger(&db).as_str()), ("6|6", ""));
    db.psql("alter table t drop constraint t_check");
    let run = project.on(&db, &["migrate", "--format", "json"]).run().exits(0);
    assert_eq!(run.json()["repeated"][0]["rows"], 4);
    assert_eq!(written(&db), "10|10");
}

#[test]
fn a_first_round_that_fails_leaves_nothing() {
    let (db, project) = (ten_rows(), repeated("update t set n = 1 / (n - n) where not done"));
    let run = project.on(&db, &["migrate"]).run().exits(5);
    assert!(run.stderr.contains("22012"), "{}", run.stderr);
    assert_eq!((written(&db).as_str(), ledger(&db).as_str()), ("0|0", ""));
}

#[test]
fn a_rerun_after_a_kill_writes_no_row_twice() {
    let project = repeated(BY_THREES);
    let trips = {
        let (db, proxy) = (ten_rows(), Proxy::before(crate::support::db::server()));
        let url = proxy.url(db.name());
        project.rlsctl(&["migrate"]).env("DATABASE_URL", url).run().exits(0);
        proxy.counts().round_trips
    };
    let mut seen = 0;
    for at in 2..trips {
        let (db, proxy) = (ten_rows(), Proxy::before(crate::support::db::server()));
        let url = proxy.url(db.name());
        let mut running = project.rlsctl(&["migrate"]).env("DATABASE_URL", url).spawn();
        while proxy.counts().round_trips < at && !running.has_ended() {
            std::thread::yield_now();
        }
        if !running.has_ended() {
            seen += 1;
            kill("KILL", running.pid());
        }
        drop(running);
        project.on(&db, &["migrate"]).run().exits(0);
        assert_eq!(
            (written(&db).as_str(), ledger(&db).as_str()),
            ("10|10", "1 backfill false"),
            "killed after {at} of {trips}"
        );
    }
    assert!(seen > 0, "no run was killed while it ran");
}

#[test]
fn a_connection_that_is_lost_in_a_round_says_that_rounds_may_be_done() {
    // The first round is committed and its answer lost; the last is not committed, for that is another message.
    for (cut, done) in [("update t set", "3"), ("insert into rlsctl.ledger", "10")] {
        let (db, project) = (ten_rows(), repeated(BY_THREES));
        let proxy = Proxy::before(db.server());
        proxy.cut(Cut::After(cut.as_bytes().to_vec()));
        let run = project
            .rlsctl(&["migrate"])
            .env("DATABASE_URL", proxy.url(db.name()))
            .run()
            .exits(7);
        assert!(
            run.stderr.contains("repeated in rounds: those that are done stay done"),
            "{}",
            run.stderr
        );
        assert_eq!((written(&db), ledger(&db)), (format!("{done}|{done}"), String::new()));
        project.on(&db, &["migrate"]).run().exits(0);
        assert_eq!(
            (written(&db).as_str(), ledger(&db).as_str()),
            ("10|10", "1 backfill false")
        );
    }
}

#[test]
fn a_transaction_pooler_is_no_obstacle() {
    let server = server_with(&[]);
    let pooler = PgBouncer::before(&server, 3);
    let psql = |sql: &str| crate::support::db::psql(&server, &server.dsn("postgres"), sql).unwrap();
    psql(TEN);
    let project = repeated(BY_THREES);
    project
        .rlsctl(&["migrate"])
        .env("DATABASE_URL", pooler.url("postgres"))
        .run()
        .exits(0);
    assert_eq!(
        psql("select count(*) filter (where done), sum(n), count(distinct xmin::text) from t"),
        "10|10|4"
    );
    assert_eq!(psql("select count(*) from rlsctl.ledger"), "1");
}

#[test]
fn the_guides_backfill_fills_what_can_be_filled_and_ends() {
    let guide = fs_err::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guide.md")).unwrap();
    let (_, block) = guide.split_once("```sql\n-- rlsctl: repeat until 0 rows\n").unwrap();
    let (statement, _) = block.split_once("```").unwrap();
    let (db, project) = (TestDb::new(), repeated(&statement.replace("5000", "40")));
    db.psql(
        "create table customers (id int primary key, tenant_id int); create table invoices (id int, customer_id int, tenant_id int);
         insert into customers values (1, 7), (2, 8), (3, null);
         insert into invoices select i, 1 + i % 3 from generate_series(1, 300) i",
    );
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(
        db.psql("select c.id, i.tenant_id, count(*), count(distinct i.xmin::text) from invoices i join customers c on c.id = i.customer_id group by 1, 2 order by 1"),
        "1|7|100|5\n2|8|100|5\n3||100|1"
    );
}

#[test]
fn a_row_that_somebody_holds_is_waited_for_until_the_deadline() {
    let (db, project) = (ten_rows(), repeated(BY_THREES));
    let app = db.session();
    app.ok("begin; update t set n = n where id = 5");
    let run = project.on(&db, &["migrate", "--lock-wait", "1500ms"]).run().exits(4);
    let holder = format!("backend {}", app.pid());
    for said in [holder.as_str(), "1 round done, committed and kept"] {
        assert!(run.stderr.contains(said), "{said} in\n{}", run.stderr);
    }
    assert_eq!((written(&db).as_str(), ledger(&db).as_str()), ("3|3", ""));
    let running = project.on(&db, &["migrate"]).spawn();
    running.until_stderr("waiting");
    app.ok("commit");
    running.wait().exits(0);
    assert_eq!(
        (written(&db).as_str(), ledger(&db).as_str()),
        ("10|10", "1 backfill false")
    );
}

#[test]
fn of_two_who_wait_for_each_other_the_round_gives_way() {
    let (db, project) = (ten_rows(), repeated(BY_THREES));
    let app = db.session();
    app.ok("begin; update t set n = n where id = 2");
    let running = project.on(&db, &["migrate"]).spawn();
    eventually("the round waits for the row", || {
        db.psql("select exists (select from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.query like '/* rlsctl %' and a.datname = current_database())") == "t"
    });
    // The round holds row 1 by now.
    app.ok("update t set n = n where id = 1");
    app.ok("commit");
    running.wait().exits(0);
    assert_eq!(written(&db), "10|10");
}

#[test]
fn what_passes_by_itself_is_tried_again() {
    for sqlstate in ["40001", "40P01"] {
        let (db, project) = (ten_rows(), repeated(BY_THREES));
        db.psql(&format!(
            "create sequence s;
             create function once() returns trigger language plpgsql as $$ begin
               if nextval('s') = 2 then raise exception using errcode = '{sqlstate}', message = 'once'; end if; return new; end $$;
             create trigger once before update on t for each statement execute function once()"
        ));
        project.on(&db, &["migrate"]).run().exits(0);
        assert_eq!(
            (written(&db).as_str(), ledger(&db).as_str()),
            ("10|10", "1 backfill false"),
            "{sqlstate}"
        );
    }
}

#[test]
fn a_second_runner_records_nothing_twice() {
    let (db, project) = (ten_rows(), repeated(BY_THREES));
    let runs = [
        project.on(&db, &["migrate"]).spawn(),
        project.on(&db, &["migrate"]).spawn(),
    ];
    for run in runs {
        run.wait().exits(0);
    }
    assert_eq!(
        (written(&db).as_str(), ledger(&db).as_str()),
        ("10|10", "1 backfill false")
    );
}

#[test]
fn rows_that_come_between_the_last_rounds_are_not_left_out() {
    let (db, project) = (ten_rows(), repeated(BY_THREES));
    // The fifth round is empty; what it sees is committed by then, and the sixth finds a row again.
    db.psql(
        "create sequence s;
         create function late() returns trigger language plpgsql as $$ begin
           if nextval('s') = 5 then insert into t values (11); end if; return null; end $$;
         create trigger late after update on t for each statement execute function late()",
    );
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(
        (written(&db).as_str(), ledger(&db).as_str()),
        ("11|11", "1 backfill false")
    );
}

#[test]
fn a_statement_that_never_ends_is_given_up_after_so_many_rounds() {
    let (db, project) = (ten_rows(), Project::new());
    project.migration(
        "1_backfill.sql",
        format!("-- rlsctl: repeat until 0 rows, at most 4 rounds\n{ENDLESS}"),
    );
    for sum in ["0|12", "0|24"] {
        let run = project.on(&db, &["migrate"]).run().exits(7);
        assert!(
            run.stderr.contains("after 4 rounds") && run.stderr.contains("4 rounds done, committed and kept"),
            "{}",
            run.stderr
        );
        assert_eq!((written(&db).as_str(), ledger(&db).as_str()), (sum, ""));
    }
    let (db, project) = (ten_rows(), Project::new());
    project.migration(
        "1_backfill.sql",
        format!("-- rlsctl: repeat until 0 rows, at most 4 rounds\n{BY_THREES}"),
    );
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(written(&db), "10|10");
}

#[test]
fn a_signal_stops_it_between_rounds_and_a_rerun_goes_on() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (db, project) = (ten_rows(), repeated(ENDLESS));
        let running = project.on(&db, &["migrate"]).spawn();
        eventually("some rounds", || db.psql("select sum(n) >= 9 from t") == "t");
        running.signal(signal);
        let run = running.wait().exits(code);
        assert!(
            run.stderr.contains("rounds done, committed and kept") && run.stderr.contains("rlsctl migrate"),
            "{}",
            run.stderr
        );
        assert_eq!(
            (db.psql("select sum(n) % 3 from t").as_str(), ledger(&db).as_str()),
            ("0", "")
        );
    }
}

#[test]
fn what_cannot_be_repeated_is_refused_with_its_place_before_anything_runs() {
    for (text, line, column) in [
        (format!("{REPEAT}{BY_THREES}select 1;"), 4, 1),
        (format!("{REPEAT}\n  select 1;"), 3, 3),
        (format!("{REPEAT}alter table t add x int"), 2, 1),
        (format!("{REPEAT}update t set n = 1"), 2, 1),
        (format!("{REPEAT}begin;\n{BY_THREES}commit;"), 3, 1),
        (format!("{REPEAT}set local work_mem = '1MB';\n{BY_THREES}"), 3, 1),
        (
            format!(
                "{REPEAT}update t set done = true where id in (select id from t where not done for update skip locked)"
            ),
            2,
            82,
        ),
        (format!("{REPEAT}-- rlsctl: section t\n{BY_THREES}"), 2, 1),
        (format!("-- a comment\n{REPEAT}"), 2, 1),
    ] {
        let (db, project) = (ten_rows(), Project::new());
        project
            .migration("0_first.sql", "create table first (id int);")
            .migration("1_backfill.sql", &text);
        let run = project.on(&db, &["migrate", "--format", "json"]).run().exits(6);
        let document = run.json();
        let location = &document["findings"][0]["location"];
        assert_eq!(
            document["findings"][0]["code"], "files.repeat",
            "{text}\n{}",
            run.stderr
        );
        assert_eq!(
            (location["line"].as_u64(), location["column"].as_u64()),
            (Some(line), Some(column)),
            "{text}"
        );
        no_ledger_rows(&db);
        assert!(!has_table(&db, "first"));
    }
    let (db, project) = (ten_rows(), repeated(BY_THREES));
    let run = project.on(&db, &["migrate", "--single-transaction"]).run().exits(6);
    assert!(run.stderr.contains("repeated until 0 rows"), "{}", run.stderr);
    assert_eq!(written(&db), "0|0");
}

#[test]
fn the_plan_says_that_it_is_repeated() {
    let (db, project) = (ten_rows(), Project::new());
    project.migration(
        "1_backfill.sql",
        format!("-- rlsctl: repeat until 0 rows, at most 9 rounds\n-- rlsctl: scope=only ours\n{BY_THREES}"),
    );
    let run = project.on(&db, &["migrate", "--plan"]).run().exits(0);
    assert!(
        run.stdout
            .contains("repeated until 0 rows, one transaction a round, at most 9 rounds"),
        "{}",
        run.stdout
    );
    let document = project
        .on(&db, &["migrate", "--plan", "--format", "json"])
        .run()
        .exits(0)
        .json();
    let file = &document["files"][0];
    assert_eq!(
        (&file["repeated"], &file["at_most_rounds"], &file["scope"]),
        (&true.into(), &9.into(), &"only ours".into())
    );
    assert_eq!(written(&db), "0|0");
}

#[test]
fn how_much_is_left_is_told_where_the_table_was_analyzed() {
    let (db, project) = (ten_rows(), repeated(BY_THREES));
    db.psql("analyze t");
    let run = project.on(&db, &["migrate"]).run().exits(0);
    assert!(run.stderr.contains("; at most about 7 left"), "{}", run.stderr);
    let (db, project) = (ten_rows(), repeated(BY_THREES));
    let run = project.on(&db, &["migrate"]).run().exits(0);
    assert!(!run.stderr.contains(" left"), "{}", run.stderr);
}

#[test]
fn a_round_that_somebody_waits_for_is_seen_and_rested_after() {
    let (db, project) = (ten_rows(), repeated(BY_THREES));
    db.psql(
        "create table gate ();
         create function held() returns trigger language plpgsql as $$ begin
           while new.id = 3 and not exists (select from gate) loop perform pg_sleep(0.01); end loop; return new; end $$;
         create trigger held before update on t for each row execute function held()",
    );
    let running = project.on(&db, &["migrate"]).spawn();
    eventually("the round is held up", || {
        db.psql("select exists (select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database())") == "t"
    });
    let app = db.session();
    let waiting = app.start("update t set n = n where id = 1");
    running.until_stderr("somebody waits for it");
    db.psql("insert into gate default values");
    waiting.finish().unwrap();
    running.wait().exits(0);
    assert_eq!(written(&db), "10|10");
}

#[test]
fn rounds_wait_for_a_replica_that_is_behind() {
    let primary = server_with(&[]);
    let standby = standby_of(&primary);
    let (ours, theirs) = (
        Session::connect(&primary.dsn("postgres")),
        Session::connect(&standby.dsn("postgres")),
    );
    ours.ok(TEN);
    ours.ok("create role blind login; grant all on t to blind; grant create on database postgres to blind");
    until_caught_up(&primary, &standby);
    theirs.ok("alter system set wal_receiver_status_interval = '1s'");
    theirs.ok("select pg_reload_conf()");
    theirs.ok("select pg_wal_replay_pause()");
    eventually("the lag is seen", || {
        ours.ok("create table if not exists noise (id int); insert into noise values (1)");
        ours.ok("select coalesce(max(replay_lag) > '1s', false) from pg_stat_replication") == "t"
    });
    let project = repeated(BY_THREES);
    project.config("[limits]\nreplica_lag = \"500ms\"\n");
    let running = project
        .rlsctl(&["migrate"])
        .env("DATABASE_URL", primary.url("postgres"))
        .spawn();
    running.until_stderr("limits.replica_lag is 500 ms");
    assert_eq!(ours.ok("select count(*) from t where done"), "0");
    theirs.ok("select pg_wal_replay_resume()");
    running.wait().exits(0);
    assert_eq!(ours.ok("select count(*) from t where done"), "10");
    // A role that may not see it does not wait, and says so.
    theirs.ok("select pg_wal_replay_pause()");
    ours.ok("update t set done = false");
    let url = primary.url("postgres").replace("postgres@", "blind@");
    let project = repeated(BY_THREES);
    project.remove("migrations/1_backfill.sql");
    project.migration("2_again.sql", format!("{REPEAT}{BY_THREES}"));
    ours.ok("grant usage on schema rlsctl to blind; grant all on all tables in schema rlsctl to blind");
    project.config("[limits]\nreplica_lag = \"1ms\"\n");
    ours.ok("delete from rlsctl.ledger");
    let run = project.rlsctl(&["migrate"]).env("DATABASE_URL", url).run().exits(0);
    assert!(run.stderr.contains("grant pg_monitor to blind"), "{}", run.stderr);
    assert_eq!(run.stderr.matches("pg_monitor").count(), 1, "{}", run.stderr);
    assert_eq!(ours.ok("select count(*) from t where done"), "10");
}
