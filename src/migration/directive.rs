//! Directives: comments of the form `-- rlsctl: KEY[=VALUE]`.

use std::time::Duration;

use crate::duration::parse_duration;
use crate::script::Piece;

use super::baseline::Baseline;

/// What a file says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// `statement_timeout=10min`: for the file's statements instead of the configured limit.
    pub statement_timeout: Option<Duration>,
    /// `allow out-of-order`: may be applied although a newer version is.
    pub allow_out_of_order: bool,
    /// `baseline=1..904`: stands for squashed versions.
    pub baseline: Option<Baseline>,
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
        let comments = &text[piece.span.start..piece.body.start.max(piece.span.start)];
        let comments = if piece.body.start == piece.body.end {
            piece.span.slice(text)
        } else {
            comments
        };
        let mut at = piece.span.start;
        for line in comments.split_inclusive('\n') {
            let indent = line.len() - line.trim_start().len();
            if let Some(directive) = line.trim_start().strip_prefix(MARK)
                && let Err(message) = take(&mut found, directive.trim(), index == 0)
            {
                unknown.push(Unknown {
                    at: at + indent,
                    message,
                });
            }
            at += line.len();
        }
    }
    if unknown.is_empty() { Ok(found) } else { Err(unknown) }
}

fn take(found: &mut Directives, directive: &str, at_top: bool) -> Result<(), String> {
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
        ("baseline", Some(_)) if !at_top => {
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
            "the directive `{directive}` is not known to this version; it knows `statement_timeout=DURATION`, `allow out-of-order` and `baseline=VERSION..VERSION`"
        )),
    }
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
            baseline: None,
        };
        assert_eq!(parse(text), Ok(expected));
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
