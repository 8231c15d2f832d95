//! What `audit` costs: `cargo bench --bench audit`, or with `-- --runs 5`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::exit,
    reason = "a bench prints its numbers, and has nobody to hand an error to"
)]

#[path = "../tests/support/mod.rs"]
mod common;
mod support;

use std::process::Command;

use support::cases::{Case, run};
use support::pairs::{Contender, alternate, table};
use support::place::Place;

/// A schema of many tenants' tables: 1,000 tables, 3,000 policies.
const SCHEMA: &str = include_str!("support/tenants.sql");

/// What is said of tenants.
const TENANCY: &str = "[tenancy]\napp_roles = [\"bench_app\"]\nsetting = \"app.tenant_id\"\n";

const CASES: &[Case] = &[("catalog", catalog)];

fn main() {
    run("audit", CASES);
}

/// Everything that is asked of a large catalog, beside a linter that asks patterns. Both find nothing grave, and exit 0.
fn catalog(place: &Place, runs: usize) {
    let db = place.db();
    common::db::psql(place.server(), &db.dsn(), SCHEMA).unwrap();
    let config = place.file("audit/rlsctl.toml", TENANCY);
    let audit = || {
        let mut command = place.command(env!("CARGO_BIN_EXE_rlsctl"));
        command.env("DATABASE_URL", db.url());
        command.args(["--config", config.to_str().unwrap(), "--format", "json", "audit"]);
        command
    };
    let Some(pgrls) = pgrls() else {
        println!("\npgrls is not here (scripts/peers): rlsctl alone");
        let times = alternate(runs, &mut [Contender::new("rlsctl audit", audit)]);
        table("audit of 1,000 tables with 3,000 policies", &times, None);
        return;
    };
    let lint = || {
        let mut command = place.command(&pgrls);
        // What it finds is not what is timed.
        command.args(["lint", "--database-url", &db.url(), "--format", "json"]);
        let mut shell = Command::new("sh");
        let words: Vec<String> = std::iter::once(pgrls.clone())
            .chain(command.get_args().map(|arg| arg.to_string_lossy().into_owned()))
            .collect();
        shell.args(["-c", "\"$@\"; test $? -le 1", "sh"]).args(words);
        shell
    };
    let mut contenders = [
        Contender::new("pgrls lint", lint),
        Contender::new("rlsctl audit", audit),
    ];
    let times = alternate(runs, &mut contenders);
    table("audit of 1,000 tables with 3,000 policies", &times, Some(0.25));
}

/// Returns the linter, where scripts/peers has put it.
fn pgrls() -> Option<String> {
    let path = format!("{}/target/peers/pgrls/bin/pgrls", env!("CARGO_MANIFEST_DIR"));
    std::path::Path::new(&path).exists().then_some(path)
}
