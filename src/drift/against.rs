//! Two databases' ledgers with one another.

use crate::finding::Finding;
use crate::ledger::{Entry, FileMark, Verdict, compare};

/// Returns what two ledgers disagree about. `here` and `there` are what the two databases are called.
pub fn against(ours: &[Entry], theirs: &[Entry], here: &str, there: &str) -> Vec<Finding> {
    let marks: Vec<FileMark> = theirs.iter().map(mark).collect();
    let sides = Sides { here, there };
    compare(&marks, ours)
        .into_iter()
        .filter_map(|one| {
            let (ours, theirs) = (one.entry.map(|entry| &ours[entry]), one.file.map(|file| &theirs[file]));
            match (one.verdict, ours, theirs) {
                (Verdict::NoFile, Some(ours), _) => Some(Sides::only(ours, here, there)),
                (Verdict::Pending, _, Some(theirs)) => Some(Sides::only(theirs, there, here)),
                (verdict, Some(ours), Some(theirs)) => sides.both(verdict, ours, theirs),
                _ => None,
            }
        })
        .collect()
}

fn mark(entry: &Entry) -> FileMark {
    FileMark {
        version: entry.version.clone(),
        name: entry.name.clone(),
        checksum: entry.checksum,
        token_checksum: entry.token_checksum,
    }
}

struct Sides<'a> {
    here: &'a str,
    there: &'a str,
}

impl Sides<'_> {
    fn only(entry: &Entry, applied: &str, lacking: &str) -> Finding {
        let name = if entry.name.is_empty() {
            String::new()
        } else {
            format!("({}) ", entry.name)
        };
        let message = format!(
            "{name}is applied on {applied}, by {}, and not on {lacking}",
            entry.applied_by
        );
        let help = "have its file in the migrations folder (`rlsctl drift-check --write-missing` writes one from a ledger), \
                    then run `rlsctl migrate` where it is missing";
        Finding::error("drift.only-one", entry.version.to_string(), message, help)
            .evidence("applied_on", applied)
            .evidence("applied_at", entry.applied_at.clone())
            .evidence("checksum", entry.checksum.to_string())
    }

    fn both(&self, verdict: Verdict, ours: &Entry, theirs: &Entry) -> Option<Finding> {
        let Self { here, there } = self;
        let version = ours.version.to_string();
        let finding = match verdict {
            Verdict::Same | Verdict::NoFile | Verdict::Pending => return None,
            Verdict::Cosmetic => {
                let message = format!("differs between {here} and {there} in form only");
                Finding::info("drift.cosmetic", version, message, "nothing has to be done")
            }
            Verdict::Restamped { .. } => {
                let message = format!("has version {} on {there}", theirs.version);
                let help = "one migration must have one version: keep the one that its file has, and see `rlsctl drift-check` on the other database";
                Finding::error("drift.restamped", version, message, help)
                    .evidence("version_there", theirs.version.to_string())
            }
            Verdict::Edited | Verdict::OtherMigration => {
                let same_name = ours.name == theirs.name;
                let code = if same_name {
                    "drift.edited"
                } else {
                    "drift.same-version"
                };
                let message = format!(
                    "is not the same migration on {here} ({}) and on {there} ({})",
                    ours.name, theirs.name
                );
                let help = "compare the texts that the ledgers kept; what one database lacks goes into a new migration";
                Finding::error(code, version, message, help)
            }
        };
        Some(
            finding
                .evidence("checksum_here", ours.checksum.to_string())
                .evidence("checksum_there", theirs.checksum.to_string()),
        )
    }
}
