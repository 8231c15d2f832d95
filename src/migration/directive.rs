//! Directives: comments of the form `-- rlsctl: KEY[=VALUE]`.

use std::fmt;
use std::time::Duration;

use crate::duration::parse_duration;
use crate::script::{Piece, RelationName, Span, TokenKind, tokens};

use super::baseline::Baseline;

/// What a file says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// `statement_timeout=10min`: for the file's statements instead of the configured limit.
    pub statement_timeout: Option<Duration>,
    /// `allow out-of-order`: may be applied although a newer version is.
    pub allow_out_of_order: bool,
    /// `allow wide`: may alter more existing tables than the configured limit without having sections.
    pub allow_wide: bool,
    /// `baseline=1..904`: stands for squashed versions.
    pub baseline: Option<Baseline>,
    /// `section TABLE`: where the file is cut, in its order. What stands before the first is the head of the file.
    pub sections: Vec<Section>,
    /// `repeat until 0 rows`: its statement is run again and again.
    pub repeat: Option<Repeat>,
    /// `scope=all`, or a reason: rows that row-level security hides from the migration role are meant to be left alone.
    pub scope: Option<String>,
}

/// That a file's statement is run again until it changes no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The first byte of its directive.
    pub at: usize,
    /// After how many rounds it is given up, if it says so.
    pub at_most: Option<u64>,
}

/// Where a section of a file begins: it goes on to the next one, or to the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The first byte of its directive. It lies between two statements, or before the first one.
    pub at: usize,
    /// The tables that its statements concern, as they are written, each once: one, or those of a foreign key.
    pub tables: Vec<RelationName>,
}

impl fmt::Display for Section {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables: Vec<String> = self.tables.iter().map(ToString::to_string).collect();
        write!(formatter, "section {}", tables.join(", "))
    }
}

/// A directive that means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Where it is, in bytes.
    pub at: usize,
    /// What is wrong with it.
    pub message: String,
}

/// What a directive begins with.
const MARK: &str = "-- rlsctl:";

/// Returns the directives in the comments between the statements of `text`, or what is wrong with each that is not understood.
///
/// A comment inside a statement or a function body is not ours to read.
///
/// # Errors
/// Every directive that means nothing: one that is ignored would be worse than none.
pub fn directives(text: &str, pieces: &[Piece]) -> Result<Directives, Vec<Unknown>> {
    let mut found = Directives::default();
    let mut unknown = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        for (at, directive) in marked(text, before_body(piece)) {
            if let Err(message) = take(&mut found, directive, Place { at, at_top: index == 0 }) {
                unknown.push(Unknown { at, message });
            }
        }
    }
    if unknown.is_empty() { Ok(found) } else { Err(unknown) }
}

/// Returns what stands before a statement or a psql command, or all of a piece that has neither.
fn before_body(piece: &Piece) -> Span {
    if piece.body.is_empty() {
        piece.span
    } else {
        Span::new(piece.span.start, piece.body.start)
    }
}

/// Returns what follows the mark in each comment that begins with it, and where that comment begins.
fn marked(text: &str, comments: Span) -> impl Iterator<Item = (usize, &str)> {
    let slice = comments.slice(text);
    let lexed = slice.contains(MARK).then(|| tokens(slice));
    lexed.into_iter().flatten().filter_map(move |token| {
        let comment = token.span.slice(slice);
        let directive = comment.strip_prefix(MARK)?;
        (token.kind == TokenKind::LineComment).then(|| (comments.start + token.span.start, directive.trim()))
    })
}

/// Where a directive stands.
#[derive(Clone, Copy)]
struct Place {
    at: usize,
    at_top: bool,
}

fn take(found: &mut Directives, directive: &str, place: Place) -> Result<(), String> {
    // A table's name may hold any sign, `=` too.
    if let Some(tables) = directive.strip_prefix("section").filter(|rest| is_apart(rest)) {
        let tables = RelationName::list(tables).ok_or_else(|| {
            format!(
                "the directive `{directive}` names no table; write `section invoices`, `section app.\"Invoices\"`, or several with commas, each once"
            )
        })?;
        found.sections.push(Section { at: place.at, tables });
        return Ok(());
    }
    match directive
        .split_once('=')
        .map_or((directive, None), |(key, value)| (key.trim(), Some(value.trim())))
    {
        ("statement_timeout", Some(value)) => {
            found.statement_timeout = Some(parse_duration(value)?);
            Ok(())
        }
        ("allow out-of-order", None) => {
            found.allow_out_of_order = true;
            Ok(())
        }
        ("allow wide", None) => {
            found.allow_wide = true;
            Ok(())
        }
        (repeat, None) if is_repeat(repeat) && found.repeat.is_some() => {
            Err("the directive `repeat until 0 rows` stands there twice".to_owned())
        }
        (repeat, None) if is_repeat(repeat) => {
            let at_most = at_most(repeat)?;
            found.repeat = Some(Repeat { at: place.at, at_most });
            Ok(())
        }
        ("scope", Some(scope)) if !scope.is_empty() => {
            found.scope = Some(scope.to_owned());
            Ok(())
        }
        ("baseline", Some(_)) if !place.at_top => {
            Err("the directive `baseline` stands at the top of its file, before the first statement".to_owned())
        }
        ("baseline", Some(_)) if found.baseline.is_some() => {
            Err("the directive `baseline` stands there twice; name all versions in one, with commas".to_owned())
        }
        ("baseline", Some(value)) => {
            found.baseline = Some(value.parse()?);
            Ok(())
        }
        _ => Err(format!(
            "the directive `{directive}` is not known to this version; it knows `section TABLE`, `statement_timeout=DURATION`, `allow wide`, `allow out-of-order`, `baseline=VERSION..VERSION`, `repeat until 0 rows` and `scope=all`"
        )),
    }
}

/// What a repeated file says.
const REPEAT: &str = "repeat until 0 rows";

fn is_repeat(directive: &str) -> bool {
    let rest = directive.strip_prefix(REPEAT);
    rest.is_some_and(|rest| rest.is_empty() || rest.trim_start().starts_with(','))
}

/// Returns the number in `repeat until 0 rows, at most N rounds`.
fn at_most(directive: &str) -> Result<Option<u64>, String> {
    let rest = directive.strip_prefix(REPEAT).unwrap_or_default().trim();
    if rest.is_empty() {
        return Ok(None);
    }
    let words: Vec<&str> = rest.trim_start_matches(',').split_whitespace().collect();
    let number = match words.as_slice() {
        ["at", "most", number, "rounds" | "round"] => number.parse().ok().filter(|number| *number > 0),
        _ => None,
    };
    let wrong = || format!("the directive `{directive}` is not understood; write `{REPEAT}, at most 1000 rounds`");
    number.map(Some).ok_or_else(wrong)
}

/// Whether what follows a word is not part of it.
fn is_apart(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c == '"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::split;

    fn parse(text: &str) -> Result<Directives, Vec<Unknown>> {
        directives(text, &split(text).unwrap())
    }

    #[test]
    fn directives_are_read_between_statements_only() {
        let text = "-- rlsctl: statement_timeout=9s\nselect 1;\n  -- rlsctl: allow out-of-order\nselect $$\n-- rlsctl: nonsense\n$$;";
        let expected = Directives {
            statement_timeout: Some(Duration::from_secs(9)),
            allow_out_of_order: true,
            ..Directives::default()
        };
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn sections_stand_in_the_order_of_the_file_with_their_places() {
        let text = "-- rlsctl: allow wide\n-- rlsctl: section Invoices\nselect 1;\n  -- rlsctl: section app.\"a=b, \"\"c\", lines\r\nselect 2; -- rlsctl: section t\n";
        let found = parse(text).unwrap();
        assert!(found.allow_wide);
        let expected = [
            (22, vec![RelationName::new("invoices")]),
            (
                62,
                vec![RelationName::qualified("app", "a=b, \"c"), RelationName::new("lines")],
            ),
            (114, vec![RelationName::new("t")]),
        ];
        let sections = found.sections.into_iter().map(|section| (section.at, section.tables));
        assert_eq!(sections.collect::<Vec<_>>(), expected);
        assert!(expected.iter().all(|(at, _)| text[*at..].starts_with(MARK)));
    }

    #[test]
    fn a_section_names_tables_each_once() {
        for wrong in [
            "", " ", " a,", " a b", " a.b.c", " a, a", " a, A", " 'a'", " u&\"a\"", "=a",
        ] {
            let text = format!("-- rlsctl: section{wrong}\n");
            assert_eq!(parse(&text).unwrap_err().len(), 1, "{text}");
        }
    }

    #[test]
    fn a_block_comment_holds_no_directive() {
        assert_eq!(
            parse("/*\n-- rlsctl: section a\n*/ select 1; /* -- rlsctl: nonsense */"),
            Ok(Directives::default())
        );
    }

    #[test]
    fn a_baseline_stands_once_and_at_the_top() {
        let found = parse("-- squashed\n-- rlsctl: baseline=1..3, 5\nselect 1;").unwrap();
        assert_eq!(found.baseline, Some("1..3,5".parse().unwrap()));
        for wrong in [
            "select 1;\n-- rlsctl: baseline=1..3\nselect 2;",
            "select 1;\n-- rlsctl: baseline=1..3\n",
            "-- rlsctl: baseline=3..1\n",
            "-- rlsctl: baseline\n",
            "-- rlsctl: baseline=1\n-- rlsctl: baseline=2\n",
        ] {
            assert_eq!(parse(wrong).unwrap_err().len(), 1, "{wrong}");
        }
    }

    #[test]
    fn a_repeated_file_says_so_once_and_may_say_how_often() {
        let found = parse("-- backfill\n-- rlsctl: repeat until 0 rows\n-- rlsctl: scope=all\nselect 1").unwrap();
        assert_eq!(found.repeat, Some(Repeat { at: 12, at_most: None }));
        assert_eq!(found.scope.as_deref(), Some("all"));
        let found = parse("-- rlsctl: repeat until 0 rows, at most 1000 rounds\n").unwrap();
        assert_eq!(found.repeat.and_then(|repeat| repeat.at_most), Some(1000));
        for wrong in [
            "repeat",
            "repeat until 0 rowsx",
            "repeat until 1 rows",
            "repeat until 0 rows, at most 0 rounds",
            "repeat until 0 rows, at most many rounds",
            "repeat until 0 rows,",
            "repeat until 0 rows=3",
            "repeat until 0 rows\n-- rlsctl: repeat until 0 rows, at most 3 rounds",
            "scope",
            "scope=",
        ] {
            assert_eq!(parse(&format!("-- rlsctl: {wrong}\n")).unwrap_err().len(), 1, "{wrong}");
        }
    }

    #[test]
    fn every_unknown_directive_is_named_with_its_place() {
        let unknown =
            parse("select 1;\n  -- rlsctl: statment_timeout=9s\n-- rlsctl: statement_timeout=x\n").unwrap_err();
        assert_eq!(unknown.iter().map(|unknown| unknown.at).collect::<Vec<_>>(), [12, 43]);
    }
}
