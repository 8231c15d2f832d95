//! `retrofit`: from no row security to tables whose tenants are apart, and back.

mod altered;
mod applying;
mod articles;
mod counting;
mod edges;
mod extras;
mod inserting;
mod observing;
mod pending;
mod planning;
mod proposing;
mod templates;

use rlsctl::catalog::Fingerprint;
use rlsctl::pg::{self, Environment, Sessions, Settings, Work};
use rlsctl::retrofit::{Composed, Plan, compose, look, plan};
use rlsctl::tenancy::{Tenancy, tenancy};

use crate::support::db::TestDb;
use crate::support::run;

/// Two tenants with projects, tasks that have no tenant, and comments below the tasks.
pub(crate) const SCHEMA: &str = "
  create table tenants (id int primary key, name text);
  create table projects (id int primary key, tenant_id int not null references tenants, name text);
  create table tasks (id int primary key, project_id int not null references projects on delete cascade, title text);
  create index tasks_project on tasks (project_id);
  create table comments (id int primary key, task_id int references tasks on delete set null, body text);
  create view open_tasks as select * from tasks;
  insert into tenants values (1, 'one'), (2, 'two');
  insert into projects values (1, 1, 'a'), (2, 2, 'b');
  insert into tasks select n, 1 + n % 2, 'task ' || n from generate_series(1, 100) n;
  insert into comments select n, n, 'comment' from generate_series(1, 100) n;";

pub(crate) fn built() -> (TestDb, String) {
    let db = TestDb::new();
    let app = format!("{}_app", db.name());
    db.psql(SCHEMA);
    db.psql(&format!(
        "create role {app}; grant usage on schema public to {app};
         grant select, insert, update, delete, truncate on all tables in schema public to {app}"
    ));
    (db, app)
}

/// Reads `[tenancy]`.
fn model(text: &str) -> Tenancy {
    tenancy(&toml::from_str(text).unwrap()).unwrap()
}

/// Plans what is missing in a database.
fn planned(db: &TestDb, tenancy: &Tenancy) -> Plan {
    let mut environment = Environment::empty();
    environment.os_user = Some("root".to_owned());
    let settings = Settings::resolve(Some(&db.dsn()), &environment).unwrap();
    run(async {
        let session = pg::connect(&settings, Work::Reader).await.unwrap();
        let seen = look(&session, tenancy).await.unwrap();
        plan(&seen.schema, tenancy, &seen.aims, &seen.nulls)
    })
}

/// Returns the files of a plan.
fn files(db: &TestDb, tenancy: &Tenancy) -> Vec<Composed> {
    let plan = planned(db, tenancy);
    assert!(!plan.is_stopped(), "{:#?}", plan.findings);
    compose(&plan, 8, "0123456789ab")
}

/// Returns the fingerprint of a database's catalog, as the binary takes it.
fn fingerprint(db: &TestDb) -> Fingerprint {
    let mut environment = Environment::empty();
    environment.os_user = Some("root".to_owned());
    let settings = Settings::resolve(Some(&db.dsn()), &environment).unwrap();
    run(async {
        let session = pg::connect(&settings, Work::Reader).await.unwrap();
        let rows = session.rows("show server_version_num").await.unwrap();
        let version = rows[0][0].as_deref().unwrap().parse().unwrap();
        let snapshot = pg::snapshot(&session, version, Sessions::One).await;
        snapshot.unwrap().fingerprint()
    })
}
