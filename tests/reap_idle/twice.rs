//! Several runs at the same moment.

use super::{dead, lives};
use crate::support::db::TestDb;
use crate::support::poll::eventually;
use crate::support::process::kill;
use crate::support::project::Project;

const ARGS: [&str; 6] = ["reap-idle", "--older-than", "1s", "--metrics-file", "m.prom", "-v"];

/// A backend that cannot go, until this is dropped.
struct Stopped(u32);

impl Stopped {
    fn new(pid: i32) -> Self {
        let pid = pid.unsigned_abs();
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
fn a_session_is_counted_and_recorded_by_the_run_that_ended_it() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration("0001_a.sql", "create table a (id int);");
    project.on(&db, &["migrate"]).run().exits(0);
    let session = dead(&db, None, "worker", "select from a");
    // It is told to end and does not yet, as one under load: so both runs find it.
    let stopped = Stopped::new(session.pid());
    let first = project.on(&db, &ARGS).spawn();
    let told = format!(
        "select 1 from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory' and l.objid = {} \
         and a.datname = current_database() and a.query like '%pg_stat_clear_snapshot%'",
        session.pid()
    );
    eventually("the first run waits for it to go", || db.psql(&told) == "1");
    let second = project.on(&db, &ARGS).run().exits(0);
    let spared = second
        .stdout
        .split('\n')
        .find(|line| line.starts_with(&format!("spared {} ", session.pid())));
    assert!(
        spared.is_some_and(|line| line.ends_with("; another run of rlsctl is ending it")),
        "{}",
        second.stdout
    );
    assert!(second.stderr.contains("ended 0 of"), "{}", second.stderr);
    drop(stopped);
    let first = first.wait().exits(0);
    assert!(
        first.stdout.starts_with(&format!("ended {} ", session.pid())),
        "{}",
        first.stdout
    );
    assert!(!lives(&db, &session));
    assert_eq!(
        db.psql("select count(*) from rlsctl.event where kind = 'session ended'"),
        "1"
    );
    let metrics = project.read("m.prom");
    let ended = metrics
        .split('\n')
        .find(|line| line.starts_with("rlsctl_reap_idle_ended_total{"));
    assert!(ended.unwrap().ends_with(" 1"), "{metrics}");
}

#[test]
fn many_runs_count_each_session_once() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration("0001_a.sql", "create table a (id int);");
    project.on(&db, &["migrate"]).run().exits(0);
    let sessions: Vec<_> = (0..6).map(|_| dead(&db, None, "worker", "select from a")).collect();
    let runs: Vec<_> = (0..4).map(|_| project.on(&db, &ARGS).spawn()).collect();
    let told: String = runs.into_iter().map(|run| run.wait().exits(0).stdout).collect();
    let ended = told.split('\n').filter(|line| line.starts_with("ended ")).count();
    assert_eq!(ended, 6, "{told}");
    assert!(sessions.iter().all(|session| !lives(&db, session)));
    assert_eq!(
        db.psql("select count(*) from rlsctl.event where kind = 'session ended'"),
        "6"
    );
    let metrics = project.read("m.prom");
    let total = metrics
        .split('\n')
        .find(|line| line.starts_with("rlsctl_reap_idle_ended_total{"));
    assert!(total.unwrap().ends_with(" 6"), "{metrics}");
}
