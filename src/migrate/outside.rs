//! A statement that cannot run inside a transaction, by itself: taken up where it was cut off, given up at the deadline, cleaned up behind.

use std::time::Duration;

use tokio::time::timeout;

use crate::event::{Blocker, Event};
use crate::pg::{Leftover, MessageError, Obstacle, leftover, steps};
use crate::script::{NonTransactional, Span};

use super::execute::{GivenUp, Migrator};
use super::message::RESET;
use super::outcome::{Remains, RunError};
use super::retry::Attempts;
use super::send::{At, place};
use super::stepwise::Running;

/// How long dropping an INVALID index may take before it is left to the next run.
const CLEAN_UP_LIMIT: Duration = Duration::from_secs(30);
/// The same where we were in a hurry to leave, or could not get past somebody.
const HURRIED_CLEAN_UP: Duration = Duration::from_secs(2);
/// How long the server may take to cancel.
const CANCEL_LIMIT: Duration = Duration::from_secs(5);

/// Lets a statement end whose client is gone. A server on another system cannot see that, and refuses the setting.
const CHECK_CLIENT: &str = "select pg_catalog.set_config('client_connection_check_interval', '1s', false) \
                            where pg_catalog.version() like '%linux%'";

/// A statement outside a transaction, and what was there before it.
#[derive(Clone, Copy)]
pub(super) struct Outside<'a> {
    pub(super) statement: Span,
    pub(super) kind: Option<&'a NonTransactional>,
    pub(super) indexes_before: &'a str,
}

/// One attempt that failed.
struct Failed {
    error: MessageError,
    /// Where in the file.
    at: At,
    /// Who was in the way.
    blockers: Vec<Blocker>,
    /// Of which tables.
    tables: Vec<String>,
    /// Whether it is so because we have cancelled it.
    given_up: Option<GivenUp>,
}

impl Migrator<'_> {
    /// Takes up a step that was cut off.
    pub(super) async fn resume(&mut self, running: &Running<'_>, outside: &Outside<'_>) -> Result<(), RunError> {
        let version = &running.file.migration.version;
        let found = match self.leftover(running, outside).await {
            Ok(found) => found,
            Err(error) => return Err(self.step_error(running, running.remains.clone(), error, At::Ours).await),
        };
        self.listener.on(Event::Note(format!(
            "migration {version} was cut off in step {} ({}); going on from there",
            running.step.number, running.step.object
        )));
        if found == Leftover::Unknown && !running.plan.rerun_unknown_step {
            return Err(RunError::UnknownStep {
                version: version.clone(),
                place: Box::new(place(running.file, running.text, At::File(outside.statement.start))),
                number: running.step.number,
                object: running.step.object.clone(),
            });
        }
        self.run_outside(running, outside, found).await
    }

    async fn leftover(&self, running: &Running<'_>, outside: &Outside<'_>) -> Result<Leftover, MessageError> {
        let Some(kind) = outside.kind else {
            return Ok(Leftover::Unknown);
        };
        let has_set = self.set_names(running).await?;
        let found = leftover::look(&self.session, kind, outside.indexes_before).await;
        if has_set {
            self.session.message(RESET).await.result?;
        }
        found
    }

    /// Makes names mean to the session what they mean to the statement; says whether there was anything to be done for that, which is to be
    /// undone. Whatever else the file sets is none of our own statements' business.
    pub(super) async fn set_names(&self, running: &Running<'_>) -> Result<bool, MessageError> {
        let settings = running.step.settings.iter();
        let settings = settings.map(|setting| setting.slice(running.text.as_str()));
        let settings: Vec<&str> = settings.filter(|setting| says_where(setting)).collect();
        if settings.is_empty() {
            return Ok(false);
        }
        self.session.rows(&settings.join(";\n")).await.map(|_| true)
    }

    /// Brings the step to its end from what is `found` of it, trying again for as long as it is refused for its locks, and cleans up behind
    /// it if it fails.
    pub(super) async fn run_outside(
        &mut self,
        running: &Running<'_>,
        outside: &Outside<'_>,
        mut found: Leftover,
    ) -> Result<(), RunError> {
        let mut attempts = Attempts::new(running.plan.lock_wait);
        loop {
            let attempt = match &found {
                Leftover::Complete => return Ok(()),
                Leftover::Invalid(indexes) => self.drop_leftover(running, outside, indexes).await,
                Leftover::Finish(statement) => self.attempt_outside(running, outside, Some(statement)).await,
                Leftover::Nothing | Leftover::HalfDropped(_) | Leftover::Unknown => {
                    self.attempt_outside(running, outside, None).await
                }
            };
            let Err(failed) = attempt else {
                if matches!(found, Leftover::Invalid(_)) {
                    found = Leftover::Nothing;
                    continue;
                }
                return Ok(());
            };
            if matches!(failed.error, MessageError::Lost { .. }) {
                return Err(self
                    .step_error(running, running.remains.clone(), failed.error, failed.at)
                    .await);
            }
            found = self.clean_up(running, outside, &failed).await;
            let remains = Remains {
                invalid: found.invalid().to_vec(),
                pending: found.pending().map(str::to_owned),
                ..running.remains.clone()
            };
            let gave_way = failed.given_up == Some(GivenUp::GaveWay);
            if gave_way || matches!(failed.error.sqlstate(), Some("55P03" | "40P01")) {
                let sqlstate = if gave_way {
                    Some("55P03")
                } else {
                    failed.error.sqlstate()
                };
                let sqlstate = sqlstate.unwrap_or_default().to_owned();
                self.blockers.clone_from(&failed.blockers);
                match self.pause(running.file, &mut attempts, &sqlstate, &remains).await {
                    Ok(_) => continue,
                    Err(error) => {
                        self.give_back(running, &remains).await;
                        return Err(error.about(failed.tables));
                    }
                }
            }
            self.give_back(running, &remains).await;
            if failed.given_up == Some(GivenUp::LostPatience) {
                return Err(RunError::Blocked {
                    version: running.file.migration.version.clone(),
                    path: running.file.migration.path.clone(),
                    waited: running.plan.lock_wait,
                    attempts: 1,
                    blockers: failed.blockers,
                    tables: failed.tables,
                    remains,
                });
            }
            return Err(self.step_error(running, remains, failed.error, failed.at).await);
        }
    }

    /// Gives the claim back, if nothing is left of the step. If that fails, or something is left, the next run resumes it.
    pub(super) async fn give_back(&self, running: &Running<'_>, remains: &Remains) {
        if remains.invalid.is_empty() && remains.pending.is_none() {
            let _ = steps::release(&self.session, running.key).await;
        }
    }

    /// Drops what a run that was cut off has left of an index, which may have to wait as long as making it.
    async fn drop_leftover(
        &mut self,
        running: &Running<'_>,
        outside: &Outside<'_>,
        indexes: &[String],
    ) -> Result<(), Failed> {
        for index in indexes {
            let drop = drop_statement(index);
            self.attempt_outside(running, outside, Some(&drop)).await?;
            self.tell_dropped(running, index.clone());
        }
        Ok(())
    }

    /// Runs the statement, or another `instead` of it.
    async fn attempt_outside(
        &mut self,
        running: &Running<'_>,
        outside: &Outside<'_>,
        instead: Option<&str>,
    ) -> Result<(), Failed> {
        let failed = |error, at| Failed {
            error,
            at,
            blockers: Vec::new(),
            tables: Vec::new(),
            given_up: None,
        };
        if let Some(kind @ NonTransactional::DetachPartition { .. }) = outside.kind {
            self.about = self.tables_of(running, kind).await;
        }
        let settings = self.session_settings(running);
        if let Some(settings) = &settings
            && let Err(error) = self.session.rows(settings).await
        {
            return Err(failed(error, At::Ours));
        }
        let prefix = format!("/* {} */ ", running.mark);
        let sql = format!(
            "{prefix}{}",
            instead.unwrap_or_else(|| outside.statement.slice(running.text.as_str()))
        );
        let version = &running.file.migration.version;
        let patience = Some(running.plan.lock_wait);
        self.gives_way = outside.kind.is_some_and(keeps_others_waiting);
        let answer = self.send_for(version, running.mark, &sql, patience).await;
        self.gives_way = false;
        self.about.clear();
        if settings.is_some() {
            // If this fails, the connection is gone, and its settings with it.
            let _ = self.session.message(RESET).await;
        }
        let Err(error) = answer.result else {
            return Ok(());
        };
        let at = match instead {
            None => error_in_statement(&sql, prefix.len(), outside.statement, &error),
            Some(_) => At::File(outside.statement.start),
        };
        Err(Failed {
            given_up: self.given_up.filter(|_| error.sqlstate() == Some("57014")),
            blockers: self.blockers.clone(),
            tables: self.obstacle.as_ref().map(Obstacle::tables).unwrap_or_default(),
            ..failed(error, at)
        })
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

    /// Drops what a failed statement has left of an index; returns what is left then.
    async fn clean_up(&mut self, running: &Running<'_>, outside: &Outside<'_>, failed: &Failed) -> Leftover {
        let found = self.leftover(running, outside).await.unwrap_or(Leftover::Nothing);
        let Leftover::Invalid(indexes) = found else {
            return found;
        };
        let hurried = failed.given_up.is_some() || self.interrupt.signal().is_some();
        let limit = if hurried { HURRIED_CLEAN_UP } else { CLEAN_UP_LIMIT };
        let mut left = Vec::new();
        for index in indexes {
            if self.drop_within(running, &index, limit).await {
                self.tell_dropped(running, index);
            } else {
                left.push(index);
            }
        }
        if left.is_empty() {
            Leftover::Nothing
        } else {
            Leftover::Invalid(left)
        }
    }

    /// Drops an INVALID index; says whether it came to that in time.
    async fn drop_within(&self, running: &Running<'_>, index: &str, limit: Duration) -> bool {
        let drop = format!("/* {} */ {}", running.mark, drop_statement(index));
        let dropping = self.session.rows(&drop);
        tokio::pin!(dropping);
        if let Ok(dropped) = timeout(limit, &mut dropping).await {
            return dropped.is_ok();
        }
        // The session is of no use before it has answered.
        let _ = self.session.canceller().cancel().await;
        matches!(timeout(CANCEL_LIMIT, dropping).await, Ok(Ok(_)))
    }

    fn tell_dropped(&self, running: &Running<'_>, index: String) {
        self.listener.on(Event::DroppedInvalidIndex {
            index,
            version: running.file.migration.version.to_string(),
        });
    }
}

/// Whether a SET statement decides what names without a schema mean.
fn says_where(setting: &str) -> bool {
    let setting = setting.to_ascii_lowercase();
    setting.contains("search_path") || setting.contains("schema")
}

/// The name comes quoted and qualified from the catalog.
fn drop_statement(index: &str) -> String {
    format!("drop index concurrently if exists {index}")
}

/// Whether it queues for a lock that keeps readers waiting behind it, and loses little when it gives way and is run again. DETACH CONCURRENTLY
/// takes such a lock on the partition at its end; before that it waits for transactions, which keeps nobody waiting, and which no timeout for
/// locks may cut off: it would hardly ever come to its end.
fn keeps_others_waiting(kind: &NonTransactional) -> bool {
    match kind {
        NonTransactional::Vacuum { full, tables } => *full && tables.len() == 1,
        NonTransactional::DetachPartition { .. } => true,
        _ => false,
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
