//! Which roles use the tables.

use serde::Serialize;

use crate::schema::{Relation, Role, Schema};

/// What a role is to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The application acts as it.
    App,
    /// It only reads.
    ReadOnly,
    /// Row security does not hold it back.
    Escapes,
    /// It is left out on purpose.
    LeftOut,
    /// Whether it is one of the application's has to be said.
    Open,
}

/// A role, and what is proposed for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoleProposal {
    /// The role.
    pub name: String,
    /// What it is to the model.
    pub part: Part,
    /// Why.
    pub reason: String,
}

const WRITES: [&str; 3] = ["INSERT", "UPDATE", "DELETE"];

/// Returns the roles that were given something on the tables, and the owner where nobody else was.
pub(super) fn propose(schema: &Schema, tables: &[&Relation]) -> Vec<RoleProposal> {
    let mut found: Vec<RoleProposal> = schema
        .roles
        .values()
        .filter(|role| !role.is_superuser && !role.name.starts_with("pg_"))
        .filter(|role| !tables.iter().any(|table| schema.acts_as(&role.name, &table.owner)))
        .filter_map(|role| one(schema, tables, role))
        .collect();
    if found.iter().any(|role| role.part == Part::App) {
        return found;
    }
    let mut owners: Vec<&String> = tables.iter().map(|table| &table.owner).collect();
    owners.sort();
    owners.dedup();
    for owner in owners {
        let can = schema
            .roles
            .get(owner)
            .filter(|role| role.can_login && !role.is_superuser);
        found.extend(can.map(|role| RoleProposal {
            name: role.name.clone(),
            part: Part::Open,
            reason: "owns the tables: if the application logs in as it, row security has to be forced; a role of its own that owns nothing is \
                     safer"
                .to_owned(),
        }));
    }
    found
}

fn one(schema: &Schema, tables: &[&Relation], role: &Role) -> Option<RoleProposal> {
    let has = |table: &&&Relation, privilege: &str| {
        let mut grants = table.grants.iter();
        grants.any(|grant| grant.grantee == role.name && grant.privilege == privilege)
    };
    let writes = tables
        .iter()
        .filter(|table| WRITES.iter().any(|privilege| has(table, privilege)))
        .count();
    let uses = tables
        .iter()
        .filter(|table| has(table, "SELECT") || WRITES.iter().any(|it| has(table, it)))
        .count();
    if uses == 0 {
        return None;
    }
    let may = if writes > 0 {
        format!("may write {writes} of {} tables", tables.len())
    } else {
        format!("may read {uses} of {} tables and write none", tables.len())
    };
    let (part, reason) = match role.name.as_str() {
        _ if role.bypasses_row_security => (
            Part::Escapes,
            format!("{may}, and has BYPASSRLS: it goes on to see all rows"),
        ),
        "anon" => (
            Part::LeftOut,
            "is Supabase's role for requests without a token: left out, it sees no row".to_owned(),
        ),
        "authenticated" => (
            Part::App,
            format!("is Supabase's role for requests with a token; it {may}"),
        ),
        _ => match by_login(schema, role) {
            None => (
                Part::Open,
                format!("{may}, but nobody who can log in is a member of it"),
            ),
            Some(by) if writes > 0 => (Part::App, format!("{may}{by}")),
            Some(by) => (Part::ReadOnly, format!("{may}{by}")),
        },
    };
    Some(RoleProposal {
        name: role.name.clone(),
        part,
        reason,
    })
}

/// Returns through whom one can log in as a role: nothing to add for itself; nothing at all for nobody.
fn by_login(schema: &Schema, role: &Role) -> Option<String> {
    if role.can_login {
        return Some(String::new());
    }
    let members: Vec<&str> = schema
        .roles
        .values()
        .filter(|member| member.can_login && !member.is_superuser)
        .filter(|member| member.member_of.contains(&role.name) || member.acts_as.contains(&role.name))
        .map(|member| member.name.as_str())
        .collect();
    (!members.is_empty()).then(|| format!("; its members log in: {}", members.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::Oid;
    use crate::schema::{Grant, Kind};
    use crate::script::RelationName;

    fn table(grantees: &[&str]) -> Relation {
        let all = |grantee: &&str| Grant {
            grantee: (*grantee).to_owned(),
            privilege: "INSERT".to_owned(),
            is_grantable: false,
        };
        let name = RelationName::qualified("public", "notes");
        Relation {
            grants: grantees.iter().map(all).collect(),
            ..Relation::bare(Oid(1), name, Kind::Table, "postgres")
        }
    }

    #[test]
    fn roles_that_a_gateway_changes_to_are_known() {
        let names = ["anon", "authenticated", "service_role"];
        let role = |name: &str| Role {
            name: name.to_owned(),
            is_superuser: false,
            bypasses_row_security: name == "service_role",
            can_login: false,
            inherits: true,
            creates_roles: false,
            replicates: false,
            member_of: Vec::new(),
            acts_as: Vec::new(),
            sets: Vec::new(),
        };
        let schema = Schema {
            roles: names.iter().map(|name| ((*name).to_owned(), role(name))).collect(),
            ..Schema::default()
        };
        let parts: Vec<Part> = propose(&schema, &[&table(&names)])
            .into_iter()
            .map(|role| role.part)
            .collect();
        assert_eq!(parts, [Part::LeftOut, Part::App, Part::Escapes]);
    }
}
