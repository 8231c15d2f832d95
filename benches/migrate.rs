//! The numbers of docs/PERFORMANCE.md, for any machine: `make bench`, or
//! `make bench ARGS="--runs 15 apply nothing"`.
//!
//! Every time is that of a whole command, from its start to its end, as a person waits for it.
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

use std::process::{Command, Stdio};
use std::time::Duration;

use common::proxy::Proxy;
use support::cases::{Case, run};
use support::pairs::{Contender, Prepared, alternate, finish, table};
use support::peers::Peer;
use support::place::{LedgerRow, Place};

const CASES: &[Case] = &[
    ("apply", apply),
    ("nothing", nothing),
    ("nothing-10000", nothing_at_ten_thousand),
    ("trips", round_trips),
    ("latency", latency),
    ("version", version),
    ("memory", memory),
];

fn main() {
    run("migrate", CASES);
}

/// 905 migrations onto an empty database, beside psql with one message a file and its ledger row: the row that rlsctl writes, and a
/// short one without the text.
fn apply(place: &Place, runs: usize) {
    const COUNT: usize = 905;
    let dir = place.plain(COUNT);
    let [short, same] = [LedgerRow::Short, LedgerRow::Same].map(|row| place.psql_script(COUNT, row));
    let psql = |script| {
        let db = place.db();
        Prepared::then(place.psql_file(&db.dsn(), script), move || db.expect(COUNT))
    };
    let mut contenders = vec![
        Contender::new("psql, one message a file", || psql(&same)),
        Contender::new("rlsctl migrate", || {
            let db = place.db();
            Prepared::then(place.rlsctl(&db.url(), &dir), move || db.expect(COUNT))
        }),
    ];
    contenders.push(Contender::new("psql, a ledger of four columns", || psql(&short)));
    for (peer, program) in Peer::installed() {
        let dir = peer.folder(place, COUNT);
        contenders.push(Contender::new(peer.name(), move || {
            let db = place.db();
            Prepared::then(peer.command(&program, place, &peer.url(place, &db), &dir), move || {
                db.expect(COUNT);
            })
        }));
    }
    let times = alternate(runs, &mut contenders);
    table(
        &format!("Apply {COUNT} migrations to a fresh database"),
        &times,
        Some(1.05),
    );
}

fn nothing(place: &Place, runs: usize) {
    nothing_to_do(place, runs, 905, 0.6);
}

fn nothing_at_ten_thousand(place: &Place, runs: usize) {
    nothing_to_do(place, runs, 10_000, 0.35);
}

/// A second run, beside hashing the same files with sha256sum and asking the server one question.
fn nothing_to_do(place: &Place, runs: usize, count: usize, wanted: f64) {
    let (db, dir) = place.applied(count);
    db.ask(&format!(
        "create table ledger as select generate_series(1, {count}) as version"
    ));
    let mut contenders = vec![
        Contender::new("sha256sum and one psql query", || {
            let mut command = place.command("/bin/sh");
            // psql's path and the connection string hold no quotes: they are the throwaway server's.
            let psql = place.server().bin().tool("psql");
            let hash = "sha256sum *.sql >/dev/null";
            let ask = format!(
                "{} -XAtq -d '{}' -c 'select max(version) from ledger'",
                psql.display(),
                db.dsn()
            );
            command.args(["-c", &format!("{hash} && {ask}")]).current_dir(&dir);
            command
        }),
        Contender::new("rlsctl migrate, nothing to do", || place.rlsctl(&db.url(), &dir)),
    ];
    for (peer, program) in Peer::installed() {
        let (db, dir) = (place.db(), peer.folder(place, count));
        finish(peer.command(&program, place, &peer.url(place, &db), &dir));
        contenders.push(Contender::new(peer.name(), move || {
            peer.command(&program, place, &peer.url(place, &db), &dir)
        }));
    }
    let times = alternate(runs, &mut contenders);
    drop(contenders);
    table(&format!("Nothing to do at {count} files"), &times, Some(wanted));
}

/// Counts round trips, which depend on no machine: at two sizes, so that what is paid once and what is paid for every
/// migration come apart.
fn round_trips(place: &Place, _runs: usize) {
    const FEW: usize = 50;
    const MANY: usize = 150;
    println!("\nRound trips, counted by a proxy");
    println!("  {:30}  {:>13}  {:>6}", "", "per migration", "fixed");
    let line = |name: &str, verdict: bool, count: &dyn Fn(usize, &Proxy, &str) -> Command| {
        let [few, many] = [FEW, MANY].map(|number| {
            let (db, proxy) = (place.db(), Proxy::before(place.server()));
            finish(count(number, &proxy, db.name()));
            db.expect(number);
            f64::from(u32::try_from(proxy.counts().round_trips).unwrap())
        });
        let each = (many - few) / f64::from(u32::try_from(MANY - FEW).unwrap());
        let fixed = few - each * f64::from(u32::try_from(FEW).unwrap());
        let met = if each <= 1.0 && fixed <= 5.0 { "yes" } else { "NO" };
        let verdict = if verdict {
            format!("  at most 1.0 and 5 wanted: {met}")
        } else {
            String::new()
        };
        println!("  {name:30}  {each:>13.2}  {fixed:>6.1}{verdict}");
    };
    line("psql, one message a file", false, &|count, proxy, dbname| {
        place.psql_file(&proxy.url(dbname), &place.psql_script(count, LedgerRow::Short))
    });
    line("rlsctl migrate", true, &|count, proxy, dbname| {
        place.rlsctl(&proxy.url(dbname), &place.plain(count))
    });
    for (peer, program) in Peer::installed() {
        line(peer.name(), false, &|count, proxy, dbname| {
            peer.command(&program, place, &proxy.url(dbname), &peer.folder(place, count))
        });
    }
}

/// 100 migrations to a server that is 20 ms away, there and back.
fn latency(place: &Place, runs: usize) {
    const COUNT: usize = 100;
    let proxy = Proxy::before(place.server());
    proxy.delay(Duration::from_millis(10));
    let (dir, script) = (place.plain(COUNT), place.psql_script(COUNT, LedgerRow::Short));
    let mut contenders = vec![
        Contender::new("psql, one message a file", || {
            let db = place.db();
            Prepared::then(place.psql_file(&proxy.url(db.name()), &script), move || {
                db.expect(COUNT);
            })
        }),
        Contender::new("rlsctl migrate", || {
            let db = place.db();
            Prepared::then(place.rlsctl(&proxy.url(db.name()), &dir), move || db.expect(COUNT))
        }),
    ];
    for (peer, program) in Peer::installed() {
        let (dir, proxy) = (peer.folder(place, COUNT), &proxy);
        contenders.push(Contender::new(peer.name(), move || {
            let db = place.db();
            Prepared::then(peer.command(&program, place, &proxy.url(db.name()), &dir), move || {
                db.expect(COUNT);
            })
        }));
    }
    // Distance does not vary as a busy machine does.
    let times = alternate(runs.min(3), &mut contenders);
    table(
        &format!("Apply {COUNT} migrations at 20 ms of round trip"),
        &times,
        None,
    );
    let met = if times[1].median() <= Duration::from_millis(2800) {
        "yes"
    } else {
        "NO"
    };
    println!("  rlsctl in at most 2.8 s wanted: {met}");
}

/// How long the program takes to start and end.
fn version(place: &Place, runs: usize) {
    let mut contenders = vec![
        Contender::new("true", || place.command("true")),
        Contender::new("rlsctl --version", || {
            let mut command = place.command(env!("CARGO_BIN_EXE_rlsctl"));
            command.arg("--version");
            command
        }),
    ];
    let times = alternate(runs * 30, &mut contenders);
    table("Start and end", &times, Some(1.5));
}

/// The most memory that applying 10,000 files and then finding nothing to do takes.
fn memory(place: &Place, _runs: usize) {
    const COUNT: usize = 10_000;
    const WANTED: u64 = 40 * 1024;
    println!("\nPeak memory at {COUNT} files");
    let (db, dir) = (place.db(), place.plain(COUNT));
    for name in ["rlsctl migrate", "rlsctl migrate, nothing to do"] {
        let peak = peak(place.rlsctl(&db.url(), &dir));
        db.expect(COUNT);
        match peak {
            Some(kilobytes) => {
                let met = if kilobytes <= WANTED { "yes" } else { "NO" };
                println!(
                    "  {name:30}  {:>6.1} MB  at most 40 wanted: {met}",
                    f64::from(u32::try_from(kilobytes).unwrap()) / 1024.0
                );
            }
            None => println!("  {name:30}  not known: this system has no /proc"),
        }
    }
}

/// Runs a command and returns the most memory it had resident, in kilobytes, as the kernel counts it
/// (proc(5), `VmHWM`). It only ever grows, so that the last look before the end is as good as one after it.
fn peak(mut command: Command) -> Option<u64> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = None;
    let status = loop {
        let text = fs_err::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let row = text.split('\n').find_map(|row| row.strip_prefix("VmHWM:"));
        peak = row
            .and_then(|row| row.trim().strip_suffix(" kB")?.parse().ok())
            .or(peak);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    assert!(status.success(), "{command:?}: {status}");
    peak
}
