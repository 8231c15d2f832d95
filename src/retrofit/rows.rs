//! Which of a tenant's rows a command meets, and which rows it meets beside them.

use crate::schema::{Command, Schema};
use crate::tenancy::{Layout, Tenancy};

use super::aim::Aim;
use super::template::ident;
use super::{expression, member_roles, soft_delete};

/// Returns how many policies a table gets: what is not the same for all commands takes one for each.
pub(super) fn layout(tenancy: &Tenancy, aim: &Aim) -> Layout {
    if member_roles::of(tenancy, aim).is_empty() {
        tenancy.layout
    } else {
        Layout::PerCommand
    }
}

/// Returns the condition under which a row is the session's for a command; nothing where no member may run it.
pub(super) fn own(schema: &Schema, tenancy: &Tenancy, aim: &Aim, command: Command) -> Option<String> {
    let mine = match member_roles::allowed(tenancy, aim, command) {
        Some(roles) if roles.is_empty() => return None,
        Some(roles) => member_roles::condition(tenancy, aim, &roles)?,
        None => expression::condition(tenancy, &aim.column, &aim.data_type),
    };
    Some(soft_delete::and_alive(schema, tenancy, aim, mine))
}

/// Returns the condition under which a row is everybody's.
///
/// It is a policy of its own. Joined by OR with the tenant's it still is an index's: of an index that begins with the tenant both parts are asked
/// (a bitmap of both), which was measured. Only the order of the index is lost.
pub(super) fn everybodys(schema: &Schema, tenancy: &Tenancy, aim: &Aim) -> String {
    soft_delete::and_alive(schema, tenancy, aim, format!("{} is null", ident(&aim.column)))
}
