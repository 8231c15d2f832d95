//! Rows that row-level security hides from the role that migrates: a statement over them does less than it says, and reports success.
//!
//! Which files write rows is seen by their first words; only of those the grammar is asked, and the server whose policies bind us where.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::migration::ReadError;
use crate::pg::Bound;
use crate::script::{DmlCommand, PieceKind, RelationKind, RelationName, Statement, classify, split};

use super::locking::needs::may_mean_others;
use super::plan::{Plan, PlannedFile};
use super::wide::count;

/// A statement that writes rows, or reads rows in order to write others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The table, as it is written.
    pub relation: RelationName,
    /// The statement: `UPDATE`.
    pub tag: &'static str,
    /// The line in the file, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

/// A file that writes rows.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// The file.
    pub file: &'a PlannedFile,
    /// The tables whose rows it has to see, each once.
    pub uses: Vec<Use>,
}

/// Whether a statement may write rows that it has to find, or made of rows that it has to find.
pub fn writes_rows(sql: &str) -> bool {
    let first = sql.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let is = |word: &str| first.eq_ignore_ascii_case(word);
    // An INSERT of values, of which there may be thousands, has nothing to find.
    let reads = || ["select", "table"].iter().any(|word| count(sql, word) > 0);
    ["update", "delete", "merge", "with"].iter().any(|word| is(word)) || is("insert") && reads()
}

/// Returns the files that write rows and do not say what is meant with those that are hidden.
///
/// # Errors
/// A file that has to be read again, and is not what it was.
pub fn candidates(plan: &Plan) -> Result<Vec<Candidate<'_>>, ReadError> {
    let mut found = Vec::new();
    let asked = |file: &&PlannedFile| file.writes_rows && file.directives.scope.is_none() && file.recorded.is_none();
    for file in plan.files.iter().filter(asked) {
        let uses = uses(file)?;
        if !uses.is_empty() {
            found.push(Candidate { file, uses });
        }
    }
    Ok(found)
}

fn uses(file: &PlannedFile) -> Result<Vec<Use>, ReadError> {
    let text = file.text()?;
    let sql = text.as_str();
    // It was split when it was planned.
    let pieces = split(sql).unwrap_or_default();
    let qualified_only = may_mean_others(sql);
    let mut found = Vec::<Use>::new();
    for piece in pieces.iter().filter(|piece| piece.kind == PieceKind::Statement) {
        let body = piece.body.slice(sql);
        if chooses_a_tenant(body) {
            break;
        }
        let Some(statement) = Some(body)
            .filter(|body| writes_rows(body))
            .and_then(|body| classify(body).ok())
        else {
            continue;
        };
        for relation in seen_by(&statement).filter(|relation| relation.schema.is_some() || !qualified_only) {
            if !found.iter().any(|known| known.relation == *relation) {
                let position = text.position(piece.body.start);
                found.push(Use {
                    relation: relation.clone(),
                    tag: statement.tag,
                    line: position.line,
                    column: position.column,
                });
            }
        }
    }
    Ok(found)
}

/// The tables whose rows a statement has to see. An INSERT into a table sees nothing of it: what its policies do not allow is an error.
fn seen_by(statement: &Statement) -> impl Iterator<Item = &RelationName> {
    let only_added = |relation: &RelationName| {
        let mut writes = statement.dml.iter().filter(|dml| dml.target == *relation).peekable();
        writes.peek().is_some() && writes.all(|dml| dml.command == DmlCommand::Insert)
    };
    let tables = statement.tables.known.iter().filter(|_| !statement.dml.is_empty());
    tables
        .filter(|used| used.kind == RelationKind::Table)
        .map(|used| &used.relation)
        .filter(move |relation| !only_added(relation))
}

/// Whether from here on the file itself says whose rows it means: by a role, by a setting of the application's, or by `row_security`, with
/// which hidden rows are an error.
fn chooses_a_tenant(body: &str) -> bool {
    let first = body
        .split(|c: char| !c.is_ascii_alphabetic())
        .next()
        .unwrap_or_default();
    match first.to_ascii_lowercase().as_str() {
        "set" => {
            let text = body.to_ascii_lowercase();
            // `app.tenant_id`: the settings with a dot are the application's.
            let name = text.split('=').next().unwrap_or_default();
            let name = name.split(" to ").next().unwrap_or_default();
            name.contains('.')
                || ["row_security", " role", "authorization"]
                    .iter()
                    .any(|word| name.contains(word))
        }
        "select" | "do" | "with" => count(body, "set_config") > 0,
        _ => false,
    }
}

/// Returns the names that the server has to be asked about, each once.
pub fn names(candidates: &[Candidate<'_>]) -> BTreeSet<RelationName> {
    let uses = candidates.iter().flat_map(|candidate| &candidate.uses);
    uses.map(|one| one.relation.clone()).collect()
}

/// Returns an objection to each statement that would pass over rows without a word. `bound` are the tables whose policies bind `role`.
pub fn refusals(candidates: &[Candidate<'_>], bound: &BTreeMap<RelationName, Bound>, role: &str) -> Vec<Finding> {
    let refused = candidates.iter().flat_map(|candidate| {
        let uses = candidate.uses.iter();
        uses.filter_map(|one| Some(refusal(candidate.file, one, bound.get(&one.relation)?, role)))
    });
    refused.collect()
}

fn refusal(file: &PlannedFile, one: &Use, bound: &Bound, role: &str) -> Finding {
    let migration = &file.migration;
    let why = match (bound.is_owner, bound.is_forced) {
        (true, true) => format!("{role} owns it, but FORCE is set and {role} has no BYPASSRLS"),
        _ => format!("{role} is not its owner and has no BYPASSRLS"),
    };
    let message = format!(
        "this {} would pass over the rows of {} that its policies hide, and report success: row-level security binds {role} there ({why})",
        one.tag, bound.table
    );
    let help = "migrate as a role that sees all rows (BYPASSRLS); or let the file set the tenant before it; \
                or write `-- rlsctl: scope=all` into it, if hidden rows are meant to be left alone";
    Finding::error("files.rows-hidden", migration.version.to_string(), message, help)
        .at(&migration.path, one.line, one.column)
        .evidence("table", bound.table.as_str())
        .evidence("role", role)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(sql: &str) -> Vec<String> {
        seen_by(&classify(sql).unwrap()).map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_only_added_to_need_not_be_seen() {
        assert_eq!(seen("update a set x = b.x from b where a.id = b.id"), ["a", "b"]);
        assert_eq!(seen("insert into a select * from b"), ["b"]);
        assert_eq!(seen("insert into a values (1)"), Vec::<String>::new());
        assert_eq!(
            seen("with gone as (delete from b returning *) insert into a select * from gone"),
            ["b"]
        );
        assert_eq!(
            seen("with x as (select * from b) select * from x"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_has_rows_to_find_is_known_by_its_words() {
        for sql in [
            "Update a set b = 1",
            "insert into a select 1",
            "with x as (delete from a) select 1",
        ] {
            assert!(writes_rows(sql), "{sql}");
        }
        for sql in [
            "insert into a values (1)",
            "select 1",
            "create table a (id int)",
            "updated",
        ] {
            assert!(!writes_rows(sql), "{sql}");
        }
    }

    #[test]
    fn a_file_may_say_whose_rows_it_means() {
        for sql in [
            "set app.tenant_id = '7'",
            "set local app.tenant_id to '7'",
            "select set_config('app.tenant_id', '7', true)",
            "set local role admin",
            "set session authorization admin",
            "set local row_security = off",
        ] {
            assert!(chooses_a_tenant(sql), "{sql}");
        }
        for sql in [
            "set search_path = 'app.x'",
            "set local statement_timeout to '9.5s'",
            "update a set b = 1.5",
            "select 1.5",
        ] {
            assert!(!chooses_a_tenant(sql), "{sql}");
        }
    }
}
