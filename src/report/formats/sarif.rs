//! SARIF 2.1.0, as code scanning reads it: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/>.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::exit::Failure;
use crate::finding::{Finding, Location, Severity};

use super::{Told, evidence, failure_lines, sentence};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Where a finding is hung that is in no file: code scanning takes no result without one.
const NO_FILE: &str = "rlsctl.toml";

/// Returns one run: the codes as rules, the findings as results, how the command ended as its invocation.
///
/// # Panics
/// Never: a JSON value can be written.
pub(in super::super) fn sarif(told: &Told<'_>) -> String {
    let codes = codes(told.findings);
    let mut seen = BTreeMap::new();
    let results: Vec<Value> = told
        .findings
        .iter()
        .map(|finding| result(told, finding, &codes, &mut seen))
        .collect();
    let rules: Vec<Value> = codes.iter().map(|code| rule(code, told.findings)).collect();
    let run = json!({
        "tool": { "driver": { "name": "rlsctl", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
        "automationDetails": { "id": category(told), "description": { "text": description(told) } },
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation(told)],
        "results": results,
    });
    let log = json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] });
    let mut text = serde_json::to_string_pretty(&log).expect("a JSON value can be written");
    text.push('\n');
    text
}

/// Each code once, in order.
fn codes(findings: &[Finding]) -> Vec<&'static str> {
    let mut codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// What was run on what: results are matched with those of an earlier run of the same category.
fn category(told: &Told<'_>) -> String {
    let name = told.target.and_then(|target| target.name.as_deref());
    name.map_or_else(
        || format!("rlsctl/{}/", told.command),
        |name| format!("rlsctl/{}/{name}/", told.command),
    )
}

fn description(told: &Told<'_>) -> String {
    let target = told
        .target
        .map_or_else(String::new, |target| format!(" of {}", target.description));
    format!("{}{target}: {}", told.title(), told.summary)
}

fn rule(code: &'static str, findings: &[Finding]) -> Value {
    let help = findings
        .iter()
        .find(|finding| finding.code == code && !finding.help.is_empty());
    let help = help.map_or(code, |finding| finding.help.as_str());
    let words = code.replace(['.', '-'], " ");
    json!({
        "id": code,
        "shortDescription": { "text": words },
        "fullDescription": { "text": format!("{words}, as the guide of rlsctl explains it") },
        "help": { "text": help },
    })
}

fn result<'a>(
    told: &Told<'_>,
    finding: &'a Finding,
    codes: &[&'static str],
    seen: &mut BTreeMap<(&'static str, &'a str), usize>,
) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    };
    let nth = seen.entry((finding.code, &finding.object)).or_default();
    *nth += 1;
    let fingerprint = fingerprint(told, finding, *nth);
    let mut fingerprints = Map::new();
    if finding.location.is_none() {
        // Code scanning would take the line's own hash, and all findings without a file for one.
        fingerprints.insert("primaryLocationLineHash".to_owned(), fingerprint.clone().into());
    }
    fingerprints.insert("rlsctl/v1".to_owned(), fingerprint.into());
    let mut lines = vec![sentence(finding)];
    lines.extend(evidence(finding));
    if !finding.help.is_empty() {
        lines.push(format!("help: {}", super::printable(&finding.help)));
    }
    json!({
        "ruleId": finding.code,
        "ruleIndex": codes.binary_search(&finding.code).unwrap_or_default(),
        "level": level,
        "message": { "text": lines.join("\n") },
        "locations": [location(finding)],
        "partialFingerprints": fingerprints,
        "properties": { "object": finding.object, "evidence": finding.evidence },
    })
}

/// The same for the same finding in the next run: neither hashes nor times nor the place in the file are in it.
fn fingerprint(told: &Told<'_>, finding: &Finding, nth: usize) -> String {
    let target = told
        .target
        .and_then(|target| target.name.as_deref())
        .unwrap_or_default();
    let mut hash = Sha256::new();
    for part in [finding.code, &finding.object, target, &nth.to_string()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String can be written to");
        hex
    })
}

fn location(finding: &Finding) -> Value {
    let logical = json!([{ "fullyQualifiedName": finding.object }]);
    let physical = match &finding.location {
        Some(Location { path, line, column }) => physical(path, *line, *column),
        None => json!({ "artifactLocation": artifact(Path::new(NO_FILE)) }),
    };
    json!({ "physicalLocation": physical, "logicalLocations": logical })
}

fn physical(path: &Path, line: usize, column: usize) -> Value {
    json!({
        "artifactLocation": artifact(path),
        "region": { "startLine": line.max(1), "startColumn": column.max(1) },
    })
}

/// A relative path is one from the checkout's root.
fn artifact(path: &Path) -> Value {
    let path = path.strip_prefix("./").unwrap_or(path);
    if path.is_absolute() {
        json!({ "uri": format!("file://{}", uri(path)) })
    } else {
        json!({ "uri": uri(path), "uriBaseId": "%SRCROOT%" })
    }
}

/// Returns a path as RFC 3986 writes it.
fn uri(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let mut text = String::new();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

fn invocation(told: &Told<'_>) -> Value {
    let notifications: Vec<Value> = told.failure.iter().map(|failure| notification(failure)).collect();
    json!({
        "executionSuccessful": told.failure.is_none(),
        "exitCode": told.exit.code(),
        "exitCodeDescription": told.exit.meaning(),
        "toolExecutionNotifications": notifications,
    })
}

fn notification(failure: &Failure) -> Value {
    let places: Vec<Value> = failure
        .excerpt
        .iter()
        .map(|excerpt| json!({ "physicalLocation": physical(&excerpt.path, excerpt.line, excerpt.column) }))
        .collect();
    json!({ "level": "error", "message": { "text": failure_lines(failure).join("\n") }, "locations": places })
}
