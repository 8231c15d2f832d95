//! What can be typed behind `rlsctl prove`.

#![allow(clippy::doc_markdown, reason = "the comments are printed as help")]

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

/// `prove`.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "they are flags")]
#[command(after_help = "\
For each table, partition, view and function that a role of [tenancy] reaches, and each command that it may use: acts as \
that role, as one tenant, and tries to reach another one's rows. Sessions: the tenant's; with claims that users write \
themselves; with no context; with a context that was emptied; with values like the tenant's; with a plan made for the \
other tenant; with every role that it can become. Each relation is tried in a transaction of its own that is rolled \
back. An accepted statement proves nothing: the other tenant's rows are compared before and after.

Connect as a superuser, or as a role with BYPASSRLS that is a member of the application's roles: whoever compares has to \
see all rows. A target with `production = true` in rlsctl.toml is refused without --yes.

Exit codes: 0 everything is PROVEN, 1 something leaks or is UNKNOWN, 3 cannot look, 6 refused.

Examples:
  rlsctl --target staging prove
  rlsctl prove --tenant 1 --tenant 2 --redact
  rlsctl prove --seed               in CI, on a database that has no rows
  rlsctl prove --format json | jq -r '.verdicts[] | select(.verdict == \"LEAK\") | .script'")]
pub struct ProveArgs {
    /// The tenant that acts, and with a second --tenant the one that is to be reached [default: found in the data]
    #[arg(long = "tenant", value_name = "TENANT", value_parser = NonEmptyStringValueParser::new())]
    pub tenants: Vec<String>,
    /// Mask values of rows that are shown
    #[arg(long)]
    pub redact: bool,
    /// Exit 0 although something is UNKNOWN
    #[arg(long)]
    pub allow_unknown: bool,
    /// Call VOLATILE functions too, whose effects outside of the transaction cannot be taken back
    #[arg(long)]
    pub call_volatile: bool,
    /// Make rows for two tenants where the data has none, inside the transactions that are rolled back
    #[arg(long)]
    pub seed: bool,
    /// Write the probes as tests that run without rlsctl, one a file, to a folder that is new or empty: `pgtap DIR`
    #[arg(long, num_args = 2, value_names = ["KIND", "DIR"])]
    pub emit: Vec<String>,
    /// Try each proof again with row security taken away, which has to leak; locks each table for a moment, so not for live databases
    #[arg(long)]
    pub strict_control: bool,
    /// How long one probe may take [default: 5s]
    #[arg(long, value_name = "DURATION", default_value = "5s", hide_default_value = true)]
    pub probe_timeout: String,
}
