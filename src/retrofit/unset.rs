//! Settings that say whose a session is, and that nobody was seen to set.

use crate::finding::Finding;
use crate::pg::bind::{Value, bind};
use crate::schema::Schema;
use crate::tenancy::{Identity, Tenancy, UserSource, Which};

const SEEN: &str = include_str!("../../sql/retrofit/settings_seen.sql");

/// Returns the settings that are asked by policies.
pub(super) fn asked(tenancy: &Tenancy) -> Vec<&str> {
    let mut asked = Vec::new();
    match &tenancy.identity {
        Identity::Setting { name } => asked.push(name.as_str()),
        Identity::Claim { setting, .. } => asked.push(setting),
        Identity::Owner(user) => asked.extend(of_user(user)),
        Identity::Membership(membership) => {
            if let Which::Active { setting } = &membership.which {
                asked.push(setting);
            }
            asked.extend(of_user(&membership.user));
        }
    }
    asked
}

fn of_user(user: &UserSource) -> Option<&str> {
    match user {
        UserSource::Setting { name } => Some(name),
        UserSource::Claim { setting, .. } => Some(setting),
        UserSource::Function { .. } => None,
    }
}

/// Tells whether a role, the database or a function brings the setting into a session.
pub(super) fn is_brought(schema: &Schema, setting: &str) -> bool {
    let name = setting.to_ascii_lowercase();
    let brought = schema.role_settings.iter().any(|found| {
        let found = found.setting.to_ascii_lowercase();
        found.split_once('=').is_some_and(|(found, _)| found == name)
    });
    brought
        || schema.functions.values().any(|function| {
            let body = function.body.to_ascii_lowercase();
            body.contains("set_config") && body.contains(&name)
        })
}

/// Returns the question whether sessions set it.
///
/// # Panics
/// If the setting holds a NUL byte, with which no model is read.
pub(super) fn question(setting: &str) -> String {
    let name = setting.replace('.', "[.]").replace('$', "[$]");
    let pattern = format!("\\mset_config\\s*\\(\\s*'{name}'|\\mset\\s+((local|session)\\s+)?{name}\\M");
    bind(SEEN, &[Value::Text(&pattern)]).expect("a name that was read")
}

/// Returns what is to be said of a setting that was not seen. `unreadable` is of how many sessions the statements were not to be read.
pub(super) fn finding(schema: &Schema, setting: &str, unreadable: u64) -> Finding {
    let message = "is asked by policies, and nobody was seen to set it: no role and no database has it (pg_db_role_setting), no function sets it, \
                   and it is not in the statements that sessions were last at (pg_stat_activity)";
    let mut help = "that proves nothing: the statement that sets it is mostly over by now, or has the name as a parameter; see that the application \
                    says it in each transaction"
        .to_owned();
    if unreadable > 0 {
        help.push_str(&format!(
            "; {unreadable} sessions' statements could not be read: GRANT pg_read_all_stats TO {}",
            schema.current_role
        ));
    }
    Finding::info("retrofit.unset", setting, message, help)
}
