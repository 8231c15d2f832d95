//! What a role can do at all. What it cannot reach cannot leak.

use std::collections::BTreeSet;

use crate::schema::{Function, Relation, Role};

use super::Audit;

impl<'a> Audit<'a> {
    /// As [`crate::schema::Schema::reaches`].
    pub(super) fn reaches(&self, role: &str, relation: &Relation, privilege: &str) -> bool {
        self.schema.reaches(role, relation, privilege)
    }

    /// As [`crate::schema::Schema::writes`].
    pub(super) fn writes(&self, role: &str, relation: &Relation, privilege: &str, column: &str) -> bool {
        self.schema.writes(role, relation, privilege, column)
    }

    /// Tells whether a role may call a function.
    pub(super) fn calls(&self, role: &str, function: &Function) -> bool {
        self.uses(role, Some(&function.schema)) && self.schema.may(role, "EXECUTE", &function.grants)
    }

    /// As [`crate::schema::Schema::uses`].
    pub(super) fn uses(&self, role: &str, schema: Option<&str>) -> bool {
        schema.is_some_and(|schema| self.schema.uses(role, schema))
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
