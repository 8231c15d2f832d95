//! Why one attempt failed: the driver's errors, sorted.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Duration;

use rustls::CertificateError;
use tokio_postgres::error::{DbError, SqlState};

use crate::pg::tls::TlsError;

/// What the server said, in its own language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerMessage {
    /// The SQLSTATE, five characters.
    pub sqlstate: String,
    /// The message.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
    /// What the server proposes.
    pub hint: Option<String>,
}

impl ServerMessage {
    pub(super) fn new(error: &DbError) -> Self {
        Self {
            sqlstate: error.code().code().to_owned(),
            message: error.message().to_owned(),
            detail: error.detail().map(str::to_owned),
            hint: error.hint().map(str::to_owned),
        }
    }
}

impl fmt::Display for ServerMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message, self.sqlstate)?;
        match &self.detail {
            Some(detail) => write!(f, ", {detail}"),
            None => Ok(()),
        }
    }
}

/// Why a TLS handshake failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFailure {
    /// The certificate's time is over.
    #[error("the server's certificate has expired")]
    Expired,
    /// The certificate's time has not come.
    #[error("the server's certificate is not valid yet")]
    NotYetValid,
    /// The certificate is for other hosts.
    #[error("the server's certificate is not for {expected}{}", list_names(.valid))]
    WrongName {
        /// The host that was wanted.
        expected: String,
        /// The hosts it is for.
        valid: Vec<String>,
    },
    /// No trusted authority signed the certificate.
    #[error("the server's certificate was signed by no authority that is trusted here")]
    UnknownAuthority,
    /// The certificate was revoked, or no revocation list speaks of its authority.
    #[error("the server's certificate is revoked, or the revocation list does not cover its authority")]
    Revoked,
    /// The certificate cannot be used for another reason.
    #[error("the server's certificate cannot be used: {0}")]
    Certificate(String),
    /// The host's name cannot be in any certificate.
    #[error("\"{0}\" is not a name that a certificate could be for")]
    NameNotVerifiable(String),
    /// The server broke the handshake off.
    #[error("the server ended the TLS handshake: {0}")]
    Alert(String),
    /// Anything else.
    #[error("the TLS handshake failed: {0}")]
    Other(String),
}

fn list_names(valid: &[String]) -> String {
    if valid.is_empty() {
        return ", nor for any other host".to_owned();
    }
    format!(" but for {}", valid.join(", "))
}

/// Why one attempt failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nothing listens there.
    #[error("connection refused")]
    Refused,
    /// There is no such socket.
    #[error("there is no socket at this path")]
    NoSocket,
    /// The socket may not be used.
    #[error("no permission to use the socket")]
    SocketForbidden,
    /// The host's name means nothing to the resolver.
    #[error("the host name could not be resolved ({reason})")]
    NotResolved {
        /// What the resolver said.
        reason: String,
    },
    /// No answer in time.
    #[error("no answer within {}", seconds(*.after))]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// The server, or something between, closed the connection without a word.
    #[error("the connection was closed before the server answered")]
    Closed,
    /// Another failure of the network.
    #[error("{0}")]
    Network(io::Error),
    /// Whatever answers there does not speak the protocol of Postgres.
    #[error("the answer is not one of a Postgres server{}", .problem.as_deref().map_or_else(String::new, |problem| format!(" ({problem})")))]
    NotPostgres {
        /// What was odd.
        problem: Option<String>,
    },
    /// TLS could not be set up on our side.
    #[error(transparent)]
    TlsSetup(#[from] TlsError),
    /// The server has no TLS, and the settings insist.
    #[error("the server does not support TLS")]
    TlsNotOffered,
    /// The handshake failed.
    #[error(transparent)]
    Tls(#[from] TlsFailure),
    /// The server wants a password and there is none.
    #[error("the server asks for a password, and none was given")]
    PasswordMissing,
    /// The password is wrong, or the role does not exist and the server does not tell (SQLSTATE 28P01).
    #[error("{0}")]
    PasswordWrong(ServerMessage),
    /// `pg_hba.conf` does not let this connection in (SQLSTATE 28000).
    #[error("{0}")]
    NotAllowed(ServerMessage),
    /// The role does not exist or may not log in (SQLSTATE 28000).
    #[error("{0}")]
    NoSuchRole(ServerMessage),
    /// The database does not exist (SQLSTATE 3D000).
    #[error("{0}")]
    NoSuchDatabase(ServerMessage),
    /// Every connection is taken (SQLSTATE 53300).
    #[error("{0}")]
    TooManyConnections(ServerMessage),
    /// The server is starting, stopping or recovering (SQLSTATE 57P03).
    #[error("{0}")]
    NotAccepting(ServerMessage),
    /// The server said no in another way.
    #[error("{0}")]
    Server(ServerMessage),
    /// The password exchange could not be done as the settings want it.
    #[error("authentication failed: {0}")]
    Authentication(String),
    /// The session is not of the kind that `target_session_attrs` wants.
    #[error("{found}, and target_session_attrs={wanted} wants another")]
    WrongSession {
        /// The wanted kind, as the keyword's value.
        wanted: &'static str,
        /// What was found.
        found: &'static str,
    },
    /// Anything else the driver says.
    #[error("{0}")]
    Driver(String),
}

impl Failure {
    /// Sorts an error of the driver. `after` is the time limit of connecting.
    pub(super) fn from_driver(error: &tokio_postgres::Error, after: Option<Duration>) -> Self {
        if let Some(answer) = error.as_db_error() {
            return Self::from_server(answer);
        }
        if let Some(cause) = error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
            // Before anybody answered, nothing can be said about what answers.
            return match (error.to_string().as_str(), Self::from_io(cause, after)) {
                ("error connecting to server", Self::NotPostgres { .. }) => Self::Network(copy(cause)),
                (_, failure) => failure,
            };
        }
        if error.is_closed() {
            return Self::Closed;
        }
        Self::from_words(error)
    }

    fn from_server(answer: &DbError) -> Self {
        let message = ServerMessage::new(answer);
        let state = answer.code();
        if *state == SqlState::INVALID_PASSWORD {
            Self::PasswordWrong(message)
        } else if *state == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
            // Names of the server's functions are the same in every language.
            match answer.routine() {
                Some("InitializeSessionUserId") => Self::NoSuchRole(message),
                _ => Self::NotAllowed(message),
            }
        } else if *state == SqlState::INVALID_CATALOG_NAME {
            Self::NoSuchDatabase(message)
        } else if *state == SqlState::TOO_MANY_CONNECTIONS {
            Self::TooManyConnections(message)
        } else if *state == SqlState::CANNOT_CONNECT_NOW {
            Self::NotAccepting(message)
        } else {
            Self::Server(message)
        }
    }

    fn from_io(error: &io::Error, after: Option<Duration>) -> Self {
        if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Self::Tls(TlsFailure::from_rustls(error));
        }
        match (error.kind(), after) {
            (io::ErrorKind::ConnectionRefused, _) => Self::Refused,
            (io::ErrorKind::TimedOut, Some(after)) => Self::TimedOut { after },
            (
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe,
                _,
            ) => Self::Closed,
            // The codec's words for what cannot be a message of the protocol, and for one that is cut off.
            (io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other, _) => Self::NotPostgres {
                problem: Some(error.to_string()),
            },
            _ => Self::Network(copy(error)),
        }
    }

    /// Sorts what the driver tells only in words; the tests of `tests/connect.rs` hold it to them.
    fn from_words(error: &tokio_postgres::Error) -> Self {
        let words = error.source().map(ToString::to_string);
        match words.as_deref() {
            Some("password missing") => Self::PasswordMissing,
            Some("server does not support TLS") => Self::TlsNotOffered,
            Some(words) if error.to_string() == "authentication error" => Self::Authentication(words.to_owned()),
            Some(words) => Self::Driver(format!("{error}: {words}")),
            None if error.to_string() == "unexpected message from server" => Self::NotPostgres { problem: None },
            None => Self::Driver(error.to_string()),
        }
    }

    /// Tells whether another host or address may do better: nobody answered who could decide.
    ///
    /// libpq's rule: once a server has said no to who we are, the others are not asked (manual, "Specifying Multiple Hosts").
    pub(super) fn lets_others_try(&self) -> bool {
        match self {
            Self::Refused
            | Self::NoSocket
            | Self::SocketForbidden
            | Self::NotResolved { .. }
            | Self::TimedOut { .. }
            | Self::Closed
            | Self::Network(_)
            | Self::NotAccepting(_)
            | Self::WrongSession { .. } => true,
            Self::NotPostgres { .. }
            | Self::TlsSetup(_)
            | Self::TlsNotOffered
            | Self::Tls(_)
            | Self::PasswordMissing
            | Self::PasswordWrong(_)
            | Self::NotAllowed(_)
            | Self::NoSuchRole(_)
            | Self::NoSuchDatabase(_)
            | Self::TooManyConnections(_)
            | Self::Server(_)
            | Self::Authentication(_)
            | Self::Driver(_) => false,
        }
    }
}

impl TlsFailure {
    fn from_rustls(error: &rustls::Error) -> Self {
        use CertificateError as Certificate;
        match error {
            rustls::Error::InvalidCertificate(problem) => match problem {
                Certificate::Expired | Certificate::ExpiredContext { .. } => Self::Expired,
                Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => Self::NotYetValid,
                Certificate::NotValidForNameContext { expected, presented } => Self::WrongName {
                    expected: expected.to_str().into_owned(),
                    valid: presented.iter().map(|name| bare_name(name)).collect(),
                },
                Certificate::UnknownIssuer => Self::UnknownAuthority,
                Certificate::Revoked | Certificate::UnknownRevocationStatus => Self::Revoked,
                other => Self::Certificate(other.to_string()),
            },
            rustls::Error::AlertReceived(alert) => Self::Alert(format!("{alert:?}")),
            other => Self::Other(other.to_string()),
        }
    }
}

/// Turns what webpki calls `DnsName("db.example")` into the name.
fn bare_name(presented: &str) -> String {
    match (presented.find('('), presented.strip_suffix(')')) {
        (Some(open), Some(_)) => presented[open + 1..presented.len() - 1].trim_matches('"').to_owned(),
        _ => presented.to_owned(),
    }
}

fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// Writes a time limit the way people say it.
fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        1 => "1 second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}
