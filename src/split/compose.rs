//! The texts of the files.

use crate::script::{RelationName, tokens};

use super::arrange::Part;
use super::judge::Place;
use super::unit::{Unit, Units};

/// Returns the script of each part, in their order.
///
/// A setting of the session stands at the top of each file it holds in, one of the transaction at the start of whatever it holds for: each
/// section is a transaction of its own. A file's first comments stay at the top of the first file, if a blank line sets them apart.
pub fn compose(script: &str, cut: &Units, parts: &[Part]) -> Vec<String> {
    let mut composer = Composer {
        script,
        units: &cut.units,
        written: vec![false; cut.units.len()],
    };
    let texts: Vec<String> = parts.iter().map(|part| composer.part(part)).collect();
    let with_directives = |text: String| {
        let missing = cut.directives.iter().filter(|directive| !text.contains(*directive));
        let mut lines: Vec<&str> = missing.map(String::as_str).collect();
        lines.push(&text);
        lines.join("\n")
    };
    texts.into_iter().map(with_directives).collect()
}

struct Composer<'a> {
    script: &'a str,
    units: &'a [Unit],
    /// Which settings stand somewhere in full.
    written: Vec<bool>,
}

impl Composer<'_> {
    fn part(&mut self, part: &Part) -> String {
        let is_local = |number: &usize| matches!(self.units[*number].place, Place::Setting { is_local: true });
        // What holds for a transaction comes last, so after one of these all have to be said again.
        let everywhere = part.settings.iter().any(is_local);
        let (above, within): (&[usize], &[usize]) = if everywhere {
            (&[], &part.settings)
        } else {
            (&part.settings, &[])
        };
        let mut text = self.slot(above, &[]);
        let head: Vec<usize> = part
            .head
            .iter()
            .map(|(number, _)| *number)
            .chain(part.alone.clone())
            .collect();
        if !head.is_empty() {
            push(&mut text, &self.slot(within, &head));
        }
        for section in &part.sections {
            let body = self.slot(within, &section.units);
            let (above, body) = if text.is_empty() {
                set_apart(&body)
            } else {
                ("", body.as_str())
            };
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(above);
            text.push_str(&format!("-- rlsctl: section {}\n{body}", names(&section.tables)));
        }
        for number in &part.tail {
            push(&mut text, &self.units[*number].text);
        }
        text
    }

    /// Returns the settings and the statements of a head or a section.
    fn slot(&mut self, settings: &[usize], units: &[usize]) -> String {
        let mut text = String::new();
        for &number in settings {
            if std::mem::replace(&mut self.written[number], true) {
                push(&mut text, &format!("{};\n", self.units[number].body.slice(self.script)));
            } else {
                push(&mut text, &self.units[number].text);
            }
        }
        for &number in units {
            push(&mut text, &self.units[number].text);
        }
        text
    }
}

/// Adds a statement on lines of its own.
fn push(text: &mut String, statement: &str) {
    text.push_str(if text.is_empty() {
        statement.trim_start_matches('\n')
    } else {
        statement
    });
    if !text.ends_with('\n') {
        text.push('\n');
    }
}

/// Returns a file's first comments, up to the last blank line before the first statement, and the rest.
fn set_apart(text: &str) -> (&str, &str) {
    let first = tokens(text).find(|token| !token.kind.is_blank());
    let comments = &text[..first.map_or(text.len(), |first| first.span.start)];
    match comments.rfind("\n\n") {
        Some(at) => text.split_at(at + 2),
        None => ("", text),
    }
}

/// Returns names as the directive `section` reads them.
pub fn names(tables: &[RelationName]) -> String {
    let names: Vec<String> = tables.iter().map(ToString::to_string).collect();
    names.join(", ")
}
