//! `rlsctl new`: the next file in the layout of the folder.

use fs_err as fs;

use crate::support::db::TestDb;
use crate::support::layouts::LAYOUTS;
use crate::support::project::Project;

#[test]
fn in_every_layout_the_new_file_is_the_next_pending_migration() {
    for layout in &LAYOUTS {
        let (db, project) = (TestDb::new(), Project::new());
        layout.write(&project);
        project.on(&db, &["migrate"]).run().exits(0);
        let made = project
            .on(&db, &["new", "add tenant", "--format", "json"])
            .run()
            .exits(0)
            .json();
        let files = made["files"].as_array().unwrap();
        assert_eq!(made["summary"]["layout"], layout.name, "{made:#}");
        assert!(!files.is_empty());
        for file in files {
            let path = project.path().join(file.as_str().unwrap());
            assert!(path.is_file(), "{}: {}", layout.name, path.display());
        }
        let status = project.on(&db, &["status", "--format", "json"]).run().exits(0).json();
        assert_eq!(
            (&status["summary"]["applied"], &status["summary"]["pending"]),
            (&layout.migrations.into(), &1.into()),
            "{}: {status:#}",
            layout.name
        );
        let name = status["pending"][0]["name"].as_str().unwrap().replace('-', "_");
        assert_eq!(name, "add_tenant", "{}", layout.name);
        // As it is, it is a migration that does nothing.
        project.on(&db, &["migrate"]).run().exits(0);
    }
}

#[test]
fn only_the_path_goes_to_stdout() {
    let project = Project::new();
    project.migration("0001_a.sql", "select 1;");
    let run = project.rlsctl(&["new", "Add  tenant, to invoices!"]).run().exits(0);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 0
    ----- stdout -----
    migrations/0002_add_tenant_to_invoices.sql
    ----- stderr -----
    ");
    insta::assert_snapshot!(project.read("migrations/0002_add_tenant_to_invoices.sql"), @r"
    -- Add tenant, to invoices!
    ");
}

#[test]
fn names_that_name_nothing_and_broken_folders_write_nothing() {
    let project = Project::new();
    project.migration("0001_a.sql", "select 1;");
    let run = project.rlsctl(&["new", "---", "--format", "json"]).run();
    assert_eq!(run.code(), 2, "{}", run.stderr);
    let run = project.rlsctl(&["new", "äöü"]).run().exits(2);
    insta::assert_snapshot!(run.snapshot(), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `äöü` has no ASCII letter or digit to name a file by
      state: nothing was written
      next: say in a few words what it does: `rlsctl new "add tenant to invoices"`
    "#);
    project.rlsctl(&["new", &"x".repeat(500)]).run().exits(2);
    project.migration("01_b.sql", "select 1;");
    let run = project.rlsctl(&["new", "c"]).run().exits(6);
    assert!(
        run.stderr.contains("0001_a.sql") && run.stderr.contains("01_b.sql"),
        "{}",
        run.stderr
    );
    assert_eq!(fs::read_dir(project.path().join("migrations")).unwrap().count(), 2);
}

#[test]
fn a_file_in_place_of_the_folder_is_told() {
    let project = Project::new();
    project.file("migrations", "");
    let run = project.rlsctl(&["--dir", "migrations", "new", "x"]).run().exits(6);
    assert!(run.stderr.contains("files.no-directory"), "{}", run.stderr);
}

#[test]
fn what_cannot_be_written_is_told_with_what_was() {
    let project = Project::new();
    project
        .migration("0001_a.up.sql", "select 1;")
        .migration("0001_a.down.sql", "select 1;");
    // A path may have 4095 bytes. Root may write everywhere, so that this is the one refusal to be had: the up half just fits,
    // the down half does not.
    let name = "x".repeat(150);
    let length = |half: &str| format!("migrations/0002_{name}.{half}.sql").len();
    let missing = 4095 - length("up");
    let prefix = ".".to_owned() + &"/".repeat(missing - 1);
    let dir = format!("{prefix}migrations");
    let run = project.rlsctl(&["--dir", &dir, "new", &name]).run().exits(3);
    assert!(
        run.stderr.contains("cannot write") && run.stderr.contains(".down.sql"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains(".up.sql was written; remove it first"),
        "{}",
        run.stderr
    );
    let run = project
        .rlsctl(&["--dir", &dir, "new", &format!("{name}xx")])
        .run()
        .exits(3);
    assert!(run.stderr.contains("nothing was written"), "{}", run.stderr);
}
