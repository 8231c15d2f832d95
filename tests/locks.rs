//! Who holds what, who waits for whom, and that only what is dead is ended.

mod ending;
mod picture;

use std::time::Duration;

use rlsctl::activity::{Backend, Kind, NamePattern, Oid, Pid, Rule};
use rlsctl::pg::activity::{self, Around};
use rlsctl::pg::{self, Environment, Session, Settings, Work};
use rlsctl::script::RelationName;

use crate::support::db::TestDb;
use crate::support::run;

/// Opens a session that looks, as a role.
async fn open(db: &TestDb, role: Option<&str>) -> Session {
    let mut environment = Environment::empty();
    environment.os_user = Some("root".to_owned());
    let dsn = role.map_or_else(|| db.dsn(), |role| format!("{} user={role}", db.dsn()));
    let settings = Settings::resolve(Some(&dsn), &environment).unwrap();
    pg::connect(&settings, Work::Watcher).await.unwrap()
}

/// Returns the numbers of tables in schema `public`.
async fn oids(session: &Session, names: &[&str]) -> Vec<Oid> {
    let names: Vec<RelationName> = names
        .iter()
        .map(|name| RelationName::qualified("public", *name))
        .collect();
    let found = activity::relations(session, &names).await.unwrap();
    found
        .into_iter()
        .map(|relation| relation.expect("it is there").oid)
        .collect()
}

/// Returns everybody around some tables.
async fn around(session: &Session, relations: &[Oid]) -> Vec<Backend> {
    let wanted = Around {
        relations,
        ..Around::default()
    };
    activity::around(session, &wanted).await.unwrap()
}

/// Returns the one backend with a process id.
fn of(backends: &[Backend], pid: i32) -> &Backend {
    backends
        .iter()
        .find(|backend| backend.pid == Some(Pid(pid)))
        .unwrap_or_else(|| panic!("no backend {pid} in {backends:?}"))
}

/// Returns a rule by which everybody is old enough.
fn rule() -> Rule {
    Rule {
        older_than: Duration::ZERO,
        protect_roles: Vec::new(),
        protect_applications: vec![NamePattern::new("keep*")],
    }
}

fn gid(backend: &Backend) -> Option<&str> {
    match &backend.kind {
        Kind::Prepared { gid } => Some(gid),
        _ => None,
    }
}
