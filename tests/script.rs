//! What the classifier says, beside what a server does.

use std::collections::BTreeMap;

use rlsctl::script::{LockMode, RelationName, classify};

use super::support::db::TestDb;

const OBJECTS: &str = include_str!("../src/script/tests/locks.sql");
const STATEMENTS: &str = include_str!("../src/script/tests/locks.tsv");

/// A relation's lock within a transaction, and whether the classifier may leave it out: it leaves out indexes,
/// partitions, and the relation behind a composite type.
struct Held {
    mode: LockMode,
    minor: bool,
}

/// Runs each statement in a transaction of its own and returns what it has locked of the objects that were there.
fn locks_on_server(db: &TestDb, statements: &[&str]) -> Vec<BTreeMap<String, Held>> {
    db.psql(OBJECTS);
    db.psql(
        "create schema kept;
         create table kept.relation as
           select oid, relname, relkind in ('i', 'I', 'c') or relispartition as minor
           from pg_catalog.pg_class where relnamespace = 'public'::pg_catalog.regnamespace;",
    );
    let script: Vec<String> = statements
        .iter()
        .enumerate()
        .map(|(number, statement)| {
            format!(
                "begin;\n{statement} \\g /dev/null\n\
                 select {number}, r.relname, l.mode, r.minor from pg_catalog.pg_locks l \
                 join kept.relation r on r.oid = l.relation \
                 where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'relation';\nrollback;\n"
            )
        })
        .collect();
    let mut all: Vec<BTreeMap<String, Held>> = statements.iter().map(|_| BTreeMap::new()).collect();
    for row in db.psql(&script.concat()).split('\n') {
        let [number, relation, mode, minor] = row.split('|').collect::<Vec<_>>()[..] else {
            panic!("{row:?} is no row");
        };
        let mode = LockMode::try_from(mode).unwrap();
        let held = all[number.parse::<usize>().unwrap()]
            .entry(relation.to_owned())
            .or_insert(Held {
                mode,
                minor: minor == "t",
            });
        held.mode = held.mode.max(mode);
    }
    all
}

#[test]
fn the_locks_are_those_that_the_server_takes() {
    let db = TestDb::new();
    let version: u32 = db.psql("show server_version_num").parse().unwrap();
    if version < 150_000 {
        // The statements include MERGE.
        return;
    }
    let statements: Vec<&str> = STATEMENTS
        .split('\n')
        .filter_map(|row| row.split('\t').next())
        .collect();
    let statements: Vec<&str> = statements
        .into_iter()
        .filter(|statement| !statement.is_empty())
        .collect();
    assert!(statements.len() > 200);
    for (statement, mut held) in statements.iter().zip(locks_on_server(&db, &statements)) {
        let found = classify(statement).unwrap();
        for table in &found.tables.known {
            let on_server = held.remove(&table.relation.name).map(|held| held.mode);
            let before_18 = version < 180_000 && matches!(found.tag, "GRANT" | "REVOKE");
            if on_server.is_some() || !before_18 {
                assert_eq!(on_server, Some(table.mode), "{} in {statement}", table.relation);
            }
        }
        // What a view reads is locked along with it.
        let more =
            found.tables.unknown || found.tables.dependents || found.tables.mode(&RelationName::new("v")).is_some();
        // A table that is named as a type is opened when its row type is not cached, which is not for the statement to say.
        let types = matches!(
            found.tag,
            "CREATE TYPE" | "CREATE FUNCTION" | "CREATE PROCEDURE" | "CREATE DOMAIN" | "CREATE TABLE" | "ALTER TABLE"
        );
        let opened = |held: &Held| types && held.mode == LockMode::AccessShare;
        held.retain(|_, held| !held.minor && !more && !opened(held));
        assert!(held.is_empty(), "{statement} locks {:?} too", held.keys());
    }
}

#[test]
fn the_server_refuses_inside_a_transaction_what_it_is_said_to_refuse() {
    let db = TestDb::new();
    db.psql("create table t (x int); create index i on t (x); create table p (x int) partition by list (x)");
    for statement in [
        "create index concurrently on t (x)",
        "create unique index concurrently if not exists j on t (x)",
        "drop index concurrently i",
        "reindex table concurrently t",
        "reindex (concurrently) index i",
        "reindex schema public",
        "reindex database rlsctl",
        "reindex system rlsctl",
        "vacuum",
        "vacuum full t",
        "cluster",
        "create database d",
        "drop database if exists d",
        "alter database d set tablespace pg_default",
        "create tablespace s location '/nowhere'",
        "drop tablespace s",
        "create subscription s connection '' publication p",
        "alter system set work_mem = '1MB'",
        "alter system reset all",
        "discard all",
        "commit prepared 'g'",
        "rollback prepared 'g'",
    ] {
        assert!(!classify(statement).unwrap().transactional.is_inside(), "{statement}");
        let error = db.try_psql(&format!("begin;\n{statement};\nrollback;")).unwrap_err();
        assert!(error.contains("25001"), "{statement}: {error}");
    }
    for statement in [
        "create index on t (x)",
        "drop index i",
        "reindex table t",
        "reindex index i",
        "analyze",
        "cluster t using i",
        "create subscription s connection '' publication p with (connect = off)",
        "discard temp",
        "discard plans",
        "discard sequences",
        "checkpoint",
        "alter database postgres set work_mem = '1MB'",
        "do 'begin end'",
    ] {
        assert!(classify(statement).unwrap().transactional.is_inside(), "{statement}");
        db.psql(&format!("begin;\n{statement};\nrollback;"));
    }
}

#[test]
fn names_are_quoted_as_the_server_quotes_them() {
    let db = TestDb::new();
    let names = [
        "orders",
        "Orders",
        "_x1",
        "1x",
        "a b",
        "a$b",
        "\u{e4}",
        "\"",
        "",
        "user",
        "select",
        "name",
        "policy",
        "between",
        "left",
        "values",
        "json_table",
        "key",
    ];
    let list: Vec<String> = names.iter().map(|name| format!("(quote_ident('{name}'))")).collect();
    let on_server = db.psql(&format!("select * from (values {}) v", list.join(", ")));
    let newer = ["json_table"];
    for (name, expected) in names.iter().zip(on_server.split('\n')) {
        let ours = RelationName::new(*name).to_string();
        if ours != expected {
            // A keyword of a later version is quoted too, which does no harm.
            assert!(newer.contains(name), "{name}: {ours} here, {expected} there");
        }
    }
}
