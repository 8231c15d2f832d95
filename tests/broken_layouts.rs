//! Broken trees of migrations: each says everything that is wrong with it, with every file concerned.

use std::path::Path;

use fs_err as fs;
use rlsctl::migration::{Layout, Problem, load};

use crate::layouts::fixture;

/// Returns the problems of a tree as messages, with paths below the tree.
fn problems_in(dir: &Path, layout: Option<Layout>) -> Vec<String> {
    let prefix = format!("{}/", dir.display());
    let problems = load(dir, layout).expect_err("a broken tree loads");
    for problem in &problems {
        for path in problem.paths() {
            assert!(
                problem.message().contains(&path.display().to_string()) || path == dir,
                "{problem} names {}",
                path.display()
            );
        }
        if let Some(line) = problem.line() {
            assert!(
                problem.message().contains(&format!(":{line}:")),
                "{problem} says its line"
            );
        }
    }
    problems
        .iter()
        .map(|problem| {
            problem
                .message()
                .replace(&prefix, "")
                .replace(&*dir.to_string_lossy(), "DIR")
        })
        .collect()
}

fn check(name: &str, expected: &[&str]) {
    let root = fixture(name);
    assert_eq!(problems_in(root.path(), None), expected, "{name}");
}

#[test]
fn duplicate_versions() {
    check(
        "broken-duplicate-version",
        &[
            "version 001 is used by 2 files: 001_tenants.sql, 1_projects.sql",
            "version 002 is used by 3 files: 002_index.sql, 02_other.sql, 2_rls.sql",
        ],
    );
}

#[test]
fn texts_that_postgres_cannot_take() {
    check(
        "broken-not-utf8",
        &[
            "002_names.sql:2:40: not UTF-8 at byte 48",
            "003_utf16.sql:1:1: not UTF-8 at byte 0, the file looks like UTF-16",
        ],
    );
    check("broken-nul-byte", &["002_names.sql:2: NUL byte in the text"]);
}

#[test]
fn names_that_do_not_fit() {
    check(
        "broken-unreadable-name",
        &[
            "002_index.SQL: not a name of the plain layout, expected <digits>_<name>.sql; did you mean 002_index.sql?",
            "rls.sql: not a name of the plain layout, expected <digits>_<name>.sql",
        ],
    );
}

#[test]
fn scripts_that_are_not_there() {
    check(
        "broken-missing-script",
        &["20240116101500_projects/up.sql: is missing, 20240116101500_projects needs it"],
    );
    check(
        "broken-journal",
        &[
            "0002_gone.sql: is missing, meta/_journal.json needs it",
            "0003_unlisted.sql: is not listed in meta/_journal.json",
            "meta/_journal.json: runs 0001_projects.sql before 0000_tenants.sql, but their numbers are the other way round",
        ],
    );
    let root = fixture("plain");
    let journal_less = problems_in(&root.path().join("migrations"), Some(Layout::Drizzle));
    assert_eq!(journal_less, ["meta/_journal.json: is missing, DIR needs it"]);
}

#[test]
fn parts_that_are_not_marked() {
    check("broken-no-marker", &["002_projects.sql: has no line `-- migrate:up`"]);
    check(
        "broken-stray-down-part",
        &["002_step.sql:3: `-- migrate:down` belongs to another layout; is the layout right?"],
    );
}

#[test]
fn texts_that_another_tool_would_change() {
    let not_done = "before it runs, which rlsctl does not do";
    check(
        "broken-flyway-placeholder",
        &[
            &format!("V2__grants.sql:2: the placeholder `${{reader}}` is replaced by flyway {not_done}"),
            "V3__latin.sql.conf:1: `encoding=ISO_8859_1` is not understood",
        ],
    );
    check(
        "broken-goose-environment",
        &[&format!(
            "00002_grants.sql:2: the environment variables after `-- +goose ENVSUB ON` is replaced by goose {not_done}"
        )],
    );
    let template = "20240115093000_tenants.up.sql:1: the template `{{ index .Options \"Namespace\" }}`";
    check(
        "broken-go-template",
        &[&format!("{template} is replaced by golang-migrate {not_done}")],
    );
    let root = fixture("broken-graphile-placeholder");
    assert_eq!(
        problems_in(&root.path().join("migrations"), None),
        [format!(
            "committed/000001.sql:4: the placeholder `:APP_USER` is replaced by graphile {not_done}"
        )]
    );
}

#[test]
fn placeholders_that_flyway_leaves_alone_do_not_matter() {
    let root = fixture("broken-flyway-placeholder");
    fs::write(root.path().join("V3__latin.sql.conf"), "encoding=UTF-8\n").unwrap();
    fs::write(
        root.path().join("V2__grants.sql.conf"),
        "placeholderReplacement=false\n",
    )
    .unwrap();
    assert_eq!(load(root.path(), None).unwrap().migrations.len(), 3);
    fs::remove_file(root.path().join("V2__grants.sql.conf")).unwrap();
    fs::write(
        root.path().join("flyway.toml"),
        "[flyway]\nplaceholderReplacement = false\n",
    )
    .unwrap();
    assert_eq!(load(root.path(), None).unwrap().migrations.len(), 3);
}

#[test]
fn migrations_in_a_language() {
    check(
        "broken-go-migration",
        &["00002_fill.go: is a migration in Go, which rlsctl cannot run"],
    );
}

#[test]
fn layouts_that_are_not_clear() {
    check(
        "broken-unknown-layout",
        &["DIR: fits no layout: no script has a version in its name, such as 001_init.sql (projects.sql, tenants.sql)"],
    );
    check(
        "broken-ambiguous-layout",
        &[
            "DIR: may be flyway or refinery: files that begin with U take a version back in Flyway and are migrations in refinery \
           (U1__tenants.sql); set `layout` in rlsctl.toml",
        ],
    );
    let root = fixture("broken-ambiguous-layout");
    assert_eq!(load(root.path(), Some(Layout::Flyway)).unwrap().downs.len(), 1);
    let twice = problems_in(root.path(), Some(Layout::Refinery));
    assert_eq!(
        twice,
        ["version 1 is used by 2 files: U1__tenants.sql, V1__tenants.sql"]
    );
}

#[test]
fn a_baseline_that_stands_for_files_that_are_gone() {
    check(
        "broken-baseline-only",
        &[
            "B5__base.sql: stands for the versions up to 5, and none of them is here; rename it to V5__base.sql to have it run \
           first",
        ],
    );
}

#[test]
fn migrations_for_another_database() {
    check(
        "broken-other-database",
        &["migration_lock.toml: is for mysql, not for Postgres"],
    );
}

#[test]
fn everything_is_told_at_once() {
    check(
        "broken-everything",
        &[
            "version 001 is used by 2 files: 001_tenants.sql, 1_again.sql",
            "002_nul.sql:1: NUL byte in the text",
            "003_latin.sql:1:1: not UTF-8 at byte 0",
            "004_fill.py: is a migration in Python, which rlsctl cannot run",
            "later.sql: not a name of the plain layout, expected <digits>_<name>.sql",
        ],
    );
}

#[test]
fn folders_that_are_not_there() {
    let root = fixture("plain");
    let missing = root.path().join("missing");
    assert_eq!(
        load(&missing, None),
        Err(vec![Problem::DirectoryMissing { path: missing }])
    );
    let file = root.path().join("migrations/001-tenants.sql");
    assert_eq!(load(&file, None), Err(vec![Problem::NoDirectory { path: file }]));
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn links_to_files_are_followed() {
        let root = fixture("plain");
        let dir = root.path().join("migrations");
        symlink("../elsewhere.sql", dir.join("020-linked.sql")).unwrap();
        fs::write(root.path().join("elsewhere.sql"), "SELECT 20;\n").unwrap();
        let set = load(&dir, None).unwrap();
        assert_eq!(set.migrations.last().unwrap().read().unwrap().as_str(), "SELECT 20;\n");
    }

    #[test]
    fn links_that_lead_nowhere_or_back_are_problems() {
        let root = fixture("plain");
        let dir = root.path().join("migrations");
        symlink("gone.sql", dir.join("020-gone.sql")).unwrap();
        symlink("021-self.sql", dir.join("021-self.sql")).unwrap();
        symlink("..", dir.join("up")).unwrap();
        let top = root.path().canonicalize().unwrap();
        let loops = format!("up: symbolic link loop through {}", top.display());
        let problems = load(&dir, None).unwrap_err();
        let prefix = format!("{}/", dir.display());
        let messages: Vec<_> = problems
            .iter()
            .map(|problem| problem.message().replace(&prefix, ""))
            .collect();
        assert_eq!(
            messages,
            [
                "020-gone.sql: cannot be read: the file, or what the link leads to, does not exist",
                "021-self.sql: symbolic link loop through 021-self.sql",
                &loops,
            ]
        );
    }

    #[test]
    fn loops_below_a_recursive_layout_are_problems() {
        let root = fixture("flyway");
        let dir = root.path().join("src/main/resources/db/migration");
        symlink("..", dir.join("2024/again")).unwrap();
        let codes: Vec<_> = load(&dir, None).unwrap_err().iter().map(Problem::code).collect();
        assert_eq!(codes, ["files.symlink-loop"]);
    }

    #[test]
    fn a_folder_as_a_link_is_a_migration_too() {
        let root = fixture("diesel");
        let dir = root.path().join("migrations");
        fs::create_dir(root.path().join("shared")).unwrap();
        fs::write(root.path().join("shared/up.sql"), "SELECT 1;\n").unwrap();
        symlink("../shared", dir.join("2027-01-01-000000_shared")).unwrap();
        assert_eq!(load(&dir, None).unwrap().migrations.len(), 6);
    }

    #[test]
    fn what_is_no_file_does_not_hang() {
        let root = fixture("plain");
        let dir = root.path().join("migrations");
        let made = std::process::Command::new("mkfifo")
            .arg(dir.join("020-pipe.sql"))
            .status();
        if !made.is_ok_and(|status| status.success()) {
            return;
        }
        fs::create_dir(dir.join("021-folder.sql")).unwrap();
        assert_eq!(
            problems_in(&dir, None),
            [
                "020-pipe.sql: is not a regular file",
                "021-folder.sql: is not a regular file"
            ]
        );
    }

    #[test]
    fn files_that_may_not_be_read_are_problems() {
        let root = fixture("plain");
        let dir = root.path().join("migrations");
        let file = dir.join("002-projects.sql");
        fs::set_permissions(&file, std::fs::Permissions::from_mode(0o0)).unwrap();
        // Nothing is closed to the superuser.
        if std::fs::read(&file).is_err() {
            assert_eq!(
                problems_in(&dir, None),
                ["002-projects.sql: cannot be read: permission denied"]
            );
        }
    }
}
