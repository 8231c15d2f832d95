//! Ending a session: only the one that was looked at, as it was when we looked.

use std::time::Duration;

use rlsctl::activity::{Oid, Pid, ServerTime, SessionState, Spared};
use rlsctl::pg::activity::{self, Around};
use rlsctl::pg::ending::{Ended, Ending, detail, end};

use super::{around, of, oids, open, run};
use crate::support::db::TestDb;
use crate::support::poll::eventually;
use crate::support::session::Session;

/// Makes a table, and a session that is idle in a transaction that has read it.
fn dead() -> (TestDb, Session) {
    let db = TestDb::new();
    db.psql("create table a (id int); create table b (id int)");
    let session = db.session();
    session.ok("begin; select from a where 'secret' = ''");
    (db, session)
}

#[test]
fn the_dead_are_ended_and_their_locks_are_gone_when_it_returns() {
    let (db, dead) = dead();
    run(async {
        let session = open(&db, None).await;
        let tables = oids(&session, &["a"]).await;
        let seen = around(&session, &tables).await;
        let backend = of(&seen, dead.pid());
        let detail = detail(backend);
        assert_eq!(detail["query"], "begin; select from a where ? = ?");
        assert_eq!(detail["locks"][0], "public.a ACCESS SHARE");
        let ending = Ending {
            backend,
            older_than: Duration::ZERO,
            holding: Some(&tables),
        };
        assert_eq!(end(&session, &ending).await.unwrap(), Ended::Gone);
        assert!(around(&session, &tables).await.is_empty());
        assert_eq!(
            end(&session, &ending).await.unwrap(),
            Ended::Spared(Spared::Changed),
            "twice does no harm"
        );
    });
    assert_eq!(dead.run("select 1").unwrap_err().code.as_deref(), None);
}

/// Looks, lets `meanwhile` happen, ends by what was seen, and returns what became of it.
fn ended_after(meanwhile: impl FnOnce(&TestDb, &Session, &mut Ending<'_>) + Send) -> (Ended, Session, TestDb) {
    let (db, dead) = dead();
    let ended = run(async {
        let session = open(&db, None).await;
        let tables = oids(&session, &["a"]).await;
        let seen = around(&session, &tables).await;
        let mut ending = Ending {
            backend: of(&seen, dead.pid()),
            older_than: Duration::ZERO,
            holding: Some(&tables),
        };
        // The sessions of the tests have a runtime of their own, which this thread cannot be in.
        std::thread::scope(|scope| scope.spawn(|| meanwhile(&db, &dead, &mut ending)).join().unwrap());
        end(&session, &ending).await.unwrap()
    });
    (ended, dead, db)
}

/// A relation that none of the sessions holds.
const OTHER: &[Oid] = &[Oid(1259)];

#[test]
fn whoever_went_on_between_look_and_end_is_spared() {
    let spared = Ended::Spared(Spared::Changed);
    let (ended, dead, _db) = ended_after(|_, dead, _| drop(dead.ok("commit; begin; select from a")));
    assert_eq!(ended, spared, "another transaction");
    dead.ok("commit");
    let (ended, dead, _db) = ended_after(|_, dead, _| drop(dead.ok("commit")));
    assert_eq!(ended, spared, "no transaction");
    dead.ok("select 1");
    let (ended, dead, _db) = ended_after(|db, dead, _| {
        let pending = dead.start("select pg_sleep(600)");
        let active = format!("select state from pg_stat_activity where pid = {}", dead.pid());
        eventually("it is at work", || db.psql(&active) == "active");
        std::mem::forget(pending);
    });
    assert_eq!(ended, spared, "at work");
    assert!(!dead.client().is_closed());
    let (ended, dead, _db) = ended_after(|_, _, ending| ending.older_than = Duration::from_secs(600));
    assert_eq!(ended, spared, "younger than it has to be");
    dead.ok("commit");
    let (ended, dead, _db) = ended_after(|_, _, ending| ending.holding = Some(OTHER));
    assert_eq!(ended, spared, "holds none of the tables");
    dead.ok("commit");
}

#[test]
fn another_session_with_the_same_process_id_is_spared() {
    let (db, dead) = dead();
    run(async {
        let session = open(&db, None).await;
        let tables = oids(&session, &["a"]).await;
        let seen = around(&session, &tables).await;
        for change in [true, false] {
            let mut backend = of(&seen, dead.pid()).clone();
            let other = Some(ServerTime("2020-01-01T00:00:00.000000Z".to_owned()));
            if change {
                backend.backend_start = other;
            } else {
                backend.xact_start = other;
            }
            let ending = Ending {
                backend: &backend,
                older_than: Duration::ZERO,
                holding: None,
            };
            assert_eq!(end(&session, &ending).await.unwrap(), Ended::Spared(Spared::Changed));
        }
    });
    dead.ok("commit");
}

#[test]
fn without_the_power_nobody_is_ended() {
    let (db, dead) = dead();
    let name = db.name().to_owned();
    db.admin(&format!("create role looks_{name} login in role pg_read_all_stats"));
    run(async {
        let session = open(&db, Some(&format!("looks_{name}"))).await;
        let tables = oids(&session, &["a"]).await;
        let seen = around(&session, &tables).await;
        let ending = Ending {
            backend: of(&seen, dead.pid()),
            older_than: Duration::ZERO,
            holding: None,
        };
        assert_eq!(end(&session, &ending).await.unwrap(), Ended::Spared(Spared::Superuser));
        session.close().await;
    });
    dead.ok("commit");
    db.admin(&format!("drop role looks_{name}"));
}

#[test]
fn an_aborted_transaction_is_ended_although_the_server_forgot_when_it_began() {
    let (db, dead) = dead();
    dead.run("select 1/0").unwrap_err();
    run(async {
        let session = open(&db, None).await;
        let wanted = Around {
            pids: &[Pid(dead.pid())],
            ..Around::default()
        };
        let seen = activity::around(&session, &wanted).await.unwrap();
        let backend = of(&seen, dead.pid());
        assert_eq!(
            (backend.state, &backend.xact_start),
            (Some(SessionState::IdleInFailedTransaction), &None)
        );
        let mut ending = Ending {
            backend,
            older_than: Duration::from_secs(600),
            holding: None,
        };
        assert_eq!(end(&session, &ending).await.unwrap(), Ended::Spared(Spared::Changed));
        ending.older_than = Duration::ZERO;
        assert_eq!(end(&session, &ending).await.unwrap(), Ended::Gone);
    });
    assert!(dead.run("rollback").is_err());
}
