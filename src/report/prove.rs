//! What `prove` found out.

use std::collections::BTreeMap;

use comfy_table::{ContentArrangement, Table, TableStyle};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::prove::{Deed, Proof, Ruling, Verdict, findings};

use super::document::Document;
use super::fold::folded;
use super::text::{DIM, ERROR, GOOD, WARNING, count, printable, sort_findings};

/// How many reasons of what is not known are told a line each.
const TOLD: usize = 40;

/// Returns a proof for machines.
pub fn prove_document(proof: &Proof, allow_unknown: bool) -> Document {
    let (leaks, unknown) = (proof.of(Verdict::Leak), proof.of(Verdict::Unknown));
    let is_fine = leaks == 0 && (unknown == 0 || allow_unknown);
    let exit = if is_fine { Exit::Done } else { Exit::Findings };
    let mut objects: Vec<String> = proof.rulings.iter().map(|ruling| ruling.object.clone()).collect();
    objects.dedup();
    let mut document = Document::new("prove", exit)
        .summary("objects", objects.len())
        .summary("proven", proof.of(Verdict::Proven))
        .summary("leaks", leaks)
        .summary("unknown", unknown)
        .summary("probes", proof.probes)
        .with("tenants", tenants(proof))
        .with("notes", proof.notes.clone())
        .with("verdicts", serde_json::to_value(&proof.rulings).unwrap_or_default());
    document.objects = objects;
    document.findings = findings(&proof.rulings, allow_unknown);
    sort_findings(&mut document.findings);
    document
}

fn tenants(proof: &Proof) -> Value {
    proof.tenants.as_ref().map_or(
        Value::Null,
        |(one, other)| json!({ "acts": one, "is_to_be_reached": other }),
    )
}

/// Returns a proof for people: objects and commands as a matrix, then each leak with what shows it, then what is not known.
pub fn prove_text(proof: &Proof, width: Option<u16>) -> String {
    let fitting = |text: &str| width.map_or_else(|| text.to_owned(), |width| folded(text, width.into()));
    let mut text = String::new();
    if let Some((one, other)) = &proof.tenants {
        let line = format!(
            "{DIM}tenants{DIM:#} {} acts, {} is to be reached\n",
            printable(one),
            printable(other)
        );
        text.push_str(&line);
    }
    for note in &proof.notes {
        text.push_str(&format!("{WARNING}note{WARNING:#} {}\n", printable(note)));
    }
    if !proof.rulings.is_empty() {
        text.push_str(&format!("\n{}\n", matrix(&proof.rulings, width)));
    }
    for group in grouped(&proof.rulings, Verdict::Leak) {
        text.push_str(&leak(&group, &fitting));
    }
    text.push_str(&fitting(&unknown(&proof.rulings)));
    text.push_str(&fitting(&last_line(proof)));
    text
}

/// Rulings of one object and command, and of what is not known of one reason; sessions and roles are told together.
fn grouped(rulings: &[Ruling], verdict: Verdict) -> Vec<Vec<&Ruling>> {
    let mut groups: BTreeMap<(&str, Deed, &str), Vec<&Ruling>> = BTreeMap::new();
    for ruling in rulings.iter().filter(|ruling| ruling.verdict == verdict) {
        let reason = if verdict == Verdict::Leak {
            ""
        } else {
            ruling.reason.as_str()
        };
        let key = (ruling.object.as_str(), ruling.command, reason);
        groups.entry(key).or_default().push(ruling);
    }
    groups.into_values().collect()
}

fn matrix(rulings: &[Ruling], width: Option<u16>) -> String {
    let shown = Deed::ALL
        .iter()
        .filter(|deed| rulings.iter().any(|ruling| ruling.command == **deed));
    let shown: Vec<&Deed> = shown.collect();
    let mut worst: BTreeMap<&str, BTreeMap<Deed, Verdict>> = BTreeMap::new();
    for ruling in rulings {
        let cell = worst
            .entry(ruling.object.as_str())
            .or_default()
            .entry(ruling.command)
            .or_insert(ruling.verdict);
        *cell = (*cell).max(ruling.verdict);
    }
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_content_arrangement(ContentArrangement::Disabled);
    if let Some(width) = width {
        table
            .set_width(width)
            .set_content_arrangement(ContentArrangement::Dynamic);
    }
    let head = std::iter::once(String::new()).chain(shown.iter().map(|deed| deed.word().to_owned()));
    table.set_header(head.collect::<Vec<_>>());
    for (object, cells) in worst {
        let of = |deed: &&&Deed| {
            cells
                .get(**deed)
                .map_or_else(|| "-".to_owned(), |verdict| verdict.word().to_owned())
        };
        let row = std::iter::once(printable(object)).chain(shown.iter().map(|deed| of(&deed)));
        table.add_row(row.collect::<Vec<_>>());
    }
    let lines: Vec<String> = table
        .to_string()
        .split('\n')
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

/// A script stays as it is: it is to be copied.
fn leak(group: &[&Ruling], fitting: &dyn Fn(&str) -> String) -> String {
    let Some(first) = group.iter().find(|ruling| ruling.session == "tenant").or(group.first()) else {
        return String::new();
    };
    let mut text = format!(
        "\n{ERROR}LEAK{ERROR:#} {} on {} by {}: {}\n",
        first.command.word(),
        printable(&first.object),
        who(group),
        printable(&first.reason)
    );
    for (key, value) in &first.evidence {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if value.is_empty() {
            continue;
        }
        text.push_str(&format!(
            "  {DIM}{}:{DIM:#} {}\n",
            key.replace('_', " "),
            printable(&value)
        ));
    }
    let mut text = fitting(&text);
    if let Some(script) = &first.script {
        text.push_str(&format!("  {DIM}to see it, paste into psql:{DIM:#}\n"));
        for line in script.split('\n') {
            text.push_str(&format!("    {}\n", printable(line)));
        }
    }
    text
}

/// The roles and sessions of a group.
fn who(group: &[&Ruling]) -> String {
    let mut roles: Vec<&str> = group.iter().map(|ruling| ruling.role.as_str()).collect();
    let mut sessions: Vec<&str> = group.iter().map(|ruling| ruling.session.as_str()).collect();
    for list in [&mut roles, &mut sessions] {
        list.sort_unstable();
        list.dedup();
    }
    printable(&format!("{} ({})", roles.join(", "), sessions.join(", ")))
}

fn unknown(rulings: &[Ruling]) -> String {
    let groups = grouped(rulings, Verdict::Unknown);
    if groups.is_empty() {
        return String::new();
    }
    let mut text = "\n".to_owned();
    for group in groups.iter().take(TOLD) {
        let first = group[0];
        text.push_str(&format!(
            "{WARNING}UNKNOWN{WARNING:#} {} on {} by {}: {}\n",
            first.command.word(),
            printable(&first.object),
            who(group),
            printable(&first.reason)
        ));
    }
    if groups.len() > TOLD {
        text.push_str(&format!(
            "and {} more; `--format json` has all of them\n",
            groups.len() - TOLD
        ));
    }
    text
}

fn last_line(proof: &Proof) -> String {
    let of = |verdict: Verdict| proof.of(verdict);
    let numbers = format!(
        "{} proven, {}, {} unknown, by {}",
        of(Verdict::Proven),
        count(of(Verdict::Leak), "leak"),
        of(Verdict::Unknown),
        count(proof.probes, "probe")
    );
    match (of(Verdict::Leak), of(Verdict::Unknown), of(Verdict::Proven)) {
        (0, 0, 0) => {
            format!("{WARNING}nothing to prove{WARNING:#}: the roles of [tenancy] reach no table of tenants\n")
        }
        (0, 0, _) => format!("\n{GOOD}proven{GOOD:#}: {numbers}\n"),
        (0, ..) => format!("\n{WARNING}not all is known{WARNING:#}: {numbers}\n"),
        _ => format!("\n{ERROR}tenants are not apart{ERROR:#}: {numbers}\n"),
    }
}
