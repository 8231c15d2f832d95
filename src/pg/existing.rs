//! Which relations of a list exist.

use std::collections::{BTreeMap, BTreeSet};

use crate::script::RelationName;

use super::bind::{Value, bind};
use super::connect::Session;
use super::message::MessageError;

const EXISTING_TABLES: &str = include_str!("../../sql/locks/existing_tables.sql");

/// Returns, for each name that is that of an existing table or index, the table: itself, the one that an index is on, or the one at the
/// top that a partition or child is part of. Qualified, and quoted where it has to be. One round trip.
///
/// A name without a schema is looked up on the session's search path. Views and sequences are not tables.
///
/// # Errors
/// [`MessageError`].
///
/// # Panics
/// Never: names can be written as JSON.
pub async fn existing_tables(
    session: &Session,
    names: &BTreeSet<RelationName>,
) -> Result<BTreeMap<RelationName, String>, MessageError> {
    let pairs: Vec<_> = names.iter().map(|name| (&name.schema, &name.name)).collect();
    let list = serde_json::to_string(&pairs).expect("names can be written as JSON");
    let query = bind(EXISTING_TABLES, &[Value::Text(&list)]).map_err(|error| MessageError::Lost {
        reason: error.to_string(),
    })?;
    let rows = session.rows(&query).await?;
    let names: Vec<&RelationName> = names.iter().collect();
    let read = |row: super::message::Row| {
        let mut columns = row.into_iter();
        let number: usize = columns.next()??.parse().ok()?;
        Some(((*names.get(number.checked_sub(1)?)?).clone(), columns.next()??))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}
