//! Files against ledger.

use crate::finding::{Finding, Severity};
use crate::ledger::{Verified, pending};

/// What is an error that otherwise is only told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strictness {
    /// An edit of form only.
    pub cosmetic: bool,
    /// A file that is not applied.
    pub pending: bool,
}

/// Returns what files and ledger disagree about. What `migrate` refuses is an error here too, by the same code.
pub fn files(verified: &Verified<'_>, strictness: Strictness) -> Vec<Finding> {
    let late = verified.late();
    let is_late = |finding: &Finding| late.iter().any(|late| late.object == finding.object);
    let pending: Vec<Finding> = verified
        .pending
        .iter()
        .map(|migration| raised(pending(migration), strictness.pending))
        .filter(|finding| !is_late(finding))
        .collect();
    let notes = verified
        .notes
        .iter()
        .map(|note| raised(note.clone(), strictness.cosmetic && note.code == "drift.cosmetic"));
    let mut findings = verified.errors.clone();
    findings.extend(notes);
    findings.extend(late);
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
