//! How a relation's rows are a tenant's.

use std::collections::BTreeMap;

use crate::activity::Oid;
use crate::schema::{Action, ForeignKey, Kind, Relation, Schema};
use crate::tenancy::{Identity, Tenancy};

/// How a relation's rows are a tenant's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owned {
    /// This column says whose.
    Column(String),
    /// It is the table of the tenants themselves, known by this column.
    Root(String),
    /// By the row that these columns point to, which is of that relation.
    Through {
        /// The columns of the foreign key.
        columns: Vec<String>,
        /// The relation that they point to.
        parent: Oid,
    },
}

impl Owned {
    /// Returns the column that holds the tenant.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Column(column) | Self::Root(column) => Some(column),
            Self::Through { .. } => None,
        }
    }
}

/// Returns of each table, if its rows are tenants', how. Views have none of their own.
pub(super) fn owned(schema: &Schema, tenancy: &Tenancy) -> BTreeMap<Oid, Owned> {
    let mut found = BTreeMap::new();
    let tables = || {
        schema
            .relations
            .values()
            .filter(|relation| !is_shared(tenancy, relation))
    };
    for relation in tables() {
        if let Some(column) = own_column(tenancy, relation) {
            found.insert(relation.oid, Owned::Column(column));
        }
    }
    for (oid, column) in roots(schema, &found) {
        let is_open = schema
            .relations
            .get(&oid)
            .is_some_and(|relation| !is_shared(tenancy, relation));
        if is_open {
            found.insert(oid, Owned::Root(column));
        }
    }
    // Those that point to a table of tenants' rows, then those that point to these.
    loop {
        let more: Vec<(Oid, Owned)> = tables()
            .filter(|relation| relation.kind.is_table() && !found.contains_key(&relation.oid))
            .filter_map(|relation| Some((relation.oid, through(relation, &found)?)))
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

fn is_shared(tenancy: &Tenancy, relation: &Relation) -> bool {
    tenancy.table(&relation.name).shared
}

fn own_column(tenancy: &Tenancy, relation: &Relation) -> Option<String> {
    if !relation.kind.is_table() && relation.kind != Kind::Foreign {
        return None;
    }
    let membership = match &tenancy.identity {
        Identity::Membership(membership) if membership.table == relation.name => Some(membership.tenant_column.clone()),
        _ => None,
    };
    let said = tenancy.table(&relation.name).column;
    let column = membership.or(said).unwrap_or_else(|| tenancy.column.clone());
    relation.column(&column).map(|column| column.name.clone())
}

/// Returns the tables whose key the tenant columns point to.
fn roots(schema: &Schema, found: &BTreeMap<Oid, Owned>) -> Vec<(Oid, String)> {
    let mut roots = Vec::new();
    for (oid, owned) in found {
        let (Some(relation), Some(column)) = (schema.relations.get(oid), owned.column()) else {
            continue;
        };
        let keys = relation
            .foreign_keys
            .iter()
            .filter(|key| key.columns == [column] && key.references != *oid);
        let target = |key: &ForeignKey| Some((key.references, key.referenced_columns.first()?.clone()));
        roots.extend(keys.filter_map(target).filter(|(root, _)| !found.contains_key(root)));
    }
    roots
}

/// By the first foreign key that leads to a tenant's row and is never null, or takes the row along when that one goes. One that may be null
/// and lets go says no more than that there is something to do with it.
fn through(relation: &Relation, found: &BTreeMap<Oid, Owned>) -> Option<Owned> {
    let is_required = |key: &&ForeignKey| {
        let mut columns = key.columns.iter();
        columns.all(|name| relation.column(name).is_some_and(|column| column.not_null))
    };
    let leading = || {
        let keys = relation.foreign_keys.iter();
        keys.filter(|key| found.contains_key(&key.references) && key.references != relation.oid)
    };
    let key = leading()
        .find(is_required)
        .or_else(|| leading().find(|key| key.on_delete == Action::Cascade))?;
    if let (Some(Owned::Root(column)), [own]) = (found.get(&key.references), key.columns.as_slice())
        && key.referenced_columns == [column.clone()]
    {
        return Some(Owned::Column(own.clone()));
    }
    Some(Owned::Through {
        columns: key.columns.clone(),
        parent: key.references,
    })
}
