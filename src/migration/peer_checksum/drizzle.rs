//! Drizzle: sha256 of the file as it is, as [`super::prisma`]; and when the file was made, which is what its ledger goes by.

use std::path::Path;

use crate::migration::journal;

/// Returns when a file was made, in milliseconds, as the journal beside it says.
pub fn when(path: &Path) -> Option<u64> {
    let journal = fs_err::read_to_string(journal::journal_path(path.parent()?)).ok()?;
    let tag = path.file_stem()?.to_str()?;
    let entries = journal::parse(&journal).ok()?.entries;
    entries
        .into_iter()
        .find(|entry| entry.tag == tag)
        .map(|entry| entry.when)
}
