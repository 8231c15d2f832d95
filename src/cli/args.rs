//! What can be typed.

#![allow(clippy::doc_markdown, reason = "the comments are printed as help")]
#![allow(clippy::struct_excessive_bools, reason = "a flag is a bool")]

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};

use crate::config::Flags;
use crate::report::{ColorChoice, Format};

use super::audit_args::AuditArgs;
use super::lock_args::LockArgs;
use super::retrofit_args::RetrofitArgs;
use super::session_args::{BlockersArgs, ReapIdleArgs};

/// Row-level security on live multi-tenant Postgres: migrations with a checksum ledger, applied without hurting the application.
#[derive(Debug, Parser)]
#[command(
    name = "rlsctl",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "\
Examples:
  rlsctl init                  find migrations and database, write rlsctl.toml
  rlsctl status                what is applied, what is pending, the head
  rlsctl migrate --plan        what would be done: statements, tables, locks
  rlsctl migrate               do it
  rlsctl --target prod status  the same for another database of rlsctl.toml

Exit codes: 0 done, 1 findings, 2 usage, 3 configuration or connection, 4 blocked, 5 failed and rolled back, \
6 refused before anything ran, 7 partly applied, 129/130/143 interrupted."
)]
pub struct Cli {
    /// What is global.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The database, by its name in rlsctl.toml [env: RLSCTL_TARGET]
    #[arg(long, global = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub target: Option<String>,
    /// The database, as a URL or a key-value string [env: RLSCTL_DATABASE_URL, DATABASE_URL, PG*]
    // An empty one, from a variable that is not set, would mean some default database.
    #[arg(long, global = true, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub database_url: Option<String>,
    /// The configuration file [env: RLSCTL_CONFIG; default: rlsctl.toml here or above]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The migrations folder [env: RLSCTL_DIR; default: the one that is found]
    #[arg(long, global = true, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// How results are printed; github, sarif, junit and markdown are for commands with findings
    #[arg(long, global = true, value_enum, default_value_t)]
    pub format: Format,
    /// When colours are used; NO_COLOR is obeyed
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Print results and errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print also what the server notices
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Answer yes to every question; without a terminal nothing is ever asked
    #[arg(long, global = true)]
    pub yes: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find layout, ledger and connection, and write rlsctl.toml
    Init(InitArgs),
    /// Make the next migration file in the project's layout
    New(NewArgs),
    /// Show what is applied, pending and drifted, and the head
    Status(StatusArgs),
    /// Verify the ledger, then apply what is pending
    Migrate(MigrateArgs),
    /// Compare files, ledger and catalog, for CI: is this database what the files say?
    DriftCheck(DriftCheckArgs),
    /// Record that an edited file is meant to be so
    Accept(AcceptArgs),
    /// Take over another tool's ledger, without running anything
    Adopt(AdoptArgs),
    /// Show who waits for whom, and what ending one would free
    Blockers(BlockersArgs),
    /// End sessions that have been idle in a transaction for too long; made for cron
    ReapIdle(ReapIdleArgs),
    /// Cut a wide migration into sections of one table, and prove that the catalog comes out the same
    Split(SplitArgs),
    /// Put row security onto tables that are there already, in stages, each with a way back
    Retrofit(RetrofitArgs),
    /// Show what in the catalog lets rows cross tenants, and what to do about it
    Audit(AuditArgs),
}

/// `init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Looks for a migrations folder in this directory and below, tells its layout from the files in it, and tries the \
connection. Nothing on the server is changed; without a connection the file is written all the same. A configuration \
that is there already is left alone.

Examples:
  DATABASE_URL=postgres://localhost/app rlsctl init
  rlsctl --dir db/migrations init      where there are several, or an empty one
  rlsctl --config ci/rlsctl.toml init  write it there")]
pub struct InitArgs {}

/// `new`.
#[derive(Debug, Args)]
#[command(after_help = "\
The file's name and number follow the layout of the folder: a timestamp, the next number, a folder with up.sql, ... \
Never overwrites a file. Its path goes to stdout.

Examples:
  rlsctl new \"add tenant to invoices\"
  $EDITOR $(rlsctl new \"add tenant to invoices\")")]
pub struct NewArgs {
    /// What the migration does, in a few words
    #[arg(value_name = "NAME", required = true)]
    pub name: String,
}

/// `status`.
#[derive(Debug, Args)]
#[command(after_help = "\
The head is a hash over all applied versions and their content: two databases at the same number with different \
content have different heads.

Exit codes: 0 files and ledger agree (pending files are not a finding), 1 they do not.

Examples:
  rlsctl status
  rlsctl --target prod status --format json | jq -r .summary.head")]
pub struct StatusArgs {}

/// `migrate`.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
Each file runs in one transaction together with its ledger row; statements that cannot run in a transaction (CREATE \
INDEX CONCURRENTLY, VACUUM, ...) are found by the server's grammar and run one by one. Locks are waited for briefly and \
again, so that the application does not queue behind us. Safe to run twice, at the same moment, and after being killed.

Examples:
  rlsctl migrate --plan                 look first
  rlsctl migrate --to 20240105120000    not further than this
  rlsctl migrate --single-transaction   all or nothing
  rlsctl --dir db/migrations migrate --format json")]
pub struct MigrateArgs {
    /// Print what would be done, and do nothing
    #[arg(long, visible_alias = "dry-run")]
    pub plan: bool,
    /// Apply nothing newer than this version
    #[arg(long, value_name = "VERSION")]
    pub to: Option<String>,
    /// Apply all pending files in one transaction, or none
    #[arg(long)]
    pub single_transaction: bool,
    /// Apply pending files that are older than the newest applied one
    #[arg(long)]
    pub allow_out_of_order: bool,
    /// Go on although the database has another tool's ledger that was never adopted
    #[arg(long)]
    pub ignore_other_ledger: bool,
    /// Run a statement again that was cut off and whose effect cannot be seen in the catalog
    #[arg(long)]
    pub rerun_unknown_step: bool,
    /// How long one statement may run [env: RLSCTL_STATEMENT_TIMEOUT; default: 55s]
    #[arg(long, value_name = "DURATION")]
    pub statement_timeout: Option<String>,
    /// How locks are got.
    #[command(flatten)]
    pub locks: LockArgs,
}

/// `drift-check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Files are matched with the ledger by content first, then by name, then by version. Edits of form only are told and no \
drift. Changes nothing on the server; --write-missing writes files.

Exit codes: 0 no drift (pending files are none, unless --no-pending), 1 drift, 3 cannot look.

Examples:
  rlsctl drift-check --no-pending                  in CI: this database is exactly what the files say
  rlsctl --target local drift-check --against prod two databases at the same number
  rlsctl drift-check --reference git:origin/main   who moved away from main: files, database, or both
  rlsctl drift-check --write-missing               write the file of every hotfix from the ledger's text
  rlsctl drift-check --format sarif > drift.sarif")]
pub struct DriftCheckArgs {
    /// Another database, by its name in rlsctl.toml or as a URL, to compare with
    #[arg(long, value_name = "TARGET", value_parser = NonEmptyStringValueParser::new())]
    pub against: Option<String>,
    /// Files that both came from: a folder, or git:REV; says who moved away from them
    #[arg(long, value_name = "DIR|git:REV", value_parser = NonEmptyStringValueParser::new())]
    pub reference: Option<String>,
    /// Do not compare files with the ledger
    #[arg(long)]
    pub no_files: bool,
    /// Do not compare the catalog with what it was when rlsctl last ran
    #[arg(long)]
    pub no_schema: bool,
    /// Replay all applied files into a throwaway server and compare its catalog with this one
    #[arg(long)]
    pub shadow: bool,
    /// Replay them into this empty database instead
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub shadow_url: Option<String>,
    /// An edit of form only is drift too
    #[arg(long)]
    pub strict: bool,
    /// A file that is not applied is drift too
    #[arg(long)]
    pub no_pending: bool,
    /// Write the file of every migration that has none, from the ledger's text; never over a file
    #[arg(long)]
    pub write_missing: bool,
}

/// `accept`.
#[derive(Debug, Args)]
#[command(after_help = "\
For a migration that was edited after it was applied, where the edit is right: the ledger gets the file's checksum and \
text. What it said before is kept in rlsctl.event with the reason. Nothing of the file is run. `accept schema` does the \
same for what was changed by hand: the catalog as it is becomes what drift-check compares with.

Examples:
  rlsctl accept 20240105120000 --reason 'formatted by pg_format' --dry-run
  rlsctl accept 20240105120000 --reason 'formatted by pg_format'
  rlsctl accept schema --reason 'index built at night, is in 20240106090000 now'")]
pub struct AcceptArgs {
    /// The version whose file is meant to be as it is; `schema` for the catalog as it is
    // Every command has an option `version` already.
    #[arg(id = "accepted", value_name = "VERSION")]
    pub version: String,
    /// Why, for whoever reads the ledger later
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Print what would be recorded, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `adopt`.
#[derive(Debug, Args)]
#[command(after_help = "\
The other tool's ledger is found by its columns, and only read. Each of its rows is verified by that tool's own checksum, or \
trusted where it keeps none, and written to rlsctl's ledger, all in one transaction. Edited and missing files, re-stamped \
rows and gaps are listed, and nothing is written. The other tool goes on working.

Examples:
  rlsctl adopt --dry-run                       look first
  rlsctl adopt
  rlsctl adopt --from app.schema_migrations    where there are several ledgers
  rlsctl adopt --map 20240101=20240315         a row whose file got another version")]
pub struct AdoptArgs {
    /// The other tool's ledger, where there are several
    #[arg(long, value_name = "SCHEMA.TABLE", value_parser = NonEmptyStringValueParser::new())]
    pub from: Option<String>,
    /// A row of the other ledger is the file of another version; may be given several times
    #[arg(long, value_name = "OLD=NEW")]
    pub map: Vec<String>,
    /// Take every row whose content is that of a file of another version
    #[arg(long)]
    pub map_by_content: bool,
    /// Leave files pending that are older than the newest row
    #[arg(long)]
    pub allow_out_of_order: bool,
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `split`.
#[derive(Debug, Args)]
#[command(after_help = "\
For a file that alters more existing tables than limits.tables_per_migration. The first file keeps its version, the new ones \
get those behind it; statements keep their text, their comments, and their order where one depends on the other. What has no \
section is said with why. All files up to there are replayed twice into throwaway servers, as they are and as they would be, \
and the two catalogs compared: where they differ, nothing is written. A file that is applied anywhere we can look is left alone.

Exit codes: 0 printed, written, or nothing to split, 3 no throwaway server, 6 it cannot be split, or the catalogs differ.

Examples:
  rlsctl split migrations/0905_rls.sql            what would be written
  rlsctl split migrations/0905_rls.sql --write    write all files, or none
  rlsctl split 0905 --format json | jq -r '.files[].path'")]
pub struct SplitArgs {
    /// The migration: its file, or its version
    #[arg(id = "migration", value_name = "FILE", value_parser = NonEmptyStringValueParser::new())]
    pub file: String,
    /// Write the files
    #[arg(long)]
    pub write: bool,
    /// Do without the proof, where no programs of a Postgres server are to be found
    #[arg(long)]
    pub no_proof: bool,
}

impl Cli {
    /// Returns what the configuration needs of what was typed.
    pub fn flags(&self) -> Flags {
        let (statement_timeout, lock_wait, older_than) = match &self.command {
            Command::Migrate(args) => (
                args.statement_timeout.clone(),
                args.locks.lock_wait.clone(),
                args.locks.older_than(),
            ),
            Command::Retrofit(args) => args.flags(),
            Command::ReapIdle(args) => (None, None, args.older_than.clone().map(|age| ("--older-than", age))),
            _ => (None, None, None),
        };
        Flags {
            config: self.global.config.clone(),
            config_is_new: matches!(self.command, Command::Init(_)),
            target: self.global.target.clone(),
            database_url: self.global.database_url.clone(),
            dir: self.global.dir.clone(),
            statement_timeout,
            lock_wait,
            older_than,
        }
    }

    /// Whether the command has findings, which can be printed in the formats that pipelines read.
    pub fn has_findings(&self) -> bool {
        let without = matches!(self.command, Command::Init(_) | Command::New(_) | Command::Accept(_));
        !without && !matches!(self.command, Command::Blockers(_) | Command::Split(_))
    }

    /// Returns the command's name.
    pub fn name(&self) -> &'static str {
        match self.command {
            Command::Init(_) => "init",
            Command::New(_) => "new",
            Command::Status(_) => "status",
            Command::Migrate(_) => "migrate",
            Command::DriftCheck(_) => "drift-check",
            Command::Accept(_) => "accept",
            Command::Adopt(_) => "adopt",
            Command::Blockers(_) => "blockers",
            Command::ReapIdle(_) => "reap-idle",
            Command::Split(_) => "split",
            Command::Retrofit(_) => "retrofit",
            Command::Audit(_) => "audit",
        }
    }
}
