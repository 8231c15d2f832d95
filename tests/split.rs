//! `rlsctl split`: what it writes, what it proves, and what it leaves alone. Judged by the catalog that the files make.

use rlsctl::script::{PieceKind, split};

use crate::support::db::TestDb;
use crate::support::project::Project;
use crate::support::rlsctl::Rlsctl;

/// A schema of twelve tables, `t01` to `t12`, with `members` besides.
fn schema() -> String {
    let tables: Vec<String> = numbers()
        .map(|n| format!("create table t{n} (id int primary key, owner int);\n"))
        .collect();
    format!(
        "create schema app;\ncreate table members (id int primary key, tenant uuid);\n{}",
        tables.concat()
    )
}

fn numbers() -> impl Iterator<Item = String> {
    (1..=12).map(|n| format!("{n:02}"))
}

/// Row-level security onto all of them, in phases as people write it, with what depends on what in between.
fn rollout() -> String {
    let mut text = String::from(
        "-- RLS rollout, ticket 4711\n-- rlsctl: statement_timeout=2min\n\n-- who asks\ncreate function app.tenant() returns uuid language sql stable\n  as $$ select nullif(current_setting('app.tenant', true), '')::uuid; $$;\n\n",
    );
    for n in numbers() {
        text.push_str(&format!(
            "alter table t{n} add column tenant uuid; -- t{n}: nullable first\n"
        ));
    }
    text.push_str("do $$ begin execute 'comment on table t02 is ''done''' ; end $$;\n");
    for n in numbers() {
        text.push_str(&format!(
            "/* {n} */ ALTER TABLE ONLY public.t{n} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;\n"
        ));
    }
    text.push_str("create unique index members_pair on members (id, tenant);\n");
    text.push_str("alter table t01 add constraint t01_member foreign key (owner, tenant) references members (id, tenant) not valid;\n");
    for n in numbers() {
        text.push_str(&format!(
            "create policy tenant on t{n}\n  using (tenant = app.tenant()\n    -- or a member\n    or exists (select from members m where m.id = owner and m.tenant = t{n}.tenant));\n"
        ));
    }
    text.push_str("comment on policy tenant on t03 is 'semi;colon'");
    text
}

fn project(wide: &str) -> Project {
    let project = Project::new();
    project
        .migration("0001_schema.sql", schema())
        .migration("0002_rollout.sql", wide);
    project
}

/// The names of the files, in their order.
fn files(project: &Project) -> Vec<String> {
    let mut names: Vec<String> = walkdir::WalkDir::new(project.path().join("migrations"))
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            entry
                .path()
                .strip_prefix(project.path().join("migrations"))
                .unwrap()
                .display()
                .to_string()
        })
        .collect();
    names.sort();
    names
}

/// Every statement of a text, byte by byte.
fn statements(text: &str) -> Vec<String> {
    let pieces = split(text).unwrap();
    let bodies = pieces.iter().filter(|piece| piece.kind == PieceKind::Statement);
    let mut bodies: Vec<String> = bodies.map(|piece| piece.body.slice(text).to_owned()).collect();
    bodies.sort();
    bodies
}

/// The catalog that the project's files make, without the ledger.
fn made(project: &Project) -> String {
    let db = TestDb::new();
    project.on(&db, &["migrate"]).run().exits(0);
    let catalog = db.catalog();
    let lines = catalog.split('\n').filter(|line| !line.contains("rlsctl"));
    lines.collect::<Vec<_>>().join("\n")
}

fn offline(project: &Project, args: &[&str]) -> Rlsctl {
    project.rlsctl(args).env("PGHOST", "/nowhere")
}

#[test]
fn a_rollout_becomes_files_of_at_most_eight_tables_with_the_same_catalog() {
    let project = project(&rollout());
    let before = made(&project);
    let (text, names) = (project.read("migrations/0002_rollout.sql"), files(&project));
    let run = offline(&project, &["split", "migrations/0002_rollout.sql"])
        .run()
        .exits(0);
    assert_eq!(files(&project), names, "a plan writes nothing");
    assert_eq!(project.read("migrations/0002_rollout.sql"), text);
    for said in [
        "for 13 tables",
        "proven",
        "-- rlsctl: section public.t01\n",
        "line 5 CREATE FUNCTION: belongs to no table",
        "line 20 DO: its tables cannot be known",
        "section  public.t01, members",
        "nothing was written",
    ] {
        assert!(run.stdout.contains(said), "{said} in\n{}", run.stdout);
    }
    offline(&project, &["split", "0002", "--write"]).run().exits(0);
    let names = files(&project);
    assert_eq!(
        names,
        [
            "0001_schema.sql",
            "0002_rollout.sql",
            "0003_rollout_2.sql",
            "0004_rollout_3.sql",
            "0005_rollout_4.sql"
        ]
    );
    let texts: Vec<String> = names[1..]
        .iter()
        .map(|name| project.read(format!("migrations/{name}")))
        .collect();
    assert!(texts[0].starts_with("-- RLS rollout, ticket 4711\n"), "{}", texts[0]);
    let all = texts.join("\n;\n");
    assert_eq!(statements(&all), statements(&text));
    for comment in [
        "-- who asks\ncreate function",
        "-- t07: nullable first\n",
        "/* 11 */ ALTER",
    ] {
        assert!(all.contains(comment), "{comment}");
    }
    for text in &texts {
        assert!(text.contains("-- rlsctl: statement_timeout=2min"), "{text}");
        let sections = text.matches("-- rlsctl: section ").count();
        assert!((1..=9).contains(&sections), "{text}");
    }
    let db = TestDb::new();
    project.on(&db, &["migrate", "--to", "0001"]).run().exits(0);
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(made(&project), before);
    assert_eq!(db.psql("select count(*) from pg_policy"), "12");
    let again = offline(&project, &["split", "0003"]).run().exits(6);
    assert!(again.stderr.contains("has sections already"), "{}", again.stderr);
}

#[test]
fn a_batch_is_as_small_as_it_is_configured() {
    let project = project(&rollout());
    project.config("[limits]\ntables_per_batch = 2\n");
    let document = offline(&project, &["split", "0002", "--format", "json"])
        .run()
        .exits(0)
        .json();
    let files = document["files"].as_array().unwrap();
    assert!(files.len() >= 12, "{}", files.len());
    for file in files {
        let sections = file["sections"].as_array().unwrap();
        let mut tables: Vec<&str> = sections
            .iter()
            .flat_map(|section| section["tables"].as_array().unwrap())
            .map(|table| table.as_str().unwrap().trim_start_matches("public."))
            .collect();
        tables.sort_unstable();
        tables.dedup();
        assert!(tables.len() <= 4, "{tables:?}");
    }
}

#[test]
fn a_line_with_several_statements_is_named_once() {
    let lines: Vec<String> = numbers()
        .map(|n| format!("alter table t{n} add a int; alter table t{n} add b int;\n"))
        .collect();
    let project = project(&lines.concat());
    let run = offline(&project, &["split", "0002"]).run().exits(0);
    assert!(run.stdout.contains("t01 (line 1)\n"), "{}", run.stdout);
}

#[test]
fn no_table_is_shut_between_two_transactions() {
    let border = "do $$ begin end $$;\ncreate policy";
    let project = project(&rollout().replacen("create policy", border, 1));
    let run = offline(&project, &["split", "0002", "--write"]).run().exits(6);
    assert_eq!(
        run.stderr.matches("until then nobody would see a row").count(),
        12,
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("0002_rollout.sql:21:"), "{}", run.stderr);
    assert_eq!(files(&project).len(), 2);
}

#[test]
fn what_cannot_be_moved_is_refused_with_its_line() {
    let rest: String = ["a", "b", "c", "d", "e", "f"]
        .map(|name| format!("truncate {name};\n"))
        .concat();
    for (sql, line, said) in [
        ("\\set x 1\n", 1, "psql"),
        ("\n\ncopy t01 from stdin;\n1\n\\.\n", 3, "COPY"),
        ("create temp table x (i int);\n", 1, "temporary"),
        ("select 1;\nsavepoint x;\n", 2, "transaction"),
        ("lock table t01;\n", 1, "LOCK TABLE"),
        ("-- rlsctl: section public.t01\n", 1, "sections already"),
        ("-- rlsctl: sectoin t01\n", 1, "not known"),
        (
            "truncate t01, t02, t03, t04, t05, t06, t07, t08, t09;\n",
            1,
            "9 tables in one statement",
        ),
        ("select 'x\n", 1, "unterminated"),
    ] {
        let project = project(&format!("{sql}{rest}"));
        let before = project.read("migrations/0002_rollout.sql");
        let run = offline(&project, &["split", "0002", "--write"]).run().exits(6);
        let place = format!("0002_rollout.sql:{line}:");
        assert!(
            run.stderr.contains(&place) && run.stderr.contains(said),
            "{sql}\n{}",
            run.stderr
        );
        assert_eq!(project.read("migrations/0002_rollout.sql"), before);
        assert_eq!(files(&project).len(), 2);
    }
}

#[test]
fn one_that_is_applied_is_left_alone() {
    let project = project(&format!("-- rlsctl: allow wide\n{}", rollout()));
    let (db, other) = (TestDb::new(), TestDb::new());
    project.on(&db, &["migrate"]).run().exits(0);
    let toml = format!(
        "[targets.here]\nurl = \"{}\"\n[targets.there]\nurl = \"{}\"\n",
        other.url(),
        db.url()
    );
    project.config(&toml);
    for args in [
        &["split", "0002", "--write"][..],
        &["--target", "here", "split", "0002", "--write"],
    ] {
        let run = project.rlsctl(args).run().exits(6);
        assert!(run.stderr.contains("0002 is applied on"), "{}", run.stderr);
        assert!(run.stderr.contains(db.name()), "{}", run.stderr);
        assert_eq!(files(&project).len(), 2);
    }
}

#[test]
fn a_catalog_that_comes_out_otherwise_is_named_and_nothing_is_written() {
    // Each ALTER TABLE gets a number: the order of two tables that know nothing of each other is seen.
    let watch = "create sequence numbers;
        create function number() returns event_trigger language plpgsql as $$
        declare r record; begin
          for r in select * from pg_event_trigger_ddl_commands() loop
            execute format('comment on table %s is %L', r.object_identity, nextval('numbers'));
          end loop; end $$;
        create event trigger number on ddl_command_end when tag in ('ALTER TABLE') execute function number();";
    let project = Project::new();
    let phases = |what: &str| -> String {
        let lines: Vec<String> = numbers()
            .take(7)
            .map(|n| format!("alter table t{n} add {what} int;\n"))
            .collect();
        lines.concat()
    };
    project
        .migration("0001_schema.sql", schema())
        .migration("0002_watch.sql", watch)
        .migration("0003_wide.sql", format!("{}{}", phases("x"), phases("y")));
    let run = offline(&project, &["split", "0003", "--write"]).run().exits(6);
    assert!(run.stderr.contains("split.catalog-differs"), "{}", run.stderr);
    assert!(run.stderr.contains("table public.t01"), "{}", run.stderr);
    assert_eq!(files(&project).len(), 3);
    let document = offline(&project, &["split", "0003", "--format", "json"])
        .run()
        .exits(6)
        .json();
    let diff = document["findings"][0]["evidence"]["diff"].as_str().unwrap();
    assert!(diff.contains("comment"), "{diff}");
}

#[test]
fn files_that_cannot_be_replayed_prove_nothing() {
    let project = project(&rollout());
    project.migration("0001_schema.sql", "alter table made_by_hand add x int;");
    let run = offline(&project, &["split", "0002", "--write"]).run().exits(6);
    for said in ["split.not-proven", "0001", "made_by_hand"] {
        assert!(run.stderr.contains(said), "{said} in\n{}", run.stderr);
    }
    assert!(!run.stderr.contains("000001"), "a number of the copy's: {}", run.stderr);
    assert_eq!(files(&project).len(), 2);
}

#[test]
fn the_proof_knows_the_roles_of_the_target() {
    let db = TestDb::new();
    let role = format!("{}_tenant", db.name());
    db.admin(&format!("create role {role}"));
    let project = project(&rollout().replace("on t01\n  using", &format!("on t01 to {role} using")));
    let run = project.on(&db, &["split", "0002"]).run().exits(0);
    assert!(run.stdout.contains("proven"), "{}", run.stdout);
    let run = offline(&project, &["split", "0002"]).run().exits(6);
    assert!(run.stderr.contains(&role), "{}", run.stderr);
    db.admin(&format!("drop role {role}"));
}

#[test]
fn without_a_server_the_proof_is_only_left_out_when_that_is_said() {
    let project = project(&rollout());
    let without = |args: &[&str]| offline(&project, args).env("RLSCTL_PG_BIN", "/nowhere").run();
    let run = without(&["split", "0002", "--write"]).exits(3);
    assert!(run.stderr.contains("--no-proof"), "{}", run.stderr);
    assert_eq!(files(&project).len(), 2);
    let run = offline(&project, &["split", "0002", "--write", "--no-proof"])
        .run()
        .exits(2);
    assert!(run.stderr.contains("here one can"), "{}", run.stderr);
    assert_eq!(files(&project).len(), 2);
    let run = without(&["split", "0002", "--write", "--no-proof"]).exits(0);
    assert!(
        run.stderr.contains("NOT PROVEN") && run.stdout.contains("NOT PROVEN"),
        "{}",
        run.stderr
    );
    assert!(files(&project).len() > 2);
}

#[test]
fn a_file_that_is_not_wide_is_left_as_it_is() {
    let project = project("alter table t01 add x int;\nalter table t02 add x int;\n");
    let run = offline(&project, &["split", "0002", "--write"]).run().exits(0);
    assert!(
        run.stdout.contains("nothing to split: it alters 2 tables"),
        "{}",
        run.stdout
    );
    assert_eq!(files(&project).len(), 2);
    let run = offline(&project, &["split", "0009"]).run().exits(2);
    assert!(run.stderr.contains("0009 is no migration"), "{}", run.stderr);
}

#[test]
fn settings_hold_for_all_that_came_behind_them_and_blocks_are_left_out() {
    let lines: Vec<String> = numbers().map(|n| format!("alter table u{n} add x int;\n")).collect();
    for (set, times) in [("set local search_path = app;", 8), ("set search_path = app;", 1)] {
        let project = Project::new();
        let wide = format!(
            "begin;\n-- ours\n{set}\n{}reset search_path;\ncommit;\n",
            lines.concat()
        );
        project
            .migration(
                "0001_schema.sql",
                schema().replace("create table t", "create table app.u"),
            )
            .migration("0002_wide.sql", wide);
        let before = made(&project);
        let run = offline(&project, &["split", "0002", "--write"]).run().exits(0);
        assert!(run.stderr.contains("line 1: `begin` is left out"), "{}", run.stderr);
        let (first, second) = (
            project.read("migrations/0002_wide.sql"),
            project.read("migrations/0003_wide_2.sql"),
        );
        assert_eq!(first.matches(set).count(), times, "{first}");
        assert_eq!(second.matches(set).count(), times.min(4), "{second}");
        assert!(first.contains("-- ours\nset "), "{first}");
        assert!(first.contains("-- rlsctl: section app.u01\n"), "{first}");
        assert_eq!(made(&project), before);
    }
}

#[test]
fn new_files_come_behind_the_newest_where_there_is_no_room() {
    let project = project(&rollout());
    project.migration("0003_next.sql", "create table next (id int);\n");
    let before = made(&project);
    let run = offline(&project, &["split", "0002", "--write"]).run().exits(0);
    assert!(run.stderr.contains("no room before the next file"), "{}", run.stderr);
    assert_eq!(files(&project)[2..4], ["0003_next.sql", "0004_rollout_2.sql"]);
    assert_eq!(made(&project), before);
}

/// Names and texts.
type Files = Vec<(&'static str, String)>;

/// The same two migrations in several layouts, and the name that the first new file gets.
fn layouts() -> Vec<(&'static str, Files, &'static str)> {
    let lines: Vec<String> = numbers().map(|n| format!("alter table t{n} add x int;\n")).collect();
    let (schema, wide, down) = (schema(), lines.concat(), "select 'down';\n");
    let dbmate = |sql: &str| format!("-- migrate:up\n{sql}\n-- migrate:down\n{down}");
    let goose = |sql: &str| format!("-- +goose Up\n{sql}\n-- +goose Down\n{down}");
    let two = |names: [&'static str; 2], sql: [String; 2]| names.into_iter().zip(sql).collect::<Vec<_>>();
    let plain = || [schema.clone(), wide.clone()];
    let mut sqlx = two(["1_schema.up.sql", "2_wide.up.sql"], plain());
    sqlx.extend(two(
        ["1_schema.down.sql", "2_wide.down.sql"],
        [String::new(), down.to_owned()],
    ));
    let mut diesel = two(
        ["2024-01-01-000000_schema/up.sql", "2024-01-02-000000_wide/up.sql"],
        plain(),
    );
    diesel.push(("2024-01-02-000000_wide/down.sql", down.to_owned()));
    let numbered = ["20240101000000_schema.sql", "20240102000000_wide.sql"];
    let folders = [
        "20240101000000_schema/migration.sql",
        "20240102000000_wide/migration.sql",
    ];
    vec![
        (
            "dbmate",
            two(numbered, [dbmate(&schema), dbmate(&wide)]),
            "20240102000001_wide_2.sql",
        ),
        (
            "goose",
            two(
                ["00001_schema.sql", "00002_wide.sql"],
                [goose(&schema), goose(&wide).replace('\n', "\r\n")],
            ),
            "00003_wide_2.sql",
        ),
        ("sqlx", sqlx, "3_wide_2.up.sql"),
        (
            "flyway",
            two(["V1__schema.sql", "V2__wide.sql"], plain()),
            "V3__wide_2.sql",
        ),
        ("diesel", diesel, "2024-01-02-000001_wide_2/up.sql"),
        ("prisma", two(folders, plain()), "20240102000001_wide_2/migration.sql"),
        ("supabase", two(numbered, plain()), "20240102000001_wide_2.sql"),
    ]
}

#[test]
fn every_layout_names_its_files_and_keeps_its_down_half() {
    for (layout, files_before, expected) in layouts() {
        let project = Project::new();
        project.config(&format!("[migrations]\ndir = \"migrations\"\nlayout = \"{layout}\"\n"));
        for (name, sql) in &files_before {
            project.migration(name, sql);
        }
        let before = made(&project);
        let wide = format!("migrations/{}", files_before[1].0);
        // What the files make is compared here, so the proof may be left out.
        let run = offline(&project, &["split", &wide, "--write", "--no-proof"]);
        run.env("RLSCTL_PG_BIN", "/nowhere").run().exits(0);
        let names = files(&project);
        assert!(names.iter().any(|name| name == expected), "{layout}: {names:?}");
        assert_eq!(made(&project), before, "{layout}");
        let read = |name: &String| project.read(format!("migrations/{name}"));
        let all: Vec<String> = names.iter().map(read).collect();
        let has_down = |text: &&String| text.contains("select 'down'");
        let downs_before = files_before.iter().map(|(_, text)| text).filter(has_down).count();
        assert_eq!(all.iter().filter(has_down).count(), downs_before, "{layout}");
        let crlf = all.iter().filter(|text| text.contains("\r\n")).count();
        assert_eq!(crlf, if layout == "goose" { 2 } else { 0 }, "{layout}");
    }
}
