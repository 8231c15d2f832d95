//! Connections of the application.

use std::str::FromStr as _;
use std::time::Duration;

use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::schema::{APP, TENANTS};

/// What a statement brought: nothing, or the error's SQLSTATE.
pub(super) type Done = Result<(), String>;

/// How the application's clients reach the database.
#[derive(Debug, Clone)]
pub(super) struct Door(Config);

impl Door {
    /// `dsn` is that of the server's superuser.
    ///
    /// # Panics
    /// When it is none.
    pub(super) fn new(dsn: &str) -> Self {
        Self(Config::from_str(dsn).expect("a connection string"))
    }

    /// Connects as the application, for one tenant, with the application's own limit for a statement.
    pub(super) async fn app(&self, tenant: usize, name: &str) -> Client {
        let options = format!("-c statement_timeout=5s -c app.tenant_id={}", tenant % TENANTS + 1);
        self.client(APP, name, &options).await
    }

    /// Connects, again and again until it succeeds: a session that somebody ended comes back as soon as it can.
    pub(super) async fn client(&self, role: &str, name: &str, options: &str) -> Client {
        let mut config = self.0.clone();
        config.user(role).application_name(name).options(options);
        loop {
            if let Ok((client, connection)) = config.connect(NoTls).await {
                tokio::spawn(connection);
                return client;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Sends a message, and expects each of its statements that has to do with rows to find one.
pub(super) async fn send(client: &Client, sql: &str) -> Done {
    let messages = client.simple_query(sql).await.map_err(|error| {
        error
            .code()
            .map_or_else(|| "connection lost".to_owned(), |it| it.code().to_owned())
    })?;
    // BEGIN and COMMIT count none either, but are never alone in a message that counts.
    let found = messages
        .iter()
        .any(|it| matches!(it, SimpleQueryMessage::CommandComplete(1..)));
    if found { Ok(()) } else { Err("no row".to_owned()) }
}

/// Sends what ends or begins a transaction.
pub(super) async fn control(client: &Client, sql: &str) -> Done {
    match send(client, sql).await {
        Err(code) if code != "no row" => Err(code),
        _ => Ok(()),
    }
}
