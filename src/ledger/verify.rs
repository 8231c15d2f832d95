//! Files against ledger: what is applied, what is pending, and what keeps a run from beginning.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::migration::git::{self, Deletion};
use crate::migration::{Baseline, Checksum, Head, Migration, Set, TokenChecksum, Version};

use super::applied::AppliedState;
use super::baseline;
use super::compare::{FileMark, Verdict, compare};
use super::entry::Entry;
use super::findings::{cosmetic, edited, gap, no_file, other_migration, restamped};

/// What files and ledger say together.
#[derive(Debug)]
pub struct Verified<'a> {
    /// What is applied, in version order, with the ledger's checksums.
    pub applied: Vec<(Version, Checksum)>,
    /// The head over it.
    pub head: Head,
    /// The newest of it.
    pub newest: Option<Version>,
    /// The files that are not applied, in version order.
    pub pending: Vec<&'a Migration>,
    /// The rows that have no file.
    pub without_file: Vec<Entry>,
    /// What keeps a run from beginning.
    pub errors: Vec<Finding>,
    /// What is good to know.
    pub notes: Vec<Finding>,
}

impl Verified<'_> {
    /// Whether what is applied is files of this folder, as they are, and nothing else.
    pub fn is_of_files(&self, set: &Set) -> bool {
        let nothing_found = self.errors.is_empty() && self.notes.is_empty();
        nothing_found && self.applied.len() + self.pending.len() == set.migrations.len()
    }

    /// Returns the head that a database has when all files and nothing else are applied. It is not computed again where that is so here.
    pub fn head_of_files(&self, set: &Set) -> Head {
        if self.pending.is_empty() && self.is_of_files(set) {
            self.head
        } else {
            set.head()
        }
    }

    /// Returns a finding for each pending file that is older than the newest applied one, and does not say that it may be.
    pub(super) fn late(&self) -> Vec<Finding> {
        let Some(newest) = &self.newest else {
            return Vec::new();
        };
        let late = self.pending.iter().filter(|migration| migration.version < *newest);
        late.filter(|migration| !baseline::may_be_late(migration))
            .map(|migration| gap(migration, newest))
            .collect()
    }
}

/// Compares. Reads the files again only if the heads disagree, and asks git only about rows without a file.
pub fn verify(set: &Set, applied: AppliedState) -> Verified<'_> {
    match applied {
        AppliedState::First { count, head } => agreed(set, count, head),
        AppliedState::Rows(entries) => compared(set, &entries),
    }
}

fn agreed(set: &Set, count: usize, head: Head) -> Verified<'_> {
    let (done, pending) = set.migrations.split_at(count);
    Verified {
        applied: done
            .iter()
            .map(|migration| (migration.version.clone(), migration.checksum))
            .collect(),
        head,
        newest: done.last().map(|migration| migration.version.clone()),
        pending: pending.iter().collect(),
        without_file: Vec::new(),
        errors: Vec::new(),
        notes: Vec::new(),
    }
}

fn compared<'a>(set: &'a Set, entries: &[Entry]) -> Verified<'a> {
    let (marks, baselines): (Vec<FileMark>, Vec<Option<Baseline>>) = set.migrations.iter().map(mark).unzip();
    let with_file = set.migrations.iter().zip(baselines);
    let baselines: Vec<(&Migration, Baseline)> = with_file
        .filter_map(|(migration, baseline)| Some((migration, baseline?)))
        .collect();
    let mut verified = Verified {
        applied: entries
            .iter()
            .map(|entry| (entry.version.clone(), entry.checksum))
            .collect(),
        head: Head::of(entries.iter().map(|entry| (&entry.version, &entry.checksum))),
        newest: entries.last().map(|entry| entry.version.clone()),
        pending: Vec::new(),
        without_file: Vec::new(),
        errors: Vec::new(),
        notes: Vec::new(),
    };
    // Its files are gone on purpose.
    let is_squashed = |entry: &Entry| {
        set.get(&entry.version).is_none() && baselines.iter().any(|(_, baseline)| baseline.covers(&entry.version))
    };
    let is_applied = |version: &Version| entries.iter().any(|entry| entry.version == *version);
    for (migration, stands_for) in baselines.iter().filter(|(it, _)| is_applied(&it.version)) {
        verified.errors.extend(baseline::overlap(migration, stands_for, set));
    }
    let entries: Vec<Entry> = entries.iter().filter(|entry| !is_squashed(entry)).cloned().collect();
    let mut history = None;
    for one in compare(&marks, &entries) {
        let file = one.file.map(|file| &set.migrations[file]);
        let entry = one.entry.map(|entry| &entries[entry]);
        match (one.verdict, file, entry) {
            (Verdict::Pending, Some(file), _) => verified.pending.push(file),
            (Verdict::Cosmetic, Some(file), Some(entry)) => verified.notes.push(cosmetic(file, entry)),
            (Verdict::Edited, Some(file), Some(entry)) => verified.errors.push(edited(file, entry)),
            (Verdict::OtherMigration, Some(file), Some(entry)) => verified.errors.push(other_migration(file, entry)),
            (Verdict::Restamped { same_statements }, Some(file), Some(entry)) => {
                verified.errors.push(restamped(file, entry, same_statements));
            }
            (Verdict::NoFile, _, Some(entry)) => {
                let history = history.get_or_insert_with(|| git::deletions(&set.dir, set.layout));
                verified.errors.push(without_file(entry, history.as_ref()));
                verified.without_file.push(entry.clone());
            }
            _ => {}
        }
    }
    verified
}

/// A row whose file was never in the repository came from somewhere else: a hotfix. Where there is no repository to ask, a row that
/// was written by running a file is taken to have lost it.
fn without_file(entry: &Entry, history: Option<&BTreeMap<Version, Deletion>>) -> Finding {
    let deletion = history.and_then(|history| history.get(&entry.version));
    no_file(entry, deletion, history.is_some())
}

/// A file that cannot be read any more has no tokens that could be equal to any other's.
fn mark(migration: &Migration) -> (FileMark, Option<Baseline>) {
    let unreadable = || TokenChecksum::of(&format!("'{}'", migration.path.display()));
    let (token_checksum, baseline) = migration.read().map_or_else(
        |_| (unreadable(), None),
        |text| (text.token_checksum(), baseline::in_text(text.as_str())),
    );
    let mark = FileMark {
        version: migration.version.clone(),
        name: migration.name.clone(),
        checksum: migration.checksum,
        token_checksum,
    };
    (mark, baseline)
}
