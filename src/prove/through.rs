//! Writes through views that do not say whose a row is. What becomes of the other tenant's rows is seen in the tables behind.

use std::collections::BTreeMap;

use crate::pg::{MessageError, Session};
use crate::schema::Schema;

use super::compose::fill;
use super::plan::{Plan, Subject};
use super::rights::Rights;
use super::text::literal;
use super::verdict::Deed;
use super::whose::{Step, Whose, whose_of};

const UPDATABLE: &str = include_str!("../../sql/prove/updatable.sql");

/// Returns the commands that a view takes at all.
///
/// # Errors
/// [`MessageError`].
pub(super) async fn taken(session: &Session, subject: &Subject) -> Result<Vec<Deed>, MessageError> {
    let query = fill(UPDATABLE, &[("view", &literal(&subject.oid.to_string()))]);
    let rows = session.rows(&query).await?;
    let mask = rows.into_iter().next().and_then(|row| row.into_iter().next().flatten());
    let mask: u32 = mask.and_then(|mask| mask.parse().ok()).unwrap_or_default();
    let each = [(Deed::Update, 4), (Deed::Insert, 8), (Deed::Delete, 16)];
    Ok(each
        .into_iter()
        .filter(|(_, bit)| mask & bit != 0)
        .map(|(deed, _)| deed)
        .collect())
}

/// Returns the view as something that can be written to, its rows known by the key of the one table behind it. That is good for choosing a row
/// to copy, and no more: what is judged are the rows of the table.
pub(super) fn writable(schema: &Schema, plan: &Plan, subject: &Subject, taken: &[Deed]) -> Option<Subject> {
    let [base] = subject.bases.as_slice() else { return None };
    let (view, table) = (&schema.relations[&subject.oid], &schema.relations[base]);
    let key = table.primary_key()?;
    let same = |name: &String| Some(view.column(name)?.data_type == table.column(name)?.data_type);
    if !key.columns.iter().all(|name| same(name) == Some(true)) {
        return None;
    }
    let first = Step {
        columns: key.columns.clone(),
        table: table.name.clone(),
        referenced: key.columns.clone(),
    };
    let whose = match whose_of(plan, *base)? {
        Whose::Column { name, data_type } => Whose::Path {
            steps: vec![first],
            column: name.clone(),
            data_type: data_type.clone(),
        },
        Whose::Path {
            steps,
            column,
            data_type,
        } => Whose::Path {
            steps: std::iter::once(first).chain(steps.iter().cloned()).collect(),
            column: column.clone(),
            data_type: data_type.clone(),
        },
        Whose::Shared | Whose::Nothing => return None,
    };
    let only = |rights: &Rights| Rights {
        insert: if taken.contains(&Deed::Insert) {
            rights.insert.clone()
        } else {
            Vec::new()
        },
        update: if taken.contains(&Deed::Update) {
            rights.update.clone()
        } else {
            Vec::new()
        },
        delete: rights.delete && taken.contains(&Deed::Delete),
        ..Rights::default()
    };
    let rights: BTreeMap<String, Rights> = subject
        .rights
        .iter()
        .map(|(role, rights)| (role.clone(), only(rights)))
        .collect();
    Some(Subject {
        whose,
        rights,
        ..subject.clone()
    })
}
