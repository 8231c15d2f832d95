//! The one message in which a transaction travels: our statements, the file's, COMMIT.
//!
//! The order is: BEGIN, our row, the limits, the locks, the file, what undoes the file's session state, COMMIT. Our row comes first: a role, a
//! `search_path` or a temporary table that the file sets cannot reach it, and a second runner fails on it before it runs anything.

use std::time::Duration;

use crate::script::{SessionEffect, SessionEffects, Span, byte_of_char};

/// What goes round the text of a file.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    /// Our mark in `pg_stat_activity`, without the comment's delimiters.
    pub mark: &'a str,
    /// What begins the transaction; empty inside one that is open.
    pub begin: &'a [&'a str],
    /// Whether role or database set timeouts that must not end the wait for another runner.
    pub lift_timeouts: bool,
    /// Our rows, each a statement.
    pub rows: &'a [String],
    /// How long one statement may run.
    pub statement_timeout: Duration,
    /// What takes locks, and limits how long the file's own statements wait for theirs.
    pub locks: &'a [String],
    /// The file's own settings that hold for this part of it.
    pub settings: &'a [&'a str],
}

/// The start of a message, and where in it the file's text begins.
#[derive(Clone, Debug)]
pub struct Head {
    /// Our statements, ready for the file's to be put behind.
    pub sql: String,
    /// How many statements they are.
    pub statements: usize,
    /// Which of them, counted from 0, is our first row.
    pub first_row: usize,
}

impl Envelope<'_> {
    /// Returns our part of the message, up to where the file's text goes.
    pub fn head(&self) -> Head {
        let mut statements: Vec<String> = self.begin.iter().map(|begin| (*begin).to_owned()).collect();
        if self.lift_timeouts {
            statements.push("set local lock_timeout = 0".to_owned());
            statements.push("set local statement_timeout = 0".to_owned());
        }
        let first_row = statements.len();
        statements.extend_from_slice(self.rows);
        statements.push(format!(
            "set local statement_timeout = {}",
            self.statement_timeout.as_millis()
        ));
        statements.extend_from_slice(self.locks);
        statements.extend(self.settings.iter().map(|setting| (*setting).to_owned()));
        Head {
            sql: format!("/* {} */ {};\n", self.mark, statements.join(";\n")),
            statements: statements.len(),
            first_row,
        }
    }
}

/// Returns what ends a transaction: what the file may have left in the session is undone in the same transaction, so that behind a
/// transaction pooler nobody else's session gets it; deferred constraints fire before, with the file's own settings.
///
/// It begins with a line end and a semicolon: the file may end in a comment or without its semicolon.
pub fn tail(session: SessionEffects, commit: bool) -> String {
    let may = |effect| session.has(effect) || session.has(SessionEffect::Opaque);
    let mut sql = "\n;".to_owned();
    if session.any() {
        sql.push_str("set constraints all immediate; ");
        if may(SessionEffect::HoldsCursor) {
            sql.push_str("close all; ");
        }
        sql.push_str(RESET);
        sql.push_str("; ");
        if may(SessionEffect::Temporary) {
            sql.push_str("discard temp; ");
        }
        if session.has(SessionEffect::Prepared) {
            sql.push_str("deallocate all; ");
        }
        if session.has(SessionEffect::Listens) {
            sql.push_str("unlisten *; ");
        }
        if may(SessionEffect::AdvisoryLock) {
            sql.push_str("select pg_catalog.pg_advisory_unlock_all(); ");
        }
    }
    if commit {
        sql.push_str("commit");
    }
    sql
}

/// Returns what undoes settings that were made outside a transaction.
pub const RESET: &str = "reset session authorization; reset role; reset all";

/// Where in the file a place in the message is.
///
/// `position` counts characters of `message` from 1, as the server does; the file's bytes `part` begin at byte `body_at` of it.
/// `None` if the place is in our own part.
pub fn place_in_file(message: &str, position: usize, body_at: usize, part: Span) -> Option<usize> {
    let byte = byte_of_char(message, position);
    let inside = byte.checked_sub(body_at)? + part.start;
    (inside <= part.end).then_some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope<'a>(rows: &'a [String], locks: &'a [String], settings: &'a [&'a str]) -> Envelope<'a> {
        Envelope {
            mark: "rlsctl 1 905",
            begin: &["begin"],
            lift_timeouts: false,
            rows,
            statement_timeout: Duration::from_secs(55),
            locks,
            settings,
        }
    }

    #[test]
    fn our_row_comes_before_the_limits_and_the_file() {
        let rows = ["insert".to_owned()];
        let locks = ["lock table only a".to_owned()];
        let head = envelope(&rows, &locks, &["set search_path = a"]).head();
        assert_eq!(
            head.sql,
            "/* rlsctl 1 905 */ begin;\ninsert;\nset local statement_timeout = 55000;\nlock table only a;\nset search_path = a;\n"
        );
        assert_eq!((head.statements, head.first_row), (5, 1));
        let lifted = Envelope {
            lift_timeouts: true,
            ..envelope(&rows, &locks, &[])
        };
        assert_eq!((lifted.head().statements, lifted.head().first_row), (6, 3));
    }

    #[test]
    fn nothing_is_undone_that_was_not_done() {
        assert_eq!(tail(SessionEffects::none(), true), "\n;commit");
        let all = tail([SessionEffect::Opaque].into_iter().collect(), true);
        assert!(all.contains("reset role") && all.contains("discard temp") && all.ends_with("commit"));
    }

    #[test]
    fn a_place_in_the_message_is_a_place_in_the_file() {
        let message = "bégin;\nselect ö x";
        let body_at = message.find("select").unwrap();
        let part = Span { start: 100, end: 110 };
        assert_eq!(place_in_file(message, 8, body_at, part), Some(100));
        assert_eq!(place_in_file(message, 17, body_at, part), Some(110));
        assert_eq!(place_in_file(message, 1, body_at, part), None);
    }
}
