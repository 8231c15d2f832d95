//! What a role can do at all. What it cannot reach cannot leak.

use std::collections::BTreeSet;

use crate::schema::{Function, Grant, Relation, Role};

use super::Audit;

impl<'a> Audit<'a> {
    /// Tells whether a role may do something with a relation or with any of its columns, in a schema that it may use.
    pub(super) fn reaches(&self, role: &str, relation: &Relation, privilege: &str) -> bool {
        let of_columns = || {
            relation
                .columns
                .iter()
                .any(|column| self.schema.may(role, privilege, &column.grants))
        };
        self.uses(role, relation.name.schema.as_deref())
            && (self.schema.may(role, privilege, &relation.grants) || of_columns())
    }

    /// Tells whether a role may write one column, by a grant on the table or on it.
    pub(super) fn writes(&self, role: &str, relation: &Relation, privilege: &str, column: &str) -> bool {
        let of_column = relation.column(column).map_or(&[] as &[Grant], |column| &column.grants);
        self.uses(role, relation.name.schema.as_deref())
            && (self.schema.may(role, privilege, &relation.grants) || self.schema.may(role, privilege, of_column))
    }

    /// Tells whether a role may call a function.
    pub(super) fn calls(&self, role: &str, function: &Function) -> bool {
        self.uses(role, Some(&function.schema)) && self.schema.may(role, "EXECUTE", &function.grants)
    }

    /// Tells whether a role may look into a schema.
    pub(super) fn uses(&self, role: &str, schema: Option<&str>) -> bool {
        let grants = schema.and_then(|schema| self.schema.schemas.get(schema));
        grants.is_some_and(|grants| self.schema.may(role, "USAGE", grants))
    }

    /// Returns the roles of the application for which something holds.
    pub(super) fn roles_that(&self, holds: impl Fn(&str) -> bool) -> Vec<&'a str> {
        self.roles.iter().copied().filter(|role| holds(role)).collect()
    }

    /// Returns the roles that a role can become by SET ROLE, itself left out. Before 16 membership is enough.
    pub(super) fn becomes(&self, role: &str) -> Vec<&'a Role> {
        let (mut open, mut seen) = (vec![role.to_owned()], BTreeSet::new());
        let mut found = Vec::new();
        while let Some(name) = open.pop() {
            let Some(role) = self.schema.roles.get(&name) else {
                continue;
            };
            for other in &role.sets {
                if seen.insert(other.clone()) {
                    found.extend(self.schema.roles.get(other));
                    open.push(other.clone());
                }
            }
        }
        found.retain(|found| found.name != role);
        found
    }
}

/// Returns names as in "a, b and c".
pub(super) fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
