//! What it may not see and whom it may not end is said, with the GRANT that mends it.

use super::{dead, lives, open, role};
use crate::support::db::TestDb;
use crate::support::poll::eventually;
use crate::support::process::kill;
use crate::support::project::Project;
use crate::support::servers::{server_with, standby_of, until_caught_up};
use crate::support::session::Session;

#[test]
fn what_is_hidden_is_a_failure_until_the_grant_that_is_named() {
    let (db, project) = (TestDb::new(), Project::new());
    let reaper = role(&db, "Reaper", &[]).to_lowercase();
    let app = role(&db, "app", &[]);
    let session = dead(&db, Some(&app), "worker", "select 1");
    let metrics = project.path().join("m.prom");
    let run = |more: &[&str]| {
        let args = [&["reap-idle", "--older-than", "1s", "--metrics-file", "m.prom"], more].concat();
        project.rlsctl(&args).env("DATABASE_URL", db.url_as(&reaper)).run()
    };
    let refused = run(&[]).exits(3);
    assert_eq!(refused.stdout, "");
    assert!(
        refused.stderr.contains("what 1 session of other roles do in"),
        "{}",
        refused.stderr
    );
    let grant = format!("GRANT pg_read_all_stats TO {reaper};");
    assert!(refused.stderr.contains(&grant), "{}", refused.stderr);
    let written = fs_err::read_to_string(&metrics).unwrap();
    assert!(written.contains("rlsctl_reap_idle_exit_code 3\n"), "{written}");
    assert!(
        written.contains(&format!("database=\"{}\"}} 0\n", db.name())) && !written.contains("_due"),
        "{written}"
    );
    assert_eq!(
        run(&["--format", "json"]).json()["error"]["next"][0],
        format!("let a superuser run: {grant}")
    );
    // Whoever asks only for what can be seen is told.
    run(&["--role", &reaper]).exits(0);

    db.admin(&grant);
    let refused = run(&[]).exits(1);
    assert!(
        refused.stdout.starts_with(&format!("not ended {} ", session.pid())),
        "{}",
        refused.stdout
    );
    let grant = format!("GRANT pg_signal_backend TO {reaper};");
    assert!(refused.stderr.contains(&grant), "{}", refused.stderr);
    let document = run(&["--format", "json"]).exits(1).json();
    assert_eq!(document["findings"][0]["code"], "reap.not-ended", "{document:#}");
    assert_eq!(document["findings"][0]["help"], grant);
    assert!(lives(&db, &session));
    run(&["--dry-run"]).exits(1);

    db.admin(&grant);
    run(&[]).exits(0);
    assert!(!lives(&db, &session));
    assert!(
        fs_err::read_to_string(&metrics)
            .unwrap()
            .contains("rlsctl_reap_idle_exit_code 0\n")
    );
}

#[test]
fn a_superusers_session_is_named_and_the_others_are_ended() {
    let (db, project) = (TestDb::new(), Project::new());
    let reaper = role(&db, "reaper", &["pg_read_all_stats", "pg_signal_backend"]);
    let app = role(&db, "app", &[]);
    let (superuser, worker) = (
        dead(&db, None, "by hand", "select 1"),
        dead(&db, Some(&app), "worker", "select 1"),
    );
    let run = project.rlsctl(&["reap-idle", "--older-than", "1s"]);
    let run = run.env("DATABASE_URL", db.url_as(&reaper)).run().exits(1);
    let not_ended = format!("not ended {} ", superuser.pid());
    assert!(
        run.stdout.contains(&not_ended) && run.stdout.contains("only a superuser may end"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains(&format!("ended {} ", worker.pid())),
        "{}",
        run.stdout
    );
    assert!(lives(&db, &superuser) && !lives(&db, &worker));
}

#[test]
fn what_cannot_be_recorded_keeps_nobody_alive() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration("0001_a.sql", "create table a (id int);");
    project.on(&db, &["migrate"]).run().exits(0);
    let reaper = role(&db, "reaper", &["pg_read_all_stats", "pg_signal_backend"]);
    let app = role(&db, "app", &[]);
    let run = || {
        let run = project.rlsctl(&["reap-idle", "--older-than", "1s"]);
        run.env("DATABASE_URL", db.url_as(&reaper)).run().exits(0)
    };
    let session = dead(&db, Some(&app), "worker", "select 1");
    let told = run();
    assert!(
        told.stderr
            .contains("not recorded in rlsctl.event: the role lacks USAGE on schema rlsctl"),
        "{}",
        told.stderr
    );
    assert!(!lives(&db, &session));
    db.psql(&format!(
        "grant usage on schema rlsctl to {reaper}; grant insert on rlsctl.event to {reaper}"
    ));
    let session = dead(&db, Some(&app), "worker", "select 1");
    assert!(!run().stderr.contains("not recorded"));
    assert!(!lives(&db, &session));
    assert_eq!(
        db.psql("select count(*) from rlsctl.event where kind = 'session ended'"),
        "1"
    );
}

#[test]
fn a_standby_can_be_cleaned_too() {
    let primary = server_with(&[]);
    let standby = standby_of(&primary);
    let (there, project) = (Session::connect(&primary.dsn("postgres")), Project::new());
    there.ok("create schema rlsctl; create table rlsctl.event (id int)");
    until_caught_up(&primary, &standby);
    let session = Session::connect(&standby.dsn("postgres"));
    session.ok("begin; select count(*) from pg_class");
    let looking = Session::connect(&standby.dsn("postgres"));
    let sql = format!(
        "select clock_timestamp() - state_change > '1.1 s' from pg_stat_activity where pid = {}",
        session.pid()
    );
    eventually("it is old enough", || looking.ok(&sql) == "t");
    let run = project.rlsctl(&["reap-idle", "--older-than", "1s"]);
    let run = run.env("DATABASE_URL", standby.url("postgres")).run().exits(0);
    assert!(
        run.stdout.starts_with(&format!("ended {} ", session.pid())),
        "{}",
        run.stdout
    );
    assert!(
        run.stderr
            .contains("not recorded in rlsctl.event: the server is a standby"),
        "{}",
        run.stderr
    );
    assert!(session.run("select 1").is_err());
}

#[test]
fn an_answer_that_never_comes_is_not_waited_for_after_a_signal() {
    let project = Project::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "postgres://u@127.0.0.1:{}/d?connect_timeout=600",
        listener.local_addr().unwrap().port()
    );
    let running = project
        .rlsctl(&["reap-idle", "--metrics-file", "m.prom"])
        .env("DATABASE_URL", url)
        .spawn();
    let (_connection, _) = listener.accept().unwrap();
    running.signal("TERM");
    let run = running.wait().exits(143);
    assert!(run.stderr.contains("interrupted"), "{}", run.stderr);
    assert!(project.read("m.prom").contains("rlsctl_reap_idle_exit_code 143\n"));
}

#[test]
fn an_application_name_cannot_move_the_cursor() {
    let (db, project) = (TestDb::new(), Project::new());
    let session = open(&db, None, "plain");
    session.ok("set application_name = E'a\\x1b[2Jb'; begin; select 'x' as \"\u{1b}[2J\"");
    super::until_old(&db, &session);
    let run = project.on(&db, &["reap-idle", "--older-than", "1s"]).run().exits(0);
    assert!(
        !run.stdout.contains('\u{1b}') && run.stdout.matches('\n').count() == 1,
        "{:?}",
        run.stdout
    );
}

/// Somebody dead whose process does not even hear that it is to end, until this is dropped.
struct Stopped(u32);

impl Stopped {
    fn new(session: &Session) -> Self {
        let pid = session.pid().unsigned_abs();
        kill("STOP", pid);
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        kill("CONT", self.0);
    }
}

#[test]
fn whoever_does_not_go_is_named_and_a_signal_stops_before_the_next() {
    let (db, project) = (TestDb::new(), Project::new());
    let first = dead(&db, None, "stuck", "select 1");
    let second = dead(&db, None, "worker", "select 1");
    let stopped = Stopped::new(&first);
    let args = ["reap-idle", "--older-than", "1s", "--metrics-file", "m.prom"];
    let running = project.on(&db, &args).spawn();
    let waits = "select count(*) from pg_stat_activity
        where datname = current_database() and application_name = 'rlsctl watch' and query like '%as is_gone'";
    eventually("it waits for the first to go", || db.psql(waits) == "1");
    running.signal("TERM");
    let run = running.wait().exits(143);
    assert!(
        run.stdout.starts_with(&format!("not ended {} ", first.pid())),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("5 s later it was still there"), "{}", run.stdout);
    assert!(
        run.stderr.contains("0 sessions ended, 1 session not come to"),
        "{}",
        run.stderr
    );
    assert!(project.read("m.prom").contains("rlsctl_reap_idle_exit_code 143\n"));
    assert!(lives(&db, &second));
    drop(stopped);
    eventually("it goes when it can", || !lives(&db, &first));
    project.on(&db, &args).run().exits(0);
    assert!(!lives(&db, &second));
}
