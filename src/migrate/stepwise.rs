//! A file that cannot run in one transaction, step by step.
//!
//! A step inside a transaction is done together with its row. A step outside is claimed, run, and marked as done; nothing of ours is
//! open meanwhile, because CREATE INDEX CONCURRENTLY waits for every older snapshot. If we are cut off, the next run looks at the
//! catalog for what was left. The ledger's row comes with the last step.

use std::time::Duration;

use tokio::time::sleep;

use crate::event::Event;
use crate::migration::Text;
use crate::pg::{Claim, Leftover, MessageError, Remember, StepKey, leftover, steps};
use crate::script::{NonTransactional, SessionEffect, SessionEffects, Span};

use super::cut::{How, Segment, Step};
use super::execute::{Done, Migrator, changed};
use super::message::RESET;
use super::outcome::{Remains, RunError};
use super::outside::Outside;
use super::plan::{Plan, PlannedFile};
use super::retry::{Attempts, Next};
use super::send::{At, Refused, place};
use super::unit::Unit;

/// How often we look whether another runner's step is done.
const POLL: Duration = Duration::from_millis(50);
/// How often we say that we are still waiting.
const SAY: u32 = 40;

/// One step on its way.
#[derive(Clone, Copy)]
pub(super) struct Running<'a> {
    pub(super) plan: &'a Plan,
    pub(super) file: &'a PlannedFile,
    pub(super) text: &'a Text,
    pub(super) step: &'a Step,
    pub(super) key: &'a StepKey<'a>,
    pub(super) mark: &'a str,
    /// What is left of the file if this step fails cleanly.
    pub(super) remains: &'a Remains,
    /// The ledger's row, and that of another tool's, with the last step.
    ledger_rows: Option<&'a [String]>,
}

impl Migrator<'_> {
    /// Runs the steps of a file that are not done yet.
    pub(super) async fn apply_steps(
        &mut self,
        plan: &Plan,
        file: &PlannedFile,
        text: &Text,
        steps: &[Step],
    ) -> Result<Done, RunError> {
        let ledger_rows = self.rows(file, text, false)?;
        let runner = self.runner.clone();
        let mut done = Done::Applied;
        for step in steps {
            let last = step.number == steps.len();
            self.listener.on(Event::Step {
                version: file.migration.version.to_string(),
                number: step.number,
                of: steps.len(),
                what: step.object.clone(),
            });
            let key = StepKey {
                version: &file.migration.version,
                number: step.number,
                object: &step.object,
                checksum: &step.checksum,
                runner: &runner,
            };
            let remains = Remains {
                steps_done: step.number - 1,
                steps: steps.len(),
                ..Remains::default()
            };
            let mark = self.mark(file, step.number);
            let running = Running {
                plan,
                file,
                text,
                step,
                key: &key,
                mark: &mark,
                remains: &remains,
                ledger_rows: last.then_some(ledger_rows.as_slice()),
            };
            done = match &step.how {
                How::Inside { body, session } => self.step_inside(&running, body, *session).await?,
                How::Outside { statement, kind } => self.step_outside(&running, *statement, kind.as_ref()).await?,
            };
        }
        Ok(done)
    }

    async fn step_inside(
        &mut self,
        running: &Running<'_>,
        body: &[Segment],
        session: SessionEffects,
    ) -> Result<Done, RunError> {
        let Running { file, text, step, .. } = *running;
        let mut rows = vec![steps::insert_statement(running.key).map_err(|error| changed(file, error.to_string()))?];
        rows.extend(running.ledger_rows.into_iter().flatten().cloned());
        let settings: Vec<&str> = step
            .settings
            .iter()
            .map(|setting| setting.slice(text.as_str()))
            .collect();
        let mut undone = session;
        if !settings.is_empty() {
            undone.merge([SessionEffect::Sets, SessionEffect::Role].into_iter().collect());
        }
        let unit = Unit {
            file,
            text,
            part: step.span,
            mark: running.mark,
            begin: &["begin"],
            rows: &rows,
            body,
            session: undone,
            settings: &settings,
        };
        let (mut attempts, mut contest) = (Attempts::new(running.plan.lock_wait), None);
        loop {
            let carried_out = self
                .carry_out(running.plan, &unit, &mut contest, running.remains)
                .await?;
            let Err(refused) = carried_out else {
                return Ok(Done::Applied);
            };
            if refused.at == At::Row && refused.error.sqlstate() == Some("23505") {
                return self.done_before(running).await;
            }
            match self
                .after(file, text, refused, &mut attempts, false, running.remains)
                .await?
            {
                Next::Again => {}
                Next::Committed => return Ok(Done::Applied),
                Next::Elsewhere | Next::Learn(_) => return Ok(Done::Elsewhere),
            }
        }
    }

    async fn step_outside(
        &mut self,
        running: &Running<'_>,
        statement: Span,
        kind: Option<&NonTransactional>,
    ) -> Result<Done, RunError> {
        let outside = |indexes_before| Outside {
            statement,
            kind,
            indexes_before,
        };
        match self.claim(running, kind).await? {
            Claim::Fresh { indexes_before } => {
                if let Some(kind) = kind
                    && let Err(error) = self.wait_for_old_holders(running, kind).await
                {
                    self.give_back(running, running.remains).await;
                    return Err(error);
                }
                self.run_outside(running, &outside(&indexes_before), Leftover::Nothing)
                    .await?;
                self.finish(running).await
            }
            Claim::Resumed { indexes_before } => {
                self.resume(running, &outside(&indexes_before)).await?;
                self.finish(running).await
            }
            Claim::Finished | Claim::Busy { .. } => self.done_before(running).await,
        }
    }

    /// The step is recorded as done, by another runner or a person. If it is the last, the ledger's row may still be missing: the rest of
    /// the file was taken out, or a person has recorded a step whose effect could not be seen.
    async fn done_before(&mut self, running: &Running<'_>) -> Result<Done, RunError> {
        match running.ledger_rows {
            Some(_) => self.finish(running).await,
            None => Ok(Done::Elsewhere),
        }
    }

    /// Claims the step, waiting while another runner is at it.
    async fn claim(&mut self, running: &Running<'_>, kind: Option<&NonTransactional>) -> Result<Claim, RunError> {
        let remember = kind.map_or(Remember::Nothing, leftover::remember);
        let mut polls = 0;
        loop {
            match self.claim_once(running, &remember).await {
                Ok(Claim::Busy { pid }) => {
                    polls += 1;
                    if polls % SAY == 0 {
                        self.listener.on(Event::WaitingForRunner {
                            version: running.file.migration.version.to_string(),
                            pid,
                        });
                    }
                }
                Ok(claim) => return Ok(claim),
                Err(error) => return Err(self.step_error(running, running.remains.clone(), error, At::Ours).await),
            }
            tokio::select! {
                () = sleep(POLL) => {}
                signal = self.interrupt.requested() => return Err(RunError::Interrupted {
                    signal,
                    version: Some(running.file.migration.version.clone()),
                    remains: running.remains.clone(),
                }),
            }
        }
    }

    /// Marks the step as done; with the last one, in the same transaction, writes the ledger's row.
    async fn finish(&mut self, running: &Running<'_>) -> Result<Done, RunError> {
        let finish = steps::finish_statement(running.key).map_err(|error| changed(running.file, error.to_string()))?;
        let message = match running.ledger_rows {
            Some(rows) => format!("/* {} */ begin; {finish}; {}; commit", running.mark, rows.join("; ")),
            None => finish,
        };
        let mut attempts = Attempts::new(running.plan.lock_wait);
        loop {
            let answer = self.session.message(&message).await;
            let Err(error) = answer.result else {
                return Ok(Done::Applied);
            };
            // Behind BEGIN, the step and our row are those of others: what is wrong there is no other runner's doing.
            let at = if answer.completed > 2 { At::Ours } else { At::Row };
            if matches!(error, MessageError::Refused { .. }) {
                // Nothing to roll back if the connection is gone.
                let _ = self.session.message("rollback").await;
            }
            let refused = Refused { error, at };
            match self
                .after(
                    running.file,
                    running.text,
                    refused,
                    &mut attempts,
                    false,
                    running.remains,
                )
                .await?
            {
                Next::Again => {}
                Next::Committed => return Ok(Done::Applied),
                Next::Elsewhere | Next::Learn(_) => return Ok(Done::Elsewhere),
            }
        }
    }

    async fn claim_once(&self, running: &Running<'_>, remember: &Remember) -> Result<Claim, MessageError> {
        let has_set = self.set_names(running).await?;
        let claim = steps::claim(&self.session, running.key, remember).await;
        if has_set {
            self.session.message(RESET).await.result?;
        }
        claim
    }

    pub(super) async fn step_error(
        &mut self,
        running: &Running<'_>,
        remains: Remains,
        error: MessageError,
        at: At,
    ) -> RunError {
        let file = running.file;
        let version = file.migration.version.clone();
        if let Some(signal) = self.stopped_by(&error) {
            return RunError::Interrupted {
                signal,
                version: Some(version),
                remains,
            };
        }
        match error {
            MessageError::Refused { refusal } => RunError::Statement {
                place: Box::new(place(file, running.text, at)),
                server: Box::new(refusal.error),
                remains,
            },
            MessageError::Lost { reason } => match self.lost(file, reason.clone(), true).await {
                Err(error) => error,
                Ok(_) => RunError::Lost {
                    version,
                    path: file.migration.path.clone(),
                    reason,
                    applied: None,
                    stepwise: true,
                },
            },
        }
    }
}
