//! What keeps a ledger from being adopted, and what is good to know, as findings.

use crate::finding::Finding;
use crate::ledger::{Entry, Peer, PeerTable};
use crate::migration::{Migration, Version};

use super::files::File;
use super::plan::{Class, Map, PlannedRow};
use super::rows::{Row, Said, Stored};
use super::since::Beside;

/// Whether each hash of a tool covers all files before it, so that only the first one that differs says something.
pub fn is_cumulative(peer: Peer) -> bool {
    peer == Peer::Atlas
}

fn with_ledger(finding: Finding, table: &PeerTable, row: Option<&Row>) -> Finding {
    let finding = finding.evidence("ledger", table.to_string());
    match row {
        Some(row) if row.stored.to_json().is_null() => finding,
        Some(row) => finding.evidence("stored", row.stored.to_json()),
        None => finding,
    }
}

/// A file that is not what was applied.
pub fn edited(row: &Row, file: &Migration, content_in: Option<&Migration>, table: &PeerTable) -> Finding {
    let message = match (content_in, is_cumulative(table.peer)) {
        (Some(other), _) => format!(
            "is not what {} applied: that is now in the file of version {}",
            table.peer, other.version
        ),
        (None, true) => format!(
            "or a file before it is not what {} applied (its hash covers all files up to this one)",
            table.peer
        ),
        (None, false) => format!("was edited after {} applied it", table.peer),
    };
    let help = if content_in.is_some() {
        "give the files their versions back, then run `rlsctl adopt` again"
    } else {
        "restore the file as it was applied (git log shows who changed it), and put the change into a new migration"
    };
    let mut finding = Finding::error("drift.edited", file.version.to_string(), message, help).at(&file.path, 1, 1);
    if let Some(other) = content_in {
        finding = finding.evidence("content_in", other.path.display().to_string());
    }
    with_ledger(finding, table, Some(row))
}

/// A row that is about the file of another version.
pub fn restamped(row: &Row, file: &Migration, by_content: bool, table: &PeerTable) -> Finding {
    let what = if by_content { "content" } else { "name" };
    let message = format!("is applied, and the file of version {} has its {what}", file.version);
    let help = format!(
        "if they are one migration: `rlsctl adopt --map {}={}`; running it under the new version would apply it twice",
        row.label, file.version
    );
    let finding = Finding::error("drift.restamped", &row.label, message, help)
        .at(&file.path, 1, 1)
        .evidence("version_of_file", file.version.to_string());
    with_ledger(finding, table, Some(row))
}

/// A row without a file.
pub fn missing(row: &Row, table: &PeerTable) -> Finding {
    let name = row
        .name
        .as_deref()
        .filter(|name| !name.is_empty() && *name != row.label);
    let name = name.map_or_else(String::new, |name| format!("({name}) "));
    let keeps_text = matches!(row.stored, Stored::Statements { .. });
    let help = if keeps_text {
        format!(
            "write the file from what {} kept (`supabase migration fetch`, or: select array_to_string(statements, E';\\n') from {table} where version = '{}')",
            table.peer, row.label
        )
    } else {
        "get the file back (git log --diff-filter=D shows who removed it), or name its new version with `--map`"
            .to_owned()
    };
    let finding = if row.hotfix {
        let by = row
            .applied_by
            .as_deref()
            .map_or_else(String::new, |by| format!(" by {by}"));
        let message = format!("{name}was made on the database itself{by}, and has no file");
        Finding::error("drift.hotfix", &row.label, message, help)
    } else {
        Finding::error(
            "drift.missing-file",
            &row.label,
            format!("{name}is applied, but has no file"),
            help,
        )
    };
    with_ledger(finding, table, Some(row))
}

/// A mark without the file it names.
pub fn missing_mark(version: &Version, table: &PeerTable) -> Finding {
    let help = "get the file back: without it nobody can tell which of the others come before it";
    let message = "is how far the ledger says it got, but has no file";
    with_ledger(
        Finding::error("drift.missing-file", version.to_string(), message, help),
        table,
        None,
    )
}

/// A file without a row that is older than the newest row.
pub fn gap(file: &Migration, table: &PeerTable) -> Finding {
    let message = format!("is not applied, but newer ones are, says {table}");
    let help = "give it a newer version; or leave it pending with `rlsctl adopt --allow-out-of-order`, and run it where it is with `rlsctl migrate --allow-out-of-order`";
    let finding = Finding::error("drift.gap", file.version.to_string(), message, help).at(&file.path, 1, 1);
    with_ledger(finding, table, None)
}

/// A file that our own ledger has with other content.
pub fn ours_differs(file: &Migration, entry: &Entry) -> Finding {
    let message = format!("is in rlsctl's ledger already, with other content ({})", entry.origin);
    let help =
        "restore the file as it was applied, and put the change into a new migration; `rlsctl status` shows both";
    Finding::error("drift.edited", file.version.to_string(), message, help)
        .at(&file.path, 1, 1)
        .evidence("checksum_in_ledger", entry.checksum.to_string())
        .evidence("checksum_of_file", file.checksum.to_string())
}

/// In which form the other ledger has a pending file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Under its version, and nothing speaks against its content.
    AsItIs,
    /// Under its version, with other content.
    WithOtherContent,
    /// Its content, under another version.
    UnderOtherVersion,
}

/// A pending file that the other tool has applied. `row` is its row; `None` where the ledger only says how far it got.
pub fn applied_there(file: &Migration, row: Option<&Row>, how: Held, beside: &Beside<'_>) -> Finding {
    let table = beside.table;
    let (label, again) = (
        row.map_or("", |row| row.label.as_str()),
        format!("rlsctl adopt --from {table}"),
    );
    let when = if beside.adopted.is_some() {
        "since that ledger was adopted"
    } else {
        "and that ledger was never adopted"
    };
    let what = match how {
        Held::AsItIs => String::new(),
        Held::WithOtherContent => ", with other content".to_owned(),
        Held::UnderOtherVersion => format!(", as {label}"),
    };
    let message = format!(
        "is pending here, but {} has applied it{what} ({table}), {when}; it would run a second time",
        table.peer
    );
    let mut help = match how {
        Held::AsItIs => format!("take it over, which runs nothing: `{again}`"),
        Held::WithOtherContent => format!("restore the file as it was applied, then take it over: `{again}`"),
        Held::UnderOtherVersion => {
            format!(
                "take it over, which runs nothing: `{again} --map {label}={}`",
                file.version
            )
        }
    };
    if beside.adopted.is_none() {
        help.push_str("; if that ledger is of something else: `rlsctl migrate --ignore-other-ledger`");
    }
    let mut finding = Finding::error("drift.applied-elsewhere", file.version.to_string(), message, help)
        .at(&file.path, 1, 1)
        .evidence("tool", table.peer.name());
    if let Some(row) = row {
        finding = finding.evidence("row", row.label.as_str());
        if let Some(at) = &row.applied_at {
            finding = finding.evidence("applied_at", at.as_str());
        }
    }
    with_ledger(finding, table, row)
}

/// What was said about rows or files that are not there.
pub fn useless_maps(maps: &[Map], files: &[File], said: &Said) -> Vec<Finding> {
    let mut findings = Vec::new();
    for map in maps {
        if !said.rows.iter().any(|row| map.is_of(row)) {
            let help = "name a row as the ledger has it; `rlsctl adopt --dry-run` lists them";
            findings.push(Finding::error(
                "adopt.no-such-row",
                &map.old,
                "is no row of the ledger",
                help,
            ));
        }
        if !files.iter().any(|file| file.migration.version == map.new) {
            let help = "name a version that has a file";
            let object = map.new.to_string();
            findings.push(Finding::error(
                "files.no-such-version",
                object,
                "there is no such version",
                help,
            ));
        }
    }
    findings
}

/// One note for all rows that are trusted for the same reason.
pub fn trusted(rows: &[PlannedRow], table: &PeerTable) -> Vec<Finding> {
    let mut reasons: Vec<(&'static str, usize)> = Vec::new();
    for row in rows {
        let Class::Trusted(why) = row.class else { continue };
        match reasons.iter_mut().find(|(reason, _)| *reason == why) {
            Some((_, number)) => *number += 1,
            None => reasons.push((why, 1)),
        }
    }
    let note = |(why, number): (&'static str, usize)| {
        let message = format!("{} trusted, not verified: {why}", counted(number));
        let help = "that the files are what was applied is taken on trust; from now on every change to them is seen";
        Finding::info("adopt.trusted", table.to_string(), message, help)
    };
    reasons.into_iter().map(note).collect()
}

fn counted(number: usize) -> String {
    if number == 1 {
        "1 migration is".to_owned()
    } else {
        format!("{number} migrations are")
    }
}
