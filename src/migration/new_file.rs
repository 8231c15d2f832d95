//! The files of a new migration, in the scheme that its folder follows.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::journal::{self, journal_path};
use super::layout::Layout;
use super::scheme;
use super::set::{Migration, Set};
use super::version::{Version, VersionError};

/// A file that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Where it goes.
    pub path: PathBuf,
    /// What is in it.
    pub contents: String,
    /// Whether the file is there already and gets new contents: Drizzle's journal. Any other file must not be there.
    pub replaces: bool,
}

/// Why no migration can be made.
#[derive(Debug, thiserror::Error)]
pub enum NewFileError {
    /// The name has no letter or digit that can be part of a file name.
    #[error("`{name}` has no ASCII letter or digit to name a file by")]
    EmptyName {
        /// The name given.
        name: String,
    },
    /// The name is longer than file names may be.
    #[error("the name has {length} characters, at most {limit} fit into a file name")]
    LongName {
        /// How long it is.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
    /// There is a file where the new one would go.
    #[error("{}: exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// No version sorts behind the newest one.
    #[error("no version follows {newest} in the scheme of this folder")]
    NoVersionLeft {
        /// The newest version.
        newest: Version,
    },
    /// What would follow cannot be read as a version.
    #[error(transparent)]
    NoVersion(#[from] VersionError),
    /// The layout's own tool chains its files or lists them elsewhere, so that one cannot be put behind another.
    #[error(
        "files of the {layout} layout cannot be put behind each other by rlsctl: its own tool keeps a list or a chain of them"
    )]
    Chained {
        /// The layout.
        layout: Layout,
    },
    /// Drizzle's journal cannot be read or extended.
    #[error("{}: {reason}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// File systems allow 255 bytes; the version, the suffix and a temporary name need some of them.
const LONGEST_NAME: usize = 160;

impl NewFile {
    pub(super) fn new(path: PathBuf, contents: impl Into<String>) -> Self {
        Self {
            path,
            contents: contents.into(),
            replaces: false,
        }
    }

    /// Writes the file, and the folders above it. A file that must not be there is never written over, also if it appears meanwhile.
    ///
    /// # Errors
    /// The file is there, or cannot be written.
    pub fn write(&self) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or_else(|| Path::new("."));
        fs_err::create_dir_all(folder)?;
        if self.replaces {
            let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
            temporary.write_all(self.contents.as_bytes())?;
            temporary
                .as_file()
                .set_permissions(fs_err::metadata(&self.path)?.permissions())?;
            temporary.persist(&self.path).map_err(|error| error.error)?;
            return Ok(());
        }
        // Whole or not at all: half a migration would be applied as if it were one.
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut temporary = builder.tempfile_in(folder)?;
        temporary.write_all(self.contents.as_bytes())?;
        temporary.persist_noclobber(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Returns the files of a new migration called `name` (`rlsctl new`), in the scheme that the folder follows: time stamps or numbers,
/// pairs where it has pairs, folders where each migration is one. Nothing is written.
///
/// `now` is the time that a time stamp says.
///
/// # Errors
/// The name cannot name a file, a file is in the way, or Drizzle's journal cannot be extended.
pub fn next_file(set: &Set, name: &str, now: Timestamp) -> Result<Vec<NewFile>, NewFileError> {
    let slug = slug(name)?;
    let newest = set.migrations.last();
    let version = match newest {
        Some(newest) => scheme::after(&newest.version, now).ok_or_else(|| NewFileError::NoVersionLeft {
            newest: newest.version.clone(),
        })?,
        None => scheme::first(set.layout, now),
    };
    let files = files(set, &version, &slug, name, now)?;
    match occupied(&files) {
        Some(path) => Err(NewFileError::Exists { path }),
        None => Ok(files),
    }
}

/// Tells whether a file takes back what another one does.
pub(super) fn is_down(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    name.is_some_and(|name| name == "down.sql" || name.ends_with(".down.sql"))
}

/// Returns a file that is in the way.
pub(super) fn occupied(files: &[NewFile]) -> Option<PathBuf> {
    let is_there = |file: &&NewFile| !file.replaces && fs::symlink_metadata(&file.path).is_ok();
    files.iter().find(is_there).map(|file| file.path.clone())
}

/// Returns the files of a migration of this version and name.
pub(super) fn files(
    set: &Set,
    version: &str,
    slug: &str,
    name: &str,
    now: Timestamp,
) -> Result<Vec<NewFile>, NewFileError> {
    Ok(match set.layout {
        Layout::Supabase | Layout::Plain => single(set, version, slug, name),
        Layout::Sqlx => sqlx(set, version, slug, name),
        Layout::GolangMigrate => pair(set, version, slug, name),
        Layout::Dbmate => vec![file(
            set,
            &format!("{version}_{slug}.sql"),
            "-- migrate:up\n\n\n-- migrate:down\n\n".into(),
        )],
        Layout::Goose => vec![file(
            set,
            &format!("{version}_{slug}.sql"),
            "-- +goose Up\n\n\n-- +goose Down\n\n".into(),
        )],
        Layout::Flyway | Layout::Refinery => {
            vec![beside(set, &format!("V{version}__{slug}.sql"), header(name))]
        }
        Layout::Diesel => diesel(set, version, slug, name),
        Layout::Prisma => vec![file(set, &format!("{version}_{slug}/migration.sql"), header(name))],
        Layout::Drizzle => drizzle(set, version, slug, name, now)?,
        Layout::Graphile => vec![graphile(set, version, slug, name)],
    })
}

/// Lowercase ASCII letters and digits, with `_` for everything between them.
pub(super) fn slug(name: &str) -> Result<String, NewFileError> {
    let mut slug = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('_') {
            slug.push('_');
        }
    }
    slug.truncate(slug.trim_end_matches('_').len());
    if slug.is_empty() {
        return Err(NewFileError::EmptyName { name: name.to_owned() });
    }
    if slug.len() > LONGEST_NAME {
        return Err(NewFileError::LongName {
            length: slug.len(),
            limit: LONGEST_NAME,
        });
    }
    Ok(slug)
}

/// The name as the user gave it, on one line, so that it can stand in a comment.
fn header(name: &str) -> String {
    let line: Vec<&str> = name
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    format!("-- {}\n\n", line.join(" "))
}

fn file(set: &Set, name: &str, contents: String) -> NewFile {
    NewFile::new(set.dir.join(name), contents)
}

/// A file in the folder where the newest migration is: recursive layouts may have one folder a year.
fn beside(set: &Set, name: &str, contents: String) -> NewFile {
    let newest = set.migrations.last().and_then(|newest| newest.path.parent());
    NewFile::new(newest.unwrap_or(&set.dir).join(name), contents)
}

fn single(set: &Set, version: &str, slug: &str, name: &str) -> Vec<NewFile> {
    if has_halves(set) {
        return pair(set, version, slug, name);
    }
    // Plain folders have `001-name.sql` as often as `001_name.sql`.
    let dashed = |newest: &Migration| {
        let rest = newest.file_name();
        rest.strip_prefix(newest.version.as_str())
            .is_some_and(|rest| rest.starts_with('-'))
    };
    if set.layout == Layout::Plain && set.migrations.last().is_some_and(dashed) {
        return vec![file(
            set,
            &format!("{version}-{}.sql", slug.replace('_', "-")),
            header(name),
        )];
    }
    vec![file(set, &format!("{version}_{slug}.sql"), header(name))]
}

/// Tells whether the newest migration is the up half of a pair.
fn has_halves(set: &Set) -> bool {
    set.migrations
        .last()
        .is_some_and(|newest| newest.file_name().ends_with(".up.sql"))
}

fn sqlx(set: &Set, version: &str, slug: &str, name: &str) -> Vec<NewFile> {
    if has_halves(set) {
        pair(set, version, slug, name)
    } else {
        vec![file(set, &format!("{version}_{slug}.sql"), header(name))]
    }
}

fn pair(set: &Set, version: &str, slug: &str, name: &str) -> Vec<NewFile> {
    ["up", "down"]
        .map(|half| file(set, &format!("{version}_{slug}.{half}.sql"), header(name)))
        .into()
}

/// Diesel's own tool writes `2026-11-21-070809-0000_name`; older folders have no dashes, or no digits behind the second.
fn diesel(set: &Set, version: &str, slug: &str, name: &str) -> Vec<NewFile> {
    let dashed = set
        .migrations
        .last()
        .is_none_or(|newest| newest.file_name().split('_').next().is_some_and(|v| v.contains('-')));
    let version = match (dashed, version.len()) {
        (true, 14 | 18) => {
            let fraction = version
                .get(14..)
                .filter(|rest| !rest.is_empty())
                .map(|rest| format!("-{rest}"))
                .unwrap_or_default();
            format!(
                "{}-{}-{}-{}{fraction}",
                &version[..4],
                &version[4..6],
                &version[6..8],
                &version[8..14]
            )
        }
        _ => version.to_owned(),
    };
    ["up", "down"]
        .map(|half| file(set, &format!("{version}_{slug}/{half}.sql"), header(name)))
        .into()
}

/// graphile-migrate chains its files by hashes of their text. The text is not written yet, so the header says that the hash is not
/// to be checked, in the way that its own projects do; the value only has to be one of a kind.
fn graphile(set: &Set, version: &str, slug: &str, name: &str) -> NewFile {
    let previous = set
        .migrations
        .last()
        .and_then(|newest| graphile_hash(&newest.path))
        .unwrap_or_else(|| "-".to_owned());
    let unique = super::Checksum::of(format!("{previous} {version} {slug}").as_bytes()).to_string();
    let message = header(name);
    let message = message.trim_start_matches("-- ").trim_end();
    let hash = unique.get(..40).unwrap_or(&unique);
    let contents =
        format!("--! AllowInvalidHash\n--! Previous: {previous}\n--! Hash: sha1:{hash}\n--! Message: {message}\n\n");
    let file_name = format!("{version}-{}.sql", slug.replace('_', "-"));
    let newest = set
        .migrations
        .last()
        .and_then(|newest| newest.path.parent().map(Path::to_owned));
    let is_committed = set.dir.file_name().is_some_and(|name| name == "committed");
    let folder = newest.unwrap_or_else(|| {
        if is_committed {
            set.dir.clone()
        } else {
            set.dir.join("committed")
        }
    });
    NewFile::new(folder.join(file_name), contents)
}

fn graphile_hash(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let header = text.split('\n').take_while(|line| line.starts_with("--!"));
    header
        .filter_map(|line| line.strip_prefix("--! Hash:"))
        .map(|hash| hash.trim().to_owned())
        .next()
}

fn drizzle(set: &Set, version: &str, slug: &str, name: &str, now: Timestamp) -> Result<Vec<NewFile>, NewFileError> {
    let path = journal_path(&set.dir);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(vec![file(
                set,
                &format!("{version}_{slug}/migration.sql"),
                header(name),
            )]);
        }
        Err(error) => {
            return Err(NewFileError::Journal {
                path,
                reason: error.to_string(),
            });
        }
    };
    // The first file of a journal has the number 0, whatever an empty folder of other layouts begins with.
    let tag = if set.migrations.is_empty() {
        format!("0000_{slug}")
    } else {
        format!("{version}_{slug}")
    };
    let contents = journal::extend(&text, &tag, now).map_err(|reason| NewFileError::Journal {
        path: path.clone(),
        reason,
    })?;
    let journal = NewFile {
        path,
        contents,
        replaces: true,
    };
    Ok(vec![file(set, &format!("{tag}.sql"), header(name)), journal])
}
