//! How long others may have to wait behind a migration that waits itself: told by what it sends to the server.

use crate::support::db::TestDb;
use crate::support::project::Project;
use crate::support::proxy::Proxy;

use super::locking::{lives, until_old};

/// The longest that a statement may queue, in milliseconds: nobody waits for longer behind it.
const LONGEST: u64 = 50;

/// Returns the lock timeouts of the attempts at a migration, an attempt each, in milliseconds.
fn lock_timeouts(proxy: &Proxy, body: &str) -> Vec<Vec<u64>> {
    let sent = proxy.sql();
    let attempts = sent.iter().filter(|sql| sql.contains(body));
    let timeouts = attempts.map(|sql| {
        let parts = sql.split("lock_timeout = ").skip(1);
        let numbers = parts.map(|part| part.split(';').next().unwrap_or_default().trim());
        numbers.map(|number| number.parse().unwrap_or(u64::MAX)).collect()
    });
    timeouts.collect()
}

/// Runs a migration behind a session that has held tables for longer than we would queue and may live; returns the attempts' lock timeouts.
fn behind_an_old_holder(setup: &str, holds: &str, sql: &str, body: &str, done_before: bool) -> Vec<Vec<u64>> {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql(setup);
    let proxy = Proxy::before(db.server());
    let migrate = |args: &[&str]| {
        let args = [&["migrate"], args].concat();
        project.rlsctl(&args).env("DATABASE_URL", proxy.url(db.name())).run()
    };
    project.migration("0_first.sql", "create table first (id int);");
    if done_before {
        migrate(&[]).exits(0);
    }
    let holder = db.session();
    holder.ok(&format!("begin; {holds}"));
    until_old(&db, &holder);
    project.migration("1_a.sql", sql);
    proxy.reset();
    let run = migrate(&["--lock-wait", "2s"]).exits(4);
    assert!(
        run.stderr.contains(&format!("backend {}", holder.pid())),
        "{}",
        run.stderr
    );
    assert!(lives(&holder));
    let timeouts = lock_timeouts(&proxy, body);
    holder.ok("commit");
    migrate(&[]).exits(0);
    timeouts
}

#[test]
fn nobody_waits_for_long_behind_a_file_that_writes_rows_before_it_alters() {
    for done_before in [false, true] {
        let attempts = behind_an_old_holder(
            "create table log (id int); create table b (id int)",
            "select from b",
            "insert into log values (1);\nalter table b add x int;\n",
            "alter table b",
            done_before,
        );
        assert!(attempts.len() <= 1, "{attempts:?}");
        assert!(
            attempts.iter().flatten().all(|timeout| *timeout <= LONGEST),
            "{attempts:?}"
        );
    }
}

#[test]
fn what_only_the_server_knows_is_waited_for_once_and_briefly() {
    for (setup, holds, sql, body) in [
        (
            "create table b (id int)",
            "select from b",
            "do $$ begin execute 'alter table ' || 'b add x int'; end $$;",
            "alter table ",
        ),
        (
            "create table b (id int); create table c (id int)",
            "select from b; select from c",
            "do $$ begin execute 'alter table ' || 'b add x int'; execute 'alter table ' || 'c add x int'; end $$;",
            "alter table ",
        ),
        (
            "create domain d as int; create table b (d d)",
            "insert into b values (1)",
            "alter domain d add check (value > 0);",
            "alter domain",
        ),
        (
            "create table parent (id int primary key); create table child (id int references parent)",
            "select from parent",
            "drop table child;",
            "drop table child",
        ),
    ] {
        let attempts = behind_an_old_holder(setup, holds, sql, body, true);
        // One that is over before it begins, one that finds out; one more where the machine was too slow to see it.
        assert!((1..=4).contains(&attempts.len()), "{sql}: {attempts:?}");
        assert!(
            attempts.iter().flatten().all(|timeout| *timeout <= LONGEST),
            "{sql}: {attempts:?}"
        );
    }
}

const FAMILY: &str = "create table p (id int) partition by list (id); create table p1 partition of p for values in (1);
    create table p2 partition of p for values in (2); create table parent (id int); create table child () inherits (parent);
    create table a (id int primary key); create table b (id int references a)";

/// What each statement locks besides the table that it names.
const FAMILY_LOCKS: [(&str, &str, &str); 5] = [
    ("alter table p add column x int;", "p2", "public.p2 ACCESS EXCLUSIVE"),
    ("alter table p add check (id > 0);", "p1", "public.p1 ACCESS EXCLUSIVE"),
    (
        "alter table parent add column x int;",
        "child",
        "public.child ACCESS EXCLUSIVE",
    ),
    (
        "alter table a alter column id type bigint;",
        "b",
        "public.b ACCESS EXCLUSIVE",
    ),
    ("drop table b;", "a", "public.a ACCESS EXCLUSIVE"),
];

#[test]
fn who_holds_a_relative_of_the_table_is_named_with_it_and_nobody_waits_for_long() {
    for (sql, held, wanted) in FAMILY_LOCKS {
        let (db, project) = (TestDb::new(), Project::new());
        db.psql(FAMILY);
        let proxy = Proxy::before(db.server());
        let holder = db.session();
        holder.ok(&format!("begin; select from {held}"));
        until_old(&db, &holder);
        project.migration("1_a.sql", sql);
        let args = ["migrate", "--lock-wait", "2s"];
        let run = project
            .rlsctl(&args)
            .env("DATABASE_URL", proxy.url(db.name()))
            .run()
            .exits(4);
        let blocked = format!("blocked by backend {}", holder.pid());
        assert!(
            run.stderr.contains(&blocked) && run.stderr.contains(wanted),
            "{sql}: {}",
            run.stderr
        );
        assert!(lives(&holder));
        let attempts = lock_timeouts(&proxy, sql);
        assert!((1..=4).contains(&attempts.len()), "{sql}: {attempts:?}");
        assert!(
            attempts.iter().flatten().all(|timeout| *timeout <= LONGEST),
            "{sql}: {attempts:?}"
        );
    }
}

#[test]
fn the_dead_on_a_relative_of_the_table_is_ended() {
    for (sql, held, _) in FAMILY_LOCKS {
        let (db, project) = (TestDb::new(), Project::new());
        db.psql(FAMILY);
        let (dead, elsewhere) = (db.session(), db.session());
        db.psql("create table other (id int)");
        dead.ok(&format!("begin; select from {held}"));
        elsewhere.ok("begin; select from other");
        until_old(&db, &dead);
        until_old(&db, &elsewhere);
        project.migration("1_a.sql", sql);
        project
            .on(&db, &["migrate", "--end-blockers-older-than", "1s"])
            .run()
            .exits(0);
        assert!(!lives(&dead) && lives(&elsewhere), "{sql}");
    }
}

#[test]
fn of_eight_sections_the_one_with_a_held_partition_is_left_for_later() {
    let (db, project) = (TestDb::new(), Project::new());
    let mut sql = String::new();
    for number in 1..=8 {
        db.psql(&format!(
            "create table t{number} (id int) partition by list (id); create table part{number} partition of t{number} default"
        ));
        sql.push_str(&format!(
            "-- rlsctl: section t{number}\nalter table t{number} add column x int;\n"
        ));
    }
    project.migration("1_a.sql", sql);
    let proxy = Proxy::before(db.server());
    let holder = db.session();
    holder.ok("begin; select from part3");
    until_old(&db, &holder);
    let args = ["migrate", "--lock-wait", "2s"];
    let run = project
        .rlsctl(&args)
        .env("DATABASE_URL", proxy.url(db.name()))
        .run()
        .exits(4);
    assert!(run.stderr.contains("public.part3 ACCESS EXCLUSIVE"), "{}", run.stderr);
    assert_eq!(
        db.psql("select count(*) from rlsctl.step where finished_at is not null"),
        "7"
    );
    let attempts = lock_timeouts(&proxy, "alter table t3 ");
    assert!((1..=2).contains(&attempts.len()), "{attempts:?}");
    assert!(
        attempts.iter().flatten().all(|timeout| *timeout <= LONGEST),
        "{attempts:?}"
    );
    holder.ok("commit");
    project.on(&db, &["migrate"]).run().exits(0);
}
