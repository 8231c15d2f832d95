//! What can be typed behind `audit`.

#![allow(clippy::doc_markdown, reason = "the comments are printed as help")]

use clap::Args;

/// `audit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Reads the catalog only, and tells the server so. What it looks for is relative to [tenancy] of rlsctl.toml: the tenant column, how a \
session says whose it is, and the roles that the application acts as. A finding of severity error is a way to another tenant's rows; \
what cannot be told from the catalog is a note, and `rlsctl prove` tries it.

Examples:
  rlsctl audit                          what lets rows cross tenants
  rlsctl audit --explain leak.view      what a code means, and what to do
  rlsctl --format github audit          for a pipeline")]
pub struct AuditArgs {
    /// Explain a code instead: what is wrong, why it matters, what to do
    #[arg(long, value_name = "CODE")]
    pub explain: Option<String>,
}
