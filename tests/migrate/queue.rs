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
