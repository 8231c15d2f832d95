//! What the other tool has applied on its own, and our ledger does not have yet: running it would be running it a second time.

use std::collections::{BTreeSet, HashMap};

use crate::finding::Finding;
use crate::ledger::PeerTable;
use crate::migration::{Migration, Set, Version};
use crate::pg::peers::Adopted;

use super::files::{self, File};
use super::join::{About, Joiner};
use super::rows::{Row, Said, leading_version};
use super::verdict::{self, Held};

/// What is compared with another ledger.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// The other ledger.
    pub table: &'a PeerTable,
    /// What was adopted from it; `None` if it never was.
    pub adopted: Option<&'a Adopted>,
    /// The versions that our ledger has.
    pub applied: &'a BTreeSet<&'a Version>,
    /// The versions that are pending.
    pub pending: &'a BTreeSet<&'a Version>,
}

impl Beside<'_> {
    /// Returns a finding for each pending version that the other ledger has as applied: under this version, under another one with the
    /// same content, or below the mark of a ledger that only says how far it got. The files are read only if it has something new.
    ///
    /// # Errors
    /// Findings about files that cannot be read.
    pub fn applied_there(&self, set: &Set, said: &Said) -> Result<Vec<Finding>, Vec<Finding>> {
        if self.pending.is_empty() || !self.has_news(said) {
            return Ok(Vec::new());
        }
        let files = files::load(set, self.table.peer)?;
        let mut found = self.rows(&files, said);
        found.extend(self.unfinished(&files, said));
        let named: BTreeSet<String> = found.iter().map(|finding| finding.object.clone()).collect();
        let by_mark = self.below_mark(&files, said);
        found.extend(by_mark.into_iter().filter(|finding| !named.contains(&finding.object)));
        Ok(found)
    }

    fn has_news(&self, said: &Said) -> bool {
        let adopted: BTreeSet<&str> = self.known().map(|(label, _)| label).collect();
        let is_known = |row: &Row| {
            let is_applied = row
                .version
                .as_ref()
                .is_some_and(|version| self.applied.contains(version));
            is_applied || adopted.contains(row.label.as_str())
        };
        let has_moved = self.new_mark(said).is_some();
        !said.refusals.is_empty() || has_moved || !said.rows.iter().all(is_known)
    }

    /// The rows that were adopted and are in our ledger still.
    fn known(&self) -> impl Iterator<Item = (&str, &Version)> {
        let rows = self.adopted.iter().flat_map(|adopted| &adopted.rows);
        rows.filter(|(_, version)| self.applied.contains(version))
            .map(|(label, version)| (label.as_str(), version))
    }

    fn pending<'f>(&self, files: &'f [File], index: usize) -> Option<&'f Migration> {
        let migration = &files[index].migration;
        self.pending.contains(&migration.version).then_some(migration)
    }

    fn rows(&self, files: &[File], said: &Said) -> Vec<Finding> {
        let known: HashMap<&str, &Version> = self.known().collect();
        let about = Joiner::new(self.table.peer, files, &[], known).join(&said.rows);
        let held = said.rows.iter().zip(about).filter_map(|(row, about)| {
            let (file, how) = match about {
                // A name that is the same says little about a ledger that may be of something else.
                About::File { unchecked, .. }
                    if unchecked.is_some() && row.version.is_none() && self.adopted.is_none() =>
                {
                    return None;
                }
                About::File { file, .. } => (file, Held::AsItIs),
                About::Edited { file, .. } => (file, Held::WithOtherContent),
                About::Restamped { file, by_content: true } => (file, Held::UnderOtherVersion),
                About::Restamped { by_content: false, .. } | About::Nothing => return None,
            };
            let migration = self.pending(files, file)?;
            Some(verdict::applied_there(migration, Some(row), how, self))
        });
        held.collect()
    }

    /// What the other tool began and did not finish, of what is pending.
    fn unfinished(&self, files: &[File], said: &Said) -> Vec<Finding> {
        let version_of = |label: &str| Version::parse(label).ok().or_else(|| leading_version(label).0);
        let is_pending = |finding: &&Finding| {
            let version = version_of(&finding.object);
            let index = files
                .iter()
                .position(|file| Some(&file.migration.version) == version.as_ref());
            index.is_some_and(|index| self.pending(files, index).is_some())
        };
        said.refusals.iter().filter(is_pending).cloned().collect()
    }

    /// Returns how far the ledger says it got, if that is news: not what was adopted, nor where our own run brought it as its mirror.
    fn new_mark<'s>(&self, said: &'s Said) -> Option<&'s Version> {
        let mark = &said.mark.as_ref()?.version;
        (Some(mark) > self.mark_before() && !self.applied.contains(mark)).then_some(mark)
    }

    fn mark_before(&self) -> Option<&Version> {
        self.adopted.and_then(|adopted| adopted.mark.as_ref())
    }

    /// Files that an earlier mark did not cover were not there then: a mark that moves on runs nothing behind it.
    fn below_mark(&self, files: &[File], said: &Said) -> Vec<Finding> {
        let is_between = |version: &Version| Some(version) > self.mark_before() && Some(version) <= self.new_mark(said);
        let pending = (0..files.len()).filter_map(|index| self.pending(files, index));
        pending
            .filter(|migration| is_between(&migration.version))
            .map(|migration| verdict::applied_there(migration, None, Held::AsItIs, self))
            .collect()
    }
}
