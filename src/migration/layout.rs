//! The layouts in which other tools keep their migrations.

use std::fmt;
use std::str::FromStr;

/// How a folder of migrations is laid out: which files belong, what their versions are, which part of them is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layout {
    /// Supabase CLI: `<digits>_<name>.sql`, flat.
    Supabase,
    /// sqlx: `<digits>_<name>.sql`, or pairs of `.up.sql` and `.down.sql`, flat.
    Sqlx,
    /// dbmate: `<digits>...sql` with `-- migrate:up` and `-- migrate:down` parts, flat.
    Dbmate,
    /// goose: `<digits>_<name>.sql` with `-- +goose Up` and `-- +goose Down` parts, flat.
    Goose,
    /// Flyway: `V<version>__<name>.sql`, undo files `U`, repeatables `R`, baselines `B`, recursive.
    Flyway,
    /// refinery: `V<version>__<name>.sql` and `U<version>__<name>.sql`, both applied, recursive.
    Refinery,
    /// Diesel: folders `<version>_<name>` with `up.sql` and `down.sql`.
    Diesel,
    /// golang-migrate: pairs `<digits>_<name>.up.sql` and `.down.sql`, flat.
    GolangMigrate,
    /// Prisma: folders `<digits>_<name>` with `migration.sql`.
    Prisma,
    /// Drizzle: files listed in `meta/_journal.json`, or (from version 1) folders with `migration.sql` and `snapshot.json`.
    Drizzle,
    /// graphile-migrate: `committed/<digits>[-<name>].sql`.
    Graphile,
    /// Files that begin with a number, and nothing else to go by.
    Plain,
}

/// The text names no layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no layout, expected one of {}", Layout::names())]
pub struct UnknownLayoutName {
    /// The text given.
    pub text: String,
}

impl Layout {
    /// Every layout.
    pub const ALL: [Self; 12] = [
        Self::Supabase,
        Self::Sqlx,
        Self::Dbmate,
        Self::Goose,
        Self::Flyway,
        Self::Refinery,
        Self::Diesel,
        Self::GolangMigrate,
        Self::Prisma,
        Self::Drizzle,
        Self::Graphile,
        Self::Plain,
    ];

    /// Returns the name as it stands in `rlsctl.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Supabase => "supabase",
            Self::Sqlx => "sqlx",
            Self::Dbmate => "dbmate",
            Self::Goose => "goose",
            Self::Flyway => "flyway",
            Self::Refinery => "refinery",
            Self::Diesel => "diesel",
            Self::GolangMigrate => "golang-migrate",
            Self::Prisma => "prisma",
            Self::Drizzle => "drizzle",
            Self::Graphile => "graphile",
            Self::Plain => "plain",
        }
    }

    /// Returns the form of a migration's name, for messages.
    pub const fn pattern(self) -> &'static str {
        match self {
            Self::Supabase | Self::Plain => "<digits>_<name>.sql",
            Self::Sqlx => "<digits>_<name>.sql, or <digits>_<name>.up.sql and .down.sql",
            Self::Dbmate => "<digits>_<name>.sql with `-- migrate:up`",
            Self::Goose => "<digits>_<name>.sql with `-- +goose Up`, digits above zero",
            Self::Flyway => "V<version>__<name>.sql",
            Self::Refinery => "V<version>__<name>.sql or U<version>__<name>.sql",
            Self::Diesel => "<digits>_<name>/up.sql",
            Self::GolangMigrate => "<digits>_<name>.up.sql and .down.sql",
            Self::Prisma => "<digits>_<name>/migration.sql",
            Self::Drizzle => "<digits>_<name>.sql listed in meta/_journal.json, or <digits>_<name>/migration.sql",
            Self::Graphile => "committed/<digits>-<name>.sql",
        }
    }

    /// Tells whether a migration is a folder that holds a script of fixed name; returns that name.
    pub(super) const fn script_in_folder(self) -> Option<&'static str> {
        match self {
            Self::Diesel => Some("up.sql"),
            Self::Prisma => Some("migration.sql"),
            _ => None,
        }
    }

    fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Layout {
    type Err = UnknownLayoutName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|layout| layout.name() == text);
        found.ok_or_else(|| UnknownLayoutName { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for layout in Layout::ALL {
            assert_eq!(layout.to_string().parse(), Ok(layout));
        }
        assert_eq!(
            "rails".parse::<Layout>().unwrap_err().to_string(),
            "`rails` is no layout, expected one of supabase, sqlx, dbmate, goose, flyway, refinery, diesel, golang-migrate, \
             prisma, drizzle, graphile, plain"
        );
    }
}
