//! `retrofit`: from no row security to tables whose tenants are apart, and back.

mod planning;

use rlsctl::pg::{self, Environment, Settings, Work};
use rlsctl::retrofit::{Composed, Plan, compose, look, plan};
use rlsctl::tenancy::{Tenancy, tenancy};

use crate::support::db::TestDb;
use crate::support::run;

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
