//! A repeated file: its statement again and again, each round a message and a transaction of its own, until a round changes no row.
//!
//! Nothing is recorded between the rounds: what is left to be done is what the statement finds, so a run that was cut off goes on by being
//! run again. The ledger's row is written in the transaction of a last round, which is committed only if it changed no row either.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use crate::event::Event;
use crate::exit::Signal;
use crate::migration::Text;
use crate::pg::{Answer, Lookout, MessageError, rounds::estimate};
use crate::script::{Span, split};

use super::contest::{Contest, Turn, is_about_locks};
use super::execute::{Done, Migrator, changed};
use super::locking::prelude::timeout_statement;
use super::locking::{Limits, Take, needs};
use super::message::{Envelope, Head, place_in_file, tail};
use super::outcome::{Remains, Repeated, RunError};
use super::plan::{Plan, PlannedFile};
use super::retry::{Attempts, Next};
use super::rounds::Rounds;
use super::send::{At, Refused};
use super::unit::locks;

/// How long a round may run before it is looked whether somebody waits for it, and how long until the next look.
const WATCH: Duration = Duration::from_millis(50);
/// How often the replicas are looked at.
const REPLICAS: Duration = Duration::from_secs(1);
/// How long is waited before a replica that is behind is looked at again.
const LAGGING: Duration = Duration::from_millis(250);
/// How long a look may take: it is a courtesy.
const LOOK_LIMIT: Duration = Duration::from_secs(5);
/// The longest rest for the sake of others.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// With this, rows that policies hide are an error of the server's, whatever could be seen beforehand.
const SEE_ALL_ROWS: &str = "set local row_security = off";

/// A repeated file on its way.
struct Repeating<'a> {
    plan: &'a Plan,
    file: &'a PlannedFile,
    text: &'a Text,
    rounds: &'a Rounds,
    ledger_rows: &'a [String],
    lookout: Lookout,
    looked_at: Option<Instant>,
    started: Instant,
    estimate: Option<u64>,
    /// How many rounds have changed rows.
    done: u64,
    /// How many rows they have changed.
    rows: u64,
}

/// What became of a round.
enum Round {
    /// It is committed, and has changed so many rows.
    Changed { rows: u64 },
    /// The last one, with the ledger's row in its transaction, changed rows after all, and was rolled back.
    NotLast,
    /// The ledger has its row.
    Recorded(Done),
}

impl Migrator<'_> {
    /// Repeats a file's statement until it changes no row, then records the file.
    ///
    /// # Locks
    /// Those of the statement, for one round at a time, each waited for briefly and again.
    pub(super) async fn apply_rounds(
        &mut self,
        plan: &Plan,
        file: &PlannedFile,
        text: &Text,
        rounds: &Rounds,
    ) -> Result<Done, RunError> {
        let ledger_rows = self.rows(file, text, false)?;
        let estimate = match &rounds.target {
            // Without an estimate there is no telling how much is left, and that is all.
            Some(table) => estimate(&self.session, table).await.unwrap_or_default(),
            None => None,
        };
        self.repeated.push(Repeated {
            version: file.migration.version.clone(),
            rounds: 0,
            rows: 0,
        });
        let mut work = Repeating {
            plan,
            file,
            text,
            rounds,
            ledger_rows: &ledger_rows,
            lookout: Lookout::new(self.settings.clone()),
            looked_at: None,
            started: Instant::now(),
            estimate,
            done: 0,
            rows: 0,
        };
        let mut last = false;
        loop {
            self.wait_for_replicas(&mut work).await?;
            let is_enough = rounds.at_most.is_some_and(|most| work.done >= most);
            match self.round(&mut work, last || is_enough).await? {
                Round::Changed { rows: 0 } => last = true,
                Round::NotLast if is_enough => {
                    return Err(RunError::Endless {
                        version: file.migration.version.clone(),
                        path: file.migration.path.clone(),
                        rounds: work.done,
                    });
                }
                Round::Changed { .. } | Round::NotLast => last = false,
                Round::Recorded(done) => {
                    self.tell_rounds(&work, true);
                    return Ok(done);
                }
            }
        }
    }

    /// One round, tried again for as long as it is refused for its locks.
    async fn round(&mut self, work: &mut Repeating<'_>, last: bool) -> Result<Round, RunError> {
        let limits = self.lock_limits(work.plan);
        let (mut attempts, mut contest) = (Attempts::new(work.plan.lock_wait), None);
        loop {
            let (take, locks) = match &mut contest {
                None => (None, vec![timeout_statement(limits.longest_queue())]),
                Some(contest) => match self.turn(contest, &work.file.migration.version).await {
                    Ok(Turn::Try { take, .. }) => (Some(take), locks(contest, take, work.file)),
                    Ok(Turn::Stop | Turn::Done) => {
                        return Err(self.lost_contest(work.file, contest, &work.remains()));
                    }
                    Err(signal) => return Err(work.interrupted(signal)),
                },
            };
            let started = Instant::now();
            let refused = match self.attempt_round(work, last, &locks).await {
                (Ok(rows), waited_for) => return self.ended(work, last, rows, waited_for, started.elapsed()).await,
                (Err(refused), _) => refused,
            };
            if let Some(round) = self
                .round_refused(work, refused, &mut attempts, &mut contest, take, limits)
                .await?
            {
                return Ok(round);
            }
        }
    }

    /// Decides what a refused round means: `None` if it is to be tried again.
    async fn round_refused(
        &mut self,
        work: &Repeating<'_>,
        refused: Refused,
        attempts: &mut Attempts,
        contest: &mut Option<Contest>,
        take: Option<Take>,
        limits: Limits,
    ) -> Result<Option<Round>, RunError> {
        let (file, remains) = (work.file, work.remains());
        if let Some(signal) = self.stopped_by(&refused.error) {
            return Err(work.interrupted(signal));
        }
        let ran_out = refused.error.sqlstate() == Some("57014") && self.obstacle.is_some();
        if refused.at != At::Row && (is_about_locks(&refused.error) || ran_out) {
            if contest.is_none() {
                let pieces = split(work.text.as_str()).map_err(|error| changed(file, error.to_string()))?;
                let needs = needs(work.text.as_str(), &pieces, work.text.all(), &file.frame);
                *contest = Some(Contest::new(self.resolve(&[needs]).await, limits));
            }
            if let Some(contest) = contest {
                let (take, version) = (take.unwrap_or(Take::Nowait), &file.migration.version);
                self.refused(contest, &[0], take, Some(0), version).await;
            }
            return Ok(None);
        }
        self.obstacle = None;
        let next = match refused.error.sqlstate() {
            Some("40001") => self.pause(file, attempts, "40001", &remains).await?,
            _ => match self.after(file, work.text, refused, attempts, false, &remains).await {
                Err(RunError::Lost {
                    version,
                    path,
                    reason,
                    applied,
                    ..
                }) => {
                    // Whether the round came through does not matter to the next run, and nobody can say that nothing remains.
                    return Err(RunError::Lost {
                        version,
                        path,
                        reason,
                        applied,
                        stepwise: true,
                    });
                }
                next => next?,
            },
        };
        Ok(match next {
            Next::Again => None,
            Next::Committed => Some(Round::Recorded(Done::Applied)),
            Next::Elsewhere | Next::Learn(_) => Some(Round::Recorded(Done::Elsewhere)),
        })
    }

    /// Sends a round. Says how many rows it has changed, and whether somebody waited for it meanwhile. On refusal it is rolled back.
    async fn attempt_round(
        &mut self,
        work: &mut Repeating<'_>,
        last: bool,
        locks: &[String],
    ) -> (Result<u64, Refused>, bool) {
        let mark = self.mark(work.file, 1);
        let settings: &[&str] = if work.rounds.may_miss_rows {
            &[]
        } else {
            &[SEE_ALL_ROWS]
        };
        let envelope = Envelope {
            mark: &mark,
            begin: &["begin"],
            lift_timeouts: self.look.has_timeouts,
            rows: if last { work.ledger_rows } else { &[] },
            statement_timeout: work.file.statement_timeout(work.plan),
            locks,
            settings,
        };
        let head = envelope.head();
        let mut sql = head.sql.clone();
        sql.push_str(work.rounds.statement.slice(work.text.as_str()));
        if !last {
            sql.push_str(&tail(work.rounds.session, true));
        }
        let waited_for = Cell::new(false);
        let answer = self.send_watched(work, &mark, &sql, &waited_for).await;
        let rows = answer.counts.get(head.statements).copied().unwrap_or_default();
        let result = match &answer.result {
            Ok(()) if last && rows > 0 => self.close_round("rollback").await,
            Ok(()) if last => self.close_round(&tail(work.rounds.session, true)).await,
            Ok(()) => Ok(()),
            Err(error) => {
                let refused = Refused {
                    at: place_of(work, &envelope, &head, &sql, &answer, error),
                    error: error.clone(),
                };
                if matches!(error, MessageError::Refused { .. }) {
                    // A failure here is a lost connection, which is found by the next message.
                    let _ = self.session.message("rollback").await;
                }
                Err(refused)
            }
        };
        (result.map(|()| rows), waited_for.get())
    }

    /// Ends the transaction of the last round.
    async fn close_round(&mut self, sql: &str) -> Result<(), Refused> {
        let refused = |error| Refused { error, at: At::Commit };
        let closed = self.session.message(sql).await.result.map_err(refused);
        if closed.is_err() {
            let _ = self.session.message("rollback").await;
        }
        closed
    }

    /// Sends a message, and looks meanwhile whether somebody waits for a lock that it holds.
    async fn send_watched(
        &mut self,
        work: &mut Repeating<'_>,
        mark: &str,
        sql: &str,
        waited_for: &Cell<bool>,
    ) -> Answer {
        let (version, listener) = (&work.file.migration.version, self.listener);
        let lookout = &mut work.lookout;
        let watch = async {
            loop {
                sleep(WATCH).await;
                // A look that fails is a courtesy that is not had.
                if let Ok(Ok(true)) = timeout(LOOK_LIMIT, lookout.is_waited_for(mark)).await {
                    break;
                }
            }
            waited_for.set(true);
            listener.on(Event::WaitedFor {
                version: version.to_string(),
            });
            std::future::pending::<()>().await;
        };
        let answer = self.send(version, mark, sql);
        tokio::select! {
            biased;
            answer = answer => answer,
            () = watch => unreachable!("it never ends"),
        }
    }

    /// Counts a round that came through, and rests after it if somebody waited.
    async fn ended(
        &mut self,
        work: &mut Repeating<'_>,
        last: bool,
        rows: u64,
        waited_for: bool,
        took: Duration,
    ) -> Result<Round, RunError> {
        if last {
            return Ok(match rows {
                0 => Round::Recorded(Done::Applied),
                _ => Round::NotLast,
            });
        }
        if rows > 0 {
            work.done += 1;
            work.rows += rows;
            if let Some(told) = self.repeated.last_mut() {
                (told.rounds, told.rows) = (work.done, work.rows);
            }
            self.tell_rounds(work, false);
        }
        if waited_for {
            self.rest(work, took).await?;
        }
        if let Some(signal) = self.interrupt.signal() {
            return Err(work.interrupted(signal));
        }
        Ok(Round::Changed { rows })
    }

    /// Rests for as long as the round took.
    async fn rest(&mut self, work: &Repeating<'_>, took: Duration) -> Result<(), RunError> {
        tokio::select! {
            () = sleep(took.min(LONGEST_REST)) => Ok(()),
            signal = self.interrupt.requested() => Err(work.interrupted(signal)),
        }
    }

    /// Waits while a replica is further behind than it may be.
    async fn wait_for_replicas(&mut self, work: &mut Repeating<'_>) -> Result<(), RunError> {
        let limit = work.plan.replica_lag;
        if limit.is_zero() || work.looked_at.is_some_and(|at| at.elapsed() < REPLICAS) {
            return Ok(());
        }
        loop {
            let looked = tokio::select! {
                looked = timeout(LOOK_LIMIT, work.lookout.replicas()) => looked,
                signal = self.interrupt.requested() => return Err(work.interrupted(signal)),
            };
            work.looked_at = Some(Instant::now());
            let Ok(Ok(replicas)) = looked else {
                self.tell_not_waiting("the replicas cannot be looked at");
                return Ok(());
            };
            if replicas.hidden {
                self.tell_not_waiting(&format!(
                    "how far behind the replicas are may not be seen: grant pg_monitor to {}",
                    self.look.acting_role
                ));
            }
            let Some((replica, lag)) = replicas.furthest.filter(|(_, lag)| *lag > limit) else {
                return Ok(());
            };
            self.listener.on(Event::Lagging {
                version: work.file.migration.version.to_string(),
                replica,
                lag,
                limit,
            });
            tokio::select! {
                () = sleep(LAGGING) => {}
                signal = self.interrupt.requested() => return Err(work.interrupted(signal)),
            }
        }
    }

    /// Says once why replicas are not waited for.
    fn tell_not_waiting(&mut self, why: &str) {
        let warning = format!("{why}; the rounds do not wait for them");
        if self.told.insert(warning.clone()) {
            self.listener.on(Event::Warning(warning));
        }
    }

    fn tell_rounds(&self, work: &Repeating<'_>, finished: bool) {
        self.listener.on(Event::Rounds {
            version: work.file.migration.version.to_string(),
            rounds: work.done,
            rows: work.rows,
            left: work.estimate.map(|all| all.saturating_sub(work.rows)),
            since: work.started.elapsed(),
            finished,
        });
    }
}

impl Repeating<'_> {
    /// What stays done if it stops now.
    fn remains(&self) -> Remains {
        Remains {
            steps_done: usize::try_from(self.done).unwrap_or(usize::MAX),
            steps: 0,
            ..Remains::default()
        }
    }

    fn interrupted(&self, signal: Signal) -> RunError {
        RunError::Interrupted {
            signal,
            version: Some(self.file.migration.version.clone()),
            remains: self.remains(),
        }
    }
}

/// Returns where a round was refused.
fn place_of(
    work: &Repeating<'_>,
    envelope: &Envelope<'_>,
    head: &Head,
    sql: &str,
    answer: &Answer,
    error: &MessageError,
) -> At {
    let rows = head.first_row..head.first_row + envelope.rows.len();
    if rows.contains(&answer.completed) && answer.completed == head.first_row {
        return At::Row;
    }
    if answer.completed < head.statements {
        return At::Ours;
    }
    if answer.completed > head.statements {
        return At::Commit;
    }
    let statement: Span = work.rounds.statement;
    let position = match error {
        MessageError::Refused { refusal } => refusal.position,
        MessageError::Lost { .. } => None,
    };
    let byte = position.and_then(|position| place_in_file(sql, position, head.sql.len(), statement));
    At::File(byte.unwrap_or(statement.start))
}
