//! What can be typed behind `blockers` and `reap-idle`.

#![allow(clippy::doc_markdown, reason = "the comments are printed as help")]
#![allow(clippy::struct_excessive_bools, reason = "a flag is a bool")]

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

/// `blockers`.
#[derive(Debug, Args)]
#[command(after_help = "\
Shows everybody who waits for a lock in this database, behind whoever is in the way: what it does and for how long, what it \
holds, and what ending it would free. With tables, everybody who holds or awaits a lock on one of them, also where nobody \
waits. Changes nothing. Values in statements are masked.

Examples:
  rlsctl blockers
  rlsctl blockers orders app.invoices
  rlsctl blockers --watch
  rlsctl blockers --format json | jq '.sessions[] | select(.waits_for == null)'")]
pub struct BlockersArgs {
    /// Only around these tables, as they are written in SQL
    #[arg(value_name = "TABLE", value_parser = NonEmptyStringValueParser::new())]
    pub tables: Vec<String>,
    /// Draw it again and again, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
    /// How often [default: 1s]; with it, `--watch` also goes on without a terminal
    #[arg(long, value_name = "DURATION", requires = "watch")]
    pub interval: Option<String>,
}

/// `reap-idle`.
#[derive(Debug, Args)]
#[command(after_help = "\
Ends client sessions that are `idle in transaction`, aborted or not, and have been for as long as --older-than. The statement \
that ends one compares process id, start of session and transaction, state and age once more, so that whoever goes on is spared. \
Never ended: sessions at work, outside a transaction, younger, protected, of replication; prepared transactions are reported. \
Running it twice at once does no harm. Patterns: `*` stands for anything.

Exit codes: 0 nothing was due, or all that was due is ended; 1 some could not be ended, each named; 3 it could not look.

Examples:
  rlsctl reap-idle --dry-run -v                     look first: who would be ended, who is spared and why
  rlsctl reap-idle --older-than 2h --application 'worker*'
  rlsctl reap-idle --only-blocking --older-than 5m  only whom somebody waits for
  rlsctl -q reap-idle --all-targets --metrics-file /var/lib/node_exporter/rlsctl.prom
  rlsctl reap-idle --print-sql                      one statement that does it, for pg_cron")]
pub struct ReapIdleArgs {
    /// Idle in a transaction for at least this long [default: reap.older_than, 24h]
    #[arg(long, value_name = "DURATION")]
    pub older_than: Option<String>,
    /// Print who would be ended, and end nobody
    #[arg(long)]
    pub dry_run: bool,
    /// End so many at most, the oldest first
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// End only whom somebody waits for
    #[arg(long)]
    pub only_blocking: bool,
    /// Only sessions of this role; may be given several times
    #[arg(long, value_name = "PATTERN", value_parser = NonEmptyStringValueParser::new())]
    pub role: Vec<String>,
    /// Only sessions of this application; may be given several times
    #[arg(long, value_name = "PATTERN", value_parser = NonEmptyStringValueParser::new())]
    pub application: Vec<String>,
    /// Another database of the same server, which is connected to; may be given several times [default: the target's own]
    #[arg(long, value_name = "PATTERN", value_parser = NonEmptyStringValueParser::new())]
    pub database: Vec<String>,
    /// Never a session of this role, beside reap.protect_roles; may be given several times
    #[arg(long, value_name = "PATTERN", value_parser = NonEmptyStringValueParser::new())]
    pub protect_role: Vec<String>,
    /// Never a session of this application, beside reap.protect_applications; may be given several times
    #[arg(long, value_name = "PATTERN", value_parser = NonEmptyStringValueParser::new())]
    pub protect_application: Vec<String>,
    /// All targets of rlsctl.toml, at the same time; one that fails does not stop the others
    #[arg(long)]
    pub all_targets: bool,
    /// Write metrics for Prometheus to this file, in one step, also when the run fails
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
    /// Print one statement that does the same inside the server, and connect to nothing
    #[arg(long, conflicts_with_all = ["dry_run", "database", "all_targets", "metrics_file"])]
    pub print_sql: bool,
}
