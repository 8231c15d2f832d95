//! Runs the real binary, in an environment in which nothing of the developer's machine is visible.

use std::ffi::OsStr;
use std::io::{Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::poll::eventually;
use super::project::Project;
use super::redact::Redactor;

/// A run that is being prepared.
#[derive(Debug)]
pub(crate) struct Rlsctl {
    command: Command,
    stdin: Vec<u8>,
    project: PathBuf,
    home: PathBuf,
}

impl Rlsctl {
    /// Prepares a run of `program` in the project's folder: no variable but `PATH`, `HOME` and, when
    /// coverage is being measured, where that goes; stdin is empty and no terminal.
    pub(crate) fn new(program: &str, project: &Project, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(project.path())
            .env_clear()
            .env("HOME", project.home());
        for name in ["PATH", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        Self {
            command,
            stdin: Vec::new(),
            project: project.path(),
            home: project.home(),
        }
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Runs it in another folder.
    pub(crate) fn cwd(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Gives it something to read.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = text.into();
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Run {
        self.spawn().wait()
    }

    /// Starts it.
    pub(crate) fn spawn(mut self) -> Running {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self
            .command
            .spawn()
            .unwrap_or_else(|error| panic!("{:?}: {error}", self.command));
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        let text = self.stdin;
        // It may well end without having read it.
        thread::spawn(move || stdin.write_all(&text));
        let stdout = Collector::new(child.stdout.take().expect("stdout is a pipe"));
        let stderr = Collector::new(child.stderr.take().expect("stderr is a pipe"));
        Running {
            child,
            stdout,
            stderr,
            project: self.project,
            home: self.home,
        }
    }
}

/// Reads a pipe to its end while others may look at what has come so far.
#[derive(Debug)]
struct Collector {
    so_far: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Collector {
    fn new(mut pipe: impl Read + Send + 'static) -> Self {
        let so_far = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&so_far);
        let reader = thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut chunk) {
                sink.lock()
                    .expect("no reader panics")
                    .extend_from_slice(&chunk[..length]);
            }
        });
        Self {
            so_far,
            reader: Some(reader),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.so_far.lock().expect("no reader panics")).into_owned()
    }

    fn finish(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("no reader panics");
        }
        self.text()
    }
}

/// A run that is under way. It is killed when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    stdout: Collector,
    stderr: Collector,
    project: PathBuf,
    home: PathBuf,
}

impl Running {
    /// Returns its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name without SIG, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        super::process::kill(name, self.pid());
    }

    /// Waits until stderr contains the text.
    pub(crate) fn until_stderr(&self, text: &str) {
        eventually(&format!("{text:?} on stderr"), || self.stderr.text().contains(text));
    }

    /// Waits until stdout contains the text.
    pub(crate) fn until_stdout(&self, text: &str) {
        eventually(&format!("{text:?} on stdout"), || self.stdout.text().contains(text));
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("our own child").is_some()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// With what it has said so far when it does not end.
    pub(crate) fn wait(mut self) -> Run {
        let deadline = std::time::Instant::now() + super::poll::PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                break status;
            }
            assert!(
                std::time::Instant::now() < deadline,
                "it does not end; stdout:\n{}\nstderr:\n{}",
                self.stdout.text(),
                self.stderr.text()
            );
            thread::sleep(std::time::Duration::from_millis(2));
        };
        Run {
            status,
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
            redactor: Redactor::default()
                .literal(self.project.to_string_lossy(), "[project]")
                .literal(self.home.to_string_lossy(), "[home]"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a run ended and all that it said.
#[derive(Debug)]
pub(crate) struct Run {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// Data.
    pub(crate) stdout: String,
    /// Everything else.
    pub(crate) stderr: String,
    redactor: Redactor,
}

impl Run {
    /// Returns the exit code.
    ///
    /// # Panics
    /// When it was ended by a signal.
    pub(crate) fn code(&self) -> i32 {
        self.status
            .code()
            .unwrap_or_else(|| panic!("ended by signal {:?}\n{}", self.status.signal(), self.stderr))
    }

    /// Asserts the exit code and shows all that was said if it is another.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "{}\n--- stdout\n{}\n--- stderr\n{}",
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Returns stdout as JSON.
    ///
    /// # Panics
    /// When it is not one document.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in\n{}\n{}", self.stdout, self.stderr))
    }

    /// Returns exit code, stdout and stderr for a snapshot, without what changes from run to run.
    pub(crate) fn snapshot(&self) -> String {
        let code = self
            .status
            .code()
            .map_or_else(|| format!("{}", self.status), |code| code.to_string());
        let part = |name: &str, text: &str| {
            let text = self.redactor.redact(text);
            let end = if text.is_empty() || text.ends_with('\n') {
                ""
            } else {
                "(no line end)\n"
            };
            format!("----- {name} -----\n{text}{end}")
        };
        format!(
            "exit: {code}\n{}{}",
            part("stdout", &self.stdout),
            part("stderr", &self.stderr)
        )
    }
}

#[test]
fn a_run_sees_nothing_of_the_developers_environment() {
    let project = Project::new();
    let run = Rlsctl::new(
        "/bin/sh",
        &project,
        &["-c", "env | cut -d= -f1 | sort; pwd; cat; echo oops >&2; exit 5"],
    );
    let run = run.env("MINE", "x").stdin("read\n").run().exits(5);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 5
    ----- stdout -----
    HOME
    MINE
    PATH
    PWD
    [project]
    read
    ----- stderr -----
    oops
    ");
}

#[test]
fn a_running_one_can_be_watched_and_signalled() {
    let project = Project::new();
    let script = "trap 'echo caught >&2; exit 143' TERM; echo ready; while :; do sleep 0.05; done";
    let mut running = Rlsctl::new("/bin/sh", &project, &["-c", script]).spawn();
    running.until_stdout("ready");
    assert!(!running.has_ended());
    running.signal("TERM");
    running.until_stderr("caught");
    assert_eq!(running.wait().code(), 143);
}
