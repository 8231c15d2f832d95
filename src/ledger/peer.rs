//! Other tools' ledgers: which tools there are, and where a ledger of theirs was found.

use std::fmt;
use std::str::FromStr;

/// A tool that keeps a ledger of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// Supabase CLI.
    Supabase,
    /// sqlx.
    Sqlx,
    /// refinery.
    Refinery,
    /// Flyway.
    Flyway,
    /// dbmate, and others that keep nothing but versions.
    Dbmate,
    /// golang-migrate.
    GolangMigrate,
    /// Rails.
    Rails,
    /// Ecto.
    Ecto,
    /// goose.
    Goose,
    /// Diesel.
    Diesel,
    /// Prisma.
    Prisma,
    /// Drizzle.
    Drizzle,
    /// graphile-migrate.
    Graphile,
    /// knex.
    Knex,
    /// node-pg-migrate.
    NodePgMigrate,
    /// sqitch.
    Sqitch,
    /// Atlas.
    Atlas,
    /// postgres-migrations.
    PostgresMigrations,
    /// pgroll.
    Pgroll,
    /// Boundary.
    Boundary,
}

impl Peer {
    /// Every tool.
    pub const ALL: [Self; 20] = [
        Self::Supabase,
        Self::Sqlx,
        Self::Refinery,
        Self::Flyway,
        Self::Dbmate,
        Self::GolangMigrate,
        Self::Rails,
        Self::Ecto,
        Self::Goose,
        Self::Diesel,
        Self::Prisma,
        Self::Drizzle,
        Self::Graphile,
        Self::Knex,
        Self::NodePgMigrate,
        Self::Sqitch,
        Self::Atlas,
        Self::PostgresMigrations,
        Self::Pgroll,
        Self::Boundary,
    ];

    /// Returns its name, as `sql/adopt/find.sql` has it too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Supabase => "supabase",
            Self::Sqlx => "sqlx",
            Self::Refinery => "refinery",
            Self::Flyway => "flyway",
            Self::Dbmate => "dbmate",
            Self::GolangMigrate => "golang-migrate",
            Self::Rails => "rails",
            Self::Ecto => "ecto",
            Self::Goose => "goose",
            Self::Diesel => "diesel",
            Self::Prisma => "prisma",
            Self::Drizzle => "drizzle",
            Self::Graphile => "graphile",
            Self::Knex => "knex",
            Self::NodePgMigrate => "node-pg-migrate",
            Self::Sqitch => "sqitch",
            Self::Atlas => "atlas",
            Self::PostgresMigrations => "postgres-migrations",
            Self::Pgroll => "pgroll",
            Self::Boundary => "boundary",
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// The text names no tool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no tool whose ledger is known")]
pub struct UnknownPeer(String);

impl FromStr for Peer {
    type Err = UnknownPeer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|peer| peer.name() == text);
        found.ok_or_else(|| UnknownPeer(text.to_owned()))
    }
}

/// A table that is another tool's ledger, by its columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerTable {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub table: String,
    /// The tool.
    pub peer: Peer,
    /// Whether its columns alone say so. Those of others are few and common, such as `version` alone; of these, only a table that is
    /// named as a ledger counts, unless somebody asks for it.
    pub certain: bool,
}

impl fmt::Display for PeerTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.schema, self.table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for peer in Peer::ALL {
            assert_eq!(peer.name().parse(), Ok(peer));
        }
        assert!("liquibase".parse::<Peer>().is_err());
    }
}
