//! What git knows of a folder of migrations. Everything is read through the `git` program; the work tree is not touched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::layout::Layout;
use super::name::{Kind, classify, classify_folder};
use super::version::Version;

/// A file that was taken out of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// The commit that took it out, short.
    pub commit: String,
    /// Who committed.
    pub author: String,
    /// When, as in 2026-11-21.
    pub date: String,
    /// The file, from the top of the repository.
    pub path: PathBuf,
}

/// Returns the commit checked out at `dir`, if it is in a git checkout and the `git` program is there.
pub fn commit(dir: &Path) -> Option<String> {
    let commit = git(dir, &["rev-parse", "--verify", "--quiet", "HEAD"])?
        .trim()
        .to_owned();
    (commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(commit)
}

/// Returns the migrations that were taken out of `dir` some time, each with the newest commit that did so.
///
/// `None` where there is no git, no checkout or no commit; then nothing is known about what was there.
pub fn deletions(dir: &Path, layout: Layout) -> Option<BTreeMap<Version, Deletion>> {
    let format = "--format=%x01%h%x02%an%x02%as";
    let log = git(
        dir,
        &[
            "log",
            "-z",
            "--no-renames",
            "--diff-filter=D",
            "--name-only",
            format,
            "--",
            ".",
        ],
    )?;
    let mut deletions = BTreeMap::new();
    // Newest first.
    for commit in log.split('\u{1}').skip(1) {
        let (head, paths) = commit.split_once('\0').unwrap_or((commit, ""));
        let mut words = head.split('\u{2}');
        let [hash, author, date] = [(); 3].map(|()| words.next().unwrap_or_default().trim().to_owned());
        for path in paths
            .split('\0')
            .map(|path| path.trim_start_matches('\n'))
            .filter(|path| !path.is_empty())
        {
            let Some(version) = version_of(layout, Path::new(path)) else {
                continue;
            };
            deletions.entry(version).or_insert_with(|| Deletion {
                commit: hash.clone(),
                author: author.clone(),
                date: date.clone(),
                path: path.into(),
            });
        }
    }
    Some(deletions)
}

/// Why a commit's files cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The folder is in no git checkout, or there is no `git` program.
    #[error("{} is in no git checkout, or there is no git program", dir.display())]
    NoGit {
        /// The folder.
        dir: PathBuf,
    },
    /// The commit is not there, or has no such folder.
    #[error("git has no {} in {rev}", dir.display())]
    NoTree {
        /// The commit.
        rev: String,
        /// The folder.
        dir: PathBuf,
    },
    /// The files cannot be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Returns a folder with the files of `dir` as they are in the commit `rev`. Neither work tree nor index are touched: the files are
/// read into an index of their own.
///
/// # Errors
/// [`TreeError`].
pub fn tree(dir: &Path, rev: &str) -> Result<TempDir, TreeError> {
    let no_git = || TreeError::NoGit { dir: dir.to_owned() };
    let top = git(dir, &["rev-parse", "--show-toplevel"]).ok_or_else(no_git)?;
    let prefix = git(dir, &["rev-parse", "--show-prefix"]).ok_or_else(no_git)?;
    let (top, prefix) = (Path::new(top.trim_end_matches('\n')), prefix.trim_end_matches('\n'));
    let files = tempfile::tempdir()?;
    let index = tempfile::tempdir()?;
    let to = format!("--prefix={}/", files.path().display());
    let steps: [&[&str]; 2] = [
        &["read-tree", &format!("{rev}:{}", prefix.trim_end_matches('/'))],
        &["checkout-index", "--all", "--quiet", &to],
    ];
    for step in steps {
        let mut command = git_command(top, step);
        let status = command.env("GIT_INDEX_FILE", index.path().join("index")).status()?;
        if !status.success() {
            return Err(TreeError::NoTree {
                rev: rev.to_owned(),
                dir: dir.to_owned(),
            });
        }
    }
    Ok(files)
}

/// Returns the version of a migration by its path alone.
fn version_of(layout: Layout, path: &Path) -> Option<Version> {
    let name = path.file_name()?.to_str()?;
    if layout.script_in_folder() == Some(name) {
        let folder = path.parent()?.file_name()?.to_str()?;
        return classify_folder(layout, folder).map(|(version, _)| version);
    }
    match classify(layout, name) {
        Kind::Migration { version, .. } => Some(version),
        _ => None,
    }
}

/// Returns what `git ARGUMENTS` prints in `dir`; `None` if it fails, is not there, or `dir` is in no checkout.
fn git(dir: &Path, arguments: &[&str]) -> Option<String> {
    let dir = dir.canonicalize().ok()?;
    // Without looking first, a process would be started for nothing wherever there is no checkout.
    dir.ancestors().find(|folder| folder.join(".git").exists())?;
    let output = git_command(&dir, arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(text)
}

fn git_command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_its_version() {
        let version = |layout, path: &str| version_of(layout, Path::new(path)).map(|version| version.to_string());
        assert_eq!(version(Layout::Plain, "db/007_a.sql").as_deref(), Some("007"));
        assert_eq!(
            version(Layout::Diesel, "m/2024-01-01-000000_a/up.sql").as_deref(),
            Some("20240101000000")
        );
        assert_eq!(version(Layout::Diesel, "m/2024-01-01-000000_a/down.sql"), None);
        assert_eq!(version(Layout::Plain, "README.md"), None);
    }
}
