//! Who is ended and who is not.

use std::time::Duration;

use rlsctl::activity::{NamePattern, Rule, Spared};
use rlsctl::pg::reaping::sessions;
use rlsctl::pg::{self, Environment, Settings, Work};
use rlsctl::reap::{Ask, Left, Outcome, execute, plan};
use tokio::runtime::Builder;

use super::{dead, lives, open, until_old};
use crate::support::db::TestDb;
use crate::support::poll::eventually;
use crate::support::project::Project;
use crate::support::session::Session;

/// A database with the dead, and with everybody who looks a little like them.
struct Crowd {
    db: TestDb,
    project: Project,
    worker: Session,
    failed: Session,
    /// Live on: protected twice, outside a transaction, the one that prepared a transaction.
    others: [Session; 4],
    at_work: Session,
    gid: String,
}

const ARGS: [&str; 6] = ["reap-idle", "--older-than", "1s", "--protect-application", "psql", "-v"];

impl Crowd {
    fn new() -> Self {
        let (db, project) = (TestDb::new(), Project::new());
        project
            .migration("0001_a.sql", "create table a (id int); create table b (id int);")
            .config("[reap]\nprotect_roles = ['nobody_*']\nprotect_applications = ['backup*']\n");
        project.on(&db, &["migrate"]).run().exits(0);
        let reading = "select from a where 'secret' = '' and id = 17; insert into b values (1)";
        let worker = dead(&db, None, "worker 7", reading);
        let failed = open(&db, None, "failed");
        failed.ok("begin");
        failed.run("select 1/0").unwrap_err();
        let others = ["backup 1", "psql", "idle", "preparing"].map(|application| open(&db, None, application));
        others[0].ok("begin; select from a");
        others[1].ok("begin; select from a");
        let gid = format!("order''s {}", db.name());
        others[3].ok(&format!("begin; insert into b values (2); prepare transaction '{gid}'"));
        for session in others.iter().chain([&failed]) {
            until_old(&db, session);
        }
        let at_work = open(&db, None, "at work");
        Self {
            db,
            project,
            worker,
            failed,
            others,
            at_work,
            gid,
        }
    }
}

#[test]
fn the_dead_are_ended_and_everybody_else_lives() {
    let crowd = Crowd::new();
    let (db, others) = (&crowd.db, &crowd.others);
    crowd.at_work.ok("begin");
    let pending = crowd.at_work.start("select pg_sleep(600)");
    let run = crowd.project.on(db, &ARGS).run().exits(0);
    let told = &run.stdout;
    let lines: Vec<&str> = told.split_terminator('\n').collect();
    assert_eq!(lines.len(), 5, "{told}");
    let expected = [
        ("ended", &crowd.worker),
        ("ended", &crowd.failed),
        ("spared", &others[0]),
        ("spared", &others[1]),
    ];
    for (word, session) in expected {
        let head = format!("{word} {} ", session.pid());
        assert_eq!(
            lines.iter().filter(|line| line.starts_with(&head)).count(),
            1,
            "{head} in {told}"
        );
    }
    let worker = "worker 7 as postgres; it has ROW EXCLUSIVE on public.b; ACCESS SHARE on public.a; last: begin; select from a where ? = ?";
    assert!(lines[0].contains(worker) && !told.contains("secret"), "{told}");
    assert!(
        lines[2].contains(&format!("ROLLBACK PREPARED '{}'", crowd.gid)),
        "{told}"
    );
    assert!(run.stderr.contains("ended 2 of"), "{}", run.stderr);

    assert!(!lives(db, &crowd.worker) && !lives(db, &crowd.failed));
    for session in others.iter().chain([&crowd.at_work]) {
        assert!(lives(db, session));
    }
    let prepared = "select count(*) from pg_prepared_xacts where database = current_database()";
    assert_eq!(db.psql(prepared), "1");
    // Nothing is left to do, which is no failure.
    let run = crowd.project.on(db, &ARGS).run().exits(0);
    assert!(
        !run.stdout.contains("\nended") && run.stderr.contains("ended 0 of"),
        "{}",
        run.stderr
    );
    db.psql(&format!("rollback prepared '{}'", crowd.gid));
    db.psql(&format!("select pg_cancel_backend({})", crowd.at_work.pid()));
    assert!(pending.finish().is_err());
}

#[test]
fn who_was_ended_is_kept_in_the_event_log() {
    let crowd = Crowd::new();
    crowd.project.on(&crowd.db, &ARGS).run().exits(0);
    let kept = crowd.db.psql(
        "select detail ->> 'application', detail ->> 'query', detail -> 'locks' ->> 0, version is null
         from rlsctl.event where kind = 'session ended' order by id",
    );
    let expected =
        "worker 7|begin; select from a where ? = ? and id = ?; insert into b values (?)|public.a ACCESS SHARE|t
failed|select ?/?||t";
    assert_eq!(kept, expected);
    crowd.db.psql(&format!("rollback prepared '{}'", crowd.gid));
}

#[test]
fn a_dry_run_and_an_age_that_nobody_has_end_nobody() {
    let (db, project) = (TestDb::new(), Project::new());
    let session = dead(&db, None, "worker", "select 1");
    let run = project
        .on(&db, &["reap-idle", "--older-than", "1s", "--dry-run"])
        .run()
        .exits(0);
    assert!(
        run.stdout.starts_with(&format!("would end {} ", session.pid())),
        "{}",
        run.stdout
    );
    let run = project.on(&db, &["reap-idle", "-v"]).run().exits(0);
    let expected = format!("spared {} ", session.pid());
    assert!(
        run.stdout.starts_with(&expected) && run.stdout.contains("idle for less than 24 h"),
        "{}",
        run.stdout
    );
    let run = project.on(&db, &["reap-idle"]).run().exits(0);
    assert_eq!(run.stdout, "", "cron sends a mail for every line");
    session.ok("commit");
    project.on(&db, &["reap-idle", "--older-than", "10ms"]).run().exits(2);
    project.config("[reap]\nolder_than = 'soon'\n");
    project.on(&db, &["reap-idle"]).run().exits(3);
}

#[test]
fn only_those_who_are_meant_are_ended() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int)");
    let harmless = dead(&db, None, "harmless", "select 1");
    let holder = dead(&db, None, "holder", "select from a");
    let waiter = open(&db, None, "waiter");
    let pending = waiter.start("begin; lock table a");
    db.until_waiting_for_lock(waiter.pid());
    let run = |args: &[&str]| {
        let args = [&["reap-idle", "--older-than", "1s", "-v"], args].concat();
        project.on(&db, &args).run().exits(0).stdout
    };
    let told = run(&["--application", "h*r", "--limit", "1", "--dry-run"]);
    assert!(told.starts_with(&format!("would end {} ", holder.pid())), "{told}");
    assert!(told.contains("its role or application was not asked for"), "{told}");
    let told = run(&["--limit", "1", "--dry-run"]);
    assert!(
        told.starts_with(&format!("would end {} ", harmless.pid())),
        "the oldest first: {told}"
    );
    assert!(told.contains("it is due, and over the limit"), "{told}");
    assert_eq!(run(&["--role", "nobody*", "--dry-run"]).matches("spared").count(), 2);
    let told = run(&["--only-blocking"]);
    assert!(told.starts_with(&format!("ended {} ", holder.pid())), "{told}");
    assert!(told.contains("nobody waits for it"), "{told}");
    pending.finish().unwrap();
    assert!(lives(&db, &harmless));
}

#[test]
fn two_runs_at_once_do_no_harm() {
    let (db, project) = (TestDb::new(), Project::new());
    let sessions: Vec<_> = (0..12).map(|number| dead_soon(&db, number)).collect();
    for session in &sessions {
        until_old(&db, session);
    }
    let other = open(&db, None, "idle");
    let start = || project.on(&db, &["reap-idle", "--older-than", "1s"]).spawn();
    let (one, two) = (start(), start());
    let told = [one.wait().exits(0).stdout, two.wait().exits(0).stdout].concat();
    for session in &sessions {
        assert!(told.contains(&format!("ended {} ", session.pid())), "{told}");
        assert!(!lives(&db, session));
    }
    assert!(lives(&db, &other));
}

fn dead_soon(db: &TestDb, number: usize) -> Session {
    let session = open(db, None, &format!("worker {number}"));
    session.ok("begin");
    session
}

/// Looks and plans, lets `meanwhile` happen, executes the same plan.
fn planned_before(meanwhile: &str) -> (Outcome, Session, TestDb) {
    let db = TestDb::new();
    let session = open(&db, None, "worker");
    session.ok("begin; select 1");
    let ask = Ask {
        rule: Rule {
            older_than: Duration::ZERO,
            protect_roles: Vec::new(),
            protect_applications: vec![NamePattern::new("psql")],
        },
        roles: Vec::new(),
        applications: Vec::new(),
        only_blocking: false,
        limit: None,
    };
    let mut environment = Environment::empty();
    environment.os_user = Some("root".to_owned());
    let settings = Settings::resolve(Some(&db.dsn()), &environment).unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(async {
        let watcher = pg::connect(&settings, Work::Watcher).await.unwrap();
        let plan = plan(sessions(&watcher).await.unwrap(), &[], &ask).unwrap();
        assert_eq!(plan.due.len(), 1, "{plan:?}");
        // The sessions of the tests have a runtime of their own, which this thread cannot be in.
        std::thread::scope(|scope| scope.spawn(|| drop(session.ok(meanwhile))).join().unwrap());
        execute(&watcher, plan, &ask, &|| false).await
    });
    (outcome, session, db)
}

#[test]
fn whoever_goes_on_between_look_and_end_is_spared() {
    for meanwhile in ["commit", "commit; begin; select 2"] {
        let (outcome, session, _db) = planned_before(meanwhile);
        assert!(outcome.ended.is_empty() && outcome.not_ended.is_empty(), "{outcome:?}");
        assert_eq!(outcome.spared[0].1, Left::Spared(Spared::Changed));
        session.ok("select 1");
    }
    let (outcome, session, db) = planned_before("select 2");
    assert_eq!(outcome.ended.len(), 1, "the same transaction, idle again: {outcome:?}");
    assert!(!lives(&db, &session));
}

#[test]
fn a_session_elsewhere_is_ended_only_where_it_is() {
    let (db, other, project) = (TestDb::new(), TestDb::new(), Project::new());
    let (here, there) = (
        dead(&db, None, "here", "select 1"),
        dead(&other, None, "there", "select 1"),
    );
    project.on(&db, &["reap-idle", "--older-than", "1s"]).run().exits(0);
    assert!(!lives(&db, &here) && lives(&other, &there));
    let here = dead(&db, None, "here", "select 1");
    let name = other.name();
    let run = project
        .on(
            &db,
            &[
                "reap-idle",
                "--older-than",
                "1s",
                "--database",
                &format!("{name}*"),
                "--format",
                "json",
            ],
        )
        .run()
        .exits(0);
    assert_eq!(run.json()["databases"][0]["database"], name, "{}", run.stdout);
    assert_eq!(run.json()["databases"][0]["ended"][0]["pid"], there.pid());
    assert!(lives(&db, &here));
    eventually("it is gone", || !lives(&other, &there));
    let run = project
        .on(&db, &["reap-idle", "--database", "not_there"])
        .run()
        .exits(3);
    assert!(run.stderr.contains("not_there"), "{}", run.stderr);
}
