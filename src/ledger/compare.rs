//! Files against ledger, a version at a time.

use std::cmp::Ordering;

use crate::migration::{Checksum, TokenChecksum, Version};

use super::entry::Entry;

/// A file, as far as comparing needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMark {
    /// Its version.
    pub version: Version,
    /// Its checksum.
    pub checksum: Checksum,
    /// Its token checksum.
    pub token_checksum: TokenChecksum,
}

/// What files and ledger say about one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same content.
    Same,
    /// Other comments, white space or letter case; the same statements.
    Cosmetic,
    /// Other statements.
    Edited,
    /// In the ledger, without a file.
    MissingFile {
        /// The pending file that has the same content, if one has: the version was changed afterwards.
        restamped: Option<Version>,
    },
    /// A file that is not applied.
    Pending,
}

/// One version of either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The index of the file, if there is one.
    pub file: Option<usize>,
    /// The index of the ledger's row, if there is one.
    pub entry: Option<usize>,
    /// What they say.
    pub verdict: Verdict,
}

/// Compares files with the ledger's rows; both are in version order, and so is the result.
pub fn compare(files: &[FileMark], entries: &[Entry]) -> Vec<Comparison> {
    let mut compared = Vec::with_capacity(files.len().max(entries.len()));
    let (mut file, mut entry) = (0, 0);
    while file < files.len() || entry < entries.len() {
        let order = match (files.get(file), entries.get(entry)) {
            (Some(mark), Some(row)) => mark.version.cmp(&row.version),
            (Some(_), None) => Ordering::Less,
            _ => Ordering::Greater,
        };
        let (of_file, of_entry) = (order.is_le().then_some(file), order.is_ge().then_some(entry));
        compared.push(Comparison {
            file: of_file,
            entry: of_entry,
            verdict: match (of_file, of_entry) {
                (Some(file), Some(entry)) => same_version(&files[file], &entries[entry]),
                (Some(_), None) => Verdict::Pending,
                _ => Verdict::MissingFile { restamped: None },
            },
        });
        file += usize::from(of_file.is_some());
        entry += usize::from(of_entry.is_some());
    }
    find_restamped(&mut compared, files, entries);
    compared
}

fn same_version(file: &FileMark, entry: &Entry) -> Verdict {
    if file.checksum == entry.checksum {
        Verdict::Same
    } else if file.token_checksum == entry.token_checksum {
        Verdict::Cosmetic
    } else {
        Verdict::Edited
    }
}

/// A row without a file and a file without a row that hold the same statements are one migration under two versions.
fn find_restamped(compared: &mut [Comparison], files: &[FileMark], entries: &[Entry]) {
    let mut pending: Vec<&FileMark> = compared
        .iter()
        .filter(|one| one.verdict == Verdict::Pending)
        .filter_map(|one| files.get(one.file?))
        .collect();
    for one in compared {
        let (Verdict::MissingFile { restamped }, Some(entry)) = (&mut one.verdict, one.entry) else {
            continue;
        };
        let row = &entries[entry];
        let found = pending
            .iter()
            .position(|mark| mark.token_checksum == row.token_checksum);
        *restamped = found.map(|found| pending.remove(found).version.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Origin;
    use super::*;

    fn mark(version: &str, text: &str) -> FileMark {
        FileMark {
            version: Version::parse(version).unwrap(),
            checksum: Checksum::of(text.as_bytes()),
            token_checksum: TokenChecksum::of(text),
        }
    }

    fn entry(version: &str, text: &str) -> Entry {
        let mark = mark(version, text);
        Entry {
            version: mark.version,
            name: String::new(),
            checksum: mark.checksum,
            token_checksum: mark.token_checksum,
            origin: Origin::Migrate,
            applied_at: String::new(),
            applied_by: String::new(),
            transactional: true,
            git_commit: None,
        }
    }

    fn verdicts(files: &[(&str, &str)], rows: &[(&str, &str)]) -> Vec<Verdict> {
        let files: Vec<_> = files.iter().map(|(version, text)| mark(version, text)).collect();
        let rows: Vec<_> = rows.iter().map(|(version, text)| entry(version, text)).collect();
        compare(&files, &rows).into_iter().map(|one| one.verdict).collect()
    }

    #[test]
    fn one_verdict_a_version() {
        let files = [
            ("1", "select 1"),
            ("2", "SELECT  2;"),
            ("3", "select 33"),
            ("5", "select 5"),
            ("10", "select 10"),
        ];
        let rows = [
            ("1", "select 1"),
            ("2", "select 2"),
            ("3", "select 3"),
            ("4", "select 4"),
            ("10", "select 10"),
        ];
        let expected = [
            Verdict::Same,
            Verdict::Cosmetic,
            Verdict::Edited,
            Verdict::MissingFile { restamped: None },
            Verdict::Pending,
            Verdict::Same,
        ];
        assert_eq!(verdicts(&files, &rows), expected);
        assert_eq!(verdicts(&[], &[]), []);
    }

    #[test]
    fn the_same_statements_under_another_version_are_restamped_once() {
        let files = [("7", "select 1"), ("8", "select 2")];
        let rows = [("5", "select 1;"), ("6", "select 1")];
        let expected = [
            Verdict::MissingFile {
                restamped: Some(Version::parse("7").unwrap()),
            },
            Verdict::MissingFile { restamped: None },
            Verdict::Pending,
            Verdict::Pending,
        ];
        assert_eq!(verdicts(&files, &rows), expected);
    }
}
