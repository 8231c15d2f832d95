//! Reads files and finds out what is wrong with their text, ten thousand of them at each start.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::checksum::Checksum;
use super::folder::Folder;
use super::layout::Layout;
use super::part::{Part, line_at, stray_down};
use super::problem::Problem;
use super::substitution::Substitutions;
use super::text::{Text, normalise_str};

/// Holds what most migrations need; longer ones make the buffer grow.
const BUFFER: usize = 64 * 1024;

/// The rules for the scripts of one folder, and a buffer to read them into.
#[derive(Debug, Clone)]
pub(super) struct Inspector {
    part: Part,
    folder: Arc<Folder>,
    substitutions: Arc<Substitutions>,
    goose: Finder<'static>,
    dbmate: Finder<'static>,
    buffer: Vec<u8>,
}

impl Inspector {
    pub(super) fn new(dir: &Path, layout: Layout, substitutions: Substitutions) -> Self {
        Self {
            part: Part::of(layout),
            folder: Arc::new(Folder::open(dir)),
            substitutions: Arc::new(substitutions),
            goose: Finder::new("+goose"),
            dbmate: Finder::new("migrate:"),
            buffer: Vec::new(),
        }
    }

    /// Reads a script, looks at all of its text and returns its checksum. `flyway` says whether Flyway's placeholders are on.
    ///
    /// # Errors
    /// Everything that is wrong with this file.
    pub(super) fn checksum(&mut self, path: &Path, flyway: bool) -> Result<Checksum, Vec<Problem>> {
        if self.buffer.len() < BUFFER {
            self.buffer.resize(BUFFER, 0);
        }
        let read = self
            .folder
            .file(path)
            .and_then(|file| read(file, &mut self.buffer, true));
        let length = read.map_err(|error| vec![file_problem(path, &error)])?;
        let raw = text(path, &self.buffer[..length]).map_err(|problem| vec![problem])?;
        let normal = normalise_str(raw);
        let mut problems = Vec::new();
        let checksum = if matches!(self.part, Part::Whole | Part::Plain) {
            if self.goose.find(normal.as_bytes()).is_some() || self.dbmate.find(normal.as_bytes()).is_some() {
                problems.extend(stray_down(path, &normal));
            }
            self.substitutions.check(path, 1, &normal, flyway, &mut problems);
            let pieces = self.part.cut(path, &normal)?;
            Checksum::of_pieces(pieces.iter().map(|(_, piece)| *piece))
        } else {
            let pieces = self.part.cut(path, &normal)?;
            for (line, piece) in &pieces {
                self.substitutions.check(path, *line, piece, flyway, &mut problems);
            }
            Checksum::of_pieces(pieces.iter().map(|(_, piece)| *piece))
        };
        // One file of many megabytes must not keep its memory while ten thousand small ones follow.
        if self.buffer.len() > 16 * BUFFER {
            self.buffer = Vec::new();
        }
        if problems.is_empty() {
            Ok(checksum)
        } else {
            Err(problems)
        }
    }
}

/// Reads the script of one file for running it.
///
/// # Errors
/// The file cannot be read, or its text is not what [`Inspector::checksum`] would accept.
pub(super) fn read_text(path: &Path, part: Part) -> Result<Text, Vec<Problem>> {
    let mut buffer = vec![0; BUFFER / 8];
    let read = File::open(path).and_then(|file| read(file, &mut buffer, false));
    let length = read.map_err(|error| vec![file_problem(path, &error)])?;
    let normal = normalise_str(text(path, &buffer[..length]).map_err(|problem| vec![problem])?);
    Ok(Text::from_pieces(part.cut(path, &normal)?))
}

/// Reads a whole file into the front of `buffer`, which is not empty, and returns its length.
///
/// With `trusting`, a read that does not fill the buffer is taken for the last one, which it is for a regular file: that saves a system
/// call a file, of four. Should a file system ever give less, the checksum is wrong and the file refused; so it may be hashed this way,
/// but not run.
fn read(mut file: File, buffer: &mut Vec<u8>, trusting: bool) -> io::Result<usize> {
    let mut length = 0;
    loop {
        match file.read(&mut buffer[length..]) {
            Ok(0) => return Ok(length),
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if length == buffer.len() {
            buffer.resize(length * 2, 0);
        } else if trusting {
            return Ok(length);
        }
    }
}

fn file_problem(path: &Path, error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::IsADirectory => Problem::NotAFile { path: path.to_owned() },
        _ => Problem::from_io(path, error),
    }
}

/// Returns the bytes as text that Postgres can take.
fn text<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let offset = error.valid_up_to();
        let line_start = memchr::memrchr(b'\n', &bytes[..offset]).map_or(0, |newline| newline + 1);
        let before = String::from_utf8_lossy(&bytes[line_start..offset]);
        Problem::NotUtf8 {
            path: path.to_owned(),
            line: line_at(bytes, offset),
            column: 1 + before.chars().count(),
            offset,
            utf16: bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]),
        }
    })?;
    match memchr::memchr(0, bytes) {
        Some(offset) => Err(Problem::NulByte {
            path: path.to_owned(),
            line: line_at(bytes, offset),
        }),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn checksum(layout: Layout, bytes: &[u8]) -> Result<Checksum, Vec<String>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.sql");
        fs::write(&path, bytes).unwrap();
        let mut inspector = Inspector::new(dir.path(), layout, Substitutions::new(layout, Vec::new()));
        let prefix = dir.path().display().to_string() + "/";
        let words = |problems: Vec<Problem>| {
            problems
                .iter()
                .map(|problem| problem.message().replace(&prefix, ""))
                .collect()
        };
        let result = inspector.checksum(&path, true);
        if let Ok(checksum) = &result {
            assert_eq!(
                read_text(&path, Part::of(layout)).unwrap().checksum(),
                *checksum,
                "what is run is what was hashed"
            );
        }
        result.map_err(words)
    }

    #[test]
    fn hashes_the_script_only() {
        assert_eq!(
            checksum(Layout::Plain, b"\xEF\xBB\xBFA;\r\n"),
            Ok(Checksum::of(b"A;\n"))
        );
        assert_eq!(checksum(Layout::Plain, b""), Ok(Checksum::of(b"")));
        let up = checksum(Layout::Dbmate, b"-- migrate:up\r\nA;\r\n-- migrate:down\r\nB;\r\n");
        assert_eq!(up, Ok(Checksum::of(b"A;\n")));
        assert_eq!(checksum(Layout::Goose, b"-- +goose Up\nA;\n-- +goose Down\nC;\n"), up);
    }

    #[test]
    fn reads_files_longer_than_the_buffer() {
        for length in [BUFFER - 1, BUFFER, BUFFER + 1, 5 * 1024 * 1024] {
            let text = "-".repeat(length);
            assert_eq!(
                checksum(Layout::Plain, text.as_bytes()),
                Ok(Checksum::of(text.as_bytes())),
                "{length}"
            );
        }
    }

    #[test]
    fn names_the_place_of_what_is_wrong() {
        let cases: [(&[u8], &str); 5] = [
            (b"a\n\xC3\xA9\xFFb", "a.sql:2:2: not UTF-8 at byte 4"),
            (b"a\nb\xC3", "a.sql:2:2: not UTF-8 at byte 3"),
            (
                b"\xFF\xFEa\0",
                "a.sql:1:1: not UTF-8 at byte 0, the file looks like UTF-16",
            ),
            (b"a\nb\0c", "a.sql:2: NUL byte in the text"),
            (
                b"a\n-- migrate:down\nb",
                "a.sql:2: `-- migrate:down` belongs to another layout; is the layout right?",
            ),
        ];
        for (bytes, message) in cases {
            assert_eq!(checksum(Layout::Plain, bytes), Err(vec![message.to_owned()]));
        }
    }
}
