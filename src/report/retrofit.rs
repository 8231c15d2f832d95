//! What `retrofit` plans and writes.

use serde_json::{Value, json};

use crate::exit::Exit;
use crate::finding::Severity;
use crate::migration::Made;
use crate::retrofit::{Composed, Manner, Plan, Source, Step, TablePlan};

use super::document::Document;
use super::text::{DIM, GOOD, count, of_severity, printable, render_findings, sort_findings};

/// How wide names of tables are set before the column is given up.
const WIDEST: usize = 40;

/// Returns a plan for machines.
pub fn retrofit_document(plan: &Plan, files: &[Composed], catalog: &str) -> Document {
    let exit = if plan.is_stopped() { Exit::Findings } else { Exit::Done };
    let mut document = summed(Document::new("retrofit", exit), plan, files.len())
        .with("catalog", catalog)
        .with(
            "tables",
            plan.tables
                .iter()
                .map(|table| table_json(table, plan))
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

fn summed(document: Document, plan: &Plan, files: usize) -> Document {
    let ready = plan.tables.iter().filter(|table| table.missing.is_empty()).count();
    document
        .summary("tables", plan.tables.len())
        .summary("enforced", ready)
        .summary("shared", plan.shared.len())
        .summary("steps", plan.steps.len())
        .summary("files", files)
        .summary("errors", of_severity(&plan.findings, Severity::Error))
        .summary("warnings", of_severity(&plan.findings, Severity::Warning))
}

fn table_json(table: &TablePlan, plan: &Plan) -> Value {
    let steps = plan.steps.iter().filter(|step| step.tables[0] == table.name);
    json!({
        "table": table.name.to_string(),
        "column": table.column,
        "source": source(&table.source),
        "reason": table.reason,
        "rows": table.rows,
        "bytes": table.bytes,
        "missing": table.missing,
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

/// Returns a plan for people: a table to a line, then the files, then what has to be decided.
pub fn retrofit_text(plan: &Plan, files: &[Composed], in_full: bool) -> String {
    let mut text = String::new();
    let names = plan.tables.iter().map(|table| table.name.to_string().len());
    let width = names.max().unwrap_or_default().min(WIDEST);
    for table in &plan.tables {
        text.push_str(&table_text(table, width));
    }
    if !plan.shared.is_empty() {
        let names: Vec<String> = plan.shared.iter().map(ToString::to_string).collect();
        text.push_str(&format!(
            "{DIM}shared on purpose:{DIM:#} {}\n",
            printable(&names.join(", "))
        ));
    }
    if !files.is_empty() {
        text.push_str(&format!("\n{} to write, in this order:\n", count(files.len(), "file")));
    }
    for file in files {
        text.push_str(&file_text(file));
        if in_full {
            text.push_str(&format!("\n{}\n", file.text));
        }
    }
    let mut findings = plan.findings.clone();
    sort_findings(&mut findings);
    if !findings.is_empty() {
        text.push_str(&format!("\n{}", render_findings(&findings)));
    }
    text.push_str(&last_line(plan, files));
    text
}

fn table_text(table: &TablePlan, width: usize) -> String {
    let rows = table.rows.map_or_else(
        || "never analyzed".to_owned(),
        |rows| count(usize::try_from(rows).unwrap_or(usize::MAX), "row"),
    );
    let stages: Vec<&str> = table.missing.iter().map(|stage| stage.word()).collect();
    let name = printable(&table.name.to_string());
    let missing = if stages.is_empty() {
        format!("{GOOD}enforced{GOOD:#}")
    } else {
        format!("needs {}", stages.join(", "))
    };
    format!(
        "{name:width$}  {} {DIM}{}; {rows}, {} kB{DIM:#}\n  {missing}\n",
        printable(&table.column),
        printable(&source(&table.source)),
        table.bytes.div_ceil(1024),
    )
}

fn file_text(file: &Composed) -> String {
    let how = match file.stage.manner() {
        Manner::Whole => "one transaction",
        Manner::Sections => "sections",
        Manner::Rounds => "in rounds, a transaction each",
        Manner::Alone => "each statement by itself",
    };
    format!(
        "  {} {DIM}{}, {how}{DIM:#}\n",
        printable(&file.name),
        count(file.tables.len(), "table")
    )
}

/// Returns where each table is, for people.
pub fn retrofit_status_text(plan: &Plan) -> String {
    let mut text = String::new();
    let names = plan.tables.iter().map(|table| table.name.to_string().len());
    let width = names.max().unwrap_or_default().min(WIDEST);
    for table in &plan.tables {
        let name = printable(&table.name.to_string());
        let stage = match table.missing.first() {
            None => format!("{GOOD}enforced{GOOD:#}"),
            Some(next) => format!(
                "next: {} {DIM}of {}{DIM:#}",
                next.word(),
                count(table.missing.len(), "stage")
            ),
        };
        text.push_str(&format!("{name:width$}  {stage}\n"));
    }
    for table in &plan.shared {
        text.push_str(&format!(
            "{:width$}  {DIM}shared on purpose{DIM:#}\n",
            printable(&table.to_string())
        ));
    }
    let errors: Vec<_> = plan
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .cloned()
        .collect();
    if !errors.is_empty() {
        text.push_str(&format!("\n{}", render_findings(&errors)));
    }
    text
}

fn last_line(plan: &Plan, files: &[Composed]) -> String {
    let ready = plan.tables.iter().filter(|table| table.missing.is_empty()).count();
    let of = count(plan.tables.len(), "table");
    if plan.is_stopped() {
        let errors = of_severity(&plan.findings, Severity::Error);
        return format!(
            "\n{ready} of {of} enforced; {} to decide or mend before anything can be written\n",
            count(errors, "thing")
        );
    }
    if files.is_empty() {
        return format!("\n{ready} of {of} enforced; nothing to do\n");
    }
    format!("\n{ready} of {of} enforced; next: `rlsctl retrofit write`\n")
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
        .with("files", paths)
        .with("undo", undo);
    document.findings.clone_from(&plan.findings);
    (document, text)
}
