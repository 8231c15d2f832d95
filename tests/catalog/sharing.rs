//! A second session that helps to read the catalog, and one that cannot.

use std::sync::mpsc;
use std::thread;

use rlsctl::catalog::Snapshot;
use rlsctl::pg::Sessions;

use super::{open_at, run, taken_or_not};
use crate::support::db::TestDb;
use crate::support::poll::eventually;
use crate::support::proxy::{Cut, Proxy};

/// What only the session that helps sends.
const BEGIN: &str = "set transaction snapshot";
/// Words of the part which it takes first, and of the one which it takes last but one.
const FIRST_PART: &str = "from pg_catalog.pg_index i";
const LAST_PART: &str = "pg_type t on t.oid = a.atttypid";

/// A table that a rule of the first part and a view of a later one are about, with some more.
fn held() -> TestDb {
    let db = TestDb::new();
    db.psql(
        "create table held (id int primary key, t text default 'a' check (t <> ''));
         create rule held_up as on delete to held do instead nothing;
         create view shown as select id from held;
         create index on held ((lower(t)));
         alter table held enable row level security;
         create policy p on held using (id > 0)",
    );
    db
}

async fn read(dsn: &str, sessions: Sessions) -> Snapshot {
    let session = open_at(dsn).await;
    let snapshot = taken_or_not(&session, sessions).await.unwrap();
    // Where a role may have only one connection, the next one waits for this to be gone.
    session.close().await;
    snapshot
}

/// Reads with two sessions, of which the first is held up by a lock in its first part until `is_enough`.
fn while_held_up(db: &TestDb, proxy: &Proxy, is_enough: impl Fn(&[String]) -> bool) -> Snapshot {
    let blocker = db.session();
    blocker.ok("begin; lock table held in access exclusive mode");
    let (sender, receiver) = mpsc::channel();
    let url = proxy.url(db.name());
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            run(async {
                let session = open_at(&url).await;
                let pid = session.rows("select pg_catalog.pg_backend_pid()").await.unwrap()[0][0].clone();
                sender.send(pid.unwrap().parse().unwrap()).unwrap();
                taken_or_not(&session, Sessions::Two).await.unwrap()
            })
        });
        let pid: i32 = receiver.recv().unwrap();
        let waits = format!("select count(*) from pg_locks where pid = {pid} and not granted");
        // By a session that is there: the reader waits for its lock for five seconds only.
        eventually("the first session waits", || blocker.ok(&waits) == "1");
        eventually("the other session has done its part", || is_enough(&proxy.sql()));
        blocker.ok("commit");
        reader.join().unwrap()
    })
}

fn asked(sql: &[String], part: &str) -> usize {
    sql.iter().filter(|message| message.contains(part)).count()
}

#[test]
fn it_reads_what_the_first_has_not_come_to() {
    let db = held();
    let proxy = Proxy::before(db.server());
    let snapshot = while_held_up(&db, &proxy, |sql| asked(sql, FIRST_PART) == 1);
    assert_eq!(snapshot, run(read(&db.dsn(), Sessions::One)));
    let sql = proxy.sql();
    assert_eq!([BEGIN, FIRST_PART, LAST_PART].map(|part| asked(&sql, part)), [1, 1, 1]);
}

#[test]
fn what_it_cannot_finish_the_first_one_reads() {
    let db = held();
    let proxy = Proxy::before(db.server());
    proxy.cut(Cut::After(FIRST_PART.into()));
    let snapshot = while_held_up(&db, &proxy, |_| !proxy.waits_to_cut());
    assert_eq!(snapshot, run(read(&db.dsn(), Sessions::One)));
    assert_eq!(asked(&proxy.sql(), FIRST_PART), 2);
}

#[test]
fn both_see_the_same_moment() {
    let db = held();
    let proxy = Proxy::before(db.server());
    let before = run(read(&db.dsn(), Sessions::One));
    let later = db.session();
    let snapshot = while_held_up(&db, &proxy, |_| {
        // Both wait for the table now; what the other one has still to read it reads after this is committed.
        let waiting = "select count(*) = 2 from pg_locks where relation = 'held'::regclass and not granted";
        let both_wait = later.ok(waiting) == "t";
        if both_wait {
            later.ok("create table later (id int)");
        }
        both_wait
    });
    assert_eq!(asked(&proxy.sql(), LAST_PART), 1);
    assert_eq!(snapshot, before);
}

#[test]
fn a_role_with_no_connection_left_reads_alone() {
    let db = held();
    let role = format!("{}_single", db.name());
    db.psql(&format!("create role {role} login connection limit 1"));
    let dsn = format!("{} user={role}", db.dsn());
    // Its only connection is the one that reads; the server would take a while to give it back.
    let both = run(read(&dsn, Sessions::Two));
    let alone = run(read(&db.dsn(), Sessions::One));
    assert_eq!(alone, both);
    db.psql(&format!("drop role {role}"));
}
