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
            "the directive `{directive}` is not known to this version; it knows `section TABLE`, `statement_timeout=DURATION`, `allow wide`, `allow out-of-order` and `baseline=VERSION..VERSION`"
        )),
    }
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
    fn every_unknown_directive_is_named_with_its_place() {
        let unknown =
            parse("select 1;\n  -- rlsctl: statment_timeout=9s\n-- rlsctl: statement_timeout=x\n").unwrap_err();
        assert_eq!(unknown.iter().map(|unknown| unknown.at).collect::<Vec<_>>(), [12, 43]);
    }
}
