//! Keys, foreign keys and checks.

use serde::Deserialize;

use crate::activity::Oid;

/// A primary key or a unique constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The constraint.
    pub name: String,
    /// Whether it is the primary one.
    pub is_primary: bool,
    /// Its columns, in its order.
    pub columns: Vec<String>,
    /// A deferrable one can be no foreign key's target.
    pub is_deferrable: bool,
}

/// What a foreign key does when the referenced row goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Action {
    /// Refuses, at the end.
    #[serde(rename = "a")]
    NoAction,
    /// Refuses, at once.
    #[serde(rename = "r")]
    Restrict,
    /// Does the same to the referencing rows.
    #[serde(rename = "c")]
    Cascade,
    /// Sets the referencing columns to null.
    #[serde(rename = "n")]
    SetNull,
    /// Sets the referencing columns to their default.
    #[serde(rename = "d")]
    SetDefault,
}

impl Action {
    /// Returns the words behind ON DELETE.
    pub fn words(self) -> &'static str {
        match self {
            Self::NoAction => "no action",
            Self::Restrict => "restrict",
            Self::Cascade => "cascade",
            Self::SetNull => "set null",
            Self::SetDefault => "set default",
        }
    }
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// The constraint.
    pub name: String,
    /// The referencing columns.
    pub columns: Vec<String>,
    /// The referenced table.
    pub references: Oid,
    /// The referenced columns, one for each of [`ForeignKey::columns`].
    pub referenced_columns: Vec<String>,
    /// What happens on an update of the referenced columns.
    pub on_update: Action,
    /// What happens on a delete of the referenced row.
    pub on_delete: Action,
    /// Whether MATCH FULL.
    pub is_match_full: bool,
    /// DEFERRABLE.
    pub is_deferrable: bool,
    /// INITIALLY DEFERRED.
    pub is_deferred: bool,
    /// Whether all rows have been looked at.
    pub is_valid: bool,
    /// Whether a partition has it from its parent.
    pub is_inherited: bool,
    /// Its comment.
    pub comment: Option<String>,
}

/// A check constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The constraint.
    pub name: String,
    /// The columns that it names.
    pub columns: Vec<String>,
    /// `CHECK (...)`, as the server writes it.
    pub definition: String,
    /// Whether all rows have been looked at.
    pub is_valid: bool,
}
