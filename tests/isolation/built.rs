//! A schema of a case in a database.

use super::attack::{Outcome, attacked, tried};
use super::case::{Case, Twin};
use crate::support::db::TestDb;
use crate::support::session::Refused;

/// What the names of the corpus' roles begin with.
const PREFIX: &str = "iso_";

/// A database for one schema after another: making one for each takes ten times as long.
#[derive(Debug)]
pub(crate) struct Ground(TestDb);

impl Ground {
    /// Makes an empty one.
    pub(crate) fn new() -> Self {
        Self(TestDb::new())
    }

    /// Loads a schema, which is gone when it is dropped, and its roles with it. Roles are the cluster's, and other tests are at work: each gets
    /// the database's name before its own.
    ///
    /// # Errors
    /// What psql says when a statement of the schema fails.
    pub(crate) fn build(&mut self, case: &Case, twin: Twin) -> Result<Built<'_>, String> {
        let built = Built {
            case: case.named(|text| renamed(text, self.0.name())),
            twin,
            db: &self.0,
        };
        built.db.try_psql(&renamed(&case.sql(twin), built.db.name()))?;
        Ok(built)
    }
}

/// A database with one of a case's schemas.
#[derive(Debug)]
pub(crate) struct Built<'ground> {
    case: Case,
    twin: Twin,
    db: &'ground TestDb,
}

impl Built<'_> {
    /// Returns the database.
    pub(crate) fn db(&self) -> &TestDb {
        self.db
    }

    /// Returns the case, with the roles' names in this database.
    #[allow(dead_code, reason = "for the commands that are judged by the corpus")]
    pub(crate) fn case(&self) -> &Case {
        &self.case
    }

    /// Returns an `rlsctl.toml` that says what the case says of tenancy.
    #[allow(dead_code, reason = "for the commands that are judged by the corpus")]
    pub(crate) fn config(&self) -> String {
        let whole = toml::Table::from_iter([("tenancy".to_owned(), self.case.tenancy.clone().into())]);
        toml::to_string(&whole).expect("a table")
    }

    /// Returns what tenant A sees of its own rows.
    pub(crate) fn control(&self) -> Result<String, Refused> {
        let session = self.db.session();
        session.ok("begin");
        let seen = session.run(&renamed(&self.case.control(), self.db.name()));
        session.ok("rollback");
        seen
    }

    /// Returns what tenant A reaches by simple statements on every relation, which should be nothing in a safe twin.
    pub(crate) fn reached_otherwise(&self) -> Vec<String> {
        let says = renamed(&self.case.says(), self.db.name());
        let column = self.case.tenancy.get("column").and_then(toml::Value::as_str);
        let tenants = self.case.tenants(self.twin);
        tried(&self.db.session(), &says, column.unwrap_or("tenant_id"), tenants)
    }

    /// Runs the attack and takes it back.
    pub(crate) fn attack(&self) -> Outcome {
        let attack = renamed(&self.case.attack(), self.db.name());
        attacked(&self.db.session(), &attack, &self.case.tenants(self.twin)[1])
    }
}

impl Drop for Built<'_> {
    fn drop(&mut self) {
        let sql = include_str!("clean.sql").replace("{prefix}", &renamed(PREFIX, self.db.name()));
        let cleaned = self.db.try_psql(&sql);
        // A second panic would hide the test's own.
        assert!(
            std::thread::panicking() || cleaned.is_ok(),
            "{}: {cleaned:?}",
            self.case.name
        );
    }
}

/// Puts the database's name before the roles', once.
fn renamed(text: &str, database: &str) -> String {
    let new = format!("{database}_{PREFIX}");
    text.replace(&new, PREFIX).replace(PREFIX, &new)
}

#[test]
fn nothing_of_a_schema_stays() {
    let mut ground = Ground::new();
    let before = ground.0.catalog();
    let case = Case::named_so("default-privileges");
    let built = ground.build(&case, Twin::Leak).expect("a schema that loads");
    assert_ne!(built.db().catalog(), before);
    drop(built);
    assert_eq!(ground.0.catalog(), before);
    let left = format!(
        "select (select count(*) from pg_roles where starts_with(rolname::text, '{}')) + (select count(*) from pg_default_acl)",
        ground.0.name()
    );
    assert_eq!(ground.0.psql(&left), "0");
}
