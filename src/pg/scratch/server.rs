//! The server itself.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use fs_err as fs;
use secrecy::{ExposeSecret as _, SecretString};

use super::account::Account;
use super::binaries::{Binaries, Surroundings};
use super::dsn::{percent_encoded, quoted};
use super::error::ScratchError;
use super::guardian::{Guardian, StopSignal, environment};
use super::options::{Listen, ScratchOptions, Source};
use super::ping::{Answer, ping};

/// How long a server may take until it takes connections: long, since machines that test are busy ones.
const READY_WITHIN: Duration = Duration::from_secs(90);

/// The port in the socket's name. Every server has a directory of its own, so they never meet.
const SOCKET_PORT: u16 = 5432;

/// What is off because nothing here needs to survive a crash. Later settings win over these.
const NOT_DURABLE: &[(&str, &str)] = &[
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
];

/// A throwaway server. It and its directory are gone when this is dropped, and also when the process
/// ends in any other way.
#[derive(Debug)]
pub struct Scratch {
    guardian: Guardian,
    account: Account,
    binaries: Binaries,
    listen: Listen,
    port: u16,
    password: Option<SecretString>,
}

impl Scratch {
    /// Makes a server and waits until it takes connections (about one second).
    ///
    /// # Errors
    /// When there are no server programs, no account or folder for it, or it does not come up; the
    /// error then holds the end of its log.
    pub fn start(options: &ScratchOptions) -> Result<Self, ScratchError> {
        Self::start_in(options, &Surroundings::of_this_process())
    }

    /// The same, with the environment handed in.
    ///
    /// # Errors
    /// See [`Scratch::start`].
    pub fn start_in(options: &ScratchOptions, surroundings: &Surroundings) -> Result<Self, ScratchError> {
        check(options)?;
        let binaries = Binaries::find(options.bin.as_deref(), surroundings)?;
        let account = Account::choose()?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            match Self::attempt(options, surroundings, &binaries, &account) {
                // Between our finding a free port and the server's binding it, somebody else may.
                Err(ScratchError::Exited { log, .. })
                    if attempts < 5 && log.contains("could not create any TCP/IP sockets") => {}
                result => return result,
            }
        }
    }

    fn attempt(
        options: &ScratchOptions,
        surroundings: &Surroundings,
        binaries: &Binaries,
        account: &Account,
    ) -> Result<Self, ScratchError> {
        let guardian = Guardian::new(account, StopSignal::Quit, surroundings)?;
        let (port, password) = match options.listen {
            Listen::SocketOnly => (SOCKET_PORT, options.password.clone()),
            Listen::Loopback => {
                let made_up = || made_up_password().map(SecretString::from);
                (free_port()?, Some(options.password.clone().map_or_else(made_up, Ok)?))
            }
        };
        let mut scratch = Self {
            guardian,
            account: account.clone(),
            binaries: binaries.clone(),
            listen: options.listen,
            port,
            password,
        };
        match &options.source {
            Source::Initdb => scratch.initdb(options, surroundings)?,
            Source::StandbyOf { conninfo } => scratch.basebackup(conninfo, surroundings)?,
        }
        let data = scratch.data_dir();
        for (name, content) in &options.files {
            account.write(&data.join(name), content)?;
        }
        if let Some(hba) = &options.hba {
            account.write(&data.join("pg_hba.conf"), hba.as_bytes())?;
        }
        let words = scratch.command(&options.settings);
        scratch.guardian.run(&words)?;
        scratch.wait_until_ready()?;
        Ok(scratch)
    }

    /// Makes an empty cluster: UTF-8, and sorted by code point, in `C.UTF-8` where the machine has it.
    fn initdb(&self, options: &ScratchOptions, surroundings: &Surroundings) -> Result<(), ScratchError> {
        let host = if self.password.is_some() {
            "--auth-host=scram-sha-256"
        } else {
            "--auth-host=trust"
        };
        let mut words: Vec<OsString> = [
            "--username=postgres",
            "--auth-local=trust",
            host,
            "--no-sync",
            "--encoding=UTF8",
        ]
        .map(OsString::from)
        .to_vec();
        let password_file = self.guardian.directory().join("password");
        if let Some(password) = &self.password {
            self.account
                .write(&password_file, format!("{}\n", password.expose_secret()).as_bytes())?;
            words.extend(["--pwfile".into(), password_file.clone().into_os_string()]);
        }
        words.extend(["-D".into(), self.data_dir().into_os_string()]);
        words.extend(options.initdb_args.iter().map(OsString::from));
        let with = |locale: &str| {
            let all: Vec<OsString> = [OsString::from(format!("--locale={locale}"))]
                .into_iter()
                .chain(words.clone())
                .collect();
            self.prepare("initdb", &all, surroundings)
        };
        let made = match with("C.UTF-8") {
            Err(ScratchError::Prepare { output, .. }) if output.contains("locale") => with("C"),
            made => made,
        };
        if self.password.is_some() {
            fs::remove_file(&password_file)?;
        }
        made
    }

    fn basebackup(&self, conninfo: &str, surroundings: &Surroundings) -> Result<(), ScratchError> {
        let data = self.data_dir().into_os_string();
        let words = [
            "--no-sync",
            "--checkpoint=fast",
            "--wal-method=stream",
            "--write-recovery-conf",
            "-d",
            conninfo,
            "-D",
        ];
        let words: Vec<OsString> = words.into_iter().map(OsString::from).chain([data]).collect();
        self.prepare("pg_basebackup", &words, surroundings)
    }

    /// Runs a program of the installation to its end.
    fn prepare(&self, name: &str, words: &[OsString], surroundings: &Surroundings) -> Result<(), ScratchError> {
        let program = self.binaries.tool(name);
        let mut command = Command::new(&program);
        environment(&mut command, surroundings, self.guardian.directory());
        command.args(words).current_dir("/").stdin(Stdio::null());
        let output = self
            .account
            .apply(&mut command)
            .output()
            .map_err(|source| ScratchError::Spawn {
                program: program.clone(),
                account: self.account.name(),
                source,
            })?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        Err(ScratchError::Prepare {
            program,
            status: output.status,
            account: self.account.name(),
            output: String::from_utf8_lossy(&said).trim().to_owned(),
        })
    }

    /// The server's command line: ours that may be overridden, the caller's, ours that may not.
    fn command(&self, settings: &[(String, String)]) -> Vec<OsString> {
        let addresses = match self.listen {
            Listen::SocketOnly => "",
            Listen::Loopback => "127.0.0.1",
        };
        let mut words: Vec<OsString> = vec![
            self.binaries.dir().join("postgres").into(),
            "-D".into(),
            self.data_dir().into(),
            "-p".into(),
            self.port.to_string().into(),
            "-h".into(),
            addresses.into(),
            "-k".into(),
            self.socket_dir().into(),
        ];
        let ours = NOT_DURABLE.iter().map(|(name, value)| format!("{name}={value}"));
        let theirs = settings.iter().map(|(name, value)| format!("{name}={value}"));
        for setting in ours.chain(theirs) {
            words.extend(["-c".into(), setting.into()]);
        }
        words
    }

    fn wait_until_ready(&self) -> Result<(), ScratchError> {
        let socket = self.socket_dir().join(format!(".s.PGSQL.{}", self.port));
        let started = Instant::now();
        loop {
            let last = match ping(&socket, Self::superuser()) {
                Ok(Answer::Ready) => return Ok(()),
                Ok(Answer::NotYet(why)) => why,
                Err(error) => error.to_string(),
            };
            if let Some(status) = self.guardian.exited() {
                return Err(ScratchError::Exited {
                    status,
                    log: self.log_tail(),
                });
            }
            if started.elapsed() > READY_WITHIN {
                return Err(ScratchError::NotReady {
                    waited: started.elapsed(),
                    last,
                    log: self.log_tail(),
                });
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Returns the directory of the server's Unix socket, which only [`Scratch::account`] and root may enter.
    pub fn socket_dir(&self) -> &Path {
        self.guardian.directory()
    }

    /// Returns the port: part of the socket's name, and with [`Listen::Loopback`] the TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the superuser's name.
    pub fn superuser() -> &'static str {
        "postgres"
    }

    /// Returns the superuser's password, given or made up.
    pub fn password(&self) -> Option<&SecretString> {
        self.password.as_ref()
    }

    /// Returns how to reach a database over the socket, as key words and values of libpq.
    pub fn dsn(&self, dbname: &str) -> String {
        self.conninfo(&self.socket_dir().to_string_lossy(), dbname)
    }

    /// Returns how to reach a database over TCP, with the password, when the server listens there.
    pub fn tcp_dsn(&self, dbname: &str) -> Option<String> {
        let mut dsn = match self.listen {
            Listen::SocketOnly => return None,
            Listen::Loopback => self.conninfo("127.0.0.1", dbname),
        };
        if let Some(password) = &self.password {
            write!(dsn, " password={}", quoted(password.expose_secret())).expect("a String takes everything");
        }
        Some(dsn)
    }

    /// Returns how to reach a database over the socket, as a URL.
    pub fn url(&self, dbname: &str) -> String {
        let dir = percent_encoded(&self.socket_dir().to_string_lossy());
        format!(
            "postgresql://{}@{dir}:{}/{}",
            Self::superuser(),
            self.port,
            percent_encoded(dbname)
        )
    }

    fn conninfo(&self, host: &str, dbname: &str) -> String {
        let user = Self::superuser();
        format!(
            "host={} port={} user={user} dbname={}",
            quoted(host),
            self.port,
            quoted(dbname)
        )
    }

    /// Returns the installation that the server runs from.
    pub fn bin(&self) -> &Binaries {
        &self.binaries
    }

    /// Returns whom the server runs as.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Returns the data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.guardian.directory().join("data")
    }

    /// Returns the postmaster's process id, as long as the server was not stopped.
    pub fn pid(&self) -> Option<u32> {
        self.guardian.pid()
    }

    /// Returns the end of the server's log: at most 40 lines and 8 kB.
    pub fn log_tail(&self) -> String {
        self.guardian.log_tail()
    }

    /// Stops the server without waiting for its sessions, and removes everything of it.
    ///
    /// # Errors
    /// When something of it is left after half a minute.
    pub fn stop(self) -> Result<(), ScratchError> {
        self.guardian.dismiss()
    }
}

/// Refuses options that can not be handed over or that lead out of the data directory.
fn check(options: &ScratchOptions) -> Result<(), ScratchError> {
    let settings = options
        .settings
        .iter()
        .flat_map(|(name, value)| [("setting", name), ("setting", value)]);
    let args = options.initdb_args.iter().map(|word| ("initdb argument", word));
    for (what, value) in settings.chain(args) {
        if value.contains(['\n', '\0']) {
            return Err(ScratchError::Unprintable {
                what,
                value: value.clone(),
            });
        }
    }
    if options
        .password
        .as_ref()
        .is_some_and(|password| password.expose_secret().contains(['\n', '\r', '\0']))
    {
        return Err(ScratchError::Unprintable {
            what: "password",
            value: "(not shown)".to_owned(),
        });
    }
    for (name, _) in &options.files {
        let mut components = Path::new(name).components();
        if !matches!(
            (components.next(), components.next()),
            (Some(Component::Normal(_)), None)
        ) || name.contains('\0')
        {
            return Err(ScratchError::FileName { name: name.clone() });
        }
    }
    Ok(())
}

fn free_port() -> Result<u16, ScratchError> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Makes up a password of 128 random bits.
fn made_up_password() -> Result<String, ScratchError> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a String takes everything");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_could_do_harm_are_refused_before_anything_starts() {
        let setting = |value: &str| ScratchOptions {
            settings: vec![("work_mem".into(), value.into())],
            ..ScratchOptions::default()
        };
        assert!(check(&setting("4MB")).is_ok());
        assert!(matches!(
            check(&setting("4MB\nrm")),
            Err(ScratchError::Unprintable { what: "setting", .. })
        ));
        let file = |name: &str| ScratchOptions {
            files: vec![(name.into(), Vec::new())],
            ..ScratchOptions::default()
        };
        assert!(check(&file("server.key")).is_ok());
        for name in ["../x", "/etc/passwd", "a/b", "..", ".", ""] {
            assert!(
                matches!(check(&file(name)), Err(ScratchError::FileName { .. })),
                "{name}"
            );
        }
        let options = ScratchOptions {
            password: Some("a\nb".to_owned().into()),
            ..ScratchOptions::default()
        };
        let error = check(&options).unwrap_err().to_string();
        assert!(!error.contains("a\\nb"), "{error}");
    }
}
