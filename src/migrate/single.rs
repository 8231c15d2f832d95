//! `--single-transaction`: all pending files or none.

use std::time::{Duration, Instant};

use super::cut::{Run, opaque};
use super::execute::{Migrator, changed, text};
use super::message::Envelope;
use super::outcome::{Outcome, Remains, RunError};
use super::plan::{Plan, PlannedFile};
use super::retry::{Attempts, Next};
use super::send::Transaction;

impl Migrator<'_> {
    /// All files in one transaction: the first message begins it, the last commits it.
    pub(super) async fn run_single(&mut self, plan: &Plan, outcome: &mut Outcome) {
        let mut attempts = Attempts::new(plan.lock_wait);
        plan.files.iter().for_each(|file| self.tell_baseline(file));
        loop {
            match self.try_single(plan, &mut attempts).await {
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
        attempts: &mut Attempts,
    ) -> Result<Option<Vec<Duration>>, (&'p PlannedFile, RunError)> {
        let mut durations = Vec::with_capacity(plan.files.len());
        for (index, file) in plan.files.iter().enumerate() {
            let fail = |error| (file, error);
            let Run::Whole(whole) = &file.run else {
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
                lock_timeout: attempts.lock_timeout(),
                statement_timeout: file.statement_timeout(plan),
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
            if let Err(refused) = self.transaction(&transaction).await {
                return match self
                    .after(file, &text, refused, attempts, false, &Remains::whole())
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
}
