//! What lies in a folder, with symbolic links followed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::problem::Problem;

/// One thing in a folder.
#[derive(Debug)]
pub(super) struct Entry {
    /// The last part of the path; bytes that are no UTF-8 are replaced.
    pub name: String,
    /// The path, below the folder as it was given.
    pub path: PathBuf,
    /// What it is.
    pub kind: EntryKind,
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
    /// A link that leads back to itself, or to a folder that it is in.
    Loop(Problem),
}

impl Entry {
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
    let mut entries = Vec::new();
    for entry in reader {
        let entry = entry.map_err(|error| Problem::from_io(dir, &error))?;
        let path = entry.path();
        // The type comes with the name, without asking the file system again.
        let kind = match entry.file_type() {
            Ok(kind) if kind.is_file() => EntryKind::File,
            Ok(kind) if kind.is_dir() => EntryKind::Folder,
            Ok(kind) if kind.is_symlink() => behind_link(dir, &path),
            Ok(_) => EntryKind::Special,
            Err(error) => EntryKind::Broken(Problem::from_io(&path, &error)),
        };
        let name = entry.file_name();
        let name = name
            .into_string()
            .unwrap_or_else(|name| name.to_string_lossy().into_owned());
        entries.push(Entry { name, path, kind });
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
            Err(problem) => {
                let name = folder
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default();
                entries.push(Entry {
                    name,
                    path: folder,
                    kind: EntryKind::Broken(problem),
                });
            }
        }
    }
    entries
}

/// Takes the folders that are to be gone into out of `entries`.
fn take_folders(entries: &mut Vec<Entry>) -> Vec<PathBuf> {
    let wanted = |entry: &mut Entry| entry.kind == EntryKind::Folder && !entry.is_hidden();
    entries.extract_if(.., wanted).map(|entry| entry.path).collect()
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
                problem @ Problem::SymlinkLoop { .. } => EntryKind::Loop(problem),
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
        (Ok(here), Ok(target)) if here.starts_with(&target) => EntryKind::Loop(Problem::SymlinkLoop {
            path: path.to_owned(),
            target,
        }),
        _ => EntryKind::Folder,
    }
}
