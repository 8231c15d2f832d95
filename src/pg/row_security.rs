//! Which tables hide rows from the role that is connected.

use std::collections::{BTreeMap, BTreeSet};

use crate::script::RelationName;

use super::bind::{Value, bind};
use super::connect::Session;
use super::message::{MessageError, Row};

const ROW_SECURITY: &str = include_str!("../../sql/locks/row_security.sql");

/// A table whose policies bind the role that is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The table, qualified, and quoted where it has to be.
    pub table: String,
    /// Whether the role has the privileges of its owner.
    pub is_owner: bool,
    /// Whether FORCE ROW LEVEL SECURITY is set.
    pub is_forced: bool,
}

/// Returns those of some tables whose policies bind the current role, by the server's own judgement (`row_security_active`). One round trip.
///
/// A name without a schema is looked up on the session's search path.
///
/// # Errors
/// [`MessageError`].
///
/// # Panics
/// Never: names can be written as JSON.
pub async fn bound_tables(
    session: &Session,
    names: &BTreeSet<RelationName>,
) -> Result<BTreeMap<RelationName, Bound>, MessageError> {
    let pairs: Vec<_> = names.iter().map(|name| (&name.schema, &name.name)).collect();
    let list = serde_json::to_string(&pairs).expect("names can be written as JSON");
    let query = bind(ROW_SECURITY, &[Value::Text(&list)]).map_err(|error| MessageError::Lost {
        reason: error.to_string(),
    })?;
    let rows = session.rows(&query).await?;
    let names: Vec<&RelationName> = names.iter().collect();
    let read = |row: Row| {
        let column = |number: usize| row.get(number).cloned().flatten();
        let is = |number: usize| column(number).as_deref() == Some("t");
        let number: usize = column(0)?.parse().ok()?;
        let bound = Bound {
            table: column(1)?,
            is_owner: is(2),
            is_forced: is(3),
        };
        Some(((*names.get(number.checked_sub(1)?)?).clone(), bound))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}
