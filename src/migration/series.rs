//! Several new migrations, one behind the other, each with what takes it back.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::layout::Layout;
use super::new_file::{NewFile, NewFileError, files, is_down, occupied, slug};
use super::scheme;
use super::set::{Migration, Set};
use super::version::Version;

/// A migration that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// What it does, in a few words.
    pub name: String,
    /// Its text.
    pub up: String,
    /// What takes it back; empty where nothing has to be.
    pub down: String,
}

/// The files of a migration that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its version.
    pub version: Version,
    /// The file that is run.
    pub path: PathBuf,
    /// All files: what is run, and what takes it back.
    pub files: Vec<NewFile>,
}

/// Returns the files of several migrations behind the newest one, in the scheme of the folder. What takes one back is its down half; where
/// the layout has none, a file of the same name in the folder `DIR.undo` beside the migrations, where no tool takes it for a migration. Nothing
/// is written.
///
/// # Errors
/// A file is in the way, no version is left, or the layout's own tool keeps a list or a chain of its files.
pub fn series(set: &Set, scripts: &[Script], now: Timestamp) -> Result<Vec<Made>, NewFileError> {
    if matches!(set.layout, Layout::Drizzle | Layout::Graphile) && !scripts.is_empty() {
        return Err(NewFileError::Chained { layout: set.layout });
    }
    let mut made: Vec<Made> = Vec::with_capacity(scripts.len());
    let mut newest = set.migrations.last().cloned();
    for script in scripts {
        let one = one(set, newest.as_ref(), script, now)?;
        newest = Some(match newest {
            Some(newest) => Migration {
                version: one.version.clone(),
                path: one.path.clone(),
                ..newest
            },
            None => Migration::placed(one.version.clone(), one.path.clone()),
        });
        made.push(one);
    }
    Ok(made)
}

fn one(set: &Set, newest: Option<&Migration>, script: &Script, now: Timestamp) -> Result<Made, NewFileError> {
    let text = match newest {
        Some(newest) => scheme::after(&newest.version, now).ok_or_else(|| NewFileError::NoVersionLeft {
            newest: newest.version.clone(),
        })?,
        None => scheme::first(set.layout, now),
    };
    let version = Version::parse_numbers(&text)?;
    let set = Set {
        migrations: newest.cloned().into_iter().collect(),
        ..set.clone()
    };
    let mut files = files(&set, &text, &slug(&script.name)?, &script.name, now)?;
    let down = files.iter().position(|file| is_down(&file.path));
    let up = files.iter().position(|file| !is_down(&file.path)).unwrap_or_default();
    let path = files[up].path.clone();
    files[up].contents = match set.layout {
        Layout::Dbmate => format!("-- migrate:up\n{}\n-- migrate:down\n{}", script.up, script.down),
        Layout::Goose => format!(
            "-- +goose Up\n{}\n-- +goose Down\n{}",
            block(&script.up),
            block(&script.down)
        ),
        _ => script.up.clone(),
    };
    let has_half = matches!(set.layout, Layout::Dbmate | Layout::Goose);
    match down {
        Some(down) => files[down].contents.clone_from(&script.down),
        None if !has_half && !script.down.is_empty() => {
            let undo = NewFile::new(undo_path(&set.dir, &path), script.down.clone());
            // It is written before what it takes back: a run that is cut off between the two leaves nothing that cannot be taken back. What
            // such a run left stays.
            if fs_err::read_to_string(&undo.path).is_ok_and(|text| text == script.down) {
                return made(version, path, files);
            }
            files.insert(0, undo);
        }
        None => {}
    }
    made(version, path, files)
}

fn made(version: Version, path: PathBuf, files: Vec<NewFile>) -> Result<Made, NewFileError> {
    match occupied(&files) {
        Some(path) => Err(NewFileError::Exists { path }),
        None => Ok(Made { version, path, files }),
    }
}

/// Goose cuts what is outside of a block at every semicolon. The comments at the top stay there.
fn block(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let comments = text.split_inclusive('\n').take_while(|line| line.starts_with("--"));
    let (head, rest) = text.split_at(comments.map(str::len).sum());
    format!("{head}-- +goose StatementBegin\n{rest}-- +goose StatementEnd\n")
}

impl Set {
    /// Returns what takes a migration of the folder back: its down half, or the file that [`series`] has put beside the folder. Nothing where
    /// there is none, or it cannot be read.
    pub fn undo_of(&self, migration: &Migration) -> Option<String> {
        let read = |path: PathBuf| fs_err::read_to_string(path).ok();
        let name = migration.path.file_name()?.to_string_lossy().into_owned();
        if name == "up.sql" {
            return read(migration.path.with_file_name("down.sql"));
        }
        if let Some(stem) = name.strip_suffix(".up.sql") {
            return read(migration.path.with_file_name(format!("{stem}.down.sql")));
        }
        let marker = match self.layout {
            Layout::Dbmate => "\n-- migrate:down\n",
            Layout::Goose => "\n-- +goose Down\n",
            _ => return read(undo_path(&self.dir, &migration.path)),
        };
        let text = read(migration.path.clone())?.replace("\r\n", "\n");
        let (_, down) = text.split_once(marker)?;
        let lines = down
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("-- +goose Statement"));
        Some(lines.collect())
    }
}

/// Returns where the file is that takes a migration back, in a layout without down halves.
fn undo_path(dir: &Path, script: &Path) -> PathBuf {
    let inside = script.strip_prefix(dir).unwrap_or(script);
    let name = match inside.file_name() {
        // A migration that is a folder.
        Some(name) if name == "migration.sql" || name == "up.sql" => inside
            .parent()
            .map(|folder| folder.with_extension("sql"))
            .unwrap_or_default(),
        _ => inside.to_owned(),
    };
    let mut folder = dir.as_os_str().to_owned();
    folder.push(".undo");
    PathBuf::from(folder).join(name)
}
