//! `rlsctl reap-idle`: the dead are ended, everybody else lives, and whoever reads the exit code or the metrics is told the truth.

mod ended;
mod metrics;
mod recipes;
mod refused;
mod targets;
mod twice;

use crate::support::db::TestDb;
use crate::support::poll::eventually;
use crate::support::session::Session;

/// Opens a session with a name, as a role or as the superuser.
fn open(db: &TestDb, role: Option<&str>, application: &str) -> Session {
    let role = role.map_or_else(String::new, |role| format!(" user={role}"));
    Session::connect(&format!("{}{role} application_name='{application}'", db.dsn()))
}

/// Opens a session that is idle in a transaction, and has been for longer than a second.
fn dead(db: &TestDb, role: Option<&str>, application: &str, sql: &str) -> Session {
    let session = open(db, role, application);
    session.ok(&format!("begin; {sql}"));
    until_old(db, &session);
    session
}

/// Waits until a session has been in its state for longer than a second, which is the shortest age there is.
fn until_old(db: &TestDb, session: &Session) {
    let sql = format!(
        "select clock_timestamp() - state_change > '1.1 s' from pg_stat_activity where pid = {}",
        session.pid()
    );
    eventually("it is old enough", || db.psql(&sql) == "t");
}

/// Whether its backend is there.
fn lives(db: &TestDb, session: &Session) -> bool {
    db.psql(&format!(
        "select count(*) from pg_stat_activity where pid = {}",
        session.pid()
    )) == "1"
}

/// Makes a role of this test's own that may log in; `grants` are the roles that it is a member of.
fn role(db: &TestDb, name: &str, grants: &[&str]) -> String {
    let role = format!("{name}_{}", db.name());
    db.admin(&format!("create role {role} login"));
    for grant in grants {
        db.admin(&format!("grant {grant} to {role}"));
    }
    role
}
