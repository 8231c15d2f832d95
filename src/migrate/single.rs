//! `--single-transaction`: all pending files or none.

use std::time::{Duration, Instant};

use super::contest::{Contest, Turn, is_about_locks};
use super::cut::opaque;
use super::execute::{Migrator, changed, text};
use super::locking::needs::Slow;
use super::locking::prelude::prelude;
use super::locking::{Item, Take};
use super::message::Envelope;
use super::outcome::{Outcome, Remains, RunError};
use super::plan::{Plan, PlannedFile};
use super::retry::{Attempts, Next};
use super::send::{At, Transaction};
use super::unit::rest;

/// How long all files may try.
struct Patience {
    attempts: Attempts,
    contest: Contest,
}

impl Migrator<'_> {
    /// All files in one transaction: the first message begins it, the last commits it.
    pub(super) async fn run_single(&mut self, plan: &Plan, outcome: &mut Outcome) {
        let mut patience = Patience {
            attempts: Attempts::new(plan.lock_wait),
            // What the files need is not known all at once: the tables of the later ones are made by the earlier ones.
            contest: Contest::new(vec![Item::default()], self.lock_limits(plan)),
        };
        plan.files.iter().for_each(|file| self.tell_baseline(file));
        loop {
            match self.try_single(plan, &mut patience).await {
                Ok(Some(durations)) => {
                    for (file, duration) in plan.files.iter().zip(durations) {
                        self.applied(outcome, file, duration);
                    }
                    return;
                }
                Ok(None) => {}
                Err((file, error)) => {
                    self.record_failure(file, &error).await;
                    outcome.stopped = Some(error);
                    return;
                }
            }
        }
    }

    /// One attempt: `None` if it has to be made again.
    async fn try_single<'p>(
        &mut self,
        plan: &'p Plan,
        patience: &mut Patience,
    ) -> Result<Option<Vec<Duration>>, (&'p PlannedFile, RunError)> {
        let Some(first) = plan.files.first() else {
            return Ok(Some(Vec::new()));
        };
        let (take, locks) = self
            .single_locks(first, patience)
            .await
            .map_err(|error| (first, error))?;
        let mut durations = Vec::with_capacity(plan.files.len());
        for (index, file) in plan.files.iter().enumerate() {
            let fail = |error| (file, error);
            let Some(whole) = file.run.whole() else {
                return Err(fail(changed(file, "it cannot run inside a transaction".to_owned())));
            };
            let text = text(file).map_err(fail)?;
            let row = self.rows(file, &text, true).map_err(fail)?;
            let mark = self.mark(file, 1);
            let envelope = Envelope {
                mark: &mark,
                begin: if index == 0 { &["begin"] } else { &[] },
                lift_timeouts: self.look.has_timeouts,
                rows: &row,
                statement_timeout: file.statement_timeout(plan),
                locks: &locks,
                settings: &[],
            };
            let transaction = Transaction {
                file,
                text: &text,
                envelope: &envelope,
                body: &whole.body,
                // SET LOCAL holds to the end of the transaction, which is not the end of the file here: undo everything.
                session: opaque(),
                commit: index + 1 == plan.files.len(),
            };
            let started = Instant::now();
            self.gives_up_early = true;
            if let Err(refused) = self.transaction(&transaction).await {
                if refused.at != At::Row && is_about_locks(&refused.error) {
                    self.refused(&mut patience.contest, &[0], take, Some(0), &file.migration.version)
                        .await;
                    return Ok(None);
                }
                return match self
                    .after(file, &text, refused, &mut patience.attempts, false, &Remains::whole())
                    .await
                {
                    Ok(Next::Again) => Ok(None),
                    Ok(_) => Err(fail(RunError::OtherContent {
                        version: file.migration.version.clone(),
                        path: file.migration.path.clone(),
                    })),
                    Err(error) => Err(fail(error)),
                };
            }
            durations.push(started.elapsed());
        }
        Ok(Some(durations))
    }

    /// Waits until all is to be tried, and returns how, with the statements that see to it.
    async fn single_locks(
        &mut self,
        first: &PlannedFile,
        patience: &mut Patience,
    ) -> Result<(Take, Vec<String>), RunError> {
        let contest = &mut patience.contest;
        match self.turn(contest, &first.migration.version).await {
            Ok(Turn::Try { take, .. }) => {
                let item = contest.pool.item(0);
                let needs: Vec<_> = item.needs.iter().collect();
                let rest = rest(Some(Slow::Rows), contest);
                Ok((
                    take,
                    prelude(take, &needs, contest.pool.limits().deadlock_timeout, rest),
                ))
            }
            Ok(Turn::Stop | Turn::Done) => Err(self.lost_contest(first, contest, &Remains::whole())),
            Err(signal) => Err(RunError::Interrupted {
                signal,
                version: None,
                remains: Remains::whole(),
            }),
        }
    }
}
