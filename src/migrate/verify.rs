//! Files against ledger: what is applied, what is pending, and what keeps a run from beginning.

use crate::finding::Finding;
use crate::ledger::{Baseline, Comparison, Entry, FileMark, Verdict, compare};
use crate::migration::{Checksum, Head, Migration, Set, TokenChecksum, Version};

use super::baseline;
use super::plan::AppliedState;

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
    /// What keeps a run from beginning.
    pub errors: Vec<Finding>,
    /// What is good to know.
    pub notes: Vec<Finding>,
}

impl Verified<'_> {
    /// Returns a finding for each pending file that is older than the newest applied one.
    pub fn late(&self) -> Vec<Finding> {
        let Some(newest) = &self.newest else {
            return Vec::new();
        };
        let late = self.pending.iter().filter(|migration| migration.version < *newest);
        late.map(|migration| gap(migration, newest)).collect()
    }
}

/// Returns the finding about a pending file that is older than an applied one.
pub fn gap(migration: &Migration, newest: &Version) -> Finding {
    let message = format!("is pending, but the newer {newest} is applied");
    let help = "give it a newer version, or run it where it is with `rlsctl migrate --allow-out-of-order`";
    Finding::error("drift.gap", migration.version.to_string(), message, help)
        .at(&migration.path, 1, 1)
        .evidence("newest_applied", newest.to_string())
}

/// Compares. Reads the files again only if the heads disagree.
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
        errors: Vec::new(),
        notes: Vec::new(),
    }
}

fn compared<'a>(set: &'a Set, entries: &[Entry]) -> Verified<'a> {
    let (marks, baselines): (Vec<FileMark>, Vec<Option<Baseline>>) = set.migrations.iter().map(mark).unzip();
    let baselines: Vec<(&Migration, Baseline)> = set
        .migrations
        .iter()
        .zip(baselines)
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
        errors: Vec::new(),
        notes: Vec::new(),
    };
    // Its files are gone on purpose.
    let is_squashed = |entry: &Entry| {
        set.get(&entry.version).is_none() && baselines.iter().any(|(_, baseline)| baseline.covers(&entry.version))
    };
    let is_applied = |version: &Version| entries.iter().any(|entry| entry.version == *version);
    for (migration, baseline) in baselines.iter().filter(|(it, _)| is_applied(&it.version)) {
        verified.errors.extend(baseline::overlap(migration, baseline, set));
    }
    let entries: Vec<Entry> = entries.iter().filter(|entry| !is_squashed(entry)).cloned().collect();
    let comparisons = compare(&marks, &entries);
    let restamped: Vec<&Version> = comparisons.iter().filter_map(restamped).collect();
    for comparison in &comparisons {
        let file = comparison.file.map(|file| &set.migrations[file]);
        let entry = comparison.entry.map(|entry| &entries[entry]);
        match (&comparison.verdict, file, entry) {
            (Verdict::Pending, Some(file), _) if !restamped.contains(&&file.version) => verified.pending.push(file),
            (Verdict::Edited, Some(file), Some(entry)) => verified.errors.push(edited(file, entry)),
            (Verdict::Cosmetic, Some(file), Some(entry)) => verified.notes.push(cosmetic(file, entry)),
            (Verdict::MissingFile { restamped }, _, Some(entry)) => {
                verified.errors.push(missing(entry, restamped.as_ref(), set));
            }
            _ => {}
        }
    }
    verified
}

fn restamped(comparison: &Comparison) -> Option<&Version> {
    match &comparison.verdict {
        Verdict::MissingFile { restamped } => restamped.as_ref(),
        _ => None,
    }
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
        checksum: migration.checksum,
        token_checksum,
    };
    (mark, baseline)
}

/// Returns a time stamp as the server writes it without its microseconds, which tell a person nothing.
fn to_the_second(applied_at: &str) -> String {
    let Some((before, fraction)) = applied_at.split_once('.') else {
        return applied_at.to_owned();
    };
    format!("{before}{}", fraction.trim_start_matches(|c: char| c.is_ascii_digit()))
}

fn edited(file: &Migration, entry: &Entry) -> Finding {
    let message = format!(
        "was edited after it was applied at {} by {}",
        to_the_second(&entry.applied_at),
        entry.applied_by
    );
    let help =
        "restore the file as it was applied (git log shows who changed it), and put the change into a new migration";
    with_checksums(
        Finding::error("drift.edited", file.version.to_string(), message, help),
        file,
        entry,
    )
}

fn cosmetic(file: &Migration, entry: &Entry) -> Finding {
    let message = "differs from what was applied in comments, white space or letter case only";
    let help = "nothing has to be done: the statements are the same";
    with_checksums(
        Finding::info("drift.cosmetic", file.version.to_string(), message, help),
        file,
        entry,
    )
}

fn with_checksums(finding: Finding, file: &Migration, entry: &Entry) -> Finding {
    finding
        .at(&file.path, 1, 1)
        .evidence("checksum_in_ledger", entry.checksum.to_string())
        .evidence("checksum_of_file", file.checksum.to_string())
}

fn missing(entry: &Entry, restamped: Option<&Version>, set: &Set) -> Finding {
    let version = entry.version.to_string();
    let Some(file) = restamped.and_then(|version| set.get(version)) else {
        let message = format!(
            "({}) is applied, but has no file; applied at {} by {}",
            entry.name,
            to_the_second(&entry.applied_at),
            entry.applied_by
        );
        let help = format!(
            "get the file back; the ledger has its text: select sql from rlsctl.ledger where version = '{version}'"
        );
        return Finding::error("drift.missing-file", version, message, help)
            .evidence("checksum_in_ledger", entry.checksum.to_string());
    };
    let message = format!(
        "is applied, and its statements are now in a file of version {}",
        file.version
    );
    let help = format!("give the file its version {version} back; running it under the new one would apply it twice");
    Finding::error("drift.restamped", version, message, help)
        .at(&file.path, 1, 1)
        .evidence("checksum_in_ledger", entry.checksum.to_string())
        .evidence("version_of_file", file.version.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_to_the_second() {
        for (written, told) in [
            ("2026-11-21 09:06:16.940637+00", "2026-11-21 09:06:16+00"),
            ("2026-11-21 09:06:16.9-03:30", "2026-11-21 09:06:16-03:30"),
            ("2026-11-21 09:06:16+00", "2026-11-21 09:06:16+00"),
        ] {
            assert_eq!(to_the_second(written), told);
        }
    }
}
