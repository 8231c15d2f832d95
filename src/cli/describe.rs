//! Errors of the lower floors, as failures that say what to do.

use crate::config::ConfigError;
use crate::exit::{Exit, Failure};
use crate::migrate::{Outcome, Place, Remains, RunError};
use crate::migration::{StagedError, Version};
use crate::pg::{LookError, MessageError};
use crate::report::count;

use super::blocked::{blocked, next_when_blocked};

/// Returns why files cannot be written, of which all are or none.
pub fn not_staged(error: &StagedError) -> Failure {
    let failure = Failure::new(Exit::Environment, "the files cannot be written")
        .cause(error.to_string())
        .hint("see that the folder may be written and that no file is in the way, then run the same command again");
    if error.left.is_empty() {
        return failure.state("nothing was written");
    }
    error.left.iter().fold(failure, |failure, path| {
        failure.state(format!("{} was written; remove it first", path.display()))
    })
}

/// Returns why the configuration cannot be used.
pub fn config_failure(error: &ConfigError) -> Failure {
    let mut failure = Failure::new(Exit::Environment, error.to_string());
    match error {
        ConfigError::Unreadable { source, .. } => {
            failure.causes.push(source.to_string());
            failure
                .hints
                .push("name a file that is there, or make one with `rlsctl init`".to_owned());
        }
        ConfigError::Invalid { suggestion, .. } => failure.hints.push(match suggestion {
            Some(known) => format!("did you mean `{known}`?"),
            None => "mend the file; docs/guide.md lists its keys".to_owned(),
        }),
        ConfigError::MissingVariable { name, .. } => {
            failure.hints.push(format!("export {name}, or use `--database-url`"));
        }
        ConfigError::NoSuchTarget { .. } | ConfigError::ChooseTarget { .. } => {
            failure
                .hints
                .push("name one with `--target NAME`, or a database with `--database-url URL`".to_owned());
        }
        ConfigError::Setting { .. } => failure.exit = Exit::Usage,
        ConfigError::Value { path, .. } => failure.hints.push(format!("mend it in {}", path.display())),
    }
    failure.state.push("nothing was changed".to_owned());
    failure
}

/// Returns why it could not be seen who does what.
pub fn look_failure(error: &LookError) -> Failure {
    let failure = Failure::new(Exit::Environment, error.to_string());
    match error {
        LookError::Message(MessageError::Refused { refusal }) => {
            let mut failure = failure;
            failure.server = Some(refusal.error.clone());
            failure
        }
        LookError::Message(MessageError::Lost { .. }) => {
            failure.hint("see that the server is up, then run the same command again")
        }
        LookError::Unreadable(_) => failure.hint("see whether a newer rlsctl knows this server"),
    }
}

/// Returns why a run stopped: what happened and where, what is applied and what is not, what to do.
///
/// `role` is who acts.
pub fn run_failure(error: &RunError, outcome: &Outcome, role: &str) -> Failure {
    let failure = match error {
        RunError::Statement { place, server, remains } => {
            let mut failure = statement(place, remains, &server.message);
            failure.server = Some((**server).clone());
            timeout_hint(&server.sqlstate, failure)
        }
        RunError::Blocked { blockers, tables, remains, path, .. } => {
            let failure = blocked(error, blockers, tables, path).state(what_remains(remains));
            next_when_blocked(failure, blockers, tables, role)
        }
        RunError::Lost { version, path, reason, applied, stepwise } => lost(error, &version.to_string(), path, reason, *applied, stepwise_state(*stepwise, version, outcome)),
        RunError::Interrupted { signal, version, remains } => {
            let failure = Failure::new(signal.exit(), "interrupted");
            let failure = match version {
                Some(version) => failure.state(format!("migration {version}: {}", what_remains(remains))),
                None => failure,
            };
            failure.hint("run `rlsctl migrate` to go on")
        }
        RunError::FileChanged { path, .. } => Failure::new(Exit::Refused, error.to_string())
            .cause(path.display().to_string())
            .hint("run `rlsctl migrate` again when nobody is writing to the folder"),
        RunError::OtherContent { version, path } => Failure::new(Exit::Refused, error.to_string())
            .state(format!("nothing of {} was run", path.display()))
            .hint(format!("compare: select sql from rlsctl.ledger where version = '{version}'; then give one of the two a new version")),
        RunError::Endless { version, path, rounds } => Failure::new(Exit::Partial, error.to_string())
            .cause(format!("in {}", path.display()))
            .state(format!("migration {version}: {}", what_rounds_remain(*rounds)))
            .hint("see whether its statement ever comes to an end: what it has changed, it must not find again")
            .hint("if it is only more than was thought, raise the number in the directive, then run `rlsctl migrate`: it goes on"),
        RunError::UnknownStep { place, number, .. } => unknown_step(error, place, *number),
        RunError::Ledger { server, .. } => {
            let mut failure = Failure::new(Exit::Environment, error.to_string());
            failure.server = Some((**server).clone());
            failure.hint("the role needs: GRANT USAGE ON SCHEMA rlsctl TO role; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rlsctl TO role;")
        }
    };
    totals(failure, outcome)
}

fn totals(mut failure: Failure, outcome: &Outcome) -> Failure {
    let done = outcome.applied.len();
    let before = match outcome.applied.last() {
        Some(last) => format!(
            "{} applied in this run and kept, up to {}",
            count(done, "migration"),
            last.version
        ),
        None => "no migration was applied in this run".to_owned(),
    };
    failure.state.push(before);
    if !outcome.pending.is_empty() {
        failure.state.push(format!(
            "{} pending; the ledger is consistent, head {}",
            outcome.pending.len(),
            outcome.head.short()
        ));
    }
    failure
}

/// Returns what is left of a migration that failed.
fn what_remains(remains: &Remains) -> String {
    if remains.is_nothing() {
        return "rolled back, nothing of it remains".to_owned();
    }
    if remains.steps == 0 && remains.steps_done > 0 {
        return what_rounds_remain(u64::try_from(remains.steps_done).unwrap_or(u64::MAX));
    }
    let mut parts = Vec::new();
    if remains.steps_done > 0 || remains.steps > 1 {
        parts.push(format!(
            "{} of its {} steps are done and stay done",
            remains.steps_done, remains.steps
        ));
    }
    if !remains.invalid.is_empty() {
        parts.push(format!(
            "INVALID and still there: {}, which is written and never read; the next `rlsctl migrate` takes it up",
            remains.invalid.join(", ")
        ));
    }
    if let Some(finish) = &remains.pending {
        parts.push(format!(
            "the detach is pending: the next `rlsctl migrate` finishes it, as `{finish}` does"
        ));
    }
    parts.join("; ")
}

/// Returns what is left of a repeated migration.
fn what_rounds_remain(rounds: u64) -> String {
    let rounds = count(usize::try_from(rounds).unwrap_or(usize::MAX), "round");
    format!(
        "{rounds} done, committed and kept; it is not recorded as applied, and the next run goes on with what is left"
    )
}

fn exit_for(remains: &Remains) -> Exit {
    if remains.is_nothing() {
        Exit::Failed
    } else {
        Exit::Partial
    }
}

fn statement(place: &Place, remains: &Remains, message: &str) -> Failure {
    let moment = place.moment.map_or_else(String::new, |moment| format!(" {moment}"));
    let mut failure = Failure::new(
        exit_for(remains),
        format!("migration {} failed{moment}: {message}", place.version),
    )
    .state(format!("migration {}: {}", place.version, what_remains(remains)));
    if place.excerpt.is_none() {
        failure.causes.push(format!("in {}", place.path.display()));
    }
    failure.excerpt.clone_from(&place.excerpt);
    if remains.is_nothing() {
        failure.hint("mend the file, then run `rlsctl migrate` again")
    } else if remains.steps == 0 {
        failure.hint(
            "mend the file or the rows that it stumbles over, then run `rlsctl migrate`: it goes on with what is left",
        )
    } else {
        failure.hint("mend the failed statement, leave those before it as they are, then run `rlsctl migrate`: it goes on with that step")
    }
}

fn timeout_hint(sqlstate: &str, failure: Failure) -> Failure {
    if sqlstate == "57014" {
        return failure.hint("if it needs longer, say so in the file: `-- rlsctl: statement_timeout=10min`, or use `--statement-timeout`");
    }
    failure
}

/// Returns what becomes of a migration that runs in several transactions.
fn stepwise_state(stepwise: bool, version: &Version, outcome: &Outcome) -> Option<String> {
    let in_rounds = outcome.repeated.iter().any(|file| file.version == *version);
    let what = if in_rounds {
        "is repeated in rounds: those that are done stay done, and the next run goes on with what is left"
    } else {
        "runs in steps: what was done is recorded, and the next run goes on from there"
    };
    stepwise.then(|| what.to_owned())
}

fn lost(
    error: &RunError,
    version: &str,
    path: &std::path::Path,
    reason: &str,
    applied: Option<bool>,
    stepwise: Option<String>,
) -> Failure {
    let (exit, state) = match (applied, stepwise) {
        (_, Some(what)) => (Exit::Partial, format!("migration {version} {what}")),
        (Some(false), None) => (
            Exit::Failed,
            format!("migration {version}: rolled back, nothing of it remains"),
        ),
        _ => (
            Exit::Environment,
            format!("whether migration {version} was committed is not known until the server is back"),
        ),
    };
    Failure::new(exit, error.to_string())
        .cause(reason)
        .cause(format!("in {}", path.display()))
        .state(state)
        .hint("see that the server is up, then run `rlsctl migrate` again: it looks at the ledger first")
}

fn unknown_step(error: &RunError, place: &Place, number: usize) -> Failure {
    let mut failure = Failure::new(Exit::Partial, error.to_string());
    failure.excerpt.clone_from(&place.excerpt);
    failure
        .state(format!("the steps before step {number} are done; it and those after it are not recorded as done"))
        .hint("look whether it took effect; if it did not, or may run twice: `rlsctl migrate --rerun-unknown-step`")
        .hint(format!(
            "if it did: update rlsctl.step set finished_at = now() where version = '{}' and number = {number}; then `rlsctl migrate`",
            place.version
        ))
}
