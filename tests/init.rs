//! `rlsctl init`: what it finds, what it writes, what it leaves alone.

use fs_err as fs;

use crate::support::db::TestDb;
use crate::support::layouts::LAYOUTS;
use crate::support::project::Project;

#[test]
fn it_finds_the_folder_and_the_layout_of_every_tool() {
    for layout in &LAYOUTS {
        let (db, project) = (TestDb::new(), Project::new());
        layout.write(&project);
        let run = project.on(&db, &["init", "--format", "json"]).run().exits(0).json();
        assert_eq!(
            (run["summary"]["layout"].as_str(), run["summary"]["dir"].as_str()),
            (Some(layout.name), Some(layout.dir)),
            "{run:#}"
        );
        let written = project.read("rlsctl.toml");
        assert!(written.contains(&format!("layout = \"{}\"", layout.name)), "{written}");
        // What was written is understood, and used in place of what would be found.
        let status = project.on(&db, &["status", "--format", "json"]).run().exits(0).json();
        assert_eq!(
            status["summary"]["pending"], layout.migrations,
            "{}: {status:#}",
            layout.name
        );
    }
}

#[test]
fn it_says_what_it_found_and_wrote() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration("0001_a.sql", "select 1;");
    let run = project.on(&db, &["init"]).run().exits(0);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 0
    ----- stdout -----
    migrations migrations (plain layout: 0001_a.sql begins with a number, and nothing speaks for a tool)
    database   [local:[socket]]/[db-name] as postgres (no ledger yet)
    next       rlsctl status
    ----- stderr -----
    wrote rlsctl.toml
    ");
    insta::assert_snapshot!(project.read("rlsctl.toml"), @r#"
    [migrations]
    dir = "migrations"
    layout = "plain"   # 0001_a.sql begins with a number, and nothing speaks for a tool

    [targets.default]
    url = "${DATABASE_URL}"   # never a literal password
    "#);
}

#[test]
fn a_configuration_that_is_there_is_left_alone() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration("0001_a.sql", "select 1;").config("# mine\n");
    let run = project.on(&db, &["init"]).run().exits(6);
    assert_eq!(project.read("rlsctl.toml"), "# mine\n");
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 6
    ----- stdout -----
    ----- stderr -----
    error: rlsctl.toml is there already
      state: it was left as it is, and nothing was written
      next: edit it, or remove it and run `rlsctl init` again
      next: for another one beside it: `rlsctl --config FILE init`
    ");
    // Also where it is above, and where it is a link that leads nowhere.
    fs::create_dir_all(project.path().join("deep")).unwrap();
    let deep = project.path().join("deep");
    project.on(&db, &["init"]).cwd(&deep).run().exits(6);
    assert!(!deep.join("rlsctl.toml").exists());
    project.remove("rlsctl.toml");
    std::os::unix::fs::symlink("elsewhere.toml", project.path().join("rlsctl.toml")).unwrap();
    project.on(&db, &["init"]).run().exits(6);
    assert!(!project.path().join("elsewhere.toml").exists());
}

#[test]
fn several_folders_are_named_and_none_is_chosen() {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .file("billing/migrations/0001_a.sql", "select 1;")
        .file("users/prisma/migrations/20240101000000_a/migration.sql", "select 1;");
    let run = project.on(&db, &["init"]).run().exits(3);
    assert!(!project.path().join("rlsctl.toml").exists());
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: several migrations folders were found
      1: billing/migrations (plain layout)
      2: users/prisma/migrations (prisma layout)
      state: nothing was changed
      next: name the one that is meant with `--dir DIR`, or in rlsctl.toml
    ");
    project.on(&db, &["--dir", "billing/migrations", "init"]).run().exits(0);
    assert!(project.read("rlsctl.toml").contains("dir = \"billing/migrations\""));
}

#[test]
fn without_a_folder_it_says_how_to_begin() {
    let project = Project::new();
    let run = project.rlsctl(&["init"]).run().exits(3);
    assert!(run.stderr.contains("mkdir migrations"), "{}", run.stderr);
    fs::create_dir(project.path().join("migrations")).unwrap();
    project.rlsctl(&["--dir", "migrations", "init"]).run().exits(0);
    let new = project.rlsctl(&["new", "first"]).run().exits(0);
    assert!(project.path().join(new.stdout.trim_end()).exists(), "{}", new.stdout);
    let run = project
        .rlsctl(&["--dir", "nope", "--config", "other.toml", "init"])
        .run()
        .exits(6);
    assert!(run.stderr.contains("files.directory-missing"), "{}", run.stderr);
    assert!(!project.path().join("other.toml").exists());
}

#[test]
fn without_a_connection_it_writes_and_says_so() {
    let project = Project::new();
    project.migration("0001_a.sql", "select 1;");
    let run = project
        .rlsctl(&["init", "--format", "json"])
        .env("DATABASE_URL", "postgres://someone:geheim@127.0.0.1:1/app")
        .run()
        .exits(0);
    assert!(run.stderr.contains("the database was not looked at"), "{}", run.stderr);
    assert!(!format!("{run:?}").contains("geheim"));
    let document = run.json();
    assert_eq!(document["summary"]["connected"], false);
    assert_eq!(document["target"], serde_json::Value::Null);
    assert!(project.read("rlsctl.toml").contains("${DATABASE_URL}"));
}

#[test]
fn other_tools_ledgers_are_named() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql(
        "create table _sqlx_migrations (version bigint primary key, description text, installed_on timestamptz, success boolean, checksum bytea, execution_time bigint); create schema app; create table app.goose_db_version (id int, version_id bigint, is_applied boolean, tstamp timestamp)",
    );
    project.migration("0001_a.sql", "select 1;");
    let run = project.on(&db, &["init"]).run().exits(0);
    for ledger in ["app.goose_db_version", "public._sqlx_migrations"] {
        assert!(run.stdout.contains(ledger), "{}", run.stdout);
    }
    project.remove("rlsctl.toml");
    let document = project.on(&db, &["init", "--format", "json"]).run().exits(0).json();
    assert_eq!(
        document["other_ledgers"],
        serde_json::json!(["app.goose_db_version", "public._sqlx_migrations"])
    );
    assert_eq!(
        db.psql("select to_regnamespace('rlsctl') is null"),
        "t",
        "it changed the database"
    );
}

#[test]
fn an_existing_ledger_is_counted() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration("0001_a.sql", "select 1;");
    project.on(&db, &["migrate"]).run().exits(0);
    let run = project.on(&db, &["init"]).run().exits(0);
    assert!(run.stdout.contains("ledger with 1 migration)"), "{}", run.stdout);
}

#[test]
fn it_writes_where_it_is_told_and_as_seen_from_there() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration("0001_a.sql", "select 1;").file("ci/README", "");
    project.on(&db, &["--config", "ci/db.toml", "init"]).run().exits(0);
    assert!(project.read("ci/db.toml").contains("dir = \"../migrations\""));
    project.on(&db, &["--config", "ci/db.toml", "status"]).run().exits(0);
    project.on(&db, &["--config", "ci/db.toml", "init"]).run().exits(6);
    let run = project.on(&db, &["--config", "nowhere/db.toml", "init"]).run().exits(3);
    assert!(run.stderr.contains("nowhere/db.toml"), "{}", run.stderr);
}

#[test]
fn where_pg_variables_are_enough_no_target_gets_in_the_way() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration("0001_a.sql", "select 1;");
    let with_pg = |args: &[&str]| {
        let mut run = project.rlsctl(args);
        for pair in db.dsn().split(' ') {
            let (key, value) = pair.split_once('=').unwrap();
            let name = match key {
                "dbname" => "PGDATABASE".to_owned(),
                other => format!("PG{}", other.to_uppercase()),
            };
            run = run.env(&name, value.trim_matches('\''));
        }
        run
    };
    with_pg(&["init"]).run().exits(0);
    let written = project.read("rlsctl.toml");
    assert!(!written.contains("\n[targets"), "{written}");
    with_pg(&["status"]).run().exits(0);
}
