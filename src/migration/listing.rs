//! What lies in a folder, with symbolic links followed.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::problem::Problem;

/// One thing in a folder.
#[derive(Debug)]
pub(super) struct Entry {
    /// The last part of the path; bytes that are no UTF-8 are replaced.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// The folder it is in. Paths are put together when they are needed: of ten thousand entries, most need one and some none.
    folder: Arc<Path>,
    /// The name as it is, where it is no UTF-8.
    raw_name: Option<OsString>,
}

/// What a thing in a folder is, behind any symbolic links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A device, a pipe, a socket.
    Special,
    /// A link that leads nowhere, or something the operating system does not let us look at.
    Broken(Problem),
    /// Something that is wrong whatever its name: a link that leads back to itself or to a folder it is in, a folder that cannot
    /// be read.
    Wrong(Problem),
}

impl Entry {
    /// Returns the path, below the folder as it was given.
    pub(super) fn path(&self) -> PathBuf {
        let name = self.raw_name.as_deref().unwrap_or_else(|| self.name.as_ref());
        let mut path = PathBuf::with_capacity(self.folder.as_os_str().len() + 1 + name.len());
        path.push(&self.folder);
        path.push(name);
        path
    }

    /// Tells whether the name is no UTF-8.
    pub(super) fn is_mangled(&self) -> bool {
        self.raw_name.is_some()
    }

    /// Tells whether the name ends like that of a script.
    pub(super) fn is_sql(&self) -> bool {
        let extension = self.name.rsplit_once('.').map(|(_, extension)| extension);
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case("sql")) && !self.is_hidden()
    }

    /// Tells whether the name begins with a dot.
    pub(super) fn is_hidden(&self) -> bool {
        self.name.starts_with('.')
    }
}

/// Returns what lies directly in `dir`, in no order.
///
/// # Errors
/// `dir` is not there, is no folder, or cannot be read. A single thing in it that cannot be looked at is an [`Entry`] that says so.
pub(super) fn list(dir: &Path) -> Result<Vec<Entry>, Problem> {
    let reader = fs::read_dir(dir).map_err(|error| folder_problem(dir, &error))?;
    let folder: Arc<Path> = dir.into();
    let mut entries = Vec::new();
    for entry in reader {
        let entry = entry.map_err(|error| Problem::from_io(dir, &error))?;
        // The type comes with the name, without asking the file system again.
        let kind = match entry.file_type() {
            Ok(kind) if kind.is_file() => EntryKind::File,
            Ok(kind) if kind.is_dir() => EntryKind::Folder,
            Ok(kind) if kind.is_symlink() => behind_link(dir, &entry.path()),
            Ok(_) => EntryKind::Special,
            Err(error) => EntryKind::Broken(Problem::from_io(&entry.path(), &error)),
        };
        let (name, raw_name) = match entry.file_name().into_string() {
            Ok(name) => (name, None),
            Err(raw) => (raw.to_string_lossy().into_owned(), Some(raw)),
        };
        entries.push(Entry {
            name,
            kind,
            folder: Arc::clone(&folder),
            raw_name,
        });
    }
    Ok(entries)
}

/// Adds what lies in the folders among `entries` and below them, in place of these folders; hidden ones stay as they are.
pub(super) fn descend(mut entries: Vec<Entry>) -> Vec<Entry> {
    let mut folders: Vec<PathBuf> = take_folders(&mut entries);
    while let Some(folder) = folders.pop() {
        match list(&folder) {
            Ok(mut inner) => {
                folders.extend(take_folders(&mut inner));
                entries.append(&mut inner);
            }
            Err(problem) => entries.push(Entry {
                name: String::new(),
                kind: EntryKind::Wrong(problem),
                folder: folder.into(),
                raw_name: None,
            }),
        }
    }
    entries
}

/// Takes the folders that are to be gone into out of `entries`.
fn take_folders(entries: &mut Vec<Entry>) -> Vec<PathBuf> {
    let wanted = |entry: &mut Entry| entry.kind == EntryKind::Folder && !entry.is_hidden();
    entries.extract_if(.., wanted).map(|entry| entry.path()).collect()
}

fn folder_problem(dir: &Path, error: &io::Error) -> Problem {
    match error.kind() {
        // A link that leads nowhere is there; it is what it leads to that is missing.
        io::ErrorKind::NotFound if fs::symlink_metadata(dir).is_err() => {
            Problem::DirectoryMissing { path: dir.to_owned() }
        }
        io::ErrorKind::NotADirectory => Problem::NoDirectory { path: dir.to_owned() },
        _ => Problem::from_io(dir, error),
    }
}

fn behind_link(dir: &Path, path: &Path) -> EntryKind {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => {
            return match Problem::from_io(path, &error) {
                problem @ Problem::SymlinkLoop { .. } => EntryKind::Wrong(problem),
                problem => EntryKind::Broken(problem),
            };
        }
    };
    if metadata.is_file() {
        return EntryKind::File;
    }
    if !metadata.is_dir() {
        return EntryKind::Special;
    }
    match (dir.canonicalize(), path.canonicalize()) {
        (Ok(here), Ok(target)) if here.starts_with(&target) => EntryKind::Wrong(Problem::SymlinkLoop {
            path: path.to_owned(),
            target,
        }),
        _ => EntryKind::Folder,
    }
}
