//! Statements whose tree is too deep to be handed over by the parser.

use pg_query::protobuf::summary_result::Context;

use super::draft::Draft;
use super::parse::classify;
use crate::script::{
    LockMode, RelationKind, RelationName, SessionEffect, Statement, TokenKind, Transactional, Triage, tokens, triage,
};

/// Says as much as can be known about a statement with some fifty operators or set operations in a row, which the
/// server takes and the crate's decoder does not. None if even the grammar gives up.
///
/// The parser's summary names the relations, without saying that these are all. What the statement leaves in its
/// session is settled by its tokens.
pub(super) fn classify_deep(statement: &str) -> Option<Statement> {
    let summary = pg_query::summary(statement, 0, -1).ok()?;
    let mut draft = Draft::new();
    draft.statement.tag = summary.statement_types.first().map_or("", |node| tag(node));
    draft.unknown();
    if triage(statement) == Triage::Classify {
        draft.effect(SessionEffect::Opaque);
    }
    let mut tables: Vec<_> = summary.protobuf.tables.iter().collect();
    tables.sort_by(|a, b| (&a.schema_name, &a.table_name).cmp(&(&b.schema_name, &b.table_name)));
    for table in tables {
        let schema = (!table.schema_name.is_empty()).then(|| table.schema_name.clone());
        let relation = RelationName {
            schema,
            name: table.table_name.clone(),
        };
        match table.context() {
            Context::Dml => draft.lock(relation, LockMode::RowExclusive, RelationKind::Table),
            Context::Ddl if draft.statement.tag.starts_with("CREATE TABLE") => {
                draft.statement.creates.push(relation);
            }
            Context::Ddl => draft.lock(relation, LockMode::AccessExclusive, RelationKind::Table),
            _ => draft.lock(relation, LockMode::AccessShare, RelationKind::Table),
        }
    }
    draft.statement.copy_from_stdin = says(statement, &["copy"], ["from", "stdin"]);
    draft.statement.copy_to_stdout = says(statement, &["copy"], ["to", "stdout"]);
    let mut found = draft.finish();
    if found.tag == "CREATE INDEX"
        && let Some(transactional) = index_head(statement)
    {
        found.transactional = transactional;
    }
    Some(found)
}

/// Returns the tag for the parser's name of a statement, for those that can hold a deep expression.
fn tag(node: &str) -> &'static str {
    match node {
        "SelectStmt" => "SELECT",
        "InsertStmt" => "INSERT",
        "UpdateStmt" => "UPDATE",
        "DeleteStmt" => "DELETE",
        "MergeStmt" => "MERGE",
        "CreateTableAsStmt" => "CREATE TABLE AS",
        "CreateStmt" => "CREATE TABLE",
        "ViewStmt" => "CREATE VIEW",
        "IndexStmt" => "CREATE INDEX",
        "AlterTableStmt" => "ALTER TABLE",
        "CreatePolicyStmt" => "CREATE POLICY",
        "AlterPolicyStmt" => "ALTER POLICY",
        "CreateFunctionStmt" => "CREATE FUNCTION",
        "CreateTrigStmt" => "CREATE TRIGGER",
        "RuleStmt" => "CREATE RULE",
        "CopyStmt" => "COPY",
        "ExplainStmt" => "EXPLAIN",
        "PrepareStmt" => "PREPARE",
        "DeclareCursorStmt" => "DECLARE CURSOR",
        "CallStmt" => "CALL",
        "ExecuteStmt" => "EXECUTE",
        _ => "???",
    }
}

/// Says whether a statement starts with some words and has two others in a row outside parentheses.
fn says(statement: &str, head: &[&str], pair: [&str; 2]) -> bool {
    let mut parens = 0_usize;
    let mut outside = Vec::new();
    for token in tokens(statement).filter(|token| !token.kind.is_blank()) {
        let text = token.span.slice(statement);
        match (token.kind, text) {
            (TokenKind::Punctuation, "(") => parens += 1,
            (TokenKind::Punctuation, ")") => parens = parens.saturating_sub(1),
            (TokenKind::Word, _) if parens == 0 => outside.push(text),
            _ if parens == 0 => outside.push(""),
            _ => {}
        }
    }
    let is = |word: &&str, other: &&str| word.eq_ignore_ascii_case(other);
    outside.iter().zip(head).all(|(word, other)| is(word, other))
        && outside
            .windows(2)
            .any(|words| is(&words[0], &pair[0]) && is(&words[1], &pair[1]))
}

/// Reads a `CREATE INDEX` without what it indexes, which is all that can be deep in it.
fn index_head(statement: &str) -> Option<Transactional> {
    let open =
        tokens(statement).find(|token| token.kind == TokenKind::Punctuation && token.span.slice(statement) == "(")?;
    let head = format!("{}(x)", &statement[..open.span.start]);
    let found = classify(&head).ok()?;
    (found.tag == "CREATE INDEX").then_some(found.transactional)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::NonTransactional;

    fn names(statement: &Statement) -> Vec<(String, LockMode)> {
        statement
            .tables
            .known
            .iter()
            .map(|table| (table.relation.to_string(), table.mode))
            .collect()
    }

    #[test]
    fn a_long_sum_or_union_is_no_syntax_error() {
        for n in [60, 1000] {
            let sum = format!("insert into t select 1{} from s.b", " + 1".repeat(n));
            let found = classify(&sum).unwrap();
            assert_eq!(found.tag, "INSERT");
            assert!(found.tables.unknown, "what was not seen is not denied");
            assert!(!found.session.any());
            let expected = [
                ("t".to_owned(), LockMode::RowExclusive),
                ("s.b".to_owned(), LockMode::AccessShare),
            ];
            assert_eq!(names(&found), expected, "{n}");

            let union = format!(
                "create table q as select 1 from a{}",
                " union all select f(1) from b".repeat(n)
            );
            let found = classify(&union).unwrap();
            assert_eq!(found.tag, "CREATE TABLE AS");
            assert_eq!(found.creates, [RelationName::new("q")]);
            assert!(found.session.has(SessionEffect::Opaque), "f may do anything");
        }
    }

    #[test]
    fn what_runs_outside_a_transaction_is_still_found() {
        let text = format!(
            "create unique index concurrently i on s.t (x) where x = 1{}",
            " + 1".repeat(80)
        );
        let found = classify(&text).unwrap();
        let expected = NonTransactional::CreateIndex {
            table: RelationName::qualified("s", "t"),
            index: Some("i".to_owned()),
            if_not_exists: false,
            unique: true,
        };
        assert_eq!(found.transactional, Transactional::Never(expected));
    }

    #[test]
    fn copy_is_still_copy() {
        let text = format!("copy t (a) from stdin where a > 1{}", " + 1".repeat(80));
        assert!(classify(&text).unwrap().copy_from_stdin);
        let text = format!("copy (select 1{}) to stdout", " + 1".repeat(80));
        let found = classify(&text).unwrap();
        assert!(found.copy_to_stdout && !found.copy_from_stdin);
    }

    #[test]
    fn what_no_server_would_take_is_an_error() {
        let error = classify(&format!("select {}1", "(".repeat(100_000))).unwrap_err();
        assert!(error.message.contains("memory exhausted"), "{error}");
    }
}
