//! The snapshot of the catalog: what was changed is named, by its own object, and nothing else is.

mod changes;
mod reading;
mod sameness;
mod sharing;
mod silent;
mod store;

use rlsctl::catalog::Snapshot;
use rlsctl::pg::{self, CatalogError, Environment, Session, Sessions, Settings, Work};

use crate::support::db::TestDb;
use crate::support::run;

/// Opens a session of the kind that reads, in a database, as a role.
async fn open(db: &TestDb, role: Option<&str>) -> Session {
    // Of several values for one key the last one counts.
    let dsn = role.map_or_else(|| db.dsn(), |role| format!("{} user={role}", db.dsn()));
    open_at(&dsn).await
}

/// The same for any server.
async fn open_at(dsn: &str) -> Session {
    let mut environment = Environment::empty();
    environment.os_user = Some("root".to_owned());
    let settings = Settings::resolve(Some(dsn), &environment).unwrap();
    pg::connect(&settings, Work::Reader).await.unwrap()
}

/// Takes a snapshot in a session; a second one that helps makes no difference.
async fn taken(session: &Session) -> Snapshot {
    let alone = taken_or_not(session, Sessions::One).await.unwrap();
    assert_eq!(taken_or_not(session, Sessions::Two).await.unwrap(), alone);
    alone
}

/// The same where it may fail.
async fn taken_or_not(session: &Session, sessions: Sessions) -> Result<Snapshot, CatalogError> {
    let rows = session.rows("show server_version_num").await.unwrap();
    let version = rows[0][0].as_deref().unwrap().parse().unwrap();
    pg::snapshot(session, version, sessions).await
}

/// Takes a snapshot of a database.
fn snapshot(db: &TestDb) -> Snapshot {
    run(async { taken(&open(db, None).await).await })
}
