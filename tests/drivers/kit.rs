//! What the examples run with: packages of exact versions, installed once below cargo's target folder.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use fs_err as fs;
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest as _, Sha256};

/// The folder of the examples and of the lists of what they need.
pub(super) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/drivers")
}

/// Returns the folder `node_modules`, or says that the test is not run, and why.
pub(super) fn node(test: &str) -> Option<PathBuf> {
    static KIT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let kit = KIT.get_or_init(|| {
        let command = |folder: &Path| {
            for list in ["package.json", "package-lock.json"] {
                fs::copy(examples().join(list), folder.join(list)).map_err(|error| error.to_string())?;
            }
            let mut npm = Command::new("npm");
            npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]);
            npm.current_dir(folder);
            Ok(npm)
        };
        // Prisma is the one that asks for the newest.
        is_here("node", (20, 19))?;
        let folder = installed("node", &["package.json", "package-lock.json"], &command)?;
        Ok(folder.join("node_modules"))
    });
    here(test, kit)
}

/// Whether a program is there in a version that is new enough.
fn is_here(program: &str, wanted: (u32, u32)) -> Result<(), String> {
    let output = Command::new(program).arg("--version").output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let digits = said.trim_start_matches(|it: char| !it.is_ascii_digit());
    let mut numbers = digits.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= wanted => Ok(()),
        _ => Err(format!("{program} {said} is older than {}.{}", wanted.0, wanted.1)),
    }
}

/// Returns the folder for `PYTHONPATH`, or says that the test is not run, and why.
pub(super) fn python(test: &str) -> Option<PathBuf> {
    static KIT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let kit = KIT.get_or_init(|| {
        let command = |folder: &Path| {
            let mut pip = Command::new("python3");
            pip.args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
            ]);
            pip.args([
                "--only-binary=:all:",
                "--retries=1",
                "--root-user-action=ignore",
                "--target",
            ]);
            pip.arg(folder.join("packages")).arg("--requirement");
            pip.arg(examples().join("requirements.txt"));
            Ok(pip)
        };
        let folder = installed("python", &["requirements.txt"], &command)?;
        Ok(folder.join("packages"))
    });
    here(test, kit)
}

/// Returns the program that asks the example for sqlx, or says that the test is not run, and why.
///
/// # Panics
/// When all that it needs is here, and it cannot be built.
pub(super) fn sqlx(test: &str) -> Option<String> {
    static KIT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let kit = KIT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drivers/sqlx");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("drivers/sqlx");
        let cargo = |args: &[&str]| {
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            cargo.args(args).current_dir(&folder).env("CARGO_TARGET_DIR", &target);
            cargo.stdin(Stdio::null());
            succeeded(&mut cargo)
        };
        is_here("rustc", (1, 94))?;
        cargo(&["fetch", "--locked"])?;
        let built = cargo(&["build", "--locked", "--offline"]);
        built.unwrap_or_else(|why| panic!("{why}"));
        Ok(target.join("debug/with-sqlx"))
    });
    here(test, kit).map(|program| program.display().to_string())
}

/// Runs a command, or returns the end of what it said.
fn succeeded(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().display().to_string();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    let mut tail: Vec<&str> = stderr.split('\n').rev().take(20).collect();
    tail.reverse();
    Err(format!("{program}: {}", tail.join("\n")))
}

fn here(test: &str, kit: &Result<PathBuf, String>) -> Option<PathBuf> {
    match kit {
        Ok(folder) => Some(folder.clone()),
        Err(why) => {
            let required = std::env::var_os("RLSCTL_DRIVERS").is_some_and(|it| it == "required");
            assert!(!required, "RLSCTL_DRIVERS=required, and {test} cannot be run: {why}");
            // Past the harness, which keeps what a passing test says to itself.
            let line = format!("drivers: {test} was NOT run: {why}\n");
            let _ = std::io::stderr().write_all(line.as_bytes());
            None
        }
    }
}

/// Returns a folder in which the command has succeeded once. Its name changes with the lists; other processes wait.
fn installed(
    name: &str,
    lists: &[&str],
    command: &dyn Fn(&Path) -> Result<Command, String>,
) -> Result<PathBuf, String> {
    let mut hash = Sha256::new();
    for list in lists {
        hash.update(fs::read(examples().join(list)).map_err(|error| error.to_string())?);
    }
    let hash = hash.finalize();
    let hash = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join("drivers");
    let folder = parent.join(format!("{name}-{hash:08x}"));
    let said = |error: std::io::Error| error.to_string();
    fs::create_dir_all(&parent).map_err(said)?;
    let lock = fs::File::create(parent.join(format!("{name}-{hash:08x}.lock"))).map_err(said)?;
    flock(&lock, FlockOperation::LockExclusive).map_err(|error| error.to_string())?;
    let done = folder.join("installed");
    if done.exists() {
        return Ok(folder);
    }
    // What a run left that was cut off is not to be trusted.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(said)?;
    let mut command = command(&folder)?;
    succeeded(command.stdin(Stdio::null()))?;
    fs::write(done, "").map_err(said)?;
    Ok(folder)
}

/// Runs a program in a folder and returns what it printed as JSON.
pub(super) fn printed(folder: &Path, program: &str, args: &[&str], env: &[(&str, OsString)]) -> serde_json::Value {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    command.envs(env.iter().map(|(name, value)| (name, value)));
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{program} {args:?}\n{stdout}\n{stderr}");
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}\n{stdout}\n{stderr}"))
}
