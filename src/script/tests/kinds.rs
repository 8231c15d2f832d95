//! What each kind of statement is, apart from its locks.

use crate::script::NonTransactional::{
    AlterDatabaseSetTablespace, AlterSubscription, AlterSystem, ClusterAll, CommitPrepared, CreateDatabase,
    CreateIndex, CreateSubscription, CreateTablespace, DetachPartition, DiscardAll, DropDatabase, DropIndex,
    DropSubscription, DropTablespace, Reindex, RollbackPrepared, Vacuum,
};
use crate::script::{
    Dml, DmlCommand, NonTransactional, ReindexTarget, RelationName, SessionEffect, SyntaxError, TransactionControl,
    Transactional, classify,
};

fn name(name: &str) -> RelationName {
    match name.split_once('.') {
        Some((schema, name)) => RelationName::qualified(schema, name),
        None => RelationName::new(name),
    }
}

fn index(table: &str, index: Option<&str>, if_not_exists: bool, unique: bool) -> NonTransactional {
    CreateIndex {
        table: name(table),
        index: index.map(str::to_owned),
        if_not_exists,
        unique,
    }
}

fn check_refused(cases: Vec<(&str, NonTransactional)>) {
    for (statement, expected) in cases {
        let found = classify(statement).unwrap().transactional;
        assert_eq!(found, Transactional::Never(expected), "{statement}");
    }
}

fn reindex(target: ReindexTarget, concurrently: bool) -> NonTransactional {
    Reindex { target, concurrently }
}

fn drop_index(index: &str, if_exists: bool) -> NonTransactional {
    DropIndex {
        indexes: vec![name(index)],
        if_exists,
    }
}

fn vacuum(tables: &[&str], full: bool) -> NonTransactional {
    Vacuum {
        tables: tables.iter().map(|table| name(table)).collect(),
        full,
    }
}

#[test]
fn indexes_and_tables_that_the_server_refuses_to_work_on_inside_a_transaction() {
    let detach = DetachPartition {
        parent: name("p"),
        partition: name("s.q"),
    };
    check_refused(vec![
        (
            "create index concurrently i on s.t (x)",
            index("s.t", Some("i"), false, false),
        ),
        (
            "create unique index concurrently on t (x)",
            index("t", None, false, true),
        ),
        (
            "create index concurrently if not exists i on t (x)",
            index("t", Some("i"), true, false),
        ),
        ("drop index concurrently if exists s.i", drop_index("s.i", true)),
        ("drop index concurrently i", drop_index("i", false)),
        (
            "reindex table concurrently t",
            reindex(ReindexTarget::Table(name("t")), true),
        ),
        (
            "reindex (concurrently) index i",
            reindex(ReindexTarget::Index(name("i")), true),
        ),
        (
            "reindex schema s",
            reindex(ReindexTarget::Schema("s".to_owned()), false),
        ),
        ("reindex database d", reindex(ReindexTarget::Database, false)),
        (
            "reindex database concurrently d",
            reindex(ReindexTarget::Database, true),
        ),
        ("reindex system d", reindex(ReindexTarget::System, false)),
        ("alter table p detach partition s.q concurrently", detach),
        ("vacuum", vacuum(&[], false)),
        ("vacuum full t", vacuum(&["t"], true)),
        ("vacuum analyze t, s.u", vacuum(&["t", "s.u"], false)),
        ("cluster", ClusterAll),
    ]);
}

#[test]
fn the_cluster_and_what_spans_databases_that_the_server_refuses_inside_a_transaction() {
    let s = || "s".to_owned();
    check_refused(vec![
        ("create database s", CreateDatabase { name: s() }),
        (
            "drop database if exists s",
            DropDatabase {
                name: s(),
                if_exists: true,
            },
        ),
        (
            "alter database s set tablespace t",
            AlterDatabaseSetTablespace { name: s() },
        ),
        ("create tablespace s location '/x'", CreateTablespace { name: s() }),
        (
            "drop tablespace s",
            DropTablespace {
                name: s(),
                if_exists: false,
            },
        ),
        (
            "create subscription s connection '' publication p",
            CreateSubscription { name: s() },
        ),
        (
            "drop subscription s",
            DropSubscription {
                name: s(),
                if_exists: false,
            },
        ),
        (
            "alter subscription s refresh publication",
            AlterSubscription { name: s() },
        ),
        (
            "alter subscription s set publication p",
            AlterSubscription { name: s() },
        ),
        (
            "alter subscription s set (failover = true)",
            AlterSubscription { name: s() },
        ),
        ("alter system set s = '1MB'", AlterSystem { setting: Some(s()) }),
        ("alter system reset all", AlterSystem { setting: None }),
        ("discard all", DiscardAll),
        ("commit prepared 's'", CommitPrepared { gid: s() }),
        ("rollback prepared 's'", RollbackPrepared { gid: s() }),
    ]);
}

#[test]
fn what_looks_alike_runs_inside_a_transaction() {
    for statement in [
        "create index i on t (x)",
        "drop index i",
        "reindex table t",
        "reindex (concurrently false) table t",
        "reindex index i",
        "analyze t",
        "cluster t",
        "refresh materialized view concurrently m",
        "alter table p detach partition q",
        "alter table p detach partition q finalize",
        "alter type e add value 'x'",
        "alter database d set work_mem = '1MB'",
        "alter database d owner to r",
        "create subscription s connection '' publication p with (create_slot = false)",
        "create subscription s connection '' publication p with (connect = off)",
        "alter subscription s disable",
        "alter subscription s set publication p with (refresh = false)",
        "alter subscription s set (binary = true)",
        "discard temp",
        "checkpoint",
        "call p()",
        "comment on table t is 'create index concurrently'",
    ] {
        assert_eq!(
            classify(statement).unwrap().transactional,
            Transactional::Inside,
            "{statement}"
        );
    }
}

#[test]
fn repeating_is_harmless_where_it_is() {
    for (statement, expected) in [
        ("vacuum t", true),
        ("reindex table concurrently t", true),
        ("drop index concurrently if exists i", true),
        ("drop index concurrently i", false),
        ("create index concurrently if not exists i on t (x)", false),
        ("create database d", false),
    ] {
        match classify(statement).unwrap().transactional {
            Transactional::Never(kind) => assert_eq!(kind.is_repeatable(), expected, "{statement}"),
            Transactional::Inside => panic!("{statement} runs inside"),
        }
    }
}

#[test]
fn transaction_control_is_found() {
    use TransactionControl as Control;
    let name = || "a".to_owned();
    for (statement, expected) in [
        ("begin", Control::Begin { modes: false }),
        ("start transaction", Control::Begin { modes: false }),
        ("begin isolation level serializable", Control::Begin { modes: true }),
        ("commit", Control::Commit { chain: false }),
        ("end", Control::Commit { chain: false }),
        ("commit and chain", Control::Commit { chain: true }),
        ("rollback", Control::Rollback { chain: false }),
        ("abort", Control::Rollback { chain: false }),
        ("rollback and chain", Control::Rollback { chain: true }),
        ("savepoint a", Control::Savepoint(name())),
        ("release savepoint a", Control::Release(name())),
        ("rollback to a", Control::RollbackTo(name())),
        ("prepare transaction 'a'", Control::PrepareTransaction(name())),
        ("commit prepared 'a'", Control::CommitPrepared(name())),
        ("rollback prepared 'a'", Control::RollbackPrepared(name())),
        ("set transaction isolation level serializable", Control::SetTransaction),
        ("set transaction snapshot '1'", Control::SetTransaction),
    ] {
        let found = classify(statement).unwrap();
        assert_eq!(found.control, Some(expected), "{statement}");
        assert!(!found.session.any(), "{statement}");
    }
    for statement in [
        "select 1",
        "set session characteristics as transaction read only",
        "do 'begin commit; end'",
    ] {
        assert_eq!(classify(statement).unwrap().control, None, "{statement}");
    }
}

fn check_session(cases: &[(&str, &[SessionEffect])]) {
    for &(statement, expected) in cases {
        let found = classify(statement).unwrap().session;
        assert_eq!(found, expected.iter().copied().collect(), "{statement}");
        assert_eq!(found.any(), !expected.is_empty(), "{statement}");
    }
}

#[test]
fn settings_that_stay_in_the_session_are_found() {
    use SessionEffect::{Role, Sets, SetsLocal};
    let cases: &[(&str, &[SessionEffect])] = &[
        ("set search_path = a", &[Sets]),
        ("set session search_path to default", &[Sets]),
        ("set local lock_timeout = '1s'", &[SetsLocal]),
        ("set time zone 'UTC'", &[Sets]),
        ("reset search_path", &[Sets]),
        ("reset all", &[Sets, Role]),
        ("set role r", &[Sets, Role]),
        ("set local role r", &[SetsLocal, Role]),
        ("reset role", &[Sets, Role]),
        ("set session authorization r", &[Sets, Role]),
        ("reset session authorization", &[Sets, Role]),
        ("set session characteristics as transaction read only", &[Sets]),
        ("select set_config('search_path', '', false)", &[Sets]),
        ("select pg_catalog.set_config('search_path', '', false)", &[Sets]),
        ("select set_config('a.b', '1', true)", &[SetsLocal]),
        ("select set_config('role', 'r', true)", &[SetsLocal, Role]),
        ("select set_config(name, '1', false) from t", &[Sets, Role]),
        ("select set_config('a.b', '1', x) from t", &[Sets]),
        ("insert into t values (set_config('a.b', '1', false))", &[Sets]),
        ("update pg_settings set setting = 'x' where name = 'y'", &[Sets, Role]),
    ];
    check_session(cases);
}

#[test]
fn objects_that_stay_in_the_session_are_found() {
    use SessionEffect::{AdvisoryLock, HoldsCursor, Listens, Prepared, Temporary};
    let cases: &[(&str, &[SessionEffect])] = &[
        ("create temp table t (x int)", &[Temporary]),
        ("create temporary table t as select 1", &[Temporary]),
        ("create table pg_temp.t (x int)", &[Temporary]),
        ("select 1 into temp t", &[Temporary]),
        ("create temp view v as select 1", &[Temporary]),
        ("create temp sequence s", &[Temporary]),
        (
            "create function pg_temp.f() returns int language sql as 'select 1'",
            &[Temporary],
        ),
        ("discard temp", &[Temporary]),
        ("prepare p as select 1", &[Prepared]),
        ("deallocate p", &[Prepared]),
        ("deallocate all", &[Prepared]),
        ("listen c", &[Listens]),
        ("unlisten *", &[Listens]),
        ("declare c cursor with hold for select 1", &[HoldsCursor]),
        ("declare c cursor for select 1", &[]),
        ("select pg_advisory_lock(1)", &[AdvisoryLock]),
        ("select pg_advisory_xact_lock(1)", &[]),
    ];
    check_session(cases);
}

#[test]
fn code_that_the_text_does_not_show_is_found() {
    use SessionEffect::Opaque;
    let cases: &[(&str, &[SessionEffect])] = &[
        ("do 'begin end'", &[Opaque]),
        ("call p()", &[Opaque]),
        ("execute p", &[Opaque]),
        ("load 'x'", &[Opaque]),
        ("select f()", &[Opaque]),
        ("select public.now()", &[Opaque]),
        ("update t set x = f(x)", &[Opaque]),
        ("create table t as select f()", &[Opaque]),
        ("create table t as execute p", &[Opaque]),
        ("explain analyze select f()", &[Opaque]),
        ("explain select f()", &[]),
        ("alter table t add column x int default f()", &[Opaque]),
        ("alter table t alter column x type int using f(x)", &[Opaque]),
        ("alter table t add check (f(x))", &[Opaque]),
        ("alter table t alter column x set default f()", &[]),
        ("create table t (x int default f(), check (f(x)))", &[]),
        ("create policy p on t using (f())", &[]),
        ("create index i on t (f(x))", &[]),
        (
            "select now(), lower('a'), count(*), current_setting('a', true), gen_random_uuid(), current_user",
            &[],
        ),
    ];
    check_session(cases);
}

#[test]
fn written_rows_are_found() {
    use DmlCommand::{CopyFrom, Delete, Insert, Merge, Truncate, Update};
    let cases: &[(&str, &[(DmlCommand, &str)])] = &[
        ("insert into s.t values (1)", &[(Insert, "s.t")]),
        ("update only t set x = 1", &[(Update, "t")]),
        ("delete from t", &[(Delete, "t")]),
        ("merge into t using u on true when matched then delete", &[(Merge, "t")]),
        ("truncate t, u", &[(Truncate, "t"), (Truncate, "u")]),
        ("copy t from stdin", &[(CopyFrom, "t")]),
        ("copy t to stdout", &[]),
        (
            "with a as (delete from t returning *), b as (update u set x = 1) insert into v select * from a",
            &[(Delete, "t"), (Update, "u"), (Insert, "v")],
        ),
        ("explain analyze delete from t", &[(Delete, "t")]),
        ("explain delete from t", &[]),
        ("create rule r as on update to t do also delete from u", &[]),
        (
            "create function f() returns void language sql begin atomic delete from t; end",
            &[],
        ),
    ];
    for (statement, expected) in cases {
        let expected: Vec<Dml> = expected
            .iter()
            .map(|&(command, target)| Dml {
                command,
                target: name(target),
            })
            .collect();
        assert_eq!(classify(statement).unwrap().dml, expected, "{statement}");
    }
}

#[test]
fn what_a_statement_makes_is_found() {
    let cases: &[(&str, &[&str])] = &[
        ("create table s.t (x int)", &["s.t"]),
        ("create table t as select 1", &["t"]),
        ("select 1 into t", &["t"]),
        ("create view v as select 1", &["v"]),
        ("create materialized view m as select 1", &["m"]),
        ("create sequence s", &["s"]),
        ("create index i on s.t (x)", &["s.i"]),
        ("create index on t (x)", &[]),
        ("create foreign table f (x int) server s", &["f"]),
        (
            "create schema s create table a (x int) create view b as select 1",
            &["a", "b"],
        ),
        ("explain create table t as select 1", &[]),
        ("alter table t add column x int", &[]),
    ];
    for (statement, expected) in cases {
        let expected: Vec<RelationName> = expected.iter().map(|relation| name(relation)).collect();
        assert_eq!(classify(statement).unwrap().creates, expected, "{statement}");
    }
}

#[test]
fn the_rest_of_the_answer() {
    assert!(classify("discard all").unwrap().session.has(SessionEffect::Sets));
    let adds = classify("alter type s.e add value if not exists 'x' before 'y'").unwrap();
    assert_eq!(adds.adds_enum_value.as_deref(), Some("x"));
    assert_eq!(
        classify("alter type e rename value 'x' to 'y'")
            .unwrap()
            .adds_enum_value,
        None
    );
    for (statement, from, to) in [
        ("copy t from stdin", true, false),
        ("COPY t (a) FROM STDIN WITH (FORMAT csv)", true, false),
        ("copy t from '/x'", false, false),
        ("copy t from program 'x'", false, false),
        ("copy t to stdout", false, true),
        ("copy (select 1) to '/x'", false, false),
    ] {
        let found = classify(statement).unwrap();
        assert_eq!((found.copy_from_stdin, found.copy_to_stdout), (from, to), "{statement}");
    }
}

#[test]
fn commands_have_the_names_that_the_server_gives_them() {
    for (statement, tag) in [
        ("create unique index i on t (x)", "CREATE INDEX"),
        ("alter table t rename column a to b", "ALTER TABLE"),
        ("alter view v rename column a to b", "ALTER VIEW"),
        ("alter index i rename to j", "ALTER INDEX"),
        ("alter type t rename attribute a to b", "ALTER TYPE"),
        ("alter policy p on t rename to q", "ALTER POLICY"),
        ("alter function f() owner to r", "ALTER FUNCTION"),
        ("alter materialized view m set schema s", "ALTER MATERIALIZED VIEW"),
        ("drop materialized view m", "DROP MATERIALIZED VIEW"),
        ("drop trigger r on t", "DROP TRIGGER"),
        ("create materialized view m as select 1", "CREATE MATERIALIZED VIEW"),
        ("create aggregate a (int) (sfunc = f, stype = int)", "CREATE AGGREGATE"),
        ("revoke all on t from r", "REVOKE"),
        ("grant a to b", "GRANT ROLE"),
        ("truncate t", "TRUNCATE TABLE"),
        ("start transaction", "START TRANSACTION"),
        ("reset all", "RESET"),
        ("analyze", "ANALYZE"),
        ("create procedure p() language sql as ''", "CREATE PROCEDURE"),
        ("move 1 in c", "MOVE"),
    ] {
        assert_eq!(classify(statement).unwrap().tag, tag, "{statement}");
    }
}

#[test]
fn a_syntax_error_says_where() {
    let error = |message: &str, near: Option<&str>, at: Option<usize>| SyntaxError {
        message: message.to_owned(),
        near: near.map(str::to_owned),
        at,
    };
    let cases = [
        ("selekt 1", error("`selekt` does not fit here", Some("selekt"), Some(0))),
        (
            "select from from from",
            error("`from` does not fit here", Some("from"), Some(12)),
        ),
        (
            "select 'from' /* from */ from from t",
            error("`from` does not fit here", Some("from"), Some(30)),
        ),
        ("select (1", error("the statement ends too early", None, Some(9))),
        (
            "alter table t ad column x int",
            error("`ad` does not fit here", Some("ad"), Some(14)),
        ),
        (
            "select 1\\; select 2",
            error("`\\` does not fit here", Some("\\"), Some(8)),
        ),
        ("", error("there is no statement", None, None)),
        ("-- nothing", error("there is no statement", None, None)),
        (
            "select 1; select 2",
            error("there is more than one statement", None, None),
        ),
    ];
    for (statement, expected) in cases {
        assert_eq!(classify(statement).unwrap_err(), expected, "{statement}");
    }
    let nul = classify("select 1\0").unwrap_err();
    assert_eq!((nul.at, nul.near), (Some(8), None));
}
