//! PgBouncer in front of a throwaway server, pooling by transaction: what hosted Postgres puts in between.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use fs_err as fs;
use rlsctl::pg::scratch::{Account, Guardian, Scratch, StopSignal, Surroundings};

use super::poll::PATIENCE;
use super::session::Session;

/// The port in the name of its socket.
const PORT: u16 = 6432;

/// A running `pgbouncer`, gone when dropped or with this process.
#[derive(Debug)]
pub(crate) struct PgBouncer {
    guardian: Guardian,
}

impl PgBouncer {
    /// Starts it in front of a server: transaction pooling, at most `pool_size` server connections a
    /// database, any database.
    ///
    /// # Panics
    /// When it is not installed or does not come up: a test that needs it does not pass without it.
    pub(crate) fn before(server: &Scratch, pool_size: u32) -> Self {
        Self::with_user(server, pool_size, "postgres")
    }

    /// The same, for one more role that may log in.
    ///
    /// # Panics
    /// As [`Self::before`].
    pub(crate) fn with_user(server: &Scratch, pool_size: u32, user: &str) -> Self {
        let program = find().expect("pgbouncer is not installed, and this test needs it: run `make setup`");
        let account = Account::choose().expect("an account");
        let around = Surroundings::of_this_process();
        let mut guardian = Guardian::new(&account, StopSignal::Terminate, &around).expect("a guardian");
        let directory = guardian.directory().to_owned();
        let settings = directory.join("pgbouncer.ini");
        let users = directory.join("users.txt");
        let known: Vec<String> = BTreeSet::from(["postgres", user])
            .iter()
            .map(|it| format!("\"{it}\" \"\"\n"))
            .collect();
        give(&account, &users, &known.concat());
        give(
            &account,
            &settings,
            &configuration(server, &directory, &users, pool_size),
        );
        guardian.run(&[&program, &settings]).expect("pgbouncer");
        let pooler = Self { guardian };
        let deadline = Instant::now() + PATIENCE;
        while let Err(refused) = Session::try_connect(&pooler.dsn("postgres")) {
            let state = pooler
                .guardian
                .exited()
                .map_or_else(String::new, |status| format!(", exit status {status}"));
            assert!(
                Instant::now() < deadline && state.is_empty(),
                "pgbouncer does not come up: {refused:?}{state}\n{}",
                pooler.guardian.log_tail()
            );
            thread::sleep(Duration::from_millis(10));
        }
        pooler
    }

    /// Returns how to reach a database through it, as key words and values.
    pub(crate) fn dsn(&self, dbname: &str) -> String {
        format!(
            "host={} port={PORT} user=postgres dbname={dbname}",
            self.guardian.directory().display()
        )
    }

    /// Returns the same as a URL.
    pub(crate) fn url(&self, dbname: &str) -> String {
        let directory = self.guardian.directory().display().to_string().replace('/', "%2F");
        format!("postgresql://postgres@{directory}:{PORT}/{dbname}")
    }

    /// Returns its socket's folder and port.
    pub(crate) fn place(&self) -> (PathBuf, u16) {
        (self.guardian.directory().to_owned(), PORT)
    }
}

/// The pooler's settings (its manual, `pgbouncer.ini(5)`). What clients set at the start is let through, as
/// hosted poolers do.
fn configuration(server: &Scratch, directory: &Path, users: &Path, pool_size: u32) -> String {
    format!(
        "[databases]
* = host={} port={}

[pgbouncer]
listen_addr =
listen_port = {PORT}
unix_socket_dir = {}
auth_type = trust
auth_file = {}
admin_users = postgres
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
query_wait_timeout = 30
ignore_startup_parameters = extra_float_digits,options,search_path
server_tls_sslmode = disable
",
        server.socket_dir().display(),
        server.port(),
        directory.display(),
        users.display()
    )
}

/// Writes a file that the account may read. The directory is closed to everybody else.
fn give(account: &Account, path: &Path, text: &str) {
    fs::write(path, text).expect("a file in a fresh directory");
    if let Account::Other(other) = account {
        std::os::unix::fs::chown(path, Some(other.uid), Some(other.gid)).expect("root may give files away");
    }
}

/// Returns the program: Debian puts it where only root's PATH leads.
fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"].map(PathBuf::from))
        .map(|dir| dir.join("pgbouncer"))
        .find(|program| program.is_file())
}

#[test]
fn it_pools_by_transaction() {
    let db = super::db::TestDb::new();
    let pooler = PgBouncer::before(db.server(), 1);
    // Two clients at once on the one server connection, and what one sets the other finds.
    let (one, two) = (
        Session::connect(&pooler.dsn(db.name())),
        Session::connect(&pooler.url(db.name())),
    );
    assert_eq!(one.pid(), two.pid());
    one.ok("set work_mem to '7MB'");
    assert_eq!(two.ok("show work_mem"), "7MB");
    one.ok("begin");
    let waiting = two.start("select 'at last'");
    assert_eq!(one.ok("select 'first'"), "first");
    assert!(!waiting.is_finished());
    one.ok("commit");
    assert_eq!(waiting.finish().unwrap(), "at last");
}
