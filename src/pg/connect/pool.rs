//! A small pool of sessions for reading.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use deadpool_postgres::{ConfigConnectImpl, Connect, Manager, ManagerConfig, RecyclingMethod};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};

use super::attempt::connect;
use super::error::ConnectError;
use super::session::{Work, ask};
use crate::pg::settings::Settings;

/// No session was to be had from the pool.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// Connecting failed.
    #[error(transparent)]
    Connect(Arc<ConnectError>),
    /// The pool itself failed.
    #[error("no connection from the pool: {0}")]
    Pool(String),
}

/// A pool of sessions, made when they are asked for. Clones share it.
///
/// What a borrower leaves behind (settings, advisory locks, temporary tables) is cleared before the next one gets the session;
/// a transaction left open is not, so borrowers end theirs. Never for the migrator, whose session is its own.
#[derive(Clone)]
pub struct Pool {
    inner: deadpool_postgres::Pool,
    last_failure: Arc<Mutex<Option<Arc<ConnectError>>>>,
}

/// Returns a pool of at most `size` sessions, and at least one. Nothing is connected to yet.
///
/// # Panics
///
/// Never: the pool sets no time limits, which are all that building one could refuse.
pub fn pool(settings: &Settings, work: Work, size: usize) -> Pool {
    let last_failure = Arc::new(Mutex::new(None));
    let manager = Manager::from_connect(
        Config::new(),
        Opener {
            settings: Arc::new(settings.clone()),
            work,
            last_failure: Arc::clone(&last_failure),
        },
        ManagerConfig {
            recycling_method: RecyclingMethod::Clean,
        },
    );
    let inner = deadpool_postgres::Pool::builder(manager)
        .max_size(size.max(1))
        .build()
        .expect("the pool has no time limits");
    Pool { inner, last_failure }
}

impl Pool {
    /// Lends a session, waiting for one if all are lent.
    ///
    /// # Errors
    ///
    /// [`PoolError::Connect`] if a new one was needed and none came about.
    pub(in crate::pg) async fn get(&self) -> Result<deadpool_postgres::Object, PoolError> {
        self.inner.get().await.map_err(|error| {
            let last = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
            match (error, last) {
                (deadpool_postgres::PoolError::Backend(_), Some(failure)) => PoolError::Connect(failure),
                (error, _) => PoolError::Pool(error.to_string()),
            }
        })
    }

    /// Runs statements on a borrowed session and returns the rows as text; for tests, which stand outside of `pg`.
    #[doc(hidden)]
    pub async fn ask(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, PoolError> {
        let client = self.get().await?;
        ask(&client, sql)
            .await
            .map_err(|failure| PoolError::Pool(failure.to_string()))
    }

    /// Closes the sessions that are not lent, and the others when they come back.
    pub fn close(&self) {
        self.inner.close();
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("status", &self.inner.status())
            .finish_non_exhaustive()
    }
}

/// Opens the pool's sessions with our own search for a host.
struct Opener {
    settings: Arc<Settings>,
    work: Work,
    last_failure: Arc<Mutex<Option<Arc<ConnectError>>>>,
}

type Opened<'a> = Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + 'a>>;

impl Connect for Opener {
    fn connect(&self, empty: &Config) -> Opened<'_> {
        let empty = empty.clone();
        Box::pin(async move {
            match connect(&self.settings, self.work).await {
                Ok(session) => Ok(session.into_parts()),
                Err(failure) => {
                    *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(failure));
                    // Only the driver can make an error of the type that is wanted here, and it does so at once if asked to
                    // connect to no host. What really went wrong is in `last_failure`.
                    ConfigConnectImpl { tls: NoTls }.connect(&empty).await
                }
            }
        })
    }
}
