//! `rlsctl migrate`: what it applies, what it refuses, and what it leaves behind. Judged by the catalog and the ledger.

mod baseline;
mod faults;
mod hidden;
mod kills;
mod ledger;
mod leftovers;
mod locking;
mod mirror;
mod queue;
mod repeat;
mod rows;
mod sections;
mod steps;
mod told;
mod wide;

use crate::support::db::TestDb;
use crate::support::project::Project;

/// The ledger, a line each.
fn ledger(db: &TestDb) -> String {
    db.psql("select version || ' ' || name || ' ' || transactional from rlsctl.ledger order by sort_key collate \"C\"")
}

fn has_table(db: &TestDb, name: &str) -> bool {
    db.psql(&format!("select to_regclass('{name}') is not null")) == "t"
}

fn no_ledger_rows(db: &TestDb) {
    assert_eq!(
        db.psql("select to_regclass('rlsctl.ledger') is null"),
        "t",
        "{}",
        ledger(db)
    );
}

/// Asserts that two databases have the same catalog, but for the ledger; says only what differs.
fn same_catalog(ours: &TestDb, theirs: &TestDb) {
    let (ours, theirs) = (ours.catalog(), theirs.catalog());
    let ours: Vec<&str> = ours.split('\n').filter(|line| !line.contains("rlsctl")).collect();
    let theirs: Vec<&str> = theirs.split('\n').collect();
    let only = |a: &[&str], b: &[&str]| {
        a.iter()
            .filter(|line| !b.contains(line))
            .map(|line| (*line).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!((only(&ours, &theirs), only(&theirs, &ours)), (Vec::new(), Vec::new()));
    assert!(!theirs.is_empty());
}

#[test]
fn a_history_is_applied_once() {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration("0002_b.sql", "alter table a add column b text;\n")
        .migration("0001_a.sql", "create table a (id int primary key);\n")
        .migration("0010_c.sql", "create index on a (b)");
    let run = project.on(&db, &["migrate"]).run().exits(0);
    assert!(run.stdout.contains("applied 3 migrations"), "{}", run.stdout);
    assert_eq!(ledger(&db), "0001 a true\n0002 b true\n0010 c true");
    let times = db.psql(
        "select count(*) from rlsctl.ledger where duration > interval '0' and applied_by = 'postgres' and sql <> ''",
    );
    assert_eq!(times, "3");
    let before = db.psql("select xmin, ctid from rlsctl.ledger order by sort_key");
    let run = project.on(&db, &["migrate"]).run().exits(0);
    assert!(run.stdout.contains("nothing to apply"), "{}", run.stdout);
    assert_eq!(
        db.psql("select xmin, ctid from rlsctl.ledger order by sort_key"),
        before
    );
}

#[test]
fn the_catalog_is_the_one_that_psql_makes() {
    let (ours, theirs, project) = (TestDb::new(), TestDb::new(), Project::new());
    project.generated(1..=60);
    for number in 1..=60 {
        theirs.psql(&crate::support::generate::migration(number).sql);
    }
    project.on(&ours, &["migrate"]).run().exits(0);
    same_catalog(&ours, &theirs);
}

#[test]
fn a_failed_file_leaves_nothing_and_is_shown_with_its_line() {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration("1_a.sql", "create table a (id int);\n")
        .migration(
            "2_b.sql",
            "create table b (id int);\n\n-- ä\nselect id, 'ä', nme from a;\n",
        )
        .migration("3_c.sql", "create table c (id int);\n");
    let run = project.on(&db, &["migrate"]).run().exits(5);
    assert!(run.stderr.contains("2_b.sql:4:17"), "{}", run.stderr);
    for said in [
        "42703",
        "select id, 'ä', nme from a;",
        "^^^",
        "nothing of it remains",
        "1 migration applied in this run",
        "rlsctl migrate",
    ] {
        assert!(run.stderr.contains(said), "{said} in\n{}", run.stderr);
    }
    assert!(has_table(&db, "a") && !has_table(&db, "b") && !has_table(&db, "c"));
    assert_eq!(ledger(&db), "1 a true");
    assert_eq!(
        db.psql("select kind, version, detail->'server'->>'sqlstate', detail->>'line' from rlsctl.event"),
        "failed|2|42703|4"
    );
    project.migration("2_b.sql", "create table b (id int);\n");
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(ledger(&db), "1 a true\n2 b true\n3 c true");
}

#[test]
fn an_error_without_position_is_found_by_counting_statements() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration(
        "1_a.sql",
        "create table a (id int primary key);\ninsert into a values (1);\n/* here */ insert into a\n  values (1);\nselect 1;\n",
    );
    let run = project.on(&db, &["migrate"]).run().exits(5);
    assert!(
        run.stderr.contains("1_a.sql:3:12") && run.stderr.contains("23505"),
        "{}",
        run.stderr
    );
    assert!(!has_table(&db, "a"));
}

#[test]
fn a_deferred_constraint_fails_at_commit() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration(
        "1_a.sql",
        "create table a (id int primary key);\ncreate table b (a int references a deferrable initially deferred);\ninsert into b values (1);\n",
    );
    let run = project.on(&db, &["migrate"]).run().exits(5);
    assert!(
        run.stderr.contains("at COMMIT") && run.stderr.contains("23503"),
        "{}",
        run.stderr
    );
    assert!(!has_table(&db, "a"));
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "0");
}

#[test]
fn a_plan_changes_nothing_and_names_tables_and_locks() {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration("1_a.sql", "create table a (id int);\n")
        .migration(
            "2_b.sql",
            "alter table a add b int;\ncreate index concurrently a_b on a (b);\n",
        )
        .migration("3_c.sql", "do $$ begin perform 1; end $$;");
    let plan = project
        .on(&db, &["migrate", "--plan", "--format", "json"])
        .run()
        .exits(0)
        .json();
    assert_eq!(plan["schema"], "rlsctl.plan/1");
    assert_eq!(plan["summary"]["pending"], 3);
    let second = &plan["files"][1];
    assert_eq!(second["steps"], 2);
    assert_eq!(second["statements"][0]["tables"][0]["lock"], "ACCESS EXCLUSIVE");
    assert_eq!(second["statements"][0]["tables"][0]["created_in_this_run"], true);
    assert_eq!(second["statements"][1]["transactional"], false);
    assert_eq!(plan["files"][2]["statements"][0]["tables_unknown"], true);
    no_ledger_rows(&db);
    assert!(!has_table(&db, "a"));
}

#[test]
fn to_stops_and_single_transaction_is_all_or_nothing() {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration("1_a.sql", "create table a (id int);")
        .migration(
            "2_b.sql",
            "set local search_path = pg_catalog; create table public.b (id int);",
        )
        .migration("3_c.sql", "create table c (id int); select 1/0;");
    let run = project.on(&db, &["migrate", "--to", "1"]).run().exits(0);
    assert!(run.stdout.contains("2 still pending"), "{}", run.stdout);
    project.on(&db, &["migrate", "--to", "7"]).run().exits(6);
    project.on(&db, &["migrate", "--single-transaction"]).run().exits(5);
    assert_eq!(ledger(&db), "1 a true");
    assert!(!has_table(&db, "b"));
    project.migration("3_c.sql", "create table c (id int);");
    project.on(&db, &["migrate", "--single-transaction"]).run().exits(0);
    assert!(has_table(&db, "public.c"), "the setting of 2 leaked into 3");
    assert_eq!(
        db.psql("select count(distinct xmin::text) from rlsctl.ledger where version in ('2', '3')"),
        "1"
    );
    project.migration("4_d.sql", "create index concurrently on a (id);");
    let run = project.on(&db, &["migrate", "--single-transaction"]).run().exits(6);
    assert!(run.stderr.contains("files.not-in-transaction"), "{}", run.stderr);
}

#[test]
fn a_pending_file_older_than_an_applied_one_is_refused_unless_allowed() {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration("1_a.sql", "create table a (id int);")
        .migration("3_c.sql", "create table c (id int);");
    project.on(&db, &["migrate"]).run().exits(0);
    project.migration("2_b.sql", "create table b (id int);");
    let run = project.on(&db, &["migrate"]).run().exits(6);
    assert!(
        run.stderr.contains("drift.gap") && run.stderr.contains("2_b.sql"),
        "{}",
        run.stderr
    );
    assert!(!has_table(&db, "b"));
    project.on(&db, &["migrate", "--allow-out-of-order"]).run().exits(0);
    assert!(has_table(&db, "b"));
    project.migration("1.5_x.sql", "");
    project
        .remove("migrations/1.5_x.sql")
        .migration("02_dup.sql", "select 1;");
    let run = project.on(&db, &["migrate"]).run().exits(6);
    assert!(
        run.stderr.contains("2_b.sql") && run.stderr.contains("02_dup.sql"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_directive_allows_one_file() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration("3_c.sql", "create table c (id int);");
    project.on(&db, &["migrate"]).run().exits(0);
    project.migration("2_b.sql", "-- rlsctl: allow out-of-order\ncreate table b (id int);");
    project.on(&db, &["migrate"]).run().exits(0);
    assert!(has_table(&db, "b"));
    project.migration("4_d.sql", "-- rlsctl: statement_timeout=1ms\nselect pg_sleep(5);");
    let run = project.on(&db, &["migrate"]).run().exits(5);
    assert!(
        run.stderr.contains("57014") && run.stderr.contains("statement_timeout=10min"),
        "{}",
        run.stderr
    );
    project.migration("4_d.sql", "-- rlsctl: statment_timeout=1ms\nselect 1;");
    let run = project.on(&db, &["migrate"]).run().exits(6);
    assert!(run.stderr.contains("4_d.sql:1:1"), "{}", run.stderr);
}

#[test]
fn everything_that_is_wrong_is_listed_before_anything_runs() {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration("1_a.sql", "create table a (id int);")
        .migration("2_b.sql", "create table b (id int);")
        .migration("3_c.sql", "create table c (id int);");
    project.on(&db, &["migrate"]).run().exits(0);
    project
        .migration("1_a.sql", "create table a (id bigint);")
        .migration("2_b.sql", "-- a comment\nCREATE TABLE b (\n  id int\n);\n")
        .remove("migrations/3_c.sql")
        .migration("4_d.sql", "create table d (id int);\ncommit;\n")
        .migration("5_e.sql", "create table e (id int);\n\\connect other\n")
        .migration("6_f.sql", "select 'oh;\n");
    let run = project.on(&db, &["migrate", "--format", "json"]).run().exits(6);
    let findings = run.json()["findings"].as_array().unwrap().clone();
    let mut codes: Vec<(String, String)> = findings
        .iter()
        .map(|finding| {
            (
                finding["code"].as_str().unwrap().to_owned(),
                finding["object"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    codes.sort();
    let expected = [
        ("drift.edited", "1"),
        ("drift.missing-file", "3"),
        ("files.psql-command", "5"),
        ("files.transaction-control", "4"),
        ("files.unterminated", "6"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(code, object)| ((*code).to_owned(), (*object).to_owned()))
        .collect();
    assert_eq!(codes, expected, "{}", run.stdout);
    let control = findings
        .iter()
        .find(|finding| finding["code"] == "files.transaction-control")
        .unwrap();
    assert_eq!(control["location"]["line"], 2);
    assert!(!has_table(&db, "d"));
}

#[test]
fn a_formatted_file_passes_with_a_notice_and_line_ends_do_not_count() {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration("1_a.sql", "create table a (id int);\n")
        .migration("2_b.sql", "select 1;\nselect 2;\n");
    project.on(&db, &["migrate"]).run().exits(0);
    project.migration("2_b.sql", "\u{feff}select 1;\r\nselect 2;\r\n");
    let run = project.on(&db, &["migrate"]).run().exits(0);
    assert!(!run.stderr.contains("drift"), "{}", run.stderr);
    project.migration("1_a.sql", "-- licence\nCREATE TABLE a (id int)");
    let run = project.on(&db, &["migrate"]).run().exits(0);
    assert!(run.stderr.contains("drift.cosmetic"), "{}", run.stderr);
}

#[test]
fn a_file_that_wraps_itself_runs_in_our_transaction() {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration("1_a.sql", "-- wrapped\nBEGIN;\ncreate table a (id int);\nCOMMIT;\n-- end\n")
        .migration(
            "2_b.sql",
            "begin;\n-- why\nset transaction isolation level serializable;\ncreate table b (level text);\ninsert into b select current_setting('transaction_isolation');\ncommit;",
        )
        .migration("3_c.sql", "BEGIN;\ncreate table c (id int);\nselect 1/0;\nCOMMIT;");
    let run = project.on(&db, &["migrate"]).run().exits(5);
    assert!(
        run.stderr.contains("22012") && run.stderr.contains("3_c.sql:3:1"),
        "{}",
        run.stderr
    );
    assert_eq!(ledger(&db), "1 a true\n2 b true");
    assert_eq!(db.psql("select level from b"), "serializable");
    assert!(!has_table(&db, "c"));
}

#[test]
fn blocks_of_a_files_own_run_in_our_transaction_and_all_else_is_refused() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration(
        "1_a.sql",
        "begin; create table a (id int); commit; create table b (id int);\nbegin;\nselect 1/0;\ncommit;",
    );
    let run = project.on(&db, &["migrate"]).run().exits(5);
    assert!(run.stderr.contains("1_a.sql:3:1"), "{}", run.stderr);
    assert!(!has_table(&db, "a") && !has_table(&db, "b"), "half applied");
    project.migration(
        "1_a.sql",
        "begin; create table a (id int); commit; create table b (id int);\ncreate index concurrently on a (id);",
    );
    project.on(&db, &["migrate"]).run().exits(0);
    let refused = [
        ("create table c (id int);\ncommit;\n", "2:1"),
        ("create table c (id int); rollback;", "1:26"),
        ("begin; create table c (id int);", "1:1"),
        ("savepoint a; create table c (id int);", "1:1"),
        (
            "begin; create table c (id int); set transaction isolation level serializable; commit;",
            "1:33",
        ),
        ("begin; commit and chain; commit;", "1:8"),
        ("begin; create index concurrently on a (id); commit;", "1:8"),
        ("begin; commit; begin isolation level serializable; commit;", "1:16"),
    ];
    for (sql, place) in refused {
        project.migration("2_b.sql", sql);
        let run = project.on(&db, &["migrate"]).run().exits(6);
        assert!(
            run.stderr.contains(&format!("2_b.sql:{place}")),
            "{sql}\n{}",
            run.stderr
        );
    }
    assert!(!has_table(&db, "c"));
}

#[test]
fn what_a_file_sets_reaches_neither_the_ledger_nor_the_next_file() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create role nobody_much; create schema other; grant all on schema other to nobody_much; create table public.seen (what text); grant all on public.seen to nobody_much");
    let look = "insert into public.seen select current_user || ' ' || current_setting('search_path') || ' ' || coalesce(to_regclass('pg_temp.t')::text, '-') || ' ' || current_setting('app.x', true);";
    project
        .migration("1_a.sql", "set search_path = other; create table a (id int);")
        .migration("2_b.sql", look)
        .migration("3_c.sql", "set role nobody_much; create temporary table t (id int); select set_config('app.x', 'leaked', false); prepare p as select 1; listen l;")
        .migration("4_d.sql", look)
        .migration("5_e.sql", "set session authorization nobody_much;")
        .migration("6_f.sql", look)
        .migration("7_g.sql", "do $$ begin set search_path = other; perform set_config('role', 'nobody_much', false); perform pg_advisory_lock(7); end $$;")
        .migration("8_h.sql", "insert into seen select count(*)::text from pg_locks where locktype = 'advisory' and objid = 7;")
        .migration("9_i.sql", "create table \"\"\"; drop table x; --\" (id int); reset all;");
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(
        db.psql("select count(*) from rlsctl.ledger where applied_by = 'postgres'"),
        "9"
    );
    let seen = db.psql("select distinct what from public.seen order by 1");
    assert_eq!(seen, "0\npostgres \"$user\", public - ");
    assert!(has_table(&db, "other.a"));
}

#[test]
fn copy_data_and_harmless_psql_commands_are_understood() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration(
        "1_a.sql",
        "\\restrict abc\ncreate table a (id int, t text);\nCOPY a (id, t) FROM stdin;\n1\tone; two\n2\t\\N\n\\.\ncreate index on a (id);\ncopy a from stdin with (format csv);\n3,\"x\"\n\\.\n\\unrestrict abc\n",
    );
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(
        db.psql("select string_agg(id || coalesce(t, '-'), ',' order by id) from a"),
        "1one; two,2-,3x"
    );
    project.migration("2_b.sql", "create table b (id int);\ncopy a from stdin;\nx\ty\n\\.\n");
    let run = project.on(&db, &["migrate"]).run().exits(5);
    assert!(
        run.stderr.contains("2_b.sql:2:1") && run.stderr.contains("22P02"),
        "{}",
        run.stderr
    );
    assert!(!has_table(&db, "b"));
}

#[test]
fn empty_and_strange_files() {
    let (db, project) = (TestDb::new(), Project::new());
    std::fs::create_dir(project.path().join("migrations")).unwrap();
    let run = project.on(&db, &["migrate", "--dir", "migrations"]).run();
    assert!(matches!(run.code(), 0 | 6), "{run:?}");
    no_ledger_rows(&db);
    let insert = |n: u32| format!("insert into big values ({n}, 'some text to make it long enough, please');\n");
    let big = (0..60_000).map(insert).collect::<Vec<_>>().concat();
    assert!(big.len() > 4_000_000);
    project
        .migration("1_empty.sql", "")
        .migration("2_comments.sql", "-- nothing\n/* at all */\n")
        .migration("3_big.sql", format!("create table big (id int, t text);\n{big}"));
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(db.psql("select count(*) from big"), "60000");
    assert_eq!(ledger(&db), "1 empty true\n2 comments true\n3 big true");
    project.migration("4_nul.sql", b"select 1;\nselect '\0';\n");
    let run = project.on(&db, &["migrate"]).run().exits(6);
    assert!(
        run.stderr.contains("4_nul.sql") && run.stderr.contains("NUL"),
        "{}",
        run.stderr
    );
}

#[test]
fn what_the_server_notices_is_shown_on_request_and_its_warnings_always() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration(
        "1_a.sql",
        "drop table if exists nothing_here;\ndo $$ begin raise warning 'look at this'; end $$;\n",
    );
    let run = project.on(&db, &["migrate", "-v"]).run().exits(0);
    assert!(
        run.stderr.contains("nothing_here") && run.stderr.contains("look at this"),
        "{}",
        run.stderr
    );
    let other = TestDb::new();
    let run = project.on(&other, &["migrate"]).run().exits(0);
    assert!(
        !run.stderr.contains("nothing_here") && run.stderr.contains("look at this"),
        "{}",
        run.stderr
    );
}
