//! Baselines among the files: which there are, and what is wrong with them on this database.

use crate::finding::Finding;
use crate::migration::directive::{Directives, directives};
use crate::migration::{Baseline, Decision, Migration, Set, Version};
use crate::script::split;

use super::verify::Verified;

/// How many versions are named in a message; the evidence has all.
const NAMED: usize = 10;

/// What a file that is no baseline does not contain; most are told by it alone.
const WORD: &str = "baseline";

/// The same for a file that may be applied although a newer one is.
const OUT_OF_ORDER: &str = "out-of-order";

/// Returns what a file stands for, if it is a baseline that can be read.
pub fn of(migration: &Migration) -> Option<Baseline> {
    let text = migration.read().ok()?;
    in_text(text.as_str())
}

/// Returns what a text stands for, if it has the directive.
pub fn in_text(text: &str) -> Option<Baseline> {
    directives_with(WORD, text)?.baseline
}

/// Whether a file says of itself that it may be applied although a newer one is.
pub(super) fn may_be_late(migration: &Migration) -> bool {
    let text = migration.read().ok();
    let directives = text.and_then(|text| directives_with(OUT_OF_ORDER, text.as_str()));
    directives.is_some_and(|directives| directives.allow_out_of_order)
}

fn directives_with(word: &str, text: &str) -> Option<Directives> {
    if !text.contains(word) {
        return None;
    }
    directives(text, &split(text).ok()?).ok()
}

/// A baseline that is not applied, and what is to be done with it here.
#[derive(Debug)]
pub struct Pending<'a> {
    /// Its file.
    pub migration: &'a Migration,
    /// The versions that it stands for.
    pub stands_for: Baseline,
    /// By what the ledger has of them.
    pub decision: Decision,
}

impl Pending<'_> {
    /// Whether it would only be recorded: it changes nothing here, wherever it stands in the order.
    pub fn is_recorded(&self) -> bool {
        matches!(self.decision, Decision::Record { .. })
    }
}

/// Returns the baselines among the pending files, which are read again for it.
pub fn pending<'a>(verified: &Verified<'a>) -> Vec<Pending<'a>> {
    let decided = |migration: &&'a Migration| {
        let stands_for = of(migration)?;
        let decision = stands_for.decide(verified.applied.iter().map(|(version, _)| version));
        Some(Pending {
            migration,
            stands_for,
            decision,
        })
    };
    verified.pending.iter().filter_map(decided).collect()
}

/// Returns what keeps pending files from being applied here: a newer one is applied, or a baseline (all of `baselines`) cannot be decided.
pub fn refused(verified: &Verified<'_>, set: &Set, baselines: &[Pending<'_>]) -> Vec<Finding> {
    let recorded: Vec<String> = baselines
        .iter()
        .filter(|one| one.is_recorded())
        .map(|one| one.migration.version.to_string())
        .collect();
    let mut findings = verified.late();
    findings.retain(|finding| !recorded.contains(&finding.object));
    for one in baselines {
        findings.extend(objections(one.migration, &one.stands_for, &one.decision, set));
    }
    findings
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
