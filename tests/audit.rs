//! `audit`: what it finds beside leaks, what it passes over, what it mends, and where it looks.

mod allowing;
mod beside;
mod corpus;
mod fixing;
mod legacy;
mod page;
mod perf;
mod sources;
mod without;

use serde_json::Value;

use crate::support::db::TestDb;
use crate::support::project::Project;
use crate::support::rlsctl::Run;

/// What `rlsctl.toml` says of tenants, of whom the session says one in a setting.
pub(crate) fn tenancy(db: &TestDb) -> String {
    format!(
        "[tenancy]\napp_roles = [\"{}_app\"]\nsetting = \"app.tenant_id\"\n",
        db.name()
    )
}

/// What a policy asks of a row.
pub(crate) const MINE: &str = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid";

/// A database with the application's role, and a project that knows it. `{app}` in the schema stands for the role.
pub(crate) fn built(schema: &str) -> (TestDb, Project) {
    let db = TestDb::new();
    let project = Project::new();
    project.config(&tenancy(&db));
    db.psql(&format!(
        "create role {}_app; grant usage on schema public to {}_app",
        db.name(),
        db.name()
    ));
    db.psql(&with_role(&db, schema));
    (db, project)
}

pub(crate) fn with_role(db: &TestDb, sql: &str) -> String {
    sql.replace("{app}", &format!("{}_app", db.name()))
        .replace("{mine}", MINE)
}

/// Runs `audit` for a machine.
pub(crate) fn audited(project: &Project, db: &TestDb, more: &[&str]) -> Run {
    let mut args = vec!["--format", "json", "audit"];
    args.extend(more);
    project.on(db, &args).run()
}

/// Returns `severity code object` of each finding, sorted.
pub(crate) fn told(document: &Value) -> Vec<String> {
    let mut told: Vec<String> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap().to_owned();
            format!("{} {} {}", text("severity"), text("code"), text("object"))
        })
        .collect();
    told.sort();
    told
}

/// Returns what is found in a schema.
pub(crate) fn found(schema: &str) -> Vec<String> {
    let (db, project) = built(schema);
    let run = audited(&project, &db, &[]);
    told(&run.json())
        .into_iter()
        .map(|line| line.replace(db.name(), "db"))
        .collect()
}
