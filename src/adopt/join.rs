//! Which file each row of the other ledger is about.

use std::collections::HashMap;

use crate::ledger::Peer;
use crate::migration::Version;

use super::compare::{Content, content};
use super::files::{File, stem};
use super::plan::Map;
use super::rows::Row;

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// This file, whose content is or may be what was applied.
    File {
        /// The file.
        file: usize,
        /// `None` if the content was compared and is the same, else why it could not be.
        unchecked: Option<&'static str>,
        /// Whether somebody said so.
        mapped: bool,
    },
    /// A file by its version or by what somebody said, with other content.
    Edited {
        /// The file.
        file: usize,
        /// A file that has the content.
        content_in: Option<usize>,
    },
    /// A file of another version.
    Restamped {
        /// The file.
        file: usize,
        /// Whether the content says so; else the name.
        by_content: bool,
    },
    /// No file.
    Nothing,
}

/// Joins rows and files.
pub struct Joiner<'a> {
    peer: Peer,
    files: &'a [File],
    maps: &'a [Map],
    known: HashMap<&'a str, &'a Version>,
    taken: Vec<bool>,
}

impl<'a> Joiner<'a> {
    /// Returns a joiner for the files of one folder, what was said about rows, and what was recorded of them by their labels.
    pub fn new(peer: Peer, files: &'a [File], maps: &'a [Map], known: HashMap<&'a str, &'a Version>) -> Self {
        Self {
            peer,
            files,
            maps,
            known,
            taken: vec![false; files.len()],
        }
    }

    /// Returns what each row is about: what somebody said comes first, then the version; of what is left, the content, then the name.
    pub fn join(mut self, rows: &[Row]) -> Vec<About> {
        let mut about: Vec<Option<About>> = rows.iter().map(|row| self.mapped(row)).collect();
        for (row, about) in rows.iter().zip(&mut about) {
            if about.is_none() {
                *about = self.direct(row);
            }
        }
        let rest = rows.iter().zip(about);
        rest.map(|(row, about)| about.unwrap_or_else(|| self.elsewhere(row)))
            .collect()
    }

    fn content(&self, row: &Row, file: usize) -> Content {
        content(row, &self.files[file])
    }

    fn position(&self, mut matches: impl FnMut(usize, &File) -> bool) -> Option<usize> {
        let free = self.files.iter().enumerate().filter(|(index, _)| !self.taken[*index]);
        free.into_iter()
            .find(|(index, file)| matches(*index, file))
            .map(|(index, _)| index)
    }

    fn of_version(&self, version: &Version) -> Option<usize> {
        let found = self.files.binary_search_by(|file| file.migration.version.cmp(version));
        found.ok().filter(|index| !self.taken[*index])
    }

    fn mapped(&mut self, row: &Row) -> Option<About> {
        let said = self.maps.iter().find(|map| map.is_of(row)).map(|map| &map.new);
        let file = self.of_version(said.or_else(|| self.known.get(row.label.as_str()).copied())?)?;
        Some(self.settle(row, file, true))
    }

    /// By what the ledger itself has for an identity.
    fn direct(&mut self, row: &Row) -> Option<About> {
        let file = match (self.peer, &row.version) {
            (Peer::Drizzle, _) => self.of_drizzle(row),
            (_, Some(version)) => self.of_version(version),
            (_, None) => self.of_content(row).or_else(|| self.of_name(row)),
        }?;
        Some(self.settle(row, file, false))
    }

    fn settle(&mut self, row: &Row, file: usize, mapped: bool) -> About {
        self.taken[file] = true;
        let unchecked = match self.content(row, file) {
            Content::Same => None,
            Content::Unknown(why) => Some(why),
            Content::Other => {
                let others = 0..self.files.len();
                let content_in = others
                    .into_iter()
                    .find(|other| self.content(row, *other) == Content::Same);
                return About::Edited { file, content_in };
            }
        };
        About::File {
            file,
            unchecked,
            mapped,
        }
    }

    fn of_drizzle(&self, row: &Row) -> Option<usize> {
        let by_name = self.position(|_, file| row.name.as_deref() == Some(&*stem(&file.migration)));
        by_name
            .or_else(|| self.position(|_, file| row.when.is_some() && file.when == row.when))
            .or_else(|| self.of_content(row))
    }

    fn of_content(&self, row: &Row) -> Option<usize> {
        self.position(|index, _| self.content(row, index) == Content::Same)
    }

    /// A name alone says little, so it counts only where it is the only one and the content does not speak against it.
    fn of_name(&self, row: &Row) -> Option<usize> {
        let name = plain(row.name.as_deref()?);
        let fits = |index: usize, file: &File| {
            plain(&file.migration.name) == name && self.content(row, index) != Content::Other
        };
        let first = self.position(fits).filter(|_| !name.is_empty())?;
        let second = self.position(|index, file| index != first && fits(index, file));
        second.is_none().then_some(first)
    }

    fn elsewhere(&mut self, row: &Row) -> About {
        let by_content = self.of_content(row);
        match by_content.or_else(|| self.of_name(row)) {
            Some(file) => {
                self.taken[file] = true;
                About::Restamped {
                    file,
                    by_content: by_content.is_some(),
                }
            }
            None => About::Nothing,
        }
    }
}

/// Tools write blanks, dashes and underscores for one another.
fn plain(name: &str) -> String {
    let fold = |c: char| {
        if matches!(c, ' ' | '-') {
            '_'
        } else {
            c.to_ascii_lowercase()
        }
    };
    name.chars().map(fold).collect()
}
