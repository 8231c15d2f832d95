//! Drizzle's journal, which says which files are migrations and in which order they run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;

use super::collect::{Candidate, Collected};
use super::layout::Layout;
use super::listing::{Entry, EntryKind};
use super::name::{Kind, classify};
use super::problem::Problem;
use super::version::Version;

/// `meta/_journal.json`, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(super) struct Journal {
    pub dialect: Option<String>,
    pub entries: Vec<JournalEntry>,
}

/// One migration of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct JournalEntry {
    /// Its place, from 0.
    pub idx: u64,
    /// The format of its snapshot.
    pub version: Option<String>,
    /// When it was made, in milliseconds since 1970.
    pub when: u64,
    /// The name of its file without `.sql`.
    pub tag: String,
}

/// Returns where the journal of a folder is.
pub(super) fn journal_path(dir: &Path) -> PathBuf {
    dir.join("meta").join("_journal.json")
}

/// Returns when each migration of a Drizzle folder was made, in milliseconds since 1970, by its tag: what its ledger knows it by.
///
/// Newer releases have no journal, and take the time from the folder's name. A folder without either has no times.
pub fn drizzle_times(dir: &Path) -> HashMap<String, i64> {
    let journal = std::fs::read_to_string(journal_path(dir))
        .ok()
        .and_then(|text| parse(&text).ok());
    if let Some(journal) = journal {
        let times = journal.entries.into_iter();
        return times
            .filter_map(|entry| Some((entry.tag, i64::try_from(entry.when).ok()?)))
            .collect();
    }
    let names = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter_map(|name| Some((name.clone(), folder_time(&name)?)))
        .collect()
}

/// Returns the time that the name of a folder begins with, fourteen digits in UTC.
fn folder_time(name: &str) -> Option<i64> {
    let time = jiff::fmt::strtime::parse("%Y%m%d%H%M%S", name.get(..14)?)
        .ok()?
        .to_datetime()
        .ok()?;
    Some(
        time.to_zoned(jiff::tz::TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_millisecond(),
    )
}

/// Reads the text of a journal.
pub(super) fn parse(text: &str) -> Result<Journal, String> {
    let journal: Journal = serde_json::from_str(text).map_err(|error| format!("is not a journal: {error}"))?;
    let bad = journal
        .entries
        .iter()
        .find(|entry| entry.tag.is_empty() || entry.tag.contains(['/', '\\', '\0']));
    match bad {
        Some(entry) => Err(format!(
            "entry {} has the tag `{}`, which is no file name",
            entry.idx, entry.tag
        )),
        None => Ok(journal),
    }
}

/// Returns the text of a journal with one more migration at its end, and every other character as it was.
///
/// # Errors
/// The text is no journal, or one whose entries do not stand at its end.
pub(super) fn extend(text: &str, tag: &str, now: Timestamp) -> Result<String, String> {
    let journal = parse(text)?;
    let last = journal.entries.last();
    let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
    let added = JournalEntry {
        idx: last.map_or(0, |last| last.idx + 1),
        version: last.and_then(|last| last.version.clone()),
        // Drizzle runs what is newer than the newest it has run; a clock that went back must not hide a migration from it.
        when: now.max(last.map_or(0, |last| last.when + 1)),
        tag: tag.to_owned(),
    };
    let end = text.rfind(']').ok_or("has no entries")?;
    let kept = text[..end].trim_end();
    let comma = if journal.entries.is_empty() { "" } else { "," };
    let version = added.version.as_deref().unwrap_or("7");
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let entry = format!(
        "{comma}\n    {{\n      \"idx\": {},\n      \"version\": {},\n      \"when\": {},\n      \"tag\": {},\n      \
         \"breakpoints\": true\n    }}\n  ",
        added.idx,
        quoted(version),
        added.when,
        quoted(tag),
    );
    let extended = format!("{kept}{entry}{}", &text[end..]);
    let check = parse(&extended)?;
    let is_right = check
        .entries
        .split_last()
        .is_some_and(|(end, kept)| end.tag == tag && kept == journal.entries);
    if is_right {
        Ok(extended)
    } else {
        Err("does not end with its entries".to_owned())
    }
}

/// Sorts what lies in a Drizzle folder.
///
/// From version 1, each migration is a folder and there is no journal (the release's upgrade guide, and drizzle-orm discussion 2832).
pub(super) fn collect(dir: &Path, entries: Vec<Entry>, collected: &mut Collected) {
    let path = journal_path(dir);
    match std::fs::read_to_string(&path) {
        Ok(text) => match parse(&text) {
            Ok(journal) => by_journal(dir, &path, &journal, entries, collected),
            Err(reason) => collected.problems.push(Problem::BadJournal { path, reason }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let has_scripts = entries
                .iter()
                .any(|entry| entry.kind == EntryKind::File && entry.is_sql());
            if has_scripts {
                collected.problems.push(Problem::MissingScript {
                    path,
                    needed_by: dir.to_owned(),
                });
            }
            collected.folders(Layout::Drizzle, entries);
        }
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            collected.problems.push(Problem::BadJournal {
                path,
                reason: "is not UTF-8".to_owned(),
            });
        }
        Err(error) => collected.problems.push(Problem::from_io(&path, &error)),
    }
}

fn by_journal(dir: &Path, path: &Path, journal: &Journal, entries: Vec<Entry>, collected: &mut Collected) {
    if let Some(dialect) = journal
        .dialect
        .as_deref()
        .filter(|dialect| !matches!(*dialect, "postgresql" | "pg"))
    {
        let problem = Problem::OtherDatabase {
            path: path.to_owned(),
            dialect: dialect.to_owned(),
        };
        collected.problems.push(problem);
    }
    let mut files: HashMap<String, Entry> = HashMap::new();
    for entry in entries {
        if entry.is_sql() || (entry.kind == EntryKind::Folder && entry.path().join("migration.sql").exists()) {
            files.insert(entry.name.clone(), entry);
        } else {
            collected.ignore(entry);
        }
    }
    let mut previous: Option<(Version, PathBuf)> = None;
    for listed in &journal.entries {
        let file_name = format!("{}.sql", listed.tag);
        let script = dir.join(&file_name);
        let (version, name) = named(listed, &file_name);
        if let Some((_, first)) = previous.take().filter(|(before, _)| *before > version) {
            collected.problems.push(Problem::JournalOrder {
                journal: path.to_owned(),
                first,
                second: script.clone(),
            });
        }
        previous = Some((version.clone(), script.clone()));
        match files.remove(&file_name).map(|entry| entry.kind) {
            Some(EntryKind::File) => collected.candidates.push(Candidate::new(version, name, script)),
            Some(EntryKind::Broken(problem) | EntryKind::Wrong(problem)) => collected.problems.push(problem),
            Some(EntryKind::Folder | EntryKind::Special) => collected.problems.push(Problem::NotAFile { path: script }),
            None => collected.problems.push(Problem::MissingScript {
                path: script,
                needed_by: path.to_owned(),
            }),
        }
    }
    for (_, entry) in files {
        let script = if entry.kind == EntryKind::Folder {
            entry.path().join("migration.sql")
        } else {
            entry.path()
        };
        collected.problems.push(Problem::NotInJournal {
            path: script,
            journal: path.to_owned(),
        });
    }
}

/// Returns version and name of an entry. Projects that set `prefix: "none"` have tags without a number; their place is the version.
fn named(entry: &JournalEntry, file_name: &str) -> (Version, String) {
    if let Kind::Migration { version, name } = classify(Layout::Drizzle, file_name) {
        return (version, name);
    }
    let version = Version::parse(&entry.idx.to_string()).expect("a number is a version");
    (version, entry.tag.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOURNAL: &str = "{\n  \"version\": \"7\",\n  \"dialect\": \"postgresql\",\n  \"entries\": [\n    {\n      \"idx\": 0,\n      \
                           \"version\": \"7\",\n      \"when\": 1700000000000,\n      \"tag\": \"0000_init\",\n      \"breakpoints\": true\n    \
                           }\n  ]\n}";

    #[test]
    fn extends_a_journal_and_leaves_the_rest_as_it_is() {
        let extended = extend(
            JOURNAL,
            "0001_next",
            Timestamp::from_millisecond(1_700_000_000_500).unwrap(),
        )
        .unwrap();
        let added = ",\n    {\n      \"idx\": 1,\n      \"version\": \"7\",\n      \"when\": 1700000000500,\n      \
                     \"tag\": \"0001_next\",\n      \"breakpoints\": true\n    }\n  ]\n}";
        assert_eq!(extended, JOURNAL.replace("\n  ]\n}", added));
        let earlier = extend(JOURNAL, "0001_next", Timestamp::from_millisecond(1).unwrap()).unwrap();
        assert!(
            earlier.contains("1700000000001"),
            "a clock that went back does not matter"
        );
    }

    #[test]
    fn extends_an_empty_journal() {
        let text = extend("{\"entries\":[]}", "0000_init", Timestamp::from_millisecond(5).unwrap()).unwrap();
        assert_eq!(parse(&text).unwrap().entries.len(), 1);
    }

    #[test]
    fn times_come_from_the_journal_or_the_folders() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("20240115093000_tenants")).unwrap();
        assert_eq!(
            drizzle_times(dir.path()),
            HashMap::from([("20240115093000_tenants".to_owned(), 1_705_311_000_000)])
        );
        std::fs::create_dir_all(dir.path().join("meta")).unwrap();
        std::fs::write(journal_path(dir.path()), JOURNAL).unwrap();
        assert_eq!(
            drizzle_times(dir.path()),
            HashMap::from([("0000_init".to_owned(), 1_700_000_000_000)])
        );
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        let now = Timestamp::from_millisecond(5).unwrap();
        for text in [
            "",
            "{}",
            "[]",
            "{\"entries\":[],\"more\":[]}",
            "{\"entries\":[{\"idx\":0,\"when\":1,\"tag\":\"../x\"}]}",
        ] {
            assert!(extend(text, "0001_next", now).is_err(), "{text}");
        }
    }
}
