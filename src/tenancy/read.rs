//! `[tenancy]` as it is written, and what it means.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::script::RelationName;

use super::extras::{CommandRoles, TableExtras, WrittenSoftDelete, extras, table_extras};
use super::model::{Backfill, Existing, Force, Identity, Layout, Membership, TableTenancy, Tenancy, UserSource, Which};
use super::observe::{WrittenObserve, observe};

/// The setting in which gateways leave the claims of a token.
const CLAIMS: &str = "request.jwt.claims";
/// Keys that say nothing of the model: whom `prove` logs in as, and what its sessions say at their start. It reads them itself.
const OF_PROVE: [&str; 3] = ["login", "session", "sessions"];

/// What is wrong with `[tenancy]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tenancy{}: {reason}", if key.is_empty() { String::new() } else { format!(".{key}") })]
pub struct TenancyError {
    /// The key below `tenancy`; empty for the table itself.
    pub key: String,
    /// What is wrong, and what to write.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    column: Option<String>,
    #[serde(rename = "type")]
    data_type: Option<String>,
    schemas: Option<Vec<String>>,
    #[serde(default)]
    app_roles: Vec<String>,
    #[serde(default)]
    read_only_roles: Vec<String>,
    #[serde(default)]
    admin_roles: Vec<String>,
    identity: Option<String>,
    setting: Option<String>,
    claim: Option<Vec<String>>,
    claims_setting: Option<String>,
    user: Option<WrittenUser>,
    membership: Option<WrittenMembership>,
    policies: Option<String>,
    existing: Option<String>,
    force: Option<String>,
    soft_delete: Option<String>,
    roles: Option<CommandRoles>,
    audit_log: Option<String>,
    #[serde(default)]
    admin_functions: Vec<String>,
    #[serde(default)]
    observe: WrittenObserve,
    #[serde(default)]
    tables: BTreeMap<String, WrittenTable>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenUser {
    setting: Option<String>,
    claim: Option<Vec<String>>,
    claims_setting: Option<String>,
    function: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMembership {
    table: String,
    user: String,
    tenant: String,
    role: Option<String>,
    #[serde(default)]
    all: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTable {
    #[serde(default)]
    shared: bool,
    column: Option<String>,
    backfill: Option<WrittenBackfill>,
    nulls: Option<String>,
    soft_delete: Option<WrittenSoftDelete>,
    roles: Option<CommandRoles>,
    audited: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenBackfill {
    constant: Option<String>,
    from: Option<Vec<String>>,
    sql: Option<String>,
}

/// Returns the model that `[tenancy]` describes.
///
/// # Errors
/// [`TenancyError`], with the key.
pub fn tenancy(table: &toml::Table) -> Result<Tenancy, TenancyError> {
    if table.is_empty() {
        return Err(wrong(
            "",
            "there is no [tenancy] in rlsctl.toml; `rlsctl retrofit init` proposes one",
        ));
    }
    let mut table = table.clone();
    table.retain(|key, _| !OF_PROVE.contains(&key));
    if table.values().any(has_nul) {
        return Err(wrong("", "a text in it holds a NUL byte, which the server cannot take"));
    }
    let written: Written = table
        .try_into()
        .map_err(|error: toml::de::Error| wrong("", error.message()))?;
    let identity = identity(&written)?;
    let is_owner = matches!(identity, Identity::Owner(_));
    if written.app_roles.is_empty() {
        return Err(wrong(
            "app_roles",
            "name the roles that the application acts as, as in app_roles = [\"app\"]",
        ));
    }
    let has_role = matches!(&identity, Identity::Membership(membership) if membership.role_column.is_some());
    let mut tables = BTreeMap::new();
    for (name, table) in &written.tables {
        let (name, table) = one_table(name, table, has_role)?;
        tables.insert(name, table);
    }
    let default_column = if is_owner { "owner_id" } else { "tenant_id" };
    Ok(Tenancy {
        column: named("column", written.column.as_deref().unwrap_or(default_column))?,
        data_type: written.data_type.map(data_type).transpose()?,
        schemas: written.schemas.unwrap_or_else(|| vec!["public".to_owned()]),
        app_roles: roles("app_roles", written.app_roles)?,
        read_only_roles: roles("read_only_roles", written.read_only_roles)?,
        admin_roles: roles("admin_roles", written.admin_roles)?,
        identity,
        layout: choice(
            "policies",
            written.policies.as_deref(),
            &[("all", Layout::All), ("per-command", Layout::PerCommand)],
        )?,
        existing: choice(
            "existing",
            written.existing.as_deref(),
            &[
                ("report", Existing::Report),
                ("keep", Existing::Keep),
                ("replace", Existing::Replace),
            ],
        )?,
        force: choice(
            "force",
            written.force.as_deref(),
            &[
                ("auto", Force::Auto),
                ("always", Force::Always),
                ("never", Force::Never),
            ],
        )?,
        observe: observe(&written.observe)?,
        extras: extras(
            written.soft_delete.as_deref(),
            written.roles,
            written.audit_log.as_deref(),
            &written.admin_functions,
            has_role,
        )?,
        tables,
    })
}

fn identity(written: &Written) -> Result<Identity, TenancyError> {
    let word = written.identity.as_deref().unwrap_or("setting");
    let unused = |key: &str, is_there: bool| {
        if is_there {
            Err(wrong(key, &format!("means nothing with identity = \"{word}\"")))
        } else {
            Ok(())
        }
    };
    match word {
        "setting" => {
            unused("claim", written.claim.is_some())?;
            unused("membership", written.membership.is_some())?;
            Ok(Identity::Setting {
                name: setting("setting", written.setting.as_deref().unwrap_or("app.tenant_id"))?,
            })
        }
        "jwt" => {
            unused("setting", written.setting.is_some())?;
            unused("membership", written.membership.is_some())?;
            let default = || vec!["app_metadata".to_owned(), "tenant_id".to_owned()];
            Ok(Identity::Claim {
                setting: setting("claims_setting", written.claims_setting.as_deref().unwrap_or(CLAIMS))?,
                path: path("claim", written.claim.clone().unwrap_or_else(default))?,
            })
        }
        "membership" => {
            unused("claim", written.claim.is_some())?;
            membership(written).map(Identity::Membership)
        }
        "owner" => {
            unused("setting", written.setting.is_some())?;
            unused("membership", written.membership.is_some())?;
            user(written).map(Identity::Owner)
        }
        other => Err(wrong(
            "identity",
            &format!("`{other}` is none of setting, jwt, membership, owner"),
        )),
    }
}

fn membership(written: &Written) -> Result<Membership, TenancyError> {
    let Some(membership) = &written.membership else {
        return Err(wrong(
            "membership",
            "identity = \"membership\" needs the table: membership = { table = \"public.memberships\", user = \"user_id\", tenant = \"tenant_id\" }",
        ));
    };
    let which = if membership.all {
        Which::All
    } else {
        Which::Active {
            setting: setting("setting", written.setting.as_deref().unwrap_or("app.tenant_id"))?,
        }
    };
    if membership.all && written.setting.is_some() {
        return Err(wrong(
            "setting",
            "means nothing where all of the user's tenants count (membership.all)",
        ));
    }
    Ok(Membership {
        table: relation("membership.table", &membership.table)?,
        user_column: named("membership.user", &membership.user)?,
        tenant_column: named("membership.tenant", &membership.tenant)?,
        role_column: (membership.role.as_deref())
            .map(|column| named("membership.role", column))
            .transpose()?,
        user: user(written)?,
        which,
    })
}

fn user(written: &Written) -> Result<UserSource, TenancyError> {
    let how = "say how a session tells its user: user = { setting = \"app.user_id\" }, { claim = [\"sub\"] } or { function = \"auth.uid\" }";
    let user = written.user.clone().ok_or_else(|| wrong("user", how))?;
    match (user.setting, user.claim, user.function) {
        (Some(name), None, None) => Ok(UserSource::Setting {
            name: setting("user.setting", &name)?,
        }),
        (None, Some(claim), None) => Ok(UserSource::Claim {
            setting: setting("user.claims_setting", user.claims_setting.as_deref().unwrap_or(CLAIMS))?,
            path: path("user.claim", claim)?,
        }),
        (None, None, Some(function)) => Ok(UserSource::Function {
            name: relation("user.function", &function)?,
        }),
        _ => Err(wrong("user", how)),
    }
}

fn one_table(name: &str, written: &WrittenTable, has_role: bool) -> Result<(RelationName, TableTenancy), TenancyError> {
    let key = format!("tables.{name:?}");
    let relation = relation(&key, name)?;
    let backfill = written.backfill.as_ref().map(|backfill| {
        match (&backfill.constant, &backfill.from, &backfill.sql) {
            (Some(value), None, None) => Ok(Backfill::Constant(value.clone())),
            (None, Some(columns), None) if !columns.is_empty() => Ok(Backfill::Parent(columns.clone())),
            (None, None, Some(sql)) => Ok(Backfill::Expression(sql.clone())),
            _ => Err(wrong(
                &format!("{key}.backfill"),
                "write one of { constant = \"...\" }, { from = [\"project_id\"] } (a foreign key's columns) and { sql = \"...\" } (an expression over the row t)",
            )),
        }
    });
    let extras = table_extras(
        &key,
        written.nulls.as_deref(),
        written.soft_delete.as_ref(),
        written.roles.clone(),
        written.audited,
        has_role,
    )?;
    let says_more = written.column.is_some() || backfill.is_some() || extras != TableExtras::default();
    if written.shared && says_more {
        return Err(wrong(&key, "is shared, so nothing else can be said of it"));
    }
    let table = TableTenancy {
        shared: written.shared,
        column: written
            .column
            .as_deref()
            .map(|column| named(&key, column))
            .transpose()?,
        backfill: backfill.transpose()?,
        extras,
    };
    Ok((relation, table))
}

fn choice<T: Copy + Default>(key: &str, word: Option<&str>, known: &[(&str, T)]) -> Result<T, TenancyError> {
    let Some(word) = word else { return Ok(T::default()) };
    let found = known.iter().find(|(name, _)| *name == word);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        wrong(key, &format!("`{word}` is none of {}", names.join(", ")))
    })
}

pub(super) fn relation(key: &str, text: &str) -> Result<RelationName, TenancyError> {
    let name = RelationName::one(text).filter(|name| name.schema.is_some());
    name.ok_or_else(|| {
        let reason = format!("`{text}` is no name with its schema, as in \"public.orders\"");
        wrong(key, &reason)
    })
}

/// A setting of one's own has a dot in it; the server's own would be a mistake that can end badly.
fn setting(key: &str, name: &str) -> Result<String, TenancyError> {
    let is_part = |part: &str| {
        let mut letters = part.chars();
        letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$')
    };
    let is_name = name.contains('.') && name.split('.').all(is_part);
    if is_name {
        Ok(name.to_owned())
    } else {
        Err(wrong(
            key,
            &format!("`{name}` is no name of a setting with a prefix, as in \"app.tenant_id\""),
        ))
    }
}

fn path(key: &str, path: Vec<String>) -> Result<Vec<String>, TenancyError> {
    if path.is_empty() || path.iter().any(String::is_empty) {
        return Err(wrong(
            key,
            "write the way to the claim, as in [\"app_metadata\", \"tenant_id\"]",
        ));
    }
    Ok(path)
}

/// A type is put into statements as it is written: no constant, no comment and no second statement can be spelt with these characters.
fn data_type(text: String) -> Result<String, TenancyError> {
    let is_allowed = |letter: char| letter.is_alphanumeric() || "_.,()[]\" ".contains(letter);
    if text.trim().is_empty() || !text.chars().all(is_allowed) {
        let reason = format!("`{text}` is no name of a type, as in \"uuid\", \"varchar(36)\" or \"app.tenant_key\"");
        return Err(wrong("type", &reason));
    }
    Ok(text)
}

fn roles(key: &str, roles: Vec<String>) -> Result<Vec<String>, TenancyError> {
    if has_empty(&roles) {
        return Err(wrong(key, "has an empty name, which no role has"));
    }
    Ok(roles)
}

pub(super) fn has_empty(names: &[String]) -> bool {
    names.iter().any(String::is_empty)
}

/// TOML can write a NUL byte as an escape.
fn has_nul(value: &toml::Value) -> bool {
    match value {
        toml::Value::String(text) => text.contains('\0'),
        toml::Value::Array(values) => values.iter().any(has_nul),
        toml::Value::Table(table) => table.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

pub(super) fn named(key: &str, name: &str) -> Result<String, TenancyError> {
    if name.is_empty() {
        return Err(wrong(key, "is no name of a column"));
    }
    Ok(name.to_owned())
}

pub(super) fn wrong(key: &str, reason: &str) -> TenancyError {
    TenancyError {
        key: key.to_owned(),
        reason: reason.to_owned(),
    }
}
