//! A live connection in a state of its own: idle in transaction, holding a lock, waiting for one.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// What the server, or the lack of one, said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The SQLSTATE, when it comes from the server.
    pub(crate) code: Option<String>,
    /// The message.
    pub(crate) message: String,
}

impl From<tokio_postgres::Error> for Refused {
    fn from(error: tokio_postgres::Error) -> Self {
        let db = error.as_db_error();
        Self {
            code: db.map(|it| it.code().code().to_owned()),
            message: db.map_or_else(|| error.to_string(), |it| it.message().to_owned()),
        }
    }
}

/// A connection that lives until it is dropped. Its calls block.
#[derive(Debug)]
pub(crate) struct Session {
    client: Arc<Client>,
    pid: i32,
}

/// A query that was sent and whose answer nobody has waited for yet.
#[derive(Debug)]
pub(crate) struct Pending(JoinHandle<Result<String, Refused>>);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

impl Session {
    /// Connects.
    ///
    /// # Panics
    /// When that fails.
    pub(crate) fn connect(dsn: &str) -> Self {
        Self::try_connect(dsn).unwrap_or_else(|error| panic!("{dsn}: {error:?}"))
    }

    /// Connects, which may fail.
    pub(crate) fn try_connect(dsn: &str) -> Result<Self, Refused> {
        let config: Config = dsn.parse().expect("a connection string");
        let runtime = runtime();
        let (client, connection) = runtime.block_on(config.connect(NoTls))?;
        // The connection's own thread ends when the client is dropped or the server hangs up.
        thread::spawn(move || runtime.block_on(connection));
        let mut session = Self {
            client: Arc::new(client),
            pid: 0,
        };
        session.pid = session.run("select pg_backend_pid()")?.parse().expect("a number");
        Ok(session)
    }

    /// Returns its backend's process id.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Runs SQL in one message and returns its rows: one a line, columns separated by `|`.
    pub(crate) fn run(&self, sql: &str) -> Result<String, Refused> {
        let messages = runtime().block_on(self.client.simple_query(sql))?;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|at| row.get(at).unwrap_or(""))
                    .collect::<Vec<_>>()
                    .join("|"),
            ),
            _ => None,
        });
        Ok(rows.collect::<Vec<_>>().join("\n"))
    }

    /// Runs SQL that has to succeed.
    ///
    /// # Panics
    /// When it does not.
    pub(crate) fn ok(&self, sql: &str) -> String {
        self.run(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// Sends SQL and returns at once: for what is to wait for a lock.
    pub(crate) fn start(&self, sql: &str) -> Pending {
        let other = Self {
            client: Arc::clone(&self.client),
            pid: self.pid,
        };
        let sql = sql.to_owned();
        Pending(thread::spawn(move || other.run(&sql)))
    }

    /// Returns the driver's client, for an asynchronous test.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

impl Pending {
    /// Whether the answer is there.
    pub(crate) fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// Waits for the answer.
    pub(crate) fn finish(self) -> Result<String, Refused> {
        self.0.join().expect("the query's thread does not panic")
    }
}

#[test]
fn a_session_holds_a_lock_that_another_waits_for() {
    let db = super::db::TestDb::new();
    db.psql("create table t (id int)");
    let (holder, waiter) = (db.session(), db.session());
    holder.ok("begin; lock table t");
    let pending = waiter.start("select count(*) from t");
    db.until_waiting_for_lock(waiter.pid());
    assert!(!pending.is_finished());
    holder.ok("rollback");
    assert_eq!(pending.finish().unwrap(), "0");
    assert_eq!(waiter.run("select 1/0").unwrap_err().code.as_deref(), Some("22012"));
    assert_eq!(
        waiter.ok("select 1, null, 'x' union all select 2, 'y', null"),
        "1||x\n2|y|"
    );
}
