//! What the ledger says is applied, as far as a command needs to know.

use crate::migration::{Head, Set};

use super::entry::Entry;

/// What the ledger says is applied.
#[derive(Clone, Debug)]
pub enum AppliedState {
    /// The first so many files, content and all: the heads agree.
    First {
        /// How many.
        count: usize,
        /// The head over them.
        head: Head,
    },
    /// These rows, to be compared one by one.
    Rows(Vec<Entry>),
}

impl AppliedState {
    /// Returns what the ledger's head says about the files; `None` if they disagree and the rows have to be read.
    pub fn by_head(set: &Set, applied: usize, head: &Head) -> Option<Self> {
        let first = set.migrations.get(..applied)?;
        let ours = Head::of(first.iter().map(|migration| (&migration.version, &migration.checksum)));
        (ours == *head).then_some(Self::First {
            count: applied,
            head: ours,
        })
    }
}
