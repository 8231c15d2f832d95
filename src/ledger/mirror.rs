//! Other tools' ledgers that are kept in step with ours: what each tool would have written about a migration.
//!
//! Columns and contents are those of Supabase CLI 1d1e719, sqlx 9d6bf66, dbmate f3e08f1, golang-migrate 18966c7, goose 520411a, Flyway
//! c5e20fc, refinery 14354f5, Diesel 04cc1b0, prisma-engines 48784dc, drizzle-orm b786252 and graphile-migrate 54ea390.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::peer::Peer;
use crate::migration::Version;
use crate::migration::peer_checksum::{drizzle, flyway, graphile, prisma, refinery, sqlx};

/// A [`Peer`] whose ledger can be kept in step: its name is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Mirror {
    Supabase,
    Sqlx,
    Dbmate,
    GolangMigrate,
    Goose,
    Flyway,
    Refinery,
    Diesel,
    Prisma,
    Drizzle,
    Graphile,
}

/// What a tool's row about a file is made of.
#[derive(Clone, Copy, Debug)]
pub struct PeerFile<'a> {
    /// Its version.
    pub version: &'a Version,
    /// What its name says behind the version.
    pub name: &'a str,
    /// Where it is.
    pub path: &'a Path,
    /// Its path in the migrations folder.
    pub script: &'a str,
    /// All of it, as it is.
    pub raw: &'a str,
    /// Its statements, with comments and without their semicolons.
    pub statements: &'a [&'a str],
    /// Whether the ledger's version is `bigint`.
    pub wide: bool,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Text.
    Text(String),
    /// A number.
    Integer(i64),
    /// Null.
    Null,
}

impl Cell {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Integer(number) => write!(formatter, "{number}"),
            Self::Null => Ok(()),
        }
    }
}

impl Mirror {
    /// Every tool.
    pub const ALL: [Self; 11] = [
        Self::Supabase,
        Self::Sqlx,
        Self::Dbmate,
        Self::GolangMigrate,
        Self::Goose,
        Self::Flyway,
        Self::Refinery,
        Self::Diesel,
        Self::Prisma,
        Self::Drizzle,
        Self::Graphile,
    ];

    /// Returns the tool among all whose ledgers are known.
    pub const fn peer(self) -> Peer {
        match self {
            Self::Supabase => Peer::Supabase,
            Self::Sqlx => Peer::Sqlx,
            Self::Dbmate => Peer::Dbmate,
            Self::GolangMigrate => Peer::GolangMigrate,
            Self::Goose => Peer::Goose,
            Self::Flyway => Peer::Flyway,
            Self::Refinery => Peer::Refinery,
            Self::Diesel => Peer::Diesel,
            Self::Prisma => Peer::Prisma,
            Self::Drizzle => Peer::Drizzle,
            Self::Graphile => Peer::Graphile,
        }
    }

    /// Returns how the ledger of a tool is kept in step, if it can be.
    pub fn of(peer: Peer) -> Option<Self> {
        Self::ALL.into_iter().find(|mirror| mirror.peer() == peer)
    }

    /// Returns where its ledger is: the schema, if it is always the same, and the table.
    pub const fn table(self) -> (Option<&'static str>, &'static str) {
        match self {
            Self::Supabase => (Some("supabase_migrations"), "schema_migrations"),
            Self::Sqlx => (None, "_sqlx_migrations"),
            Self::Dbmate | Self::GolangMigrate => (None, "schema_migrations"),
            Self::Goose => (None, "goose_db_version"),
            Self::Flyway => (None, "flyway_schema_history"),
            Self::Refinery => (None, "refinery_schema_history"),
            Self::Diesel => (None, "__diesel_schema_migrations"),
            Self::Prisma => (None, "_prisma_migrations"),
            Self::Drizzle => (Some("drizzle"), "__drizzle_migrations"),
            Self::Graphile => (Some("graphile_migrate"), "migrations"),
        }
    }

    /// Returns the columns that are written, and those that say how the ledger stands.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Supabase => &["version", "name", "statements"],
            Self::Sqlx => &["version", "description", "success", "checksum", "execution_time"],
            Self::Dbmate => &["version"],
            Self::GolangMigrate => &["version", "dirty"],
            Self::Goose => &["version_id", "is_applied"],
            Self::Flyway => &[
                "installed_rank",
                "version",
                "description",
                "type",
                "script",
                "checksum",
                "installed_by",
                "execution_time",
                "success",
            ],
            Self::Refinery => &["version", "name", "applied_on", "checksum"],
            Self::Diesel => &["version", "run_on"],
            Self::Prisma => &[
                "id",
                "migration_name",
                "checksum",
                "started_at",
                "finished_at",
                "rolled_back_at",
                "applied_steps_count",
            ],
            Self::Drizzle => &["hash", "created_at"],
            Self::Graphile => &["hash", "previous_hash", "filename"],
        }
    }

    /// Returns the column that holds the first of [`Self::cells`] and tells migrations apart; `None` where rows do not say what is
    /// applied.
    pub const fn key(self) -> Option<&'static str> {
        match self {
            Self::GolangMigrate | Self::Goose => None,
            Self::Prisma => Some("migration_name"),
            Self::Drizzle | Self::Graphile => Some("hash"),
            _ => Some("version"),
        }
    }

    /// Returns a condition on rows of migrations that failed or are half done.
    pub const fn unclean(self) -> Option<&'static str> {
        match self {
            Self::Sqlx | Self::Flyway => Some("not success"),
            Self::GolangMigrate => Some("dirty"),
            Self::Prisma => Some("finished_at is null and rolled_back_at is null"),
            _ => None,
        }
    }

    /// Returns the values of the row that the tool would have written, in the order of its statement under `sql/mirror`.
    ///
    /// # Errors
    /// Why the tool could not have written one: a version that is no number, for instance.
    pub fn cells(self, file: &PeerFile<'_>) -> Result<Vec<Cell>, String> {
        let version = file.version.to_string();
        let words = file.name.replace('_', " ");
        Ok(match self {
            Self::Supabase => {
                let statements = serde_json::Value::from(file.statements).to_string();
                vec![Cell::Text(version), Cell::text(file.name), Cell::Text(statements)]
            }
            Self::Sqlx => vec![
                number(&version)?,
                Cell::Text(words),
                Cell::Text(sqlx::checksum(file.raw)),
            ],
            Self::Dbmate => vec![Cell::Text(version)],
            Self::GolangMigrate | Self::Goose => vec![number(&version)?],
            Self::Flyway => vec![
                Cell::Text(version.replace('_', ".")),
                Cell::Text(words),
                Cell::text(file.script),
                Cell::Integer(flyway::checksum(file.raw).into()),
            ],
            Self::Refinery => {
                let number = number(&version)?;
                let Cell::Integer(plain) = number else {
                    return Err(format!("version {version} is no number"));
                };
                let width = if file.wide {
                    refinery::Width::Eight
                } else {
                    refinery::Width::Four
                };
                let checksum = refinery::checksum(file.name, plain, file.raw, width)
                    .ok_or_else(|| format!("version {version} does not fit into an integer, as its ledger has it"))?;
                vec![number, Cell::text(file.name), Cell::Text(checksum)]
            }
            Self::Diesel => vec![Cell::Text(version.replace('-', ""))],
            Self::Prisma => {
                let folder = file.path.parent().and_then(Path::file_name);
                let folder = folder.filter(|_| file.path.file_name().is_some_and(|name| name == "migration.sql"));
                let folder = folder.ok_or("Prisma's migrations are folders with a migration.sql")?;
                vec![
                    Cell::text(folder.to_string_lossy()),
                    Cell::Text(prisma::checksum(file.raw)),
                ]
            }
            Self::Drizzle => {
                let when = drizzle::when(file.path).and_then(|when| i64::try_from(when).ok());
                let when = when.ok_or("meta/_journal.json beside it does not say when it was made")?;
                vec![Cell::Text(prisma::checksum(file.raw)), Cell::Integer(when)]
            }
            Self::Graphile => {
                let (previous, hash) = graphile::committed(file.raw)
                    .ok_or("it has no `--! Previous:` and `--! Hash:`, as graphile-migrate commit writes them")?;
                let previous = previous.map_or(Cell::Null, Cell::Text);
                vec![Cell::Text(hash), previous, Cell::Text(format!("{version}.sql"))]
            }
        })
    }
}

fn number(version: &str) -> Result<Cell, String> {
    let number = version.parse().map(Cell::Integer);
    number.map_err(|_| format!("version {version} is no number, as its ledger has it"))
}

impl fmt::Display for Mirror {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.peer().fmt(formatter)
    }
}

/// The text names no tool whose ledger can be kept in step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no tool whose ledger can be kept in step{suggestion}; expected one of {}",
    names()
)]
pub struct UnknownMirror {
    text: String,
    suggestion: String,
}

fn names() -> String {
    Mirror::ALL.map(|mirror| mirror.peer().name()).join(", ")
}

impl FromStr for Mirror {
    type Err = UnknownMirror;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().ok().and_then(Self::of).ok_or_else(|| {
            let likeness = |tool: &Self| strsim::jaro_winkler(text, tool.peer().name());
            let like = Self::ALL.into_iter().filter(|tool| likeness(tool) > 0.7);
            let best = like.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
            UnknownMirror {
                text: text.to_owned(),
                suggestion: best.map_or_else(String::new, |tool| format!(", did you mean `{tool}`?")),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(tool: Mirror, version: &str, name: &str, path: &str, raw: &str) -> Result<Vec<Cell>, String> {
        tool.cells(&PeerFile {
            version: &Version::parse(version).unwrap(),
            name,
            path: Path::new(path),
            script: path,
            raw,
            statements: &["-- a\nselect 1", "select '\"'"],
            wide: false,
        })
    }

    #[test]
    fn each_tool_has_its_row() {
        let raw = "CREATE TABLE t (id int);\n";
        let of = |tool, version, name, path| -> Vec<String> {
            let cells = cells(tool, version, name, path, raw).unwrap();
            cells.iter().map(ToString::to_string).collect()
        };
        let rows = [
            of(Mirror::Supabase, "0001", "add_x", "a.sql"),
            of(Mirror::Dbmate, "0001", "add_x", "a.sql"),
            of(Mirror::GolangMigrate, "0001", "add_x", "a.sql"),
            of(Mirror::Flyway, "1_2", "add_x", "V1_2__add_x.sql"),
            of(Mirror::Refinery, "1", "initial", "V1__initial.sql"),
            of(Mirror::Prisma, "1_init", "", "m/1_init/migration.sql"),
        ];
        let expected: [&[&str]; 6] = [
            &["0001", "add_x", "[\"-- a\\nselect 1\",\"select '\\\"'\"]"],
            &["0001"],
            &["1"],
            &["1.2", "add x", "V1_2__add_x.sql", "92137680"],
            &["1", "initial", "1459393547224997786"],
            &[
                "1_init",
                "12c83f983b0c94b9c7010dcc92149589d5fb01a3d32af8f6d699545d95db9040",
            ],
        ];
        for (row, expected) in rows.iter().zip(expected) {
            assert_eq!(row, expected);
        }
        let sqlx = cells(Mirror::Sqlx, "0007", "add_the_x", "a.sql", raw).unwrap();
        assert_eq!(sqlx[..2], [Cell::Integer(7), Cell::Text("add the x".to_owned())]);
    }

    #[test]
    fn what_a_tool_could_not_have_written_is_an_error() {
        for (tool, version, path) in [
            (Mirror::Sqlx, "1.2", "a.sql"),
            (Mirror::GolangMigrate, "99999999999999999999", "a.sql"),
            (Mirror::Refinery, "20240101000000", "a.sql"),
            (Mirror::Prisma, "1", "a.sql"),
            (Mirror::Drizzle, "1", "nowhere/a.sql"),
            (Mirror::Graphile, "1", "a.sql"),
        ] {
            assert!(cells(tool, version, "x", path, "select 1").is_err(), "{tool}");
        }
    }

    #[test]
    fn names_read_back_and_a_wrong_one_is_told() {
        for tool in Mirror::ALL {
            assert_eq!(tool.to_string().parse(), Ok(tool));
        }
        let error = "slqx".parse::<Mirror>().unwrap_err().to_string();
        assert!(error.contains("did you mean `sqlx`?"), "{error}");
        assert!(error.contains("golang-migrate"), "{error}");
        // A tool that is known, and whose ledger is only read.
        assert!("knex".parse::<Mirror>().is_err());
    }
}
