//! Files against ledger.

use crate::finding::{Finding, Severity};
use crate::ledger::{Verified, baseline, pending, pending_record};
use crate::migration::{Migration, Set};

/// What is an error that otherwise is only told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strictness {
    /// An edit of form only.
    pub cosmetic: bool,
    /// A file that is not applied.
    pub pending: bool,
}

/// Returns what files and ledger disagree about. What `migrate` refuses is an error here too, by the same code.
pub fn files(verified: &Verified<'_>, set: &Set, strictness: Strictness) -> Vec<Finding> {
    let baselines = baseline::pending(verified);
    let refused = baseline::refused(verified, set, &baselines);
    let notes = verified
        .notes
        .iter()
        .map(|note| raised(note.clone(), strictness.cosmetic && note.code == "drift.cosmetic"));
    let told = |migration: &&Migration| {
        let mut recorded = baselines.iter().filter(|one| one.is_recorded());
        match recorded.find(|one| one.migration.version == migration.version) {
            Some(baseline) => pending_record(migration, &baseline.stands_for),
            None => pending(migration),
        }
    };
    // What is refused is not to be applied as it is.
    let is_refused = |finding: &Finding| refused.iter().any(|refused| refused.object == finding.object);
    let pending = verified.pending.iter().map(told).filter(|finding| !is_refused(finding));
    let pending: Vec<Finding> = pending.map(|finding| raised(finding, strictness.pending)).collect();
    let mut findings = verified.errors.clone();
    findings.extend(notes);
    findings.extend(refused);
    findings.extend(pending);
    findings
}

/// Adds what another tool has applied of the pending files; these are no longer told as merely pending.
pub fn add_elsewhere(findings: &mut Vec<Finding>, elsewhere: Vec<Finding>) {
    let is_there = |finding: &Finding| elsewhere.iter().any(|other| other.object == finding.object);
    findings.retain(|finding| finding.code != "drift.pending" || !is_there(finding));
    findings.extend(elsewhere);
}

fn raised(finding: Finding, is_error: bool) -> Finding {
    Finding {
        severity: if is_error { Severity::Error } else { finding.severity },
        ..finding
    }
}
