//! Why a command failed, for people and for machines.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::exit::{Failure, ServerError};

use super::document::Document;
use super::excerpt::render_excerpt;
use super::text::{ERROR, NOTE, printable};

/// Returns a failure: what happened, where, the server's words, what is applied and what is not, what to do.
pub fn render_failure(failure: &Failure, width: usize) -> String {
    let what = printable(&failure.what);
    let mut text = match &failure.excerpt {
        Some(excerpt) => {
            let label = failure
                .server
                .as_ref()
                .map(|server| format!("SQLSTATE {}", server.sqlstate))
                .unwrap_or_default();
            render_excerpt(&what, &label, excerpt, width)
        }
        None => format!("{ERROR}error:{ERROR:#} {what}\n"),
    };
    let mut line = |head: &str, body: &str| {
        writeln!(
            text,
            "  {NOTE}{head}:{NOTE:#} {}",
            printable(body).replace('\n', "\n    ")
        )
        .expect("a String can be written to");
    };
    if let Some(server) = &failure.server {
        server_lines(server, failure.excerpt.is_none(), &mut line);
    }
    match failure.causes.as_slice() {
        [only] => line("because", only),
        causes => causes
            .iter()
            .enumerate()
            .for_each(|(index, cause)| line(&format!("{}", index + 1), cause)),
    }
    for state in &failure.state {
        line("state", state);
    }
    for hint in &failure.hints {
        line("next", hint);
    }
    text
}

fn server_lines(server: &ServerError, with_state: bool, line: &mut impl FnMut(&str, &str)) {
    if with_state {
        line("SQLSTATE", &server.sqlstate);
    }
    for (head, body) in [
        ("detail", &server.detail),
        ("hint", &server.hint),
        ("context", &server.context),
    ] {
        if let Some(body) = body {
            line(head, body);
        }
    }
}

/// Returns a document that says why the command failed.
pub(super) fn with_failure(mut document: Document, failure: &Failure) -> Document {
    document.exit = failure.exit;
    document.extra.insert("error".to_owned(), failure_json(failure));
    document
}

/// Returns a failure for machines.
fn failure_json(failure: &Failure) -> Value {
    let location = failure
        .excerpt
        .as_ref()
        .map(|excerpt| json!({ "path": excerpt.path, "line": excerpt.line, "column": excerpt.column }));
    json!({
        "message": failure.what,
        "causes": failure.causes,
        "server": failure.server,
        "location": location,
        "state": failure.state,
        "next": failure.hints,
    })
}
