//! What is said of a relation, a command and a session.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::pgtap::PgTap;

/// What was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Nothing of another tenant was reached, and the probe could have seen it.
    Proven,
    /// It cannot be said; the reason can.
    Unknown,
    /// Something of another tenant was reached.
    Leak,
}

impl Verdict {
    /// Returns the word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Proven => "PROVEN",
            Self::Unknown => "UNKNOWN",
            Self::Leak => "LEAK",
        }
    }
}

/// How it was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// From the catalog alone.
    Static,
    /// By trying.
    Dynamic,
}

/// What is tried with a relation or a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// Reading rows.
    Select,
    /// Making a row for another tenant.
    Insert,
    /// Changing another tenant's rows, taking them, or giving it one.
    Update,
    /// Deleting another tenant's rows.
    Delete,
    /// Emptying a table.
    Truncate,
    /// Calling a function.
    Execute,
}

impl Deed {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::Select,
        Self::Insert,
        Self::Update,
        Self::Delete,
        Self::Truncate,
        Self::Execute,
    ];

    /// Returns the word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Truncate => "truncate",
            Self::Execute => "execute",
        }
    }
}

/// What is said of one relation, one role, one command and one session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ruling {
    /// `schema.table`, or `schema.function(types)`.
    pub object: String,
    /// The role that acted.
    pub role: String,
    /// What it tried.
    pub command: Deed,
    /// How the session had begun: `tenant`, `none`, `spent`.
    pub session: String,
    /// What was found out.
    pub verdict: Verdict,
    /// How.
    pub tier: Tier,
    /// Why, as a fragment.
    pub reason: String,
    /// What it was seen by: the row, the numbers before and after, the server's words.
    pub evidence: BTreeMap<&'static str, Value>,
    /// Of a leak: what to paste into psql to see it.
    pub script: Option<String>,
}

impl Ruling {
    /// Adds what it was seen by.
    #[must_use]
    pub fn evidence(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.evidence.insert(key, value.into());
        self
    }
}

/// Everything that was found out.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// What is said, by object.
    pub rulings: Vec<Ruling>,
    /// The two tenants that most relations were tried with.
    pub tenants: Option<(String, String)>,
    /// What a person should know beside it.
    pub notes: Vec<String>,
    /// How many probes were sent.
    pub probes: usize,
    /// The probes as tests, where that was asked for.
    pub tests: Vec<PgTap>,
}

impl Proof {
    /// Returns how many rulings have a verdict.
    pub fn of(&self, verdict: Verdict) -> usize {
        self.rulings.iter().filter(|ruling| ruling.verdict == verdict).count()
    }
}
