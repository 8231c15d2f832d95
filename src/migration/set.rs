//! A folder of migrations that has been read and found in order.

use std::path::{Path, PathBuf};

use super::checksum::{Checksum, Head};
use super::inspect;
use super::layout::Layout;
use super::part::Part;
use super::problem::Problem;
use super::text::Text;
use super::version::Version;

/// One migration on disk. The text is not kept: ten thousand of them have to fit into a few megabytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Where it stands in the order.
    pub version: Version,
    /// What the name says behind the version, as written; may be empty.
    pub name: String,
    /// The file that holds the script.
    pub path: PathBuf,
    /// The checksum of the script as it was when the folder was loaded.
    pub checksum: Checksum,
    pub(super) part: Part,
}

/// A script could not be read again, or is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The file changed since the folder was loaded.
    #[error("{}: changed while rlsctl was running (checksum {} before, {} now)", path.display(), before.short(), now.short())]
    Changed {
        /// The file.
        path: PathBuf,
        /// The checksum when the folder was loaded.
        before: Checksum,
        /// The checksum now.
        now: Checksum,
    },
    /// The file is gone, or its text has become something that cannot be run.
    #[error("{}", .0.iter().map(Problem::message).collect::<Vec<_>>().join("; "))]
    Problems(Vec<Problem>),
}

impl Migration {
    /// Returns a migration whose file is not there yet: it has a place in the order, and nothing else is known of it.
    pub(super) fn placed(version: Version, path: PathBuf) -> Self {
        Self {
            version,
            name: String::new(),
            path,
            checksum: Checksum::of_pieces([]),
            part: Part::Whole,
        }
    }

    /// Reads the script: no byte-order mark, LF line ends, only the part that is to be run.
    ///
    /// # Errors
    /// The file cannot be read, or its checksum is not [`Self::checksum`] any more.
    pub fn read(&self) -> Result<Text, ReadError> {
        let text = inspect::read_text(&self.path, self.part).map_err(ReadError::Problems)?;
        let now = text.checksum();
        if now == self.checksum {
            Ok(text)
        } else {
            Err(ReadError::Changed {
                path: self.path.clone(),
                before: self.checksum,
                now,
            })
        }
    }

    /// Returns the file's name, or folder and name where the layout keeps each migration in a folder of its own.
    pub fn file_name(&self) -> String {
        let name = |path: &Path| {
            path.file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        let file = name(&self.path);
        match self.path.parent() {
            Some(folder) if file == "up.sql" || file == "migration.sql" => format!("{}/{file}", name(folder)),
            _ => file,
        }
    }
}

/// The migrations of a folder, and what else lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// How the folder is laid out.
    pub layout: Layout,
    /// What spoke for that layout.
    pub why: String,
    /// The folder, as it was given.
    pub dir: PathBuf,
    /// The migrations, in version order; no two have the same version.
    pub migrations: Vec<Migration>,
    /// Scripts that their tool runs again and again: Flyway's `R__` files and callbacks. Never run.
    pub repeatables: Vec<PathBuf>,
    /// Scripts that take migrations back: down halves that are files of their own, and Flyway's `U` files. Never run.
    pub downs: Vec<PathBuf>,
    /// Flyway's `B` files whose versions are all here as migrations. Never run.
    pub baselines: Vec<PathBuf>,
    /// Everything else in the folder that is not hidden.
    pub ignored: Vec<PathBuf>,
}

impl Set {
    /// Returns the migration with this version.
    pub fn get(&self, version: &Version) -> Option<&Migration> {
        let found = self
            .migrations
            .binary_search_by(|migration| migration.version.cmp(version));
        found.ok().and_then(|index| self.migrations.get(index))
    }

    /// Returns the head that a database has when all of these and nothing else are applied.
    pub fn head(&self) -> Head {
        Head::of(
            self.migrations
                .iter()
                .map(|migration| (&migration.version, &migration.checksum)),
        )
    }
}
