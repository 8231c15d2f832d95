//! What is done on request: rows that are everybody's, rows that count as deleted, what a member's role may do, a log, functions for admins.

use serde::Deserialize;

use crate::script::RelationName;

use super::read::{TenancyError, has_empty, named, relation, wrong};

/// What is asked for in the whole model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// The column by which rows count as deleted, in tables that have it.
    pub soft_delete: Option<String>,
    /// What members of which role may do.
    pub roles: CommandRoles,
    /// The table that keeps what was written.
    pub audit_log: Option<RelationName>,
    /// Tables that admins list across tenants by a function.
    pub admin_functions: Vec<RelationName>,
}

/// What a table asks for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableExtras {
    /// Whether rows without a tenant are everybody's to read.
    pub shares_nulls: bool,
    /// Another column by which its rows count as deleted, or none at all.
    pub soft_delete: Option<SoftDelete>,
    /// What members of which role may do with it.
    pub roles: Option<CommandRoles>,
    /// Whether the log leaves it out.
    pub is_unlogged: bool,
}

/// Whether a table's rows can count as deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SoftDelete {
    /// By this column.
    Column(String),
    /// They are there or not.
    Never,
}

/// The roles of members that may run a command; nothing where all may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandRoles {
    /// Who reads.
    pub select: Option<Vec<String>>,
    /// Who makes rows.
    pub insert: Option<Vec<String>>,
    /// Who changes them.
    pub update: Option<Vec<String>>,
    /// Who deletes them.
    pub delete: Option<Vec<String>>,
}

impl CommandRoles {
    /// Tells whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns what is said of each command.
    pub fn all(&self) -> [Option<&Vec<String>>; 4] {
        [&self.select, &self.insert, &self.update, &self.delete].map(Option::as_ref)
    }
}

/// A column, or `false`.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum WrittenSoftDelete {
    Column(String),
    IsOn(bool),
}

/// Returns what the whole model asks for.
pub(super) fn extras(
    soft_delete: Option<&str>,
    roles: Option<CommandRoles>,
    audit_log: Option<&str>,
    admin_functions: &[String],
    has_role: bool,
) -> Result<Extras, TenancyError> {
    let tables = admin_functions.iter().map(|table| relation("admin_functions", table));
    Ok(Extras {
        soft_delete: soft_delete.map(|column| named("soft_delete", column)).transpose()?,
        roles: checked("roles", roles, has_role)?.unwrap_or_default(),
        audit_log: audit_log.map(|table| relation("audit_log", table)).transpose()?,
        admin_functions: tables.collect::<Result<_, _>>()?,
    })
}

/// Returns what a table asks for.
pub(super) fn table_extras(
    key: &str,
    nulls: Option<&str>,
    soft_delete: Option<&WrittenSoftDelete>,
    roles: Option<CommandRoles>,
    audited: Option<bool>,
    has_role: bool,
) -> Result<TableExtras, TenancyError> {
    let soft_delete = soft_delete.map(|written| match written {
        WrittenSoftDelete::Column(column) => named(&format!("{key}.soft_delete"), column).map(SoftDelete::Column),
        WrittenSoftDelete::IsOn(false) => Ok(SoftDelete::Never),
        WrittenSoftDelete::IsOn(true) => Err(wrong(
            &format!("{key}.soft_delete"),
            "write the column, as in soft_delete = \"deleted_at\", or false",
        )),
    });
    let shares_nulls = match nulls {
        None | Some("refused") => false,
        Some("shared") => true,
        Some(other) => {
            let reason = format!("`{other}` is none of refused, shared");
            return Err(wrong(&format!("{key}.nulls"), &reason));
        }
    };
    Ok(TableExtras {
        shares_nulls,
        soft_delete: soft_delete.transpose()?,
        roles: checked(&format!("{key}.roles"), roles, has_role)?,
        is_unlogged: audited == Some(false),
    })
}

/// A role is what the table of members says, and nothing else does.
fn checked(key: &str, roles: Option<CommandRoles>, has_role: bool) -> Result<Option<CommandRoles>, TenancyError> {
    let Some(roles) = roles else { return Ok(None) };
    if !has_role {
        return Err(wrong(
            key,
            "needs the column that says a member's role: identity = \"membership\" and membership = { ..., role = \"role\" }",
        ));
    }
    if roles.all().into_iter().flatten().any(|names| has_empty(names)) {
        return Err(wrong(key, "has an empty name, which no role has"));
    }
    Ok(Some(roles))
}

#[cfg(test)]
mod tests {
    use super::super::tenancy;
    use super::*;

    const MEMBER: &str = "app_roles = ['a']\nidentity = 'membership'\nuser = { function = 'auth.uid' }\n";

    #[test]
    fn what_is_asked_for_is_read() {
        let text = format!(
            "{MEMBER}soft_delete = 'deleted_at'\naudit_log = 'public.log'\nadmin_functions = ['public.o']
             roles = {{ update = ['owner', 'admin'], delete = [] }}
             [membership]\ntable = 'public.m'\nuser = 'u'\ntenant = 't'\nrole = 'role'
             [tables.'public.o']\nnulls = 'shared'\nsoft_delete = false\naudited = false"
        );
        let read = tenancy(&toml::from_str(&text).unwrap()).unwrap();
        assert_eq!(read.extras.soft_delete.as_deref(), Some("deleted_at"));
        assert_eq!(read.extras.roles.update.as_deref().unwrap(), ["owner", "admin"]);
        assert_eq!(read.extras.roles.delete.as_deref().unwrap(), [""; 0]);
        assert_eq!(read.extras.roles.select, None);
        let table = read.table(&RelationName::qualified("public", "o")).extras;
        assert!(table.shares_nulls && table.is_unlogged);
        assert_eq!(table.soft_delete, Some(SoftDelete::Never));
    }

    #[test]
    fn mistakes_name_their_key() {
        for (text, key, words) in [
            ("roles = { select = ['owner'] }", "roles", "member's role"),
            ("audit_log = 'log'", "audit_log", "with its schema"),
            ("soft_delete = ''", "soft_delete", "no name"),
            (
                "[tables.'public.o']\nnulls = 'all'",
                "tables.\"public.o\".nulls",
                "none of",
            ),
            (
                "[tables.'public.o']\nsoft_delete = true",
                "tables.\"public.o\".soft_delete",
                "write the column",
            ),
            (
                "[tables.'public.o']\nshared = true\nnulls = 'shared'",
                "tables.\"public.o\"",
                "shared",
            ),
        ] {
            let text = format!("app_roles = ['a']\n{text}");
            let error = tenancy(&toml::from_str(&text).unwrap()).unwrap_err();
            assert_eq!(error.key, key, "{text}: {error}");
            assert!(error.reason.contains(words), "{text}: {error}");
        }
    }
}
