//! Where settings come from, as the whole program sees it: flags over environment over `rlsctl.toml` over defaults.

use fs_err as fs;

use crate::support::db::TestDb;
use crate::support::layouts::LAYOUTS;
use crate::support::project::Project;
use crate::support::rlsctl::{Rlsctl, Run};

/// The database's name that the run said it works on.
fn database(run: &Run) -> String {
    let document = run.json();
    let description = document["target"]["description"].as_str().unwrap_or_default();
    let name = description
        .split(" as ")
        .next()
        .and_then(|place| place.rsplit_once('/'));
    name.map_or_else(String::new, |(_, name)| name.to_owned())
}

fn status(project: &Project, args: &[&str]) -> Rlsctl {
    project.rlsctl(args).arg("status").arg("--format=json")
}

#[test]
fn each_source_of_the_database_gives_way_to_the_one_before_it() {
    let dbs: Vec<TestDb> = (0..5).map(|_| TestDb::new()).collect();
    let [flag, own, common, pg, file] = dbs.as_slice() else {
        unreachable!()
    };
    let project = Project::new();
    project
        .migration("1_a.sql", "select 1;")
        .config(&format!("[targets.only]\nurl = \"{}\"\n", file.dsn()));
    let with_pg = |mut run: Rlsctl| {
        for pair in pg.dsn().split(' ') {
            let (key, value) = pair.split_once('=').unwrap();
            let name = if key == "dbname" {
                "PGDATABASE".to_owned()
            } else {
                format!("PG{}", key.to_uppercase())
            };
            run = run.env(&name, value.trim_matches('\''));
        }
        run
    };
    let run = status(&project, &[]).run().exits(0);
    assert_eq!(
        (database(&run).as_str(), &run.json()["target"]["name"]),
        (file.name(), &"only".into())
    );
    let run = with_pg(status(&project, &[])).run().exits(0);
    assert_eq!(
        (database(&run).as_str(), &run.json()["target"]["name"]),
        (pg.name(), &serde_json::Value::Null)
    );
    let run = with_pg(status(&project, &[]))
        .env("DATABASE_URL", common.url())
        .run()
        .exits(0);
    assert_eq!(database(&run), common.name());
    let all = |run: Rlsctl| {
        with_pg(run)
            .env("DATABASE_URL", common.url())
            .env("RLSCTL_DATABASE_URL", own.url())
    };
    assert_eq!(database(&all(status(&project, &[])).run().exits(0)), own.name());
    let run = all(status(&project, &["--database-url", &flag.url()])).run().exits(0);
    assert_eq!(database(&run), flag.name());
    // A target that is named is meant, whatever the environment says.
    assert_eq!(
        database(&all(status(&project, &["--target", "only"])).run().exits(0)),
        file.name()
    );
    let run = all(status(&project, &[])).env("RLSCTL_TARGET", "only").run().exits(0);
    assert_eq!(database(&run), file.name());
}

#[test]
fn of_several_targets_one_has_to_be_chosen() {
    let (one, two, project) = (TestDb::new(), TestDb::new(), Project::new());
    project.migration("1_a.sql", "select 1;").config(&format!(
        "[targets.one]\nurl = \"{}\"\n[targets.two]\nurl = \"${{TWO_URL}}\"\n",
        one.dsn()
    ));
    let run = project.rlsctl(&["status"]).run().exits(3);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: the configuration has several targets and none was chosen: one, two
      state: nothing was changed
      next: name one with `--target NAME`, or a database with `--database-url URL`
    ");
    let run = project.rlsctl(&["--target", "tow", "status"]).run().exits(3);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: there is no target `tow`: one, two
      state: nothing was changed
      next: name one with `--target NAME`, or a database with `--database-url URL`
    ");
    let run = project.rlsctl(&["--target", "two", "status"]).run().exits(3);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: targets.two.url in rlsctl.toml needs the environment variable TWO_URL, which is not set or empty
      state: nothing was changed
      next: export TWO_URL, or use `--database-url`
    ");
    // As CI systems hand over secrets that are not there. It must not become some default database.
    project
        .rlsctl(&["--target", "two", "status"])
        .env("TWO_URL", "")
        .run()
        .exits(3);
    let run = status(&project, &["--target", "two"])
        .env("TWO_URL", two.url())
        .run()
        .exits(0);
    assert_eq!(
        (database(&run).as_str(), &run.json()["target"]["name"]),
        (two.name(), &"two".into())
    );
    assert_eq!(
        database(&status(&project, &["--target", "one"]).run().exits(0)),
        one.name()
    );
    let run = project
        .rlsctl(&["--target", "one", "status", "--database-url", "x"])
        .run()
        .exits(2);
    assert!(run.stderr.contains("each names a database"), "{}", run.stderr);
    project.rlsctl(&["--database-url", "", "status"]).run().exits(2);
}

#[test]
fn an_unknown_key_is_an_error_with_a_suggestion() {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration("1_a.sql", "select 1;")
        .config("[limits]\nlock_wiat = \"1s\"\n");
    let run = project.on(&db, &["migrate"]).run().exits(3);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: rlsctl.toml:2:1: unknown field `lock_wiat`, expected one of `statement_timeout`, `lock_wait`, `tables_per_batch`, `tables_per_migration`, `replica_lag`
      state: nothing was changed
      next: did you mean `lock_wait`?
    ");
    for broken in [
        "[limit]\n",
        "[targets.a]\nurll = 'x'\n",
        "[migrations]\nlayout = 'rails'\n",
        "[limits]\nlock_wait = 5\n",
        "[",
        "\u{0}",
    ] {
        project.config(broken);
        let run = project.on(&db, &["migrate", "--format", "json"]).run().exits(3);
        assert_eq!(run.json()["exit_code"], 3);
        assert!(run.stderr.contains("rlsctl.toml"), "{broken}: {}", run.stderr);
    }
    assert_eq!(db.psql("select to_regnamespace('rlsctl') is null"), "t");
}

#[test]
fn a_password_is_never_shown() {
    let (db, project) = (TestDb::new(), Project::new());
    let url = "postgres://someone:geheim@127.0.0.1:1/app";
    project
        .migration("1_a.sql", "select 1;")
        .config(&format!("[targets.prod]\nurl = \"{url}\"\n"));
    let run = project.rlsctl(&["status", "-v"]).run().exits(3);
    assert!(
        run.stderr.contains("targets.prod.url in rlsctl.toml holds a password"),
        "{}",
        run.stderr
    );
    assert!(!format!("{run:?}").contains("geheim"), "{run:?}");
    // Warned about also where another database is meant, but not by a quiet run.
    let run = project.on(&db, &["status"]).run().exits(0);
    assert!(run.stderr.contains("holds a password"), "{}", run.stderr);
    assert_eq!(project.on(&db, &["status", "-q"]).run().exits(0).stderr, "");
    for broken in [
        format!("[targets.prod]\nurl = {url}\n"),
        format!("[targets]\nprod = \"{url}\"\n"),
        format!("targets = \"{url}\"\n"),
        format!("[targets.prod]\nurl = [\"{url}\"]\n"),
        format!("[targets.prod]\nurl = \"{url}\n"),
        format!("[targets.prod]\nurl = \"{url}${{X\"\n"),
    ] {
        project.config(&broken);
        for args in [&["status"][..], &["status", "--format", "json", "-v"]] {
            let run = project.rlsctl(args).run().exits(3);
            assert!(!format!("{run:?}").contains("geheim"), "{broken}\n{run:?}");
        }
    }
    project.remove("rlsctl.toml");
    for wrong in [
        "postgres://u:geheim@h:port/d",
        "postgres://u:geheim@h/d?nope=1",
        "host=h password=geheim nope=1",
    ] {
        let run = project.rlsctl(&["status"]).env("DATABASE_URL", wrong).run().exits(3);
        assert!(!format!("{run:?}").contains("geheim"), "{wrong}\n{run:?}");
    }
}

#[test]
fn the_folder_is_the_flags_the_variables_the_files_or_the_one_that_is_found() {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .file("flag/1_a.sql", "select 1;")
        .file("env/1_a.sql", "select 1;")
        .file("env/2_b.sql", "select 1;")
        .file("conf/1_a.sql", "select 1;")
        .file("conf/2_b.sql", "select 1;")
        .file("conf/3_c.sql", "select 1;")
        .config("[migrations]\ndir = \"conf\"\n");
    let pending = |run: Rlsctl| run.run().exits(0).json()["summary"]["pending"].clone();
    let on = |args: &[&str]| project.on(&db, args).arg("status").arg("--format=json");
    assert_eq!(pending(on(&[])), 3);
    assert_eq!(pending(on(&[]).env("RLSCTL_DIR", "env")), 2);
    assert_eq!(pending(on(&[]).env("RLSCTL_DIR", "")), 3);
    assert_eq!(pending(on(&["--dir", "flag"]).env("RLSCTL_DIR", "env")), 1);
    // The file's folder is the project, from wherever below it the command is run.
    fs::create_dir_all(project.path().join("src/deep")).unwrap();
    assert_eq!(pending(on(&[]).cwd(project.path().join("src/deep"))), 3);
    project.config("").migration("1_a.sql", "select 1;");
    assert_eq!(pending(on(&[]).cwd(project.path().join("src/deep"))), 1);
}

#[test]
fn the_file_is_the_flags_the_variables_or_the_one_here_or_above() {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .file("a/1_a.sql", "select 1;")
        .file("b/1_a.sql", "select 1;")
        .file("b/2_b.sql", "select 1;")
        .config("[migrations]\ndir = \"a\"\n")
        .file("ci/other.toml", "[migrations]\ndir = \"../b\"\n");
    let pending = |run: Rlsctl| run.run().exits(0).json()["summary"]["pending"].clone();
    let on = |args: &[&str]| project.on(&db, args).arg("status").arg("--format=json");
    assert_eq!(pending(on(&[])), 1);
    assert_eq!(pending(on(&[]).env("RLSCTL_CONFIG", "ci/other.toml")), 2);
    assert_eq!(
        pending(on(&["--config", "rlsctl.toml"]).env("RLSCTL_CONFIG", "ci/other.toml")),
        1
    );
    let run = project.on(&db, &["--config", "nope.toml", "status"]).run().exits(3);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: cannot read nope.toml
      because: No such file or directory (os error 2)
      state: nothing was changed
      next: name a file that is there, or make one with `rlsctl init`
    ");
}

#[test]
fn limits_come_from_the_flag_the_variable_the_file() {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration(
            "1_a.sql",
            "create table a as select current_setting('statement_timeout') as t;",
        )
        .config("[limits]\nstatement_timeout = \"31s\"\n");
    let seen = |args: &[&str], variable: Option<&str>| {
        db.psql("drop table if exists a; drop schema if exists rlsctl cascade");
        let mut run = project.on(&db, args);
        if let Some(value) = variable {
            run = run.env("RLSCTL_STATEMENT_TIMEOUT", value);
        }
        run.run().exits(0);
        db.psql("select t from a")
    };
    assert_eq!(seen(&["migrate"], None), "31s");
    assert_eq!(seen(&["migrate"], Some("32s")), "32s");
    assert_eq!(seen(&["migrate", "--statement-timeout", "33s"], Some("32s")), "33s");
    project.config("");
    assert_eq!(seen(&["migrate"], None), "55s");
    let run = project.on(&db, &["migrate", "--lock-wait", "5"]).run().exits(2);
    assert!(
        run.stderr.contains("--lock-wait") && run.stderr.contains("55s"),
        "{}",
        run.stderr
    );
    let run = project
        .on(&db, &["migrate"])
        .env("RLSCTL_LOCK_WAIT", "soon")
        .run()
        .exits(2);
    assert!(run.stderr.contains("RLSCTL_LOCK_WAIT"), "{}", run.stderr);
}

#[test]
fn a_misspelt_variable_is_pointed_at() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration("1_a.sql", "select 1;");
    let run = project.on(&db, &["status"]).env("RLSCTL_TRAGET", "prod").run().exits(0);
    assert!(run.stderr.contains("did you mean RLSCTL_TARGET?"), "{}", run.stderr);
    let run = project
        .on(&db, &["status"])
        .env("RLSCTL_OF_SOMEBODY_ELSE", "1")
        .run()
        .exits(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn every_layout_can_be_named() {
    for layout in &LAYOUTS {
        let (db, project) = (TestDb::new(), Project::new());
        layout.write(&project);
        project.config(&format!(
            "[migrations]\ndir = \"{}\"\nlayout = \"{}\"\n",
            layout.dir, layout.name
        ));
        let document = project.on(&db, &["status", "--format", "json"]).run().exits(0).json();
        assert_eq!(
            document["summary"]["pending"], layout.migrations,
            "{}: {document:#}",
            layout.name
        );
    }
    // The name decides, not what would be found.
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration("20240101000000_a.sql", "select 1;")
        .config("[migrations]\nlayout = \"goose\"\ndir = \"migrations\"\n");
    let run = project.on(&db, &["status"]).run().exits(6);
    assert!(run.stderr.contains("+goose Up"), "{}", run.stderr);
}

#[test]
fn the_guide_shows_a_configuration_that_is_understood_and_every_variable() {
    let guide = include_str!("../docs/guide.md");
    let (_, rest) = guide.split_once("```toml\n").unwrap();
    let (toml, _) = rest.split_once("```").unwrap();
    let (db, project) = (TestDb::new(), Project::new());
    project.file("db/migrations/1_a.sql", "select 1;").config(toml);
    let run = status(&project, &["--target", "prod"])
        .env("PROD_DATABASE_URL", db.url())
        .run()
        .exits(0);
    assert_eq!(database(&run), db.name());
    let help = project.rlsctl(&["migrate", "--help"]).run().exits(0).stdout;
    let named = regex::Regex::new("RLSCTL_[A-Z_]+").unwrap();
    for variable in named.find_iter(&help) {
        assert!(
            guide.contains(&format!("`{}`", variable.as_str())),
            "{}",
            variable.as_str()
        );
    }
    for layout in &LAYOUTS {
        assert!(guide.contains(&format!("| `{}` |", layout.name)), "{}", layout.name);
    }
}
