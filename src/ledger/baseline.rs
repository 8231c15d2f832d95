//! Baselines among the files: which there are, and what is wrong with them on this database.

use crate::finding::Finding;
use crate::migration::directive::directives;
use crate::migration::{Baseline, Decision, Migration, Set, Version};
use crate::script::split;

/// How many versions are named in a message; the evidence has all.
const NAMED: usize = 10;

/// What a file that is no baseline does not contain; most are told by it alone.
const WORD: &str = "baseline";

/// Returns what a file stands for, if it is a baseline that can be read.
pub fn of(migration: &Migration) -> Option<Baseline> {
    let text = migration.read().ok()?;
    in_text(text.as_str())
}

/// Returns what a text stands for, if it has the directive.
pub fn in_text(text: &str) -> Option<Baseline> {
    if !text.contains(WORD) {
        return None;
    }
    directives(text, &split(text).ok()?).ok()?.baseline
}

/// Returns what is wrong with a pending baseline where `applied` is what the ledger has.
pub fn objections(migration: &Migration, baseline: &Baseline, decision: &Decision, set: &Set) -> Vec<Finding> {
    let version = migration.version.to_string();
    if baseline.covers(&migration.version) {
        let message = format!("stands for {baseline}, and has one of those versions itself");
        let help = "give the baseline a version of its own, newer than those it stands for";
        return vec![Finding::error("files.baseline-version", version, message, help).at(&migration.path, 1, 1)];
    }
    let mut findings = overlap(migration, baseline, set);
    if let Decision::Refuse { there, not_there } = decision {
        let message = format!(
            "stands for {baseline}; of these {} applied here, and not {}",
            named(there),
            named(not_there)
        );
        let help = "bring the database to the last of them with the files from before the squash, then run `rlsctl migrate` again";
        let texts = |versions: &[Version]| versions.iter().map(ToString::to_string).collect::<Vec<_>>();
        let finding = Finding::error("ledger.partial-baseline", version, message, help)
            .at(&migration.path, 1, 1)
            .evidence("applied", texts(there))
            .evidence("not_applied", texts(not_there));
        findings.push(finding);
    }
    findings
}

/// Returns a finding for each file whose version a baseline stands for: a new database would run both.
pub fn overlap(migration: &Migration, baseline: &Baseline, set: &Set) -> Vec<Finding> {
    let both = set
        .migrations
        .iter()
        .filter(|other| other.version != migration.version && baseline.covers(&other.version));
    both.map(|other| {
        let message = format!(
            "has a file, and {} stands for it: a new database would run both",
            migration.version
        );
        let help = "remove the file, or take its version out of the baseline's directive";
        Finding::error("files.baseline-overlap", other.version.to_string(), message, help).at(&other.path, 1, 1)
    })
    .collect()
}

fn named(versions: &[Version]) -> String {
    let names: Vec<String> = versions.iter().take(NAMED).map(ToString::to_string).collect();
    let more = match versions.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let verb = if versions.len() == 1 { "is" } else { "are" };
    format!("{}{more} {verb}", names.join(", "))
}
