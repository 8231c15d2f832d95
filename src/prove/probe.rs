//! One attempt: what is sent, and what comes back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::activity::Oid;
use crate::exit::ServerError;
use crate::pg::{MessageError, Session};

use super::sample::{self, Print};
use super::says::Standing;
use super::text::ROW;
use super::verdict::Deed;

/// What an attempt is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    /// To see a row.
    See,
    /// To make one for the other tenant.
    Make,
    /// To change the other's.
    Change,
    /// To take the other's for oneself.
    Take,
    /// To give the other one's own.
    Give,
    /// To delete the other's.
    Delete,
}

/// One attempt, in one message behind a savepoint.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    /// The command that is judged by it.
    pub(super) deed: Deed,
    /// What it is about.
    pub(super) aim: Aim,
    /// The role that acts.
    pub(super) role: String,
    /// How its session has begun.
    pub(super) standing: Standing,
    /// What is done first, as whoever is connected.
    pub(super) before: Vec<String>,
    /// How the session becomes the application's.
    pub(super) becoming: Vec<String>,
    /// What is tried. Rows that may not be seen come back with the tag `rlsctl:seen`.
    pub(super) statements: Vec<String>,
    /// What is asked afterwards, as whoever is connected.
    pub(super) after: Vec<String>,
    /// What is tried where this ends with an error that says nothing of row security.
    pub(super) otherwise: Option<Box<Probe>>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// As whom it was tried; nothing if it did not come so far.
    pub(super) acting: Option<String>,
    /// Whether what was tried came to its end.
    pub(super) is_done: bool,
    /// What was seen: of which kind, and the row as JSON.
    pub(super) seen: Vec<(String, String)>,
    /// Whether the session has seen a row of its own.
    pub(super) has_own: bool,
    /// The other tenant's rows afterwards.
    pub(super) prints: BTreeMap<Oid, Print>,
    /// What the server said against it.
    pub(super) error: Option<ServerError>,
    /// How long it took.
    pub(super) took: Duration,
}

impl Probe {
    /// Returns the message.
    pub(super) fn message(&self) -> String {
        let mut all = vec!["rollback to savepoint rlsctl_probe".to_owned()];
        all.extend(self.before.iter().cloned());
        all.extend(self.becoming.iter().cloned());
        all.push("select 'rlsctl:acting', current_user::pg_catalog.text".to_owned());
        all.extend(self.statements.iter().cloned());
        all.push("select 'rlsctl:done'".to_owned());
        all.push("reset session authorization; reset role".to_owned());
        all.extend(self.after.iter().cloned());
        all.join("; ")
    }

    /// Sends it.
    ///
    /// # Errors
    /// [`MessageError::Lost`]; what the server refuses is an outcome.
    pub(super) async fn send(&self, session: &Session) -> Result<Outcome, MessageError> {
        let begun = Instant::now();
        let mut answer = session.message(&self.message()).await;
        let mut outcome = Outcome {
            took: begun.elapsed(),
            ..Outcome::default()
        };
        let mut is_second = false;
        for row in std::mem::take(&mut answer.rows) {
            let mut cells = row.iter().map(|cell| cell.as_deref().unwrap_or_default());
            match cells.next().unwrap_or_default() {
                "rlsctl:acting" => outcome.acting = cells.next().map(str::to_owned),
                "rlsctl:done" => outcome.is_done = true,
                "rlsctl:second" => is_second = true,
                // What a plan returned before the session became another one's is right.
                "rlsctl:cached" if is_second => {
                    outcome
                        .seen
                        .push(("foreign".to_owned(), cells.next().unwrap_or_default().to_owned()));
                }
                "rlsctl:own" => outcome.has_own = true,
                "rlsctl:seen" => {
                    let kind = cells.next().unwrap_or_default().to_owned();
                    outcome.seen.push((kind, cells.next().unwrap_or_default().to_owned()));
                }
                _ => outcome.prints.extend(sample::print(&row)),
            }
        }
        match answer.result {
            Ok(()) => {}
            Err(MessageError::Refused { refusal }) => outcome.error = Some(refusal.error),
            Err(lost) => return Err(lost),
        }
        Ok(outcome)
    }

    /// Returns what a person pastes into psql to see it; `shown` stands for what was tried, where that is longer than a person needs.
    pub(super) fn script(&self, relation: &str, whose: Option<(&str, &str)>, shown: Option<&str>) -> String {
        let mut lines = vec!["begin;".to_owned()];
        let own = self.before.iter().chain(&self.becoming);
        lines.extend(own.map(|statement| format!("{statement};")));
        match shown {
            Some(shown) => lines.push(format!("{shown};")),
            None => lines.extend(self.statements.iter().map(|statement| format!("{statement};"))),
        }
        if self.aim != Aim::See
            && let Some((whose, tenant)) = whose
        {
            lines.push("reset session authorization; reset role;".to_owned());
            lines.push(format!("select * from {relation} {ROW} where {whose} = {tenant};"));
        }
        lines.push("rollback;".to_owned());
        lines.join("\n").replace(ROW, "r").replace("rlsctl_parent_", "p")
    }
}
