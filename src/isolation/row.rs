//! What columns hold.

use crate::schema::Relation;

use super::evaluate::{Columns, DEPTH, Scope};
use super::model::Model;
use super::owned::Owned;
use super::value::{Value, Values, Whose, join, one, unknown};

impl Scope<'_> {
    /// Returns what a column can be: of the innermost source that has it, or a parameter of that name.
    pub(super) fn column(&self, of: Option<&str>, name: &str) -> Values {
        for frame in self.frames.iter().rev() {
            if of.is_some_and(|of| of != frame.alias) {
                continue;
            }
            match &frame.columns {
                Columns::Row { relation, whose } => {
                    let found = self.model.schema.relations.get(relation);
                    if let Some(found) = found.filter(|found| found.column(name).is_some()) {
                        return held(self.model, found, *whose, name, 0);
                    }
                }
                Columns::Named(columns) => {
                    let found = columns.iter().find(|(column, _)| column.as_deref() == Some(name));
                    if let Some((_, values)) = found {
                        return values.clone();
                    }
                }
                Columns::Absent if of.is_some() => return one(Value::Null),
                Columns::Absent => {}
                Columns::Unknown => return unknown(),
            }
        }
        let is_own = of.is_none() || of == self.function.as_deref();
        let given = self
            .parameters
            .iter()
            .find(|(given, _)| is_own && given.as_deref() == Some(name));
        given.map_or_else(unknown, |(_, values)| values.clone())
    }
}

/// Returns what a column of a row holds.
fn held(model: &Model<'_>, relation: &Relation, whose: Option<Whose>, name: &str, depth: usize) -> Values {
    let owned = model.owned(relation);
    if let (Some(whose), true) = (whose, owned.and_then(Owned::column) == Some(name)) {
        return one(match whose {
            Whose::Nobodys => Value::Null,
            whose => Value::Tenant(whose),
        });
    }
    let is_owning =
        matches!(owned, Some(Owned::Through { columns, .. }) if columns.iter().any(|column| column == name));
    if whose == Some(Whose::Forged) && !is_owning {
        return one(Value::Chosen);
    }
    let is_nullable = relation.column(name).is_none_or(|column| !column.not_null);
    let nullable = |value: Values| {
        let mut values = value;
        if is_nullable {
            join(&mut values, one(Value::Null));
        }
        values
    };
    let key = relation
        .foreign_keys
        .iter()
        .find(|key| key.columns.iter().any(|column| column == name));
    if let Some(key) = key
        && let Some(parent) = model.schema.relations.get(&key.references)
        && let Some(at) = key.columns.iter().position(|column| column == name)
        && let Some(column) = key.referenced_columns.get(at)
        && model.owned(parent).is_some()
        && depth < DEPTH
    {
        // What is made up points to a row that there is.
        let whose = whose.map(|whose| if whose == Whose::Forged { Whose::Theirs } else { whose });
        return nullable(held(model, parent, whose, column, depth + 1));
    }
    let is_key = relation.keys.iter().any(|key| key.columns == [name]);
    match whose {
        Some(whose) if is_key => one(Value::Key {
            of: relation.oid,
            whose,
        }),
        whose => nullable(one(Value::Held(whose))),
    }
}
