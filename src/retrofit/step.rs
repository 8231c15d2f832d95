//! One thing that is done to a table, and how it is undone.

use serde::Serialize;

use crate::script::{LockMode, RelationName};

/// What is reached by a step. The order is that in which a database goes through them: every table is through one stage before any is in the
/// next, because a table's later stages need its parents' earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The functions that policies call.
    Functions,
    /// The log is there, and what writes it.
    Log,
    /// The column is there, nullable, and new rows are filled.
    Columns,
    /// The rows to fill are found by an index, where there are many others.
    Gaps,
    /// Old rows are filled.
    Backfill,
    /// The index of the rows to fill is gone.
    NoGaps,
    /// New rows without a tenant are refused.
    Checks,
    /// All rows are known to have one.
    Validate,
    /// The column says so itself.
    Required,
    /// There are indexes that begin with the tenant.
    Indexes,
    /// Unique indexes are keys that others can point to.
    Keys,
    /// New rows point to rows of their own tenant.
    ForeignKeys,
    /// All rows are known to.
    ValidateKeys,
    /// The foreign keys without the tenant are gone.
    Replaced,
    /// So are the indexes that they needed.
    OldIndexes,
    /// What counts is there, where a table is observed first.
    Counters,
    /// Policies are there that let everything pass, and count.
    Observed,
    /// Policies are there and bind.
    Policies,
    /// Views ask with the rights of whoever asks them.
    Views,
    /// What counted is gone.
    NoCounters,
    /// What is written is told in the log.
    Logged,
    /// Admins list across tenants by functions that look who asks.
    AdminFunctions,
}

/// How the statements of a stage are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manner {
    /// In one transaction.
    Whole,
    /// In sections of a table, up to eight in a transaction.
    Sections,
    /// Again and again, a transaction each.
    Rounds,
    /// Each by itself, outside a transaction.
    Alone,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 22] = [
        Self::Functions,
        Self::Log,
        Self::Columns,
        Self::Gaps,
        Self::Backfill,
        Self::NoGaps,
        Self::Checks,
        Self::Validate,
        Self::Required,
        Self::Indexes,
        Self::Keys,
        Self::ForeignKeys,
        Self::ValidateKeys,
        Self::Replaced,
        Self::OldIndexes,
        Self::Counters,
        Self::Observed,
        Self::Policies,
        Self::Views,
        Self::NoCounters,
        Self::Logged,
        Self::AdminFunctions,
    ];

    /// Returns how its statements are run.
    pub fn manner(self) -> Manner {
        match self {
            Self::Functions | Self::Counters | Self::NoCounters | Self::Log | Self::AdminFunctions => Manner::Whole,
            Self::Backfill => Manner::Rounds,
            Self::Gaps | Self::NoGaps | Self::Indexes | Self::OldIndexes => Manner::Alone,
            _ => Manner::Sections,
        }
    }

    /// Returns the word for it in names of files and in output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Functions => "functions",
            Self::Columns => "columns",
            Self::Gaps => "gaps",
            Self::Backfill => "backfill",
            Self::NoGaps => "no-gaps",
            Self::Checks => "checks",
            Self::Validate => "validate",
            Self::Required => "required",
            Self::Indexes => "indexes",
            Self::Keys => "keys",
            Self::ForeignKeys => "foreign-keys",
            Self::ValidateKeys => "validate-keys",
            Self::Replaced => "replaced",
            Self::OldIndexes => "old-indexes",
            Self::Counters => "counters",
            Self::Observed => "observed",
            Self::Policies => "policies",
            Self::Views => "views",
            Self::NoCounters => "no-counters",
            Self::Log => "log",
            Self::Logged => "logged",
            Self::AdminFunctions => "admin-functions",
        }
    }

    /// Returns what it is for, for the head of a file.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Functions => "The functions by which policies know whose a session is.",
            Self::Columns => {
                "The column that says whose a row is, empty at first, and what fills it in rows that come from now on."
            }
            Self::Gaps => "An index of the rows that are to be filled: a round finds them without reading the others.",
            Self::NoGaps => "Nothing is left to fill, and the index of what was goes.",
            Self::Backfill => "Fills the column of the rows that are there, in rounds of a transaction each.",
            Self::Checks => "From now on no row comes without a tenant. The rows that are there are looked at later.",
            Self::Validate | Self::ValidateKeys => {
                "Looks at the rows that are there; reading and writing go on meanwhile."
            }
            Self::Required => "The column is NOT NULL. The check that has been looked at already makes this quick.",
            Self::Indexes => "Indexes that begin with the tenant, which every query asks for from now on.",
            Self::Keys => "Keys of tenant and row, so that others can point to a row of their own tenant.",
            Self::ForeignKeys => "From now on a row can only point to a row of its own tenant.",
            Self::Replaced => "The foreign keys without the tenant: those with it say more.",
            Self::OldIndexes => "Indexes whose work those with the tenant do.",
            Self::Counters => {
                "Counters of what row security would deny: a policy that observes moves them, and writes nothing."
            }
            Self::Observed => {
                "Row security that lets everything pass, and counts the statements of which it would deny something if it were enforced."
            }
            Self::NoCounters => "The counters of tables whose policies hold back by now.",
            Self::Log => "A log of what is written, which tenants read and nobody of the application writes.",
            Self::Logged => "What is written from now on is told in the log.",
            Self::AdminFunctions => "Functions by which admins list across tenants; each looks who asks.",
            Self::Policies => "Row security: policies first, then ENABLE, so that there is no moment without them.",
            Self::Views => "Views that ask with the rights of whoever asks them, rather than with their owner's.",
        }
    }
}

/// One thing that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it reaches.
    pub stage: Stage,
    /// The table, and behind it others that are locked too.
    pub tables: Vec<RelationName>,
    /// The strongest lock on them; none where it is a function's.
    pub lock: Option<LockMode>,
    /// The statements, without their semicolons.
    pub statements: Vec<String>,
    /// What undoes them, in the order in which it has to be done.
    pub undo: Vec<String>,
    /// Why, for whoever reads the file.
    pub why: String,
}
