//! Wide files: those that alter more existing tables than one transaction should, and say nothing about it.
//!
//! Every table that a file alters stays locked until the file's transaction ends, so the more it alters, the longer the application
//! waits for the first of them. Most files are ruled out by [`bound`], from their first words; only of the others the grammar is asked,
//! and only where that finds too many tables the server is asked which of them exist.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::migration::ReadError;
use crate::script::{LockMode, RelationKind, RelationName, TokenKind, classify, split, tokens};

use super::cut::{Fact, Known};
use super::plan::{Plan, PlannedFile, facts};

/// A relation that a file alters, and where it does so first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Altered {
    /// The table or index, as it is written.
    pub relation: RelationName,
    /// The line in the file, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

/// A file that may be too wide: it alters more relations than the limit that are not made in the run.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// The file.
    pub file: &'a PlannedFile,
    /// What it alters, in the order of first mention.
    pub altered: Vec<Altered>,
}

/// Returns how many existing tables a file alters at most, from the first words of its statements.
pub fn bound(text: &str, facts: &[Fact]) -> usize {
    facts
        .iter()
        .map(|fact| statement_bound(fact.piece.body.slice(text)))
        .sum()
}

fn statement_bound(sql: &str) -> usize {
    let first = sql.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let is = |words: &[&str]| words.iter().any(|word| first.eq_ignore_ascii_case(word));
    if is(&[
        "insert", "update", "delete", "select", "with", "set", "begin", "commit", "comment", "grant", "revoke",
    ]) {
        return 0;
    }
    if is(&["drop", "truncate", "lock", "vacuum"]) {
        return 1 + memchr::memchr_iter(b',', sql.as_bytes()).count();
    }
    1 + count(sql, "references") + count(sql, "partition")
}

/// How often a word occurs, in any case.
pub(super) fn count(sql: &str, word: &str) -> usize {
    let (bytes, word) = (sql.as_bytes(), word.as_bytes());
    let starts = memchr::memchr2_iter(word[0], word[0].to_ascii_uppercase(), bytes);
    let found = starts.filter(|&at| {
        bytes
            .get(at..at + word.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(word))
    });
    found.count()
}

/// Returns the files that alter more than `limit` relations which no file of the run makes before.
///
/// # Errors
/// A file that has to be read again, and is not what it was.
pub fn candidates(plan: &Plan, limit: usize) -> Result<Vec<Candidate<'_>>, ReadError> {
    let mut candidates = Vec::new();
    for (index, file) in plan
        .files
        .iter()
        .enumerate()
        .filter(|(_, file)| may_be_refused(file, limit))
    {
        let altered = altered(file)?;
        if altered.len() > limit {
            candidates.push((index, Candidate { file, altered }));
        }
    }
    let Some(last) = candidates.last().map(|(index, _)| *index) else {
        return Ok(Vec::new());
    };
    let mut made = BTreeSet::new();
    let mut files = plan.files[..=last].iter().enumerate();
    let mut found = Vec::new();
    for (at, mut candidate) in candidates {
        for (index, file) in files.by_ref() {
            if index == at {
                break;
            }
            made.extend(made_in(file)?);
        }
        candidate.altered.retain(|altered| !made.contains(&altered.relation));
        made.extend(made_in(candidate.file)?);
        if candidate.altered.len() > limit {
            found.push(candidate);
        }
    }
    Ok(found)
}

fn may_be_refused(file: &PlannedFile, limit: usize) -> bool {
    let is_meant = file.directives.allow_wide || !file.directives.sections.is_empty();
    file.alters_at_most > limit && !is_meant && file.recorded.is_none()
}

/// Returns every relation that a file alters and does not make itself.
fn altered(file: &PlannedFile) -> Result<Vec<Altered>, ReadError> {
    let text = file.text()?;
    let sql = text.as_str();
    // It was split when it was planned.
    let pieces = split(sql).unwrap_or_default();
    let (mut found, mut made) = (Vec::<Altered>::new(), BTreeSet::new());
    for fact in facts(sql, &pieces) {
        let body = fact.piece.body.slice(sql);
        let statement = match fact.known {
            Known::Parsed(statement) => *statement,
            Known::Plain | Known::Unknown => match classify(body) {
                Ok(statement) => statement,
                Err(_) => continue,
            },
        };
        for used in &statement.tables.known {
            let relation = &used.relation;
            let is_table = matches!(used.kind, RelationKind::Table | RelationKind::Index);
            let is_new = made.contains(relation) || found.iter().any(|altered| altered.relation == *relation);
            if is_table && used.mode >= LockMode::Share && !is_new {
                let position = text.position(fact.piece.body.start);
                found.push(Altered {
                    relation: relation.clone(),
                    line: position.line,
                    column: position.column,
                });
            }
        }
        if !is_conditional(body) {
            made.extend(statement.creates);
        }
    }
    Ok(found)
}

/// Whether a statement makes something only where it is not there yet.
fn is_conditional(sql: &str) -> bool {
    let words: Vec<String> = first_words(sql).collect();
    words.windows(3).any(|three| three == ["if", "not", "exists"])
}

/// The words that a statement begins with, in lower case, up to the first token that is none.
fn first_words(sql: &str) -> impl Iterator<Item = String> {
    let tokens = tokens(sql).filter(|token| !token.kind.is_blank());
    let words = tokens.take_while(|token| token.kind == TokenKind::Word);
    words.map(|token| token.span.slice(sql).to_ascii_lowercase())
}

/// Returns the tables that a file makes for sure, from the first words of its statements.
fn made_in(file: &PlannedFile) -> Result<Vec<RelationName>, ReadError> {
    let text = file.text()?;
    let pieces = split(text.as_str()).unwrap_or_default();
    let bodies = pieces.iter().map(|piece| piece.body.slice(text.as_str()));
    Ok(bodies.filter_map(made).collect())
}

fn made(sql: &str) -> Option<RelationName> {
    const BEFORE: [&str; 7] = ["create", "global", "local", "temp", "temporary", "unlogged", "foreign"];
    let mut tokens = tokens(sql).filter(|token| !token.kind.is_blank());
    let first = tokens.next()?.span.slice(sql);
    if !first.eq_ignore_ascii_case("create") {
        return None;
    }
    let name = loop {
        let token = tokens.next()?;
        let word = token.span.slice(sql);
        if word.eq_ignore_ascii_case("table") {
            break token.span.end;
        }
        BEFORE.iter().find(|before| word.eq_ignore_ascii_case(before))?;
    };
    let ends = |text: &str| matches!(text, "(" | ";") || text.eq_ignore_ascii_case("as");
    let is_end = |text: &str| ends(text) || text.eq_ignore_ascii_case("partition") || text.eq_ignore_ascii_case("of");
    let end = tokens.find(|token| is_end(token.span.slice(sql)));
    // `if not exists t` is no list of names, and so none is made for sure.
    let names = RelationName::list(&sql[name..end.map_or(sql.len(), |end| end.span.start)])?;
    names.into_iter().next()
}

/// Returns the names that the server has to be asked about, each once.
pub fn names(candidates: &[Candidate<'_>]) -> BTreeSet<RelationName> {
    let altered = candidates.iter().flat_map(|candidate| &candidate.altered);
    altered.map(|altered| altered.relation.clone()).collect()
}

/// Returns an objection to each file that alters more than `limit` tables of those that exist.
///
/// `existing` has, by its name as it is written, the table that a relation is, belongs to as an index, or is a part of.
pub fn refusals(candidates: &[Candidate<'_>], existing: &BTreeMap<RelationName, String>, limit: usize) -> Vec<Finding> {
    let refused = candidates.iter().map(|candidate| refusal(candidate, existing, limit));
    refused.flatten().collect()
}

fn refusal(candidate: &Candidate<'_>, existing: &BTreeMap<RelationName, String>, limit: usize) -> Option<Finding> {
    let mut seen = BTreeSet::new();
    let exists = |altered: &&Altered| existing.get(&altered.relation).is_some_and(|table| seen.insert(table));
    let altered: Vec<&Altered> = candidate.altered.iter().filter(exists).collect();
    let first = altered.first().filter(|_| altered.len() > limit)?;
    let listed: Vec<String> = altered
        .iter()
        .map(|altered| format!("{} (line {})", existing[&altered.relation], altered.line))
        .collect();
    let migration = &candidate.file.migration;
    let message = format!(
        "alters {} existing tables, and all stay locked until its end (limits.tables_per_migration is {limit}): {}",
        altered.len(),
        listed.join(", ")
    );
    let help = format!(
        "`rlsctl split {}` cuts it into sections of one table; or write `-- rlsctl: allow wide` into it, if it is meant to be so",
        migration.path.display()
    );
    let tables: Vec<serde_json::Value> = altered
        .iter()
        .map(|altered| serde_json::json!({ "table": existing[&altered.relation], "line": altered.line }))
        .collect();
    let finding = Finding::error("files.wide", migration.version.to_string(), message, help)
        .at(&migration.path, first.line, first.column)
        .evidence("tables", tables);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_never_below_what_the_grammar_finds() {
        for sql in [
            "alter table a enable row level security",
            "alter table a add constraint f foreign key (b) references b",
            "ALTER TABLE a ADD COLUMN b int REFERENCES b, ADD c int REFERENCES c",
            "drop table a, b,c",
            "drop index i, j",
            "truncate a, b",
            "lock table a, b in share mode",
            "vacuum (full) a, b",
            "create policy p on a using (exists (select from b))",
            "create index on a (b)",
            "create trigger t before insert on a for each row execute function f()",
            "create table p partition of a for values in (1)",
            "alter table a attach partition b for values in (1)",
            "alter table a detach partition b",
            "create table n (a int references a, b int references b)",
            "create rule r as on insert to a do instead nothing",
            "cluster a using i",
            "reindex table a",
            "reindex index i",
            "alter index i set (fastupdate = off)",
            "grant select on a, b to public",
            "comment on table a is 'x, y'",
            "update a set b = 1",
        ] {
            let statement = classify(sql).unwrap();
            let altered = statement
                .tables
                .known
                .iter()
                .filter(|used| used.mode >= LockMode::Share);
            assert!(statement_bound(sql) >= altered.count(), "{sql}");
        }
        assert_eq!(statement_bound("insert into a values (1, 2)"), 0);
    }

    #[test]
    fn tables_that_are_made_for_sure_are_read_off_the_first_words() {
        for (sql, name) in [
            ("create table a (id int)", Some(RelationName::new("a"))),
            (
                "CREATE UNLOGGED TABLE app.\"A b\" (id int)",
                Some(RelationName::qualified("app", "A b")),
            ),
            ("create temp table t as select 1", Some(RelationName::new("t"))),
            ("create table p partition of a default", Some(RelationName::new("p"))),
            ("create table o of t", Some(RelationName::new("o"))),
            ("create table if not exists a (id int)", None),
            ("create view v as select 1", None),
            ("create index on t (a)", None),
            ("alter table a add b int", None),
            ("", None),
        ] {
            assert_eq!(made(sql), name, "{sql}");
        }
    }
}
