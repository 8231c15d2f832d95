//! The plan: which files are written, and what stands in them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::finding::Finding;
use crate::migration::directive::directives;
use crate::migration::{
    Around, AroundError, Following, Migration, NewFile, NewFileError, Set, Text, Version, following_files,
};
use crate::script::{RelationName, Span, split};

use super::arrange::{Part, arrange};
use super::compose::compose;
use super::denied::denied;
use super::judge::{Most, Why};
use super::unit::{Units, units};

/// What will be written.
#[derive(Clone, Debug)]
pub struct SplitPlan {
    /// The files, in the order of their versions; the first one replaces the original.
    pub files: Vec<SplitFile>,
    /// Whether there was room for them right behind the original; else the new ones come behind the newest file.
    pub is_in_place: bool,
    /// How many existing tables the original alters.
    pub tables: usize,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// A file that will be written.
#[derive(Clone, Debug)]
pub struct SplitFile {
    /// Its version.
    pub version: Version,
    /// Where it goes.
    pub path: PathBuf,
    /// All of its text.
    pub contents: String,
    /// Whether it is new, or replaces the original.
    pub is_new: bool,
    /// Its down half, where the layout has such.
    pub others: Vec<NewFile>,
    /// What stands before its sections, and why.
    pub head: Vec<(Line, Why)>,
    /// What cannot run inside a transaction.
    pub alone: Vec<Line>,
    /// Its sections.
    pub sections: Vec<(Vec<RelationName>, Vec<Line>)>,
}

/// A statement, by its place in the original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line, from 1.
    pub line: usize,
    /// The command's name.
    pub tag: String,
}

/// Why a migration is not split.
#[derive(Debug)]
pub enum NotSplit {
    /// It alters no more tables than a file may.
    NotWide {
        /// How many it alters.
        tables: usize,
    },
    /// It cannot be split as it is.
    Refused(Vec<Finding>),
}

/// Returns the files that a migration is split into. Nothing is written.
///
/// # Errors
/// [`NotSplit`].
pub fn plan(set: &Set, original: &Migration, most: Most) -> Result<SplitPlan, NotSplit> {
    let around = original.around().map_err(|error| refused(original, &error))?;
    let text = original.read().map_err(|error| refused(original, &error.into()))?;
    let cut = cut(original, &text, &around, most)?;
    let altered = cut.units.iter().flat_map(|unit| &unit.alters);
    let tables = altered.collect::<BTreeSet<_>>().len();
    if tables <= most.in_head {
        return Err(NotSplit::NotWide { tables });
    }
    let parts = arrange(&cut.units, most);
    if parts.iter().all(|part| part.sections.is_empty()) && parts.len() <= 1 {
        let help = "name its tables in statements of their own, outside of DO blocks and functions";
        return Err(one(
            "files.not-split",
            original,
            "has no statement that could have a section",
            help,
        ));
    }
    shut(original, &text, around.script(), &cut, &parts)?;
    let (following, is_in_place) = following_files(set, original, parts.len() - 1).map_err(|error| {
        let help = match error {
            NewFileError::Exists { .. } => "move the file that is in the way, or finish what an earlier split began",
            _ => "split the file by hand",
        };
        one("files.not-split", original, &error.to_string(), help)
    })?;
    let texts = compose(around.script(), &cut, &parts);
    let lines = |numbers: &mut dyn Iterator<Item = usize>| -> Vec<Line> {
        let units = numbers.map(|number| &cut.units[number]);
        let lines = units.map(|unit| Line {
            line: text.position(unit.body.start).line,
            tag: unit.tag.clone(),
        });
        lines.collect()
    };
    let mut following = following.into_iter();
    let files = parts.iter().zip(texts).enumerate().map(|(index, (part, script))| {
        let new = (index > 0).then(|| following.next()).flatten();
        let file = place(original, &around, new, &script);
        let reasons = part.head.iter().map(|(_, why)| *why);
        SplitFile {
            head: lines(&mut part.head.iter().map(|(number, _)| *number))
                .into_iter()
                .zip(reasons)
                .collect(),
            alone: lines(&mut part.alone.iter().copied()),
            sections: sections(part, &lines),
            ..file
        }
    });
    let files: Vec<SplitFile> = files.collect();
    let notes = notes(&files, &cut, &text, is_in_place);
    Ok(SplitPlan {
        files,
        is_in_place,
        tables,
        notes,
    })
}

/// Refuses what would shut a table: a policy that comes later than the row-level security it is for.
fn shut(original: &Migration, text: &Text, script: &str, cut: &Units, parts: &[Part]) -> Result<(), NotSplit> {
    let findings = denied(script, &cut.units, parts).into_iter().map(|denied| {
        let position = |number: usize| text.position(cut.units[number].body.start);
        let (enabled, policy) = (position(denied.enabled), position(denied.policy));
        let message = format!(
            "switches row-level security on for {}, and its policy in line {} would come in a later transaction: until then nobody would see a row",
            denied.table, policy.line
        );
        let help = "let the policy stand first, or take what stands between the two out of their way";
        let version = original.version.to_string();
        Finding::error("files.not-split", version, message, help).at(&original.path, enabled.line, enabled.column)
    });
    let findings: Vec<Finding> = findings.collect();
    if findings.is_empty() {
        Ok(())
    } else {
        Err(NotSplit::Refused(findings))
    }
}

fn sections(
    part: &Part,
    lines: &dyn Fn(&mut dyn Iterator<Item = usize>) -> Vec<Line>,
) -> Vec<(Vec<RelationName>, Vec<Line>)> {
    let sections = part.sections.iter();
    sections
        .map(|section| (section.tables.clone(), lines(&mut section.units.iter().copied())))
        .collect()
}

/// Returns a file without what is said about its statements.
fn place(original: &Migration, around: &Around, new: Option<Following>, script: &str) -> SplitFile {
    let empty = |version, path, contents, is_new, others| SplitFile {
        version,
        path,
        contents,
        is_new,
        others,
        head: Vec::new(),
        alone: Vec::new(),
        sections: Vec::new(),
    };
    match new {
        None => empty(
            original.version.clone(),
            original.path.clone(),
            around.with(script),
            false,
            Vec::new(),
        ),
        Some(new) => empty(new.version, new.script.path, around.another(script), true, new.others),
    }
}

fn notes(files: &[SplitFile], cut: &Units, text: &Text, is_in_place: bool) -> Vec<String> {
    let mut notes = Vec::new();
    for at in &cut.left_out {
        let statement = Span::new(*at, text.as_str().len()).slice(text.as_str());
        let word = statement.split([';', ' ', '\n']).next().unwrap_or_default();
        let line = text.position(*at).line;
        notes.push(format!("line {line}: `{word}` is left out: what it tied together is applied in parts, so that each can be had without the others"));
    }
    if !is_in_place {
        notes.push("there is no room before the next file, so the new ones come behind the newest: what was between them runs earlier now".to_owned());
    }
    if files.iter().any(|file| !file.others.is_empty()) {
        notes.push("the down half stays with the first file; those of the new ones are empty".to_owned());
    }
    notes
}

/// Cuts the script into statements.
fn cut(original: &Migration, text: &Text, around: &Around, most: Most) -> Result<Units, NotSplit> {
    let script = around.script();
    let found = |code: &'static str, at: usize, message: String, help: &str| {
        let position = text.position(at);
        let version = original.version.to_string();
        Finding::error(code, version, message, help).at(&original.path, position.line, position.column)
    };
    let pieces = split(script).map_err(|error| {
        let help = "mend it: what is behind it cannot be told apart";
        NotSplit::Refused(vec![found("files.unterminated", error.at(), error.to_string(), help)])
    })?;
    let said = directives(script, &pieces).map_err(|unknown| {
        let help = "mend or remove the comment; a directive that is not followed would mislead";
        let findings = unknown.into_iter();
        let findings = findings.map(|unknown| found("files.unknown-directive", unknown.at, unknown.message, help));
        NotSplit::Refused(findings.collect())
    })?;
    if let Some(section) = said.sections.first() {
        let (message, help) = ("has sections already", "take them out first, if it is to be cut anew");
        let finding = found("files.not-split", section.at, message.to_owned(), help);
        return Err(NotSplit::Refused(vec![finding]));
    }
    if said.baseline.is_some() {
        let help = "a baseline stands for its versions as a whole; write `-- rlsctl: allow wide` into it";
        return Err(one("files.not-split", original, "is a baseline", help));
    }
    units(script, &pieces, most).map_err(|wrong| {
        let findings = wrong.into_iter();
        let findings = findings.map(|wrong| found("files.not-split", wrong.at, wrong.message, wrong.help));
        NotSplit::Refused(findings.collect())
    })
}

fn refused(original: &Migration, error: &AroundError) -> NotSplit {
    let help = match error {
        AroundError::Read(_) => "see that the file is readable and not being written to",
        AroundError::Pieces { .. } => "put the parts that are run together first",
        AroundError::LineEnds { .. } => "settle on one line end first: it is inside of strings too",
    };
    one("files.not-split", original, &error.to_string(), help)
}

fn one(code: &'static str, original: &Migration, message: &str, help: &str) -> NotSplit {
    let finding = Finding::error(code, original.version.to_string(), message, help).at(&original.path, 1, 1);
    NotSplit::Refused(vec![finding])
}
