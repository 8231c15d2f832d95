//! The ways to migrate, what stands in the way of each, and what is wanted of it.

use std::time::Duration;

use super::Run;
use super::support::live::{self, Figures, GID, NEVER_FREE, PREPARED_ON, Scene, TABLES, milliseconds};

/// How long the report takes that must not be ended.
pub(crate) const REPORT: Duration = Duration::from_secs(10);

/// Everything that stands in the way but the prepared transaction.
const ALL: Scene = Scene {
    dead: true,
    living: Some(REPORT),
    prepared: false,
    deadlock_prone: false,
    bare: false,
};

/// Only the application.
const NOBODY: Scene = Scene {
    dead: false,
    living: None,
    ..ALL
};

/// One way to migrate.
pub(crate) struct Case {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Its name in the table.
    pub(crate) title: &'static str,
    pub(crate) scene: Scene,
    pub(crate) way: Way,
    /// What it has to reach.
    pub(crate) targets: &'static [Target],
}

#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// No migration at all, for so long.
    None(Duration),
    /// psql with a script, cut off after a while.
    Psql {
        batch: usize,
        first: &'static str,
        cut: Duration,
    },
    /// The same again and again, a second apart.
    Again { first: &'static str, cut: Duration },
    /// Every session that is idle in transaction is ended, whoever it is; then psql.
    EndAll { batch: usize, first: &'static str },
    /// `rlsctl migrate`, with the deadline for its locks.
    Rlsctl { lock_wait: &'static str },
}

/// What is wanted of a run.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// This many tables, and this exit code.
    Tables(usize, i32),
    /// Stalls as short as the issue wants them.
    Stalls,
    /// No statement of the application fails.
    NoErrors,
    /// The dead are ended, and nobody else.
    EndsTheDead,
    /// Over within half a second after the report.
    WithTheReport,
    /// Over within this time.
    Within(Duration),
    /// Query-seconds lost.
    Lost,
    /// The prepared transaction is named on stderr.
    NamesGid,
    /// The application is never the victim of a deadlock.
    NoDeadlock,
}

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "baseline",
        title: "no migration",
        scene: ALL,
        way: Way::None(REPORT),
        targets: &[],
    },
    Case {
        name: "psql",
        title: "psql, one transaction",
        scene: ALL,
        way: Way::Psql {
            batch: TABLES,
            first: "",
            cut: Duration::from_secs(15),
        },
        targets: &[],
    },
    Case {
        name: "lock-timeout",
        title: "psql, one transaction, lock_timeout 2 s, again after 1 s",
        scene: ALL,
        way: Way::Again {
            first: "set local lock_timeout = '2s';",
            cut: Duration::from_secs(20),
        },
        targets: &[],
    },
    Case {
        name: "end-all",
        title: "end all idle in transaction, batches of 8, timeout 60 s",
        scene: ALL,
        way: Way::EndAll {
            batch: 8,
            first: "set local statement_timeout = '60s';",
        },
        targets: &[],
    },
    Case {
        name: "rlsctl",
        title: "rlsctl migrate",
        scene: ALL,
        way: Way::Rlsctl { lock_wait: "30s" },
        targets: &[
            Target::Tables(TABLES, 0),
            Target::Stalls,
            Target::NoErrors,
            Target::EndsTheDead,
            Target::WithTheReport,
            Target::Lost,
        ],
    },
    Case {
        name: "dead-only",
        title: "rlsctl migrate, only the dead sessions",
        scene: Scene { dead: true, ..NOBODY },
        way: Way::Rlsctl { lock_wait: "30s" },
        targets: &[
            Target::Tables(TABLES, 0),
            Target::Stalls,
            Target::NoErrors,
            Target::EndsTheDead,
            Target::Within(Duration::from_millis(600)),
            Target::Lost,
        ],
    },
    Case {
        name: "prepared",
        title: "rlsctl migrate, a prepared transaction",
        scene: Scene {
            dead: true,
            prepared: true,
            ..NOBODY
        },
        way: Way::Rlsctl { lock_wait: "3s" },
        targets: &[
            Target::Tables(TABLES - 1, 4),
            Target::NamesGid,
            Target::Stalls,
            Target::NoErrors,
            Target::EndsTheDead,
        ],
    },
    Case {
        name: "deadlock-psql",
        title: "psql, again after 1 s, deadlock-prone application",
        scene: Scene {
            deadlock_prone: true,
            ..NOBODY
        },
        way: Way::Again {
            first: "",
            cut: Duration::from_secs(20),
        },
        targets: &[],
    },
    Case {
        name: "deadlock",
        title: "rlsctl migrate, deadlock-prone application",
        scene: Scene {
            deadlock_prone: true,
            ..NOBODY
        },
        way: Way::Rlsctl { lock_wait: "30s" },
        targets: &[Target::Tables(TABLES, 0), Target::NoDeadlock, Target::NoErrors],
    },
];

impl Target {
    /// Returns what is wanted, and whether it was reached.
    pub(crate) fn judge(self, run: &Run, usual: &Figures) -> (String, bool) {
        let figures = &run.figures;
        match self {
            Self::Tables(tables, exit) => (
                format!("{tables} of {TABLES} tables and exit {exit} wanted"),
                run.tables == tables && run.exit == Some(exit),
            ),
            Self::Stalls => {
                // On a noisy machine the application has stalls of its own.
                let limit = Duration::from_millis(50).max(usual.stall_without(NEVER_FREE) * 3);
                let never_free = Duration::from_millis(60).max(usual.stalls[NEVER_FREE] * 3);
                (
                    format!(
                        "longest stall at most {} ms, {} on the table that is never free, wanted",
                        milliseconds(limit),
                        milliseconds(never_free)
                    ),
                    figures.stall_without(NEVER_FREE) <= limit && figures.stalls[NEVER_FREE] <= never_free,
                )
            }
            Self::NoErrors => ("no failed statement wanted".to_owned(), figures.failed() == 0),
            Self::EndsTheDead => (
                "the three dead sessions ended, and nobody else, wanted".to_owned(),
                run.dead_ended == 3 && run.wrongly_ended.is_empty(),
            ),
            Self::WithTheReport => {
                let limit = run.report_over.unwrap_or_default() + Duration::from_millis(500);
                (
                    format!("over in {:.1} s wanted, 0.5 s after the report", limit.as_secs_f64()),
                    run.took <= limit,
                )
            }
            Self::Within(limit) => (
                format!(
                    "over in {:.1} s wanted, took {:.2} s",
                    limit.as_secs_f64(),
                    run.took.as_secs_f64()
                ),
                run.took <= limit,
            ),
            Self::Lost => {
                let share = run.took.as_secs_f64() / REPORT.as_secs_f64();
                let limit = 0.6 + usual.lost(usual.p99).as_secs_f64() * share;
                (
                    format!("at most {limit:.2} query-seconds lost wanted"),
                    figures.lost(usual.p99).as_secs_f64() <= limit,
                )
            }
            Self::NamesGid => (
                format!("{} and its holder {GID} named wanted", live::name(PREPARED_ON)),
                run.said.contains(GID) && run.said.contains(&live::name(PREPARED_ON)),
            ),
            Self::NoDeadlock => (
                "no 40P01 in the application wanted".to_owned(),
                !figures.errors.contains_key("40P01"),
            ),
        }
    }
}
