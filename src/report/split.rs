//! What `split` writes, or would write.

use serde_json::{Value, json};

use crate::exit::Exit;
use crate::split::compose::names;
use crate::split::plan::Line;
use crate::split::{SplitFile, SplitPlan};

use super::document::Document;
use super::text::{DIM, GOOD, count, printable};

/// How sure it is that the catalog comes out the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It was tried: what was said about it.
    Proven(String),
    /// It was not tried.
    Skipped,
}

/// Returns a split for machines.
pub fn split_document(plan: &SplitPlan, proof: &Proof, is_written: bool) -> Document {
    let files: Vec<Value> = plan.files.iter().map(file_json).collect();
    Document::new("split", Exit::Done)
        .summary("files", files.len())
        .summary("sections", sections(plan))
        .summary("tables", plan.tables)
        .summary("proven", matches!(proof, Proof::Proven(_)))
        .summary("written", is_written)
        .with("files", files)
        .with("notes", plan.notes.clone())
}

fn sections(plan: &SplitPlan) -> usize {
    plan.files.iter().map(|file| file.sections.len()).sum()
}

fn file_json(file: &SplitFile) -> Value {
    let statement = |line: &Line| json!({ "line": line.line, "tag": line.tag });
    let head: Vec<Value> = file
        .head
        .iter()
        .map(|(line, why)| json!({ "line": line.line, "tag": line.tag, "why": why.to_string() }))
        .collect();
    let sections: Vec<Value> = file
        .sections
        .iter()
        .map(|(tables, lines)| {
            let tables: Vec<String> = tables.iter().map(ToString::to_string).collect();
            json!({ "tables": tables, "statements": lines.iter().map(statement).collect::<Vec<_>>() })
        })
        .collect();
    json!({
        "version": file.version.to_string(),
        "path": file.path,
        "is_new": file.is_new,
        "head": head,
        "outside_transactions": file.alone.iter().map(statement).collect::<Vec<_>>(),
        "sections": sections,
        "text": file.contents,
    })
}

/// Returns a split for people: what goes where, and the texts unless they are written.
pub fn split_text(plan: &SplitPlan, proof: &Proof, is_written: bool) -> String {
    let what = if is_written { "wrote" } else { "would write" };
    let mut text = format!(
        "{what} {} with {} for {}\n",
        count(plan.files.len(), "file"),
        count(sections(plan), "section"),
        count(plan.tables, "table")
    );
    text.push_str(&match proof {
        Proof::Proven(said) => format!("{GOOD}proven{GOOD:#}: the catalog comes out the same ({said})\n"),
        Proof::Skipped => "NOT PROVEN: nobody has tried whether the catalog comes out the same\n".to_owned(),
    });
    for file in &plan.files {
        text.push_str(&overview(file));
    }
    if !is_written {
        for file in &plan.files {
            let path = file.path.display().to_string();
            text.push_str(&format!(
                "\n{DIM}===={DIM:#} {}\n{}",
                printable(&path),
                printable(&file.contents)
            ));
        }
        text.push_str("\nnothing was written; `--write` writes all of them\n");
    }
    text
}

fn overview(file: &SplitFile) -> String {
    let how = if file.is_new { "new" } else { "replaced" };
    let path = file.path.display().to_string();
    let mut text = format!("\n{GOOD}{}{GOOD:#} {DIM}({how}){DIM:#}\n", printable(&path));
    for (line, why) in &file.head {
        text.push_str(&format!("  head     line {} {}: {why}\n", line.line, line.tag));
    }
    for line in &file.alone {
        text.push_str(&format!(
            "  outside  line {} {}: runs in no transaction\n",
            line.line, line.tag
        ));
    }
    for (tables, lines) in &file.sections {
        let mut lines: Vec<String> = lines.iter().map(|line| line.line.to_string()).collect();
        lines.dedup();
        let word = if lines.len() == 1 { "line" } else { "lines" };
        text.push_str(&format!(
            "  section  {} ({word} {})\n",
            printable(&names(tables)),
            lines.join(", ")
        ));
    }
    text
}
