//! What the contenders work on: a server, databases, folders of migrations.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use fs_err as fs;
use rlsctl::pg::scratch::{Scratch, ScratchOptions};
use tempfile::TempDir;

use crate::common::db::psql;
use crate::common::generate::{Generated, migration};

use super::pairs::finish;

/// The server and the folder of one bench.
pub(crate) struct Place {
    server: Scratch,
    temp: TempDir,
}

/// A database that goes when it was measured.
pub(crate) struct Db<'place> {
    place: &'place Place,
    name: String,
}

impl Place {
    /// Starts the server. `durable` leaves its `fsync` on, which then measures the disk as well.
    pub(crate) fn new(durable: bool) -> Self {
        Self::with(durable, vec![("autovacuum".to_owned(), "off".to_owned())])
    }

    /// The same with settings of the caller's.
    pub(crate) fn with(durable: bool, mut settings: Vec<(String, String)>) -> Self {
        if durable {
            for name in ["fsync", "full_page_writes", "synchronous_commit"] {
                settings.push((name.to_owned(), "on".to_owned()));
            }
        }
        let server = Scratch::start(&ScratchOptions {
            settings,
            ..ScratchOptions::default()
        })
        .unwrap();
        Self {
            server,
            temp: tempfile::tempdir().unwrap(),
        }
    }

    /// Returns a file of the bench's folder, with this content.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.temp.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Returns the server.
    pub(crate) fn server(&self) -> &Scratch {
        &self.server
    }

    /// Makes an empty database.
    pub(crate) fn db(&self) -> Db<'_> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("bench_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        psql(
            &self.server,
            &self.server.dsn("postgres"),
            &format!("create database {name}"),
        )
        .unwrap();
        Db { place: self, name }
    }

    /// Returns the folder of the first `count` generated migrations, after `change` to each text.
    pub(crate) fn folder(&self, name: &str, count: usize, change: impl Fn(&str) -> String) -> PathBuf {
        let folder = self.temp.path().join(format!("{name}-{count}"));
        if !folder.exists() {
            fs::create_dir_all(&folder).unwrap();
            for one in (1..=count).map(migration) {
                fs::write(folder.join(one.file_name), change(&one.sql)).unwrap();
            }
        }
        folder
    }

    /// Returns the folder of the first `count` generated migrations as they are.
    pub(crate) fn plain(&self, count: usize) -> PathBuf {
        self.folder("plain", count, str::to_owned)
    }

    /// Returns a script for psql that applies them, each in one message with its row for a ledger.
    pub(crate) fn psql_script(&self, count: usize, row: LedgerRow) -> PathBuf {
        let path = self.temp.path().join(format!("psql-{row:?}-{count}.sql"));
        let mut script = row.table();
        for (number, one) in (1..=count).map(|number| (number, migration(number))) {
            let (sql, row) = (one_message(&one.sql), row.insert(number, &one));
            write!(script, "begin \\;\n{sql}{row} \\;\ncommit;\n").unwrap();
        }
        fs::write(&path, script).unwrap();
        path
    }

    /// Returns an empty environment for a command: no settings of the developer's.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.temp.path())
            .current_dir(self.temp.path());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }

    /// `rlsctl --database-url URL --dir DIR migrate`.
    pub(crate) fn rlsctl(&self, url: &str, dir: &Path) -> Command {
        self.rlsctl_does(&["migrate"], url, dir)
    }

    /// `rlsctl --database-url URL --dir DIR WORDS`.
    pub(crate) fn rlsctl_does(&self, words: &[&str], url: &str, dir: &Path) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_rlsctl"));
        command.args(["--database-url", url, "--dir"]).arg(dir).args(words);
        command
    }

    /// Makes a database to which rlsctl has applied the first `count` migrations; returns it with their folder.
    pub(crate) fn applied(&self, count: usize) -> (Db<'_>, PathBuf) {
        let (db, dir) = (self.db(), self.plain(count));
        finish(self.rlsctl(&db.url(), &dir));
        db.expect(count);
        (db, dir)
    }

    /// psql with a script: psql itself, not the wrapper that Debian puts on PATH, which is a Perl program.
    pub(crate) fn psql_file(&self, dsn: &str, script: &Path) -> Command {
        let mut command = self.command(self.server.bin().tool("psql"));
        command
            .args(["-Xq", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-d", dsn, "-f"])
            .arg(script);
        command
    }
}

/// What psql writes into a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LedgerRow {
    /// Version, name, checksum and time.
    Short,
    /// All that rlsctl writes, the text of the file among it, into the same tables.
    Same,
}

impl LedgerRow {
    fn table(self) -> String {
        match self {
            Self::Short => "create table ledger (version bigint primary key, name text not null, \
                            checksum text not null, applied_at timestamptz not null default now());\n"
                .to_owned(),
            Self::Same => {
                let schema = concat!(
                    include_str!("../../sql/ledger/0001_ledger.sql"),
                    include_str!("../../sql/ledger/0002_schema_mark.sql")
                );
                format!("begin \\;\n{}commit;\n", one_message(schema))
            }
        }
    }

    fn insert(self, number: usize, one: &Generated) -> String {
        let (name, sql) = (&one.file_name, &one.sql);
        let checksum = format!("{number:064x}");
        match self {
            Self::Short => {
                format!("insert into ledger (version, name, checksum) values ({number}, '{name}', '{checksum}')")
            }
            Self::Same => format!(
                "insert into rlsctl.ledger (version, sort_key, name, checksum, token_checksum, sql, origin, \
                 transactional, tool_version) values ('{number:05}', '{number:020}', '{name}', '{checksum}', \
                 '{checksum}', $file${sql}$file$, 'migrate', true, '0')"
            ),
        }
    }
}

/// Makes one message of a generated migration: every semicolon that ends a statement becomes `\;`, by which
/// psql goes on collecting. Function bodies are left alone; they are all quoted by `$touch$`.
fn one_message(sql: &str) -> String {
    let mut message = String::new();
    let mut quoted = false;
    for row in sql.split_inclusive('\n') {
        quoted ^= row.matches("$touch$").count() % 2 == 1;
        match row.strip_suffix(";\n") {
            Some(statement) if !quoted => writeln!(message, "{statement} \\;").unwrap(),
            _ => message.push_str(row),
        }
    }
    message
}

impl Db<'_> {
    /// Returns its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns how to reach it, as a URL.
    pub(crate) fn url(&self) -> String {
        self.place.server.url(&self.name)
    }

    /// Returns how to reach it, as key words and values.
    pub(crate) fn dsn(&self) -> String {
        self.place.server.dsn(&self.name)
    }

    /// Makes sure that the first `count` migrations are there: the time of a run that did less is no time.
    ///
    /// # Panics
    /// When they are not.
    pub(crate) fn expect(&self, count: usize) {
        let policies = (1..=count)
            .filter(|number| migration(*number).sql.contains("create policy"))
            .count();
        let views = (1..=count)
            .filter(|number| migration(*number).sql.contains("create view"))
            .count();
        let found = self.ask(
            "select (select count(*) from pg_policy), \
             (select count(*) from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace)",
        );
        assert_eq!(
            found,
            format!("{policies}|{views}"),
            "policies and views after {count} migrations in {}",
            self.name
        );
    }

    /// Asks it.
    pub(crate) fn ask(&self, sql: &str) -> String {
        psql(&self.place.server, &self.dsn(), sql).unwrap()
    }
}

impl Drop for Db<'_> {
    fn drop(&mut self) {
        let dsn = self.place.server.dsn("postgres");
        // The server goes too; a panic in a drop would hide the first one.
        let _ = psql(
            &self.place.server,
            &dsn,
            &format!("drop database {} with (force)", self.name),
        );
    }
}
