//! Foreign keys that cross tenants.

use crate::finding::{Finding, Severity};
use crate::isolation::Owned;
use crate::schema::{Action, ForeignKey, Relation};

use super::Audit;
use super::reach::listed;
use super::rule::Rule;

const CASCADE: &str = "leak.cascade";
const CROSSES: &str = "leak.foreign-key";

pub(super) const RULE: Rule = Rule {
    codes: &[CASCADE, CROSSES],
    explanation: "\
A foreign key asks no policy: a row of one tenant may point to another tenant's row, and whether the insert is accepted tells that the \
other row exists. Where it cascades, deleting or changing one's own row deletes or changes the other tenant's. A key over the tenant as \
well, (tenant_id, parent_id), accepts only the tenant's own.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let tables = audit
        .schema
        .relations
        .values()
        .filter(|relation| !relation.is_partition);
    tables
        .flat_map(|child| child.foreign_keys.iter().filter_map(|key| crossing(audit, child, key)))
        .collect()
}

fn crossing(audit: &Audit<'_>, child: &Relation, key: &ForeignKey) -> Option<Finding> {
    let parent = audit.schema.relations.get(&key.references)?;
    if key.is_inherited {
        return None;
    }
    let (Some(Owned::Column(own)), Some(Owned::Column(other))) = (audit.model.owned(child), audit.model.owned(parent))
    else {
        return None;
    };
    let mut pairs = key.columns.iter().zip(&key.referenced_columns);
    if pairs.any(|(column, referenced)| column == own && referenced == other) {
        return None;
    }
    let writers = audit.roles_that(|role| audit.reaches(role, child, "INSERT") || audit.reaches(role, child, "UPDATE"));
    let takes_along = |action: Action| matches!(action, Action::Cascade | Action::SetNull | Action::SetDefault);
    let erasers = audit.roles_that(|role| {
        (takes_along(key.on_delete) && audit.reaches(role, parent, "DELETE"))
            || (takes_along(key.on_update)
                && key
                    .referenced_columns
                    .iter()
                    .any(|column| audit.writes(role, parent, "UPDATE", column)))
    });
    if writers.is_empty() {
        return None;
    }
    let columns = key.columns.join(", ");
    let help = format!(
        "replace it by one over ({own}, {columns}) that references {} ({other}, {}), which needs a unique key there; `rlsctl retrofit plan` writes it",
        parent.name,
        key.referenced_columns.join(", ")
    );
    let name = child.name.to_string();
    let parents = other;
    let is_beside = child.foreign_keys.iter().any(|other| {
        let mut pairs = other.columns.iter().zip(&other.referenced_columns);
        other.references == key.references
            && pairs.any(|(column, referenced)| column == own && referenced == parents)
            && key.columns.iter().all(|column| other.columns.contains(column))
    });
    // One over the tenant beside it says that both rows are the same tenant's.
    if is_beside || is_watched(audit, child, parent) {
        return None;
    }
    if erasers.is_empty() {
        let message = format!(
            "foreign key {} accepts a row of {} of another tenant, and so tells whether it exists",
            key.name, parent.name
        );
        return Some(Finding::info(CROSSES, name, message, help));
    }
    let message = format!(
        "foreign key {} accepts a row of {} of another tenant, and takes rows along: {} can so delete or change what belongs to somebody else",
        key.name,
        parent.name,
        listed(&erasers)
    );
    Some(Finding {
        severity: Severity::Warning,
        ..Finding::error(CASCADE, name, message, help)
    })
}

/// Tells whether a trigger looks at the parent's row and refuses: it may be of the same tenant, where no key can say so.
fn is_watched(audit: &Audit<'_>, child: &Relation, parent: &Relation) -> bool {
    let mut triggers = child.triggers.iter().filter(|trigger| trigger.is_enabled);
    triggers.any(|trigger| {
        let function = audit.schema.functions.get(&trigger.function);
        function.is_some_and(|function| {
            let body = function.body.to_ascii_lowercase();
            body.contains(&parent.name.name.to_ascii_lowercase()) && body.contains("raise")
        })
    })
}
