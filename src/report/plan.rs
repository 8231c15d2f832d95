//! What `migrate --plan` would do.

use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table, TableStyle};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::migrate::explain::{ExplainedFile, TableNeed};

use super::document::Document;
use super::text::{DIM, GOOD, count, printable};

/// Returns a plan for machines.
pub fn plan_document(files: &[ExplainedFile]) -> Document {
    let statements: usize = files.iter().map(|file| file.statements.len()).sum();
    let files: Vec<Value> = files.iter().map(file_json).collect();
    Document::new("plan", Exit::Done)
        .summary("pending", files.len())
        .summary("statements", statements)
        .with("files", files)
}

fn file_json(file: &ExplainedFile) -> Value {
    let needs = |tables: &[TableNeed]| -> Vec<Value> {
        tables
            .iter()
            .map(|need| json!({ "table": need.table, "lock": need.lock, "created_in_this_run": need.created }))
            .collect()
    };
    let statements: Vec<Value> = file
        .statements
        .iter()
        .map(|statement| {
            json!({
                "line": statement.line,
                "tag": statement.tag,
                "step": statement.step,
                "transactional": statement.transactional,
                "tables": needs(&statement.tables),
                "tables_unknown": statement.unknown,
            })
        })
        .collect();
    json!({
        "version": file.version,
        "name": file.name,
        "path": file.path,
        "transactions": file.transactions,
        "steps": file.steps,
        "repeated": file.repeated,
        "at_most_rounds": file.at_most_rounds,
        "scope": file.scope,
        "stands_for": file.stands_for,
        "recorded_only": file.recorded.is_some(),
        "statements": statements,
    })
}

/// Returns a plan for people.
pub fn plan_text(files: &[ExplainedFile], target: &str) -> String {
    if files.is_empty() {
        return format!("nothing to apply to {}\n", printable(target));
    }
    let mut text = format!(
        "would apply {} to {}\n",
        count(files.len(), "migration"),
        printable(target)
    );
    for file in files {
        let how = match (&file.stands_for, file.recorded, file.steps) {
            (Some(versions), Some(applied), _) => {
                format!("a baseline for {versions}, of which {applied} are applied: recorded, not run")
            }
            _ if file.repeated => match file.at_most_rounds {
                Some(most) => format!("repeated until 0 rows, one transaction a round, at most {}", many(most)),
                None => "repeated until 0 rows, one transaction a round".to_owned(),
            },
            (_, _, 0) => "one transaction".to_owned(),
            (_, _, steps) => format!("{}, outside one transaction", count(steps, "step")),
        };
        let head = format!(
            "\n{GOOD}{}{GOOD:#} {} {DIM}({how}){DIM:#}\n",
            file.version,
            printable(&file.name)
        );
        text.push_str(&head);
        if !file.statements.is_empty() {
            text.push_str(&statements(file));
        }
    }
    text
}

fn many(rounds: u64) -> String {
    count(usize::try_from(rounds).unwrap_or(usize::MAX), "round")
}

fn statements(file: &ExplainedFile) -> String {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = super::ui::stdout_width() {
        table.set_width(width);
    }
    for statement in &file.statements {
        let step = statement.step.map_or_else(String::new, |step| format!("step {step}"));
        table.add_row([
            format!(" line {}", statement.line),
            statement.tag.clone(),
            locks(&statement.tables, statement.unknown),
            step,
        ]);
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

fn locks(tables: &[TableNeed], unknown: bool) -> String {
    let mut text = String::new();
    for need in tables {
        let new = if need.created { " (new)" } else { "" };
        let separator = if text.is_empty() { "" } else { ", " };
        write!(text, "{separator}{} on {}{new}", need.lock, printable(&need.table))
            .expect("a String can be written to");
    }
    if unknown {
        text.push_str(if text.is_empty() {
            "tables unknown"
        } else {
            ", and tables unknown"
        });
    }
    text
}
