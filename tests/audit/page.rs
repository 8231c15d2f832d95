//! `docs/audit.md` has every code, and no other.

use std::collections::BTreeSet;

use fs_err as fs;
use rlsctl::audit::rules;

/// Told by the command itself, where a dump is not whole.
const OF_THE_COMMAND: &str = "audit.not-restored";

#[test]
fn every_code_is_in_the_table_and_can_be_explained() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/audit.md");
    let text = fs::read_to_string(path).unwrap();
    let mut known: BTreeSet<&str> = rules().flat_map(|rule| rule.codes).copied().collect();
    assert!(known.insert(OF_THE_COMMAND));
    let codes = regex::Regex::new(r"`((?:leak|rls|view|function|grants|perf|audit)\.[a-z-]+)`").unwrap();
    let told: BTreeSet<&str> = codes
        .captures_iter(&text)
        .map(|found| found.get(1).unwrap().as_str())
        .filter(|code| *code != "audit.md")
        .collect();
    assert_eq!(told, known);
    // A code is of one rule.
    let count: usize = rules().map(|rule| rule.codes.len()).sum();
    assert_eq!(count + 1, known.len());
    assert!(rules().all(|rule| !rule.explanation.contains('\n') && rule.explanation.ends_with('.')));
}
