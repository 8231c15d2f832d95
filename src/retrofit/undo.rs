//! The way back: from the files that are applied, and what takes each back, to the files that do so.

use std::collections::BTreeSet;

use crate::script::RelationName;

use super::compose::{MARK, SECTION, TABLE};
use super::step::Stage;

/// What a file that takes others back begins with, behind [`MARK`].
const UNDO: &str = "undo ";
/// By this line it is known which file, and which of its tables, are taken back.
const UNDOES: &str = "-- undoes ";

/// A file of ours that is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its version, as it is written.
    pub version: String,
    /// Its text.
    pub text: String,
    /// What takes it back, if that is to be found.
    pub undo: Option<String>,
}

/// What is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Everything, to where it began.
    All,
    /// The newest stage of each of these tables.
    Tables(Vec<RelationName>),
}

/// A file that takes something back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undo {
    /// What it is called, behind its version.
    pub name: String,
    /// The stage that is taken back.
    pub stage: Stage,
    /// The tables.
    pub tables: Vec<String>,
    /// Its text.
    pub text: String,
}

/// Why there is no way back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWayBack {
    /// What takes a file back is gone.
    #[error("what takes {version} back is not to be found")]
    Missing {
        /// The file.
        version: String,
    },
    /// Nothing of a table is applied.
    #[error("nothing of `retrofit` is applied to {table}")]
    Nothing {
        /// The table.
        table: RelationName,
    },
}

/// Tells whether a text is a file of ours, in either direction.
pub fn is_ours(text: &str) -> bool {
    text.starts_with(MARK)
}

/// Returns the files that take back what is wanted, the newest stage first. `applied` is in version order.
///
/// # Errors
/// [`NoWayBack`].
pub fn undo(applied: &[Applied], wanted: &Wanted) -> Result<Vec<Undo>, NoWayBack> {
    let undone: BTreeSet<(String, String)> = applied.iter().flat_map(|file| undone_by(&file.text)).collect();
    let mut left: Vec<Left<'_, '_>> = Vec::new();
    for file in applied.iter().rev() {
        let Some(stage) = stage(&file.text) else { continue };
        let Some(undo) = &file.undo else {
            // Some stages leave nothing to take back, and have no such file.
            if leaves_something(stage) {
                return Err(NoWayBack::Missing {
                    version: file.version.clone(),
                });
            }
            continue;
        };
        let parts = parts(undo)
            .into_iter()
            .filter(|part| !undone.contains(&(file.version.clone(), part.table.to_owned())))
            .collect();
        left.push((file, stage, parts));
    }
    let mut found = Vec::new();
    match wanted {
        Wanted::All => found.extend(left.iter().filter_map(|(file, stage, parts)| one(file, *stage, parts))),
        Wanted::Tables(tables) => {
            for (file, stage, parts) in newest(&left, tables)? {
                found.extend(one(file, stage, &parts));
            }
        }
    }
    Ok(found)
}

/// A file that is applied, its stage, and what of it is not taken back yet.
type Left<'a, 'b> = (&'a Applied, Stage, Vec<Part<'b>>);

/// What takes back the steps of one table.
#[derive(Clone, Debug)]
struct Part<'a> {
    table: &'a str,
    text: &'a str,
}

/// Returns of each table the newest file, cut to the tables that are wanted.
fn newest<'a, 'b>(left: &[Left<'a, 'b>], tables: &[RelationName]) -> Result<Vec<Left<'a, 'b>>, NoWayBack> {
    let mut found: Vec<Left<'_, '_>> = Vec::new();
    let mut open: Vec<String> = tables.iter().map(ToString::to_string).collect();
    for (file, stage, parts) in left {
        let (here, rest): (Vec<String>, Vec<String>) = open
            .into_iter()
            .partition(|table| parts.iter().any(|part| part.table == table));
        open = rest;
        let parts: Vec<Part<'_>> = parts
            .iter()
            .filter(|part| here.iter().any(|table| part.table == table))
            .cloned()
            .collect();
        if !parts.is_empty() {
            found.push((file, *stage, parts));
        }
    }
    match open.first() {
        None => Ok(found),
        Some(table) => Err(NoWayBack::Nothing {
            table: RelationName::one(table).unwrap_or_else(|| RelationName::new(table)),
        }),
    }
}

fn one(file: &Applied, stage: Stage, parts: &[Part<'_>]) -> Option<Undo> {
    if parts.is_empty() {
        return None;
    }
    let mut tables: Vec<String> = Vec::new();
    for part in parts {
        if !tables.iter().any(|table| table == part.table) {
            tables.push(part.table.to_owned());
        }
    }
    let mut text = format!(
        "{MARK}{UNDO}{}\n-- Takes back {}: {}\n",
        stage.word(),
        file.version,
        stage.purpose()
    );
    for table in &tables {
        text.push_str(&format!("{UNDOES}{} {table}\n", file.version));
    }
    for part in parts {
        text.push('\n');
        text.push_str(part.text.trim_end());
        text.push('\n');
    }
    Some(Undo {
        name: format!("retrofit undo {}", stage.word()),
        stage,
        tables,
        text,
    })
}

/// Returns the stage that a file of ours reaches; nothing for one that takes back.
fn stage(text: &str) -> Option<Stage> {
    let word = text.strip_prefix(MARK)?.split('\n').next()?;
    Stage::ALL.into_iter().find(|stage| stage.word() == word)
}

/// The backfill and the looks at rows change nothing that would have to be taken back.
fn leaves_something(stage: Stage) -> bool {
    !matches!(
        stage,
        Stage::Backfill | Stage::NoGaps | Stage::Validate | Stage::ValidateKeys
    )
}

/// Returns which tables of which files a file takes back.
fn undone_by(text: &str) -> Vec<(String, String)> {
    let lines = text.strip_prefix(MARK).into_iter().flat_map(|text| text.split('\n'));
    lines
        .filter_map(|line| line.strip_prefix(UNDOES)?.split_once(' '))
        .map(|(version, table)| (version.to_owned(), table.to_owned()))
        .collect()
}

/// Cuts what takes a file back where another table begins.
fn parts(undo: &str) -> Vec<Part<'_>> {
    let mut starts: Vec<(usize, &str)> = Vec::new();
    let mut at = 0;
    for line in undo.split_inclusive('\n') {
        let of = line.strip_prefix(SECTION).or_else(|| line.strip_prefix(TABLE));
        if let Some(names) = of {
            // The table itself comes first; those behind it are only locked.
            let first = RelationName::list(names.trim()).and_then(|names| names.into_iter().next());
            let first = first.map_or(names.trim().len(), |name| name.to_string().len());
            starts.push((at, names.trim().get(..first).unwrap_or(names.trim())));
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([undo.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|((start, table), end)| Part {
            table,
            text: &undo[*start..end],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied() -> Vec<Applied> {
        let file = |version: &str, stage: &str, undo: Option<&str>| Applied {
            version: version.to_owned(),
            text: format!("{MARK}{stage}\n"),
            undo: undo.map(str::to_owned),
        };
        vec![
            file(
                "1",
                "columns",
                Some("-- rlsctl: section public.b\nb;\n\n-- rlsctl: section public.a\na;\n"),
            ),
            file("2", "backfill", None),
            file(
                "3",
                "policies",
                Some("-- rlsctl: section public.a, public.c\nsecond;\n"),
            ),
        ]
    }

    #[test]
    fn all_goes_back_from_the_newest_on() {
        let undo = undo(&applied(), &Wanted::All).unwrap();
        let names: Vec<&str> = undo.iter().map(|undo| undo.name.as_str()).collect();
        assert_eq!(names, ["retrofit undo policies", "retrofit undo columns"]);
        assert_eq!(undo[1].tables, ["public.b", "public.a"]);
        assert!(
            undo[1].text.starts_with("-- retrofit: undo columns\n"),
            "{}",
            undo[1].text
        );
    }

    #[test]
    fn a_table_goes_back_one_stage_and_not_twice() {
        let a = Wanted::Tables(vec![RelationName::qualified("public", "a")]);
        let mut files = applied();
        let first = undo(&files, &a).unwrap();
        assert_eq!((first.len(), first[0].stage), (1, Stage::Policies));
        files.push(Applied {
            version: "4".to_owned(),
            text: first[0].text.clone(),
            undo: None,
        });
        let second = undo(&files, &a).unwrap();
        assert_eq!(
            (second[0].stage, &second[0].tables[..]),
            (Stage::Columns, &["public.a".to_owned()][..])
        );
        assert!(!second[0].text.contains("b;"));
    }

    #[test]
    fn what_is_not_to_be_found_is_said() {
        let mut files = applied();
        files[0].undo = None;
        let missing = NoWayBack::Missing {
            version: "1".to_owned(),
        };
        assert_eq!(undo(&files, &Wanted::All), Err(missing));
        let none = Wanted::Tables(vec![RelationName::qualified("public", "z")]);
        assert!(matches!(undo(&applied(), &none), Err(NoWayBack::Nothing { .. })));
    }
}
