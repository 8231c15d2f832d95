//! A file that cannot run in one transaction, step by step.
//!
//! A step inside a transaction is done together with its row. A step outside is claimed, run, and marked as done; nothing of ours is
//! open meanwhile, because CREATE INDEX CONCURRENTLY waits for every older snapshot. If we are cut off, the next run looks at the
//! catalog for what was left. The ledger's row comes with the last step.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::event::Event;
use crate::migration::Text;
use crate::pg::{Claim, Leftover, MessageError, Remember, StepKey, leftover, steps};
use crate::script::{NonTransactional, SessionEffect, SessionEffects, Span};

use super::cut::{How, Segment, Step};
use super::execute::{Done, Migrator, changed};
use super::message::RESET;
use super::outcome::{Remains, RunError};
use super::plan::{Plan, PlannedFile};
use super::retry::{Attempts, Next};
use super::send::{At, Refused, place};
use super::unit::Unit;

/// How often we look whether another runner's step is done.
const POLL: Duration = Duration::from_millis(50);
/// How often we say that we are still waiting.
const SAY: u32 = 40;
/// How long dropping an INVALID index may take before it is left to the next run.
const CLEAN_UP_LIMIT: Duration = Duration::from_secs(30);

/// Lets a statement end whose client is gone. A server on another system cannot see that, and refuses the setting.
const CHECK_CLIENT: &str = "select pg_catalog.set_config('client_connection_check_interval', '1s', false) \
                            where pg_catalog.version() like '%linux%'";

/// One step on its way.
#[derive(Clone, Copy)]
struct Running<'a> {
    plan: &'a Plan,
    file: &'a PlannedFile,
    text: &'a Text,
    step: &'a Step,
    key: &'a StepKey<'a>,
    mark: &'a str,
    /// What is left of the file if this step fails cleanly.
    remains: &'a Remains,
    /// The ledger's row, and that of another tool's, with the last step.
    ledger_rows: Option<&'a [String]>,
}

/// A statement outside a transaction, and what was there before it.
#[derive(Clone, Copy)]
struct Outside<'a> {
    statement: Span,
    kind: Option<&'a NonTransactional>,
    indexes_before: &'a str,
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
                invalid: Vec::new(),
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
                self.run_outside(running, &outside(&indexes_before)).await?;
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
            let claim = steps::claim(&self.session, running.key, &remember).await;
            match claim {
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

    /// Takes up a step that was cut off.
    async fn resume(&mut self, running: &Running<'_>, outside: &Outside<'_>) -> Result<(), RunError> {
        let version = &running.file.migration.version;
        let found = match self.leftover(outside).await {
            Ok(found) => found,
            Err(error) => return Err(self.step_error(running, running.remains.clone(), error, At::Ours).await),
        };
        self.listener.on(Event::Note(format!(
            "migration {version} was cut off in step {} ({}); going on from there",
            running.step.number, running.step.object
        )));
        match found {
            Leftover::Complete => Ok(()),
            Leftover::Nothing => self.run_outside(running, outside).await,
            Leftover::Finish(statement) => {
                let answer = self
                    .send(version, running.mark, &format!("/* {} */ {statement}", running.mark))
                    .await;
                match answer.result {
                    Ok(()) => Ok(()),
                    Err(error) => Err(self.step_error(running, running.remains.clone(), error, At::Ours).await),
                }
            }
            Leftover::Invalid(indexes) => {
                let invalid = self.drop_invalid(running, indexes).await;
                if invalid.is_empty() {
                    return self.run_outside(running, outside).await;
                }
                let remains = Remains {
                    invalid,
                    ..running.remains.clone()
                };
                let reason = MessageError::Lost {
                    reason: "an INVALID index of an earlier attempt could not be dropped".to_owned(),
                };
                Err(self.step_error(running, remains, reason, At::Ours).await)
            }
            Leftover::Unknown if running.plan.rerun_unknown_step => self.run_outside(running, outside).await,
            Leftover::Unknown => Err(RunError::UnknownStep {
                version: version.clone(),
                place: Box::new(place(running.file, running.text, At::File(outside.statement.start))),
                number: running.step.number,
                object: running.step.object.clone(),
            }),
        }
    }

    async fn leftover(&self, outside: &Outside<'_>) -> Result<Leftover, MessageError> {
        match outside.kind {
            Some(kind) => leftover::look(&self.session, kind, outside.indexes_before).await,
            None => Ok(Leftover::Unknown),
        }
    }

    /// Runs the statement by itself, and cleans up behind it if it fails.
    async fn run_outside(&mut self, running: &Running<'_>, outside: &Outside<'_>) -> Result<(), RunError> {
        let text = running.text.as_str();
        let mut attempts = Attempts::new(running.plan.lock_wait);
        loop {
            let settings = self.session_settings(running);
            if let Some(settings) = &settings
                && let Err(error) = self.session.rows(settings).await
            {
                return Err(self.step_error(running, running.remains.clone(), error, At::Ours).await);
            }
            let prefix = format!("/* {} */ ", running.mark);
            let sql = format!("{prefix}{}", outside.statement.slice(text));
            let version = &running.file.migration.version;
            let patience = Some(running.plan.lock_wait);
            let answer = self.send_for(version, running.mark, &sql, patience).await;
            if settings.is_some() {
                // If this fails, the connection is gone, and its settings with it.
                let _ = self.session.message(RESET).await;
            }
            let Err(error) = answer.result else {
                return Ok(());
            };
            if matches!(error, MessageError::Lost { .. }) {
                return Err(self.step_error(running, running.remains.clone(), error, At::Ours).await);
            }
            let (blockers, lost_patience) = (self.blockers.clone(), self.lost_patience);
            let remains = self.clean_up(running, outside).await;
            let retryable = matches!(error.sqlstate(), Some("55P03" | "40P01"));
            if retryable && remains.invalid.is_empty() {
                let sqlstate = error.sqlstate().unwrap_or_default().to_owned();
                self.pause(running.file, &mut attempts, &sqlstate, &remains).await?;
                continue;
            }
            let was_blocked = lost_patience && error.sqlstate() == Some("57014");
            if remains.invalid.is_empty() {
                // A claim that cannot be given back is resumed by the next run.
                let _ = steps::release(&self.session, running.key).await;
            }
            if was_blocked {
                return Err(RunError::Blocked {
                    version: version.clone(),
                    path: running.file.migration.path.clone(),
                    waited: running.plan.lock_wait,
                    attempts: 1,
                    blockers,
                    tables: Vec::new(),
                    remains,
                });
            }
            let at = error_in_statement(&sql, prefix.len(), outside.statement, &error);
            return Err(self.step_error(running, remains, error, at).await);
        }
    }

    /// What must hold in the session: the file's own settings, and no timeout that would cut a long statement off.
    fn session_settings(&self, running: &Running<'_>) -> Option<String> {
        let mut settings: Vec<String> = Vec::new();
        if self.look.has_timeouts {
            settings.push("set lock_timeout = 0; set statement_timeout = 0".to_owned());
        }
        if self.look.server_version >= 14_00_00 {
            // It may wait for long and is limited by nothing but us: if we are killed, it ends.
            settings.push(CHECK_CLIENT.to_owned());
        }
        let own = running
            .step
            .settings
            .iter()
            .map(|setting| setting.slice(running.text.as_str()).to_owned());
        settings.extend(own);
        (!settings.is_empty()).then(|| settings.join(";\n"))
    }

    /// Drops what a failed statement has left; returns what is left of the file.
    async fn clean_up(&mut self, running: &Running<'_>, outside: &Outside<'_>) -> Remains {
        let invalid = match self.leftover(outside).await {
            Ok(Leftover::Invalid(indexes)) => self.drop_invalid(running, indexes).await,
            _ => Vec::new(),
        };
        Remains {
            invalid,
            ..running.remains.clone()
        }
    }

    /// Drops INVALID indexes; returns those that could not be dropped.
    async fn drop_invalid(&mut self, running: &Running<'_>, indexes: Vec<String>) -> Vec<String> {
        let mut left = Vec::new();
        for index in indexes {
            // The name comes quoted and qualified from the catalog.
            let drop = format!("/* {} */ drop index concurrently if exists {index}", running.mark);
            let dropped = timeout(CLEAN_UP_LIMIT, self.session.rows(&drop)).await;
            if matches!(dropped, Ok(Ok(_))) {
                self.listener.on(Event::DroppedInvalidIndex {
                    index,
                    version: running.file.migration.version.to_string(),
                });
            } else {
                if dropped.is_err() {
                    let _ = self.session.canceller().cancel().await;
                }
                left.push(index);
            }
        }
        left
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

    async fn step_error(&mut self, running: &Running<'_>, remains: Remains, error: MessageError, at: At) -> RunError {
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

/// Returns where in a statement that ran by itself an error is.
fn error_in_statement(sql: &str, body_at: usize, statement: Span, error: &MessageError) -> At {
    let position = match error {
        MessageError::Refused { refusal } => refusal.position,
        MessageError::Lost { .. } => None,
    };
    let byte = position.and_then(|position| super::message::place_in_file(sql, position, body_at, statement));
    At::File(byte.unwrap_or(statement.start))
}
