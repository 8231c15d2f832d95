//! The functions that policies call, which read the memberships with their owner's rights.

use crate::finding::{Finding, Severity};
use crate::pg::ident::QualifiedName;
use crate::schema::{Function, Relation, Schema};
use crate::tenancy::{Identity, Membership, Tenancy};

use super::aim::Aims;
use super::step::{Stage, Step};
use super::template::ident;
use super::{expression, member_roles, soft_delete};

/// The caller's temporary objects come last: they are searched first where nothing is said of them, types too.
const PATH: &str = "search_path=pg_catalog, pg_temp";

/// A function that policies call.
struct Definer {
    name: QualifiedName,
    /// The types of its arguments.
    arguments: &'static str,
    create: String,
}

impl Definer {
    fn found<'a>(&self, schema: &'a Schema) -> Option<&'a Function> {
        schema.functions.values().find(|found| {
            let is_named = found.schema == self.name.schema.as_str() && found.name == self.name.name.as_str();
            is_named && found.arguments == self.arguments
        })
    }

    /// Tells whether a function that is there does the same.
    fn is(&self, found: &Function) -> bool {
        let body = self.create.split("$$").nth(1);
        let has_path = found.settings.iter().any(|setting| setting == PATH);
        found.is_security_definer && has_path && body == Some(found.body.as_str())
    }
}

/// Returns the steps that make those that are missing.
pub(super) fn steps(schema: &Schema, tenancy: &Tenancy, aims: &Aims) -> Vec<Step> {
    let Some((membership, _)) = members(schema, tenancy) else {
        return Vec::new();
    };
    let roles: Vec<String> = tenancy.all_app_roles().map(|role| ident(role).to_string()).collect();
    let missing = wanted(schema, tenancy, aims)
        .into_iter()
        .filter(|it| it.found(schema).is_none());
    missing
        .map(|it| {
            let called = format!("{}({})", it.name, it.arguments);
            Step {
                stage: Stage::Functions,
                tables: vec![membership.table.clone()],
                lock: None,
                statements: vec![
                    it.create,
                    format!("revoke execute on function {called} from public"),
                    format!("grant execute on function {called} to {}", roles.join(", ")),
                ],
                undo: vec![format!("drop function {called}")],
                why: "asked once a statement; it reads the memberships with its owner's rights".to_owned(),
            }
        })
        .collect()
}

/// Returns what is wrong with what they read, and those that are there and do something else.
pub(super) fn problems(schema: &Schema, tenancy: &Tenancy, aims: &Aims) -> Vec<Finding> {
    let Some((membership, table)) = members(schema, tenancy) else {
        return Vec::new();
    };
    let mut found: Vec<Finding> = member_roles::no_column(membership, table).into_iter().collect();
    for it in wanted(schema, tenancy, aims) {
        if it.found(schema).is_some_and(|function| !it.is(function)) {
            let name = format!("{}.{}", it.name.schema.as_str(), it.name.name.as_str());
            let message = "is there already and does not read what [tenancy] says; the policies call it as it is";
            let help = "see that it does what it shall, or take it back with the policies (`rlsctl retrofit undo`) and have it made again";
            found.push(Finding {
                severity: Severity::Warning,
                ..Finding::error("retrofit.function", name, message, help)
            });
        }
    }
    found
}

fn members<'a>(schema: &'a Schema, tenancy: &'a Tenancy) -> Option<(&'a Membership, &'a Relation)> {
    let Identity::Membership(membership) = &tenancy.identity else {
        return None;
    };
    Some((membership, schema.relation(&membership.table)?))
}

fn wanted(schema: &Schema, tenancy: &Tenancy, aims: &Aims) -> Vec<Definer> {
    make(schema, tenancy, aims).unwrap_or_default()
}

fn make(schema: &Schema, tenancy: &Tenancy, aims: &Aims) -> Option<Vec<Definer>> {
    let (membership, table) = members(schema, tenancy)?;
    let tenant = &table.column(&membership.tenant_column)?.data_type;
    let user = &table.column(&membership.user_column)?.data_type;
    aims.tables.first()?;
    let alive = soft_delete::of_members(tenancy, table);
    let (name, create) = expression::definer(membership, tenant, user, &alive);
    let mut wanted = vec![Definer {
        name,
        arguments: "",
        create,
    }];
    if aims.tables.iter().any(|aim| !member_roles::of(tenancy, aim).is_empty()) {
        let made = member_roles::definer(membership, tenant, user, &alive);
        wanted.extend(made.map(|(name, create)| Definer {
            name,
            arguments: "text[]",
            create,
        }));
    }
    Some(wanted)
}
