//! A repeated file, before anything runs: the one statement of it, or why it cannot be repeated.

use crate::migration::directive::{Directives, Repeat};
use crate::script::{DmlCommand, RelationName, SessionEffects, Span, TokenKind, classify, tokens};

use super::cut::{Fact, Run};
use super::refuse::Objections;

/// A file whose statement is run again and again, each round in a transaction of its own, until it changes no row.
#[derive(Clone, Debug, PartialEq)]
pub struct Rounds {
    /// The statement.
    pub statement: Span,
    /// What it is.
    pub tag: &'static str,
    /// The table whose rows it changes or deletes; `None` of one that only adds rows, whose number says nothing about the table.
    pub target: Option<RelationName>,
    /// What it may leave in the session.
    pub session: SessionEffects,
    /// After how many rounds it is given up.
    pub at_most: Option<u64>,
    /// Whether rows that row-level security hides are meant to be left alone.
    pub may_miss_rows: bool,
}

/// The code of every objection here.
const CODE: &str = "files.repeat";

/// Returns how a file runs that says `repeat until 0 rows`, or adds what is wrong with it to the objections; `run` is how it runs otherwise.
pub(super) fn rounds(
    text: &str,
    facts: &[Fact],
    directives: &Directives,
    run: Run,
    objections: &mut Objections<'_>,
) -> Run {
    let Some(repeat) = directives.repeat else {
        return run;
    };
    if let Some(section) = directives.sections.first() {
        let message = "a file that is repeated until 0 rows has no sections".to_owned();
        let help = "put the repeated statement into a migration of its own, behind this one".to_owned();
        objections.object(CODE, section.at, message, help);
    }
    if directives.baseline.is_some() {
        let message = "a baseline is not repeated".to_owned();
        let help = "put the repeated statement into a migration of its own".to_owned();
        objections.object(CODE, repeat.at, message, help);
    }
    match the_one(text, facts, repeat).and_then(|fact| judge(text, fact, repeat, directives.scope.is_some())) {
        Ok(rounds) => Run::Rounds(rounds),
        Err(Wrong { at, message, help }) => {
            objections.object(CODE, at, message, help.to_owned());
            run
        }
    }
}

/// What is wrong, and where.
struct Wrong {
    at: usize,
    message: String,
    help: &'static str,
}

fn the_one<'f>(text: &str, facts: &'f [Fact], repeat: Repeat) -> Result<&'f Fact, Wrong> {
    match facts {
        [only] => Ok(only),
        [] => Err(Wrong {
            at: repeat.at,
            message: "there is no statement to repeat".to_owned(),
            help: "write the INSERT, UPDATE, DELETE or MERGE that is to be repeated below the directive",
        }),
        [_, second, ..] => Err(Wrong {
            at: second.piece.body.start,
            message: format!(
                "`{}` is a second statement: a file that is repeated until 0 rows has one",
                first_words(text, second.piece.body)
            ),
            help: "put each statement into a migration of its own; a timeout is set by `-- rlsctl: statement_timeout=10min`",
        }),
    }
}

fn judge(text: &str, fact: &Fact, repeat: Repeat, may_miss_rows: bool) -> Result<Rounds, Wrong> {
    let body = fact.piece.body;
    let sql = body.slice(text);
    let wrong = |at: usize, message: String, help: &'static str| Wrong { at, message, help };
    let statement = classify(sql).map_err(|error| {
        let message = format!("what is to be repeated is not understood: {error}");
        wrong(body.start, message, "mend the statement")
    })?;
    if !matches!(statement.tag, "INSERT" | "UPDATE" | "DELETE" | "MERGE") {
        return Err(wrong(
            body.start,
            format!("`{}` cannot be repeated until it changes 0 rows", statement.tag),
            "what is repeated is one INSERT, UPDATE, DELETE or MERGE, with or without WITH before it",
        ));
    }
    if let Some(at) = skips_locked(sql) {
        return Err(wrong(
            body.start + at,
            "SKIP LOCKED: a round that skips the rows somebody holds would report 0 rows while rows are left"
                .to_owned(),
            "take it out: a round that has to wait for a row gives way, and is tried again",
        ));
    }
    if matches!(statement.tag, "INSERT" | "UPDATE") && !has_word(sql, &["where", "conflict", "except"]) {
        return Err(wrong(
            body.start,
            format!(
                "this {} has no condition, so that no round of it would ever change 0 rows",
                statement.tag
            ),
            "let it choose the rows that are still to be done, and a limited number of them: \
             `where id in (select id from t where tenant_id is null limit 5000)`",
        ));
    }
    // Those of WITH come first.
    let last = statement.dml.last();
    let target = last.filter(|dml| dml.command != DmlCommand::Insert);
    Ok(Rounds {
        statement: body,
        tag: statement.tag,
        target: target.map(|dml| dml.target.clone()),
        session: statement.session,
        at_most: repeat.at_most,
        may_miss_rows,
    })
}

fn first_words(text: &str, statement: Span) -> String {
    let words = statement.slice(text).split_whitespace().take(2);
    words.collect::<Vec<_>>().join(" ").to_uppercase()
}

/// The words of a statement, with their places.
fn words(sql: &str) -> impl Iterator<Item = (usize, &str)> {
    tokens(sql)
        .filter(|token| token.kind == TokenKind::Word)
        .map(|token| (token.span.start, token.span.slice(sql)))
}

fn has_word(sql: &str, wanted: &[&str]) -> bool {
    words(sql).any(|(_, word)| wanted.iter().any(|wanted| word.eq_ignore_ascii_case(wanted)))
}

fn skips_locked(sql: &str) -> Option<usize> {
    let words: Vec<(usize, &str)> = words(sql).collect();
    let is =
        |pair: &&[(usize, &str)]| pair[0].1.eq_ignore_ascii_case("skip") && pair[1].1.eq_ignore_ascii_case("locked");
    words.windows(2).find(is).map(|pair| pair[0].0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::plan::facts;
    use crate::script::split;

    fn of(sql: &str) -> Result<Rounds, String> {
        let facts = facts(sql, &split(sql).unwrap());
        let repeat = Repeat { at: 0, at_most: None };
        the_one(sql, &facts, repeat)
            .and_then(|fact| judge(sql, fact, repeat, false))
            .map_err(|wrong| wrong.message)
    }

    #[test]
    fn what_changes_rows_can_be_repeated() {
        for (sql, tag, target) in [
            ("update t set a = 1 where a is null", "UPDATE", Some("t")),
            (
                "with batch as (select id from t where a is null limit 9) update s.u set a = 1 from batch where batch.id = u.id",
                "UPDATE",
                Some("s.u"),
            ),
            ("delete from t", "DELETE", Some("t")),
            (
                "with moved as (delete from t where a returning *) insert into u select * from moved where true",
                "INSERT",
                None,
            ),
            ("insert into t select 1 on conflict do nothing", "INSERT", None),
            (
                "merge into t using u on t.id = u.id and t.a is null when matched then update set a = u.a",
                "MERGE",
                Some("t"),
            ),
        ] {
            let rounds = of(sql).unwrap();
            let shown = rounds.target.map(|target| target.to_string());
            assert_eq!((rounds.tag, shown.as_deref()), (tag, target), "{sql}");
        }
    }

    #[test]
    fn what_never_reports_0_rows_or_does_so_too_soon_cannot() {
        for sql in [
            "",
            "select 1",
            "with done as (update t set a = 1 where a is null returning 1) select count(*) from done",
            "alter table t add column a int",
            "update t set a = 1",
            "insert into t values (1)",
            "update t set a = 1 where id in (select id from t where a is null limit 9 for update Skip Locked)",
            "update t set a = 1 where a is null; select 1",
            "begin; update t set a = 1 where a is null; commit",
            "explain analyze update t set a = 1 where a is null",
            "truncate t",
            "update t set set",
        ] {
            assert!(of(sql).is_err(), "{sql}");
        }
    }
}
