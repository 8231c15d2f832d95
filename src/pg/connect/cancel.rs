//! Cancelling a statement from outside its session.

use std::time::Duration;

use tokio_postgres::{CancelToken, NoTls};

use super::failure::Failure;
use crate::pg::tls::Connector;

/// How long a request may take where connecting may take for ever.
const DEFAULT_LIMIT: Duration = Duration::from_secs(10);

/// A request to cancel could not be delivered.
#[derive(Debug, thiserror::Error)]
#[error("could not send the request to cancel: {0}")]
pub struct CancelError(Failure);

/// Cancels whatever its session runs at that moment.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    connector: Option<Connector>,
    limit: Duration,
}

impl Canceller {
    pub(super) fn new(token: CancelToken, connector: Option<Connector>, limit: Option<Duration>) -> Self {
        Self {
            token,
            connector,
            limit: limit.unwrap_or(DEFAULT_LIMIT),
        }
    }

    /// Sends the request over a connection of its own, to the same address and with the same TLS as the session's.
    ///
    /// That it was delivered does not mean that something was cancelled: the statement may have been done already. The
    /// session's own answer tells, with SQLSTATE 57014.
    ///
    /// # Errors
    ///
    /// [`CancelError`] if the server could not be reached within the session's `connect_timeout`.
    pub async fn cancel(&self) -> Result<(), CancelError> {
        let request = async {
            match &self.connector {
                Some(connector) => self.token.cancel_query(connector.fresh()).await,
                None => self.token.cancel_query(NoTls).await,
            }
        };
        match tokio::time::timeout(self.limit, request).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(CancelError(Failure::from_driver(&error, Some(self.limit)))),
            Err(_) => Err(CancelError(Failure::TimedOut { after: self.limit })),
        }
    }
}

impl std::fmt::Debug for Canceller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token holds the secret with which anybody could cancel.
        f.debug_struct("Canceller")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
