//! A session: the driver's client, the task that drives it, and what is heard on the side.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::{AsyncMessage, Client, Connection, SimpleQueryMessage, Socket};

use super::attempt::connect;
use super::cancel::Canceller;
use super::error::ConnectError;
use super::failure::Failure;
use crate::pg::settings::Settings;
use crate::pg::tls::Connector;

/// How many notices wait for a reader; what comes on top is counted and dropped, so that a chatty migration cannot fill
/// the memory.
const NOTICE_CAPACITY: usize = 4096;

/// How long closing waits for the server to have read that it is over.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// The parameters which servers report at the start and which somebody here asks for.
const REPORTED: &[&str] = &[
    "application_name",
    "default_transaction_read_only",
    "in_hot_standby",
    "is_superuser",
    "server_encoding",
    "server_version",
    "session_authorization",
    "standard_conforming_strings",
    "TimeZone",
];

/// What a session is for. Decides its `application_name` where the user did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Applies migrations.
    Migrator,
    /// Looks at who blocks whom, and ends sessions.
    Watcher,
    /// Reads ledger and catalog.
    Reader,
}

impl Work {
    /// Returns the `application_name`, which is what people see in `pg_stat_activity`.
    pub fn application_name(self) -> &'static str {
        match self {
            Self::Migrator => "rlsctl migrate",
            Self::Watcher => "rlsctl watch",
            Self::Reader => "rlsctl read",
        }
    }
}

/// A NOTICE, WARNING or other message that is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// `NOTICE`, `WARNING`, `INFO`, `LOG` or `DEBUG`, never translated.
    pub severity: String,
    /// The SQLSTATE, five characters.
    pub sqlstate: String,
    /// The message.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
    /// What the server proposes.
    pub hint: Option<String>,
}

impl Notice {
    fn new(message: &DbError) -> Self {
        let severity = match message.parsed_severity() {
            Some(Severity::Warning) => "WARNING",
            Some(Severity::Notice) => "NOTICE",
            Some(Severity::Debug) => "DEBUG",
            Some(Severity::Info) => "INFO",
            Some(Severity::Log) => "LOG",
            Some(Severity::Error | Severity::Fatal | Severity::Panic) | None => message.severity(),
        };
        Self {
            severity: severity.to_owned(),
            sqlstate: message.code().code().to_owned(),
            message: message.message().to_owned(),
            detail: message.detail().map(str::to_owned),
            hint: message.hint().map(str::to_owned),
        }
    }
}

/// Where notices arrive, in the order in which the server sent them.
pub type NoticeReceiver = mpsc::Receiver<Notice>;

/// Why a session ended though nobody closed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The SQLSTATE, if the server said a last word: 57P01 when an administrator ended the session.
    pub sqlstate: Option<String>,
    /// The server's last word, or what happened to the connection.
    pub message: String,
}

impl Loss {
    fn new(error: &tokio_postgres::Error) -> Self {
        if let Some(answer) = error.as_db_error() {
            return Self {
                sqlstate: Some(answer.code().code().to_owned()),
                message: answer.message().to_owned(),
            };
        }
        let message = match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        Self {
            sqlstate: None,
            message,
        }
    }
}

/// An open session with a server.
///
/// Dropping it ends it too, but without waiting; [`Session::close`] waits.
pub struct Session {
    client: Client,
    task: JoinHandle<()>,
    connector: Option<Connector>,
    cancel_limit: Option<Duration>,
    notices: Option<NoticeReceiver>,
    dropped_notices: Arc<AtomicU64>,
    loss: Arc<OnceLock<Loss>>,
    parameters: BTreeMap<&'static str, String>,
    settings: Option<Arc<Settings>>,
}

/// How to get another session with the same server and the same settings.
#[derive(Clone, Debug)]
pub(in crate::pg) struct Another(Arc<Settings>);

impl Another {
    /// Opens it.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub(in crate::pg) async fn connect(&self, work: Work) -> Result<Session, ConnectError> {
        connect(&self.0, work).await
    }
}

impl Session {
    /// Takes over what the driver made, and starts the task which drives it.
    pub(super) fn start<T>(
        client: Client,
        connection: Connection<Socket, T>,
        connector: Option<Connector>,
        cancel_limit: Option<Duration>,
    ) -> Self
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let parameters = REPORTED
            .iter()
            .filter_map(|name| Some((*name, connection.parameter(name)?.to_owned())))
            .collect();
        let (sender, receiver) = mpsc::channel(NOTICE_CAPACITY);
        let dropped_notices = Arc::new(AtomicU64::new(0));
        let loss = Arc::new(OnceLock::new());
        let task = tokio::spawn(drive(
            connection,
            sender,
            Arc::clone(&dropped_notices),
            Arc::clone(&loss),
        ));
        Self {
            client,
            task,
            connector,
            cancel_limit,
            notices: Some(receiver),
            dropped_notices,
            loss,
            parameters,
            settings: None,
        }
    }

    /// Returns the session with the settings that led to it.
    pub(super) fn made_from(mut self, settings: &Settings) -> Self {
        self.settings = Some(Arc::new(settings.clone()));
        self
    }

    /// Returns how to get another session like this one; nothing where the settings name several hosts, which may lead elsewhere.
    pub(in crate::pg) fn another(&self) -> Option<Another> {
        let settings = self.settings.as_ref().filter(|settings| settings.hosts.len() == 1)?;
        Some(Another(Arc::clone(settings)))
    }

    /// Returns the driver's client.
    pub(in crate::pg) fn client(&self) -> &Client {
        &self.client
    }

    /// Runs statements and returns the rows of all of them as text; for tests, which stand outside of `pg`.
    #[doc(hidden)]
    pub async fn ask(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
        ask(self.client(), sql).await
    }

    /// Returns what can cancel the statement that this session runs, from another task.
    pub fn canceller(&self) -> Canceller {
        Canceller::new(self.client.cancel_token(), self.connector.clone(), self.cancel_limit)
    }

    /// Hands over the receiver of notices; nothing the second time.
    ///
    /// As long as nobody reads, up to 4096 notices wait, from the start of the session on.
    pub fn take_notices(&mut self) -> Option<NoticeReceiver> {
        self.notices.take()
    }

    /// Returns how many notices came when as many as are kept were waiting already.
    pub fn dropped_notices(&self) -> u64 {
        self.dropped_notices.load(Ordering::Relaxed)
    }

    /// Returns a parameter as the server reported it at the start, such as `server_version`. No query is sent.
    ///
    /// A pooler may report fewer, and one before version 14 knows no `in_hot_standby` and reports no
    /// `default_transaction_read_only`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Tells whether the session is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.connector.as_ref().is_some_and(Connector::was_used)
    }

    /// Tells whether the session is over.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Returns why the session ended, if it did so by itself: the server's last word is not in the errors of statements
    /// that come after it.
    pub fn loss(&self) -> Option<&Loss> {
        self.loss.get()
    }

    /// Ends the session: tells the server and waits until the connection is closed, two seconds at most.
    pub async fn close(self) {
        let Self { client, mut task, .. } = self;
        drop(client);
        if tokio::time::timeout(CLOSE_LIMIT, &mut task).await.is_err() {
            task.abort();
        }
    }

    /// Takes the session apart for the pool, which drives neither notices nor cancelling.
    pub(super) fn into_parts(self) -> (Client, JoinHandle<()>) {
        (self.client, self.task)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("is_closed", &self.is_closed())
            .field("is_encrypted", &self.is_encrypted())
            .field("loss", &self.loss())
            .field("parameters", &self.parameters)
            .finish_non_exhaustive()
    }
}

/// Runs statements by the simple protocol and returns the rows of all of them as text.
pub(super) async fn ask(client: &Client, sql: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
    let answer = client
        .simple_query(sql)
        .await
        .map_err(|error| Failure::from_driver(&error, None))?;
    let rows = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    Ok(rows
        .map(|row| {
            (0..row.len())
                .map(|column| row.get(column).map(str::to_owned))
                .collect()
        })
        .collect())
}

async fn drive<T>(
    mut connection: Connection<Socket, T>,
    notices: mpsc::Sender<Notice>,
    dropped: Arc<AtomicU64>,
    loss: Arc<OnceLock<Loss>>,
) where
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notice(message)) => {
                if notices.try_send(Notice::new(&message)).is_err() {
                    dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
            // Nobody here listens to channels, and parameters are read at the start.
            Ok(_) => {}
            Err(error) => {
                loss.get_or_init(|| Loss::new(&error));
                return;
            }
        }
    }
}
