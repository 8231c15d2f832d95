//! Which tables a part of a file locks, and which of them it is well to lock before it begins.

use crate::migrate::frame::Frame;
use crate::script::{LockMode, Piece, PieceKind, RelationName, Span, Statement, classify};

/// A table and how it is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableNeed {
    /// The table, as it is written.
    pub table: RelationName,
    /// The strongest mode.
    pub mode: LockMode,
    /// Whether it is locked before anything else is done: nothing that takes time comes before it in the file.
    pub upfront: bool,
}

/// What a part of a file needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The tables that it names and does not make itself.
    pub tables: Vec<TableNeed>,
    /// Whether it may lock others: DO, CALL, functions, a statement that only the server knows.
    pub unknown: bool,
}

/// The weakest mode that stands in the way of somebody who writes.
const HURTS: LockMode = LockMode::Share;

/// The first words of statements that write or read rows, or run code: they may take long, and may wait for somebody else's row at any time.
const ROWS: [&str; 15] = [
    "insert", "update", "delete", "merge", "select", "with", "values", "table", "do", "call", "copy", "refresh",
    "explain", "execute", "analyze",
];

/// A statement that may take long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slow {
    /// It has the locks it needs when it begins to take long.
    Builds,
    /// It may have to wait at any time.
    Rows,
}

/// Says whether a statement may take long: what is locked before it stays locked meanwhile.
pub fn slow(statement: &str) -> Option<Slow> {
    let mut words = statement
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default().to_ascii_lowercase();
    if first == "create" {
        let second = words.next().unwrap_or_default().to_ascii_lowercase();
        return matches!(second.as_str(), "index" | "unique" | "materialized").then_some(Slow::Builds);
    }
    ROWS.contains(&first.as_str()).then_some(Slow::Rows)
}

/// Returns what is slowest among statements.
pub fn slowest<'a>(statements: impl Iterator<Item = &'a str>) -> Option<Slow> {
    let mut slowest = None;
    for statement in statements {
        slowest = slowest.max(slow(statement));
        if slowest == Some(Slow::Rows) {
            break;
        }
    }
    slowest
}

impl Needs {
    /// Whether an attempt that is refused would be a pity: somebody would have waited behind us, and what took long is thrown away.
    pub fn is_risky(&self, slow: Option<Slow>) -> bool {
        let mut hurting = self.tables.iter().filter(|need| need.mode >= HURTS);
        match slow {
            None => false,
            Some(Slow::Builds) => hurting.any(|need| !need.upfront),
            Some(Slow::Rows) => hurting.next().is_some(),
        }
    }
}

/// Whether a file may change what a name without a schema means, in whatever way and wherever in it: then such a name is not looked up, or a
/// session that holds another table of that name would be taken for one in the way.
pub fn may_mean_others(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["search_path", "schema", "role", "session authorization"]
        .iter()
        .any(|word| {
            let mut places = text.match_indices(word);
            places.any(|(at, _)| {
                *word == "search_path"
                    || text[..at].trim_end().ends_with("set")
                    || text[..at].trim_end().ends_with("local")
            })
        })
}

/// Returns what a part of a file needs. Unqualified names are left out where the file may change what they mean.
pub fn needs(text: &str, pieces: &[Piece], part: Span, frame: &Frame) -> Needs {
    let mut found = Needs::default();
    let mut made: Vec<RelationName> = Vec::new();
    let mut upfront = true;
    let qualified_only = may_mean_others(text);
    let statements = pieces.iter().filter(|piece| {
        piece.kind == PieceKind::Statement
            && part.start <= piece.span.start
            && piece.span.end <= part.end
            && !frame.omits(piece.span)
    });
    for piece in statements {
        let sql = piece.body.slice(text);
        let Ok(statement) = classify(sql) else {
            found.unknown = true;
            upfront = false;
            continue;
        };
        found.unknown |= statement.tables.unknown;
        take(&mut found, &statement, &made, upfront, qualified_only);
        // It takes its own locks first, and what comes behind it is not locked for as long as it runs.
        upfront &= !statement.tables.unknown && slow(sql).is_none();
        made.extend(statement.creates);
    }
    found
}

fn take(found: &mut Needs, statement: &Statement, made: &[RelationName], upfront: bool, qualified_only: bool) {
    let uses = statement
        .tables
        .known
        .iter()
        .filter(|table| !made.contains(&table.relation) && (!qualified_only || table.relation.schema.is_some()));
    for table in uses {
        let hurts = table.mode >= HURTS;
        match found.tables.iter_mut().find(|known| known.table == table.relation) {
            Some(known) if table.mode > known.mode => {
                known.mode = table.mode;
                known.upfront = upfront && hurts;
            }
            Some(_) => {}
            None => found.tables.push(TableNeed {
                table: table.relation.clone(),
                mode: table.mode,
                upfront: upfront && hurts,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::split;

    fn of(text: &str) -> Needs {
        let pieces = split(text).unwrap();
        let all = Span {
            start: 0,
            end: text.len(),
        };
        needs(text, &pieces, all, &Frame::default())
    }

    fn shown(text: &str) -> Vec<String> {
        let tables = of(text).tables;
        let show = |need: &TableNeed| {
            format!(
                "{} {}{}",
                need.table,
                need.mode,
                if need.upfront { " first" } else { "" }
            )
        };
        tables.iter().map(show).collect()
    }

    #[test]
    fn tables_come_with_their_strongest_mode() {
        assert_eq!(
            shown(
                "alter table a validate constraint c; alter table a add column x int; create table b (id int); alter table b add y int"
            ),
            ["a ACCESS EXCLUSIVE first"]
        );
        assert_eq!(
            shown("alter table c add foreign key (x) references p (id) not valid"),
            ["c SHARE ROW EXCLUSIVE first", "p SHARE ROW EXCLUSIVE first"]
        );
    }

    #[test]
    fn nothing_is_locked_before_what_takes_long() {
        assert_eq!(
            shown("alter table a add column x int; update a set x = 1; alter table b enable row level security"),
            ["a ACCESS EXCLUSIVE first", "b ACCESS EXCLUSIVE"]
        );
        assert_eq!(
            shown("create index i on a (x); create index j on b (x)"),
            ["a SHARE first", "b SHARE"]
        );
        assert_eq!(shown("insert into a values (1)"), ["a ROW EXCLUSIVE"]);
    }

    #[test]
    fn an_attempt_is_risky_where_something_slow_may_be_thrown_away() {
        let risky = |text: &str| of(text).is_risky(slowest(text.split(';').map(str::trim)));
        assert!(!risky("alter table a add x int; alter table b add x int"));
        assert!(!risky(
            "alter table a add x int; create index i on a (x); create index j on a (y)"
        ));
        assert!(risky("create index i on a (x); alter table b add x int"));
        assert!(risky("Update a set x = 1; alter table a add y int"));
        assert!(!risky("insert into a values (1)"));
    }

    #[test]
    fn what_cannot_be_known_is_said() {
        let found = of("do $$ begin execute 'drop table a'; end $$; alter table b add x int");
        assert!(found.unknown && !found.tables[0].upfront);
        for sets in [
            "set search_path = x",
            "set local search_path to x",
            "set schema 'x'",
            "set local role y",
            "set session authorization z",
        ] {
            let text = format!("{sets}; alter table b add x int; alter table s.c add x int");
            assert_eq!(shown(&text), ["s.c ACCESS EXCLUSIVE first"], "{sets}");
        }
        let called = "select set_config('search_path', 'x', true); alter table b add x int";
        assert!(shown(called).is_empty());
    }
}
