//! What can be typed behind `rlsctl retrofit`.

#![allow(clippy::doc_markdown, reason = "the comments are printed as help")]

use clap::{Args, Subcommand};

use super::lock_args::LockArgs;

/// `retrofit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Which column says whose a row is, how a session says whose it is and which roles the application has stands in [tenancy] \
of rlsctl.toml. The stages, through which all tables go together: the column and what fills it, the backfill, NOT NULL, \
indexes, foreign keys that hold the tenant, policies and ENABLE, views. Each is a file that `rlsctl migrate` applies, \
with what takes it back beside it.

Examples:
  rlsctl retrofit init --write    propose [tenancy] from the catalog
  rlsctl retrofit plan            what is missing, and what has to be decided
  rlsctl retrofit write           write the files
  rlsctl migrate                  apply them
  rlsctl retrofit apply           all of these from the plan on
  rlsctl retrofit undo --all      back to where it began")]
pub struct RetrofitArgs {
    /// What is to be done.
    #[command(subcommand)]
    pub action: RetrofitAction,
}

/// What the configuration needs of what was typed: a statement's limit, how long locks are waited for, how old a blocker is.
pub type Typed = (Option<String>, Option<String>, Option<(&'static str, String)>);

impl RetrofitArgs {
    /// Returns it.
    pub fn flags(&self) -> Typed {
        let RetrofitAction::Apply(args) = &self.action else {
            return (None, None, None);
        };
        (None, args.locks.lock_wait.clone(), args.locks.older_than())
    }
}

/// Whether tables are enforced, observed, or enforced after having been observed.
#[derive(Clone, Debug, Default, Args)]
pub struct HowArgs {
    /// Policies that let everything pass and count what enforced ones would deny, instead of these
    #[arg(long, conflicts_with = "enforce")]
    pub observe: bool,
    /// Only tables that are observed and of which nothing was counted for long enough
    #[arg(long)]
    pub enforce: bool,
    /// How long is long enough [default: tenancy.observe.quiet_for, 24h]
    #[arg(long, value_name = "DURATION", requires = "enforce")]
    pub quiet_for: Option<String>,
}

/// The actions.
#[derive(Debug, Subcommand)]
pub enum RetrofitAction {
    /// Propose [tenancy] from the catalog, with its reasons; what has two answers is left to you
    Init(InitArgs),
    /// Say what is missing on each table, in what order, with which locks, and what cannot be decided; changes nothing
    Plan(PlanArgs),
    /// Write what is missing as migrations, each with what takes it back
    Write(WriteArgs),
    /// Plan, write, and apply with `migrate`
    Apply(ApplyArgs),
    /// Say which stage each table is at
    Status(StatusArgs),
    /// Take tables back a stage, or everything to where it began; rows are kept
    Undo(UndoArgs),
}

/// `retrofit init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Prints lines for rlsctl.toml: the column that tables share, where the other tables would take it from, the roles that use \
them, and how a session may say whose it is. What has to be decided is commented out and begins with `# choose:`. \
Changes nothing on the server. With --write the lines go behind what rlsctl.toml has; one that has [tenancy] is left alone.

Exit codes: 0 proposed, 6 there are no tables to propose for, or rlsctl.toml is not there or has [tenancy].

Examples:
  rlsctl retrofit init
  rlsctl retrofit init --write && grep -n choose: rlsctl.toml
  rlsctl retrofit init --format json | jq -r '.tables[] | select(.found == \"no-way\") | .table'")]
pub struct InitArgs {
    /// Add it to rlsctl.toml, if that has no [tenancy] yet
    #[arg(long)]
    pub write: bool,
}

/// `retrofit plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Reads the catalog once and counts the rows that have no tenant. Changes nothing.

Exit codes: 0 nothing has to be decided, 1 something has.

Examples:
  rlsctl retrofit plan
  rlsctl retrofit plan --format json | jq -r '.tables[] | select(.missing != []) | .table'")]
pub struct PlanArgs {
    /// Print the files too
    #[arg(long)]
    pub files: bool,
    /// What the tables get to.
    #[command(flatten)]
    pub how: HowArgs,
}

/// `retrofit write`.
#[derive(Debug, Args)]
#[command(after_help = "\
The files go behind the newest migration, in the folder's own scheme; what takes one back is its down half, or a file of \
the same name in DIR.undo. All are written, or none. Their paths go to stdout.

Exit codes: 0 written or nothing to write, 6 something has to be decided first, or files are pending, of an earlier run or \
of others.

Examples:
  rlsctl retrofit write --dry-run
  rlsctl retrofit write && rlsctl migrate --plan")]
pub struct WriteArgs {
    /// Say which files would be written, and write none
    #[arg(long)]
    pub dry_run: bool,
    /// What the tables get to.
    #[command(flatten)]
    pub how: HowArgs,
}

/// `retrofit apply`.
#[derive(Debug, Args)]
#[command(after_help = "\
Files of an earlier `retrofit write` that are pending are applied as they are; with none pending what is missing is planned \
and written first. Refuses where the catalog is not the one that the files were planned for, and while migrations that are not its own are \
pending.

Exit codes: those of `rlsctl migrate`, and 6 where something has to be decided or applied first.

Examples:
  rlsctl retrofit apply
  rlsctl retrofit apply --end-blockers-older-than 1h
  rlsctl retrofit apply --observe                       count what would be denied, and deny nothing
  rlsctl retrofit apply --enforce --quiet-for 7d        then enforce what has been quiet for a week")]
pub struct ApplyArgs {
    /// How locks are got.
    #[command(flatten)]
    pub locks: LockArgs,
    /// What the tables get to.
    #[command(flatten)]
    pub how: HowArgs,
}

/// `retrofit status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Changes nothing. Exit codes: 0 all tables are enforced, 1 some are not, or something has to be decided.

Examples:
  rlsctl retrofit status
  rlsctl retrofit status --format json | jq .summary.enforced")]
pub struct StatusArgs {}

/// `retrofit undo`.
#[derive(Debug, Args)]
#[command(after_help = "\
What takes each applied file back was written beside it; here it becomes a migration of its own, newest stage first, which \
`migrate` then applies. A column that `retrofit` has added goes with its values; the rows stay.

Exit codes: those of `rlsctl migrate`, and 6 where what takes a file back is not to be found, or files are pending.

Examples:
  rlsctl retrofit undo public.invoices         one stage back
  rlsctl retrofit undo --all --dry-run         what would be written
  rlsctl retrofit undo --all                   to where it began")]
pub struct UndoArgs {
    /// The tables, with their schemas; each goes back one stage
    #[arg(value_name = "TABLE", required_unless_present = "all", conflicts_with = "all")]
    pub tables: Vec<String>,
    /// Everything, to where it began
    #[arg(long)]
    pub all: bool,
    /// Write the files and apply none
    #[arg(long)]
    pub write: bool,
    /// Say which files would be written, and write none
    #[arg(long, conflicts_with = "write")]
    pub dry_run: bool,
}
