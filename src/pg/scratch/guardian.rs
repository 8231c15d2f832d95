//! A process in a directory, neither of which outlives this process.

use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use fs_err as fs;

use super::account::Account;
use super::binaries::Surroundings;
use super::error::ScratchError;

const SCRIPT: &str = include_str!("guardian.sh");

/// How long the program may take to end. The script escalates to SIGKILL after 12 seconds.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// How the program is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGQUIT: Postgres' immediate shutdown, which does not wait for sessions.
    Quit,
    /// SIGTERM, for everything else.
    Terminate,
}

impl StopSignal {
    fn name(self) -> &'static str {
        match self {
            Self::Quit => "QUIT",
            Self::Terminate => "TERM",
        }
    }
}

/// A throwaway directory and the program that runs in it, both tied to the life of this process.
///
/// A shell outside of our process group reads from a pipe whose other end only we hold. When we end, in
/// whatever way, SIGKILL included, the kernel closes our end; the shell then ends the program and
/// removes the directory. It is the program's parent and the directory's maker, so that there is no moment
/// at which one of them is there and nobody responsible.
#[derive(Debug)]
pub struct Guardian {
    directory: PathBuf,
    shell: Child,
}

impl Guardian {
    /// Makes the directory, mode 0700 and owned by `account`, and sets the guard.
    ///
    /// # Errors
    /// When there is no folder for it, or the shell can not be started.
    pub fn new(account: &Account, signal: StopSignal, surroundings: &Surroundings) -> Result<Self, ScratchError> {
        let base = account.base(&surroundings.temporary)?;
        let directory = base.join(format!("rlsctl-{:016x}", fastrand::u64(..)));
        let program = Path::new("/bin/sh");
        let mut command = Command::new(program);
        command
            .args(["-c", SCRIPT, "rlsctl-guardian"])
            .arg(&directory)
            .arg(signal.name());
        // Its own group: an interrupt on the terminal is for us, and reaches it as the end of the pipe.
        command.process_group(0).current_dir("/");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        environment(&mut command, surroundings, &directory);
        let shell = account
            .apply(&mut command)
            .spawn()
            .map_err(|source| ScratchError::Spawn {
                program: program.to_owned(),
                account: account.name(),
                source,
            })?;
        let mut guardian = Self { directory, shell };
        let deadline = Instant::now() + STOP_WITHIN;
        while !guardian.directory.is_dir() {
            if let Some(status) = guardian.shell.try_wait()? {
                return Err(guardian.error(format!("ended at once ({status})")));
            }
            if Instant::now() > deadline {
                return Err(guardian.error("did not come up"));
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(guardian)
    }

    /// Starts the program; its output goes to [`Guardian::log_path`]. To be called once.
    ///
    /// # Errors
    /// When a word holds a line break, or the guardian is gone.
    pub fn run<Word: AsRef<OsStr>>(&mut self, words: &[Word]) -> Result<(), ScratchError> {
        let mut message = format!("{}\n", words.len()).into_bytes();
        for word in words {
            let word = word.as_ref();
            if word.as_bytes().iter().any(|byte| matches!(byte, b'\n' | 0)) {
                let value = word.to_string_lossy().into_owned();
                return Err(ScratchError::Unprintable {
                    what: "word of a command",
                    value,
                });
            }
            message.extend_from_slice(word.as_bytes());
            message.push(b'\n');
        }
        let sent = self.shell.stdin.as_mut().map(|stdin| stdin.write_all(&message));
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(self.error(format!("can not be reached: {error}"))),
            None => Err(self.error("has been dismissed")),
        }
    }

    /// Returns the directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the path of the file that the program's output goes to.
    pub fn log_path(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// Returns the end of the log: at most 40 lines and 8 kB.
    pub fn log_tail(&self) -> String {
        let text = fs::read(self.log_path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text[text.len().saturating_sub(8192)..]);
        let rows: Vec<&str> = text.trim_end().split('\n').collect();
        rows[rows.len().saturating_sub(40)..].join("\n")
    }

    /// Returns the program's process id once it was started.
    pub fn pid(&self) -> Option<u32> {
        fs::read_to_string(self.directory.join("pid")).ok()?.trim().parse().ok()
    }

    /// Returns the program's exit status, as the shell counts it, if it has ended by itself.
    pub fn exited(&self) -> Option<String> {
        Some(
            fs::read_to_string(self.directory.join("exited"))
                .ok()?
                .trim()
                .to_owned(),
        )
    }

    /// Ends the program and removes the directory.
    ///
    /// # Errors
    /// [`ScratchError::Left`] when the directory is still there after half a minute.
    pub fn dismiss(mut self) -> Result<(), ScratchError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), ScratchError> {
        drop(self.shell.stdin.take());
        let deadline = Instant::now() + STOP_WITHIN;
        // Both: if somebody has killed the shell, its other half still cleans up.
        while self.shell.try_wait()?.is_none() || self.directory.exists() {
            if Instant::now() > deadline {
                // A Postgres whose postmaster.pid is gone shuts itself down within a minute (manual,
                // "Shutting Down the Server"; postmaster.c, RecheckDataDirLockFile).
                return fs::remove_dir_all(&self.directory).map_err(|error| ScratchError::Left {
                    directory: self.directory.clone(),
                    what: error.to_string(),
                });
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn error(&self, what: impl Into<String>) -> ScratchError {
        ScratchError::Guardian {
            directory: self.directory.clone(),
            what: what.into(),
        }
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        // An error can not be returned from here, and the guardian goes on trying without us.
        let _ = self.end();
    }
}

/// Gives a command an environment of which nothing changes how Postgres behaves: no `PGDATA`, `PGPORT`,
/// `PGOPTIONS`, no language.
pub(super) fn environment(command: &mut Command, surroundings: &Surroundings, home: &Path) {
    command.env_clear().env("LC_ALL", "C").env("HOME", home);
    command.env(
        "PATH",
        surroundings
            .path
            .as_deref()
            .unwrap_or_else(|| OsStr::new("/usr/local/bin:/usr/bin:/bin")),
    );
    // Installations that were unpacked rather than installed find their libraries by this.
    for name in ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
}
