//! One transaction of a file, from the first attempt to the one that succeeds.

use std::time::Duration;

use crate::migration::Text;
use crate::script::{SessionEffects, Span, split};

use super::contest::{Contest, Turn, is_about_locks};
use super::cut::Segment;
use super::execute::{Migrator, changed};
use super::locking::needs::Slow;
use super::locking::prelude::{prelude, timeout_statement};
use super::locking::{Limits, Need, Needs, Take, needs};
use super::message::Envelope;
use super::outcome::{Remains, RunError};
use super::plan::{Plan, PlannedFile};
use super::send::{At, Refused, Transaction};

/// How long the first attempt waits for a lock, where nothing that takes long would be lost by it: as good as not at all.
const HASTY: Duration = Duration::from_millis(1);
/// How long a statement waits for a lock that could not be taken before, while we hold others, and perhaps keep others waiting behind us.
const HOLDING: Duration = Duration::from_millis(50);

/// One transaction of a file, before it is known how its locks are taken.
#[derive(Clone, Copy)]
pub(super) struct Unit<'a> {
    /// The file.
    pub file: &'a PlannedFile,
    /// Its text.
    pub text: &'a Text,
    /// The part of it that runs.
    pub part: Span,
    /// Our mark.
    pub mark: &'a str,
    /// What begins the transaction.
    pub begin: &'a [&'a str],
    /// Our rows.
    pub rows: &'a [String],
    /// What of the file is sent.
    pub body: &'a [Segment],
    /// What it may leave in the session.
    pub session: SessionEffects,
    /// The file's settings that hold for it.
    pub settings: &'a [&'a str],
}

impl Migrator<'_> {
    /// Carries a transaction out, trying again for as long as it is refused for its locks. The first attempt is made at once; who is in
    /// the way is looked at when it is refused, and before it where the file does what takes long.
    ///
    /// Returns what refused it for another reason.
    pub(super) async fn carry_out(
        &mut self,
        plan: &Plan,
        unit: &Unit<'_>,
        contest: &mut Option<Contest>,
        remains: &Remains,
    ) -> Result<Result<(), Refused>, RunError> {
        let (file, limits) = (unit.file, self.lock_limits(plan));
        if contest.is_none() && file.slow.is_some() && !self.is_first_run() {
            *contest = self.careful_contest(unit, limits).await?;
        }
        loop {
            let (take, locks) = match contest {
                None => (Take::Nowait, vec![timeout_statement(first_wait(file, &limits))]),
                Some(contest) => match self.turn(contest, &file.migration.version).await {
                    Ok(Turn::Try { take, .. }) => (take, locks(contest, take, file)),
                    Ok(Turn::Stop | Turn::Done) => return Err(self.lost_contest(file, contest, remains)),
                    Err(signal) => {
                        return Err(RunError::Interrupted {
                            signal,
                            version: Some(file.migration.version.clone()),
                            remains: remains.clone(),
                        });
                    }
                },
            };
            // The first attempt at what does not take long gives up at once: there is nothing to be seen.
            self.gives_up_early = contest.is_some() || file.slow == Some(Slow::Rows);
            let Err(refused) = self.attempt(plan, unit, &locks).await else {
                return Ok(Ok(()));
            };
            if may_not_lock(&refused)
                && let Some(contest) = contest
                && contest.pool.lock_nothing_upfront(0)
            {
                continue;
            }
            if refused.at == At::Row || !is_about_locks(&refused.error) {
                return Ok(Err(refused));
            }
            if contest.is_none() {
                *contest = Some(self.contest(unit, limits).await?);
            }
            if let Some(contest) = contest {
                self.refused(contest, &[0], take, Some(0), &file.migration.version)
                    .await;
            }
        }
    }

    /// A database that was never migrated is not in use yet, most likely: nothing is looked at before it has to be.
    fn is_first_run(&self) -> bool {
        self.look.ledger.as_ref().is_none_or(|ledger| ledger.applied == 0)
    }

    /// Begins to look before the first attempt, where somebody would have to wait behind us.
    async fn careful_contest(&self, unit: &Unit<'_>, limits: Limits) -> Result<Option<Contest>, RunError> {
        if needs_of(unit)?.is_risky(unit.file.slow) {
            return self.contest(unit, limits).await.map(Some);
        }
        Ok(None)
    }

    async fn contest(&self, unit: &Unit<'_>, limits: Limits) -> Result<Contest, RunError> {
        let items = self.resolve(&[needs_of(unit)?]).await;
        Ok(Contest::new(items, limits))
    }

    async fn attempt(&mut self, plan: &Plan, unit: &Unit<'_>, locks: &[String]) -> Result<(), Refused> {
        let envelope = Envelope {
            mark: unit.mark,
            begin: unit.begin,
            lift_timeouts: self.look.has_timeouts,
            rows: unit.rows,
            statement_timeout: unit.file.statement_timeout(plan),
            locks,
            settings: unit.settings,
        };
        let transaction = Transaction {
            file: unit.file,
            text: unit.text,
            envelope: &envelope,
            body: unit.body,
            session: unit.session,
            commit: true,
        };
        self.transaction(&transaction).await
    }
}

fn needs_of(unit: &Unit<'_>) -> Result<Needs, RunError> {
    let pieces = split(unit.text.as_str()).map_err(|error| changed(unit.file, error.to_string()))?;
    Ok(needs(unit.text.as_str(), &pieces, unit.part, &unit.file.frame))
}

/// Returns how long the statements of a file wait for locks at the first attempt.
fn first_wait(file: &PlannedFile, limits: &Limits) -> Duration {
    match file.slow {
        Some(Slow::Rows) => limits.longest_queue().min(HOLDING),
        Some(Slow::Builds) | None => HASTY,
    }
}

/// Returns the statements that take the locks of the only item.
pub(super) fn locks(contest: &Contest, take: Take, file: &PlannedFile) -> Vec<String> {
    let limits = contest.pool.limits();
    let needs: Vec<&Need> = contest.pool.item(0).needs.iter().collect();
    prelude(take, &needs, limits.deadlock_timeout, rest(file.slow, contest))
}

/// Returns how long the file's own statements wait for locks. Who waits for a row keeps nobody else from the table: there, what takes long is
/// not thrown away for a moment's wait.
pub(super) fn rest(slow: Option<Slow>, contest: &Contest) -> Duration {
    let longest = contest.pool.limits().longest_queue();
    if slow == Some(Slow::Rows) && contest.met_a_row {
        longest
    } else {
        longest.min(HOLDING)
    }
}

/// Whether it is LOCK TABLE that we may not use, or whose table went away; the file's own statement may be another matter.
pub(super) fn may_not_lock(refused: &Refused) -> bool {
    refused.at == At::Ours && matches!(refused.error.sqlstate(), Some("42501" | "42P01" | "42809" | "3F000"))
}
