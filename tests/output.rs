//! What goes to which stream, in which form: text, colours, quiet and verbose runs, closed pipes, terminals.

mod formats;
mod json;

use std::process::{Command, Stdio};

use crate::support::db::TestDb;
use crate::support::project::Project;

const ESCAPE: char = '\u{1b}';

fn two(project: &Project) {
    project.migration("0001_a.sql", "create table a (id int);\n").migration(
        "0002_b.sql",
        "alter table a add b int;\ncreate index concurrently a_b on a (b);\n",
    );
}

#[test]
fn a_run_in_a_pipe() {
    let (db, project) = (TestDb::new(), Project::new());
    two(&project);
    let run = project.on(&db, &["migrate", "--plan"]).run().exits(0);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 0
    ----- stdout -----
    would apply 2 migrations to [local:[socket]]/[db-name] as postgres

    0001 a (one transaction)
      line 1  CREATE TABLE

    0002 b (2 steps, 1 of them outside any transaction)
      line 1  ALTER TABLE   ACCESS EXCLUSIVE on a (new)        step 1
      line 2  CREATE INDEX  SHARE UPDATE EXCLUSIVE on a (new)  step 2
    ----- stderr -----
    ");
    let run = project.on(&db, &["migrate"]).run().exits(0);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 0
    ----- stdout -----
    applied 2 migrations in [time]
    head 78f227ab8a02 (2 applied)
    ----- stderr -----
    target: [local:[socket]]/[db-name] as postgres
    applied 0001 a ([time])
    0002 step 1/2: ALTER TABLE
    0002 step 2/2: CREATE INDEX
    applied 0002 b ([time])
    ");
    let run = project.on(&db, &["migrate"]).run().exits(0);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 0
    ----- stdout -----
    nothing to apply
    head 78f227ab8a02 (2 applied)
    ----- stderr -----
    ");
}

#[test]
fn an_error_says_where_what_is_left_and_what_to_run() {
    let (db, project) = (TestDb::new(), Project::new());
    two(&project);
    project.migration("0003_c.sql", "create table c (id int);\nselect nme\n  from a;\n");
    let run = project.on(&db, &["migrate"]).run().exits(5);
    insta::assert_snapshot!(run.snapshot(), @r#"
    exit: 5
    ----- stdout -----
    ----- stderr -----
    target: [local:[socket]]/[db-name] as postgres
    applied 0001 a ([time])
    0002 step 1/2: ALTER TABLE
    0002 step 2/2: CREATE INDEX
    applied 0002 b ([time])
    error: migration 0003 failed: column "nme" does not exist
     --> migrations/0003_c.sql:2:8
      |
    2 | select nme
      |        ^^^ SQLSTATE 42703
      state: migration 0003: rolled back, nothing of it remains
      state: 2 migrations applied in this run and kept, up to 0002
      state: 1 pending; the ledger is consistent, head 78f227ab8a02
      next: mend the file, then run `rlsctl migrate` again
    "#);
}

#[test]
fn quiet_prints_results_and_errors_only() {
    let (db, project) = (TestDb::new(), Project::new());
    two(&project);
    project
        .migration("0003_c.sql", "do $$ begin raise warning 'of the server'; end $$;\n")
        .config("[targets.a]\nurl = \"postgres://u:pw@h/d\"\n");
    let run = project.on(&db, &["-q", "migrate"]).run().exits(0);
    assert!(run.stdout.starts_with("applied 3 migrations"), "{}", run.stdout);
    assert_eq!(run.stderr, "");
    project.migration("0001_a.sql", "-- licence\ncreate table a (id int);\n");
    assert_eq!(project.on(&db, &["migrate", "-q"]).run().exits(0).stderr, "");
    project.migration("0004_d.sql", "select 1/0;");
    let run = project.on(&db, &["-q", "migrate"]).run().exits(5);
    assert!(run.stdout.is_empty() && run.stderr.contains("22012"), "{run:?}");
    project.migration("0001_a.sql", "create table a (id bigint);\n");
    let run = project.on(&db, &["-q", "migrate"]).run().exits(6);
    assert!(run.stderr.contains("drift.edited"), "{}", run.stderr);
    for args in [["-q", "-v", "status"], ["-q", "status", "-v"]] {
        project.on(&db, &args).run().exits(2);
    }
}

#[test]
fn verbose_prints_what_the_server_notices() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration(
        "1_a.sql",
        "do $$ begin raise notice 'a notice'; raise warning 'a warning'; end $$;\n",
    );
    let run = project.on(&db, &["migrate"]).run().exits(0);
    assert!(
        !run.stderr.contains("a notice") && run.stderr.contains("a warning"),
        "{}",
        run.stderr
    );
    db.psql("drop schema rlsctl cascade");
    let run = project.on(&db, &["migrate", "-v"]).run().exits(0);
    assert!(
        run.stderr.contains("a notice") && run.stderr.contains("a warning"),
        "{}",
        run.stderr
    );
}

#[test]
fn colours_only_where_they_are_wanted() {
    let (db, project) = (TestDb::new(), Project::new());
    two(&project);
    project.migration("0003_c.sql", "select 1/0;\n");
    let all = |args: &[&str], no_color: bool| {
        db.psql("drop table if exists a; drop schema if exists rlsctl cascade");
        // A terminal's name is in the environment also where stderr is none.
        let mut run = project.on(&db, args).env("TERM", "xterm");
        if no_color {
            run = run.env("NO_COLOR", "1");
        }
        let run = run.run().exits(5);
        format!("{}{}", run.stdout, run.stderr)
    };
    assert!(!all(&["migrate"], false).contains(ESCAPE));
    assert!(!all(&["migrate", "--color", "never"], false).contains(ESCAPE));
    assert!(all(&["migrate", "--color", "always"], false).contains(ESCAPE));
    // What is typed for this run comes before what is set for all.
    assert!(all(&["migrate", "--color", "always"], true).contains(ESCAPE));
    let run = project
        .on(&db, &["status", "--color", "always", "--format", "json"])
        .run()
        .exits(0);
    assert!(!run.stdout.contains(ESCAPE), "{}", run.stdout);
    run.json();
}

#[test]
fn names_from_files_and_servers_cannot_move_the_cursor() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration(
        "0001_a\u{7f}\u{1b}[2J\u{9b}2J\u{202e}.sql",
        "do $$ begin raise warning E'w\\x1b[2J'; raise E'e\\x1b[2J'; end $$;",
    );
    let plan = project.on(&db, &["migrate", "--plan"]).run().exits(0);
    let status = project.on(&db, &["status"]).run().exits(0);
    let failed = project.on(&db, &["migrate"]).run().exits(5);
    for run in [plan, status, failed] {
        let all = format!("{}{}", run.stdout, run.stderr);
        assert!(!all.contains([ESCAPE, '\u{9b}', '\u{202e}']), "{all:?}");
    }
    let document = project.on(&db, &["status", "--format", "json"]).run().exits(0).json();
    assert_eq!(document["pending"][0]["name"], "a\u{7f}\u{1b}[2J\u{9b}2J\u{202e}");
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let (db, project) = (TestDb::new(), Project::new());
    two(&project);
    project.migration("0003_c.sql", "select 1/0;\n");
    for (args, code) in [
        ("status", 0),
        ("status --format json", 0),
        ("migrate --plan", 0),
        ("migrate --format json", 5),
        ("--help", 0),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        // Gone before anything is written, so that the first write already meets nobody.
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_rlsctl"))
            .args(args.split(' '))
            .current_dir(project.path())
            .env("DATABASE_URL", db.url())
            .stdout(writer)
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args}: {stderr}");
        assert!(!stderr.contains("stdout"), "{args}: {stderr}");
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error_that_tells_what_is_done() {
    let (db, project) = (TestDb::new(), Project::new());
    two(&project);
    let output = Command::new(env!("CARGO_BIN_EXE_rlsctl"))
        .arg("migrate")
        .current_dir(project.path())
        .env("DATABASE_URL", db.url())
        .stdout(Stdio::from(
            fs_err::OpenOptions::new()
                .write(true)
                .open("/dev/full")
                .unwrap()
                .into_parts()
                .0,
        ))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("cannot write to stdout") && stderr.contains("what the command did before is done"),
        "{stderr}"
    );
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "2");
}

/// Runs on a terminal of the given width, and returns all that was sent to it.
fn on_terminal(db: &TestDb, project: &Project, args: &str, term: &str) -> String {
    let script = format!("stty cols 80 rows 24; {} {args}", env!("CARGO_BIN_EXE_rlsctl"));
    let output = Command::new("script")
        .args(["-qec", &script, "/dev/null"])
        .current_dir(project.path())
        .env("DATABASE_URL", db.url())
        .env("TERM", term)
        .stdin(Stdio::null())
        .output()
        .expect("script, of util-linux");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_bar_of_a_terminal_is_taken_away_again() {
    let (db, project) = (TestDb::new(), Project::new());
    project.generated(1..=20);
    let seen = on_terminal(&db, &project, "migrate --to 00010", "xterm");
    let clear = "\r\u{1b}[2K";
    let (_, rest) = seen.split_once("/10 ").unwrap_or_else(|| panic!("no bar in {seen:?}"));
    let (_, after) = rest
        .rsplit_once(clear)
        .unwrap_or_else(|| panic!("not cleared: {seen:?}"));
    assert!(
        !after.contains("/10 ") && after.contains("applied 10 migrations"),
        "{seen:?}"
    );
    assert!(!seen.contains("applied 00001"), "lines and a bar: {seen:?}");
    // Room for the echo of Ctrl-C, which would otherwise begin a line of its own.
    let bar = seen.split(clear).find(|part| part.contains("/10 ")).unwrap();
    let width = bar
        .split(['\r', '\n', ESCAPE])
        .map(|line| line.chars().count())
        .max()
        .unwrap();
    assert!(width <= 77, "{width}: {bar:?}");
    for (args, term) in [
        ("migrate --to 00012", "dumb"),
        ("migrate --to 00014 -v", "xterm"),
        ("migrate --to 00016 -q", "xterm"),
    ] {
        let seen = on_terminal(&db, &project, args, term);
        assert!(
            seen.contains("applied 2 migrations") && !seen.contains("/2 "),
            "{args}: {seen:?}"
        );
    }
}

#[test]
fn help_fits_eighty_columns() {
    let project = Project::new();
    for command in ["", "init", "new", "status", "migrate", "blockers", "reap-idle"] {
        let script = format!(
            "stty cols 80 rows 24; {} {command} --help",
            env!("CARGO_BIN_EXE_rlsctl")
        );
        let output = Command::new("script")
            .args(["-qec", &script, "/dev/null"])
            .current_dir(project.path())
            .env("TERM", "dumb")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()
            .expect("script, of util-linux");
        let text = String::from_utf8_lossy(&output.stdout).replace('\r', "");
        assert!(text.contains("Usage:"), "{text}");
        let long: Vec<&str> = text.split('\n').filter(|line| line.chars().count() > 80).collect();
        assert!(long.is_empty(), "{command}: {long:#?}");
    }
}
