//! Files that alter too many existing tables at once.

use super::{has_table, ledger, no_ledger_rows};
use crate::support::db::TestDb;
use crate::support::project::Project;
use crate::support::proxy::Proxy;

const TABLES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// The same for each table, whose name stands in place of `{}`.
fn each(names: &[&str], sql: &str) -> String {
    let statements: Vec<String> = names.iter().map(|name| sql.replace("{}", name)).collect();
    statements.concat()
}

fn create(names: &[&str]) -> String {
    each(names, "create table {} (id int primary key);\n")
}

fn protect(names: &[&str]) -> String {
    each(names, "alter table {} enable row level security;\n")
}

fn protected(db: &TestDb) -> String {
    db.psql("select count(*) from pg_class where relrowsecurity and relkind in ('r', 'p')")
}

#[test]
fn a_wide_file_is_refused_with_its_tables_before_anything_runs() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql(&create(&TABLES));
    project
        .migration("1_first.sql", "create table first (id int);")
        .migration("2_rls.sql", format!("-- all\n{}", protect(&TABLES)));
    for args in [&["migrate"][..], &["migrate", "--plan"]] {
        let run = project.on(&db, args).run().exits(6);
        for said in [
            "files.wide",
            "2_rls.sql",
            "6 existing tables",
            "public.a (line 2)",
            "public.f (line 7)",
        ] {
            assert!(run.stderr.contains(said), "{said} in\n{}", run.stderr);
        }
        assert!(
            run.stderr.contains("rlsctl split migrations/2_rls.sql"),
            "{}",
            run.stderr
        );
    }
    no_ledger_rows(&db);
    assert!(!has_table(&db, "first"));
    assert_eq!(protected(&db), "0");
    let document = project.on(&db, &["migrate", "--format", "json"]).run().exits(6).json();
    let finding = &document["findings"][0];
    assert_eq!(finding["code"], "files.wide");
    assert_eq!(finding["location"]["line"], 2);
    assert_eq!(
        finding["evidence"]["tables"][5],
        serde_json::json!({ "table": "public.f", "line": 7 })
    );
}

#[test]
fn a_wide_file_runs_where_it_is_meant_to_be_so() {
    for (at_top, limits, whole) in [
        ("-- rlsctl: allow wide\n", "", true),
        ("-- rlsctl: section a\n", "", false),
        ("", "[limits]\ntables_per_migration = 6\n", true),
    ] {
        let (db, project) = (TestDb::new(), Project::new());
        db.psql(&create(&TABLES));
        project
            .config(limits)
            .migration("1_rls.sql", format!("{at_top}{}", protect(&TABLES)));
        project.on(&db, &["migrate"]).run().exits(0);
        assert_eq!(
            (protected(&db).as_str(), ledger(&db).as_str()),
            ("6", format!("1 rls {whole}").as_str()),
            "{at_top}{limits}"
        );
    }
}

#[test]
fn a_history_is_never_too_wide_for_an_empty_database() {
    let (db, project) = (TestDb::new(), Project::new());
    let if_not_exists = create(&TABLES)
        .replace("table ", "table if not exists ")
        .replace(" (", "2 (");
    let twos: Vec<String> = TABLES.iter().map(|name| format!("{name}2")).collect();
    project
        .migration("1_make.sql", create(&TABLES))
        .migration("2_rls.sql", protect(&TABLES))
        .migration("3_gone.sql", "drop table if exists u, v, w, x, y, z;")
        .migration("4_make.sql", if_not_exists)
        .migration(
            "5_rls.sql",
            protect(&twos.iter().map(String::as_str).collect::<Vec<_>>()),
        );
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(protected(&db), "12");
}

#[test]
fn what_does_not_hurt_the_application_is_not_counted() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql(&create(&TABLES));
    db.psql(
        "create table p (id int) partition by list (id); create table p1 partition of p for values in (1);
             create table p2 partition of p for values in (2); create index i on a (id); create index j on a (id);
             create view v as select 1; create table child () inherits (b)",
    );
    let light = each(
        &TABLES,
        "comment on table {} is 'x';\ngrant select on {} to public;\nanalyze {};\ninsert into {} values (1);\n\
         alter table {} set (autovacuum_enabled = true);\ncreate index concurrently on {} (id);\n",
    );
    project
        .migration("1_light.sql", light)
        .migration("2_same.sql", "alter table p add x int;\nalter table p1 enable row level security;\nalter table p2 enable row level security;\ndrop index i;\ndrop index j;\nalter table a add x int;\nalter table public.a add y int;\nalter table b add x int;\nalter table child enable row level security;\ndrop view v;\ntruncate c, d;\n");
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(ledger(&db), "1 light false\n2 same true");
}

#[test]
fn every_way_to_alter_a_table_is_counted() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql(&create(&TABLES));
    db.psql("create index i on d (id)");
    project.migration(
        "1_mixed.sql",
        "create table n (id int references a);\ncreate index on b (id);\nalter table c add foreign key (id) references c;\ndrop index i;\ntruncate e;\ncreate policy p on f using (true);\n",
    );
    let run = project.on(&db, &["migrate"]).run().exits(6);
    for said in [
        "public.a (line 1)",
        "public.b (line 2)",
        "public.c (line 3)",
        "public.d (line 4)",
        "public.e (line 5)",
        "public.f (line 6)",
    ] {
        assert!(run.stderr.contains(said), "{said} in\n{}", run.stderr);
    }
    assert!(!run.stderr.contains("public.n"), "{}", run.stderr);
    assert!(!has_table(&db, "n"));
}

#[test]
fn the_server_is_asked_once_and_only_where_a_file_may_be_too_wide() {
    let (db, project) = (TestDb::new(), Project::new());
    let proxy = Proxy::before(db.server());
    let url = proxy.url(db.name());
    let asked = |proxy: &Proxy| proxy.sql().iter().filter(|sql| sql.contains("in_schema")).count();
    project
        .migration("1_make.sql", create(&TABLES))
        .migration("2_rls.sql", protect(&TABLES))
        .migration("3_few.sql", protect(&TABLES[..5]));
    proxy.reset();
    project.rlsctl(&["--database-url", &url, "migrate"]).run().exits(0);
    assert_eq!(asked(&proxy), 0);
    project
        .migration("4_again.sql", protect(&TABLES))
        .migration("5_again.sql", protect(&TABLES));
    proxy.reset();
    let run = project.rlsctl(&["--database-url", &url, "migrate"]).run().exits(6);
    assert_eq!(asked(&proxy), 1);
    assert_eq!(run.stderr.matches("6 existing tables").count(), 2, "{}", run.stderr);
}
