//! What is said of a lock that was not to be had: what is waited for, who decides, and what to run.

use super::locking::until_old;
use crate::support::db::TestDb;
use crate::support::project::Project;
use crate::support::rlsctl::Run;
use crate::support::session::Session;

/// Three tables, the second of which somebody reads.
fn held() -> (TestDb, Project, Session) {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table t1 (id int); create table t2 (id int); create table t3 (id int)");
    let holder = db.session();
    holder.ok("begin; select from t2");
    (db, project, holder)
}

/// The lines of stderr that begin so.
fn lines<'r>(run: &'r Run, head: &str) -> Vec<&'r str> {
    let lines = run.stderr.split('\n').map(str::trim_start);
    lines.filter(|line| line.starts_with(head)).collect()
}

#[test]
fn what_is_free_is_neither_refused_nor_left_undone() {
    let (db, project, holder) = held();
    project.migration(
        "1_a.sql",
        "alter table t1 add a int; alter table t2 add a int; alter table t3 add a int;",
    );
    let run = project.on(&db, &["migrate", "--lock-wait", "0"]).run().exits(4);
    assert!(run.stderr.contains("not to be had at once"), "{}", run.stderr);
    assert!(run.stderr.contains("not to be had: public.t2\n"), "{}", run.stderr);
    assert_eq!(
        lines(&run, "next: run"),
        ["next: run `rlsctl migrate` again when public.t2 is free; `--lock-wait` makes it try for longer"]
    );
    let section = |number: usize| format!("-- rlsctl: section public.t{number}\nalter table t{number} add a int;\n");
    project.migration("1_a.sql", (1..=3).map(section).collect::<Vec<_>>().concat());
    let run = project.on(&db, &["migrate", "--lock-wait", "0"]).run().exits(4);
    assert!(run.stderr.contains("not to be had: public.t2\n"), "{}", run.stderr);
    let columns = "select count(*) from pg_attribute where attname = 'a' and attrelid::regclass::text like 't_'";
    assert_eq!(db.psql(columns), "2", "the others were free: {}", run.stderr);
    holder.ok("commit");
    project.on(&db, &["migrate", "--lock-wait", "0"]).run().exits(0);
    assert_eq!(db.psql(columns), "3");
}

#[test]
fn several_tables_are_told_as_several() {
    let (db, project, holder) = held();
    holder.ok("select from t1");
    project.migration("1_a.sql", "alter table t1 add a int; alter table t2 add a int;");
    let run = project.on(&db, &["migrate", "--lock-wait", "1s"]).run().exits(4);
    assert!(
        run.stderr.contains("(we want public.t1, public.t2 ACCESS EXCLUSIVE)"),
        "{}",
        run.stderr
    );
    assert!(
        lines(&run, "next: run")[0].contains("when public.t1, public.t2 are free"),
        "{}",
        run.stderr
    );
    let look = "next: `rlsctl blockers public.t1 public.t2` shows";
    assert!(lines(&run, "next: `")[0].starts_with(look), "{}", run.stderr);
}

#[test]
fn whoever_prepared_a_transaction_decides_about_it() {
    let (db, project, holder) = held();
    let gid = format!("order's {}", db.name());
    let quoted = gid.replace('\'', "''");
    holder.ok(&format!("insert into t2 values (1); prepare transaction '{quoted}'"));
    project.migration("1_a.sql", "alter table t2 add a int;");
    let run = project.on(&db, &["migrate", "--lock-wait", "100ms"]).run().exits(4);
    let next =
        format!("next: whoever prepared it decides: COMMIT PREPARED '{quoted}'; or ROLLBACK PREPARED '{quoted}';");
    assert_eq!(lines(&run, "next: who"), [next], "{}", run.stderr);
    assert!(!run.stderr.contains("end it"), "{}", run.stderr);
    db.psql(&format!("rollback prepared '{quoted}'"));
}

#[test]
fn a_lock_that_is_on_no_table_is_told_by_what_it_means() {
    let (db, project, holder) = held();
    holder.ok("select pg_advisory_xact_lock(42)");
    project.migration("1_a.sql", "select pg_advisory_xact_lock(42);");
    let run = project.on(&db, &["migrate", "--lock-wait", "1s"]).run().exits(4);
    assert!(
        run.stderr.contains("(we want an advisory lock that it holds)"),
        "{}",
        run.stderr
    );
    assert!(
        lines(&run, "next: run")[0].contains("when that is over"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_missing_grant_is_the_next_thing_to_run() {
    let (db, project, holder) = held();
    holder.ok("commit");
    let role = format!("Owner_{}", db.name());
    let quoted = format!("\"{role}\"");
    db.admin(&format!(
        "create role {quoted} login; grant create on database {} to {quoted}",
        db.name()
    ));
    db.psql(&format!(
        "alter table t2 owner to {quoted}; create role app_{role} login; grant select on t2 to app_{role}"
    ));
    let holder = Session::connect(&format!("{} user=app_{}", db.dsn(), role.to_lowercase()));
    holder.ok("begin; select from t2");
    until_old(&db, &holder);
    project.migration("1_a.sql", "alter table t2 add a int;");
    let run = || {
        let args = ["migrate", "--lock-wait", "1s", "--end-blockers-older-than", "1s"];
        project.rlsctl(&args).env("DATABASE_URL", db.url_as(&role)).run()
    };
    for missing in ["pg_read_all_stats", "pg_signal_backend"] {
        let blocked = run().exits(4);
        let next = lines(&blocked, "next: to ");
        let grant = next[0].split_once("run: ").unwrap().1;
        assert_eq!(grant, format!("GRANT {missing} TO {quoted};"));
        db.admin(grant);
    }
    run().exits(0);
    assert!(!super::locking::lives(&holder));
    db.psql(&format!(
        "drop owned by {quoted} cascade; drop owned by app_{role} cascade"
    ));
    db.admin(&format!("drop role {quoted}"));
    db.admin(&format!("drop role app_{role}"));
}

#[test]
fn whoever_was_ended_is_not_told_as_in_the_way() {
    let (db, project, holder) = held();
    holder.ok("insert into t2 values (1)");
    until_old(&db, &holder);
    let other = db.session();
    other.ok("set application_name = 'kept'; begin; insert into t2 values (2)");
    project.config("[reap]\nprotect_applications = ['kept']\n");
    project.migration("1_a.sql", "do $$ begin execute 'alter table t2 add a int'; end $$;");
    let args = ["migrate", "--lock-wait", "1s", "--end-blockers-older-than", "1s"];
    let run = project.on(&db, &args).run().exits(4);
    let ended = format!("ended backend {}", holder.pid());
    let after = run
        .stderr
        .split_once(&ended)
        .unwrap_or_else(|| panic!("{}", run.stderr))
        .1;
    assert!(!after.contains(&format!("backend {}", holder.pid())), "{}", run.stderr);
    assert!(
        after.contains(&format!("blocked by backend {}", other.pid())),
        "{}",
        run.stderr
    );
}
