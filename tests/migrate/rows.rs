//! Locks on rows: they belong to a transaction and to no table, and the dead who keep one are found all the same.

use crate::support::db::TestDb;
use crate::support::project::Project;
use crate::support::session::Session;

use super::locking::{lives, until_old};

const TABLES: &str = "create table a (id int primary key, n int); insert into a values (1, 1), (2, 2);
    create table child (a int references a); create table other (id int primary key); insert into other values (1)";

const ENDING: [&str; 3] = ["migrate", "--end-blockers-older-than", "1s"];

#[test]
fn a_dead_session_that_keeps_a_row_is_ended() {
    for (keeps, sql, done) in [
        (
            "select from a where id = 1 for update",
            "update a set n = 5;",
            "select bool_and(n = 5) from a",
        ),
        (
            "update a set n = 0 where id = 2",
            "delete from a;",
            "select count(*) = 0 from a",
        ),
        (
            "insert into a values (3, 3)",
            "insert into a values (3, 5);",
            "select n = 5 from a where id = 3",
        ),
        (
            "delete from a where id = 1",
            "insert into child values (1);",
            "select count(*) = 1 from child",
        ),
        (
            "update a set n = 0",
            "do $$ begin execute 'update ' || 'a set n = 5'; end $$;",
            "select bool_and(n = 5) from a",
        ),
        (
            "update a set n = 0",
            "-- rlsctl: section child\nalter table child add b int;\n-- rlsctl: section a\nupdate a set n = 5;\n",
            "select bool_and(n = 5) from a",
        ),
    ] {
        let (db, project) = (TestDb::new(), Project::new());
        db.psql(TABLES);
        let (dead, elsewhere) = (db.session(), db.session());
        dead.ok(&format!("begin; {keeps}"));
        elsewhere.ok("begin; select from a; update other set id = 2");
        until_old(&db, &dead);
        until_old(&db, &elsewhere);
        project.migration("1_a.sql", sql);
        project
            .on(&db, &[&ENDING[..], &["--lock-wait", "20s"]].concat())
            .run()
            .exits(0);
        assert!(!lives(&dead) && lives(&elsewhere), "{sql}");
        assert_eq!(db.psql(done), "t", "{sql}");
    }
}

#[test]
fn a_dead_session_is_ended_from_behind_one_that_lives() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql(TABLES);
    let (dead, first, second) = (db.session(), db.session(), db.session());
    dead.ok("begin; select from a where id = 1 for update");
    until_old(&db, &dead);
    let waits = [&first, &second].map(|session| {
        let waits = session.start("update a set n = 7 where id = 1");
        db.until_waiting_for_lock(session.pid());
        waits
    });
    project.migration("1_a.sql", "update a set n = n + 1 where id = 1;");
    project.on(&db, &ENDING).run().exits(0);
    assert!(!lives(&dead));
    for wait in waits {
        wait.finish().unwrap();
    }
}

#[test]
fn who_keeps_a_row_and_may_live_is_named_with_the_table() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql(TABLES);
    let holder = db.session();
    holder.ok("begin; update a set n = 0 where id = 1");
    project.migration("1_a.sql", "update a set n = 5;");
    let run = project.on(&db, &["migrate", "--lock-wait", "1s"]).run().exits(4);
    for said in [
        format!("backend {}", holder.pid()),
        "a row of public.a".to_owned(),
        "idle for less than 24 h".to_owned(),
    ] {
        assert!(run.stderr.contains(&said), "{said} in\n{}", run.stderr);
    }
    assert!(lives(&holder));
    let prepared = |sql: &str| holder.ok(sql);
    prepared(&format!("prepare transaction 'row {}'", db.name()));
    let run = project.on(&db, &["migrate", "--lock-wait", "1s"]).run().exits(4);
    assert!(run.stderr.contains(&format!("row {}", db.name())), "{}", run.stderr);
    prepared(&format!("rollback prepared 'row {}'", db.name()));
    project.on(&db, &["migrate"]).run().exits(0);
}

/// The row is kept by a transaction that has not read the table that the file is about, but one of its own.
#[test]
fn who_holds_no_table_of_ours_is_spared() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql(TABLES);

    let holder: Session = db.session();
    holder.ok("begin; select pg_advisory_xact_lock(4711); update other set id = 3");
    until_old(&db, &holder);
    project.migration(
        "1_a.sql",
        "update a set n = 1 where pg_advisory_xact_lock(4711) is not null;",
    );
    let run = project
        .on(&db, &[&ENDING[..], &["--lock-wait", "1s"]].concat())
        .run()
        .exits(4);
    assert!(
        run.stderr.contains("it holds no table that is needed"),
        "{}",
        run.stderr
    );
    assert!(lives(&holder));
}
