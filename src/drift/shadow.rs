//! The files as they are replayed into a throwaway database.

use std::collections::BTreeSet;
use std::path::Path;

use crate::migration::{Migration, ReadError, Version};
use crate::script::{PieceKind, extension_of, split};

/// What is replayed.
#[derive(Debug, Default)]
pub struct Replay {
    /// The migrations' versions, in the order of the files `000001.sql`, `000002.sql`, ...
    pub versions: Vec<Version>,
    /// The extensions that were left out, because the throwaway server has none such.
    pub left_out: BTreeSet<String>,
}

impl Replay {
    /// Returns the version that a replayed file stands for.
    pub fn version(&self, file: &Version) -> Option<&Version> {
        let number: usize = file.as_str().parse().ok()?;
        self.versions.get(number.checked_sub(1)?)
    }
}

/// Writes the scripts of `migrations` into `dir` as plain numbered files, without what is about extensions that are not `available`.
///
/// # Errors
/// A file cannot be read, is not what it was, or cannot be written.
pub fn replay<'a>(
    migrations: impl IntoIterator<Item = &'a Migration>,
    available: &BTreeSet<String>,
    dir: &Path,
) -> Result<Replay, ReplayError> {
    let mut replay = Replay::default();
    for migration in migrations {
        let text = migration.read()?;
        let (sql, left_out) = without_extensions(text.as_str(), available);
        replay.left_out.extend(left_out);
        replay.versions.push(migration.version.clone());
        fs_err::write(dir.join(format!("{:06}.sql", replay.versions.len())), sql)?;
    }
    Ok(replay)
}

/// Why the files cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A copy cannot be written.
    #[error(transparent)]
    Write(#[from] std::io::Error),
}

/// Blanks the statements about extensions that are not available; lines stay where they were.
fn without_extensions(text: &str, available: &BTreeSet<String>) -> (String, Vec<String>) {
    let mut sql = text.to_owned();
    let mut left_out = Vec::new();
    // What cannot be split is refused when it is planned.
    for piece in split(text).unwrap_or_default() {
        if piece.kind != PieceKind::Statement {
            continue;
        }
        let Some(name) = extension_of(piece.body.slice(text)).filter(|name| !available.contains(name)) else {
            continue;
        };
        let blank: String = piece
            .span
            .slice(text)
            .chars()
            .map(|c| {
                if c == '\n' {
                    "\n".to_owned()
                } else {
                    " ".repeat(c.len_utf8())
                }
            })
            .collect();
        sql.replace_range(piece.span.start..piece.span.end, &blank);
        left_out.push(name);
    }
    (sql, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_a_missing_extension_is_left_out_and_named() {
        let available = BTreeSet::from(["pgcrypto".to_owned()]);
        let text = "create extension pgcrypto;\ncreate extension\n  vector;\ncomment on extension vector is 'é';\ncreate table a (id int);\n";
        let (sql, left_out) = without_extensions(text, &available);
        assert_eq!(left_out, ["vector", "vector"]);
        assert_eq!(sql.len(), text.len());
        let words: Vec<&str> = sql.split_whitespace().collect();
        assert_eq!(words.join(" "), "create extension pgcrypto; create table a (id int);");
        assert_eq!(sql.matches('\n').count(), text.matches('\n').count());
    }
}
