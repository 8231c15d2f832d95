//! What a refusal means: try again, somebody was faster, run it in steps, or stop.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::event::Event;
use crate::migration::Text;
use crate::pg::{self, MessageError, Work, ledger_edit, ledger_store};
use crate::script::{PieceKind, split};

use super::cut::Lesson;
use super::execute::Migrator;
use super::outcome::{Remains, RunError};
use super::plan::PlannedFile;
use super::send::{At, Refused, place};

/// The first `lock_timeout`; it doubles with each attempt. A queued ALTER blocks everybody behind it for as long as this.
const FIRST_LOCK_TIMEOUT: Duration = Duration::from_millis(200);
/// The longest `lock_timeout`: above the default `deadlock_timeout`, so that an autovacuum is made to leave.
const LAST_LOCK_TIMEOUT: Duration = Duration::from_millis(1600);
/// How long we try to come back to a server that went away.
const COME_BACK: Duration = Duration::from_secs(10);

/// How long a backend may take to read the last message of a client that is gone.
const UNREAD: Duration = Duration::from_secs(3);

/// What to do after a refusal.
pub(super) enum Next {
    Again,
    Elsewhere,
    Committed,
    Learn(Lesson),
}

impl Migrator<'_> {
    /// Decides what a refusal of a transaction means.
    pub(super) async fn after(
        &mut self,
        file: &PlannedFile,
        text: &Text,
        refused: Refused,
        attempts: &mut Attempts,
        lessons: bool,
        remains: &Remains,
    ) -> Result<Next, RunError> {
        let version = &file.migration.version;
        if let Some(signal) = self.stopped_by(&refused.error) {
            return Err(RunError::Interrupted {
                signal,
                version: Some(version.clone()),
                remains: remains.clone(),
            });
        }
        let refusal = match refused.error {
            MessageError::Lost { reason } => return self.lost(file, reason, remains.steps > 1).await,
            MessageError::Refused { refusal } => refusal,
        };
        match (refused.at, refusal.error.sqlstate.as_str()) {
            (At::Row, "23505") => match self.somebody_was_faster(file).await? {
                Some(next) => Ok(next),
                None => self.pause(file, attempts, "23505", remains).await,
            },
            (_, "55P03" | "40P01") => self.pause(file, attempts, &refusal.error.sqlstate, remains).await,
            (At::Row | At::Ours, _) => Err(RunError::Ledger {
                version: version.clone(),
                server: Box::new(refusal.error),
            }),
            (at @ At::File(_), "25001" | "2D000") if lessons && may_run_outside(file, text, at) => {
                Ok(Next::Learn(Lesson {
                    outside: statement_index(text, at),
                    ..Lesson::default()
                }))
            }
            (At::File(_), "55P04") if lessons => Ok(Next::Learn(Lesson {
                commit_enum_values: true,
                ..Lesson::default()
            })),
            (at, _) => Err(RunError::Statement {
                place: Box::new(place(file, text, at)),
                server: Box::new(refusal.error),
                remains: remains.clone(),
            }),
        }
    }

    /// Our row is there already: another runner's, which is well if it is of the same text. `None` if it is gone again.
    async fn somebody_was_faster(&self, file: &PlannedFile) -> Result<Option<Next>, RunError> {
        let migration = &file.migration;
        match ledger_store::applied_checksum(&self.session, &migration.version).await {
            Ok(Some(theirs)) if theirs != migration.checksum => Err(RunError::OtherContent {
                version: migration.version.clone(),
                path: migration.path.clone(),
            }),
            Ok(None) => Ok(None),
            _ => Ok(Some(Next::Elsewhere)),
        }
    }

    /// Waits before the next attempt, or gives up.
    pub(super) async fn pause(
        &mut self,
        file: &PlannedFile,
        attempts: &mut Attempts,
        sqlstate: &str,
        remains: &Remains,
    ) -> Result<Next, RunError> {
        let migration = &file.migration;
        let Some(pause) = attempts.next() else {
            return Err(RunError::Blocked {
                version: migration.version.clone(),
                path: migration.path.clone(),
                waited: attempts.started.elapsed(),
                attempts: attempts.failed,
                blockers: self.blockers.clone(),
                tables: Vec::new(),
                remains: remains.clone(),
            });
        };
        self.listener.on(Event::Retrying {
            version: migration.version.to_string(),
            sqlstate: sqlstate.to_owned(),
            attempt: attempts.failed,
            pause,
            blockers: self.blockers.clone(),
        });
        tokio::select! {
            () = sleep(pause) => Ok(Next::Again),
            signal = self.interrupt.requested() => Err(RunError::Interrupted {
                signal,
                version: Some(migration.version.clone()),
                remains: remains.clone(),
            }),
        }
    }

    /// The connection is gone: comes back, if the server does, and looks whether the COMMIT had come through.
    pub(super) async fn lost(&mut self, file: &PlannedFile, reason: String, stepwise: bool) -> Result<Next, RunError> {
        let version = &file.migration.version;
        let deadline = Instant::now() + COME_BACK;
        let (backend, mut back_since) = (self.look.backend, None);
        let applied = loop {
            if let Ok(session) = pg::connect(&self.settings, Work::Migrator).await {
                self.reconnected(session);
                // The server does not see at once that we are gone: what it is at, or has not even begun to read, may still be committed.
                let old = ledger_edit::still_running(&self.session, &self.runner, backend).await;
                let found = ledger_store::applied_checksum(&self.session, version).await;
                let since = *back_since.get_or_insert_with(Instant::now);
                match (old, found) {
                    (_, Ok(Some(_))) => break Some(true),
                    (Ok(old), Ok(None)) if !old.is_running && (!old.is_there || since.elapsed() > UNREAD) => {
                        self.look.backend = old.pid;
                        break Some(false);
                    }
                    _ => {}
                }
            }
            if Instant::now() > deadline || self.interrupt.signal().is_some() {
                break None;
            }
            sleep(Duration::from_millis(250)).await;
        };
        if applied == Some(true) && !stepwise {
            self.listener.on(Event::Note(format!(
                "the connection was lost after its COMMIT had come through: {version} is applied"
            )));
            return Ok(Next::Committed);
        }
        Err(RunError::Lost {
            version: version.clone(),
            path: file.migration.path.clone(),
            reason,
            applied,
            stepwise,
        })
    }
}

impl Remains {
    /// Nothing is left of a file that runs whole.
    pub(super) fn whole() -> Self {
        Self {
            steps: 1,
            ..Self::default()
        }
    }
}

/// Whether the file itself does not put a statement into a transaction.
fn may_run_outside(file: &PlannedFile, text: &Text, at: At) -> bool {
    statement_index(text, at).is_some_and(|index| !file.frame.inside.contains(&index))
}

/// Returns which statement of the file, counted from 0, is at a place.
fn statement_index(text: &Text, at: At) -> Option<usize> {
    let At::File(byte) = at else {
        return None;
    };
    let pieces = split(text.as_str()).ok()?;
    let mut statements = pieces.iter().filter(|piece| piece.kind == PieceKind::Statement);
    statements.position(|piece| piece.span.start <= byte && byte < piece.span.end)
}

/// The attempts at one transaction.
pub(super) struct Attempts {
    started: Instant,
    limit: Duration,
    failed: u32,
}

impl Attempts {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            started: Instant::now(),
            limit,
            failed: 0,
        }
    }

    pub(super) fn lock_timeout(&self) -> Duration {
        FIRST_LOCK_TIMEOUT
            .saturating_mul(1 << self.failed.min(10))
            .min(LAST_LOCK_TIMEOUT)
    }

    /// Returns how long to rest after a failure: as long as we have just been in the way, give or take a half. `None` after the limit.
    fn next(&mut self) -> Option<Duration> {
        let pause = self.lock_timeout().mul_f64(0.5 + fastrand::f64());
        self.failed += 1;
        (self.started.elapsed() + pause < self.limit).then_some(pause)
    }
}
