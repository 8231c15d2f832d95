//! What a member's role may do: a policy for each command, with a function that counts only members of these roles.

use crate::finding::{Finding, Severity};
use crate::pg::ident::QualifiedName;
use crate::schema::{Command, Relation, Schema};
use crate::tenancy::{CommandRoles, Identity, Membership, Tenancy, Which};

use super::aim::{Aim, Aims};
use super::expression::in_body;
use super::template::{fill, ident, in_schema_of, literal, qualified, quoted};

const ACTIVE_TENANT_AS: &str = include_str!("../../sql/retrofit/active_tenant_as.sql");
const TENANT_IDS_AS: &str = include_str!("../../sql/retrofit/tenant_ids_as.sql");

/// Returns what is said of a table, or else of all.
pub(super) fn of(tenancy: &Tenancy, aim: &Aim) -> CommandRoles {
    let own = tenancy.table(&aim.name).extras.roles;
    own.unwrap_or_else(|| tenancy.extras.roles.clone())
}

/// Returns the roles that may run a command on a table; nothing where every member may.
pub(super) fn allowed(tenancy: &Tenancy, aim: &Aim, command: Command) -> Option<Vec<String>> {
    let roles = of(tenancy, aim);
    match command {
        Command::All => None,
        Command::Select => roles.select,
        Command::Insert => roles.insert,
        Command::Update => roles.update,
        Command::Delete => roles.delete,
    }
}

/// Returns the condition under which a row is of a tenant in which the user has one of the roles.
pub(super) fn condition(tenancy: &Tenancy, aim: &Aim, roles: &[String]) -> Option<String> {
    let Identity::Membership(membership) = &tenancy.identity else {
        return None;
    };
    let (column, function) = (ident(&aim.column), function(membership));
    let roles: Vec<String> = roles.iter().map(|role| literal(role)).collect();
    let call = format!("(select {function}(array[{}]))", roles.join(", "));
    Some(match membership.which {
        Which::Active { .. } => format!("{column} = {call}"),
        Which::All => format!("{column} = any ({call}::{}[])", aim.data_type),
    })
}

/// Returns the function that counts only members of some roles, with the statement that makes it.
pub(super) fn definer(
    membership: &Membership,
    data_type: &str,
    user_type: &str,
    alive: &str,
) -> Option<(QualifiedName, String)> {
    let role = ident(membership.role_column.as_deref()?);
    let function = function(membership);
    let (template, setting) = match &membership.which {
        Which::Active { setting } => (ACTIVE_TENANT_AS, literal(setting)),
        Which::All => (TENANT_IDS_AS, String::new()),
    };
    let sql = fill(
        template,
        &[
            ("function", &function),
            ("type", &data_type),
            ("memberships", &qualified(&membership.table)),
            ("tenant", &ident(&membership.tenant_column)),
            ("user", &ident(&membership.user_column)),
            ("role", &role),
            ("who", &in_body(&membership.user, user_type)),
            ("setting", &setting),
            ("alive", &alive),
        ],
    );
    Some((function, sql))
}

fn function(membership: &Membership) -> QualifiedName {
    let name = match membership.which {
        Which::Active { .. } => "active_tenant_as",
        Which::All => "tenant_ids_as",
    };
    in_schema_of(&membership.table, name)
}

/// A role that is read from nowhere.
pub(super) fn no_column(membership: &Membership, table: &Relation) -> Option<Finding> {
    let column = membership.role_column.as_ref()?;
    if table.column(column).is_some() {
        return None;
    }
    let message = format!("has no column {column}, which is to say a member's role");
    let help = "mend `role` of membership in [tenancy]";
    Some(Finding::error(
        "retrofit.no-role-column",
        table.name.to_string(),
        message,
        help,
    ))
}

/// Members who may write the memberships may give themselves another role.
pub(super) fn promoting(schema: &Schema, tenancy: &Tenancy, aims: &Aims) -> Option<Finding> {
    let Identity::Membership(membership) = &tenancy.identity else {
        return None;
    };
    let relation = schema.relation(&membership.table)?;
    let aim = aims.of(relation.oid)?;
    let role = relation.column(membership.role_column.as_ref()?)?;
    if aims.tables.iter().all(|aim| of(tenancy, aim).is_empty()) {
        return None;
    }
    let is_open = |privilege: &str, command| {
        let may =
            |name: &&String| schema.may(name, privilege, &relation.grants) || schema.may(name, privilege, &role.grants);
        tenancy.app_roles.iter().any(|name| may(&name)) && allowed(tenancy, aim, command).is_none()
    };
    if !is_open("UPDATE", Command::Update) && !is_open("INSERT", Command::Insert) {
        return None;
    }
    let message = format!(
        "can be written by every member of a tenant, who can give themselves any {}",
        role.name
    );
    let help = format!(
        "say who may under [tenancy.tables.{}], as in roles = {{ insert = [\"owner\"], update = [\"owner\"], delete = [\"owner\"] }}, or take the privileges away",
        quoted(&relation.name.to_string())
    );
    Some(Finding {
        severity: Severity::Warning,
        ..Finding::error("retrofit.own-role", relation.name.to_string(), message, help)
    })
}
