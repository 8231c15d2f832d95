//! What `retrofit` does to the application that works on the tables: `cargo bench --bench retrofit`, or with `-- --rows 10000`.
//!
//! 46 tables of 100,000 rows, of which only the first says whose a row is; the application of the bench `locks`, and its three dead
//! sessions.
//!
//! `-- templates`, or `-- templates --rows 10000`, measures what each template of policies costs instead.
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

use std::process::Stdio;
use std::time::{Duration, Instant};

use common::db::psql;
use rlsctl::pg::scratch::Scratch;
use support::live::{self, AGE, Application, Figures, OWNER, Scene, TABLES, milliseconds};
use support::place::Place;
use support::templates;

/// Rows of each table, unless said otherwise.
const ROWS: usize = 100_000;
/// Rows of the table on which templates are measured, unless said otherwise.
const TEMPLATE_ROWS: usize = 500_000;
/// How long the application works by itself, to know what is usual.
const BEFORE: Duration = Duration::from_secs(10);
/// No stall may be longer, unless that is usual.
const STALL: Duration = Duration::from_millis(50);

/// How many tables are as they should be.
const ENFORCED: &str = "
    select count(*) from pg_catalog.pg_class c
    where relnamespace = 'public'::pg_catalog.regnamespace and relkind = 'r' and relrowsecurity
      and exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid and polname = 'tenant_isolation')";

const BARE: Scene = Scene {
    dead: true,
    living: None,
    prepared: false,
    deadlock_prone: false,
    bare: true,
};

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let rows = match arguments.as_slice() {
        [] => ROWS,
        [word, rows] if word == "--rows" => rows.parse().unwrap(),
        [word] if word == "templates" => return templates::run(TEMPLATE_ROWS, rlsctl_as),
        [word, option, rows] if word == "templates" && option == "--rows" => {
            return templates::run(rows.parse().unwrap(), rlsctl_as);
        }
        _ => {
            eprintln!("usage: retrofit [templates] [--rows N]");
            std::process::exit(2)
        }
    };
    let place = Place::with(false, live::server_settings());
    prepare(&place, rows);
    // `retrofit` is for a database whose own migrations are applied.
    let (exit, said) = rlsctl(&place, &["migrate"]);
    assert_eq!(exit, Some(0), "{said}");
    let server = place.server();
    println!(
        "PostgreSQL {}, fsync off, rlsctl {}; {TABLES} tables of {rows} rows, {} statements a second",
        server.bin().version(),
        env!("CARGO_PKG_VERSION"),
        live::RATE
    );

    let application = Application::start(&server.dsn("live"), Scene { dead: false, ..BARE });
    let began = application.begin();
    std::thread::sleep(BEFORE);
    let usual = Figures::of(&application.stop().samples, began);
    tell("nothing else", BEFORE, &usual);

    let application = Application::start(&server.dsn("live"), BARE);
    let began = application.begin();
    let (exit, said) = apply(&place);
    let took = began.elapsed();
    std::thread::sleep(Duration::from_millis(500));
    let performance = application.stop();
    let figures = Figures::of(&performance.samples, began);
    tell("rlsctl retrofit apply", took, &figures);
    let enforced = psql(server, &server.dsn("live"), ENFORCED).unwrap();
    let most = STALL.max(usual.stall() * 3);
    let wrong = performance.fates.iter().filter(|fate| fate.ended != fate.dead).count();
    for (wanted, reached) in [
        (
            format!("{TABLES} tables enforced, exit 0: {enforced}, {exit:?}"),
            exit == Some(0) && enforced == TABLES.to_string(),
        ),
        ("no failed statement".to_owned(), figures.failed() == 0),
        (
            format!("no stall above {} ms", milliseconds(most)),
            figures.stall() <= most,
        ),
        ("the dead ended, and nobody else".to_owned(), wrong == 0),
    ] {
        println!("      {wanted}: {}", if reached { "yes" } else { "NO" });
    }
    for table in figures.worst().into_iter().take(5) {
        println!(
            "      {} stood still for {} ms, until {:.2} s",
            live::name(table),
            milliseconds(figures.stalls[table]),
            figures.ends[table].as_secs_f64()
        );
    }
    if exit != Some(0) {
        println!("{said}");
    }
}

/// Makes the roles, the database and its tables.
fn prepare(place: &Place, rows: usize) {
    let server = place.server();
    let admin = format!("{}\ncreate database live owner {OWNER};", live::ROLES);
    psql(server, &server.dsn("postgres"), &admin).unwrap();
    psql(
        server,
        &server.dsn("live"),
        &format!("alter schema public owner to {OWNER}"),
    )
    .unwrap();
    let superuser = format!("user={}", Scratch::superuser());
    let owner = server.dsn("live").replace(&superuser, &format!("user={OWNER}"));
    psql(server, &owner, &live::bare_tables(rows)).unwrap();
    psql(server, &server.dsn("live"), "vacuum analyze").unwrap();
}

fn apply(place: &Place) -> (Option<i32>, String) {
    let started = Instant::now();
    let age = format!("{}s", AGE.as_secs());
    let ended = rlsctl(place, &["retrofit", "apply", "--end-blockers-older-than", &age]);
    println!("  applied in {:.1} s", started.elapsed().as_secs_f64());
    ended
}

/// Runs a command in the project; returns how it ended, and the last lines that it said.
fn rlsctl(place: &Place, args: &[&str]) -> (Option<i32>, String) {
    let config = "[migrations]\ndir = \"migrations\"\n\n[tenancy]\napp_roles = [\"app\"]\nread_only_roles = [\"nightly_export\"]\n";
    let superuser = format!("//{}@", Scratch::superuser());
    let url = place.server().url("live").replace(&superuser, &format!("//{OWNER}@"));
    command(place, config, &url, args)
}

/// The same as the superuser, with this `rlsctl.toml`.
fn rlsctl_as(place: &Place, config: &str, args: &[&str]) -> (Option<i32>, String) {
    command(place, config, &place.server().url("live"), args)
}

fn command(place: &Place, config: &str, url: &str, args: &[&str]) -> (Option<i32>, String) {
    let project = place.file("project/rlsctl.toml", config).parent().unwrap().to_owned();
    place.file("project/migrations/0001_first.sql", "select 1;\n");
    let mut command = place.command(env!("CARGO_BIN_EXE_rlsctl"));
    command.current_dir(&project).args(["--database-url", url]).args(args);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let last: Vec<&str> = said.trim_end().split('\n').rev().take(12).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    (output.status.code(), last.join("\n"))
}

fn tell(what: &str, took: Duration, figures: &Figures) {
    println!(
        "  {what:30} {:>6.1} s  {:>4} failed  longest stall {:>7} ms  one in a hundred above {} ms, the longest {} ms",
        took.as_secs_f64(),
        figures.failed(),
        milliseconds(figures.stall()),
        milliseconds(figures.p99),
        milliseconds(figures.longest)
    );
    for (code, count) in &figures.errors {
        println!("      {count} statements of the application failed: {code}");
    }
}
