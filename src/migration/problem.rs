//! What can be wrong with a folder of migrations. All of it is found before anything runs.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::layout::Layout;
use super::version::Version;

/// One thing that is wrong with the files of a migrations folder. The message names every file concerned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The folder does not exist.
    #[error("{}: no such directory", path.display())]
    DirectoryMissing {
        /// The folder asked for.
        path: PathBuf,
    },
    /// The path leads to something that is no folder.
    #[error("{}: is not a directory", path.display())]
    NoDirectory {
        /// The path asked for.
        path: PathBuf,
    },
    /// A file or folder could not be read.
    #[error("{}: cannot be read: {}", path.display(), io_words(*kind))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        kind: io::ErrorKind,
    },
    /// A name that ought to be a migration's is a device, a pipe, a socket or a folder.
    #[error("{}: is not a regular file", path.display())]
    NotAFile {
        /// The path of the thing.
        path: PathBuf,
    },
    /// A symbolic link leads back to itself or to a folder it is in.
    #[error("{}: symbolic link loop through {}", path.display(), target.display())]
    SymlinkLoop {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// Several files have the same version.
    #[error("version {version} is used by {} files: {}", paths.len(), join(paths))]
    DuplicateVersion {
        /// The version they share, as the first of them writes it.
        version: Version,
        /// All files with that version.
        paths: Vec<PathBuf>,
    },
    /// A file looks like a migration, but its name does not fit the layout.
    #[error("{}: not a name of the {layout} layout, expected {expected}{}", path.display(), suggest(suggestion.as_deref()))]
    UnreadableName {
        /// The file or folder.
        path: PathBuf,
        /// The layout that it does not fit.
        layout: Layout,
        /// The form that is expected.
        expected: String,
        /// A name that would fit.
        suggestion: Option<String>,
    },
    /// The bytes are no UTF-8.
    #[error("{}:{line}:{column}: not UTF-8 at byte {offset}{}", path.display(), if *utf16 { ", the file looks like UTF-16" } else { "" })]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// The offset of the first byte that does not fit, from 0.
        offset: usize,
        /// The file starts with a byte-order mark of UTF-16.
        utf16: bool,
    },
    /// The text holds a NUL byte, which no Postgres text can.
    #[error("{}:{line}: NUL byte in the text", path.display())]
    NulByte {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A migration's folder lacks its script, or a journal lists a file that is not there.
    #[error("{}: is missing, {} needs it", path.display(), needed_by.display())]
    MissingScript {
        /// The script that ought to be there.
        path: PathBuf,
        /// The folder or the journal that says so.
        needed_by: PathBuf,
    },
    /// A file lies beside a Drizzle journal that does not list it.
    #[error("{}: is not listed in {}", path.display(), journal.display())]
    NotInJournal {
        /// The file.
        path: PathBuf,
        /// The journal.
        journal: PathBuf,
    },
    /// A Drizzle journal cannot be understood.
    #[error("{}: {reason}", path.display())]
    BadJournal {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A Drizzle journal runs files in another order than their numbers say.
    #[error("{}: runs {} before {}, but their numbers are the other way round", journal.display(), first.display(), second.display())]
    JournalOrder {
        /// The journal.
        journal: PathBuf,
        /// The file that the journal runs first.
        first: PathBuf,
        /// The file that the journal runs after it.
        second: PathBuf,
    },
    /// The folder belongs to another database system.
    #[error("{}: is for {dialect}, not for Postgres", path.display())]
    OtherDatabase {
        /// The file that says so.
        path: PathBuf,
        /// The database system it names.
        dialect: String,
    },
    /// A file has no marker for the part that is to be run.
    #[error("{}: has no line `{marker}`", path.display())]
    MarkerMissing {
        /// The file.
        path: PathBuf,
        /// The line that ought to be there.
        marker: String,
    },
    /// A marker stands where it has no meaning, so that it is unclear which part is to be run.
    #[error("{}:{line}: `{marker}` {}", path.display(), why.words())]
    MisplacedMarker {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The marker.
        marker: String,
        /// What is wrong with it.
        why: Misplaced,
    },
    /// A statement stands outside the parts that the markers make.
    #[error("{}:{line}: statement before `{marker}`", path.display())]
    StatementBeforeMarker {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The marker that ought to come first.
        marker: String,
    },
    /// Another tool would change the text before running it; running it as it is would be wrong.
    #[error("{}:{line}: {} is replaced by {layout} before it runs, which rlsctl does not do", path.display(), what)]
    NeedsSubstitution {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The layout that has the substitution.
        layout: Layout,
        /// What would be replaced, as a phrase with the text from the file.
        what: String,
    },
    /// A setting beside a script asks for something that rlsctl does not do.
    #[error("{}:{line}: `{setting}` is not understood", path.display())]
    UnsupportedSetting {
        /// The file with the setting.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The setting as written.
        setting: String,
    },
    /// A migration is written in a programming language.
    #[error("{}: is a migration in {language}, which rlsctl cannot run", path.display())]
    NotSql {
        /// The file.
        path: PathBuf,
        /// The language.
        language: &'static str,
    },
    /// A Flyway baseline stands for files that are not there.
    #[error("{}: stands for the versions up to {version}, and none of them is here; rename it to {suggestion} to have it run first", path.display())]
    BaselineNeeded {
        /// The baseline file.
        path: PathBuf,
        /// The version it stands for.
        version: Version,
        /// The name that makes it a migration.
        suggestion: String,
    },
    /// The files fit no layout.
    #[error("{}: fits no layout: {reason} ({})", path.display(), join(files))]
    UnknownLayout {
        /// The folder.
        path: PathBuf,
        /// Files that were looked at.
        files: Vec<PathBuf>,
        /// Why none fits.
        reason: String,
    },
    /// The files fit several layouts, and it matters which.
    #[error("{}: may be {}: {reason} ({}); set `layout` in rlsctl.toml", path.display(), or(candidates), join(files))]
    AmbiguousLayout {
        /// The folder.
        path: PathBuf,
        /// The layouts that fit.
        candidates: Vec<Layout>,
        /// Files that were looked at.
        files: Vec<PathBuf>,
        /// What each of them would do differently.
        reason: String,
    },
}

/// Why a marker is misplaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misplaced {
    /// It belongs to another layout: the file would be run with its down part.
    OtherLayout,
    /// It does not start in the first column, where its tool would not see it.
    Indented,
    /// It comes a second time.
    Repeated,
    /// The down part comes before the up part.
    DownFirst,
}

impl Misplaced {
    const fn words(self) -> &'static str {
        match self {
            Self::OtherLayout => "belongs to another layout; is the layout right?",
            Self::Indented => "has to start in the first column",
            Self::Repeated => "comes a second time",
            Self::DownFirst => "comes before the up part",
        }
    }
}

impl Problem {
    /// Returns the message, a lowercase fragment that names every file concerned.
    pub fn message(&self) -> String {
        self.to_string()
    }

    /// Returns a stable code for this kind of problem.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DirectoryMissing { .. } => "files.directory-missing",
            Self::NoDirectory { .. } => "files.no-directory",
            Self::Unreadable { .. } => "files.unreadable",
            Self::NotAFile { .. } => "files.not-a-file",
            Self::SymlinkLoop { .. } => "files.symlink-loop",
            Self::DuplicateVersion { .. } => "drift.duplicate",
            Self::UnreadableName { .. } => "files.unreadable-name",
            Self::NotUtf8 { .. } => "files.not-utf8",
            Self::NulByte { .. } => "files.nul-byte",
            Self::MissingScript { .. } => "files.missing-script",
            Self::NotInJournal { .. } => "files.not-in-journal",
            Self::BadJournal { .. } => "files.bad-journal",
            Self::JournalOrder { .. } => "files.journal-order",
            Self::OtherDatabase { .. } => "files.other-database",
            Self::MarkerMissing { .. } => "files.marker-missing",
            Self::MisplacedMarker { .. } => "files.misplaced-marker",
            Self::StatementBeforeMarker { .. } => "files.statement-before-marker",
            Self::NeedsSubstitution { .. } => "files.needs-substitution",
            Self::UnsupportedSetting { .. } => "files.unsupported-setting",
            Self::NotSql { .. } => "files.not-sql",
            Self::BaselineNeeded { .. } => "files.baseline-needed",
            Self::UnknownLayout { .. } => "files.unknown-layout",
            Self::AmbiguousLayout { .. } => "files.ambiguous-layout",
        }
    }

    /// Returns every file or folder concerned, the first being the one to open.
    pub fn paths(&self) -> Vec<&Path> {
        match self {
            Self::DuplicateVersion { paths, .. } => paths.iter().map(PathBuf::as_path).collect(),
            Self::SymlinkLoop { path, target } => vec![path, target],
            Self::MissingScript { path, needed_by } => vec![path, needed_by],
            Self::NotInJournal { path, journal } => vec![path, journal],
            Self::JournalOrder { journal, first, second } => vec![journal, first, second],
            Self::UnknownLayout { path, files, .. } | Self::AmbiguousLayout { path, files, .. } => {
                std::iter::once(path).chain(files).map(PathBuf::as_path).collect()
            }
            Self::DirectoryMissing { path }
            | Self::NoDirectory { path }
            | Self::Unreadable { path, .. }
            | Self::NotAFile { path }
            | Self::UnreadableName { path, .. }
            | Self::NotUtf8 { path, .. }
            | Self::NulByte { path, .. }
            | Self::BadJournal { path, .. }
            | Self::OtherDatabase { path, .. }
            | Self::MarkerMissing { path, .. }
            | Self::MisplacedMarker { path, .. }
            | Self::StatementBeforeMarker { path, .. }
            | Self::NeedsSubstitution { path, .. }
            | Self::UnsupportedSetting { path, .. }
            | Self::NotSql { path, .. }
            | Self::BaselineNeeded { path, .. } => vec![path],
        }
    }

    /// Returns the line of the first of [`Self::paths`] that is concerned, from 1, where there is one.
    pub const fn line(&self) -> Option<usize> {
        match self {
            Self::NotUtf8 { line, .. }
            | Self::NulByte { line, .. }
            | Self::MisplacedMarker { line, .. }
            | Self::StatementBeforeMarker { line, .. }
            | Self::NeedsSubstitution { line, .. }
            | Self::UnsupportedSetting { line, .. } => Some(*line),
            _ => None,
        }
    }

    /// Returns the column, in characters from 1, where it is known.
    pub const fn column(&self) -> Option<usize> {
        match self {
            Self::NotUtf8 { column, .. } => Some(*column),
            _ => None,
        }
    }

    /// Returns the problem of a file or folder that the operating system did not let us read.
    pub(super) fn from_io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        if is_loop(error) {
            let target = std::fs::read_link(&path).unwrap_or_else(|_| path.clone());
            return Self::SymlinkLoop { path, target };
        }
        Self::Unreadable {
            path,
            kind: error.kind(),
        }
    }

    /// Returns the problem of a name that does not fit `layout`.
    pub(super) fn name(path: PathBuf, layout: Layout, suggestion: Option<String>) -> Self {
        Self::UnreadableName {
            path,
            layout,
            expected: layout.pattern().to_owned(),
            suggestion,
        }
    }
}

/// Tells a link loop by the number that Linux, macOS and the BSDs give it; the standard library's name for it is not stable yet.
fn is_loop(error: &io::Error) -> bool {
    matches!(
        (std::env::consts::OS, error.raw_os_error()),
        ("linux" | "android", Some(40)) | ("macos" | "ios" | "freebsd", Some(62))
    )
}

fn io_words(kind: io::ErrorKind) -> String {
    match kind {
        io::ErrorKind::NotFound => "the file, or what the link leads to, does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        other => other.to_string(),
    }
}

fn suggest(suggestion: Option<&str>) -> impl fmt::Display {
    suggestion.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

fn join(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

fn or(candidates: &[Layout]) -> String {
    candidates
        .iter()
        .map(|layout| layout.name())
        .collect::<Vec<_>>()
        .join(" or ")
}
