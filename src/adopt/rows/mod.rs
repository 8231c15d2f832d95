//! What the rows of another tool's ledger say, in one form for all tools: pure functions of the rows, read as JSON objects.
//!
//! A row that shows a failed or unfinished migration keeps anything from being adopted; it is named.

mod checked;
mod field;
mod listed;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::finding::Finding;
use crate::ledger::{Peer, PeerTable};
use crate::migration::{TokenChecksum, Version};

use field::Fields;

/// What a ledger keeps of a migration's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Nothing, and why.
    Nothing(&'static str),
    /// A checksum of the file alone, as text.
    Mark(String),
    /// refinery: decimal digits.
    Refinery(String),
    /// graphile-migrate.
    Graphile {
        /// Its hash.
        hash: String,
        /// The hash of the migration before it.
        previous: Option<String>,
    },
    /// Supabase keeps the statements themselves.
    Statements {
        /// How many.
        count: usize,
        /// What they hold.
        tokens: TokenChecksum,
    },
}

impl Stored {
    /// Returns it for people and for the event log; statements are only counted.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Nothing(_) => Value::Null,
            Self::Mark(text) | Self::Refinery(text) => text.as_str().into(),
            Self::Graphile { hash, .. } => hash.as_str().into(),
            Self::Statements { count, .. } => format!("{count} statements").into(),
        }
    }
}

/// An applied migration, as the other tool's ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its version or, where the tool has none, its name: as the ledger writes it.
    pub label: String,
    /// Its version.
    pub version: Option<Version>,
    /// Its name, in the tool's own form.
    pub name: Option<String>,
    /// What is kept of its content.
    pub stored: Stored,
    /// When it was applied, as the server writes it.
    pub applied_at: Option<String>,
    /// Who applied it.
    pub applied_by: Option<String>,
    /// Whether it was made on the target itself, without a file.
    pub hotfix: bool,
    /// Drizzle: the journal's time stamp.
    pub when: Option<i64>,
}

impl Row {
    fn new(label: impl Into<String>, stored: Stored) -> Self {
        Self {
            label: label.into(),
            version: None,
            name: None,
            stored,
            applied_at: None,
            applied_by: None,
            hotfix: false,
            when: None,
        }
    }

    fn versioned(label: impl Into<String>, stored: Stored) -> Self {
        let mut row = Self::new(label, stored);
        row.version = Version::parse(&row.label).ok();
        row
    }
}

/// A version up to which everything counts as applied, without a row for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The version.
    pub version: Version,
    /// Whether a file of just that version has to be there.
    pub has_file: bool,
}

/// What a ledger says.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// The applied migrations.
    pub rows: Vec<Row>,
    /// The version up to which all is applied.
    pub mark: Option<Mark>,
    /// How many rows are none of the migrations'.
    pub skipped: usize,
    /// Rows that show a failed or unfinished migration.
    pub refusals: Vec<Finding>,
}

/// Returns what the rows of a ledger say.
pub fn read(table: &PeerTable, rows: &[Value]) -> Said {
    let mut said = Said::default();
    let fields: Vec<Fields<'_>> = rows.iter().map(Fields::of).collect();
    match table.peer {
        Peer::Supabase => each(&mut said, &fields, checked::supabase),
        Peer::Sqlx => each(&mut said, &fields, checked::sqlx),
        Peer::Refinery => each(&mut said, &fields, checked::refinery),
        Peer::Flyway => checked::flyway(&mut said, &fields),
        Peer::Prisma => checked::prisma(&mut said, &fields),
        Peer::Drizzle => each(&mut said, &fields, checked::drizzle),
        Peer::Graphile => each(&mut said, &fields, checked::graphile),
        Peer::Sqitch => each(&mut said, &fields, checked::sqitch),
        Peer::Atlas => checked::atlas(&mut said, &fields),
        Peer::PostgresMigrations => each(&mut said, &fields, checked::postgres_migrations),
        Peer::Dbmate | Peer::Rails | Peer::Ecto | Peer::Diesel => each(&mut said, &fields, listed::versions),
        Peer::Goose => listed::goose(&mut said, &fields),
        Peer::GolangMigrate => listed::golang_migrate(&mut said, &fields),
        Peer::Boundary => listed::boundary(&mut said, &fields),
        Peer::Knex | Peer::NodePgMigrate => each(&mut said, &fields, listed::names),
        Peer::Pgroll => each(&mut said, &fields, listed::pgroll),
    }
    for refusal in &mut said.refusals {
        refusal.evidence.insert("ledger", table.to_string().into());
    }
    said
}

/// A row that is read by itself: one that counts, one that is none of the migrations', or one that keeps us from going on.
enum One {
    Row(Box<Row>),
    Skipped,
    Refused(Finding),
}

impl From<Row> for One {
    fn from(row: Row) -> Self {
        Self::Row(Box::new(row))
    }
}

fn each(said: &mut Said, rows: &[Fields<'_>], read: impl Fn(&Fields<'_>) -> One) {
    for fields in rows {
        said.add(read(fields));
    }
}

impl Said {
    fn add(&mut self, one: One) {
        match one {
            One::Row(row) => self.rows.push(*row),
            One::Skipped => self.skipped += 1,
            One::Refused(finding) => self.refusals.push(finding),
        }
    }
}

/// A row that shows a state out of which only the other tool, or a person, leads; `help` says how.
fn unfinished(label: &str, message: impl Into<String>, help: &str) -> Finding {
    let help = format!("{help}; then `rlsctl adopt` again");
    Finding::error("adopt.unfinished", label, message, help)
}

/// Returns the version that a name begins with, if it does, and what is behind its digits.
pub fn leading_version(name: &str) -> (Option<Version>, &str) {
    let rest = name.trim_start_matches(|c: char| c.is_ascii_digit());
    (Version::parse(&name[..name.len() - rest.len()]).ok(), rest)
}

/// Returns the newest row of each version, by a number that grows, of those rows that have both.
fn newest<'a, 'b: 'a, V: Ord>(
    rows: impl IntoIterator<Item = &'a Fields<'b>>,
    key: impl Fn(&Fields<'b>) -> Option<(V, i64)>,
) -> BTreeMap<V, &'a Fields<'b>> {
    let mut newest: BTreeMap<V, (i64, &Fields<'b>)> = BTreeMap::new();
    for fields in rows {
        let Some((version, number)) = key(fields) else { continue };
        if newest.get(&version).is_none_or(|(before, _)| *before < number) {
            newest.insert(version, (number, fields));
        }
    }
    let rows = newest.into_iter();
    rows.map(|(version, (_, fields))| (version, fields)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what the rows of a tool's ledger say.
    pub(super) fn said(peer: Peer, rows: &[Value]) -> Said {
        let table = PeerTable {
            schema: "public".to_owned(),
            table: "t".to_owned(),
            peer,
            certain: true,
        };
        read(&table, rows)
    }

    #[test]
    fn what_a_name_begins_with() {
        assert_eq!(leading_version("0012_a.sql"), (Version::parse("0012").ok(), "_a.sql"));
        assert_eq!(leading_version("a_12"), (None, "a_12"));
    }
}
