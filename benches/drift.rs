//! What `drift-check` costs: `cargo bench --bench drift`, or with `-- --runs 15 files`.
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

use rlsctl::pg::{self, Environment, Settings, Work};
use support::cases::{Case, run};
use support::pairs::{Contender, alternate, table};
use support::place::Place;

/// A schema of many tenants' tables: 1,000 tables, 3,000 policies.
const SCHEMA: &str = include_str!("support/tenants.sql");

const CASES: &[Case] = &[("files", files), ("catalog", catalog)];

fn main() {
    // This program itself is what is timed, as a process of its own.
    match std::env::args().collect::<Vec<_>>().as_slice() {
        [_, word, dsn] if word == "--snapshot" => snapshot(dsn),
        _ => run("drift", CASES),
    }
}

/// Files against ledger with nothing to report, beside `migrate` with nothing to do: both hash every file and ask one question.
fn files(place: &Place, runs: usize) {
    for count in [905, 10_000] {
        let (db, dir) = place.applied(count);
        let mut contenders = [
            Contender::new("rlsctl migrate, nothing to do", || place.rlsctl(&db.url(), &dir)),
            Contender::new("rlsctl drift-check, only files", || {
                place.rlsctl_does(&["drift-check", "--no-schema"], &db.url(), &dir)
            }),
        ];
        // Short ones, of which many are needed.
        let times = alternate(runs * 10, &mut contenders);
        drop(contenders);
        table(&format!("Files against ledger at {count} files"), &times, Some(1.05));
    }
}

/// The whole catalog as definitions and hashes, beside `pg_dump -s`.
fn catalog(place: &Place, runs: usize) {
    let db = place.db();
    common::db::psql(place.server(), &db.dsn(), SCHEMA).unwrap();
    let mut contenders = [
        Contender::new("pg_dump -s", || {
            let mut command = place.command(place.server().bin().tool("pg_dump"));
            command.args(["-s", "-d", &db.dsn()]);
            command
        }),
        Contender::new("rlsctl, snapshot and mark", || {
            let mut command = place.command(std::env::current_exe().unwrap());
            command.args(["--snapshot", &db.dsn()]);
            command
        }),
    ];
    let times = alternate(runs, &mut contenders);
    table("The catalog of 1,000 tables with 3,000 policies", &times, Some(0.5));
}

fn snapshot(dsn: &str) {
    let mut environment = Environment::empty();
    environment.os_user = Some("root".to_owned());
    let settings = Settings::resolve(Some(dsn), &environment).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mark = runtime.block_on(async {
        let session = pg::connect(&settings, Work::Reader).await.unwrap();
        let look = pg::ledger_store::look(&session).await.unwrap();
        pg::snapshot(&session, look.server_version, look.sessions())
            .await
            .unwrap()
            .mark()
    });
    assert!(mark.objects.len() > 6000);
    println!("{}", mark.fingerprint);
}
