//! An edit that is meant to be so.

use crate::ledger::{AppliedState, Comparison, Entry, FileMark, Verdict, compare};
use crate::migration::{Checksum, Migration, ReadError, Set, Text, TokenChecksum, Version};

/// What will be written into the ledger.
#[derive(Debug)]
pub struct Acceptance {
    /// The row as it is.
    pub before: Entry,
    /// The file's name behind its version.
    pub name: String,
    /// The checksum of the file.
    pub checksum: Checksum,
    /// Its token checksum.
    pub token_checksum: TokenChecksum,
    /// Its text.
    pub text: Text,
    /// Whether only form differs.
    pub is_cosmetic: bool,
}

/// Why nothing is accepted.
#[derive(Debug, thiserror::Error)]
pub enum NotAccepted {
    /// File and ledger agree.
    #[error("file and ledger say the same about {0} already")]
    Same(Version),
    /// The version is not applied.
    #[error("{0} is not applied: there is nothing that it was edited from")]
    NotApplied(Version),
    /// The version has no file, or its file has another version.
    #[error("{0} has no file that could be accepted")]
    NoFile(Version),
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] ReadError),
}

/// Returns what accepting the file of `version` means.
///
/// # Errors
/// [`NotAccepted`].
pub fn acceptance(set: &Set, state: AppliedState, version: &Version) -> Result<Acceptance, NotAccepted> {
    let AppliedState::Rows(entries) = state else {
        return Err(match set.get(version) {
            Some(_) => NotAccepted::Same(version.clone()),
            None => NotAccepted::NoFile(version.clone()),
        });
    };
    let Some(before) = entries.iter().find(|entry| entry.version == *version) else {
        return Err(NotAccepted::NotApplied(version.clone()));
    };
    let file = set.get(version).ok_or_else(|| NotAccepted::NoFile(version.clone()))?;
    let text = file.read()?;
    let is_cosmetic = match verdict(file, &text, before) {
        Verdict::Same => return Err(NotAccepted::Same(version.clone())),
        verdict => verdict == Verdict::Cosmetic,
    };
    Ok(Acceptance {
        before: before.clone(),
        name: file.name.clone(),
        checksum: file.checksum,
        token_checksum: text.token_checksum(),
        text,
        is_cosmetic,
    })
}

fn verdict(file: &Migration, text: &Text, row: &Entry) -> Verdict {
    let mark = FileMark {
        version: file.version.clone(),
        name: file.name.clone(),
        checksum: file.checksum,
        token_checksum: text.token_checksum(),
    };
    let compared = compare(&[mark], std::slice::from_ref(row));
    compared
        .first()
        .map_or(Verdict::Pending, |one: &Comparison| one.verdict)
}
