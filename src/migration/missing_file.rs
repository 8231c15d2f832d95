//! The file of a migration that is in a ledger but not on disk.

use std::fs;

use super::checksum::Checksum;
use super::layout::Layout;
use super::new_file::NewFile;
use super::part::Part;
use super::set::Set;
use super::version::Version;

/// Why a file cannot be made from a ledger's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MissingFileError {
    /// The layout keeps more about a migration than a file.
    #[error(
        "a {layout} folder keeps a journal or a chain of hashes beside the files, which cannot be made from the ledger"
    )]
    Layout {
        /// The layout.
        layout: Layout,
    },
    /// The file would not hash to what the ledger has.
    #[error("the file would not have the ledger's checksum: its text cannot stand in a {layout} file as it is")]
    OtherChecksum {
        /// The layout.
        layout: Layout,
    },
    /// There is something where the file would go.
    #[error("{path} exists already")]
    Exists {
        /// Where it would go.
        path: String,
    },
}

/// Returns the file that holds a migration under its own version, from the text that was applied. Nothing is written.
///
/// # Errors
/// [`MissingFileError`]; a file that exists is never written over.
pub fn missing_file(
    set: &Set,
    version: &Version,
    name: &str,
    sql: &str,
    checksum: &Checksum,
) -> Result<NewFile, MissingFileError> {
    let layout = set.layout;
    let stem = stem(version, name, "_");
    let relative = match layout {
        Layout::Supabase | Layout::Plain | Layout::Sqlx | Layout::Dbmate | Layout::Goose => format!("{stem}.sql"),
        Layout::GolangMigrate => format!("{stem}.up.sql"),
        Layout::Flyway | Layout::Refinery => format!("V{}.sql", self::stem(version, name, "__")),
        Layout::Diesel => format!("{stem}/up.sql"),
        // The version of Prisma is the whole name of the folder.
        Layout::Prisma => format!("{}/migration.sql", file_name(version.as_str())),
        Layout::Drizzle | Layout::Graphile => return Err(MissingFileError::Layout { layout }),
    };
    let contents = match Part::of(layout) {
        Part::Whole | Part::Plain => sql.to_owned(),
        Part::Dbmate => format!("-- migrate:up\n{}-- migrate:down\n", whole_lines(sql)),
        Part::Goose => format!("-- +goose Up\n{}-- +goose Down\n", whole_lines(sql)),
    };
    let path = set.dir.join(relative);
    let pieces = Part::of(layout).cut(&path, &contents);
    let hashed = pieces.map(|pieces| Checksum::of_pieces(pieces.iter().map(|(_, piece)| *piece)));
    if hashed.as_ref() != Ok(checksum) {
        return Err(MissingFileError::OtherChecksum { layout });
    }
    if fs::symlink_metadata(&path).is_ok() {
        return Err(MissingFileError::Exists {
            path: path.display().to_string(),
        });
    }
    Ok(NewFile::new(path, contents))
}

fn stem(version: &Version, name: &str, separator: &str) -> String {
    if name.is_empty() {
        file_name(version.as_str())
    } else {
        format!("{}{separator}{}", file_name(version.as_str()), file_name(name))
    }
}

/// A row that was written by hand may be called anything; it must not lead out of the folder.
fn file_name(text: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    text.chars().map(|c| if fits(c) { c } else { '_' }).collect()
}

/// A marker begins a line.
fn whole_lines(sql: &str) -> String {
    let end = if sql.is_empty() || sql.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{sql}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(layout: Layout, version: &str, name: &str, sql: &str) -> Result<(String, String), MissingFileError> {
        let dir = tempfile::tempdir().unwrap();
        let set = Set {
            layout,
            why: String::new(),
            dir: dir.path().to_owned(),
            migrations: Vec::new(),
            repeatables: Vec::new(),
            downs: Vec::new(),
            baselines: Vec::new(),
            ignored: Vec::new(),
        };
        let file = missing_file(
            &set,
            &Version::parse(version).unwrap(),
            name,
            sql,
            &Checksum::of(sql.as_bytes()),
        )?;
        file.write().unwrap();
        let loaded = super::super::load(dir.path(), Some(layout)).unwrap();
        assert_eq!(loaded.migrations[0].version.as_str(), version);
        assert_eq!(loaded.migrations[0].checksum, Checksum::of(sql.as_bytes()));
        let path = file.path.strip_prefix(dir.path()).unwrap().display().to_string();
        Ok((path, file.contents))
    }

    #[test]
    fn the_file_loads_with_the_ledgers_version_and_checksum() {
        for (layout, version, path) in [
            (Layout::Plain, "905", "905_hotfix.sql"),
            (Layout::Supabase, "20260101000000", "20260101000000_hotfix.sql"),
            (Layout::Sqlx, "7", "7_hotfix.sql"),
            (Layout::GolangMigrate, "000007", "000007_hotfix.up.sql"),
            (Layout::Flyway, "1.10", "V1.10__hotfix.sql"),
            (Layout::Refinery, "3", "V3__hotfix.sql"),
            (Layout::Diesel, "20260101000000", "20260101000000_hotfix/up.sql"),
            (
                Layout::Prisma,
                "20260101000000_hotfix",
                "20260101000000_hotfix/migration.sql",
            ),
            (Layout::Dbmate, "20260101000000", "20260101000000_hotfix.sql"),
            (Layout::Goose, "20260101000000", "20260101000000_hotfix.sql"),
        ] {
            let (made, _) = made(layout, version, "hotfix", "create table a (id int);\n").unwrap();
            assert_eq!(made, path);
        }
    }

    #[test]
    fn what_would_not_be_the_same_is_not_made() {
        let layout = Layout::Dbmate;
        assert_eq!(
            made(layout, "1", "a", "select 1"),
            Err(MissingFileError::OtherChecksum { layout })
        );
        assert_eq!(
            made(layout, "1", "a", "select 1;\n-- migrate:down\n"),
            Err(MissingFileError::OtherChecksum { layout })
        );
        let layout = Layout::Drizzle;
        assert_eq!(
            made(layout, "1", "a", "select 1"),
            Err(MissingFileError::Layout { layout })
        );
    }

    #[test]
    fn a_name_does_not_lead_out_of_the_folder() {
        let (path, _) = made(Layout::Plain, "1", "../../etc/x\ny", "select 1").unwrap();
        assert_eq!(path, "1_.._.._etc_x_y.sql");
    }
}
