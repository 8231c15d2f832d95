//! What these tests share: a server with TLS and one role for each way of being let in or not.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rlsctl::pg::connect::{ConnectError, Session, Work, connect};
use rlsctl::pg::scratch::{Listen, Scratch, ScratchOptions};
use rlsctl::pg::settings::{Environment, Settings};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::certificates::Authority;
use crate::support::db::psql;

/// The password of every role that has one.
pub(super) const PASSWORD: &str = "hunter2 with 'quotes' and \\ and @/:";

/// Who is let in how. The last line is what psql's own connections as superuser need.
const HBA: &str = "\
local   all  postgres                  trust
local   all  scram                     scram-sha-256
local   all  trusted                   trust
local   all  limited                   trust
hostssl all  needs_tls    127.0.0.1/32 trust
hostnossl all needs_plain 127.0.0.1/32 trust
host    all  trusted      127.0.0.1/32 trust
hostssl all  certified    127.0.0.1/32 cert
host    all  clear        127.0.0.1/32 password
host    all  md5ed        127.0.0.1/32 md5
host    all  postgres,scram,nologin,ghost 127.0.0.1/32 scram-sha-256
";

/// A server with TLS, and the files to talk to it with.
pub(super) struct TlsServer {
    pub(super) scratch: Scratch,
    pub(super) authority: Authority,
    files: TempDir,
}

impl TlsServer {
    /// Starts a server with a certificate and the key for it, both in PEM form.
    pub(super) fn start(certificate: &str, key: &str, authority: Authority) -> Self {
        let file = |name: &str, content: &str| (name.to_owned(), content.as_bytes().to_vec());
        let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let scratch = Scratch::start(&ScratchOptions {
            listen: Listen::Loopback,
            settings: vec![
                setting("ssl", "on"),
                setting("ssl_cert_file", "server.crt"),
                setting("ssl_key_file", "server.key"),
                setting("ssl_ca_file", "clients.crt"),
                setting("password_encryption", "scram-sha-256"),
            ],
            hba: Some(HBA.to_owned()),
            files: vec![
                file("server.crt", certificate),
                file("server.key", key),
                file("clients.crt", &authority.certificate_pem()),
            ],
            ..ScratchOptions::default()
        })
        .expect("a server with TLS");
        let server = Self {
            scratch,
            authority,
            files: TempDir::new().expect("a directory"),
        };
        server.roles();
        server
    }

    fn roles(&self) {
        let password = PASSWORD.replace('\'', "''");
        let sql = format!(
            "create role trusted login; create role needs_tls login; create role needs_plain login;
             create role certified login; create role nologin password '{password}'; create role limited login connection limit 0;
             create role scram login password '{password}'; create role clear login password '{password}';
             set password_encryption = 'md5'; create role md5ed login password '{password}';
             create database app;"
        );
        psql(&self.scratch, &self.scratch.dsn("postgres"), &sql).expect("roles");
    }

    /// Returns a connection string over TCP without user and TLS settings.
    pub(super) fn tcp(&self) -> String {
        format!("host=127.0.0.1 port={} dbname=app", self.scratch.port())
    }

    /// Writes a file for the client, which only it may read, and returns its path: a new one each time, since tests that
    /// share a server run at the same time.
    pub(super) fn file(&self, name: &str, content: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = self.files.path().join(format!("{number}-{name}"));
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Runs SQL as superuser.
    pub(super) fn admin(&self, sql: &str) -> String {
        psql(&self.scratch, &self.scratch.dsn("postgres"), sql).unwrap_or_else(|error| panic!("{sql}\n{error}"))
    }
}

/// Returns the server whose certificate is as it should be: from an authority, for `localhost` and 127.0.0.1.
pub(super) fn server() -> &'static TlsServer {
    static SERVER: OnceLock<TlsServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        let authority = Authority::new("rlsctl tests");
        let (certificate, key) = authority.server(&["localhost", "127.0.0.1"]);
        TlsServer::start(&certificate, &key, authority)
    })
}

/// A runtime for tests whose helpers have one of their own, which may not be within another.
pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// An environment in which nothing is set but the user's name.
pub(super) fn bare() -> Environment {
    let mut environment = Environment::empty();
    environment.os_user = Some("root".to_owned());
    environment
}

pub(super) fn settings(dsn: &str) -> Settings {
    Settings::resolve(Some(dsn), &bare()).unwrap_or_else(|error| panic!("{dsn}: {error}"))
}

/// Connects, which has to succeed.
pub(super) async fn open(dsn: &str) -> Session {
    connect(&settings(dsn), Work::Reader)
        .await
        .unwrap_or_else(|error| panic!("{dsn}: {error}"))
}

/// Connects, which has to fail.
pub(super) async fn refusal(dsn: &str) -> ConnectError {
    match connect(&settings(dsn), Work::Reader).await {
        Ok(session) => panic!("{dsn} gave {session:?}"),
        Err(error) => error,
    }
}

/// Returns the one row of a query, its columns separated by `|`.
pub(super) async fn row(session: &Session, sql: &str) -> String {
    let rows = session.ask(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let columns: Vec<String> = rows[0].iter().map(|value| value.clone().unwrap_or_default()).collect();
    columns.join("|")
}

/// Returns a key-value pair with the value quoted.
pub(super) fn pair(keyword: &str, value: &str) -> String {
    format!(" {keyword}='{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}
