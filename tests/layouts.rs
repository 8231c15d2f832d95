//! The trees under `fixtures/layouts`: what each layout takes for a migration, in which order, and what is wrong with broken ones.

use std::path::{Path, PathBuf};

use fs_err as fs;
use rlsctl::migration::{Checksum, Layout, Problem, ReadError, Set, detect, find, load};
use tempfile::TempDir;

/// A copy of a tree, so that nothing around the repository speaks for a layout.
pub(crate) fn fixture(name: &str) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/layouts")
        .join(name);
    for entry in walkdir::WalkDir::new(&from) {
        let entry = entry.unwrap();
        let to = root.path().join(entry.path().strip_prefix(&from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(to).unwrap();
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
    root
}

/// Paths below `root`, with `/` between the parts.
fn below(root: &Path, paths: &[PathBuf]) -> Vec<String> {
    let short = |path: &PathBuf| path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
    paths.iter().map(short).collect()
}

/// A loaded set in lines: migrations as `version name file`, then what was set aside.
fn describe(root: &Path, set: &Set) -> Vec<String> {
    let line = |migration: &rlsctl::migration::Migration| {
        format!(
            "{} [{}] {}",
            migration.version,
            migration.name,
            below(&set.dir, std::slice::from_ref(&migration.path))[0]
        )
    };
    let mut lines: Vec<String> = set.migrations.iter().map(line).collect();
    let aside = [
        ("repeat", &set.repeatables),
        ("down", &set.downs),
        ("base", &set.baselines),
        ("ignored", &set.ignored),
    ];
    for (word, paths) in aside {
        lines.extend(below(&set.dir, paths).into_iter().map(|path| format!("{word} {path}")));
    }
    assert!(set.dir.starts_with(root));
    lines
}

fn check(name: &str, dir: &str, layout: Layout, expected: &[&str]) {
    let root = fixture(name);
    let dir = root.path().join(dir);
    let set = load(&dir, None).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(set.layout, layout, "{}", set.why);
    assert_eq!(describe(root.path(), &set), expected, "{name}");
    assert_eq!(detect(&dir).unwrap().layout, layout);
    assert_eq!(
        load(&dir, Some(layout)).unwrap().migrations,
        set.migrations,
        "the layout by name finds the same"
    );
    for migration in &set.migrations {
        assert_eq!(migration.read().unwrap().checksum(), migration.checksum);
        assert_eq!(set.get(&migration.version), Some(migration));
    }
    let found: Vec<_> = find(root.path())
        .unwrap()
        .into_iter()
        .map(|(path, detected)| (path, detected.layout))
        .collect();
    assert_eq!(found, [(dir, layout)], "what `init` finds");
}

#[test]
fn supabase() {
    check(
        "supabase",
        "supabase/migrations",
        Layout::Supabase,
        &[
            "20240115093000 [tenants] 20240115093000_tenants.sql",
            "20240116101500 [projects] 20240116101500_projects.sql",
            "20240301120000 [rls-projects] 20240301120000_rls-projects.sql",
            "ignored 20240301120000_rls-projects.sql.orig",
            "ignored README.md",
            "ignored seed.sql",
        ],
    );
}

#[test]
fn supabase_passes_over_the_init_of_early_releases() {
    check(
        "supabase-old-init",
        "supabase/migrations",
        Layout::Supabase,
        &[
            "20240115093000 [tenants] 20240115093000_tenants.sql",
            "ignored 20210801000000_init.sql",
        ],
    );
}

#[test]
fn sqlx() {
    check(
        "sqlx",
        "migrations",
        Layout::Sqlx,
        &[
            "9 [tenants] 9_tenants.sql",
            "10 [projects] 10_projects.up.sql",
            "11 [projects_index] 11_projects_index.sql",
            "down 10_projects.down.sql",
        ],
    );
}

#[test]
fn dbmate() {
    check(
        "dbmate",
        "db/migrations",
        Layout::Dbmate,
        &[
            "20240115093000 [tenants] 20240115093000_tenants.sql",
            "20240116101500 [projects] 20240116101500_projects.sql",
            "20240117080000 [index] 20240117080000_index.sql",
        ],
    );
}

#[test]
fn dbmate_runs_up_parts_only_and_keeps_their_lines() {
    let root = fixture("dbmate");
    let set = load(&root.path().join("db/migrations"), None).unwrap();
    let text = set.migrations[1].read().unwrap();
    assert!(text.as_str().starts_with("CREATE TABLE projects"));
    assert!(
        !text.as_str().contains("DROP") && !text.as_str().contains("DISABLE") && !text.as_str().contains("migrate:")
    );
    let line = |needle: &str| text.position(text.as_str().find(needle).unwrap()).line;
    let file = fs::read_to_string(&set.migrations[1].path).unwrap();
    for needle in ["CREATE TABLE projects", "title text", "CREATE POLICY"] {
        let expected = 1 + file[..file.find(needle).unwrap()].matches('\n').count();
        assert_eq!(line(needle), expected, "{needle}");
    }
}

#[test]
fn goose() {
    check(
        "goose",
        "migrations",
        Layout::Goose,
        &[
            "00001 [tenants] 00001_tenants.sql",
            "00002 [projects] 00002_projects.sql",
            "00010 [index] 00010_index.sql",
            "ignored embed.go",
        ],
    );
    let root = fixture("goose");
    let set = load(&root.path().join("migrations"), None).unwrap();
    let texts: Vec<_> = set
        .migrations
        .iter()
        .map(|migration| migration.read().unwrap())
        .collect();
    assert!(texts.iter().all(|text| !text.as_str().contains("DROP")));
    assert_eq!(texts[2].first_line(), 3);
}

#[test]
fn flyway() {
    check(
        "flyway",
        "src/main/resources/db/migration",
        Layout::Flyway,
        &[
            "1 [tenants] V1__tenants.sql",
            "1.9 [projects] V1.9__projects.sql",
            "1.10 [rls] V1.10__rls.sql",
            "2_1 [index] 2024/V2_1__index.sql",
            "repeat R__project_overview.sql",
            "repeat afterMigrate.sql",
            "down U1.10__rls.sql",
            "base B1.10__base.sql",
            "ignored 2024/V2_1__index.sql.conf",
        ],
    );
}

#[test]
fn refinery_applies_unversioned_migrations() {
    check(
        "refinery",
        "migrations",
        Layout::Refinery,
        &[
            "1 [tenants] V1__tenants.sql",
            "2 [projects] V2__projects.sql",
            "3 [rls] U3__rls.sql",
            "10 [index] V10__index.sql",
            "ignored mod.rs",
        ],
    );
}

#[test]
fn diesel() {
    check(
        "diesel",
        "migrations",
        Layout::Diesel,
        &[
            "00000000000000 [diesel_initial_setup] 00000000000000_diesel_initial_setup/up.sql",
            "20240115093000 [tenants] 20240115093000_tenants/up.sql",
            "202511190914440000 [projects] 2025-11-19-091444-0000_projects/up.sql",
            "20260527120000 [rls-on-projects] 2026-05-27-120000_rls-on-projects/up.sql",
            "202605271200000000 [index] 2026-05-27-120000-0000_index/up.sql",
            "down 00000000000000_diesel_initial_setup/down.sql",
            "down 20240115093000_tenants/down.sql",
            "down 2025-11-19-091444-0000_projects/down.sql",
            "down 2026-05-27-120000-0000_index/down.sql",
            "down 2026-05-27-120000_rls-on-projects/down.sql",
            "ignored README.md",
            "ignored repair_tenants.sql",
        ],
    );
}

#[test]
fn golang_migrate() {
    check(
        "golang-migrate",
        "db/migrations",
        Layout::GolangMigrate,
        &[
            "000001 [tenants] 000001_tenants.up.sql",
            "000002 [projects] 000002_projects.up.sql",
            "000010 [rls] 000010_rls.up.sql",
            "down 000001_tenants.down.sql",
            "down 000002_projects.down.sql",
            "down 000010_rls.down.sql",
        ],
    );
}

#[test]
fn prisma_tells_migrations_of_one_second_apart_by_name() {
    check(
        "prisma",
        "prisma/migrations",
        Layout::Prisma,
        &[
            "0_init [init] 0_init/migration.sql",
            "20240115093000_projects [projects] 20240115093000_projects/migration.sql",
            "20240115093000_projects copy [projects copy] 20240115093000_projects copy/migration.sql",
            "20240116101500_rls [rls] 20240116101500_rls/migration.sql",
            "20240116_notes [notes] 20240116_notes/migration.sql",
            "ignored migration_lock.toml",
        ],
    );
}

#[test]
fn drizzle() {
    check(
        "drizzle",
        "drizzle",
        Layout::Drizzle,
        &[
            "0000 [tenants] 0000_tenants.sql",
            "0001 [projects] 0001_projects.sql",
            "ignored meta",
        ],
    );
    check(
        "drizzle-folders",
        "drizzle",
        Layout::Drizzle,
        &[
            "20240115093000 [tenants] 20240115093000_tenants/migration.sql",
            "20240116101500 [projects] 20240116101500_projects/migration.sql",
            "20240117080000 [by_hand] 20240117080000_by_hand/migration.sql",
        ],
    );
}

#[test]
fn graphile() {
    check(
        "graphile",
        "migrations",
        Layout::Graphile,
        &[
            "000001 [tenants] committed/000001-tenants.sql",
            "000002 [] committed/000002.sql",
            "ignored current.sql",
            "ignored fixtures",
        ],
    );
    let root = fixture("graphile");
    let committed = load(&root.path().join("migrations/committed"), None).unwrap();
    assert_eq!(
        (committed.layout, committed.migrations.len()),
        (Layout::Graphile, 2),
        "the folder itself does as well"
    );
}

#[test]
fn plain() {
    check(
        "plain",
        "migrations",
        Layout::Plain,
        &[
            "001 [tenants] 001-tenants.sql",
            "002 [projects] 002-projects.sql",
            "010 [rls] 010-rls.sql",
            "down 002-projects.down.sql",
            "ignored archive",
            "ignored notes.txt",
            "ignored seed.sql",
        ],
    );
}

#[test]
fn forms_that_are_fine() {
    let only = |name: &str| {
        let root = fixture(name);
        let set = load(root.path(), None).unwrap();
        assert_eq!(set.layout, Layout::Plain);
        (set.migrations.first().map(|migration| migration.checksum), set.head())
    };
    let plain =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/layouts/plain/migrations/001-tenants.sql"));
    let plain = Checksum::of(&plain.unwrap());
    assert_eq!(only("crlf").0, Some(plain));
    assert_eq!(only("bom").0, Some(plain));
    assert_eq!(only("crlf").1, only("bom").1);
    assert_eq!(only("empty-file").0, Some(Checksum::of(b"")));
    assert!(only("comments-only").0.is_some());
    assert_eq!(only("empty-directory").0, None);
}

#[test]
fn a_file_that_changes_between_loading_and_running_is_noticed() {
    let root = fixture("plain");
    let set = load(&root.path().join("migrations"), None).unwrap();
    let migration = &set.migrations[0];
    fs::write(&migration.path, "DROP TABLE tenants;\n").unwrap();
    assert!(matches!(migration.read(), Err(ReadError::Changed { before, .. }) if before == migration.checksum));
    fs::remove_file(&migration.path).unwrap();
    assert!(matches!(migration.read(), Err(ReadError::Problems(problems)) if problems.len() == 1));
}

#[test]
fn a_large_folder_is_the_same_on_several_threads() {
    let root = tempfile::tempdir().unwrap();
    for number in 1..=700 {
        fs::write(
            root.path().join(format!("{number}_step.sql")),
            format!("SELECT {number};\n"),
        )
        .unwrap();
    }
    let set = load(root.path(), None).unwrap();
    let versions: Vec<_> = set
        .migrations
        .iter()
        .map(|migration| migration.version.to_string())
        .collect();
    assert_eq!(versions, (1..=700).map(|number| number.to_string()).collect::<Vec<_>>());
    for (number, migration) in (1..).zip(&set.migrations) {
        assert_eq!(
            migration.checksum,
            Checksum::of(format!("SELECT {number};\n").as_bytes()),
            "{number}"
        );
    }
    // A problem in the last chunk and one in the first are both told.
    fs::write(root.path().join("1_step.sql"), b"\0").unwrap();
    fs::write(root.path().join("700_step.sql"), b"\xFF").unwrap();
    let codes: Vec<_> = load(root.path(), None).unwrap_err().iter().map(Problem::code).collect();
    assert_eq!(codes, ["files.nul-byte", "files.not-utf8"]);
}
