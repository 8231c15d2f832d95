//! Reads what a plan is made of.

use std::collections::BTreeMap;

use crate::activity::Oid;
use crate::finding::Finding;
use crate::pg::{self, CatalogError, MessageError, Session};
use crate::schema::Schema;
use crate::tenancy::Tenancy;

use super::aim::{Aims, aim};
use super::count::question;
use super::plan::Nulls;
use super::unset;

/// Everything a plan is made of.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The schema.
    pub schema: Schema,
    /// Where its tables shall get to.
    pub aims: Aims,
    /// What their rows say.
    pub nulls: BTreeMap<Oid, Nulls>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The schema cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The rows of a table cannot be counted.
    #[error("the rows of {table} that have no tenant cannot be counted: {error}")]
    Rows {
        /// The table.
        table: String,
        /// Why.
        error: MessageError,
    },
}

/// Reads the schema, and counts the rows without a tenant of each table that may have any. Changes nothing.
///
/// # Locks
/// ACCESS SHARE on the tables whose rows are counted, for as long as that takes.
///
/// # Privileges
/// SELECT on those tables, beyond row security.
///
/// # Errors
/// [`LookError`].
pub async fn look(session: &Session, tenancy: &Tenancy) -> Result<Seen, LookError> {
    let schema = pg::schema(session).await?;
    let mut aims = aim(&schema, tenancy);
    aims.problems.extend(unset_settings(session, tenancy, &schema).await);
    let mut nulls = BTreeMap::new();
    for aim in &aims.tables {
        let Some(question) = question(&schema, &aims, aim) else {
            continue;
        };
        let rows = session.rows(&question).await.map_err(|error| LookError::Rows {
            table: aim.name.to_string(),
            error,
        })?;
        let number = |at: usize| rows.first()?.get(at)?.as_deref()?.parse().ok();
        let counted = Nulls {
            without: number(0).unwrap_or_default(),
            unfilled: number(1).unwrap_or_default(),
        };
        nulls.insert(aim.table, counted);
    }
    Ok(Seen { schema, aims, nulls })
}

/// Returns the settings that policies ask for and that nobody was seen to set. Where it cannot be seen, nothing is said.
async fn unset_settings(session: &Session, tenancy: &Tenancy, schema: &Schema) -> Vec<Finding> {
    let mut found = Vec::new();
    for setting in unset::asked(tenancy) {
        if unset::is_brought(schema, setting) {
            continue;
        }
        let Ok(rows) = session.rows(&unset::question(setting)).await else {
            continue;
        };
        let number = |at: usize| rows.first()?.get(at)?.as_deref()?.parse::<u64>().ok();
        if number(0) == Some(0) {
            found.push(unset::finding(schema, setting, number(1).unwrap_or_default()));
        }
    }
    found
}
