//! What is seen of sessions and their locks.

use rlsctl::activity::{Kind, SessionState, Signal, Spared};
use rlsctl::pg::activity::{self, Around};
use rlsctl::script::{LockMode, RelationName};

use super::{around, gid, of, oids, open, rule, run};
use crate::support::db::TestDb;
use crate::support::poll::eventually;

#[test]
fn holders_waiters_and_prepared_transactions_are_told_with_their_locks() {
    let db = TestDb::new();
    db.psql("create table a (id int); create table b (id int); create table other (id int)");
    let (holder, waiter, prepared, elsewhere) = (db.session(), db.session(), db.session(), db.session());
    holder.ok("set application_name = 'worker'; begin; select 'secret' from a");
    let name = db.name().to_owned();
    prepared.ok(&format!(
        "begin; insert into b values (1); prepare transaction 'gid {name}'"
    ));
    elsewhere.ok("begin; lock table other");
    let pending = waiter.start("alter table a add column x int");
    db.until_waiting_for_lock(waiter.pid());
    run(async {
        let session = open(&db, None).await;
        let tables = oids(&session, &["a", "b"]).await;
        let seen = around(&session, &tables).await;
        assert_eq!(seen.len(), 3, "{seen:?}");

        let found = of(&seen, holder.pid());
        assert_eq!(found.kind, Kind::Client);
        assert_eq!(found.state, Some(SessionState::IdleInTransaction));
        assert_eq!(found.application.as_deref(), Some("worker"));
        assert_eq!(found.role.as_deref(), Some("postgres"));
        assert_eq!(found.signal, Signal::Allowed);
        assert!(found.in_state.is_some() && found.in_transaction.is_some() && found.xact_start.is_some());
        assert_eq!(found.locks.len(), 1);
        assert_eq!(found.locks[0].relation.name, RelationName::qualified("public", "a"));
        assert!(found.locks[0].granted && found.locks[0].mode == LockMode::AccessShare);
        assert!(found.is_before(tables[0], LockMode::AccessExclusive));
        assert!(!found.is_before(tables[0], LockMode::RowExclusive));

        let found = of(&seen, waiter.pid());
        assert_eq!(found.state, Some(SessionState::Active));
        assert!(!found.locks[0].granted && found.locks[0].mode == LockMode::AccessExclusive);

        let found = seen.iter().find(|backend| backend.pid.is_none()).unwrap();
        assert_eq!(gid(found), Some(format!("gid {name}").as_str()));
        assert_eq!(found.locks[0].relation.name.name, "b");
        assert_eq!(
            rule().judge(found),
            Err(Spared::Prepared {
                gid: format!("gid {name}")
            })
        );
    });
    holder.ok("rollback");
    pending.finish().unwrap();
    prepared.ok(&format!("rollback prepared 'gid {name}'"));
}

#[test]
fn what_a_marked_statement_waits_for_is_told() {
    let db = TestDb::new();
    db.psql("create table a (id int); insert into a values (1)");
    let (reader, row, prepared) = (db.session(), db.session(), db.session());
    let (ours, builder, writer) = (db.session(), db.session(), db.session());
    reader.ok("begin isolation level repeatable read; select 1");
    row.ok("begin; select from a");
    let pending = ours.start("/* rlsctl me 1#1 */ alter table a add column x int");
    db.until_waiting_for_lock(ours.pid());
    run(async {
        let session = open(&db, None).await;
        let tables = oids(&session, &["a"]).await;
        let waiting = activity::waiting(&session, "rlsctl me 1#1").await.unwrap().unwrap();
        assert_eq!(
            (waiting.locktype.as_str(), waiting.relation),
            ("relation", Some(tables[0]))
        );
        assert_eq!(waiting.mode, Some(LockMode::AccessExclusive));
        assert_eq!(waiting.blocking, [rlsctl::activity::Pid(row.pid())]);
        assert_eq!(activity::waiting(&session, "rlsctl me 1#2").await.unwrap(), None);
    });
    row.ok("rollback");
    pending.finish().unwrap();

    // An index that is built concurrently waits for whoever has an older picture, though it holds nothing of the table.
    let pending = builder.start("/* rlsctl me 1#2 */ create index concurrently i on a (id)");
    db.until_waiting_for_lock(builder.pid());
    run(async {
        let session = open(&db, None).await;
        let waiting = activity::waiting(&session, "rlsctl me 1#2").await.unwrap().unwrap();
        assert_eq!(waiting.locktype, "virtualxid");
        assert!(
            waiting.phase.as_deref().unwrap().starts_with("waiting for"),
            "{waiting:?}"
        );
        let wanted = Around {
            pids: &waiting.blocking,
            ..Around::default()
        };
        let seen = activity::around(&session, &wanted).await.unwrap();
        assert!(of(&seen, reader.pid()).has_snapshot, "{seen:?}");
        assert!(of(&seen, reader.pid()).locks.is_empty());
    });
    reader.ok("rollback");
    pending.finish().unwrap();

    // A row of a prepared transaction: the process in the way is none, its name is found by the transaction.
    let name = db.name().to_owned();
    prepared.ok(&format!("begin; update a set id = 2; prepare transaction 'row {name}'"));
    let pending = writer.start("/* rlsctl me 1#3 */ update a set id = 3");
    db.until_waiting_for_lock(writer.pid());
    run(async {
        let session = open(&db, None).await;
        let waiting = activity::waiting(&session, "rlsctl me 1#3").await.unwrap().unwrap();
        assert!(waiting.blocking.is_empty());
        let wanted = Around {
            transactions: &waiting.transactions,
            ..Around::default()
        };
        let seen = activity::around(&session, &wanted).await.unwrap();
        assert_eq!(gid(&seen[0]), Some(format!("row {name}").as_str()), "{seen:?}");
    });
    prepared.ok(&format!("rollback prepared 'row {name}'"));
    pending.finish().unwrap();
}

#[test]
fn what_is_hidden_and_what_may_not_be_ended_is_told_as_such() {
    let db = TestDb::new();
    let name = db.name().to_owned();
    let (plain, stats, signal) = (
        format!("plain_{name}"),
        format!("stats_{name}"),
        format!("signal_{name}"),
    );
    db.admin(&format!(
        "create role {plain} login; create role {stats} login in role pg_read_all_stats;
         create role {signal} login in role pg_read_all_stats, pg_signal_backend; create role app_{name} login"
    ));
    db.psql("create table a (id int); grant select on a to public");
    let root = db.session();
    root.ok("begin; select from a");
    let app = crate::support::session::Session::connect(&format!("{} user=app_{name}", db.dsn()));
    app.ok("begin; select from a");
    run(async {
        let verdicts = |role: String| {
            let (db, root, app) = (&db, &root, &app);
            async move {
                let session = open(db, Some(&role)).await;
                let tables = oids(&session, &["a"]).await;
                let seen = around(&session, &tables).await;
                (rule().judge(of(&seen, root.pid())), rule().judge(of(&seen, app.pid())))
            }
        };
        assert_eq!(verdicts(plain).await, (Err(Spared::Hidden), Err(Spared::Hidden)));
        assert_eq!(verdicts(stats).await, (Err(Spared::Superuser), Err(Spared::NotGranted)));
        assert_eq!(verdicts(signal).await, (Err(Spared::Superuser), Ok(())));
    });
    drop((root, app));
    let gone = format!("select count(*) from pg_stat_activity where datname = '{name}' and state like 'idle in%'");
    eventually("the sessions are gone", || db.admin(&gone) == "0");
    db.psql("drop table a");
    db.admin(&format!(
        "drop role plain_{name}, stats_{name}, signal_{name}, app_{name}"
    ));
}

#[test]
fn a_name_means_what_it_means_to_the_session() {
    let db = TestDb::new();
    db.psql(
        "create schema \"My\"; create table \"My\".\"T\" (id int); create table t (id int); create index i on t (id);
         create view v as select 1; create sequence s",
    );
    run(async {
        let session = open(&db, None).await;
        let names = [
            RelationName::qualified("My", "T"),
            RelationName::new("i"),
            RelationName::new("v"),
            RelationName::new("s"),
            RelationName::new("nothing"),
            RelationName::new("t"),
        ];
        let found = activity::relations(&session, &names).await.unwrap();
        let told: Vec<Option<String>> = found
            .iter()
            .map(|found| found.as_ref().map(ToString::to_string))
            .collect();
        let expected = [
            Some("\"My\".\"T\""),
            Some("public.t"),
            None,
            None,
            None,
            Some("public.t"),
        ];
        assert_eq!(told, expected.map(|name| name.map(str::to_owned)));
    });
}
