//! The files right behind a migration, for one that is cut into several.

use jiff::Timestamp;

use super::journal::journal_path;
use super::layout::Layout;
use super::new_file::{NewFile, NewFileError, files, is_down, occupied, slug};
use super::scheme;
use super::set::{Migration, Set};
use super::version::Version;

/// A migration that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Following {
    /// Its version.
    pub version: Version,
    /// The file that holds its script, with the text that a new file has.
    pub script: NewFile,
    /// Its other files: a down half.
    pub others: Vec<NewFile>,
}

/// Returns `count` migrations behind `original`, in the scheme of the folder, and whether there was room for them right behind it: if
/// there is none before the next file, they come behind the newest one. Nothing is written.
///
/// # Errors
/// A file is in the way, no version is left, or the layout's own tool keeps a list or a chain of its files.
pub fn following_files(set: &Set, original: &Migration, count: usize) -> Result<(Vec<Following>, bool), NewFileError> {
    let layout = set.layout;
    let is_listed = layout == Layout::Drizzle && journal_path(&set.dir).exists();
    if count > 0 && (is_listed || layout == Layout::Graphile) {
        return Err(NewFileError::Chained { layout });
    }
    let next = set.migrations.iter().find(|other| other.version > original.version);
    let behind = made_behind(set, original, original, count);
    let fits = |made: &[Following]| next.is_none_or(|next| made.iter().all(|made| made.version < next.version));
    match (behind, set.migrations.last()) {
        (Ok(made), _) if fits(&made) => Ok((made, true)),
        (_, Some(newest)) if next.is_some() => Ok((made_behind(set, newest, original, count)?, false)),
        (behind, _) => behind.map(|made| (made, true)),
    }
}

fn made_behind(
    set: &Set,
    last: &Migration,
    original: &Migration,
    count: usize,
) -> Result<Vec<Following>, NewFileError> {
    let mut made = Vec::with_capacity(count);
    let mut last = last.clone();
    for number in 2..count + 2 {
        let text = scheme::following(&last.version).ok_or_else(|| NewFileError::NoVersionLeft {
            newest: last.version.clone(),
        })?;
        let named = format!("{} {number}", original.name);
        let slug = slug(&named).or_else(|_| slug(&format!("part {number}")))?;
        let set = Set {
            migrations: vec![last.clone()],
            ..set.clone()
        };
        // The version is given, so the time is not asked for.
        let mut files = files(&set, &text, &slug, &named, Timestamp::UNIX_EPOCH)?;
        if let Some(path) = occupied(&files) {
            return Err(NewFileError::Exists { path });
        }
        let version = Version::parse_numbers(&text)?;
        let script = files.iter().position(|file| !is_down(&file.path)).unwrap_or_default();
        let script = files.remove(script);
        last = Migration {
            version: version.clone(),
            path: script.path.clone(),
            ..last
        };
        made.push(Following {
            version,
            script,
            others: files,
        });
    }
    Ok(made)
}
