//! Partitions, at which the policies of their parent do not hold.

use std::collections::BTreeMap;

use crate::activity::Oid;
use crate::schema::{Relation, Schema};
use crate::tenancy::Tenancy;

use super::template::{ident, qualified};

/// Returns the partitions of a table, and theirs.
pub(super) fn of(schema: &Schema, parent: Oid) -> Vec<&Relation> {
    let own = schema
        .relations
        .values()
        .filter(|child| child.is_partition && child.parents.contains(&parent));
    own.flat_map(|child| std::iter::once(child).chain(of(schema, child.oid)))
        .collect()
}

/// Adds what takes a partition away from the roles of the application, and what gives it back. What is asked of its parent needs no privilege on
/// the partition; asked by its own name it would show all tenants' rows.
pub(super) fn closed(tenancy: &Tenancy, partition: &Relation, statements: &mut Vec<String>, undo: &mut Vec<String>) {
    let table = qualified(&partition.name);
    let is_ours =
        |role: &str| role != partition.owner && (role.is_empty() || tenancy.all_app_roles().any(|app| app == role));
    let named = |role: &str| {
        if role.is_empty() {
            "public".to_owned()
        } else {
            ident(role).to_string()
        }
    };
    let mut taken: BTreeMap<(String, bool), Vec<String>> = BTreeMap::new();
    for grant in partition.grants.iter().filter(|grant| is_ours(&grant.grantee)) {
        let privileges = taken.entry((named(&grant.grantee), grant.is_grantable)).or_default();
        privileges.push(grant.privilege.to_lowercase());
    }
    for column in &partition.columns {
        for grant in column.grants.iter().filter(|grant| is_ours(&grant.grantee)) {
            let privileges = taken.entry((named(&grant.grantee), false)).or_default();
            privileges.push(format!("{} ({})", grant.privilege.to_lowercase(), ident(&column.name)));
        }
    }
    for ((role, is_grantable), privileges) in taken {
        let (privileges, option) = (
            privileges.join(", "),
            if is_grantable { " with grant option" } else { "" },
        );
        statements.push(format!("revoke {privileges} on {table} from {role}"));
        undo.push(format!("grant {privileges} on {table} to {role}{option}"));
    }
}
