//! What `migrate --plan` would do.

use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table, TableStyle};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::migrate::explain::{Explained, ExplainedFile, ExplainedPart, Runs, TableNeed};

use super::document::Document;
use super::text::{DIM, GOOD, count, printable};

/// Returns a plan for machines.
pub fn plan_document(plan: &Explained) -> Document {
    let statements: usize = plan.files.iter().map(|file| file.statements.len()).sum();
    let files: Vec<Value> = plan.files.iter().map(file_json).collect();
    Document::new("plan", Exit::Done)
        .summary("pending", files.len())
        .summary("half_applied", half_applied(&plan.files))
        .summary("statements", statements)
        .with("single_transaction", plan.single_transaction)
        .with("tables_per_transaction", plan.tables_per_batch)
        .with("files", files)
}

fn file_json(file: &ExplainedFile) -> Value {
    let statements: Vec<Value> = file
        .statements
        .iter()
        .map(|statement| {
            json!({
                "line": statement.line,
                "tag": statement.tag,
                "step": statement.step,
                "transactional": statement.transactional,
                "finished": statement.finished,
                "tables": needs_json(&statement.tables),
                "tables_unknown": statement.unknown,
            })
        })
        .collect();
    json!({
        "version": file.version,
        "name": file.name,
        "path": file.path,
        "runs_in": runs_in(file.runs),
        "transactions": file.transactions,
        "steps": file.parts.len(),
        "steps_finished": finished(file),
        "parts": file.parts.iter().map(part_json).collect::<Vec<_>>(),
        "repeated": file.repeated,
        "at_most_rounds": file.at_most_rounds,
        "scope": file.scope,
        "stands_for": file.stands_for,
        "recorded_only": file.recorded.is_some(),
        "statements": statements,
    })
}

fn part_json(part: &ExplainedPart) -> Value {
    json!({
        "number": part.number,
        "line": part.line,
        "what": part.what,
        "section": part.section,
        "transactional": part.transactional,
        "finished": part.finished,
        "tables": needs_json(&part.tables),
        "tables_unknown": part.unknown,
    })
}

fn needs_json(tables: &[TableNeed]) -> Vec<Value> {
    let need = |need: &TableNeed| json!({ "table": need.table, "lock": need.lock.name(), "created_in_this_run": need.created });
    tables.iter().map(need).collect()
}

const fn runs_in(runs: Runs) -> &'static str {
    match runs {
        Runs::Transaction => "transaction",
        Runs::Steps => "steps",
        Runs::Rounds => "rounds",
        Runs::Sections => "sections",
        Runs::Recorded => "nothing",
    }
}

fn finished(file: &ExplainedFile) -> usize {
    file.parts.iter().filter(|part| part.finished).count()
}

fn half_applied(files: &[ExplainedFile]) -> usize {
    files.iter().filter(|file| finished(file) > 0).count()
}

/// Returns a plan for people.
pub fn plan_text(plan: &Explained, target: &str) -> String {
    let files = &plan.files;
    if files.is_empty() {
        return format!("nothing to apply to {}\n", printable(target));
    }
    let half = match half_applied(files) {
        0 => String::new(),
        half => format!(", {half} of them half applied,"),
    };
    let together = if plan.single_transaction {
        " in one transaction"
    } else {
        ""
    };
    let mut text = format!(
        "would apply {}{half} to {}{together}\n",
        count(files.len(), "migration"),
        printable(target)
    );
    for file in files {
        let head = format!(
            "\n{GOOD}{}{GOOD:#} {} {DIM}({}){DIM:#}\n",
            file.version,
            printable(&file.name),
            how(file, plan),
        );
        text.push_str(&head);
        if !file.statements.is_empty() {
            text.push_str(&rows(file));
        }
    }
    text
}

fn many(rounds: u64) -> String {
    count(usize::try_from(rounds).unwrap_or(usize::MAX), "round")
}

/// How a file runs, in a few words.
fn how(file: &ExplainedFile, plan: &Explained) -> String {
    let parts = file.parts.len();
    let mut how = match (file.runs, &file.stands_for, file.recorded) {
        (Runs::Recorded, Some(versions), Some(applied)) => {
            format!("a baseline for {versions}, of which {applied} are applied: recorded, not run")
        }
        (Runs::Recorded, ..) => "recorded, not run".to_owned(),
        (Runs::Transaction, ..) if plan.single_transaction => "in the one transaction".to_owned(),
        (Runs::Transaction, ..) => "one transaction".to_owned(),
        (Runs::Rounds, ..) => match file.at_most_rounds {
            Some(most) => format!("repeated until 0 rows, one transaction a round, at most {}", many(most)),
            None => "repeated until 0 rows, one transaction a round".to_owned(),
        },
        (Runs::Steps, ..) => {
            let outside = file.parts.iter().filter(|part| !part.transactional).count();
            if parts == outside {
                format!("{}, outside any transaction", count(parts, "step"))
            } else {
                format!("{}, {outside} of them outside any transaction", count(parts, "step"))
            }
        }
        (Runs::Sections, ..) => format!(
            "{}, at most {} a transaction",
            count(
                file.parts.iter().filter(|part| !part.section.is_empty()).count(),
                "section"
            ),
            count(plan.tables_per_batch, "table")
        ),
    };
    match finished(file) {
        0 => {}
        done => how.push_str(&format!("; {done} of {} finished before", count(parts, "step"))),
    }
    how
}

/// A row for each statement; of a file in sections, for each section.
fn rows(file: &ExplainedFile) -> String {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = super::ui::stdout_width() {
        table.set_width(width);
    }
    let done = |finished: bool, otherwise: String| match (finished, otherwise.as_str()) {
        (false, _) => otherwise,
        (true, "") => "finished".to_owned(),
        (true, _) => format!("{otherwise}, finished"),
    };
    if file.runs == Runs::Sections {
        for part in &file.parts {
            let what = if part.section.is_empty() {
                "before them".to_owned()
            } else {
                printable(&part.section.join(", "))
            };
            table.add_row([
                format!(" line {}", part.line),
                what,
                tags(file, part),
                locks(&part.tables, part.unknown),
                done(part.finished, String::new()),
            ]);
        }
    } else {
        for statement in &file.statements {
            let step = statement.step.map_or_else(String::new, |step| format!("step {step}"));
            table.add_row([
                format!(" line {}", statement.line),
                statement.tag.clone(),
                locks(&statement.tables, statement.unknown),
                done(statement.finished, step),
            ]);
        }
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

/// Returns the commands of a section, each once with how often it comes.
fn tags(file: &ExplainedFile, part: &ExplainedPart) -> String {
    let own = file
        .statements
        .iter()
        .filter(|statement| statement.step == Some(part.number));
    let mut tags: Vec<(&str, usize)> = Vec::new();
    for statement in own {
        match tags.iter_mut().find(|(tag, _)| *tag == statement.tag) {
            Some((_, times)) => *times += 1,
            None => tags.push((&statement.tag, 1)),
        }
    }
    let tags = tags.into_iter().map(|(tag, times)| match times {
        1 => tag.to_owned(),
        times => format!("{times} {tag}"),
    });
    tags.collect::<Vec<_>>().join(", ")
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
