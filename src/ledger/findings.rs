//! What files and ledger disagree in, in words.

use crate::finding::Finding;
use crate::migration::git::Deletion;
use crate::migration::{Baseline, Migration, Version};

use super::entry::{Entry, Origin};

/// Returns the finding about a pending file that is older than an applied one.
pub fn gap(migration: &Migration, newest: &Version) -> Finding {
    let message = format!("is pending, but the newer {newest} is applied");
    let help = "give it a newer version, or run it where it is with `rlsctl migrate --allow-out-of-order`";
    Finding::error("drift.gap", migration.version.to_string(), message, help)
        .at(&migration.path, 1, 1)
        .evidence("newest_applied", newest.to_string())
}

/// Returns the finding about a file that is not applied.
pub fn pending(migration: &Migration) -> Finding {
    let message = format!("{}is pending", in_brackets(&migration.name));
    Finding::info(
        "drift.pending",
        migration.version.to_string(),
        message,
        "apply it with `rlsctl migrate`",
    )
    .at(&migration.path, 1, 1)
}

/// Returns the finding about a baseline that is not applied, and will not run: what it stands for is there.
pub fn pending_record(migration: &Migration, stands_for: &Baseline) -> Finding {
    let message = format!(
        "{}is pending, and would only be recorded: it stands for {stands_for}, which are applied",
        in_brackets(&migration.name)
    );
    Finding {
        message,
        help: "`rlsctl migrate` records it; nothing of it runs".to_owned(),
        ..pending(migration)
    }
    .evidence("stands_for", stands_for.to_string())
}

pub(super) fn edited(file: &Migration, entry: &Entry) -> Finding {
    let version = file.version.to_string();
    let message = format!("was edited after it was {}", applied(entry));
    let help = format!(
        "restore the file as it was applied and put the change into a new migration; or, if it is meant to be so, \
         `rlsctl accept {version} --reason '...'`"
    );
    with_checksums(Finding::error("drift.edited", version, message, help), file, entry)
}

pub(super) fn cosmetic(file: &Migration, entry: &Entry) -> Finding {
    let version = file.version.to_string();
    let message = "differs from what was applied in comments, white space or letter case only";
    let help = "nothing has to be done; `rlsctl accept VERSION --reason '...'` records the new form";
    with_checksums(Finding::info("drift.cosmetic", version, message, help), file, entry)
}

pub(super) fn other_migration(file: &Migration, entry: &Entry) -> Finding {
    let version = file.version.to_string();
    let message = format!(
        "is another migration in the ledger ({}, {}) than in the files ({})",
        entry.name,
        applied(entry),
        file.name
    );
    let help = format!(
        "both are needed: give the file a newer version, then write the one that was applied with \
         `rlsctl drift-check --write-missing` as {version}"
    );
    with_checksums(
        Finding::error("drift.same-version", version, message, help),
        file,
        entry,
    )
    .evidence("name_in_ledger", entry.name.clone())
    .evidence("name_of_file", file.name.clone())
}

pub(super) fn restamped(file: &Migration, entry: &Entry, same_statements: bool) -> Finding {
    let version = entry.version.to_string();
    let what = if same_statements {
        "its statements are"
    } else {
        "a migration of its name, with other statements, is"
    };
    let message = format!("is applied, and {what} now in a file of version {}", file.version);
    let help = format!("give the file its version {version} back; running it under the new one would apply it twice");
    with_checksums(Finding::error("drift.restamped", version, message, help), file, entry)
        .evidence("version_of_file", file.version.to_string())
}

/// A row without a file. `asked` says whether there was a repository to ask, `deletion` what it said.
pub(super) fn no_file(entry: &Entry, deletion: Option<&Deletion>, asked: bool) -> Finding {
    let version = entry.version.to_string();
    let name = in_brackets(&entry.name);
    let write = "`rlsctl drift-check --write-missing` writes the file from the ledger's text";
    let finding = match deletion {
        Some(deletion) => {
            let message = format!(
                "{name}is applied, but has no file; {} took it out on {} ({})",
                deletion.author, deletion.date, deletion.commit
            );
            let path = deletion.path.display();
            let help = format!(
                "get it back: `git checkout {}^ -- :/{path}`; or {write}",
                deletion.commit
            );
            Finding::error("drift.missing-file", version, message, help).evidence("deleted_in", deletion.commit.clone())
        }
        None if asked || entry.origin != Origin::Migrate => {
            let message = format!("{name}is a hotfix: {}, and no file of it was ever here", applied(entry));
            Finding::error("drift.hotfix", version, message, write)
        }
        None => {
            let message = format!("{name}is applied, but has no file; {}", applied(entry));
            Finding::error(
                "drift.missing-file",
                version,
                message,
                format!("get the file back; or {write}"),
            )
        }
    };
    finding.evidence("checksum_in_ledger", entry.checksum.to_string())
}

fn in_brackets(name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!("({name}) ")
    }
}

fn applied(entry: &Entry) -> String {
    format!(
        "applied at {} by {}",
        to_the_second(&entry.applied_at),
        entry.applied_by
    )
}

fn with_checksums(finding: Finding, file: &Migration, entry: &Entry) -> Finding {
    finding
        .at(&file.path, 1, 1)
        .evidence("checksum_in_ledger", entry.checksum.to_string())
        .evidence("checksum_of_file", file.checksum.to_string())
}

/// Returns a time stamp as the server writes it without its microseconds, which tell a person nothing.
fn to_the_second(applied_at: &str) -> String {
    let Some((before, fraction)) = applied_at.split_once('.') else {
        return applied_at.to_owned();
    };
    format!("{before}{}", fraction.trim_start_matches(|c: char| c.is_ascii_digit()))
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
