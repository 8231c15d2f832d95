//! A script as statements with the comments that belong to them.

use crate::script::{Piece, PieceKind, RelationName, Span, TokenKind, classify, tokens};

use super::footprint::Footprint;
use super::judge::{Judged, Made, Most, Place};
use super::tables::name_alike;

/// A statement with its comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The statement.
    pub body: Span,
    /// What is written: what stands before it, the statement, its semicolon, and a comment behind it on the same line.
    pub text: String,
    /// The command's name.
    pub tag: String,
    /// Where it may stand.
    pub place: Place,
    /// What it depends on.
    pub footprint: Footprint,
    /// The tables that it alters and the script does not make.
    pub alters: Vec<RelationName>,
}

/// Something that cannot be cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCut {
    /// Where, in bytes of the script.
    pub at: usize,
    /// What is wrong with it.
    pub message: String,
    /// What to do.
    pub help: &'static str,
}

/// What a script consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Units {
    /// The statements.
    pub units: Vec<Unit>,
    /// The directives that are about a whole file, as they are written: each of the new files needs them.
    pub directives: Vec<String>,
    /// Where a `BEGIN` or `COMMIT` was left out.
    pub left_out: Vec<usize>,
}

/// Returns the statements of a script in their order.
///
/// Their texts hold every byte of the script once, but for `BEGIN` and `COMMIT`, blank lines at their start, and the semicolon that a
/// last statement may lack.
///
/// # Errors
/// Everything that cannot be cut, each with its place.
pub fn units(script: &str, pieces: &[Piece], most: Most) -> Result<Units, Vec<NotCut>> {
    let mut cutter = Cutter {
        script,
        from: 0,
        carried: String::new(),
        found: Units::default(),
        wrong: Vec::new(),
        made: Made::default(),
        most,
    };
    for piece in pieces {
        cutter.piece(piece);
    }
    cutter.finish()
}

struct Cutter<'a> {
    script: &'a str,
    /// The first byte that no unit has yet.
    from: usize,
    /// The comments of statements that are left out.
    carried: String,
    found: Units,
    wrong: Vec<NotCut>,
    made: Made,
    most: Most,
}

impl Cutter<'_> {
    fn piece(&mut self, piece: &Piece) {
        match piece.kind {
            PieceKind::Statement => self.statement(piece),
            // The statement before the data is what cannot be moved.
            PieceKind::Blank | PieceKind::CopyData => {}
            PieceKind::MetaCommand => self.wrong.push(NotCut {
                at: piece.body.start,
                message: "a command of psql cannot be moved".to_owned(),
                help: "take it out, or write it in SQL",
            }),
        }
    }

    fn statement(&mut self, piece: &Piece) {
        let body = piece.body.slice(self.script);
        let statement = classify(body).ok();
        let judged = match self.made.judge(statement.as_ref(), body, self.most) {
            Ok(judged) => judged,
            Err(breaks) => {
                let (at, message, help) = (piece.body.start, breaks.message, breaks.help);
                return self.wrong.push(NotCut { at, message, help });
            }
        };
        let end = end_of_line(self.script, piece.span.end);
        let before = Span::new(self.from, piece.body.start).slice(self.script);
        let behind = Span::new(piece.span.end, end).slice(self.script);
        self.from = end;
        self.found.directives.extend(of_the_file(before));
        if judged.place == Place::Left {
            self.found.left_out.push(piece.body.start);
            self.carried.push_str(before);
            // Of its line, only a comment is worth keeping.
            self.carried
                .push_str(if behind.trim().is_empty() { "" } else { behind });
            return;
        }
        let carried = std::mem::take(&mut self.carried);
        // The last statement of a file may lack its semicolon.
        let own = Span::new(piece.body.start, piece.span.end).slice(self.script);
        let semicolon = if piece.body.end == piece.span.end { ";" } else { "" };
        let Judged {
            place,
            footprint,
            alters,
        } = judged;
        self.found.units.push(Unit {
            body: piece.body,
            text: format!("{carried}{before}{own}{semicolon}{behind}"),
            tag: statement.map_or_else(|| "a statement".to_owned(), |statement| statement.tag.to_owned()),
            place,
            footprint,
            alters,
        });
    }

    fn finish(mut self) -> Result<Units, Vec<NotCut>> {
        if !self.wrong.is_empty() {
            return Err(self.wrong);
        }
        let rest = &self.script[self.from..];
        self.found.directives.extend(of_the_file(rest));
        self.carried.push_str(rest);
        if let Some(last) = self.found.units.last_mut() {
            last.text.push_str(&self.carried);
        }
        name_alike(self.script, &mut self.found.units);
        Ok(self.found)
    }
}

/// Returns the directives among some comments that say how a file runs.
fn of_the_file(comments: &str) -> Vec<String> {
    let lexed = tokens(comments).filter(|token| token.kind == TokenKind::LineComment);
    let texts = lexed.map(|token| token.span.slice(comments).trim_end());
    let is_one = |text: &&str| {
        text.strip_prefix("-- rlsctl:")
            .is_some_and(|rest| rest.trim_start().starts_with("statement_timeout") || rest.contains("out-of-order"))
    };
    texts.filter(is_one).map(str::to_owned).collect()
}

/// Returns where the line ends that a statement ends on, if nothing but a comment follows it there. goose's closing marker is part of the
/// statement before it.
fn end_of_line(script: &str, end: usize) -> usize {
    let rest = &script[end..];
    let line = rest.split_inclusive('\n').next().unwrap_or_default();
    if !tokens(line).all(|token| token.kind.is_blank()) {
        return end;
    }
    let next = rest[line.len()..].split_inclusive('\n').next().unwrap_or_default();
    let closes = next.trim() == "-- +goose StatementEnd";
    end + line.len() + if closes { next.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::split;

    fn texts(script: &str) -> Vec<String> {
        let most = Most { in_file: 8, in_head: 5 };
        let units = units(script, &split(script).unwrap(), most).unwrap();
        units.units.into_iter().map(|unit| unit.text).collect()
    }

    #[test]
    fn comments_stay_with_their_statement() {
        let script =
            "-- about a\nalter table a add b int; -- and why\n\n/* b */ alter table b add c int;\n-- the end\n";
        let expected = [
            "-- about a\nalter table a add b int; -- and why\n",
            "\n/* b */ alter table b add c int;\n-- the end\n",
        ];
        assert_eq!(texts(script), expected);
        assert_eq!(texts("truncate a; truncate b"), ["truncate a;", " truncate b;"]);
        assert_eq!(
            texts("-- +goose StatementBegin\ntruncate a;\n-- +goose StatementEnd\ntruncate b;\n").len(),
            2
        );
    }

    #[test]
    fn a_block_around_everything_is_taken_out_and_its_comments_stay() {
        let script = "-- top\nBEGIN; -- one\ntruncate a;\nCOMMIT;\n-- end\n";
        assert_eq!(texts(script), ["-- top\n -- one\ntruncate a;\n-- end\n"]);
    }

    #[test]
    fn a_table_has_one_name_unless_the_search_path_is_set() {
        let tables = |script: &str| -> Vec<String> {
            let most = Most { in_file: 8, in_head: 5 };
            let units = units(script, &split(script).unwrap(), most).unwrap().units;
            let sections = units.iter().filter_map(|unit| match &unit.place {
                Place::Section(tables) => Some(tables.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
                _ => None,
            });
            sections.collect()
        };
        let script = "truncate a; truncate public.a, a; truncate app.a; truncate b;";
        assert_eq!(tables(script), ["public.a", "public.a", "app.a", "b"]);
        for (set, expected) in [
            ("set search_path = x", ["x.a", "public.a x.a", "app.a", "x.b"]),
            (
                "SET LOCAL search_path TO \"X y\"",
                ["\"X y\".a", "public.a \"X y\".a", "app.a", "\"X y\".b"],
            ),
            ("set search_path = 'x'", ["x.a", "public.a x.a", "app.a", "x.b"]),
            ("set search_path = x, public", ["a", "public.a a", "app.a", "b"]),
            (
                "select set_config('search_path', 'x', false)",
                ["a", "public.a a", "app.a", "b"],
            ),
            ("set search_path to default", ["a", "public.a a", "app.a", "b"]),
            ("set search_path = x; reset all", ["a", "public.a a", "app.a", "b"]),
            (
                "set search_path = x; set role r",
                ["x.a", "public.a x.a", "app.a", "x.b"],
            ),
        ] {
            assert_eq!(tables(&format!("{set}; {script}")), expected, "{set}");
        }
        assert_eq!(tables("create table public.n (); create index on n (x);"), [""; 0]);
    }

    #[test]
    fn what_cannot_be_cut_is_named_with_its_place() {
        let script = "\\echo x\ncopy a from stdin;\n1\n\\.\ncreate temp table t (a int);\nsavepoint s;\nlisten x;\nlock table a;\ndrop table a, b, c;\ntruncate a, b;\n";
        let most = Most { in_file: 1, in_head: 2 };
        let wrong = units(script, &split(script).unwrap(), most).unwrap_err();
        let at: Vec<&str> = wrong
            .iter()
            .map(|wrong| script[wrong.at..].split(' ').next().unwrap())
            .collect();
        assert_eq!(
            at,
            [
                "\\echo",
                "copy",
                "create",
                "savepoint",
                "listen",
                "lock",
                "drop",
                "truncate"
            ]
        );
    }
}
