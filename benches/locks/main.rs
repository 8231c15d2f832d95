//! What a migration over 46 tables does to the application that works on them: `cargo bench --bench locks`, or with
//! `-- baseline rlsctl` for some of the ways to do it.
//!
//! Each way has a database of its own with the same application (`support/live`) at work, whose statements are what is
//! measured.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::exit,
    reason = "a bench prints its numbers, and has nobody to hand an error to"
)]

mod cases;
#[path = "../../tests/support/mod.rs"]
mod common;
#[path = "../support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cases::{CASES, Case, REPORT, Way};
use common::db::psql;
use fs_err as fs;
use rlsctl::pg::scratch::Scratch;
use support::live::{self, AGE, Application, Figures, NEVER_FREE, OWNER, PROTECTED_ROLE, TABLES, milliseconds};
use support::place::Place;

const USAGE: &str = "usage: locks [--durable] [--verbose] [CASE]...";

fn main() {
    let (mut durable, mut verbose) = (false, false);
    let mut wanted = Vec::new();
    for arg in std::env::args().skip(1) {
        match arg.as_str() {
            // Cargo says so to every bench.
            "--bench" => {}
            "--durable" => durable = true,
            "--verbose" => verbose = true,
            name if CASES.iter().any(|case| case.name == name) => wanted.push(arg),
            _ => {
                let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
                eprintln!("{USAGE}\ncases: {}; all when none is named", names.join(" "));
                std::process::exit(2)
            }
        }
    }
    let bench = Bench::new(durable, verbose);
    println!(
        "PostgreSQL {}, fsync {}, rlsctl {}; {TABLES} tables, {} statements a second",
        bench.place.server().bin().version(),
        if durable { "on" } else { "off" },
        env!("CARGO_PKG_VERSION"),
        live::RATE
    );
    println!(
        "  {:56}  {:>8}  {:>5}  {:>6}  {:>6}  {:>8}  {:>10}  {:>8}  {:>9}",
        "", "finished", "s", "tables", "errors", "stall ms", "never free", "lost q-s", "ended (!)"
    );
    // Without it nothing can be told of the others.
    let (baseline, others): (Vec<_>, Vec<_>) = CASES.iter().partition(|case| matches!(case.way, Way::None(_)));
    let run = bench.run(baseline[0]);
    let usual = run.figures.clone();
    bench.tell(baseline[0], &run, &usual);
    for case in others {
        if wanted.is_empty() || wanted.iter().any(|it| it == case.name) {
            bench.tell(case, &bench.run(case), &usual);
        }
    }
}

/// The server, and a database on it that the others are copies of.
struct Bench {
    place: Place,
    project: PathBuf,
    verbose: bool,
}

/// What was seen of one way.
struct Run {
    exit: Option<i32>,
    took: Duration,
    /// When the report ended, from the start of the migration.
    report_over: Option<Duration>,
    said: String,
    tables: usize,
    figures: Figures,
    dead_ended: usize,
    wrongly_ended: Vec<&'static str>,
}

impl Bench {
    fn new(durable: bool, verbose: bool) -> Self {
        let place = Place::with(durable, live::server_settings());
        let server = place.server();
        let admin = format!("{}\ncreate database live owner {OWNER};", live::ROLES);
        psql(server, &server.dsn("postgres"), &admin).unwrap();
        // Before version 15 it is the superuser's.
        let schema = format!("alter schema public owner to {OWNER}");
        psql(server, &server.dsn("live"), &schema).unwrap();
        place.file("project/migrations/0001_tables.sql", &live::tables());
        let config = format!("[migrations]\ndir = \"migrations\"\n\n[reap]\nprotect_roles = [\"{PROTECTED_ROLE}\"]\n");
        let project = place.file("project/rlsctl.toml", &config).parent().unwrap().to_owned();
        let bench = Self {
            place,
            project,
            verbose,
        };
        let output = bench.rlsctl("live", "30s").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        psql(
            bench.place.server(),
            &bench.place.server().dsn("live"),
            "vacuum analyze",
        )
        .unwrap();
        bench
            .place
            .file("project/migrations/0002_tenants.sql", &live::sections());
        bench
    }

    fn rlsctl(&self, dbname: &str, lock_wait: &str) -> Command {
        let mut command = self.place.command(env!("CARGO_BIN_EXE_rlsctl"));
        let superuser = format!("//{}@", Scratch::superuser());
        let url = self
            .place
            .server()
            .url(dbname)
            .replace(&superuser, &format!("//{OWNER}@"));
        command
            .current_dir(&self.project)
            .args(["--database-url", &url, "migrate"]);
        command.args(["--lock-wait", lock_wait]);
        command
    }

    fn psql(&self, dbname: &str, batch: usize, first: &str) -> Command {
        let script = self.place.file("script.sql", &live::script(batch, first));
        let superuser = format!("user={}", Scratch::superuser());
        let dsn = self.place.server().dsn(dbname);
        self.place
            .psql_file(&dsn.replace(&superuser, &format!("user={OWNER}")), &script)
    }

    /// Migrates a fresh database while the application works on it.
    fn run(&self, case: &Case) -> Run {
        let server = self.place.server();
        let admin = |sql: &str| psql(server, &server.dsn("postgres"), sql).unwrap();
        let dbname = case.name.replace('-', "_");
        admin(&format!("create database {dbname} template live owner {OWNER}"));
        let application = Application::start(&server.dsn(&dbname), case.scene);
        let started = application.begin();
        let (exit, said) = self.migrate(case.way, &dbname);
        let took = started.elapsed();
        // What still queues behind us belongs to us.
        std::thread::sleep(Duration::from_millis(500));
        let performance = application.stop();
        let tables = psql(server, &server.dsn(&dbname), live::DONE).unwrap();
        admin(&format!("drop database {dbname} with (force)"));
        let ended: Vec<_> = performance.fates.iter().filter(|it| it.ended).collect();
        Run {
            exit,
            took,
            report_over: performance.report_began.map(|it| it + REPORT - started),
            said,
            tables: tables.parse().unwrap(),
            figures: Figures::of(&performance.samples, started),
            dead_ended: ended.iter().filter(|it| it.dead).count(),
            wrongly_ended: ended.iter().filter(|it| !it.dead).map(|it| it.who).collect(),
        }
    }

    /// Returns the exit code, none when it was cut off, and what was said.
    fn migrate(&self, way: Way, dbname: &str) -> (Option<i32>, String) {
        match way {
            Way::None(long) => {
                std::thread::sleep(long);
                (None, String::new())
            }
            Way::Psql { batch, first, cut } => self.until(self.psql(dbname, batch, first), cut),
            Way::Again { first, cut } => {
                let deadline = Instant::now() + cut;
                loop {
                    let left = deadline.saturating_duration_since(Instant::now());
                    let (exit, said) = self.until(self.psql(dbname, TABLES, first), left);
                    if exit == Some(0) || deadline < Instant::now() + Duration::from_secs(1) {
                        return (exit.filter(|it| *it == 0), said);
                    }
                    std::thread::sleep(Duration::from_secs(1));
                }
            }
            Way::EndAll { batch, first } => {
                let sql = "select pg_terminate_backend(pid) from pg_stat_activity
                           where state like 'idle in transaction%' and datname = current_database()";
                psql(self.place.server(), &self.place.server().dsn(dbname), sql).unwrap();
                self.until(self.psql(dbname, batch, first), Duration::from_secs(60))
            }
            Way::Rlsctl { lock_wait } => {
                let mut command = self.rlsctl(dbname, lock_wait);
                command.args(["--end-blockers-older-than", &format!("{}s", AGE.as_secs())]);
                self.until(command, Duration::from_secs(60))
            }
        }
    }

    /// Runs a command, and interrupts it as a person would when it takes longer than `cut`.
    fn until(&self, mut command: Command, cut: Duration) -> (Option<i32>, String) {
        let path = self.place.file("stderr", "");
        let stderr = fs::File::create(&path).unwrap().into_file();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(stderr.try_clone().unwrap())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let deadline = Instant::now() + cut;
        let mut is_cut = false;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if !is_cut && deadline < Instant::now() {
                is_cut = true;
                common::process::kill("INT", child.id());
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let said = fs::read_to_string(&path).unwrap();
        (status.code().filter(|_| !is_cut), said)
    }

    /// Prints the row, and below it whether what was wanted was reached.
    fn tell(&self, case: &Case, run: &Run, usual: &Figures) {
        let figures = &run.figures;
        let finished = match (case.way, run.exit) {
            (Way::None(_), _) => "-".to_owned(),
            (_, None) => "cut off".to_owned(),
            (_, Some(0)) => "yes".to_owned(),
            (_, Some(code)) => format!("exit {code}"),
        };
        let never_free = case.scene.living.map(|_| milliseconds(figures.stalls[NEVER_FREE]));
        println!(
            "  {:56}  {finished:>8}  {:>5.1}  {:>6}  {:>6}  {:>8}  {:>10}  {:>8.2}  {:>9}",
            case.title,
            run.took.as_secs_f64(),
            run.tables,
            figures.failed(),
            milliseconds(figures.stall_without(NEVER_FREE)),
            never_free.unwrap_or_else(|| "-".to_owned()),
            figures.lost(usual.p99).as_secs_f64(),
            format!(
                "{} ({})",
                run.dead_ended + run.wrongly_ended.len(),
                run.wrongly_ended.len()
            ),
        );
        for (code, count) in &figures.errors {
            println!("      {count} statements of the application failed: {code}");
        }
        for who in &run.wrongly_ended {
            println!("      wrongly ended: {who}");
        }
        if matches!(case.way, Way::None(_)) {
            println!(
                "      of {} statements one in a hundred took longer than {} ms, the longest {} ms",
                figures.statements,
                milliseconds(figures.p99),
                milliseconds(figures.longest)
            );
        }
        let mut missed = false;
        for target in case.targets {
            let (wanted, reached) = target.judge(run, usual);
            missed |= !reached;
            println!("      {wanted}: {}", if reached { "yes" } else { "NO" });
        }
        if missed || self.verbose {
            for table in figures.worst().into_iter().take(5) {
                println!(
                    "      {} stood still for {} ms, until {:.2} s",
                    live::name(table),
                    milliseconds(figures.stalls[table]),
                    figures.ends[table].as_secs_f64()
                );
            }
        }
        if (missed || self.verbose) && !run.said.is_empty() {
            println!("      it said:");
            for line in run.said.trim_end().split('\n') {
                println!("      | {line}");
            }
        }
    }
}
