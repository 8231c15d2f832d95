//! Which roles the application's can become.

use std::collections::BTreeMap;

use crate::pg::{MessageError, Session};
use crate::schema::Schema;
use crate::tenancy::Tenancy;

use super::compose::fill;
use super::text::literal;

const REACHABLE: &str = include_str!("../../sql/prove/reachable.sql");

/// Returns, for each of the application's roles, what it can become by SET ROLE. Before version 16 every membership allows that.
///
/// # Errors
/// [`MessageError`].
pub(super) async fn reachable(
    session: &Session,
    schema: &Schema,
    tenancy: &Tenancy,
) -> Result<BTreeMap<String, Vec<String>>, MessageError> {
    let roles: Vec<String> = tenancy.all_app_roles().map(|role| literal(role)).collect();
    if roles.is_empty() {
        return Ok(BTreeMap::new());
    }
    let right = if schema.major() >= 16 { "'SET'" } else { "'MEMBER'" };
    let query = fill(REACHABLE, &[("roles", &roles.join(", ")), ("right", &right)]);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in session.rows(&query).await? {
        if let [Some(role), Some(other)] = row.as_slice() {
            found.entry(role.clone()).or_default().push(other.clone());
        }
    }
    Ok(found)
}
