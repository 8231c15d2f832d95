//! Another tool's ledger on the server: whether it can be kept in step, and the statements that do it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::{Cell, Mirror};

use super::bind::{NulByte, Value, bind};
use super::connect::Session;
use super::ident::QualifiedName;
use super::message::{MessageError, Row};

const LOOK: &str = include_str!("../../sql/mirror/look.sql");
const GOLANG_FIRST: &str = include_str!("../../sql/mirror/golang_first.sql");
const GOLANG_RAISE: &str = include_str!("../../sql/mirror/golang_raise.sql");
const SUPABASE: &str = include_str!("../../sql/mirror/supabase.sql");
const SQLX: &str = include_str!("../../sql/mirror/sqlx.sql");
const VERSION: &str = include_str!("../../sql/mirror/version.sql");
const GOOSE: &str = include_str!("../../sql/mirror/goose.sql");
const FLYWAY: &str = include_str!("../../sql/mirror/flyway.sql");
const REFINERY: &str = include_str!("../../sql/mirror/refinery.sql");
const PRISMA: &str = include_str!("../../sql/mirror/prisma.sql");
const DRIZZLE: &str = include_str!("../../sql/mirror/drizzle.sql");
const GRAPHILE: &str = include_str!("../../sql/mirror/graphile.sql");

/// A ledger that can be kept in step.
#[derive(Clone, Debug)]
pub struct MirrorTable {
    /// Whose it is.
    pub tool: Mirror,
    /// Its name, quoted.
    pub table: String,
    /// Whether its version is `bigint`.
    pub wide: bool,
    /// What it has already, by the column that tells migrations apart.
    pub keys: BTreeSet<String>,
}

/// Why a ledger cannot be kept in step.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The server refused, or the connection is gone.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// There is no such table.
    #[error("there is no table {table}")]
    NoTable {
        /// Where it should be.
        table: String,
    },
    /// There are several.
    #[error("there are several: {}", tables.join(", "))]
    Several {
        /// Their names.
        tables: Vec<String>,
    },
    /// It is not as that tool makes it.
    #[error("{table} is not as it is known: {what}")]
    Columns {
        /// Its name.
        table: String,
        /// What is different.
        what: String,
    },
    /// The role may not write it.
    #[error("the role may not write {table}")]
    Privilege {
        /// Its name.
        table: String,
        /// The statements that mend it.
        grants: Vec<String>,
    },
    /// It says that a migration failed or is half done.
    #[error("{table} says that a migration failed or is not finished")]
    Unclean {
        /// Its name.
        table: String,
    },
}

/// A table of the right name.
struct Candidate {
    name: String,
    schema: String,
    columns: BTreeMap<String, String>,
    needed: Vec<String>,
    may_use: bool,
    /// Of SELECT, INSERT and UPDATE, what the role may not.
    may_not: Vec<&'static str>,
    sequences: Vec<String>,
}

impl Candidate {
    fn read(row: &Row) -> Option<Self> {
        let text = |column: usize| row.get(column).and_then(Option::as_deref);
        let truth = |column: usize| text(column) == Some("t");
        let name = QualifiedName::new(text(0)?, text(1)?).ok()?;
        Some(Self {
            schema: name.schema.to_string(),
            name: name.to_string(),
            columns: serde_json::from_str(text(2)?).ok()?,
            needed: serde_json::from_str(text(3)?).ok()?,
            may_use: truth(4),
            may_not: [("SELECT", 5), ("INSERT", 6), ("UPDATE", 7)]
                .into_iter()
                .filter(|(_, column)| !truth(*column))
                .map(|(word, _)| word)
                .collect(),
            sequences: serde_json::from_str(text(8)?).ok()?,
        })
    }

    /// Returns what keeps the table from being the tool's as we know it.
    fn difference(&self, tool: Mirror) -> Option<String> {
        let known = tool.columns();
        let missing = known.iter().find(|column| !self.columns.contains_key(**column));
        if let Some(column) = missing {
            return Some(format!("it has no column {column}"));
        }
        let unknown = self.needed.iter().find(|column| !known.contains(&column.as_str()));
        unknown.map(|column| format!("its column {column} has to be filled in, and rlsctl does not know with what"))
    }

    /// Returns the statements that give the role what it lacks.
    fn grants(&self, tool: Mirror, role: &str) -> Vec<String> {
        let mut grants = Vec::new();
        if !self.may_use {
            grants.push(format!("GRANT USAGE ON SCHEMA {} TO {role};", self.schema));
        }
        let updates = tool == Mirror::GolangMigrate;
        let lacking = self.may_not.iter().filter(|word| updates || **word != "UPDATE");
        let lacking: Vec<&str> = lacking.copied().collect();
        if !lacking.is_empty() {
            grants.push(format!("GRANT {} ON {} TO {role};", lacking.join(", "), self.name));
        }
        for sequence in &self.sequences {
            grants.push(format!("GRANT USAGE ON SEQUENCE {sequence} TO {role};"));
        }
        grants
    }
}

/// Finds the tool's ledger, and sees that it is as we know it, that `role` may write it, and what it has. Changes nothing.
///
/// # Errors
/// [`MirrorError`].
pub async fn look(session: &Session, tool: Mirror, role: &str) -> Result<MirrorTable, MirrorError> {
    let (schema, table) = tool.table();
    let query = bind(LOOK, &[Value::Text(table), Value::Optional(schema)]).map_err(no_nul)?;
    let rows = session.rows(&query).await?;
    let found: Vec<Candidate> = rows.iter().filter_map(Candidate::read).collect();
    let candidate = choose(tool, found)?;
    let role = super::ident::Ident::new(role).map_or_else(|_| role.to_owned(), |role| role.to_string());
    let grants = candidate.grants(tool, &role);
    let table = candidate.name;
    if !grants.is_empty() {
        return Err(MirrorError::Privilege { table, grants });
    }
    if let Some(condition) = tool.unclean() {
        let query = format!("select exists (select from {table} where {condition})");
        if first_column(&session.rows(&query).await?).any(|is| is == "t") {
            return Err(MirrorError::Unclean { table });
        }
    }
    let mut keys = BTreeSet::new();
    if let Some(column) = tool.key() {
        // One that was rolled back may be applied again.
        let condition = if tool == Mirror::Prisma {
            "rolled_back_at is null"
        } else {
            "true"
        };
        let query = format!("select {column}::pg_catalog.text from {table} where {condition}");
        keys.extend(first_column(&session.rows(&query).await?));
    }
    Ok(MirrorTable {
        tool,
        wide: candidate.columns.get("version").is_some_and(|kind| kind == "bigint"),
        table,
        keys,
    })
}

fn no_nul(_: NulByte) -> MirrorError {
    MirrorError::NoTable { table: String::new() }
}

fn first_column(rows: &[Row]) -> impl Iterator<Item = String> {
    rows.iter().filter_map(|row| row.first().cloned().flatten())
}

/// Names are common: `schema_migrations` is that of six tools, which are told apart by their columns.
fn choose(tool: Mirror, found: Vec<Candidate>) -> Result<Candidate, MirrorError> {
    let (schema, name) = tool.table();
    let (mut fitting, others): (Vec<Candidate>, Vec<Candidate>) =
        found.into_iter().partition(|it| it.difference(tool).is_none());
    match (fitting.len(), others.first()) {
        (1, _) => Ok(fitting.swap_remove(0)),
        (0, Some(other)) => Err(MirrorError::Columns {
            table: other.name.clone(),
            what: other.difference(tool).unwrap_or_default(),
        }),
        (0, None) => Err(MirrorError::NoTable {
            table: schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}")),
        }),
        _ => Err(MirrorError::Several {
            tables: fitting.into_iter().map(|it| it.name).collect(),
        }),
    }
}

/// Returns the statements that write the tool's row, for the transaction of the migration; `cells` are those of [`Mirror::cells`].
///
/// # Errors
/// [`NulByte`].
///
/// # Privileges
/// INSERT on the table, and for golang-migrate UPDATE.
pub fn row_statements(table: &MirrorTable, cells: &[Cell]) -> Result<Vec<String>, NulByte> {
    let mut values = vec![Value::Query(&table.table)];
    values.extend(cells.iter().map(|cell| match cell {
        Cell::Text(text) => Value::Text(text),
        Cell::Integer(number) => Value::Integer(*number),
        Cell::Null => Value::Optional(None),
    }));
    let files: &[&'static str] = match table.tool {
        Mirror::Supabase => &[SUPABASE],
        Mirror::Sqlx => &[SQLX],
        Mirror::Dbmate | Mirror::Diesel => &[VERSION],
        Mirror::GolangMigrate => &[GOLANG_FIRST, GOLANG_RAISE],
        Mirror::Goose => &[GOOSE],
        Mirror::Flyway => &[FLYWAY],
        Mirror::Refinery => &[REFINERY],
        Mirror::Prisma => &[PRISMA],
        Mirror::Drizzle => &[DRIZZLE],
        Mirror::Graphile => &[GRAPHILE],
    };
    files.iter().map(|file| bind(file, &values)).collect()
}
