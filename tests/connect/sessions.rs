//! What a session can do besides statements: be named, be heard, be cancelled, be lost, be closed, be pooled.

use std::sync::Arc;

use rlsctl::pg::connect::{Failure, PoolError, Work, connect, pool};

use super::surroundings::{open, row, runtime, server, settings};
use crate::support::db::TestDb;
use crate::support::pgbouncer::PgBouncer;
use crate::support::poll::eventually;
use crate::support::proxy::{Cut, Proxy, Upstream};

fn trusted() -> String {
    format!("{} user=trusted", server().tcp())
}

#[tokio::test]
async fn sessions_are_named_for_their_work_unless_the_user_named_them() {
    for (work, name) in [
        (Work::Migrator, "rlsctl migrate"),
        (Work::Watcher, "rlsctl watch"),
        (Work::Reader, "rlsctl read"),
    ] {
        let session = connect(&settings(&trusted()), work).await.unwrap();
        assert_eq!(row(&session, "show application_name").await, name);
        assert_eq!(session.parameter("application_name"), Some(name));
    }
    let named = settings(&format!("{} application_name=mine", trusted()));
    let session = connect(&named, Work::Migrator).await.unwrap();
    assert_eq!(row(&session, "show application_name").await, "mine");
}

#[tokio::test]
async fn options_and_encoding_reach_the_server() {
    let session = open(&format!("{} options='-c work_mem=1MB'", trusted())).await;
    assert_eq!(row(&session, "show work_mem").await, "1MB");
    assert_eq!(row(&session, "show client_encoding").await, "UTF8");
    let version = session.parameter("server_version").unwrap().to_owned();
    assert_eq!(row(&session, "show server_version").await, version);
}

#[tokio::test]
async fn notices_arrive_in_order_with_their_parts() {
    let mut session = open(&trusted()).await;
    let mut notices = session.take_notices().unwrap();
    assert!(session.take_notices().is_none());
    session
        .ask(
            "do $$ begin
               raise notice 'one' using detail = 'more', hint = 'do';
               raise warning sqlstate '01ABC' using message = 'two';
             end $$",
        )
        .await
        .unwrap();
    let (one, two) = (notices.recv().await.unwrap(), notices.recv().await.unwrap());
    assert_eq!((one.severity.as_str(), one.message.as_str()), ("NOTICE", "one"));
    assert_eq!((one.detail.as_deref(), one.hint.as_deref()), (Some("more"), Some("do")));
    assert_eq!((two.severity.as_str(), two.sqlstate.as_str()), ("WARNING", "01ABC"));
    drop(session);
    assert_eq!(notices.recv().await, None);
}

#[tokio::test]
async fn notices_that_nobody_reads_do_not_pile_up() {
    let session = open(&trusted()).await;
    session
        .ask("do $$ begin for i in 1..5000 loop raise notice '%', i; end loop; end $$")
        .await
        .unwrap();
    assert_eq!(session.dropped_notices(), 5000 - 4096);
}

#[tokio::test]
async fn statements_are_cancelled_over_tls_and_without() {
    for setting in ["sslmode=disable", "sslmode=require", "sslmode=prefer"] {
        let session = Arc::new(
            open(&format!(
                "{} application_name='to cancel, {setting}' {setting}",
                trusted()
            ))
            .await,
        );
        let canceller = session.canceller();
        let sleeping = {
            let session = Arc::clone(&session);
            tokio::spawn(async move { session.ask("select pg_sleep(600)").await })
        };
        let watching = open(&trusted()).await;
        let is_asleep = format!(
            "select count(*) from pg_stat_activity where application_name = 'to cancel, {setting}' and wait_event = 'PgSleep'"
        );
        while row(&watching, &is_asleep).await != "1" {
            tokio::task::yield_now().await;
        }
        canceller.cancel().await.unwrap();
        match sleeping.await.unwrap() {
            Err(Failure::Server(message)) => assert_eq!(message.sqlstate, "57014"),
            other => panic!("{setting}: {other:?}"),
        }
        assert_eq!(row(&session, "select 1").await, "1");
    }
}

#[tokio::test]
async fn a_session_that_an_administrator_ends_knows_why() {
    let session = open(&format!("{} application_name='to terminate'", trusted())).await;
    server().admin("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'to terminate'");
    while !session.is_closed() {
        tokio::task::yield_now().await;
    }
    let loss = session.loss().unwrap();
    assert_eq!(loss.sqlstate.as_deref(), Some("57P01"), "{loss:?}");
    assert!(session.ask("select 1").await.is_err());
}

#[tokio::test]
async fn a_session_whose_line_is_cut_knows_it() {
    let proxy = Proxy::start(Upstream::Tcp(server().scratch.port()));
    proxy.cut(Cut::Before(b"the last words".to_vec()));
    let session = open(&format!(
        "host=127.0.0.1 port={} user=trusted dbname=app sslmode=disable",
        proxy.port()
    ))
    .await;
    let error = session.ask("select 'the last words'").await.unwrap_err();
    assert!(matches!(error, Failure::Closed), "{error:?}");
    while session.loss().is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(session.loss().unwrap().sqlstate, None);
}

#[tokio::test]
async fn closing_ends_the_backend() {
    let session = open(&format!("{} application_name='to close'", trusted())).await;
    session.close().await;
    eventually("the backend is gone", || {
        server().admin("select count(*) from pg_stat_activity where application_name = 'to close'") == "0"
    });
}

#[tokio::test]
async fn a_pool_connects_when_asked_and_lends_clean_sessions() {
    let unreachable = pool(&settings("host=127.0.0.1 port=1"), Work::Watcher, 2);
    match unreachable.ask("select 1").await {
        Err(PoolError::Connect(error)) => assert!(matches!(error.failure(), Some(Failure::Refused)), "{error}"),
        other => panic!("{other:?}"),
    }
    let named = settings(&format!("{} application_name=pooled", trusted()));
    let pool = pool(&named, Work::Watcher, 1);
    let count = "select count(*) from pg_stat_activity where application_name = 'pooled'";
    assert_eq!(server().admin(count), "0");
    let pid = pool.ask("select pg_backend_pid()").await.unwrap();
    pool.ask("set work_mem = '7MB'; select pg_advisory_lock(1)")
        .await
        .unwrap();
    let after = "select pg_backend_pid(), current_setting('work_mem'), (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())";
    let after = pool.ask(after).await.unwrap();
    assert_eq!(after[0][0], pid[0][0]);
    assert_eq!(after[0][1].as_deref(), Some("4MB"));
    assert_eq!(after[0][2].as_deref(), Some("0"));
    assert_eq!(server().admin(count), "1");
    server().admin("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pooled'");
    eventually("the pooled backend is gone", || server().admin(count) == "0");
    let mut answer = pool.ask("select pg_backend_pid()").await;
    while answer.is_err() {
        // The end of a connection may not have been seen yet when it is lent.
        answer = pool.ask("select pg_backend_pid()").await;
    }
    assert_ne!(answer.unwrap(), pid);
    pool.close();
}

#[test]
fn a_transaction_pooler_lets_us_in() {
    let db = TestDb::new();
    let pooler = PgBouncer::before(db.server(), 2);
    let runtime = runtime();
    let dsn = pooler.url(db.name());
    for work in [Work::Migrator, Work::Watcher, Work::Reader] {
        let session = runtime.block_on(connect(&settings(&dsn), work)).unwrap();
        let name = runtime.block_on(row(&session, "show application_name"));
        assert_eq!(name, work.application_name());
    }
    for kind in ["read-write", "primary", "prefer-standby"] {
        let dsn = format!("{} target_session_attrs={kind}", pooler.dsn(db.name()));
        runtime.block_on(open(&dsn));
    }
}
