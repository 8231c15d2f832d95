//! One server for the whole test process, and a database of its own for every test.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rlsctl::pg::scratch::{Scratch, ScratchOptions};

use super::poll::eventually;
use super::session::Session;

/// Nobody may connect to it, so that copying it never meets somebody inside.
const TEMPLATE: &str = "rlsctl_template";

/// Returns the server that all tests of this process share. Its guardian removes it after the process' end.
pub(crate) fn server() -> &'static Scratch {
    static SERVER: OnceLock<Scratch> = OnceLock::new();
    SERVER.get_or_init(|| {
        let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let settings = vec![
            setting("max_connections", "200"),
            setting("max_prepared_transactions", "20"),
            // Whoever wants autovacuum in the way turns it on in a server of its own.
            setting("autovacuum", "off"),
        ];
        let server = Scratch::start(&ScratchOptions {
            settings,
            ..ScratchOptions::default()
        })
        .expect("a server");
        let sql = format!("create database {TEMPLATE} template template0 is_template true allow_connections false");
        psql(&server, &server.dsn("postgres"), &sql).expect("the template");
        server
    })
}

/// A database that is there for one test and is dropped at its end, with whoever is still connected.
#[derive(Debug)]
pub(crate) struct TestDb {
    server: &'static Scratch,
    name: String,
}

impl TestDb {
    /// Makes an empty database on the shared server.
    pub(crate) fn new() -> Self {
        Self::from_template(TEMPLATE)
    }

    /// Makes a copy of a database to which nobody is connected.
    pub(crate) fn copy_of(other: &Self) -> Self {
        Self::from_template(&other.name)
    }

    fn from_template(template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        // All names are of one width, for the sake of snapshots; `redact` knows the pattern.
        let name = format!("test_{:04}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let server = server();
        let db = Self { server, name };
        db.admin(&format!("create database {} template {template}", db.name));
        db
    }

    /// Runs a statement in the database `postgres`: for what concerns the whole server, such as roles.
    /// They outlive the test, so their names should contain [`TestDb::name`].
    pub(crate) fn admin(&self, sql: &str) -> String {
        psql(self.server, &self.server.dsn("postgres"), sql).unwrap_or_else(|error| panic!("{sql}\n{error}"))
    }

    /// Returns its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the server it is on.
    pub(crate) fn server(&self) -> &'static Scratch {
        self.server
    }

    /// Returns how to reach it, as key words and values.
    pub(crate) fn dsn(&self) -> String {
        self.server.dsn(&self.name)
    }

    /// Returns how to reach it, as a URL.
    pub(crate) fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Returns how a role that may log in reaches it, as a URL.
    pub(crate) fn url_as(&self, role: &str) -> String {
        let url = self.url();
        let rest = url.split_once("postgres@").map_or(url.as_str(), |(_, rest)| rest);
        format!("postgresql://{role}@{rest}")
    }

    /// Runs SQL through psql, each statement by itself, and returns what it prints: one row a line,
    /// columns separated by `|`.
    ///
    /// # Panics
    /// At the first error.
    pub(crate) fn psql(&self, sql: &str) -> String {
        self.try_psql(sql).unwrap_or_else(|error| panic!("{sql}\n{error}"))
    }

    /// The same, with psql's error output as the error.
    pub(crate) fn try_psql(&self, sql: &str) -> Result<String, String> {
        psql(self.server, &self.dsn(), sql)
    }

    /// Opens a connection that stays, for what needs a session in another state.
    pub(crate) fn session(&self) -> Session {
        Session::connect(&self.dsn())
    }

    /// Waits until the backend waits for a lock.
    pub(crate) fn until_waiting_for_lock(&self, pid: i32) {
        let sql = format!("select 1 from pg_locks where pid = {pid} and not granted limit 1");
        eventually("a backend waits for a lock", || self.psql(&sql) == "1");
    }

    /// Returns every relation, column, constraint, index, policy, function, type and trigger outside of the
    /// system's schemas as text: two databases with the same text were built alike.
    pub(crate) fn catalog(&self) -> String {
        self.psql(include_str!("catalog.sql"))
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        // The server goes with the process anyway; a panic in a drop would hide the test's own.
        let sql = format!("drop database if exists {} with (force)", self.name);
        let _ = psql(self.server, &self.server.dsn("postgres"), &sql);
    }
}

/// Runs SQL through psql on any server.
///
/// # Errors
/// What psql wrote to stderr.
pub(crate) fn psql(server: &Scratch, dsn: &str, sql: &str) -> Result<String, String> {
    let mut command = Command::new(server.bin().tool("psql"));
    command.args([
        "-XAtq",
        "-v",
        "ON_ERROR_STOP=1",
        "-v",
        "VERBOSITY=verbose",
        "-f",
        "-",
        "-d",
        dsn,
    ]);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| format!("cannot run psql: {error}; run `make setup`"))?;
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    let sql = sql.to_owned();
    // From a thread: psql may fill its own pipe before it has read all of ours, or leave early.
    let writer = std::thread::spawn(move || stdin.write_all(sql.as_bytes()));
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let _ = writer.join();
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end_matches('\n')
            .to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

#[test]
fn every_test_has_a_database_of_its_own_which_goes() {
    let (one, two) = (TestDb::new(), TestDb::new());
    one.psql("create table here ()");
    assert_eq!(two.psql("select to_regclass('here')"), "");
    let error = one.try_psql("select 1/0").unwrap_err();
    assert!(error.contains("22012"), "{error}");
    let name = one.name().to_owned();
    let stays = one.session();
    drop(one);
    assert_eq!(
        two.psql(&format!("select count(*) from pg_database where datname = '{name}'")),
        "0"
    );
    drop(stays);
}

#[test]
fn the_catalog_as_text_tells_databases_apart() {
    let (one, two) = (TestDb::new(), TestDb::new());
    let sql = "create table a (id int primary key, b text default 'x'); alter table a enable row level security;
               create policy p on a using (b = current_user); create view v as select * from a;
               create function f() returns int language sql as 'select 1'; create type e as enum ('x');";
    one.psql(sql);
    two.psql(sql);
    assert_eq!(one.catalog(), two.catalog());
    for change in [
        "alter table a alter column b set default 'y'",
        "alter table a force row level security",
        "alter policy p on a using (true)",
        "create index on a (b)",
        "create or replace function f() returns int language sql as 'select 2'",
        "alter type e add value 'y'",
        "comment on table a is 'c'",
        "grant select on a to public",
    ] {
        let before = two.catalog();
        two.psql(change);
        assert_ne!(before, two.catalog(), "{change}");
    }
}
