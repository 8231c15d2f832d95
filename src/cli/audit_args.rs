//! What can be typed behind `audit`.

#![allow(clippy::doc_markdown, reason = "the comments are printed as help")]

use std::path::PathBuf;

use clap::Args;

/// `audit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Reads the catalog only, and tells the server so. What it looks for is relative to [tenancy] of rlsctl.toml: the tenant column, how a \
session says whose it is, and the roles that the application acts as. A finding of severity error is a way to another tenant's rows; \
what cannot be told from the catalog is a note, and `rlsctl prove` tries it. Without [tenancy] it says what can be said without.

[[audit.allow]] in rlsctl.toml takes a finding out of the count, with a reason and, if you like, a last day.

With --files or --dump nothing is connected to: a throwaway server is started, the SQL is run there, and that is judged. Roles that the \
SQL names and does not make are made, without login and with no rights of their own.

Exit codes: 0 no errors and no warnings, 1 some, 3 it could not look.

Examples:
  rlsctl audit                                  what lets rows cross tenants
  rlsctl audit --explain leak.view              what a code means, and what to do
  rlsctl --format github audit --files          the migrations of a branch, in a pipeline
  rlsctl audit --write-baseline audit.baseline  begin today with a legacy database ...
  rlsctl audit --baseline audit.baseline        ... and only hear of what is new
  rlsctl audit --fix                            the next migration, with what can be mended without a decision")]
pub struct AuditArgs {
    /// Explain a code instead: what is wrong, why it matters, what to do
    #[arg(long, value_name = "CODE")]
    pub explain: Option<String>,
    /// Judge the migrations, replayed into a throwaway server, instead of a database
    #[arg(long, conflicts_with_all = ["dump", "explain"])]
    pub files: bool,
    /// Judge what `pg_dump` has written as plain SQL, restored into a throwaway server
    #[arg(long, value_name = "FILE", conflicts_with = "explain")]
    pub dump: Option<PathBuf>,
    /// SQL to run in the throwaway server first: a stub of what the platform brings, such as schema auth
    #[arg(long, value_name = "FILE")]
    pub before: Option<PathBuf>,
    /// Write what can be mended without a decision as a migration: the next one of the folder, or this file
    #[arg(long, value_name = "FILE", conflicts_with = "explain")]
    #[allow(clippy::option_option, reason = "not given, given, given with a file")]
    pub fix: Option<Option<PathBuf>>,
    /// Pass over what this file knows already
    #[arg(long, value_name = "FILE", conflicts_with_all = ["write_baseline", "explain"])]
    pub baseline: Option<PathBuf>,
    /// Write all that is found to this file, so that `--baseline` passes over it from now on
    #[arg(long, value_name = "FILE", conflicts_with = "explain")]
    pub write_baseline: Option<PathBuf>,
}
