//! The command: from files in a project's own layout to tables whose tenants are apart, and back.

use fs_err as fs;

use super::built;
use crate::support::db::TestDb;
use crate::support::project::Project;

/// A project on a database that was built without migrations.
pub(super) fn project(app: &str) -> Project {
    let project = Project::new();
    project
        .migration("0001_first.sql", "create table first (id int); drop table first;")
        .config(&format!(
            "[migrations]\ndir = 'migrations'\n[tenancy]\napp_roles = ['{app}']\n"
        ));
    project
}

pub(super) fn gone(db: &TestDb, app: &str) {
    db.psql(&format!("drop owned by {app}; drop role {app}"));
}

pub(super) fn names(project: &Project) -> Vec<String> {
    let entries = fs::read_dir(project.path().join("migrations")).unwrap();
    let mut names: Vec<String> = entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn tables_go_all_the_way_and_all_the_way_back() {
    let (db, app) = built();
    let project = project(&app);
    project.on(&db, &["migrate"]).run().exits(0);
    let before = db.catalog();
    project.on(&db, &["retrofit", "status"]).run().exits(1);
    project.on(&db, &["retrofit", "apply"]).run().exits(0);
    let status = project
        .on(&db, &["retrofit", "status", "--format", "json"])
        .run()
        .exits(0)
        .json();
    assert_eq!(
        (&status["summary"]["enforced"], &status["summary"]["tables"]),
        (&4.into(), &4.into())
    );
    let seen = |tenant: &str| {
        db.psql(&format!(
            "set role {app}; set app.tenant_id = '{tenant}'; select count(*) from comments"
        ))
    };
    assert_eq!([seen("1"), seen("2"), seen("")], ["50", "50", "0"]);

    // Nothing is left, so nothing is written.
    let files = names(&project);
    project.on(&db, &["retrofit", "apply"]).run().exits(0);
    assert_eq!(names(&project), files);

    project.on(&db, &["retrofit", "undo", "public.comments"]).run().exits(0);
    assert_eq!(seen("1"), "100");
    let tables =
        "select relname from pg_class where relrowsecurity and relnamespace = 'public'::regnamespace order by 1";
    assert_eq!(db.psql(tables), "projects\ntasks\ntenants");
    project.on(&db, &["retrofit", "undo", "--all"]).run().exits(0);
    assert_eq!(db.catalog(), before);
    assert_eq!(db.psql("select count(*) from comments"), "100");
    // And there again.
    project.on(&db, &["retrofit", "apply"]).run().exits(0);
    assert_eq!(seen("2"), "50");
    gone(&db, &app);
}

#[test]
fn a_catalog_that_has_moved_is_refused() {
    let (db, app) = built();
    let project = project(&app);
    project.on(&db, &["migrate"]).run().exits(0);
    project.on(&db, &["retrofit", "write"]).run().exits(0);
    let again = project.on(&db, &["retrofit", "write"]).run().exits(6);
    assert!(again.stderr.contains("not applied yet"), "{}", again.stderr);
    db.psql("alter table tasks add column later int");
    let moved = project.on(&db, &["retrofit", "apply"]).run().exits(6);
    assert!(moved.stderr.contains("has moved"), "{}", moved.stderr);
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "1");
    db.psql("alter table tasks drop column later");
    project.on(&db, &["retrofit", "apply"]).run().exits(0);
    gone(&db, &app);
}

#[test]
fn half_of_the_files_can_be_gone_on_with() {
    let (db, app) = built();
    let project = project(&app);
    project.on(&db, &["migrate"]).run().exits(0);
    project.on(&db, &["retrofit", "write"]).run().exits(0);
    let files = names(&project);
    let half = files[files.len() / 2].split('_').next().unwrap().to_owned();
    project.on(&db, &["migrate", "--to", &half]).run().exits(0);
    // What somebody else has changed meanwhile is not ours to build on.
    db.psql("create table by_hand (id int)");
    project.on(&db, &["retrofit", "apply"]).run().exits(6);
    db.psql("drop table by_hand");
    project.on(&db, &["retrofit", "apply"]).run().exits(0);
    project.on(&db, &["retrofit", "status"]).run().exits(0);
    gone(&db, &app);
}

#[test]
fn a_run_that_was_killed_is_gone_on_with() {
    let (db, app) = built();
    let project = project(&app);
    project.on(&db, &["migrate"]).run().exits(0);
    project.on(&db, &["retrofit", "write"]).run().exits(0);
    let (files, before) = (names(&project), db.catalog());
    // What a run leaves that was killed: files are applied, and there is no mark of how the catalog was then.
    let killed = |at: usize| {
        let version = files[at].split('_').next().unwrap().to_owned();
        project.on(&db, &["migrate", "--to", &version]).run().exits(0);
        db.psql("delete from rlsctl.schema_mark where head = (select head from rlsctl.schema_mark order by taken_at desc limit 1)");
    };
    killed(files.len() / 3);
    assert_ne!(db.catalog(), before);
    // What it has made may not be gone meanwhile.
    db.psql("alter table tasks rename column tenant_id to elsewhere");
    let refused = project.on(&db, &["retrofit", "apply"]).run();
    db.psql("alter table tasks rename column elsewhere to tenant_id");
    assert_eq!(
        (refused.code(), refused.stderr.contains("has moved")),
        (6, true),
        "{}",
        refused.stderr
    );
    killed(files.len() / 2);
    project.on(&db, &["retrofit", "apply"]).run().exits(0);
    project.on(&db, &["retrofit", "status"]).run().exits(0);
    assert_eq!(names(&project), files);
    gone(&db, &app);
}

#[test]
fn what_was_given_up_halfway_is_planned_to_the_same_end() {
    let (whole, other) = built();
    let first = project(&other);
    first.on(&whole, &["migrate"]).run().exits(0);
    first.on(&whole, &["retrofit", "apply"]).run().exits(0);
    // The comment on a policy holds a hash of the roles' names too.
    let end_of = |db: &TestDb, app: &str| {
        let catalog = db.catalog().replace(app, "app");
        let lines = catalog.split('\n').filter(|line| !line.starts_with("comment policy "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let end = end_of(&whole, &other);
    gone(&whole, &other);
    let stages = names(&first).len();
    for at in 2..stages {
        let (db, app) = built();
        let project = project(&app);
        project.on(&db, &["migrate"]).run().exits(0);
        let before = db.catalog();
        project.on(&db, &["retrofit", "write"]).run().exits(0);
        let files = names(&project);
        let version = files[at].split('_').next().unwrap().to_owned();
        project.on(&db, &["migrate", "--to", &version]).run().exits(0);
        for file in &files[at + 1..] {
            project.remove(format!("migrations/{file}"));
            let _ = fs::remove_file(project.path().join(format!("migrations.undo/{file}")));
        }
        project.on(&db, &["retrofit", "apply"]).run().exits(0);
        assert_eq!(end_of(&db, &app), end, "after {}", files[at]);
        project.on(&db, &["retrofit", "undo", "--all"]).run().exits(0);
        assert_eq!(db.catalog(), before, "after {}", files[at]);
        gone(&db, &app);
    }
}

#[test]
fn files_that_a_killed_run_has_not_written_are_written() {
    let (db, app) = built();
    let project = project(&app);
    project.on(&db, &["migrate"]).run().exits(0);
    project.on(&db, &["retrofit", "write"]).run().exits(0);
    let files = names(&project);
    for file in &files[5..] {
        project.remove(format!("migrations/{file}"));
    }
    project.on(&db, &["retrofit", "apply"]).run().exits(0);
    assert_eq!(names(&project), files);
    project.on(&db, &["retrofit", "status"]).run().exits(0);
    project.on(&db, &["retrofit", "undo", "--all"]).run().exits(0);
    gone(&db, &app);
}

#[test]
fn what_has_to_be_decided_stops_it_before_anything_is_written() {
    let (db, app) = built();
    db.psql("create table settings (id int primary key)");
    let project = project(&app);
    project.on(&db, &["migrate"]).run().exits(0);
    let before = names(&project);
    let plan = project
        .on(&db, &["retrofit", "plan", "--format", "json"])
        .run()
        .exits(1)
        .json();
    assert_eq!(plan["findings"][0]["code"], "retrofit.no-way");
    assert_eq!(plan["findings"][0]["object"], "public.settings");
    for action in ["write", "apply"] {
        project.on(&db, &["retrofit", action]).run().exits(6);
    }
    assert_eq!(names(&project), before);
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "1");
    project.config("[migrations]\ndir = 'migrations'\n");
    let none = project.on(&db, &["retrofit", "plan"]).run().exits(3);
    assert!(none.stderr.contains("[tenancy]"), "{}", none.stderr);
    gone(&db, &app);
}

#[test]
fn all_files_are_written_or_none() {
    let (db, app) = built();
    let project = project(&app);
    project.on(&db, &["migrate"]).run().exits(0);
    // Where the folder of what takes back would be there is a file.
    project.file("migrations.undo", "in the way");
    for action in ["write", "apply"] {
        let failed = project.on(&db, &["retrofit", action]).run().exits(3);
        assert!(
            failed.stderr.contains("migrations.undo") && failed.stderr.contains("nothing was written"),
            "{}",
            failed.stderr
        );
        assert_eq!(names(&project), ["0001_first.sql"]);
    }
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), "1");
    gone(&db, &app);
}

#[test]
fn every_layout_has_a_way_back() {
    for (file, down) in [
        ("migrations/0001_first.up.sql", Some("migrations/0001_first.down.sql")),
        (
            "migrations/2024-01-01-000000-0000_first/up.sql",
            Some("migrations/2024-01-01-000000-0000_first/down.sql"),
        ),
        ("migrations/20240101000000_first.sql", None),
        ("migrations/V1__first.sql", None),
        ("migrations/20240101000000_first/migration.sql", None),
        ("supabase/migrations/20240101000000_first.sql", None),
    ] {
        there_and_back(file, "select 1;\n", down);
    }
    there_and_back(
        "db/migrations/20240101000000_first.sql",
        "-- migrate:up\nselect 1;\n-- migrate:down\n",
        None,
    );
    there_and_back(
        "migrations/00001_first.sql",
        "-- +goose Up\nselect 1;\n-- +goose Down\n",
        None,
    );
}

fn there_and_back(file: &str, text: &str, down: Option<&str>) {
    let (db, app) = built();
    let project = Project::new();
    let dir = file
        .split("/migrations/")
        .next()
        .filter(|dir| *dir != file)
        .map_or("migrations".to_owned(), |dir| format!("{dir}/migrations"));
    project.file(file, text).config(&format!(
        "[migrations]\ndir = '{dir}'\n[tenancy]\napp_roles = ['{app}']\n"
    ));
    if let Some(down) = down {
        project.file(down, "");
    }
    project.on(&db, &["migrate"]).run().exits(0);
    let before = db.catalog();
    project.on(&db, &["retrofit", "apply"]).run().exits(0);
    assert_ne!(db.catalog(), before, "{file}");
    project.on(&db, &["retrofit", "undo", "--all"]).run().exits(0);
    assert_eq!(db.catalog(), before, "{file}");
    gone(&db, &app);
}
