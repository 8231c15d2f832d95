//! One message of the simple protocol, and exactly how far the server got with it.

use std::pin::pin;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio_postgres::SimpleQueryMessage;

use super::connect::Session;
use crate::exit::ServerError;

/// A row as text.
pub type Row = Vec<Option<String>>;

/// What came back for a message.
#[derive(Debug)]
pub struct Answer {
    /// How many of its statements were completed.
    pub completed: usize,
    /// How many rows each of them changed or returned.
    pub counts: Vec<u64>,
    /// The rows of all its statements.
    pub rows: Vec<Row>,
    /// How it ended.
    pub result: Result<(), MessageError>,
}

/// Why a message did not complete.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MessageError {
    /// The server refused a statement; in a transaction block, all of it is void.
    #[error("{}", refusal.error.message)]
    Refused {
        /// What it said.
        refusal: Box<Refusal>,
    },
    /// The connection is gone, and with it the answer.
    #[error("the connection to the server was lost: {reason}")]
    Lost {
        /// The driver's words.
        reason: String,
    },
}

/// What the server said when it refused a statement.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// SQLSTATE, message, DETAIL, HINT, CONTEXT.
    pub error: ServerError,
    /// Where in the message, in characters from 1.
    pub position: Option<usize>,
    /// The constraint concerned.
    pub constraint: Option<String>,
    /// The schema concerned.
    pub schema: Option<String>,
}

impl MessageError {
    /// Returns the SQLSTATE, if the server gave one.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Refused { refusal } => Some(&refusal.error.sqlstate),
            Self::Lost { .. } => None,
        }
    }

    /// Returns the server's words, if it said any.
    pub fn server(&self) -> Option<&ServerError> {
        match self {
            Self::Refused { refusal } => Some(&refusal.error),
            Self::Lost { .. } => None,
        }
    }
}

impl From<tokio_postgres::Error> for MessageError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(database) = error.as_db_error() else {
            return Self::Lost { reason: chain(&error) };
        };
        // Class 57P: the server ends the session; class 08: the connection. Neither says whether a COMMIT came through.
        let code = database.code().code();
        if matches!(code, "57P01" | "57P02" | "57P03" | "57P05") || code.starts_with("08") {
            return Self::Lost {
                reason: format!("{} (SQLSTATE {code})", database.message()),
            };
        }
        let position = match database.position() {
            Some(tokio_postgres::error::ErrorPosition::Original(position)) => Some(*position as usize),
            _ => None,
        };
        Self::Refused {
            refusal: Box::new(Refusal {
                error: ServerError {
                    sqlstate: code.to_owned(),
                    message: database.message().to_owned(),
                    detail: database.detail().map(str::to_owned),
                    hint: database.hint().map(str::to_owned),
                    context: database.where_().map(str::to_owned),
                },
                position,
                constraint: database.constraint().map(str::to_owned),
                schema: database.schema().map(str::to_owned),
            }),
        }
    }
}

/// Returns an error with its causes: the driver's `Display` hides them.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

impl Session {
    /// Sends `sql` as one message and reads its answer to the end.
    pub async fn message(&self, sql: &str) -> Answer {
        let mut rows = Vec::new();
        let mut answer = self.message_with(sql, |row| rows.push(row)).await;
        answer.rows = rows;
        answer
    }

    /// Sends `sql` as one message and hands on each row as it comes; the answer has none of them.
    pub async fn message_with(&self, sql: &str, mut on_row: impl FnMut(Row)) -> Answer {
        let mut answer = Answer {
            completed: 0,
            counts: Vec::new(),
            rows: Vec::new(),
            result: Ok(()),
        };
        let stream = match self.client().simple_query_raw(sql).await {
            Ok(stream) => stream,
            Err(error) => {
                answer.result = Err(error.into());
                return answer;
            }
        };
        let mut stream = pin!(stream);
        while let Some(message) = stream.next().await {
            match message {
                Ok(SimpleQueryMessage::CommandComplete(rows)) => {
                    answer.completed += 1;
                    answer.counts.push(rows);
                }
                Ok(SimpleQueryMessage::Row(row)) => {
                    let columns = 0..row.columns().len();
                    on_row(columns.map(|column| row.get(column).map(str::to_owned)).collect());
                }
                Ok(_) => {}
                Err(error) => {
                    answer.result = Err(error.into());
                    return answer;
                }
            }
        }
        answer
    }

    /// Sends `sql` and returns its rows.
    ///
    /// # Errors
    /// The answer's [`MessageError`].
    pub async fn rows(&self, sql: &str) -> Result<Vec<Row>, MessageError> {
        let answer = self.message(sql).await;
        answer.result.map(|()| answer.rows)
    }

    /// Sends a `COPY ... FROM STDIN` and its data. The driver has no simple-protocol form of it, so this one statement is prepared.
    ///
    /// # Errors
    /// [`MessageError`].
    pub async fn copy_in(&self, statement: &str, data: &[u8]) -> Result<(), MessageError> {
        let sink = self.client().copy_in::<_, std::io::Cursor<Vec<u8>>>(statement).await?;
        let mut sink = pin!(sink);
        sink.send(std::io::Cursor::new(data.to_vec())).await?;
        sink.finish().await?;
        Ok(())
    }
}
