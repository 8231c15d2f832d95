//! What `adopt` does, did, or has done before.

use serde_json::{Value, json};

use crate::adopt::{Class, Plan, PlannedRow};
use crate::exit::Exit;
use crate::ledger::PeerTable;

use super::document::Document;
use super::text::{DIM, GOOD, count, printable};

/// How many migrations are listed before the rest is only counted.
const LISTED: usize = 15;

/// What became of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// It was only asked for.
    Planned,
    /// It was carried out.
    Done,
    /// There was nothing to do: all rows are in our ledger.
    Already,
}

/// Returns an adoption for machines.
pub fn adoption_document(plan: &Plan, adoption: Adoption) -> Document {
    let migrations: Vec<Value> = plan.rows.iter().map(|row| migration(row, plan)).collect();
    let pending: Vec<Value> = plan
        .pending
        .iter()
        .map(|(version, name)| json!({ "version": version.to_string(), "name": name }))
        .collect();
    let mut document = Document::new("adopt", Exit::Done)
        .summary("adopted", plan.rows.len())
        .summary("verified", plan.verified())
        .summary("trusted", plan.rows.len() - plan.verified())
        .summary("already", plan.already)
        .summary("skipped", plan.skipped)
        .summary("pending", plan.pending.len())
        .summary("head", plan.head.to_string())
        .with("dry_run", adoption == Adoption::Planned)
        .with("ledger", plan.table.to_string())
        .with("tool", plan.table.peer.name())
        .with("migrations", migrations)
        .with("pending", pending);
    document.findings.clone_from(&plan.notes);
    document
}

fn migration(row: &PlannedRow, plan: &Plan) -> Value {
    let mut value = row.detail(&plan.table);
    if let Some(fields) = value.as_object_mut() {
        fields.remove("ledger");
        fields.remove("tool");
        fields.insert("version".to_owned(), row.version.to_string().into());
        fields.insert("name".to_owned(), row.name.clone().into());
    }
    value
}

/// Returns a database that has no other ledger to adopt, for machines.
pub fn nothing_to_adopt_document() -> Document {
    Document::new("adopt", Exit::Done)
        .summary("adopted", 0)
        .with("ledger", Value::Null)
}

/// Returns an adoption for people.
pub fn adoption_text(plan: &Plan, adoption: Adoption, target: &str, folder: &str) -> String {
    let mut text = format!("{DIM}target {DIM:#} {}\n", printable(target));
    let mut line = |head: &str, body: String| text.push_str(&format!("{DIM}{head:<7}{DIM:#} {body}\n"));
    line(
        "ledger",
        format!("{} ({})", printable(&plan.table.to_string()), plan.table.peer),
    );
    line("files", printable(folder));
    if adoption == Adoption::Planned {
        for row in plan.rows.iter().take(LISTED) {
            line("", described(row));
        }
        if plan.rows.len() > LISTED {
            line("", format!("and {} more", plan.rows.len() - LISTED));
        }
    }
    let trusted = plan.rows.len() - plan.verified();
    let classes = format!("{} verified, {trusted} trusted", plan.verified());
    let adopted = count(plan.rows.len(), "migration");
    match adoption {
        Adoption::Planned => line(
            "adopt",
            format!("would take over {adopted}: {classes}; nothing was changed"),
        ),
        Adoption::Done => line("adopt", format!("{GOOD}took over {adopted}{GOOD:#}: {classes}")),
        Adoption::Already => line("adopt", "already adopted: nothing to do".to_owned()),
    }
    if plan.already > 0 {
        line("", format!("{} in rlsctl's ledger before", plan.already));
    }
    line("pending", plan.pending.len().to_string());
    line("head", plan.head.short());
    text
}

fn described(row: &PlannedRow) -> String {
    let class = match row.class {
        Class::Verified => "verified",
        Class::Trusted(_) => "trusted",
    };
    let version = row.version.to_string();
    let was = row.label.as_ref().filter(|label| **label != version);
    let was = was.map_or_else(String::new, |label| format!(" (there {})", printable(label)));
    format!(
        "{class:<8} {}{was}",
        format!("{version} {}", printable(&row.name)).trim_end()
    )
}

/// Returns the other ledgers of a database, a line each.
pub fn ledgers_text(tables: &[PeerTable]) -> Vec<String> {
    tables.iter().map(|table| format!("{table} ({})", table.peer)).collect()
}
