//! Objects that go away while the catalog is read, and readers that are not alone with their connection.

use std::sync::mpsc;
use std::thread;

use rlsctl::catalog::Snapshot;
use rlsctl::pg::{CatalogError, Sessions};

use super::{open, open_at, run, taken, taken_or_not};
use crate::support::db::TestDb;
use crate::support::pgbouncer::PgBouncer;
use crate::support::poll::eventually;
use crate::support::servers::{server_with, standby_of, until_caught_up};
use crate::support::session::Session;

/// Takes a snapshot while `number` sessions have each dropped a table with a view on it and not committed yet. The reader sees the view and
/// waits for it; as soon as it does, that drop is committed, so that what it waited for is gone.
fn while_dropping(number: usize) -> (TestDb, Result<Snapshot, CatalogError>) {
    let db = TestDb::new();
    db.psql("create table stays (id int); create view stays_too as select * from stays");
    let mut droppers: Vec<(String, Session)> = Vec::new();
    for at in 1..=number {
        db.psql(&format!(
            "create table t{at} (id int); create view v{at} as select * from t{at}"
        ));
        let session = db.session();
        // CASCADE takes the view along, and its lock.
        session.ok(&format!("begin; drop table t{at} cascade"));
        droppers.push((format!("v{at}"), session));
    }
    let result = thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let db = &db;
        let reader = scope.spawn(move || {
            run(async {
                let session = open(db, None).await;
                let pid = session.rows("select pg_catalog.pg_backend_pid()").await.unwrap()[0][0].clone();
                sender.send(pid.unwrap()).unwrap();
                let taken = taken_or_not(&session, Sessions::One).await;
                // In no transaction any more, however it ended.
                assert_eq!(
                    session.rows("show transaction_read_only").await.unwrap()[0][0].as_deref(),
                    Some("off")
                );
                taken
            })
        });
        let pid = receiver.recv().unwrap();
        while !droppers.is_empty() {
            let mut next = 0;
            eventually("the reader waits for a view that is being dropped", || {
                let sql = format!("select relation::regclass from pg_locks where pid = {pid} and not granted");
                let waits_for = db.psql(&sql);
                let found = droppers.iter().position(|(view, _)| *view == waits_for);
                found.inspect(|found| next = *found).is_some()
            });
            droppers.remove(next).1.ok("commit");
        }
        reader.join().unwrap()
    });
    (db, result)
}

#[test]
fn what_is_dropped_meanwhile_is_read_again() {
    let (_, result) = while_dropping(2);
    let names: Vec<String> = result.unwrap().objects.keys().map(ToString::to_string).collect();
    assert!(names.contains(&"view public.stays_too".to_owned()), "{names:?}");
    assert!(
        names
            .iter()
            .all(|name| !name.contains("public.t") && !name.contains("public.v")),
        "{names:?}"
    );
}

#[test]
fn it_is_not_read_again_forever() {
    let (_, result) = while_dropping(3);
    let error = result.unwrap_err();
    assert!(matches!(error, CatalogError::Message(_)), "{error}");
    assert!(error.to_string().contains("could not open relation"), "{error}");
}

#[test]
fn a_standby_and_a_pooler_show_the_same() {
    let primary = server_with(&[]);
    let direct = primary.dsn("postgres");
    let builder = Session::connect(&direct);
    builder.ok(include_str!("../../fixtures/catalog/everything.sql"));
    let (standby, pooler) = (standby_of(&primary), PgBouncer::before(&primary, 1));
    until_caught_up(&primary, &standby);
    run(async {
        let expected = taken(&open_at(&direct).await).await;
        assert!(expected.objects.len() > 40);
        let session = open_at(&standby.dsn("postgres")).await;
        assert_eq!(taken(&session).await, expected);
        let (one, two) = (
            open_at(&pooler.dsn("postgres")).await,
            open_at(&pooler.dsn("postgres")).await,
        );
        for session in [&one, &two, &one] {
            assert_eq!(taken(session).await, expected);
            // What the snapshot sets is not left to whoever gets the connection next.
            let left = session.rows(
                "select pg_catalog.current_setting('search_path'), pg_catalog.current_setting('enable_nestloop')",
            );
            let left = left.await.unwrap();
            assert_eq!(left[0], ["\"$user\", public", "on"].map(|it| Some(it.to_owned())));
        }
    });
}
