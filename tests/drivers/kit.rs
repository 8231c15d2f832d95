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
        let folder = installed("node", &["package.json", "package-lock.json"], &command)?;
        Ok(folder.join("node_modules"))
    });
    here(test, kit)
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

fn here(test: &str, kit: &Result<PathBuf, String>) -> Option<PathBuf> {
    match kit {
        Ok(folder) => Some(folder.clone()),
        Err(why) => {
            let required = std::env::var_os("RLSCTL_DRIVERS").is_some_and(|it| it == "required");
            assert!(!required, "RLSCTL_DRIVERS=required, and {test} cannot be run: {why}");
            // Past the harness, which keeps what a passing test says to itself.
            let _ = writeln!(std::io::stderr(), "drivers: {test} was NOT run: {why}");
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
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        let mut tail: Vec<&str> = stderr.split('\n').rev().take(3).collect();
        tail.reverse();
        return Err(format!("{}: {}", command.get_program().display(), tail.join(" ")));
    }
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
