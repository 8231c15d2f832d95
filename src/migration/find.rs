//! Looks for migrations in a project.

use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::detect::{Detected, detect_in};
use super::layout::Layout;
use super::listing::{EntryKind, list};
use super::name::{is_migration, is_seed};
use super::problem::Problem;

/// Where tools put their migrations unless told otherwise.
const USUAL: [&str; 18] = [
    "supabase/migrations",
    "migrations",
    "db/migrations",
    "db/migrate",
    "db/migration",
    "database/migrations",
    "prisma/migrations",
    "drizzle",
    "drizzle/migrations",
    "src/main/resources/db/migration",
    "internal/db/migrations",
    "internal/migrations",
    "sql/migrations",
    "schema/migrations",
    "schemas/migrations",
    "migrations/committed",
    "migration",
    "sql",
];

/// Words that a folder of migrations has in its name where it is none of the usual ones.
const WORDS: [&str; 3] = ["migration", "migrate", "drizzle"];

/// Folders that hold other people's files or what a build leaves behind.
const SKIPPED: [&str; 10] = [
    "target",
    "node_modules",
    "vendor",
    "dist",
    "build",
    "out",
    "venv",
    "__pycache__",
    "testdata",
    "fixtures",
];

/// What takes migrations back is kept beside them, and is none.
const UNDO: &str = ".undo";

/// A project may keep its migrations this many folders down, as a workspace of packages does.
const DEPTH: usize = 7;

/// Finds the folders of migrations in a project, those in the usual places first.
///
/// Only folders that hold migrations of a layout are returned; none is returned for a folder inside another one. What cannot be
/// read on the way is passed over, since it is the project that is looked at and not a folder that somebody named.
///
/// # Errors
/// `root` itself cannot be read; or the only migrations are in a folder that may be of several layouts.
pub fn find(root: &Path) -> Result<Vec<(PathBuf, Detected)>, Problem> {
    list(root)?;
    let mut found: Vec<(PathBuf, Detected)> = Vec::new();
    let mut unclear = None;
    let usual = USUAL.iter().map(|path| root.join(path)).filter(|path| path.is_dir());
    let others = WalkDir::new(root)
        .max_depth(DEPTH)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(is_worth_a_look);
    let others = others
        .filter_map(Result::ok)
        .filter(is_named_so)
        .map(DirEntry::into_path);
    for dir in usual.chain(others) {
        let is_new = !found
            .iter()
            .any(|(known, _)| dir.starts_with(known) || known.starts_with(&dir));
        if !is_new {
            continue;
        }
        match migrations_in(&dir) {
            Ok(Some(detected)) => found.push((dir, detected)),
            Err(problem @ Problem::AmbiguousLayout { .. }) => unclear = unclear.or(Some(problem)),
            Ok(None) | Err(_) => {}
        }
    }
    match unclear {
        Some(problem) if found.is_empty() => Err(problem),
        _ => Ok(found),
    }
}

fn is_worth_a_look(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    let is_folder = entry.file_type().is_dir();
    let is_left_out = name.starts_with('.') || name.ends_with(UNDO) || SKIPPED.contains(&name.as_ref());
    is_folder && (entry.depth() == 0 || !is_left_out)
}

fn is_named_so(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy().to_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// Returns the layout of a folder, if there is anything in it that is a migration.
fn migrations_in(dir: &Path) -> Result<Option<Detected>, Problem> {
    let entries = list(dir)?;
    let detected = detect_in(dir, &entries)?;
    let layout = detected.layout;
    let is_file = |name: &str| match layout {
        // A folder called `sql` is full of scripts that are no migrations; one number among them does not make it so.
        Layout::Plain => entries
            .iter()
            .filter(|entry| entry.is_sql() && !is_seed(&entry.name))
            .all(|entry| is_migration(layout, &entry.name)),
        _ => is_migration(layout, name),
    };
    let holds_files = entries
        .iter()
        .any(|entry| entry.kind == EntryKind::File && entry.is_sql() && is_file(&entry.name));
    let holds_folders = matches!(
        layout,
        Layout::Diesel | Layout::Prisma | Layout::Drizzle | Layout::Graphile | Layout::Flyway | Layout::Refinery
    ) && entries
        .iter()
        .any(|entry| entry.kind == EntryKind::Folder && !entry.is_hidden());
    Ok((holds_files || holds_folders).then_some(detected))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let root = project(files);
        let name = |(path, detected): (PathBuf, Detected)| {
            format!(
                "{} {}",
                path.strip_prefix(root.path()).unwrap().display(),
                detected.layout
            )
        };
        find(root.path()).unwrap().into_iter().map(name).collect()
    }

    #[test]
    fn finds_migrations_in_a_project() {
        let files = [
            ("supabase/migrations/20240101000000_a.sql", ""),
            ("services/billing/prisma/migrations/20240101000000_a/migration.sql", ""),
            ("services/web/drizzle/meta/_journal.json", "{}"),
            ("java/src/main/resources/db/migration/V1__a.sql", ""),
            ("node_modules/x/migrations/001_a.sql", ""),
            ("target/migrations/001_a.sql", ""),
            (".cache/migrations/001_a.sql", ""),
            ("docs/migration/guide.md", ""),
            ("empty/migrations/README.md", ""),
            ("sql/report.sql", ""),
            ("sql/2024_report.sql", ""),
        ];
        assert_eq!(
            found(&files),
            [
                "supabase/migrations supabase",
                "java/src/main/resources/db/migration flyway",
                "services/billing/prisma/migrations prisma",
                "services/web/drizzle drizzle",
            ]
        );
    }

    #[test]
    fn a_folder_inside_another_is_not_found_again() {
        let files = [
            (
                "migrations/committed/000001.sql",
                "--! Previous: -\n--! Hash: sha1:0\n\n",
            ),
            ("migrations/current.sql", ""),
            ("sql/001_a.sql", ""),
            ("sql/002_b.sql", ""),
        ];
        assert_eq!(found(&files), ["migrations graphile", "sql plain"]);
    }

    #[test]
    fn an_unclear_layout_is_reported_where_nothing_else_is_found() {
        let root = project(&[("migrations/V1__a.sql", ""), ("migrations/U1__a.sql", "")]);
        assert!(matches!(find(root.path()), Err(Problem::AmbiguousLayout { .. })));
    }

    #[test]
    fn a_root_that_is_not_there_is_a_problem() {
        let root = tempfile::tempdir().unwrap();
        let missing = root.path().join("missing");
        assert_eq!(find(&missing), Err(Problem::DirectoryMissing { path: missing }));
    }
}
