//! The commit that is checked out where the migrations are.

use std::path::Path;
use std::process::{Command, Stdio};

/// Returns the commit checked out at `dir`, if it is in a git checkout and the `git` program is there.
pub fn commit(dir: &Path) -> Option<String> {
    let dir = dir.canonicalize().ok()?;
    dir.ancestors().find(|folder| folder.join(".git").exists())?;
    let output = Command::new("git")
        .arg("-C")
        .arg(&dir)
        .args(["rev-parse", "--verify", "--quiet", "HEAD"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let commit = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .then_some(commit)
}
