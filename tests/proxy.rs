//! The proxy counts what it says it counts and cuts where it is told to: other tests and the benches trust it.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::db::TestDb;
use crate::support::poll::eventually;
use crate::support::proxy::{Cut, Proxy, Upstream};
use crate::support::session::Session;

/// What connecting costs a [`Session`]: the start and its question for the backend's pid.
const CONNECT: u64 = 2;

#[test]
fn round_trips_are_counted_not_messages_or_packets() {
    let db = TestDb::new();
    let proxy = Proxy::before(db.server());
    let session = Session::connect(&proxy.url(db.name()));
    assert_eq!(proxy.counts().round_trips, CONNECT);
    proxy.reset();
    session.ok("select 1; select 2; select 3");
    session.ok("select repeat('x', 1000000)");
    session.ok(&format!("select length('{}')", "y".repeat(1_000_000)));
    let counts = proxy.counts();
    assert_eq!((counts.round_trips, counts.queries, counts.parses), (3, 3, 0));
    assert!(
        counts.bytes_up > 1_000_000 && counts.bytes_down > 1_000_000,
        "{counts:?}"
    );
    assert_eq!(proxy.sql()[0], "select 1; select 2; select 3");
}

#[tokio::test]
async fn named_statements_are_told_from_unnamed_ones() {
    let db = TestDb::new();
    let proxy = Proxy::before(db.server());
    let url = proxy.url(db.name());
    let session = thread::spawn(move || Session::connect(&url)).join().unwrap();
    session.client().query_typed("select 1", &[]).await.unwrap();
    assert_eq!((proxy.counts().parses, proxy.counts().named_parses), (1, 0));
    session.client().prepare("select 2").await.unwrap();
    assert_eq!((proxy.counts().parses, proxy.counts().named_parses), (2, 1));
    assert_eq!(proxy.sql()[1..], ["select 1", "select 2"]);
}

#[test]
fn a_delay_is_paid_on_every_round_trip() {
    let db = TestDb::new();
    let proxy = Proxy::before(db.server());
    let session = Session::connect(&proxy.url(db.name()));
    proxy.delay(Duration::from_millis(15));
    let started = Instant::now();
    for _ in 0..4 {
        session.ok("select 1");
    }
    // At least: a busy machine may take any longer.
    assert!(started.elapsed() >= Duration::from_millis(4 * 30));
}

#[test]
fn a_cut_after_a_message_loses_the_answer_and_not_the_deed() {
    let db = TestDb::new();
    db.psql("create table t (n int)");
    let proxy = Proxy::before(db.server());
    let session = Session::connect(&proxy.url(db.name()));
    proxy.cut(Cut::After(b"commit".to_vec()));
    session.ok("select 'nothing to see'");
    assert!(session.run("begin; insert into t values (1); commit").is_err());
    assert!(!proxy.waits_to_cut());
    eventually("the server has committed", || db.psql("select count(*) from t") == "1");
    assert!(Session::try_connect(&proxy.url(db.name())).is_ok());
}

#[test]
fn a_cut_before_a_message_prevents_the_deed() {
    let db = TestDb::new();
    db.psql("create table t (n int)");
    let proxy = Proxy::before(db.server());
    let session = Session::connect(&proxy.url(db.name()));
    proxy.cut(Cut::Before(b"commit".to_vec()));
    session.ok("begin; insert into t values (1)");
    assert!(session.run("commit").is_err());
    let backend = format!("select count(*) from pg_stat_activity where pid = {}", session.pid());
    eventually("the backend has gone", || db.psql(&backend) == "0");
    assert_eq!(db.psql("select count(*) from t"), "0");
}

#[test]
fn a_cut_after_round_trips_waits_for_them() {
    let db = TestDb::new();
    let proxy = Proxy::before(db.server());
    proxy.cut(Cut::AfterRoundTrips(CONNECT + 2));
    let session = Session::connect(&proxy.url(db.name()));
    session.ok("select 1");
    session.ok("select 2");
    assert!(session.run("select 3").is_err());
}

#[test]
fn nobody_behind_it_is_a_refusal_not_a_hang() {
    let proxy = Proxy::start(Upstream::Unix("/nowhere/.s.PGSQL.5432".into()));
    assert!(Session::try_connect(&proxy.url("postgres")).is_err());
}
