//! What can be typed about locks, wherever migrations are applied.

#![allow(clippy::doc_markdown, reason = "the comments are printed as help")]

use clap::Args;

/// How locks are got.
#[derive(Clone, Debug, Default, Args)]
pub struct LockArgs {
    /// How long a migration may try to get its locks [env: RLSCTL_LOCK_WAIT; default: 60s]
    #[arg(long, value_name = "DURATION")]
    pub lock_wait: Option<String>,
    /// End sessions that stand in the way and have been idle in a transaction for this long [default: reap.older_than, 24h]
    #[arg(long, value_name = "DURATION", conflicts_with = "keep_blockers")]
    pub end_blockers_older_than: Option<String>,
    /// End no session, however long it has been idle
    #[arg(long)]
    pub keep_blockers: bool,
}

impl LockArgs {
    /// Returns the age of a blocker, with the option that says it.
    pub fn older_than(&self) -> Option<(&'static str, String)> {
        let age = self.end_blockers_older_than.clone();
        age.map(|age| ("--end-blockers-older-than", age))
    }
}
