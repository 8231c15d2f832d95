//! What a policy compares the tenant column with. The forms, and why these, are measured: each fails closed, and each can be an index's.

use crate::pg::ident::QualifiedName;
use crate::script::RelationName;
use crate::tenancy::{Identity, Membership, Tenancy, UserSource, Which};

use super::template::{fill, ident, in_schema_of, literal, qualified};

const SETTING: &str = include_str!("../../sql/retrofit/setting.sql");
const CLAIM: &str = include_str!("../../sql/retrofit/claim.sql");
const ACTIVE_TENANT: &str = include_str!("../../sql/retrofit/active_tenant.sql");
const TENANT_IDS: &str = include_str!("../../sql/retrofit/tenant_ids.sql");

/// Returns the condition under which a row is the session's.
///
/// The comparison is an equality wherever it can be: that keeps the order of an index and leaves out partitions. A list is handed over as a
/// value, which an index can be asked for; a subquery behind IN could not.
pub(super) fn condition(tenancy: &Tenancy, column: &str, data_type: &str) -> String {
    let column = ident(column);
    match &tenancy.identity {
        Identity::Setting { name } => format!("{column} = {}", setting(name, data_type)),
        Identity::Claim { setting, path } => format!("{column} = {}", claim(setting, path, data_type)),
        Identity::Owner(user) => format!("{column} = {}", who(user, data_type)),
        Identity::Membership(membership) => {
            let function = function(membership);
            match membership.which {
                Which::Active { .. } => format!("{column} = (select {function}())"),
                Which::All => format!("{column} = any ((select {function}())::{data_type}[])"),
            }
        }
    }
}

/// Returns what a new row's column gets where the application says nothing: the session's own tenant. Nothing where there may be several.
pub(super) fn default(tenancy: &Tenancy, data_type: &str) -> Option<String> {
    let inner = match &tenancy.identity {
        Identity::Setting { name } => setting(name, data_type),
        Identity::Claim { setting, path } => claim(setting, path, data_type),
        Identity::Owner(user) => who(user, data_type),
        Identity::Membership(membership) => match &membership.which {
            Which::Active { setting: name } => setting(name, data_type),
            Which::All => return None,
        },
    };
    // A default can hold no subquery.
    Some(
        inner
            .strip_prefix("(select ")
            .and_then(|rest| rest.strip_suffix(')'))
            .unwrap_or(&inner)
            .to_owned(),
    )
}

/// Returns the function that policies call, with the statement that makes it.
///
/// `alive` is what a membership has to be besides.
pub(super) fn definer(
    membership: &Membership,
    data_type: &str,
    user_type: &str,
    alive: &str,
) -> (QualifiedName, String) {
    let function = function(membership);
    let (memberships, tenant, user) = (
        qualified(&membership.table),
        ident(&membership.tenant_column),
        ident(&membership.user_column),
    );
    let who = in_body(&membership.user, user_type);
    let (template, setting) = match &membership.which {
        Which::Active { setting } => (ACTIVE_TENANT, literal(setting)),
        Which::All => (TENANT_IDS, String::new()),
    };
    let sql = fill(
        template,
        &[
            ("function", &function),
            ("type", &data_type),
            ("memberships", &memberships),
            ("tenant", &tenant),
            ("user", &user),
            ("who", &who),
            ("setting", &setting),
            ("alive", &alive),
        ],
    );
    (function, sql)
}

fn function(membership: &Membership) -> QualifiedName {
    let name = match membership.which {
        Which::Active { .. } => "active_tenant",
        Which::All => "tenant_ids",
    };
    in_schema_of(&membership.table, name)
}

fn who(user: &UserSource, data_type: &str) -> String {
    match user {
        UserSource::Setting { name } => setting(name, data_type),
        UserSource::Claim { setting, path } => claim(setting, path, data_type),
        UserSource::Function { name } => format!("(select {}())", called(name)),
    }
}

/// What a session says its tenant is, to be read in a function.
pub(super) struct Own {
    /// The expression.
    pub value: String,
    /// Its type.
    pub data_type: String,
    /// A condition under which it surely can be read; `false` where there is none.
    pub is_plain: String,
}

/// Returns how a function reads what a policy compares the tenant column with.
pub(super) fn own(tenancy: &Tenancy, data_type: &str) -> Own {
    let (value, data_type) = match &tenancy.identity {
        Identity::Membership(membership) => {
            let all = membership.which == Which::All;
            let data_type = if all {
                format!("{data_type}[]")
            } else {
                data_type.to_owned()
            };
            (format!("{}()", function(membership)), data_type)
        }
        _ => (
            default(tenancy, data_type).expect("there is one tenant"),
            data_type.to_owned(),
        ),
    };
    let setting = match &tenancy.identity {
        Identity::Setting { name } | Identity::Owner(UserSource::Setting { name }) => Some(name),
        _ => None,
    };
    let is_plain = setting.and_then(|name| {
        let read = format!("coalesce(current_setting({}, true), '')", literal(name));
        plain(&data_type, &read)
    });
    Own {
        value,
        data_type,
        is_plain: is_plain.unwrap_or_else(|| "false".to_owned()),
    }
}

/// Returns a condition under which a text surely can be read as a type. A regular expression would take ten times as long.
fn plain(data_type: &str, read: &str) -> Option<String> {
    let number = |digits: u8| {
        Some(format!(
            "length({read}) <= {digits} and translate({read}, '0123456789', '') = ''"
        ))
    };
    match data_type {
        "uuid" => Some(format!(
            "{read} = '' or {read} like '________-____-____-____-____________' and translate({read}, '0123456789abcdefABCDEF', '') = '----'"
        )),
        "smallint" => number(4),
        "integer" => number(9),
        "bigint" => number(18),
        "text" | "character varying" => Some("true".to_owned()),
        _ => None,
    }
}

/// Returns the comparison of the tenant column with what a call returns.
pub(super) fn compared(tenancy: &Tenancy, column: &str, data_type: &str, call: &str) -> String {
    let column = ident(column);
    match &tenancy.identity {
        Identity::Membership(membership) if membership.which == Which::All => {
            format!("{column} = any ((select {call})::{data_type}[])")
        }
        _ => format!("{column} = (select {call})"),
    }
}

/// Inside a function without a search path every name is qualified, those of the server apart: its schema is always searched.
pub(super) fn in_body(user: &UserSource, data_type: &str) -> String {
    match user {
        UserSource::Function { name } => format!("{}()", called(name)),
        other => who(other, data_type),
    }
}

fn called(name: &RelationName) -> QualifiedName {
    qualified(name)
}

fn setting(name: &str, data_type: &str) -> String {
    fill(SETTING, &[("setting", &literal(name)), ("type", &data_type)])
}

fn claim(setting: &str, path: &[String], data_type: &str) -> String {
    let last = path.len() - 1;
    let way: Vec<String> = path
        .iter()
        .enumerate()
        .map(|(at, key)| format!("{} {}", if at == last { "->>" } else { "->" }, literal(key)))
        .collect();
    fill(
        CLAIM,
        &[
            ("claims", &literal(setting)),
            ("path", &way.join(" ")),
            ("type", &data_type),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenancy::tenancy;

    fn read(text: &str) -> Tenancy {
        tenancy(&toml::from_str(&format!("app_roles = ['app']\n{text}")).unwrap()).unwrap()
    }

    #[test]
    fn the_forms_are_those_that_were_measured() {
        let of = |text: &str| condition(&read(text), "tenant_id", "uuid");
        assert_eq!(
            of(""),
            "tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)"
        );
        assert_eq!(
            of("identity = 'jwt'"),
            "tenant_id = (select nullif(nullif(current_setting('request.jwt.claims', true), '')::json -> 'app_metadata' ->> 'tenant_id', '')::uuid)"
        );
        let member = "identity = 'membership'\nuser = { function = 'auth.uid' }\n[membership]\ntable = 'app.memberships'\nuser = 'user_id'\ntenant = 'tenant_id'";
        assert_eq!(of(member), "tenant_id = (select app.active_tenant())");
        assert_eq!(
            of(&format!("{member}\nall = true")),
            "tenant_id = any ((select app.tenant_ids())::uuid[])"
        );
        let owner = "identity = 'owner'\nuser = { function = 'auth.uid' }";
        assert_eq!(
            condition(&read(owner), "owner_id", "uuid"),
            "owner_id = (select auth.uid())"
        );
    }

    #[test]
    fn a_default_is_the_same_without_a_subquery() {
        assert_eq!(
            default(&read(""), "bigint").unwrap(),
            "nullif(current_setting('app.tenant_id', true), '')::bigint"
        );
    }
}
