//! Functions and the triggers that call them.

use serde::Deserialize;

use super::access::Grant;
use crate::activity::Oid;

/// What a function promises about its results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Volatility {
    /// The same for the same arguments, for ever.
    #[serde(rename = "i")]
    Immutable,
    /// The same within a statement.
    #[serde(rename = "s")]
    Stable,
    /// Nothing.
    #[serde(rename = "v")]
    Volatile,
}

/// A function or a procedure.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Function {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The types of its arguments, as in `uuid, text`.
    pub arguments: String,
    /// The names of its arguments; empty where one has none.
    #[serde(default)]
    pub argument_names: Vec<String>,
    /// The type of its result.
    pub returns: String,
    /// SETOF.
    #[serde(default)]
    pub returns_set: bool,
    /// Whose it is.
    pub owner: String,
    /// `sql`, `plpgsql`.
    pub language: String,
    /// Whether it acts with its owner's rights.
    pub is_security_definer: bool,
    /// LEAKPROOF: whether it may be asked before policies are.
    #[serde(default)]
    pub is_leakproof: bool,
    /// What it promises.
    pub volatility: Volatility,
    /// `s` for PARALLEL SAFE, `r` for RESTRICTED, `u` for UNSAFE.
    pub parallel: char,
    /// Its settings, as in `search_path=public`.
    pub settings: Vec<String>,
    /// Its source; of one that the server has parsed, as it writes it, with its frame.
    pub body: String,
    /// Who may call it.
    pub grants: Vec<Grant>,
}

/// A trigger that is not the server's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// What it calls.
    pub function: Oid,
    /// Whether it fires.
    pub is_enabled: bool,
    /// Whether UPDATE is one of its events.
    pub fires_on_update: bool,
    /// The columns of UPDATE OF; none where every UPDATE counts.
    pub update_columns: Vec<String>,
    /// `CREATE TRIGGER ...`, as the server writes it.
    pub definition: String,
}
