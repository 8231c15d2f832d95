//! What a person types.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::copy_history;

/// What somebody does at night; its number is older than the newest, as that of a branch.
const HOTFIX: (&str, &str) = (
    "20240514031500_hotfix_slow_list.sql",
    "-- The list of open tasks timed out.\ncreate index tasks_hotfix_idx on public.tasks (tenant_id, title);\n",
);

/// Runs rlsctl as a person in the project's folder would, on their terminal.
pub(crate) struct Shell<'demo> {
    /// The binary.
    pub(crate) binary: &'demo Path,
    /// The folder.
    pub(crate) project: &'demo Path,
}

impl Shell<'_> {
    /// Prints the command, runs it, and expects its exit code.
    pub(crate) fn rlsctl(&self, arguments: &[&str], exit: i32) -> anyhow::Result<()> {
        println!("$ rlsctl {}", arguments.join(" "));
        let status = Command::new(self.binary)
            .args(arguments)
            .current_dir(self.project)
            .status()
            .with_context(|| format!("cannot run {}", self.binary.display()))?;
        ensure!(
            status.code() == Some(exit),
            "rlsctl {}: {status}, not {exit}",
            arguments.join(" ")
        );
        Ok(())
    }

    /// Applies the hotfix to production from another folder, which has all files and one more.
    pub(crate) fn hotfix(&self) -> anyhow::Result<()> {
        let folder = tempfile::Builder::new().prefix("rlsctl-demo-night-").tempdir()?;
        copy_history(folder.path())?;
        fs_err::write(folder.path().join(HOTFIX.0), HOTFIX.1)?;
        let dir = folder.path().to_string_lossy().into_owned();
        println!("$ cat {}\n{}", HOTFIX.0, HOTFIX.1);
        let arguments = [
            "--target",
            "production",
            "--dir",
            &dir,
            "--quiet",
            "migrate",
            "--allow-out-of-order",
        ];
        self.rlsctl(&arguments, 0)
    }
}
