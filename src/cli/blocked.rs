//! Why locks were not to be had, as a failure that says who decides what.

use std::collections::BTreeSet;
use std::path::Path;

use crate::event::Blocker;
use crate::exit::{Exit, Failure};
use crate::migrate::RunError;
use crate::pg::ident::Ident;
use crate::report::{decide, describe_blocker, human_duration, listed};

/// How many tables are named.
const NAMED: usize = 8;
/// How many prepared transactions are told how they end.
const PREPARED: usize = 3;

/// Returns who is in the way of which tables.
pub fn blocked(error: &RunError, blockers: &[Blocker], tables: &[String], path: &Path) -> Failure {
    let mut failure = Failure::new(Exit::Blocked, error.to_string());
    failure.causes.push(format!("in {}", path.display()));
    if blockers.is_empty() {
        failure.causes.push("who held the lock could not be seen".to_owned());
    }
    let by = blockers
        .iter()
        .map(|blocker| format!("blocked by {}", describe_blocker(blocker)));
    failure.causes.extend(by);
    if !tables.is_empty() {
        failure.causes.push(format!("not to be had: {}", tables.join(", ")));
    }
    failure
}

/// Adds what to do: who decides about each that is in the way, what `role` lacks, where to look, and what to run.
pub fn next_when_blocked(mut failure: Failure, blockers: &[Blocker], tables: &[String], role: &str) -> Failure {
    let role = Ident::new(role).map_or_else(|_| role.to_owned(), |role| role.to_string());
    let missing: BTreeSet<&str> = blockers.iter().filter_map(|blocker| blocker.missing).collect();
    for missing in missing {
        let why = if missing == "pg_read_all_stats" {
            "see what others do"
        } else {
            "end sessions of other roles that are dead"
        };
        failure = failure.hint(format!("to {why}, let a superuser run: GRANT {missing} TO {role};"));
    }
    let prepared = blockers.iter().filter_map(|blocker| blocker.gid.as_deref());
    for gid in prepared.take(PREPARED) {
        failure = failure.hint(decide(gid, None));
    }
    let sessions = blockers.iter().filter(|blocker| blocker.gid.is_none());
    let longest = sessions
        .filter_map(|blocker| Some((blocker.since?, blocker.pid?)))
        .max();
    if let Some((since, pid)) = longest {
        let longest = if blockers.len() > 1 { ", the longest" } else { "" };
        failure = failure.hint(format!(
            "backend {pid} has been so for {}{longest}: see what it does, and ask whoever runs it",
            human_duration(since)
        ));
    }
    let mut look = String::from("rlsctl blockers");
    for table in tables.iter().take(NAMED) {
        look.push_str(&format!(" {}", shell_word(table)));
    }
    failure = failure.hint(format!("`{look}` shows who holds what, and who waits for whom"));
    failure.hint(format!(
        "run `rlsctl migrate` again {}; `--lock-wait` makes it try for longer",
        match tables {
            [] => "when that is over".to_owned(),
            [table] => format!("when {table} is free"),
            tables if tables.len() <= 3 => format!("when {} are free", listed(tables, NAMED)),
            tables => format!("when these {} tables are free", tables.len()),
        }
    ))
}

/// Returns a word as a shell takes it literally.
fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_typed_as_a_shell_takes_them() {
        assert_eq!(shell_word("public.orders"), "public.orders");
        assert_eq!(shell_word("public.\"Orders\""), "'public.\"Orders\"'");
        assert_eq!(shell_word("a.\"it's\""), "'a.\"it'\\''s\"'");
    }
}
