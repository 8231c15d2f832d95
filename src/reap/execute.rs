//! Ends who is due.

use crate::activity::{Backend, Spared};
use crate::pg::ending::{Ended, Ending, detail, end};
use crate::pg::reaping::{Recording, can_record};
use crate::pg::{LookError, Session, ledger_store};

use super::plan::{Ask, Left, Plan};

/// The kind of event that tells of a session that was ended.
const KIND: &str = "session ended";

/// Why a session that was due is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotEnded {
    /// We may not.
    Refused(Spared),
    /// It was told to end, and five seconds later it had not.
    Going,
}

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Were ended, or would have been.
    pub ended: Vec<Backend>,
    /// Were due, and are still there.
    pub not_ended: Vec<(Backend, NotEnded)>,
    /// Are idle in a transaction, and were left alone.
    pub spared: Vec<(Backend, Left)>,
    /// Prepared transactions that are as old.
    pub prepared: Vec<Backend>,
    /// How many sessions were looked at.
    pub seen: usize,
    /// Whether nothing was to be ended.
    pub dry_run: bool,
    /// What was not written to the event log, and why.
    pub notes: Vec<String>,
    /// What cut it short: the connection went.
    pub stopped: Option<LookError>,
    /// How many were due and not come to, because it was cut short.
    pub not_reached: usize,
}

impl Outcome {
    fn new(plan: &mut Plan) -> Self {
        let refused = std::mem::take(&mut plan.refused).into_iter();
        Self {
            not_ended: refused
                .map(|(backend, spared)| (backend, NotEnded::Refused(spared)))
                .collect(),
            spared: std::mem::take(&mut plan.spared),
            prepared: std::mem::take(&mut plan.prepared),
            seen: plan.seen,
            ..Self::default()
        }
    }

    /// Returns what a plan would do.
    pub fn of_dry_run(mut plan: Plan) -> Self {
        let mut outcome = Self::new(&mut plan);
        outcome.ended = plan.due;
        outcome.dry_run = true;
        outcome
    }

    /// How many sessions are idle in a transaction for as long as asked or longer, and are still there.
    pub fn still_due(&self) -> usize {
        let over_limit = self.spared.iter().filter(|(_, left)| *left == Left::OverLimit).count();
        let would = if self.dry_run { self.ended.len() } else { 0 };
        self.not_ended.len() + over_limit + self.not_reached + would
    }
}

/// Ends who is due, one after the other, each by a statement that looks again; stops between two when `is_stopped` says so.
///
/// Each one is recorded in `rlsctl.event`, where that is there and can be written; elsewhere a note says why not.
///
/// # Privileges
/// As [`end`]; USAGE on schema rlsctl and INSERT on rlsctl.event for the record.
pub async fn execute(session: &Session, mut plan: Plan, ask: &Ask, is_stopped: &dyn Fn() -> bool) -> Outcome {
    let mut outcome = Outcome::new(&mut plan);
    if plan.due.is_empty() {
        return outcome;
    }
    let mut log = Log::new(session).await;
    let mut due = plan.due.into_iter();
    while let Some(backend) = due.next() {
        if is_stopped() {
            outcome.not_reached = due.len() + 1;
            break;
        }
        let ending = Ending {
            backend: &backend,
            older_than: ask.rule.older_than,
            holding: None,
        };
        match end(session, &ending).await {
            Ok(Ended::Gone) => {
                log.write(&backend).await;
                outcome.ended.push(backend);
            }
            Ok(Ended::Going) => outcome.not_ended.push((backend, NotEnded::Going)),
            Ok(Ended::Spared(spared @ (Spared::Superuser | Spared::NotGranted))) => {
                outcome.not_ended.push((backend, NotEnded::Refused(spared)));
            }
            Ok(Ended::Spared(spared)) => outcome.spared.push((backend, Left::Spared(spared))),
            Err(error) => {
                outcome.stopped = Some(error);
                outcome.not_reached = due.len() + 1;
                break;
            }
        }
    }
    if !outcome.ended.is_empty() {
        outcome.notes.extend(log.note);
    }
    outcome
}

/// The event log, as long as it takes what is written.
struct Log<'a> {
    session: &'a Session,
    is_open: bool,
    note: Option<String>,
}

impl<'a> Log<'a> {
    async fn new(session: &'a Session) -> Self {
        let (is_open, why_not) = match can_record(session).await {
            Ok(Recording::Possible) => (true, None),
            // Nobody keeps a ledger here: nothing is missing.
            Ok(Recording::NoLedger) => (false, None),
            Ok(Recording::Standby) => (false, Some("the server is a standby".to_owned())),
            Ok(Recording::ReadOnly) => (false, Some("transactions are read-only here".to_owned())),
            Ok(Recording::Privilege) => (
                false,
                Some("the role lacks USAGE on schema rlsctl or INSERT on rlsctl.event".to_owned()),
            ),
            Err(error) => (false, Some(error.to_string())),
        };
        Self {
            session,
            is_open,
            note: why_not.map(|why| format!("not recorded in rlsctl.event: {why}")),
        }
    }

    /// A record that cannot be written keeps nobody alive.
    async fn write(&mut self, backend: &Backend) {
        if !self.is_open {
            return;
        }
        if let Err(error) = ledger_store::write_event(self.session, KIND, None, &detail(backend)).await {
            self.is_open = false;
            self.note = Some(format!("not recorded in rlsctl.event: {error}"));
        }
    }
}
