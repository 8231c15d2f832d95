//! What `retrofit` plans and writes.

use serde_json::{Value, json};

use crate::exit::Exit;
use crate::finding::Severity;
use crate::migration::Made;
use crate::retrofit::{Composed, Manner, Observation, Plan, Source, Step, TablePlan};
use crate::script::RelationName;

use super::document::Document;
use super::fold::folded;
use super::observed::{observed_json, observed_text, of};
use super::text::{DIM, GOOD, count, of_severity, printable, render_findings, sort_findings};

/// How wide names of tables are set before the column is given up.
const WIDEST: usize = 40;

/// Returns a plan for machines.
pub fn retrofit_document(plan: &Plan, files: &[Composed], catalog: &str, observed: &[Observation]) -> Document {
    let exit = if plan.is_stopped() { Exit::Findings } else { Exit::Done };
    let mut document = summed(Document::new("retrofit", exit), plan, files.len())
        .with("catalog", catalog)
        .with(
            "tables",
            plan.tables
                .iter()
                .map(|table| table_json(table, plan, of(table, observed)))
                .collect::<Vec<_>>(),
        )
        .with(
            "shared",
            plan.shared.iter().map(ToString::to_string).collect::<Vec<_>>(),
        )
        .with("files", files.iter().map(file_json).collect::<Vec<_>>());
    document.findings.clone_from(&plan.findings);
    sort_findings(&mut document.findings);
    document
}

/// How many tables are enforced.
fn ready(plan: &Plan) -> usize {
    let is_ready = |table: &&TablePlan| table.missing.is_empty() && !table.is_observed;
    plan.tables.iter().filter(is_ready).count()
}

fn summed(document: Document, plan: &Plan, files: usize) -> Document {
    let ready = ready(plan);
    document
        .summary("tables", plan.tables.len())
        .summary("enforced", ready)
        .summary("observed", plan.tables.iter().filter(|table| table.is_observed).count())
        .summary("shared", plan.shared.len())
        .summary("steps", plan.steps.len())
        .summary("files", files)
        .summary("errors", of_severity(&plan.findings, Severity::Error))
        .summary("warnings", of_severity(&plan.findings, Severity::Warning))
}

fn table_json(table: &TablePlan, plan: &Plan, observed: Option<&Observation>) -> Value {
    let steps = plan.steps.iter().filter(|step| step.tables[0] == table.name);
    json!({
        "table": table.name.to_string(),
        "column": table.column,
        "source": source(&table.source),
        "reason": table.reason,
        "rows": table.rows,
        "bytes": table.bytes,
        "missing": table.missing,
        "observed": observed.map(observed_json),
        "steps": steps.map(step_json).collect::<Vec<_>>(),
    })
}

fn step_json(step: &Step) -> Value {
    json!({
        "stage": step.stage,
        "tables": step.tables.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "lock": step.lock.map(crate::script::LockMode::name),
        "statements": step.statements,
        "undo": step.undo,
        "why": step.why,
    })
}

fn file_json(file: &Composed) -> Value {
    json!({
        "name": file.name,
        "stage": file.stage,
        "manner": file.stage.manner(),
        "tables": file.tables.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "text": file.text,
        "undo": file.undo,
    })
}

/// Where the values of the tenant column come from, in a few words.
fn source(source: &Source) -> String {
    match source {
        Source::There => "has it".to_owned(),
        Source::Root => "is the tenant's own row".to_owned(),
        Source::Constant(value) => format!("all rows are of {value}"),
        Source::Expression(sql) => format!("from the expression {sql}"),
        Source::Parent { key, .. } => format!("from the row that ({}) points to", key.columns.join(", ")),
    }
}

/// What comes after a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Its files are written.
    Write,
    /// Files that are written already are applied.
    Apply,
    /// Migrations of others are applied first.
    Migrate,
}

impl Next {
    fn command(self) -> &'static str {
        match self {
            Self::Write => "rlsctl retrofit write",
            Self::Apply => "rlsctl retrofit apply",
            Self::Migrate => "rlsctl migrate",
        }
    }
}

/// Returns a plan for people: a table to a line, then the files, then what has to be decided. Lines are broken at a terminal's `width`; the files
/// themselves are not.
pub fn retrofit_text(plan: &Plan, files: &[Composed], in_full: bool, next: Next, width: Option<u16>) -> String {
    let fitting = |text: &str| width.map_or_else(|| text.to_owned(), |width| folded(text, width.into()));
    let mut text = String::new();
    let widest = widest(plan);
    for table in &plan.tables {
        text.push_str(&table_text(table, widest));
    }
    if !plan.shared.is_empty() {
        let names: Vec<String> = shared(plan).iter().map(ToString::to_string).collect();
        text.push_str(&format!(
            "{DIM}shared on purpose:{DIM:#} {}\n",
            printable(&names.join(", "))
        ));
    }
    if !files.is_empty() {
        let when = if plan.is_stopped() {
            "for what is decided"
        } else {
            "to write"
        };
        text.push_str(&format!("\n{} {when}, in this order:\n", count(files.len(), "file")));
    }
    let mut text = fitting(&text);
    let widest = files
        .iter()
        .map(|file| file.name.chars().count())
        .max()
        .unwrap_or_default();
    for file in files {
        text.push_str(&fitting(&file_text(file, widest.min(WIDEST))));
        if in_full {
            text.push_str(&format!("\n{}\n", file.text));
        }
    }
    let mut findings = plan.findings.clone();
    sort_findings(&mut findings);
    if !findings.is_empty() {
        text.push_str(&fitting(&format!("\n{}", render_findings(&findings))));
    }
    text.push_str(&fitting(&last_line(plan, files, next)));
    text
}

/// Returns the shared tables by name.
fn shared(plan: &Plan) -> Vec<&RelationName> {
    let mut names: Vec<&RelationName> = plan.shared.iter().collect();
    names.sort();
    names
}

/// How wide the column of the names is.
fn widest(plan: &Plan) -> usize {
    let names = plan.tables.iter().map(|table| table.name.to_string().chars().count());
    names.filter(|length| *length <= WIDEST).max().unwrap_or_default()
}

fn table_text(table: &TablePlan, width: usize) -> String {
    let rows = match table.rows {
        _ if table.bytes == 0 => "empty".to_owned(),
        None => format!("never analyzed, {}", size(table.bytes)),
        Some(rows) => {
            let rows = count(usize::try_from(rows).unwrap_or(usize::MAX), "row");
            format!("{rows}, {}", size(table.bytes))
        }
    };
    let source = match &table.source {
        Source::Parent { key, .. } => format!("from its parent, by {}", key.columns.join(", ")),
        other => source(other),
    };
    let stages: Vec<&str> = table.missing.iter().map(|stage| stage.word()).collect();
    let name = printable(&table.name.to_string());
    let missing = if stages.is_empty() {
        format!(
            "{GOOD}{}{GOOD:#}",
            if table.is_observed { "observed" } else { "enforced" }
        )
    } else {
        format!("needs {}", stages.join(", "))
    };
    format!(
        "{name:width$}  {} {DIM}{}; {rows}{DIM:#}\n  {missing}\n",
        printable(&table.column),
        printable(&source),
    )
}

/// Returns bytes as a person reads them: 224 kB, 1.5 GB.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    // Tenths, so that nothing is lost on the way.
    let (mut tenths, mut unit) = (bytes.saturating_mul(10).div_ceil(1024), 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths = tenths.div_ceil(1024);
        unit += 1;
    }
    let unit = UNITS[unit];
    if tenths < 100 && tenths % 10 > 0 {
        return format!("{}.{} {unit}", tenths / 10, tenths % 10);
    }
    format!("{} {unit}", tenths.div_ceil(10))
}

fn file_text(file: &Composed, width: usize) -> String {
    let how = match file.stage.manner() {
        Manner::Whole => "one transaction",
        Manner::Sections => "in sections",
        Manner::Rounds => "in rounds, a transaction each",
        Manner::Alone => "each statement by itself",
    };
    format!(
        "  {:width$}  {DIM}{}, {how}{DIM:#}\n",
        printable(&file.name),
        count(file.tables.len(), "table")
    )
}

/// Returns where each table is, for people.
pub fn retrofit_status_text(plan: &Plan, observed: &[Observation], columns: Option<u16>) -> String {
    let mut text = String::new();
    let width = widest(plan);
    for table in &plan.tables {
        let name = printable(&table.name.to_string());
        let stage = match table.missing.first() {
            _ if table.is_observed => observed_text(of(table, observed)),
            None => format!("{GOOD}enforced{GOOD:#}"),
            Some(last) if table.missing.len() == 1 => format!("next: {} {DIM}(the last stage){DIM:#}", last.word()),
            Some(next) => format!(
                "next: {} {DIM}({} left){DIM:#}",
                next.word(),
                count(table.missing.len(), "stage")
            ),
        };
        text.push_str(&format!("{name:width$}  {stage}\n"));
    }
    for table in shared(plan) {
        text.push_str(&format!(
            "{:width$}  {DIM}shared on purpose{DIM:#}\n",
            printable(&table.to_string())
        ));
    }
    let mut errors: Vec<_> = plan
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .cloned()
        .collect();
    sort_findings(&mut errors);
    if !errors.is_empty() {
        text.push_str(&format!("\n{}", render_findings(&errors)));
    }
    let ready = ready(plan);
    let undecided = match errors.len() {
        0 => String::new(),
        errors => format!("; {} to decide or mend", count(errors, "thing")),
    };
    text.push_str(&format!(
        "\n{ready} of {} enforced{undecided}\n",
        count(plan.tables.len(), "table")
    ));
    columns.map_or_else(|| text.clone(), |columns| folded(&text, columns.into()))
}

fn last_line(plan: &Plan, files: &[Composed], next: Next) -> String {
    let ready = ready(plan);
    let of = count(plan.tables.len(), "table");
    if plan.is_stopped() {
        let errors = of_severity(&plan.findings, Severity::Error);
        return format!(
            "\n{ready} of {of} enforced; {} to decide or mend before anything can be written\n",
            count(errors, "thing")
        );
    }
    if files.is_empty() && next == Next::Write {
        return format!("\n{ready} of {of} enforced; nothing to do\n");
    }
    format!("\n{ready} of {of} enforced; next: `{}`\n", next.command())
}

/// Returns what was written, or would be, for machines and for people.
pub fn retrofit_written_document(made: &[Made], plan: &Plan, is_dry: bool) -> (Document, String) {
    let paths: Vec<String> = made.iter().map(|one| one.path.display().to_string()).collect();
    let undo: Vec<String> = made
        .iter()
        .flat_map(|one| one.files.iter().filter(|file| file.path != one.path))
        .map(|file| file.path.display().to_string())
        .collect();
    let text = paths
        .iter()
        .fold(String::new(), |text, path| text + &printable(path) + "\n");
    let mut document = summed(Document::new("retrofit", Exit::Done), plan, made.len())
        .summary("written", !is_dry)
        .with("action", "write")
        .with("files", paths)
        .with("undo", undo);
    document.findings.clone_from(&plan.findings);
    (document, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_as_a_person_reads_them() {
        for (bytes, told) in [
            (0, "0 kB"),
            (1, "0.1 kB"),
            (8192, "8 kB"),
            (224 * 1024, "224 kB"),
            (3 << 19, "1.5 MB"),
            (200 << 30, "200 GB"),
            (u64::MAX, "1677722 TB"),
        ] {
            assert_eq!(size(bytes), told);
        }
    }
}
