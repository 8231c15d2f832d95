//! Files against ledger, a version at a time.

use std::collections::HashMap;
use std::hash::Hash;

use crate::migration::{Checksum, TokenChecksum, Version};

use super::entry::Entry;

/// A file, as far as comparing needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMark {
    /// Its version.
    pub version: Version,
    /// The rest of its name; may be empty.
    pub name: String,
    /// Its checksum.
    pub checksum: Checksum,
    /// Its token checksum.
    pub token_checksum: TokenChecksum,
}

/// What files and ledger say about one migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same content.
    Same,
    /// Other comments, white space or letter case; the same statements.
    Cosmetic,
    /// Other statements under the same version and name.
    Edited,
    /// The same version, but another migration: neither statements nor name agree.
    OtherMigration,
    /// The file has another version than the row.
    Restamped {
        /// Whether the statements are the same; else it was told by the name.
        same_statements: bool,
    },
    /// In the ledger, without a file.
    NoFile,
    /// A file that is not applied.
    Pending,
}

/// One migration of either side, or of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The index of the file, if there is one.
    pub file: Option<usize>,
    /// The index of the ledger's row, if there is one.
    pub entry: Option<usize>,
    /// What they say.
    pub verdict: Verdict,
}

/// Compares files with the ledger's rows, each in version order. Every file and every row is in the result once, in the order of the
/// versions, a row's before a file's.
///
/// What is the same under the same version is settled first. The rest is matched by content, then by name, then by version: a
/// migration that was given another version keeps its content, and two that exchanged their versions are told from two that were edited.
pub fn compare(files: &[FileMark], entries: &[Entry]) -> Vec<Comparison> {
    let mut open = Open::new(files, entries);
    open.same_versions();
    open.by_content(|file| Some(file.checksum), |entry| Some(entry.checksum));
    open.by_content(|file| Some(file.token_checksum), |entry| Some(entry.token_checksum));
    open.by_name();
    open.by_version();
    open.rest()
}

/// What is not matched yet.
struct Open<'a> {
    files: &'a [FileMark],
    entries: &'a [Entry],
    /// For each file, whether it is matched.
    file_done: Vec<bool>,
    /// For each row, whether it is matched.
    entry_done: Vec<bool>,
    /// For each row, the file of the same version.
    twins: Vec<Option<usize>>,
    compared: Vec<Comparison>,
}

impl<'a> Open<'a> {
    fn new(files: &'a [FileMark], entries: &'a [Entry]) -> Self {
        let twin = |entry: &Entry| files.binary_search_by(|file| file.version.cmp(&entry.version)).ok();
        Self {
            files,
            entries,
            file_done: vec![false; files.len()],
            entry_done: vec![false; entries.len()],
            twins: entries.iter().map(twin).collect(),
            compared: Vec::with_capacity(files.len().max(entries.len())),
        }
    }

    fn matched(&mut self, file: usize, entry: usize, verdict: Verdict) {
        self.file_done[file] = true;
        self.entry_done[entry] = true;
        self.compared.push(Comparison {
            file: Some(file),
            entry: Some(entry),
            verdict,
        });
    }

    fn open_entries(&self) -> Vec<usize> {
        (0..self.entries.len())
            .filter(|&entry| !self.entry_done[entry])
            .collect()
    }

    fn open_files(&self) -> Vec<usize> {
        (0..self.files.len()).filter(|&file| !self.file_done[file]).collect()
    }

    /// The file of the same version, if it is not matched yet.
    fn open_twin(&self, entry: usize) -> Option<usize> {
        self.twins[entry].filter(|&file| !self.file_done[file])
    }

    fn same_versions(&mut self) {
        for entry in 0..self.entries.len() {
            let Some(file) = self.twins[entry] else { continue };
            let (mark, row) = (&self.files[file], &self.entries[entry]);
            if mark.checksum == row.checksum {
                self.matched(file, entry, Verdict::Same);
            } else if mark.token_checksum == row.token_checksum {
                self.matched(file, entry, Verdict::Cosmetic);
            }
        }
    }

    fn by_content<K: Hash + Eq>(
        &mut self,
        of_file: impl Fn(&FileMark) -> Option<K>,
        of_entry: impl Fn(&Entry) -> Option<K>,
    ) {
        // Two files without statements have nothing by which one could be taken for the other.
        let nothing = TokenChecksum::of("");
        let mut files: HashMap<K, Vec<usize>> = HashMap::new();
        for file in self.open_files().into_iter().rev() {
            let mark = &self.files[file];
            if let Some(key) = of_file(mark).filter(|_| mark.token_checksum != nothing) {
                files.entry(key).or_default().push(file);
            }
        }
        for entry in self.open_entries() {
            let found = of_entry(&self.entries[entry]).and_then(|key| files.get_mut(&key)?.pop());
            if let Some(file) = found {
                self.matched(file, entry, Verdict::Restamped { same_statements: true });
            }
        }
    }

    /// A name tells only where it is the only one of its kind on both sides.
    fn by_name(&mut self) {
        let (open_files, open_entries) = (self.open_files(), self.open_entries());
        let mut files: HashMap<&str, Vec<usize>> = HashMap::new();
        for &file in &open_files {
            files.entry(&self.files[file].name).or_default().push(file);
        }
        let mut rows: HashMap<&str, usize> = HashMap::new();
        for &entry in &open_entries {
            *rows.entry(&self.entries[entry].name).or_default() += 1;
        }
        for entry in open_entries {
            let name = self.entries[entry].name.as_str();
            let twin = self.open_twin(entry);
            if let Some(file) =
                twin.filter(|&file| name.is_empty() || [name, ""].contains(&self.files[file].name.as_str()))
            {
                self.matched(file, entry, Verdict::Edited);
            } else if let (false, Some([file]), Some(1)) =
                (name.is_empty(), files.get(name).map(Vec::as_slice), rows.get(name))
            {
                self.matched(*file, entry, Verdict::Restamped { same_statements: false });
            }
        }
    }

    fn by_version(&mut self) {
        for entry in self.open_entries() {
            if let Some(file) = self.open_twin(entry) {
                self.matched(file, entry, Verdict::OtherMigration);
            }
        }
    }

    fn rest(mut self) -> Vec<Comparison> {
        let rows = self.open_entries().into_iter().map(|entry| Comparison {
            file: None,
            entry: Some(entry),
            verdict: Verdict::NoFile,
        });
        let files = self.open_files().into_iter().map(|file| Comparison {
            file: Some(file),
            entry: None,
            verdict: Verdict::Pending,
        });
        let rest: Vec<_> = rows.chain(files).collect();
        self.compared.extend(rest);
        let version = |one: &Comparison| match (one.entry, one.file) {
            (Some(entry), _) => Some(&self.entries[entry].version),
            (None, Some(file)) => Some(&self.files[file].version),
            (None, None) => None,
        };
        self.compared.sort_by(|a, b| {
            version(a)
                .cmp(&version(b))
                .then(b.entry.is_some().cmp(&a.entry.is_some()))
        });
        self.compared
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Origin;
    use super::*;

    /// Versions, names and texts; the name stands before the text.
    fn mark((version, named): &(&str, &str)) -> FileMark {
        let (name, text) = named.split_once(": ").unwrap();
        FileMark {
            version: Version::parse(version).unwrap(),
            name: name.to_owned(),
            checksum: Checksum::of(text.as_bytes()),
            token_checksum: TokenChecksum::of(text),
        }
    }

    fn entry(one: &(&str, &str)) -> Entry {
        let mark = mark(one);
        Entry {
            version: mark.version,
            name: mark.name,
            checksum: mark.checksum,
            token_checksum: mark.token_checksum,
            origin: Origin::Migrate,
            applied_at: String::new(),
            applied_by: String::new(),
            transactional: true,
            git_commit: None,
        }
    }

    /// `row -> file verdict`, with `-` where there is none.
    fn verdicts(files: &[(&str, &str)], rows: &[(&str, &str)]) -> Vec<String> {
        let marks: Vec<_> = files.iter().map(mark).collect();
        let entries: Vec<_> = rows.iter().map(entry).collect();
        let told = |one: Comparison| {
            let row = one.entry.map_or("-", |entry| rows[entry].0);
            let file = one.file.map_or("-", |file| files[file].0);
            let verdict = match one.verdict {
                Verdict::Restamped { same_statements: true } => "restamped".to_owned(),
                Verdict::Restamped { same_statements: false } => "restamped and edited".to_owned(),
                other => format!("{other:?}").to_lowercase(),
            };
            format!("{row} {file} {verdict}")
        };
        compare(&marks, &entries).into_iter().map(told).collect()
    }

    #[test]
    fn one_verdict_a_version() {
        let files = [
            ("1", "a: select 1"),
            ("2", "b: SELECT  2;"),
            ("3", "c: select 33"),
            ("5", "e: select 5"),
            ("10", "f: select 10"),
        ];
        let rows = [
            ("1", "a: select 1"),
            ("2", "b: select 2"),
            ("3", "c: select 3"),
            ("4", "d: select 4"),
            ("10", "f: select 10"),
        ];
        let expected = [
            "1 1 same",
            "2 2 cosmetic",
            "3 3 edited",
            "4 - nofile",
            "- 5 pending",
            "10 10 same",
        ];
        assert_eq!(verdicts(&files, &rows), expected);
        assert!(verdicts(&[], &[]).is_empty());
    }

    #[test]
    fn the_same_statements_under_another_version_are_restamped_once() {
        let files = [("7", "x: select 1"), ("8", "y: select 2")];
        let rows = [("5", "a: select 1;"), ("6", "b: select 1")];
        // To the letter goes before in substance.
        assert_eq!(verdicts(&files, &rows), ["5 - nofile", "6 7 restamped", "- 8 pending"]);
    }

    #[test]
    fn two_that_exchanged_their_versions_were_not_edited() {
        let files = [("1", "a: select 2"), ("2", "b: select 1"), ("3", "c: select 3")];
        let rows = [("1", "b: select 1"), ("2", "a: select 2"), ("3", "c: select 3")];
        assert_eq!(verdicts(&files, &rows), ["1 2 restamped", "2 1 restamped", "3 3 same"]);
    }

    #[test]
    fn content_goes_before_name_and_name_before_version() {
        let files = [
            ("1", "hotfix: select 9"),
            ("2", "orders: select 22"),
            ("3", "c: select 3"),
        ];
        let rows = [("1", "orders: select 2"), ("3", "c: select 3"), ("4", "x: select 9")];
        assert_eq!(
            verdicts(&files, &rows),
            ["1 2 restamped and edited", "3 3 same", "4 1 restamped"]
        );
        let files = [("905", "add_index: select 1")];
        let rows = [("905", "hotfix: select 2")];
        assert_eq!(verdicts(&files, &rows), ["905 905 othermigration"]);
        // Ledgers without names know only versions.
        let rows = [("905", ": select 2")];
        assert_eq!(verdicts(&files, &rows), ["905 905 edited"]);
    }

    #[test]
    fn neither_nothing_nor_a_common_name_tells_migrations_apart() {
        let files = [
            ("3", "a: -- nothing"),
            ("4", "update: select 1"),
            ("5", "update: select 2"),
        ];
        let rows = [("1", "b: -- nothing"), ("2", "update: select 3")];
        assert_eq!(
            verdicts(&files, &rows),
            ["1 - nofile", "2 - nofile", "- 3 pending", "- 4 pending", "- 5 pending"]
        );
    }
}
