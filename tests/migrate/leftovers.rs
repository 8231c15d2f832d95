//! What a statement outside a transaction leaves in the catalog when it is given up at the deadline, and what the next run makes of it.

use crate::support::db::TestDb;
use crate::support::poll::eventually;
use crate::support::project::Project;
use crate::support::rlsctl::Run;

use super::locking::{lives, until_old};

const PARTITIONED: &str = "create schema s; create table s.p (id int) partition by list (id);
    create table s.p1 partition of s.p for values in (1); create table s.p2 partition of s.p for values in (2)";

/// Version 13 knows no DETACH CONCURRENTLY.
fn detaches_concurrently() -> bool {
    let version: u32 = TestDb::new().psql("show server_version_num").parse().unwrap();
    version >= 14_00_00
}

fn says(run: &Run, all: &[&str]) {
    for said in all {
        assert!(run.stderr.contains(said), "{said} in\n{}", run.stderr);
    }
}

#[test]
fn an_index_that_is_half_dropped_is_named_and_dropped_by_the_next_run() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int); create index ia on a (id)");
    let reader = db.session();
    reader.ok("begin; select from a");
    project.migration("1_a.sql", "drop index concurrently ia;");
    let name = format!("backend {}", reader.pid());
    for _ in 1..=2 {
        let run = project.on(&db, &["migrate", "--lock-wait", "1s"]).run().exits(4);
        says(
            &run,
            &[&name, "INVALID and still there: public.ia", "rlsctl blockers public.a"],
        );
        assert!(!run.stderr.contains("nothing of it remains"), "{}", run.stderr);
        let state = "select indisvalid from pg_index where indexrelid = 'ia'::regclass";
        assert_eq!(db.psql(state), "f");
    }
    reader.ok("commit");
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(db.psql("select to_regclass('ia') is null"), "t");
}

#[test]
fn the_dead_in_the_way_of_a_drop_index_and_a_detach_are_ended() {
    if !detaches_concurrently() {
        return;
    }
    let (db, project) = (TestDb::new(), Project::new());
    db.psql(PARTITIONED);
    db.psql("create table a (id int); create index ia on a (id)");
    let dead = [db.session(), db.session(), db.session()];
    for (session, table) in dead.iter().zip(["a", "s.p", "s.p1"]) {
        session.ok(&format!("begin; select from {table}"));
        until_old(&db, session);
    }
    project.migration(
        "1_a.sql",
        "drop index concurrently ia;\nalter table s.p detach partition s.p1 concurrently;\n",
    );
    let args = ["migrate", "--lock-wait", "20s", "--end-blockers-older-than", "1s"];
    project.on(&db, &args).run().exits(0);
    assert!(!dead.iter().any(lives));
    assert_eq!(db.psql("select to_regclass('ia') is null"), "t");
    assert_eq!(db.psql("select inhrelid::regclass from pg_inherits"), "s.p2");
}

#[test]
fn a_detach_that_is_pending_is_told_and_finished_by_the_next_run() {
    if !detaches_concurrently() {
        return;
    }
    for (reads, named) in [("s.p", "s.p"), ("s.p1", "s.p1")] {
        let (db, project) = (TestDb::new(), Project::new());
        db.psql(PARTITIONED);
        let reader = db.session();
        reader.ok(&format!("begin; select from {reads}"));
        let sql = "set search_path = s;\nalter table p detach partition p1 concurrently;\n";
        project.migration("1_a.sql", sql);
        let name = format!("backend {}", reader.pid());
        let run = project.on(&db, &["migrate", "--lock-wait", "1s"]).run().exits(4);
        let finish = "alter table p detach partition p1 finalize";
        says(&run, &[&name, "the detach is pending", finish, named]);
        assert!(!run.stderr.contains("nothing of it remains"), "{}", run.stderr);
        let pending = "select inhrelid::regclass from pg_inherits where inhdetachpending";
        assert_eq!(db.psql(pending), "s.p1");
        reader.ok("commit");
        project.on(&db, &["migrate"]).run().exits(0);
        assert_eq!(db.psql("select inhrelid::regclass from pg_inherits"), "s.p2", "{reads}");
    }
}

#[test]
fn nobody_waits_for_long_behind_a_detach_that_waits_for_its_partition() {
    if !detaches_concurrently() {
        return;
    }
    let (db, project) = (TestDb::new(), Project::new());
    db.psql(PARTITIONED);
    let (holder, other) = (db.session(), db.session());
    holder.ok("begin; select from s.p1");
    project.migration("1_a.sql", "alter table s.p detach partition s.p1 concurrently;");
    let running = project.on(&db, &["migrate", "--lock-wait", "20s"]).spawn();
    eventually("it is pending", || {
        db.psql("select count(*) from pg_inherits where inhdetachpending") == "1"
    });
    running.until_stderr(&format!("backend {}", holder.pid()));
    other.ok("set statement_timeout = '5s'; select from s.p1");
    holder.ok("commit");
    running.wait().exits(0);
}

#[test]
fn what_a_reindex_leaves_is_named_and_cleared_away_by_the_next_run() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int); create index ia on a (id)");
    let reader = db.session();
    reader.ok("begin; select from a");
    project.migration("1_a.sql", "reindex index concurrently ia;");
    let name = format!("backend {}", reader.pid());
    let run = project.on(&db, &["migrate", "--lock-wait", "1s"]).run().exits(4);
    says(&run, &[&name, "INVALID and still there: public.ia_cc"]);
    reader.ok("commit");
    project.on(&db, &["migrate"]).run().exits(0);
    let indexes = "select count(*), bool_and(indisvalid) from pg_index where indrelid = 'a'::regclass";
    assert_eq!(db.psql(indexes), "1|t");
}

#[test]
fn an_index_that_could_neither_be_built_nor_dropped_is_built_by_the_run_after_the_holder() {
    for sets in ["", "set search_path = s, public;\n"] {
        let (db, project) = (TestDb::new(), Project::new());
        db.psql("create schema s; create table a (id int); create index older on a (id)");
        let holder = db.session();
        // It begins as a writer may, and has a snapshot only when the build is on its way.
        holder.ok("begin isolation level repeatable read; select from a");
        project.migration("1_a.sql", format!("{sets}create index concurrently a_id on a (id);"));
        let name = format!("backend {}", holder.pid());
        for _ in 1..=2 {
            let run = project.on(&db, &["migrate", "--lock-wait", "1s"]).run().exits(4);
            says(
                &run,
                &[
                    &name,
                    "INVALID and still there: public.a_id",
                    "rlsctl blockers public.a",
                ],
            );
            assert!(!run.stderr.contains("nothing of it remains"), "{}", run.stderr);
        }
        holder.ok("commit");
        project.on(&db, &["migrate"]).run().exits(0);
        let indexes =
            "select string_agg(indexrelid::regclass || ' ' || indisvalid, ', ' order by indexrelid) from pg_index
            where indrelid = 'a'::regclass";
        assert_eq!(db.psql(indexes), "older true, a_id true");
        assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "1");
    }
}

#[test]
fn who_has_nothing_but_an_old_snapshot_is_told_as_what_it_is() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int); create table other (id int)");
    let old = db.session();
    old.ok("begin isolation level repeatable read; select from other");
    project.migration("1_a.sql", "create index concurrently a_id on a (id);");
    let run = project.on(&db, &["migrate", "--lock-wait", "1s"]).run().exits(4);
    says(
        &run,
        &[
            &format!("backend {}", old.pid()),
            "its transaction, open for ",
            "waiting for old snapshots",
            "it holds no table that is needed, only an old snapshot",
        ],
    );
    assert!(!run.stderr.contains("idle for less than"), "{}", run.stderr);
    assert!(lives(&old));
}

#[test]
fn who_has_held_the_table_for_long_is_waited_for_before_anything_is_begun() {
    let statements = [
        ("insert into s.a values (1)", "create index concurrently a_n on a (id);"),
        (
            "declare c cursor for select from s.a; fetch c",
            "create index concurrently on a (id);",
        ),
        ("select from s.a", "drop index concurrently ia;"),
        ("select from s.a", "reindex index concurrently ia;"),
        ("select from s.p2", "alter table p detach partition p2 concurrently;"),
    ];
    let known = if detaches_concurrently() { 5 } else { 4 };
    let held = statements[..known].iter().map(|&(holds, sql)| {
        let db = TestDb::new();
        db.psql(PARTITIONED);
        db.psql("create table s.a (id int); create index ia on s.a (id)");
        let holder = db.session();
        holder.ok(&format!("begin; {holds}"));
        (db, holder, sql)
    });
    let held: Vec<_> = held.collect();
    for (db, holder, sql) in held {
        let open = format!(
            "select xact_start < clock_timestamp() - interval '5.1 s' from pg_stat_activity where pid = {}",
            holder.pid()
        );
        eventually("it has been open for long", || db.psql(&open) == "t");
        let project = Project::new();
        project.migration("1_a.sql", format!("set search_path = s;\n{sql}\n"));
        let run = project.on(&db, &["migrate", "--lock-wait", "1s"]).run().exits(4);
        let blocked = format!("blocked by backend {}", holder.pid());
        says(
            &run,
            &[&blocked, "open for ", "nothing of it remains", "rlsctl blockers s."],
        );
        let untouched = "select (select string_agg(indexrelid::regclass || ' ' || indisvalid, ', ') from pg_index where indrelid = 's.a'::regclass),
            (select count(*) from pg_inherits h where to_jsonb(h) ->> 'inhdetachpending' is distinct from 'true'), (select count(*) from rlsctl.step)";
        assert_eq!(db.psql(untouched), "s.ia true|2|0", "{sql}");
        holder.ok("commit");
        project.on(&db, &["migrate"]).run().exits(0);
        assert_eq!(
            db.psql("select count(*) from pg_index where not indisvalid"),
            "0",
            "{sql}"
        );
    }
}

/// Somebody always reads the table; nobody does for long.
#[test]
fn who_comes_to_the_table_later_is_not_waited_for_beforehand() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int)");
    let (first, second) = (db.session(), db.session());
    let open = |session: &crate::support::session::Session| {
        session.ok("begin; insert into a values (1)");
        let sql = format!(
            "select xact_start < clock_timestamp() - interval '5.1 s' from pg_stat_activity where pid = {}",
            session.pid()
        );
        eventually("it has been open for long", || db.psql(&sql) == "t");
    };
    open(&first);
    project.migration("1_a.sql", "create index concurrently a_id on a (id);");
    let running = project.on(&db, &["migrate"]).spawn();
    running.until_stderr(&format!("backend {}", first.pid()));
    open(&second);
    first.ok("commit");
    let begun = "select count(*) from pg_index where indrelid = 'a'::regclass";
    eventually("the build has begun", || db.psql(begun) == "1");
    second.ok("commit");
    running.wait().exits(0);
}

/// Others read the parent all the time: as long as that is all, a detach keeps nobody waiting, and is not cut off over and over.
#[test]
fn a_detach_waits_for_the_readers_of_the_parent_without_giving_way() {
    if !detaches_concurrently() {
        return;
    }
    let (db, project) = (TestDb::new(), Project::new());
    db.psql(PARTITIONED);
    let (reader, report) = (db.session(), db.session());
    reader.ok("begin; select from s.p");
    project.migration("1_a.sql", "alter table s.p detach partition s.p1 concurrently;");
    let running = project.on(&db, &["migrate", "--lock-wait", "20s"]).spawn();
    running.until_stderr(&format!("backend {}", reader.pid()));
    // What is newer than the detach does not hold it up, but it would hold up a FINALIZE.
    report.ok("begin isolation level repeatable read; select from pg_class");
    reader.ok("commit");
    let run = running.wait().exits(0);
    assert!(!run.stderr.contains("55P03"), "{}", run.stderr);
    assert_eq!(db.psql("select inhrelid::regclass from pg_inherits"), "s.p2");
}
