//! Servers in a special state, each one's own.

use rlsctl::pg::scratch::{Scratch, ScratchOptions, Source};

use super::poll::eventually;
use super::session::Session;

/// Starts a server with settings of its own.
pub(crate) fn server_with(settings: &[(&str, &str)]) -> Scratch {
    let settings = settings
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Scratch::start(&ScratchOptions {
        settings,
        ..ScratchOptions::default()
    })
    .expect("a server")
}

/// Starts a read-only copy of a running server, which follows it.
pub(crate) fn standby_of(primary: &Scratch) -> Scratch {
    let source = Source::StandbyOf {
        conninfo: primary.dsn("postgres"),
    };
    Scratch::start(&ScratchOptions {
        source,
        ..ScratchOptions::default()
    })
    .expect("a standby")
}

/// Waits until a standby has all that its primary has.
pub(crate) fn until_caught_up(primary: &Scratch, standby: &Scratch) {
    // Inserted, not written: our servers commit asynchronously.
    let position = Session::connect(&primary.dsn("postgres")).ok("select pg_current_wal_insert_lsn()");
    let reading = Session::connect(&standby.dsn("postgres"));
    let sql = format!("select pg_last_wal_replay_lsn() >= '{position}'");
    eventually("the standby catches up", || reading.ok(&sql) == "t");
}

/// Starts a server that takes no further connection, except while one of the sessions is dropped.
pub(crate) fn full_server() -> (Scratch, Vec<Session>) {
    let server = server_with(&[("max_connections", "3"), ("superuser_reserved_connections", "0")]);
    let dsn = server.dsn("postgres");
    let sessions = (0..3).map(|_| Session::connect(&dsn)).collect();
    (server, sessions)
}

#[test]
fn a_full_server_is_full() {
    let (server, mut sessions) = full_server();
    let refused = Session::try_connect(&server.dsn("postgres")).unwrap_err();
    assert_eq!(refused.code.as_deref(), Some("53300"));
    sessions.pop();
    eventually("a place is free", || {
        Session::try_connect(&server.dsn("postgres")).is_ok()
    });
}

#[test]
fn a_standby_is_read_only_and_catches_up() {
    let primary = server_with(&[]);
    let standby = standby_of(&primary);
    Session::connect(&primary.dsn("postgres")).ok("create table t (id int)");
    until_caught_up(&primary, &standby);
    let reading = Session::connect(&standby.dsn("postgres"));
    assert_eq!(reading.ok("select count(*) from t"), "0");
    assert_eq!(
        reading.run("insert into t values (1)").unwrap_err().code.as_deref(),
        Some("25006")
    );
}
