//! Which locks each kind of statement takes.

use crate::script::{Statement, classify};

/// Statements and the locks they take on the objects of `locks.sql`, as `pg_locks` shows them within the transaction.
///
/// `dependents` and `unknown` stand for [`crate::script::Tables`]' flags. Indexes and partitions are left out, and so
/// is what `GRANT` locks, which it does from version 18 on. To check the table against a server, make the objects, run
/// each statement in a transaction of its own, and read the strongest `pg_locks.mode` of each relation.
const TABLE: &str = include_str!("locks.tsv");

fn locks(statement: &Statement) -> String {
    let tables = &statement.tables;
    let mut all: Vec<String> = tables
        .known
        .iter()
        .map(|table| format!("{} {}", table.relation, table.mode))
        .collect();
    all.extend(tables.dependents.then(|| "dependents".to_owned()));
    all.extend(tables.unknown.then(|| "unknown".to_owned()));
    all.join(", ")
}

#[test]
fn each_kind_of_statement_takes_the_locks_that_the_server_shows() {
    let rows: Vec<(&str, &str)> = TABLE.split('\n').filter_map(|row| row.split_once('\t')).collect();
    assert!(rows.len() > 200, "the table is there");
    for (statement, expected) in rows {
        let found = classify(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
        assert_eq!(locks(&found), expected, "{statement}");
    }
}

#[test]
fn concurrently_takes_the_weaker_lock() {
    for (statement, expected) in [
        ("create index concurrently i on t (x)", "t SHARE UPDATE EXCLUSIVE"),
        ("drop index concurrently i", "i SHARE UPDATE EXCLUSIVE, dependents"),
        ("reindex table concurrently t", "t SHARE UPDATE EXCLUSIVE, dependents"),
        ("reindex index concurrently i", "i SHARE UPDATE EXCLUSIVE, dependents"),
        (
            "alter table p detach partition q concurrently",
            "p SHARE UPDATE EXCLUSIVE, q ACCESS EXCLUSIVE, dependents",
        ),
        (
            "alter table p detach partition q finalize",
            "p SHARE UPDATE EXCLUSIVE, q ACCESS EXCLUSIVE, dependents",
        ),
        ("truncate t restart identity", "t ACCESS EXCLUSIVE, dependents"),
        ("vacuum t", "t SHARE UPDATE EXCLUSIVE"),
        ("vacuum (full, analyze) t", "t ACCESS EXCLUSIVE"),
        ("vacuum (full false) t", "t SHARE UPDATE EXCLUSIVE"),
    ] {
        assert_eq!(locks(&classify(statement).unwrap()), expected, "{statement}");
    }
}

#[test]
fn the_strongest_subcommand_wins() {
    for (statement, expected) in [
        (
            "alter table t validate constraint c, alter column x set statistics 5",
            "t SHARE UPDATE EXCLUSIVE, dependents",
        ),
        (
            "alter table t set (fillfactor = 70), disable trigger r",
            "t SHARE ROW EXCLUSIVE",
        ),
        (
            "alter table t disable trigger r, add column x int",
            "t ACCESS EXCLUSIVE",
        ),
        (
            "alter table t set (fillfactor = 70, user_catalog_table = true)",
            "t ACCESS EXCLUSIVE",
        ),
    ] {
        assert_eq!(locks(&classify(statement).unwrap()), expected, "{statement}");
    }
}

#[test]
fn names_made_by_with_are_no_relations_where_they_are_in_scope() {
    for (statement, expected) in [
        ("with a as (select * from a) select * from a", "a ACCESS SHARE"),
        (
            "with a as (select * from b), b as (select * from a) select * from b",
            "b ACCESS SHARE",
        ),
        ("with a as (select 1) select * from s.a", "s.a ACCESS SHARE"),
        (
            "select * from (with a as (select 1) select * from a) q, a",
            "a ACCESS SHARE",
        ),
        (
            "with recursive a as (select * from b), b as (select 1) select * from a",
            "",
        ),
        ("with a as (select 1) insert into a select * from a", "a ROW EXCLUSIVE"),
        ("with a as (select 1) select * from a for update", ""),
        (
            "select * from t x join u on true for update of x",
            "t ROW SHARE, u ACCESS SHARE",
        ),
        ("select 1 union select * from t for share", "t ACCESS SHARE"),
    ] {
        match classify(statement) {
            Ok(found) => assert_eq!(locks(&found), expected, "{statement}"),
            Err(error) => panic!("{statement}: {error}"),
        }
    }
}

#[test]
fn tables_are_found_wherever_an_expression_may_hide_a_query() {
    let query = "(select max(x) from t)";
    for expression in [
        "case when true then {} else 1 end",
        "case {} when 1 then 2 end",
        "coalesce(1, {})",
        "greatest(1, {})",
        "nullif(1, {})",
        "array[{}]",
        "row(1, {})",
        "(array[1, 2])[{}]",
        "1 in (2, {})",
        "1 between {} and 3",
        "{} is null",
        "({} = 1) is true",
        "cast({} as text)",
        "'a' collate \"C\" || {}",
        "not ({} = 1)",
        "1 = any (array(select x from t))",
        "exists (select from t)",
        "count(*) filter (where {} > 1)",
        "sum(1) over (order by {})",
        "string_agg('a', ',' order by {})",
        "make_interval(days => {})",
        "xmlelement(name a, {})",
        "xmlelement(name a, xmlattributes({} as b))",
        "xmlforest({} as b)",
        "xmlserialize(content {} as text)",
        "json_object('a': {})",
        "json_array({})",
        "json_array(select x from t)",
        "json_objectagg('a': {})",
        "json_arrayagg({})",
        "json_arrayagg(1 order by {})",
        "json_arrayagg(1) filter (where {} = 1)",
        "json_objectagg('a': 1) over (order by {})",
        "json_query({}, '$')",
        "json_exists('1', '$' passing {} as y)",
        "json_exists({}, '$')",
        "json_value({}, '$' default {} on empty)",
        "json_scalar({})",
        "json_serialize({})",
        "json({})",
        "{} is json",
        "percentile_cont({}) within group (order by 1)",
        "overlay('a' placing {}::text from 1)",
        "{} at time zone 'UTC'",
    ] {
        let statement = format!("select {}", expression.replace("{}", query));
        let found = classify(&statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
        assert_eq!(locks(&found), "t ACCESS SHARE", "{statement}");
        assert!(!found.session.any(), "{statement}");
    }
}

#[test]
fn tables_are_found_in_every_clause() {
    for statement in [
        "select 1 from (select * from t) q",
        "select 1 from lateral (select * from t) q",
        "select 1 from generate_series(1, (select max(x) from t)) g",
        "select 1 from rows from (generate_series(1, (select max(x) from t))) g",
        "select 1 from t tablesample system (10)",
        "select 1 from xmltable('/a' passing (select x from t) columns a int)",
        "select 1 from json_table((select x from t), '$' columns (a int path '$')) j",
        "select 1 from (t cross join t t2)",
        "select 1 where (select true from t)",
        "select 1 group by rollup ((select x from t))",
        "select 1 having (select true from t)",
        "select 1 order by (select x from t)",
        "select 1 limit (select x from t)",
        "select 1 offset (select x from t)",
        "select distinct on ((select x from t)) 1",
        "select sum(1) over w window w as (order by (select x from t))",
        "select 1 union all (select 2 except select x from t)",
        "values (1), ((select x from t))",
        "copy (select * from t) to stdout",
        "explain (costs off) select * from t",
    ] {
        let found = classify(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
        assert_eq!(locks(&found), "t ACCESS SHARE", "{statement}");
    }
}
