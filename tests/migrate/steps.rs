//! Statements that cannot run inside a transaction: found, run one by one, resumed, cleaned up behind.

use crate::support::db::TestDb;
use crate::support::process::kill;
use crate::support::project::Project;

/// The steps, a line each.
fn steps(db: &TestDb) -> String {
    db.psql("select version || '.' || number || ' ' || object || ' ' || (finished_at is not null) from rlsctl.step order by version, number")
}

fn invalid_indexes(db: &TestDb) -> String {
    db.psql("select count(*) from pg_index where not indisvalid")
}

#[test]
fn concurrently_just_works_and_each_step_is_recorded() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration(
        "1_a.sql",
        "create schema s;\nset search_path = s;\ncreate table a (id int, b int);\ninsert into a select n, n from generate_series(1, 100) n;\n\
         create index concurrently a_b on a (b);\nvacuum a;\ncreate index concurrently on a (id);\ncomment on table a is 'x';\n",
    );
    project.on(&db, &["migrate"]).run().exits(0);
    let expected = "1.1 CREATE SCHEMA true\n1.2 2 statements true\n1.3 CREATE INDEX true\n1.4 VACUUM true\n1.5 CREATE INDEX true\n1.6 COMMENT ON true";
    assert_eq!(steps(&db), expected);
    assert_eq!(
        db.psql("select count(*) from pg_index i where indrelid = 's.a'::regclass and indisvalid"),
        "2"
    );
    assert_eq!(db.psql("select version, transactional from rlsctl.ledger"), "1|f");
}

#[test]
fn a_unique_index_that_fails_is_not_left_invalid() {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration("1_a.sql", "create table a (id int);\ninsert into a values (1), (1);\n")
        .migration("2_b.sql", "create unique index concurrently a_id on a (id);\n");
    let run = project.on(&db, &["migrate"]).run().exits(5);
    assert!(
        run.stderr.contains("23505") && run.stderr.contains("2_b.sql:1:1"),
        "{}",
        run.stderr
    );
    assert_eq!((invalid_indexes(&db).as_str(), steps(&db).as_str()), ("0", ""));
    db.psql("delete from a where ctid = (select min(ctid) from a)");
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(
        db.psql("select indisvalid from pg_index where indexrelid = 'a_id'::regclass"),
        "t"
    );
}

#[test]
fn a_failure_after_a_done_step_is_partly_applied_and_goes_on_from_there() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration(
        "1_a.sql",
        "create table a (id int);\ncreate index concurrently a_id on a (id);\nselect 1/0;\n",
    );
    let run = project.on(&db, &["migrate"]).run().exits(7);
    assert!(
        run.stderr.contains("1_a.sql:3") && run.stderr.contains("2 of its 3 steps are done"),
        "{}",
        run.stderr
    );
    let run = project.on(&db, &["status"]).run().exits(0);
    assert!(run.stdout.contains("half applied"), "{}", run.stdout);
    project.migration(
        "1_a.sql",
        "create table a (id bigint);\ncreate index concurrently a_id on a (id);\nselect 1;\n",
    );
    let run = project.on(&db, &["migrate"]).run().exits(6);
    assert!(run.stderr.contains("ledger.step-changed"), "{}", run.stderr);
    project.migration(
        "1_a.sql",
        "create table a (id int);\ncreate index concurrently a_id on a (id);\nselect 1;\n",
    );
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "1");
}

#[test]
fn what_only_the_server_knows_is_learnt_from_it() {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration("1_a.sql", "create table a (id int);\ncreate procedure p() language plpgsql as $$ begin insert into a values (1); commit; insert into a values (2); end $$;\n")
        .migration("2_b.sql", "insert into a values (0);\ncall p();\ninsert into a values (3);\n")
        .migration("3_c.sql", "create type color as enum ('red');\n")
        .migration("4_d.sql", "alter type color add value 'blue';\ncreate table c (c color default 'blue');\ninsert into c values ('blue');\n");
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(
        db.psql("select string_agg(id::text, ',' order by id) from a"),
        "0,1,2,3"
    );
    assert_eq!(db.psql("select c from c"), "blue");
    assert_eq!(
        db.psql("select version from rlsctl.ledger where not transactional order by 1"),
        "2\n4"
    );
}

/// Makes CREATE INDEX CONCURRENTLY hang, kills rlsctl, lets the statement go on or not, and runs again.
fn killed_while_building(let_it_finish: bool) {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration("1_a.sql", "create table a (id int);\n")
        .migration("2_b.sql", "create index concurrently a_id on a (id);\n");
    project.on(&db, &["migrate", "--to", "1"]).run().exits(0);
    let writer = db.session();
    writer.ok("begin; insert into a values (1)");
    let running = project.on(&db, &["migrate"]).spawn();
    let builds = "select pid from pg_stat_activity where query like '/* rlsctl %create index%' and wait_event_type = 'Lock' and datname = current_database()";
    crate::support::poll::eventually("the build waits for the writer", || !db.psql(builds).is_empty());
    let pid = db.psql(builds);
    kill("KILL", running.pid());
    drop(running);
    if let_it_finish {
        writer.ok("commit");
    } else {
        db.psql(&format!("select pg_terminate_backend({pid})"));
        crate::support::poll::eventually("the backend is gone", || {
            db.psql(&format!("select 1 from pg_stat_activity where pid = {pid}"))
                .is_empty()
        });
        assert_eq!(invalid_indexes(&db), "1", "the crash left an INVALID index");
        writer.ok("commit");
    }
    let run = project.on(&db, &["migrate"]).run().exits(0);
    assert!(run.stderr.contains("was cut off in step 1"), "{}", run.stderr);
    assert_eq!(invalid_indexes(&db), "0");
    assert_eq!(
        db.psql("select indexrelid::regclass from pg_index where indrelid = 'a'::regclass"),
        "a_id"
    );
    assert_eq!(steps(&db), "2.1 CREATE INDEX true");
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "2");
}

#[test]
fn a_build_that_outlives_us_is_waited_for_and_not_made_twice() {
    killed_while_building(true);
}

#[test]
fn an_invalid_index_of_a_crash_is_dropped_and_built_again() {
    killed_while_building(false);
}

#[test]
fn an_index_that_was_there_before_is_not_taken_for_ours() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int); create index a_id on a (id)");
    project.migration("1_a.sql", "create index concurrently a_id on a (id);\n");
    let run = project.on(&db, &["migrate"]).run().exits(5);
    assert!(run.stderr.contains("42P07"), "{}", run.stderr);
    assert_eq!(db.psql("select to_regclass('a_id') is not null"), "t");
    assert_eq!(steps(&db), "");
}

#[test]
fn an_unknown_step_is_never_guessed() {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration("1_a.sql", "create table a (id int);\ncreate procedure p() language plpgsql as $$ begin insert into a values (1); commit; perform pg_sleep(600); end $$;\n")
        .migration("2_b.sql", "call p();\n");
    let running = project.on(&db, &["migrate"]).spawn();
    crate::support::poll::eventually("the procedure has committed", || {
        db.try_psql("select count(*) from a").is_ok_and(|count| count == "1")
    });
    kill("KILL", running.pid());
    drop(running);
    db.psql("select pg_terminate_backend(pid) from pg_stat_activity where query like '/* rlsctl %call p%'");
    let gone = "select 1 from pg_stat_activity where query like '/* rlsctl %call p%' and pid <> pg_backend_pid()";
    crate::support::poll::eventually("the backend is gone", || db.psql(gone).is_empty());
    db.psql("create or replace procedure p() language plpgsql as $$ begin insert into a values (2); commit; end $$");
    let run = project.on(&db, &["migrate"]).run().exits(7);
    assert!(
        run.stderr.contains("--rerun-unknown-step") && run.stderr.contains("2_b.sql:1:1"),
        "{}",
        run.stderr
    );
    assert_eq!(db.psql("select count(*) from a"), "1");
    project.on(&db, &["migrate", "--rerun-unknown-step"]).run().exits(0);
    assert_eq!(db.psql("select count(*) from a"), "2");
}

#[test]
fn a_last_step_that_is_recorded_as_done_still_gets_its_ledger_row() {
    for (before, after) in [
        (
            "create index concurrently a_id on a (id);\nselect 1/0;\n",
            "create index concurrently a_id on a (id);\n",
        ),
        (
            "create index concurrently a_id on a (id);\ncomment on table a is 'x';\nvacuum nothing;\n",
            "create index concurrently a_id on a (id);\ncomment on table a is 'x';\n",
        ),
    ] {
        let (db, project) = (TestDb::new(), Project::new());
        db.psql("create table a (id int)");
        project.migration("1_a.sql", before);
        project.on(&db, &["migrate"]).run().exits(7);
        project.migration("1_a.sql", after);
        // The text of what is done stays; what had failed is taken out.
        project.on(&db, &["migrate", "--lock-wait", "1s"]).run().exits(0);
        assert_eq!(db.psql("select version from rlsctl.ledger"), "1");
    }
}
