//! kill -9 at many moments of a run: a rerun always ends where an undisturbed run does.

use crate::support::db::TestDb;
use crate::support::process::kill;
use crate::support::project::Project;
use crate::support::proxy::Proxy;

/// Sixty files, every sixth with a statement that cannot run in a transaction.
fn history() -> Project {
    let project = Project::new();
    for number in 1..=60 {
        let plain = format!(
            "create table t{number} (id int, n int);\ninsert into t{number} select n, n from generate_series(1, 50) n;\n"
        );
        let before = number - 1;
        let sql = match number % 12 {
            6 => format!(
                "{plain}create index concurrently t{number}_n on t{number} (n);\ncreate unique index concurrently on t{before} (id);\n"
            ),
            0 => format!("drop index concurrently t{}_n;\nvacuum t{before};\n{plain}", number - 6),
            _ => plain,
        };
        project.migration(&format!("{number:04}_t.sql"), sql);
    }
    project
}

/// The catalog and the ledger, without what differs from run to run.
fn state(db: &TestDb) -> Vec<String> {
    let ledger = db.psql("select version, name, checksum, token_checksum, sql, origin, transactional from rlsctl.ledger order by sort_key");
    let steps = db.psql(
        "select version, number, object, checksum, finished_at is not null from rlsctl.step order by version, number",
    );
    let rows = db.psql("select count(*) from pg_class where relname ~ '^t[0-9]+$'");
    let invalid = db.psql("select count(*) from pg_index where not indisvalid");
    vec![db.catalog(), ledger, steps, rows, invalid]
}

#[test]
fn a_rerun_after_a_kill_ends_where_an_undisturbed_run_does() {
    let kills: u64 = std::env::var_os("RLSCTL_KILLS")
        .and_then(|kills| kills.to_str()?.parse().ok())
        .unwrap_or(12);
    let (undisturbed, project) = (TestDb::new(), history());
    let proxy = Proxy::before(undisturbed.server());
    project
        .rlsctl(&["migrate"])
        .env("DATABASE_URL", proxy.url(undisturbed.name()))
        .run()
        .exits(0);
    let (trips, expected) = (proxy.counts().round_trips, state(&undisturbed));
    let mut seen = 0;
    for number in 0..kills {
        let db = TestDb::new();
        let proxy = Proxy::before(db.server());
        let at = 2 + number * (trips - 2) / kills;
        let mut running = project
            .rlsctl(&["migrate"])
            .env("DATABASE_URL", proxy.url(db.name()))
            .spawn();
        while proxy.counts().round_trips < at && !running.has_ended() {
            std::thread::yield_now();
        }
        if !running.has_ended() {
            seen += 1;
            kill("KILL", running.pid());
        }
        drop(running);
        project.on(&db, &["migrate"]).run().exits(0);
        let state = state(&db);
        for (part, (ours, theirs)) in ["catalog", "ledger", "steps", "tables", "invalid indexes"]
            .iter()
            .zip(state.iter().zip(&expected))
        {
            assert!(
                ours == theirs,
                "killed after {at} of {trips} round trips: {part} differs\n{ours}\n--- undisturbed\n{theirs}"
            );
        }
    }
    assert!(
        seen * 2 > kills,
        "most runs were to be killed while they ran: {seen} of {kills}"
    );
}
