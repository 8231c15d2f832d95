//! Whose a row is.

use crate::activity::Oid;
use crate::schema::{ForeignKey, Relation, Schema};
use crate::script::RelationName;
use crate::tenancy::{Identity, Tenancy};

use super::text::{ROW, ident, qualified};

/// How many foreign keys are followed.
const FARTHEST: usize = 8;

/// How it is told whose a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// By a column.
    Column {
        /// Its name.
        name: String,
        /// Its type, as it is written in SQL.
        data_type: String,
    },
    /// By the row that a foreign key points to, or the one that that one points to.
    Path {
        /// The way.
        steps: Vec<Step>,
        /// The column at its end.
        column: String,
        /// Its type.
        data_type: String,
    },
    /// Readable by all on purpose.
    Shared,
    /// By nothing.
    Nothing,
}

/// One foreign key on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The referencing columns.
    pub columns: Vec<String>,
    /// The referenced table.
    pub table: RelationName,
    /// Its columns, one for each.
    pub referenced: Vec<String>,
}

impl Whose {
    /// Returns the expression over a row of the name `ROW` that says whose it is.
    pub fn sql(&self) -> Option<String> {
        match self {
            Self::Column { name, data_type } => Some(comparable(&format!("{ROW}.{}", ident(name)), data_type)),
            Self::Path {
                steps,
                column,
                data_type,
            } => Some(path(ROW, steps, 1, &comparable_name(column, steps.len(), data_type))),
            Self::Shared | Self::Nothing => None,
        }
    }

    /// Returns the row's own column, if it has one.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Column { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Returns the type of what tells tenants apart.
    pub fn data_type(&self) -> Option<&str> {
        match self {
            Self::Column { data_type, .. } | Self::Path { data_type, .. } => Some(data_type),
            Self::Shared | Self::Nothing => None,
        }
    }

    /// Tells whether rows have owners.
    pub fn is_tenants(&self) -> bool {
        matches!(self, Self::Column { .. } | Self::Path { .. })
    }
}

/// A type without equality is compared as text.
fn comparable(expression: &str, data_type: &str) -> String {
    if matches!(data_type, "json" | "xml" | "point" | "polygon") {
        format!("{expression}::pg_catalog.text")
    } else {
        expression.to_owned()
    }
}

fn comparable_name(column: &str, number: usize, data_type: &str) -> String {
    comparable(&format!("rlsctl_parent_{number}.{}", ident(column)), data_type)
}

fn path(from: &str, steps: &[Step], number: usize, end: &str) -> String {
    let Some((step, rest)) = steps.split_first() else {
        return end.to_owned();
    };
    let alias = format!("rlsctl_parent_{number}");
    let pairs = step.columns.iter().zip(&step.referenced);
    let matching: Vec<String> = pairs
        .map(|(own, other)| format!("{alias}.{} = {from}.{}", ident(other), ident(own)))
        .collect();
    format!(
        "(select {} from {} {alias} where {})",
        path(&alias, rest, number + 1, end),
        qualified(&step.table),
        matching.join(" and ")
    )
}

/// Returns how it is told whose a row of a relation is: by its column, because the tenants' columns point to it, or along foreign keys to a
/// table of which that is known. Of several ways the shortest counts, and of those one that is never null.
pub fn whose(schema: &Schema, tenancy: &Tenancy, relation: &Relation) -> Whose {
    if tenancy.table(&relation.name).shared || ancestors(schema, relation).any(|it| tenancy.table(&it.name).shared) {
        return Whose::Shared;
    }
    if let Some(whose) = direct(schema, tenancy, relation) {
        return whose;
    }
    let mut ways: Vec<(Oid, Vec<Step>)> = vec![(relation.oid, Vec::new())];
    let mut seen = vec![relation.oid];
    for _ in 0..FARTHEST {
        let mut next = Vec::new();
        for (at, steps) in &ways {
            for key in keys(schema, &schema.relations[at]) {
                let Some(parent) = schema.relations.get(&key.references) else {
                    continue;
                };
                if seen.contains(&parent.oid) {
                    continue;
                }
                seen.push(parent.oid);
                let mut steps = steps.clone();
                steps.push(step(parent, key));
                if let Some(Whose::Column { name, data_type }) = direct(schema, tenancy, parent) {
                    return Whose::Path {
                        steps,
                        column: name,
                        data_type,
                    };
                }
                next.push((parent.oid, steps));
            }
        }
        ways = next;
    }
    Whose::Nothing
}

fn step(parent: &Relation, key: &ForeignKey) -> Step {
    Step {
        columns: key.columns.clone(),
        table: parent.name.clone(),
        referenced: key.referenced_columns.clone(),
    }
}

/// Foreign keys, those that are never null first. One that leads to a shared table leads nowhere.
fn keys<'a>(schema: &Schema, relation: &'a Relation) -> Vec<&'a ForeignKey> {
    let is_required = |key: &ForeignKey| {
        let mut names = key.columns.iter();
        names.all(|name| relation.column(name).is_some_and(|column| column.not_null))
    };
    let mut keys: Vec<&ForeignKey> = relation.foreign_keys.iter().collect();
    keys.retain(|key| schema.relations.contains_key(&key.references));
    keys.sort_by_key(|key| !is_required(key));
    keys
}

fn ancestors<'a>(schema: &'a Schema, relation: &'a Relation) -> impl Iterator<Item = &'a Relation> {
    relation.parents.iter().filter_map(|oid| schema.relations.get(oid))
}

/// Returns the column that a relation has itself.
fn direct(schema: &Schema, tenancy: &Tenancy, relation: &Relation) -> Option<Whose> {
    let named = |name: &str| {
        let column = relation.column(name)?;
        Some(Whose::Column {
            name: column.name.clone(),
            data_type: column.data_type.clone(),
        })
    };
    let mut said = vec![tenancy.table(&relation.name).column];
    said.extend(ancestors(schema, relation).map(|parent| tenancy.table(&parent.name).column));
    if let Identity::Membership(membership) = &tenancy.identity
        && membership.table == relation.name
    {
        said.push(Some(membership.tenant_column.clone()));
    }
    said.push(Some(tenancy.column.clone()));
    if let Some(found) = said.iter().flatten().find_map(|name| named(name)) {
        return Some(found);
    }
    // The table of the tenants: the others' columns point to its key.
    let root = schema.referencing(relation.oid).find_map(|(child, key)| {
        let name = tenancy
            .table(&child.name)
            .column
            .unwrap_or_else(|| tenancy.column.clone());
        (key.columns == [name]).then(|| key.referenced_columns[0].clone())
    });
    root.and_then(|name| named(&name))
}

/// Returns how it is told whose the rows of a table of the plan are.
pub(super) fn whose_of(plan: &super::plan::Plan, oid: Oid) -> Option<&Whose> {
    let subject = plan.subjects.iter().find(|subject| subject.oid == oid);
    let erased = plan.erased.iter().find(|(erased, ..)| *erased == oid);
    subject
        .map(|subject| &subject.whose)
        .or(erased.map(|(.., whose)| whose))
}
