//! Verdicts as findings, for the formats that know nothing else.

use std::collections::BTreeMap;

use crate::finding::{Finding, Severity};

use super::verdict::{Deed, Ruling, Verdict};

/// Returns a finding for each object, role and command that leaks or of which nothing can be said: sessions are told together, the worst first.
/// What is not known weighs less where that is allowed.
pub fn findings(rulings: &[Ruling], allow_unknown: bool) -> Vec<Finding> {
    let mut groups: BTreeMap<(&str, &str, Deed, Verdict), Vec<&Ruling>> = BTreeMap::new();
    for ruling in rulings.iter().filter(|ruling| ruling.verdict != Verdict::Proven) {
        let key = (
            ruling.object.as_str(),
            ruling.role.as_str(),
            ruling.command,
            ruling.verdict,
        );
        groups.entry(key).or_default().push(ruling);
    }
    groups
        .into_values()
        .filter_map(|group| one(&group, allow_unknown))
        .collect()
}

fn one(group: &[&Ruling], allow_unknown: bool) -> Option<Finding> {
    let first = group
        .iter()
        .find(|ruling| ruling.session == "tenant")
        .or(group.first())?;
    let is_leak = first.verdict == Verdict::Leak;
    let code = match (is_leak, first.command) {
        (false, _) => "prove.unknown",
        (_, Deed::Select) => "leak.read",
        (_, Deed::Insert) => "leak.insert",
        (_, Deed::Update) => "leak.update",
        (_, Deed::Delete) => "leak.delete",
        (_, Deed::Truncate) => "leak.truncate",
        (_, Deed::Execute) => "leak.execute",
    };
    let (role, session, reason) = (&first.role, &first.session, &first.reason);
    let message = if is_leak {
        format!("{role}, session {session}: {reason}")
    } else {
        format!("{} by {role}, session {session}: {reason}", first.command.word())
    };
    let help = if is_leak {
        "paste the script into psql to see it; mend the policy or the privilege, and run it again"
    } else {
        "see to what the reason says, and run it again; `--allow-unknown` passes over it"
    };
    let mut finding = Finding::error(code, first.object.as_str(), message, help);
    if !is_leak {
        finding.severity = if allow_unknown {
            Severity::Info
        } else {
            Severity::Warning
        };
    }
    finding
        .evidence
        .extend(first.evidence.iter().map(|(key, value)| (*key, value.clone())));
    let sessions: Vec<&str> = group.iter().map(|ruling| ruling.session.as_str()).collect();
    finding = finding.evidence("sessions", sessions);
    if let Some(script) = &first.script {
        finding = finding.evidence("script", script.as_str());
    }
    Some(finding)
}
