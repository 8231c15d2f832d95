//! A project folder for one test.

use std::path::{Path, PathBuf};

use fs_err as fs;
use tempfile::TempDir;

use super::db::TestDb;
use super::rlsctl::Rlsctl;

/// A temporary folder with a project in it, and beside it an empty home. Gone at the test's end.
#[derive(Debug)]
pub(crate) struct Project {
    temp: TempDir,
}

impl Project {
    /// Makes an empty one.
    pub(crate) fn new() -> Self {
        let temp = tempfile::Builder::new()
            .prefix("rlsctl-test-")
            .tempdir()
            .expect("a temporary folder");
        fs::create_dir(temp.path().join("project")).expect("a project folder");
        fs::create_dir(temp.path().join("home")).expect("a home folder");
        Self { temp }
    }

    /// Returns the project's folder.
    pub(crate) fn path(&self) -> PathBuf {
        self.temp.path().join("project")
    }

    /// Returns the home folder, in which `.pgpass` and `.pg_service.conf` are looked for.
    pub(crate) fn home(&self) -> PathBuf {
        self.temp.path().join("home")
    }

    /// Writes a file, making the folders above it.
    pub(crate) fn file(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a file of the project")).expect("folders");
        fs::write(path, content).expect("a file");
        self
    }

    /// Writes `migrations/NAME`.
    pub(crate) fn migration(&self, name: &str, sql: impl AsRef<[u8]>) -> &Self {
        self.file(Path::new("migrations").join(name), sql)
    }

    /// Writes the generated migrations numbered `numbers`, see [`super::generate`].
    pub(crate) fn generated(&self, numbers: std::ops::RangeInclusive<usize>) -> &Self {
        for migration in numbers.map(super::generate::migration) {
            self.migration(&migration.file_name, &migration.sql);
        }
        self
    }

    /// Copies a folder of this repository, such as `fixtures/demo/migrations`, to a folder of the project.
    pub(crate) fn copy(&self, from: &str, to: &str) -> &Self {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(from);
        for entry in walkdir::WalkDir::new(&from)
            .into_iter()
            .map(|entry| entry.expect("a readable fixture"))
        {
            if entry.file_type().is_file() {
                let below = entry.path().strip_prefix(&from).expect("below the folder");
                self.file(
                    Path::new(to).join(below),
                    fs::read(entry.path()).expect("a readable fixture"),
                );
            }
        }
        self
    }

    /// Removes a file.
    pub(crate) fn remove(&self, path: impl AsRef<Path>) -> &Self {
        fs::remove_file(self.path().join(path)).expect("a file to remove");
        self
    }

    /// Writes `rlsctl.toml`.
    pub(crate) fn config(&self, toml: &str) -> &Self {
        self.file("rlsctl.toml", toml)
    }

    /// Returns a file's text.
    pub(crate) fn read(&self, path: impl AsRef<Path>) -> String {
        fs::read_to_string(self.path().join(path)).expect("a file of the project")
    }

    /// Prepares a run of rlsctl in the project's folder, without a database.
    pub(crate) fn rlsctl(&self, args: &[&str]) -> Rlsctl {
        Rlsctl::new(env!("CARGO_BIN_EXE_rlsctl"), self, args)
    }

    /// Prepares a run on a database, which the binary finds as a deployment does: in `DATABASE_URL`.
    pub(crate) fn on(&self, db: &TestDb, args: &[&str]) -> Rlsctl {
        self.rlsctl(args).env("DATABASE_URL", db.url())
    }
}

#[test]
fn a_project_is_written_copied_and_goes() {
    let project = Project::new();
    project
        .migration("1_a.sql", "select 1;")
        .generated(2..=3)
        .config("[migrations]\n");
    assert_eq!(project.read("migrations/1_a.sql"), "select 1;");
    assert_eq!(fs::read_dir(project.path().join("migrations")).unwrap().count(), 3);
    project.remove("migrations/1_a.sql").copy("tests/support", "there");
    assert!(project.path().join("there/project.rs").exists());
    let path = project.path();
    drop(project);
    assert!(!path.exists());
}
