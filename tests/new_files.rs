//! New migrations, in the scheme that each folder follows.

use std::path::Path;

use fs_err as fs;
use jiff::Timestamp;
use rlsctl::migration::{Layout, NewFile, NewFileError, load, next_file};

use crate::layouts::fixture;

fn now() -> Timestamp {
    "2027-01-02T03:04:05Z".parse().unwrap()
}

/// Returns the new files for a folder of a fixture, by path below it, after writing them and loading the folder again.
fn made(name: &str, dir: &str) -> Vec<(String, String)> {
    let root = fixture(name);
    let dir = root.path().join(dir);
    let before = load(&dir, None).unwrap();
    let files = next_file(&before, "Add  Café notes!", now()).unwrap();
    for file in &files {
        file.write().unwrap();
    }
    let after = load(&dir, None).unwrap_or_else(|problems| panic!("{name}: {problems:#?}"));
    assert_eq!(after.layout, before.layout);
    assert_eq!(after.migrations.len(), before.migrations.len() + 1, "{name}: one more");
    let newest = after.migrations.last().unwrap();
    assert!(
        files.iter().any(|file| file.path == newest.path),
        "{name}: the new one comes last"
    );
    assert_eq!(
        after.migrations[..before.migrations.len()],
        before.migrations,
        "{name}: the others are as they were"
    );
    assert!(
        matches!(
            next_file(&before, "Add Café notes", now()),
            Err(NewFileError::Exists { .. })
        ),
        "{name}: never twice"
    );
    let below = |path: &Path| path.strip_prefix(&dir).unwrap().to_string_lossy().into_owned();
    files
        .into_iter()
        .map(|file| (below(&file.path), file.contents))
        .collect()
}

fn paths(name: &str, dir: &str) -> Vec<String> {
    made(name, dir).into_iter().map(|(path, _)| path).collect()
}

#[test]
fn each_layout_gets_files_of_its_own_kind() {
    let cases: [(&str, &str, &[&str]); 12] = [
        ("supabase", "supabase/migrations", &["20270102030405_add_caf_notes.sql"]),
        ("sqlx", "migrations", &["12_add_caf_notes.sql"]),
        ("dbmate", "db/migrations", &["20270102030405_add_caf_notes.sql"]),
        ("goose", "migrations", &["00011_add_caf_notes.sql"]),
        (
            "flyway",
            "src/main/resources/db/migration",
            &["2024/V2_2__add_caf_notes.sql"],
        ),
        ("refinery", "migrations", &["V11__add_caf_notes.sql"]),
        (
            "diesel",
            "migrations",
            &[
                "2027-01-02-030405-0000_add_caf_notes/up.sql",
                "2027-01-02-030405-0000_add_caf_notes/down.sql",
            ],
        ),
        (
            "golang-migrate",
            "db/migrations",
            &["000011_add_caf_notes.up.sql", "000011_add_caf_notes.down.sql"],
        ),
        ("drizzle", "drizzle", &["0002_add_caf_notes.sql", "meta/_journal.json"]),
        (
            "drizzle-folders",
            "drizzle",
            &["20270102030405_add_caf_notes/migration.sql"],
        ),
        ("graphile", "migrations", &["committed/000003-add-caf-notes.sql"]),
        ("plain", "migrations", &["011-add-caf-notes.sql"]),
    ];
    for (name, dir, expected) in cases {
        assert_eq!(paths(name, dir), expected, "{name}");
    }
}

#[test]
fn prisma_follows_the_newest_however_it_is_written() {
    assert_eq!(
        paths("prisma", "prisma/migrations"),
        ["20270102_add_caf_notes/migration.sql"],
        "the newest is a date"
    );
}

#[test]
fn contents_have_the_marks_of_the_tool() {
    let contents = |name: &str, dir: &str| {
        made(name, dir)
            .into_iter()
            .map(|(_, contents)| contents)
            .next()
            .unwrap()
    };
    assert_eq!(
        contents("dbmate", "db/migrations"),
        "-- migrate:up\n\n\n-- migrate:down\n\n"
    );
    assert_eq!(contents("goose", "migrations"), "-- +goose Up\n\n\n-- +goose Down\n\n");
    assert_eq!(contents("supabase", "supabase/migrations"), "-- Add Café notes!\n\n");
    let graphile = contents("graphile", "migrations");
    assert!(
        graphile.contains("--! Previous: sha1:89abcdef0123456789abcdef0123456789abcdef\n"),
        "{graphile}"
    );
    assert!(
        graphile.contains("--! AllowInvalidHash\n") && graphile.ends_with("--! Message: Add Café notes!\n\n"),
        "{graphile}"
    );
}

#[test]
fn pairs_go_on_as_pairs() {
    let root = fixture("sqlx");
    let dir = root.path().join("migrations");
    fs::remove_file(dir.join("11_projects_index.sql")).unwrap();
    let files = next_file(&load(&dir, None).unwrap(), "notes", now()).unwrap();
    let names: Vec<_> = files
        .iter()
        .map(|file| file.path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, ["11_notes.up.sql", "11_notes.down.sql"]);
}

#[test]
fn an_empty_folder_begins_as_its_tool_would() {
    let first = |layout: Layout| {
        let root = tempfile::tempdir().unwrap();
        let files = next_file(&load(root.path(), Some(layout)).unwrap(), "init", now()).unwrap();
        files[0]
            .path
            .strip_prefix(root.path())
            .unwrap()
            .to_string_lossy()
            .into_owned()
    };
    let expected = [
        (Layout::Supabase, "20270102030405_init.sql"),
        (Layout::Sqlx, "20270102030405_init.sql"),
        (Layout::Dbmate, "20270102030405_init.sql"),
        (Layout::Goose, "20270102030405_init.sql"),
        (Layout::Flyway, "V1__init.sql"),
        (Layout::Refinery, "V1__init.sql"),
        (Layout::Diesel, "2027-01-02-030405-0000_init/up.sql"),
        (Layout::GolangMigrate, "20270102030405_init.up.sql"),
        (Layout::Prisma, "20270102030405_init/migration.sql"),
        (Layout::Drizzle, "20270102030405_init/migration.sql"),
        (Layout::Graphile, "committed/000001-init.sql"),
        (Layout::Plain, "20270102030405_init.sql"),
    ];
    for (layout, path) in expected {
        assert_eq!(first(layout), path, "{layout}");
    }
}

#[test]
fn names_that_name_nothing_are_refused() {
    let root = fixture("plain");
    let set = load(&root.path().join("migrations"), None).unwrap();
    assert!(matches!(
        next_file(&set, " ---é ", now()),
        Err(NewFileError::EmptyName { .. })
    ));
    assert!(matches!(
        next_file(&set, &"x".repeat(161), now()),
        Err(NewFileError::LongName { length: 161, .. })
    ));
    let escaping = next_file(&set, "../../etc/passwd\nDROP TABLE x; --", now()).unwrap();
    assert_eq!(
        escaping[0].path,
        root.path().join("migrations/011-etc-passwd-drop-table-x.sql")
    );
    assert_eq!(
        escaping[0].contents, "-- ../../etc/passwd DROP TABLE x; --\n\n",
        "one line, and a comment"
    );
}

#[test]
fn writing_never_goes_over_a_file() {
    let root = tempfile::tempdir().unwrap();
    let file = NewFile {
        path: root.path().join("a/b.sql"),
        contents: "one".to_owned(),
        replaces: false,
    };
    file.write().unwrap();
    let other = NewFile {
        contents: "two".to_owned(),
        ..file.clone()
    };
    assert_eq!(other.write().unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(&file.path).unwrap(), "one");
    NewFile {
        replaces: true,
        ..other
    }
    .write()
    .unwrap();
    assert_eq!(fs::read_to_string(&file.path).unwrap(), "two");
}
