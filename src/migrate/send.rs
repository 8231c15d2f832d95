//! Sending one transaction, and knowing where in the file it stopped.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::time::{sleep_until, timeout};

use crate::event::Event;
use crate::exit::{Excerpt, Signal};
use crate::migration::{Text, Version};
use crate::pg::{Answer, MessageError};
use crate::script::{PieceKind, SessionEffects, Span, line_at, split};

use super::cut::Segment;
use super::execute::{GivenUp, Migrator};
use super::message::{Envelope, place_in_file, tail};
use super::outcome::Place;
use super::plan::PlannedFile;

/// How long a message may take before we look who is in the way, as a part of the longest wait for a lock, so that the culprit is seen.
const FIRST_LOOK: f64 = 0.6;
/// The latest first look.
const FIRST_LOOK_LIMIT: Duration = Duration::from_millis(120);
/// The same where a statement gives up early that waits while we hold others.
const EARLY_LOOK_LIMIT: Duration = Duration::from_millis(30);
/// How long we wait before the second look, whose findings are told: within a second from the start.
const SECOND_LOOK: Duration = Duration::from_millis(500);
/// How often we look again, and ask again for a statement to be cancelled.
const NEXT_LOOK: Duration = Duration::from_secs(1);
/// How often we look where we give way to those who would have to wait behind us.
const GIVING_WAY: Duration = Duration::from_millis(100);
/// How long the server may take to cancel before we give up waiting for its answer.
const CANCEL_LIMIT: Duration = Duration::from_secs(10);

/// One transaction of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transaction<'a> {
    /// The file.
    pub file: &'a PlannedFile,
    /// Its text.
    pub text: &'a Text,
    /// What goes round it.
    pub envelope: &'a Envelope<'a>,
    /// What of it is sent.
    pub body: &'a [Segment],
    /// What it may leave in the session.
    pub session: SessionEffects,
    /// Whether it is committed at its end.
    pub commit: bool,
}

/// Where a transaction was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// At our row: somebody else's is there, or we may not write it.
    Row,
    /// At another statement of ours.
    Ours,
    /// In the file, at this byte of its text.
    File(usize),
    /// At COMMIT: a deferred constraint.
    Commit,
}

/// A transaction that the server did not take.
#[derive(Debug)]
pub(super) struct Refused {
    /// Why.
    pub error: MessageError,
    /// Where.
    pub at: At,
}

/// One thing to send.
enum Send {
    Message {
        sql: String,
        before: usize,
        first_row: usize,
        /// The parts of the file in it, each with its place in the message.
        body: Vec<(usize, Span)>,
    },
    Copy {
        statement: Span,
        data: Span,
    },
}

fn sends(transaction: &Transaction<'_>) -> Vec<Send> {
    let head = transaction.envelope.head();
    let mark = format!("/* {} */ ", transaction.envelope.mark);
    let fresh = |sql: String| Send::Message {
        sql,
        before: 0,
        first_row: usize::MAX,
        body: Vec::new(),
    };
    let mut sends = vec![Send::Message {
        sql: head.sql,
        before: head.statements,
        first_row: head.first_row,
        body: Vec::new(),
    }];
    for segment in transaction.body {
        match *segment {
            Segment::Copy { statement, data } => sends.push(Send::Copy { statement, data }),
            Segment::Sql(span) => {
                if !matches!(sends.last(), Some(Send::Message { .. })) {
                    sends.push(fresh(mark.clone()));
                }
                if let Some(Send::Message { sql, body, .. }) = sends.last_mut() {
                    if !body.is_empty() {
                        // The part before may end in a comment or without its semicolon.
                        sql.push_str("\n;");
                    }
                    body.push((sql.len(), span));
                    sql.push_str(&transaction.file.frame.text(transaction.text.as_str(), span));
                }
            }
        }
    }
    if !matches!(sends.last(), Some(Send::Message { .. })) {
        sends.push(fresh(mark));
    }
    if let Some(Send::Message { sql, .. }) = sends.last_mut() {
        sql.push_str(&tail(transaction.session, transaction.commit));
    }
    sends
}

/// Returns where in the file a message stopped: by the server's position, else by counting the statements it completed.
fn stopped_at(
    file: &PlannedFile,
    text: &Text,
    sql: &str,
    body: &[(usize, Span)],
    into_body: usize,
    error: &MessageError,
) -> At {
    let position = match error {
        MessageError::Refused { refusal } => refusal.position,
        MessageError::Lost { .. } => None,
    };
    let place = |(body_at, span): &(usize, Span)| place_in_file(sql, position?, *body_at, *span);
    if let Some(byte) = body.iter().rev().find_map(place) {
        return At::File(byte);
    }
    let pieces = split(text.as_str()).unwrap_or_default();
    let mut statements = pieces.iter().filter(|piece| {
        piece.kind == PieceKind::Statement
            && !file.frame.omits(piece.span)
            && body
                .iter()
                .any(|(_, span)| span.start <= piece.span.start && piece.span.end <= span.end)
    });
    statements
        .nth(into_body)
        .map_or(At::Commit, |piece| At::File(piece.body.start))
}

impl Migrator<'_> {
    /// Sends a transaction. On refusal it is rolled back before this returns.
    pub(super) async fn transaction(&mut self, transaction: &Transaction<'_>) -> Result<(), Refused> {
        let version = &transaction.file.migration.version;
        let mark = transaction.envelope.mark;
        for send in sends(transaction) {
            let refused = match &send {
                Send::Message {
                    sql,
                    before,
                    first_row,
                    body,
                } => {
                    let answer = self.send(version, mark, sql).await;
                    answer.result.err().map(|error| Refused {
                        at: match answer.completed {
                            completed if completed == *first_row => At::Row,
                            completed if completed < *before => At::Ours,
                            completed => stopped_at(
                                transaction.file,
                                transaction.text,
                                sql,
                                body,
                                completed - before,
                                &error,
                            ),
                        },
                        error,
                    })
                }
                Send::Copy { statement, data } => {
                    let sql = statement.slice(transaction.text.as_str());
                    let data = data.slice(transaction.text.as_str()).as_bytes();
                    self.copy_in(version, mark, sql, data).await.err().map(|error| Refused {
                        at: At::File(statement.start),
                        error,
                    })
                }
            };
            if let Some(refused) = refused {
                if matches!(refused.error, MessageError::Refused { .. }) {
                    // A failure here is a lost connection, which the caller finds by its next message.
                    let _ = self.session.message("rollback").await;
                }
                return Err(refused);
            }
        }
        Ok(())
    }

    /// Sends one message, as [`Self::attend`] says.
    pub(super) async fn send(&mut self, version: &Version, mark: &str, sql: &str) -> Answer {
        self.send_for(version, mark, sql, None).await
    }

    /// The same; after `patience` of waiting for locks it is cancelled.
    pub(super) async fn send_for(
        &mut self,
        version: &Version,
        mark: &str,
        sql: &str,
        patience: Option<Duration>,
    ) -> Answer {
        let session = Rc::clone(&self.session);
        let answer = self.attend(version, mark, patience, session.message(sql)).await;
        answer.unwrap_or_else(|| Answer {
            completed: 0,
            counts: Vec::new(),
            rows: Vec::new(),
            result: Err(gave_up()),
        })
    }

    /// Sends COPY data, as [`Self::attend`] says.
    async fn copy_in(&mut self, version: &Version, mark: &str, sql: &str, data: &[u8]) -> Result<(), MessageError> {
        let session = Rc::clone(&self.session);
        let answer = self.attend(version, mark, None, session.copy_in(sql, data)).await;
        answer.unwrap_or_else(|| Err(gave_up()))
    }

    /// Waits for an answer. Meanwhile says who is in the way, and passes a request to stop on to the server until it has answered;
    /// `None` if it does not. With `patience` nothing else limits how long it waits for locks: then it ends the dead, too.
    async fn attend<T>(
        &mut self,
        version: &Version,
        mark: &str,
        patience: Option<Duration>,
        answer: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::pin!(answer);
        let started = Instant::now();
        let longest = (self.look.deadlock_timeout / 2).min(SECOND_LOOK);
        let limit = if self.gives_up_early && patience.is_none() {
            EARLY_LOOK_LIMIT
        } else {
            FIRST_LOOK_LIMIT
        };
        let mut look_at = started + longest.mul_f64(FIRST_LOOK).min(limit);
        let mut pause = SECOND_LOOK;
        let mut told_at: Option<Instant> = None;
        let gives_way = self.gives_way && patience.is_some();
        if gives_way {
            look_at = look_at.min(started + GIVING_WAY);
        }
        let mut cancelled_at: Option<Instant> = None;
        let mut blocked_since: Option<Instant> = None;
        self.blockers.clear();
        self.obstacle = None;
        self.given_up = None;
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => return Some(answer),
                _ = self.interrupt.requested(), if cancelled_at.is_none() => {
                    cancelled_at = Some(Instant::now());
                    look_at = Instant::now() + NEXT_LOOK / 4;
                    self.cancel().await;
                }
                () = sleep_until(look_at.into()) => {
                    look_at = Instant::now() + if gives_way { GIVING_WAY } else { pause };
                    pause = NEXT_LOOK;
                    match cancelled_at {
                        None => {
                            if self.look_for_obstacle(version, mark, patience.is_some()).await {
                                blocked_since.get_or_insert(started);
                                if started.elapsed() > SECOND_LOOK && told_at.is_none_or(|at| at.elapsed() > SECOND_LOOK) {
                                    told_at = Some(Instant::now());
                                    self.tell_obstacle(version, started.elapsed());
                                }
                            } else {
                                blocked_since = None;
                            }
                            let blocked = blocked_since.map(|since| since.elapsed());
                            if patience.zip(blocked).is_some_and(|(patience, blocked)| blocked >= patience) {
                                self.given_up = Some(GivenUp::LostPatience);
                                cancelled_at = Some(Instant::now());
                                self.cancel().await;
                            } else if gives_way && blocked.is_some() && self.obstacle.as_ref().is_some_and(|obstacle| obstacle.waiting.keeps_others_waiting()) {
                                self.given_up = Some(GivenUp::GaveWay);
                                cancelled_at = Some(Instant::now());
                                self.cancel().await;
                            } else if let Some((patience, since)) = patience.zip(blocked_since) {
                                look_at = look_at.min(since + patience);
                            }
                        }
                        Some(at) if at.elapsed() > CANCEL_LIMIT => return None,
                        // A request that arrives before the statement has begun is forgotten by the server: ask again.
                        Some(_) => self.cancel().await,
                    }
                }
            }
        }
    }

    async fn cancel(&self) {
        // A request that does not get through is made again at the next look.
        let _ = timeout(NEXT_LOOK, self.session.canceller().cancel()).await;
    }

    /// Looks what our backend waits for; says whether it still waits when the dead in its way are ended. A look that fails is a courtesy that is not had.
    async fn look_for_obstacle(&mut self, version: &Version, mark: &str, end_the_dead: bool) -> bool {
        let found = timeout(NEXT_LOOK, self.monitor.obstacle(mark, &self.about)).await;
        let Ok(Ok(Some(obstacle))) = found else {
            return false;
        };
        // Kept: the last look before a timeout often finds nobody, because the wait is already over.
        self.blockers = self.blockers_of(&obstacle);
        // Who was ended is not in the way any more; whoever else is, the next look shows.
        let goes_on = end_the_dead && self.end_the_dead_of(&obstacle, version).await;
        self.obstacle = Some(obstacle);
        !goes_on
    }

    fn tell_obstacle(&self, version: &Version, waited: Duration) {
        self.listener.on(Event::Waiting {
            version: version.to_string(),
            waited,
            blockers: self.blockers.clone(),
        });
    }

    /// Returns the signal by which we were asked to stop, if the server's answer is due to it. A lost connection is not: then it is not
    /// known whether the COMMIT had come through.
    pub(super) fn stopped_by(&self, error: &MessageError) -> Option<Signal> {
        let signal = self.interrupt.signal()?;
        (error.sqlstate() == Some("57014")).then_some(signal)
    }
}

fn gave_up() -> MessageError {
    MessageError::Lost {
        reason: "the server did not answer a request to cancel".to_owned(),
    }
}

/// Returns a place in a file for a person.
pub(super) fn place(file: &PlannedFile, text: &Text, at: At) -> Place {
    let excerpt = match at {
        At::File(byte) => Some(excerpt(file, text, byte)),
        At::Row | At::Ours | At::Commit => None,
    };
    let moment = match at {
        At::Commit => Some("at COMMIT"),
        At::Row | At::Ours => Some("before its first statement"),
        At::File(_) => None,
    };
    Place {
        version: file.migration.version.clone(),
        path: file.migration.path.clone(),
        excerpt,
        moment,
    }
}

fn excerpt(file: &PlannedFile, text: &Text, byte: usize) -> Excerpt {
    let sql = text.as_str();
    let position = text.position(byte);
    let word: usize = sql[byte.min(sql.len())..]
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .count();
    Excerpt {
        path: file.migration.path.clone(),
        line: position.line,
        column: position.column,
        text: line_at(sql, byte).to_owned(),
        width: word.max(1),
    }
}
