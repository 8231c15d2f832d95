//! A file with the script in it, so that the script can be replaced and everything else stays.

use std::path::PathBuf;

use super::checksum::Checksum;
use super::problem::Problem;
use super::set::{Migration, ReadError};
use super::text::normalise_str;

/// A file, cut around its script. Line ends are LF here and become those of the file again when it is put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around {
    before: String,
    script: String,
    after: String,
    has_mark: bool,
    has_crlf: bool,
}

/// Why a script cannot be replaced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AroundError {
    /// The file cannot be read, or is not what it was.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The script is in several pieces.
    #[error("{}: the script is in several pieces, with other parts between them", path.display())]
    Pieces {
        /// The file.
        path: PathBuf,
    },
    /// Some lines end with CR LF and some with LF, so that none of the two could be kept.
    #[error("{}: some lines end with CR LF and some with LF", path.display())]
    LineEnds {
        /// The file.
        path: PathBuf,
    },
}

impl Migration {
    /// Reads the file and cuts it around its script.
    ///
    /// # Errors
    /// [`AroundError`].
    pub fn around(&self) -> Result<Around, AroundError> {
        let path = || self.path.clone();
        let raw = fs_err::read_to_string(&self.path).map_err(|error| {
            let (path, kind) = (path(), error.kind());
            AroundError::Read(ReadError::Problems(vec![Problem::Unreadable { path, kind }]))
        })?;
        let normal = normalise_str(&raw);
        let pieces = self
            .part
            .cut(&self.path, &normal)
            .map_err(|problems| AroundError::Read(ReadError::Problems(problems)))?;
        let now = Checksum::of_pieces(pieces.iter().map(|(_, piece)| *piece));
        if now != self.checksum {
            let before = self.checksum;
            return Err(ReadError::Changed {
                path: path(),
                before,
                now,
            }
            .into());
        }
        let [(_, script)] = pieces.as_slice() else {
            return Err(AroundError::Pieces { path: path() });
        };
        // Pieces are slices of the text.
        let start = script.as_ptr() as usize - normal.as_ptr() as usize;
        let around = Around {
            before: normal[..start].to_owned(),
            script: (*script).to_owned(),
            after: normal[start + script.len()..].to_owned(),
            has_mark: raw.starts_with('\u{feff}'),
            has_crlf: raw.contains("\r\n"),
        };
        if around.with(script) == raw {
            Ok(around)
        } else {
            Err(AroundError::LineEnds { path: path() })
        }
    }
}

impl Around {
    /// Returns the script, with LF line ends.
    pub fn script(&self) -> &str {
        &self.script
    }

    /// Returns the file with another script in it.
    pub fn with(&self, script: &str) -> String {
        let mark = if self.has_mark { "\u{feff}" } else { "" };
        format!("{mark}{}", self.ends(&format!("{}{script}{}", self.before, self.after)))
    }

    /// Returns another file of the same layout: the marker lines around its script, and nothing else of this one.
    pub fn another(&self, script: &str) -> String {
        let opens = self.before.split_inclusive('\n').next_back().unwrap_or_default();
        let closes = self.after.split_inclusive('\n').next().unwrap_or_default();
        self.ends(&format!("{opens}{script}{closes}"))
    }

    fn ends(&self, text: &str) -> String {
        if self.has_crlf {
            text.replace('\n', "\r\n")
        } else {
            text.to_owned()
        }
    }
}

impl Migration {
    /// Returns a migration like this one with another version, whose file is elsewhere.
    ///
    /// # Errors
    /// That file cannot be read, or is none of this layout.
    pub fn at(&self, version: &super::version::Version, path: PathBuf) -> Result<Self, ReadError> {
        let text = super::inspect::read_text(&path, self.part).map_err(ReadError::Problems)?;
        Ok(Self {
            version: version.clone(),
            name: self.name.clone(),
            checksum: text.checksum(),
            path,
            part: self.part,
        })
    }
}
