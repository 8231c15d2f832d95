//! Who may do what: grants and policies.

use serde::Deserialize;

/// A privilege that is given.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Grant {
    /// The role; empty for PUBLIC.
    pub grantee: String,
    /// `SELECT`, `USAGE`.
    pub privilege: String,
    /// WITH GRANT OPTION; told of relations only.
    #[serde(default)]
    pub is_grantable: bool,
}

impl Grant {
    /// Tells whether everybody has it.
    pub fn is_public(&self) -> bool {
        self.grantee.is_empty()
    }
}

/// What a policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum Command {
    /// All of the others.
    #[serde(rename = "*")]
    All,
    /// SELECT.
    #[serde(rename = "r")]
    Select,
    /// INSERT.
    #[serde(rename = "a")]
    Insert,
    /// UPDATE.
    #[serde(rename = "w")]
    Update,
    /// DELETE.
    #[serde(rename = "d")]
    Delete,
}

impl Command {
    /// Returns the word of CREATE POLICY.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Whom a policy is for: a role's name, or empty for PUBLIC.
pub type PolicyRole = String;

/// A row security policy.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Whether it lets pass, rather than restrict what others let pass.
    pub is_permissive: bool,
    /// What it is for.
    pub command: Command,
    /// Whom it is for.
    pub roles: Vec<PolicyRole>,
    /// Its comment.
    pub comment: Option<String>,
    /// Which rows are seen, as the server writes it.
    pub using: Option<String>,
    /// Which rows may be written, as the server writes it. Where there is none, [`Policy::using`] is asked.
    pub check: Option<String>,
}
