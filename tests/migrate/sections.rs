//! Files in sections: whatever is free is taken, and what is done stays done.

use crate::support::db::TestDb;
use crate::support::poll::eventually;
use crate::support::project::Project;

const TABLES: usize = 12;

/// Returns a file that has a section for each table.
fn file(action: &str) -> String {
    let section = |number: usize| {
        format!(
            "-- rlsctl: section public.t{number}\n{}\n",
            action.replace('#', &number.to_string())
        )
    };
    (1..=TABLES).map(section).collect()
}

fn tables(db: &TestDb) {
    for number in 1..=TABLES {
        db.psql(&format!("create table t{number} (id int primary key, x int)"));
    }
}

const POLICY: &str = "alter table t# enable row level security; create policy p on t# using (x = 1);";
const POLICIES: &str = "select count(*) from pg_policy";

#[test]
fn sections_are_taken_by_eights_with_a_step_each() {
    let (db, project) = (TestDb::new(), Project::new());
    tables(&db);
    project.migration("1_rls.sql", file(POLICY));
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(db.psql(POLICIES), "12");
    assert_eq!(db.psql("select version, transactional from rlsctl.ledger"), "1|f");
    let steps = "select count(*), count(finished_at), count(distinct xmin::text), min(object) from rlsctl.step";
    assert_eq!(db.psql(steps), "12|12|2|section public.t1");
    let again = project.on(&db, &["migrate"]).run().exits(0);
    assert!(again.stdout.contains("nothing to apply"), "{again:?}");
}

#[test]
fn a_prepared_transaction_keeps_its_table_and_no_other() {
    let (db, project) = (TestDb::new(), Project::new());
    tables(&db);
    let gid = format!("the gid of {}", db.name());
    db.psql(&format!("begin; update t5 set x = 1; prepare transaction '{gid}'"));
    project.migration("1_rls.sql", file(POLICY));
    project.migration("2_more.sql", file("alter table t# force row level security;"));
    let run = project.on(&db, &["migrate", "--lock-wait", "2s"]).run().exits(4);
    assert!(
        run.stderr.contains(&gid) && run.stderr.contains("public.t5"),
        "{}",
        run.stderr
    );
    assert_eq!(db.psql(POLICIES), "11");
    assert_eq!(
        db.psql("select count(*) from pg_class where relforcerowsecurity"),
        "11",
        "one pool"
    );
    assert_eq!(
        db.psql("select count(*) from rlsctl.ledger"),
        "0",
        "rows come in the order of the files"
    );
    db.psql(&format!("rollback prepared '{gid}'"));
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(db.psql(POLICIES), "12");
    assert_eq!(
        db.psql("select string_agg(version, ' ' order by version) from rlsctl.ledger"),
        "1 2"
    );
}

#[test]
fn an_error_in_a_section_is_shown_with_its_line_and_leaves_its_transaction_undone() {
    let (db, project) = (TestDb::new(), Project::new());
    tables(&db);
    let broken = file(POLICY).replace("p on t11 using (x = 1)", "p on t11 using (nothing = 1)");
    project.migration("1_rls.sql", &broken);
    let run = project.on(&db, &["migrate"]).run().exits(7);
    let line = broken.split('\n').position(|line| line.contains("nothing")).unwrap() + 1;
    assert!(run.stderr.contains(&format!("1_rls.sql:{line}:")), "{}", run.stderr);
    assert_eq!(db.psql(POLICIES), "8");
    project.migration("1_rls.sql", file(POLICY));
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(db.psql(POLICIES), "12");
}

#[test]
fn what_stands_before_the_first_section_comes_first_and_settings_hold_everywhere() {
    let (db, project) = (TestDb::new(), Project::new());
    tables(&db);
    db.psql("create schema app");
    let head = "set search_path = app, public;\ncreate function f() returns int language sql as 'select 1';\n";
    let sections = file("create policy p on t# using (x = f());");
    project.migration("1_rls.sql", format!("{head}{sections}"));
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(db.psql(POLICIES), "12");
    assert_eq!(
        db.psql("select pronamespace::regnamespace from pg_proc where proname = 'f'"),
        "app"
    );
    assert_eq!(db.psql("select count(*) from rlsctl.step"), "13");
}

#[test]
fn a_section_waits_for_the_one_whose_table_it_needs() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table parent (tenant int, id int); create table child (tenant int, parent int)");
    let holder = db.session();
    holder.ok("begin; select from parent");
    project.migration(
        "1_keys.sql",
        "-- rlsctl: section parent\nalter table parent add unique (tenant, id);\n\
         -- rlsctl: section child\nalter table child add foreign key (tenant, parent) references parent (tenant, id);\n",
    );
    let running = project.on(&db, &["migrate"]).spawn();
    running.until_stderr("waiting");
    assert_eq!(
        db.psql("select count(*) from pg_constraint where conrelid = 'child'::regclass"),
        "0"
    );
    holder.ok("commit");
    running.wait().exits(0);
    assert_eq!(
        db.psql("select count(*) from pg_constraint where conrelid = 'child'::regclass"),
        "1"
    );
}

#[test]
fn two_runners_share_the_work_and_nothing_runs_twice() {
    let (db, project) = (TestDb::new(), Project::new());
    tables(&db);
    db.psql("create table count (n int)");
    project.migration("1_rls.sql", file(&format!("{POLICY} insert into count values (#);")));
    let runners: Vec<_> = (0..3).map(|_| project.on(&db, &["migrate"]).spawn()).collect();
    for runner in runners {
        runner.wait().exits(0);
    }
    assert_eq!(db.psql("select count(*), count(distinct n) from count"), "12|12");
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "1");
}

#[test]
fn killed_at_any_step_a_rerun_finishes_and_no_section_runs_twice() {
    for done in [1, 4, 9] {
        let (db, project) = (TestDb::new(), Project::new());
        tables(&db);
        db.psql("create table count (n int)");
        // The tables of the later sections are held until the kill.
        let holder = db.session();
        let held: Vec<String> = (done + 1..=TABLES)
            .map(|number| format!("select from t{number}"))
            .collect();
        holder.ok(&format!("begin; {}", held.join("; ")));
        project.migration("1_rls.sql", file(&format!("{POLICY} insert into count values (#);")));
        let running = project.on(&db, &["migrate"]).spawn();
        eventually("the free ones are done", || db.psql(POLICIES) == done.to_string());
        running.signal("KILL");
        drop(running.wait());
        let waiting = "select count(*) from pg_stat_activity where application_name like 'rlsctl%' and datname = current_database()";
        eventually("no backend of ours is left", || db.psql(waiting) == "0");
        holder.ok("commit");
        project.on(&db, &["migrate"]).run().exits(0);
        assert_eq!(db.psql(POLICIES), "12");
        assert_eq!(db.psql("select count(*), count(distinct n) from count"), "12|12");
    }
}

#[test]
fn what_cannot_run_in_a_transaction_runs_between_sections() {
    let (db, project) = (TestDb::new(), Project::new());
    tables(&db);
    project.migration("1_indexes.sql", file("create index concurrently on t# (x);"));
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(
        db.psql(
            "select count(*) from pg_index where not indisprimary and indisvalid and indrelid::regclass::text like 't%'"
        ),
        "12"
    );
    let whole = Project::new();
    whole.migration("1_indexes.sql", file("create index concurrently on t# (x);"));
    whole
        .migration("2_rls.sql", file(POLICY))
        .migration("3_x.sql", "create table x (id int);");
    whole.on(&db, &["migrate", "--single-transaction"]).run().exits(0);
    assert_eq!(db.psql(POLICIES), "12");
}

/// Each pair of sections knows nothing of each other's tables, and works only in the order in which it stands.
#[test]
fn a_section_that_depends_on_an_earlier_one_by_more_than_names_is_done_behind_it() {
    for (setup, first, second) in [
        (
            "alter table b add primary key (id); alter table a add foreign key (x) references b",
            "drop column x",
            "drop column id",
        ),
        (
            "create policy p on a using (exists (select from b where b.id = 1))",
            "-- p",
            "drop column id",
        ),
        (
            "create function f() returns int language plpgsql as $$ begin return (select max(y) from a); end $$; insert into b values (1)",
            "add column y int",
            "add column y int default f()",
        ),
    ] {
        let (db, project) = (TestDb::new(), Project::new());
        db.psql("create table a (id int, x int); create table b (id int)");
        db.psql(setup);
        let first = if first == "-- p" {
            "drop policy p on a".to_owned()
        } else {
            format!("alter table a {first}")
        };
        project.migration(
            "1_a.sql",
            format!("-- rlsctl: section a\n{first};\n-- rlsctl: section b\nalter table b {second};\n"),
        );
        let holder = db.session();
        holder.ok("begin; select from a");
        let running = project.on(&db, &["migrate"]).spawn();
        running.until_stderr("section b of migration 1 failed before those in front of it were done");
        holder.ok("commit");
        running.wait().exits(0);
        assert_eq!(db.psql("select count(finished_at) from rlsctl.step"), "2", "{second}");
    }
}

#[test]
fn a_section_that_may_take_long_keeps_no_other_table() {
    let (db, project) = (TestDb::new(), Project::new());
    tables(&db);
    let sql = file("alter table t# add column y int;")
        .replace("t3 add column y int;", "t3 add column y int; update t3 set y = 1;");
    project.migration("1_a.sql", sql);
    project.on(&db, &["migrate"]).run().exits(0);
    let beside = "select count(*) from rlsctl.step s join rlsctl.step t on t.xmin::text = s.xmin::text where s.object = 'section public.t3'";
    assert_eq!(db.psql(beside), "1");
    assert_eq!(db.psql("select count(distinct xmin::text) from rlsctl.step"), "3");
}

#[test]
fn a_plan_names_the_sections_their_locks_and_what_is_finished() {
    let (db, project) = (TestDb::new(), Project::new());
    tables(&db);
    let sections = file(POLICY);
    let sections = &sections[..sections.find("-- rlsctl: section public.t4").unwrap()];
    let head = "create table log (id int);\n";
    let mixed = "insert into t4 values (1);\ncreate index concurrently t4_x on t4 (x);\n";
    project
        .migration("1_rls.sql", [head, sections].concat())
        .migration("2_mixed.sql", mixed);
    let plan = project.on(&db, &["migrate", "--plan"]).run().exits(0);
    insta::assert_snapshot!(plan.snapshot(), @r"
    exit: 0
    ----- stdout -----
    would apply 2 migrations to [local:[socket]]/[db-name] as postgres

    1 rls (3 sections, at most 8 tables a transaction)
      line 1  before them  CREATE TABLE
      line 3  public.t1    ALTER TABLE, CREATE POLICY  ACCESS EXCLUSIVE on t1
      line 5  public.t2    ALTER TABLE, CREATE POLICY  ACCESS EXCLUSIVE on t2
      line 7  public.t3    ALTER TABLE, CREATE POLICY  ACCESS EXCLUSIVE on t3

    2 mixed (2 steps, 1 of them outside any transaction)
      line 1  INSERT        ROW EXCLUSIVE on t4           step 1
      line 2  CREATE INDEX  SHARE UPDATE EXCLUSIVE on t4  step 2
    ----- stderr -----
    ");
    // The second section cannot be had, so the file is left half applied.
    let holder = db.session();
    holder.ok("begin; select from t2");
    project.on(&db, &["migrate", "--lock-wait", "500ms"]).run().exits(4);
    assert_eq!(db.psql(POLICIES), "2");
    let plan = project.on(&db, &["migrate", "--plan"]).run().exits(0);
    insta::assert_snapshot!(plan.snapshot(), @r"
    exit: 0
    ----- stdout -----
    would apply 2 migrations, 1 of them half applied, to [local:[socket]]/[db-name] as postgres

    1 rls (3 sections, at most 8 tables a transaction; 3 of 4 steps finished before)
      line 1  before them  CREATE TABLE                                        finished
      line 3  public.t1    ALTER TABLE, CREATE POLICY  ACCESS EXCLUSIVE on t1  finished
      line 5  public.t2    ALTER TABLE, CREATE POLICY  ACCESS EXCLUSIVE on t2
      line 7  public.t3    ALTER TABLE, CREATE POLICY  ACCESS EXCLUSIVE on t3  finished

    2 mixed (2 steps, 1 of them outside any transaction)
      line 1  INSERT        ROW EXCLUSIVE on t4           step 1
      line 2  CREATE INDEX  SHARE UPDATE EXCLUSIVE on t4  step 2
    ----- stderr -----
    ");
    let plan = project
        .on(&db, &["migrate", "--plan", "--format", "json"])
        .run()
        .exits(0)
        .json();
    let first = &plan["files"][0];
    assert_eq!(
        (&first["runs_in"], &first["steps_finished"]),
        (&"sections".into(), &3.into())
    );
    let part = &first["parts"][2];
    assert_eq!(
        (&part["finished"], &part["section"][0]),
        (&false.into(), &"public.t2".into())
    );
    assert_eq!(part["tables"][0]["lock"], "ACCESS EXCLUSIVE");
    assert_eq!(first["statements"][1]["finished"], true);
    assert_eq!(plan["summary"]["half_applied"], 1);
    // All in one transaction would do the finished ones again.
    let single = project.on(&db, &["migrate", "--single-transaction"]).run().exits(6);
    assert!(single.stderr.contains("half applied"), "{}", single.stderr);
    holder.ok("commit");
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(db.psql(POLICIES), "3");
}

#[test]
fn a_plan_of_one_transaction_says_so() {
    let (db, project) = (TestDb::new(), Project::new());
    tables(&db);
    project.migration("1_rls.sql", file(POLICY));
    let args = ["migrate", "--plan", "--single-transaction"];
    let plan = project.on(&db, &args).run().exits(0).stdout;
    assert!(
        plan.contains(" in one transaction\n") && !plan.contains("section"),
        "{plan}"
    );
    project.on(&db, &args[..1]).arg("--single-transaction").run().exits(0);
    assert_eq!(db.psql(POLICIES), "12");
}
