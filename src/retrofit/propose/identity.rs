//! How a session may say whose it is, by what the catalog shows.

use std::collections::BTreeMap;

use crate::schema::{Relation, Schema};
use crate::script::RelationName;
use crate::tenancy::{Identity, Membership, UserSource, Which};

use super::column::{Chosen, is_tenants_name};
use super::{is_of_people, plain};

/// The setting in which gateways leave the claims of a token.
const CLAIMS: &str = "request.jwt.claims";
/// Words in the names of settings that hold a tenant.
const TENANT_WORDS: [&str; 7] = ["tenant", "account", "org", "workspace", "company", "team", "customer"];

/// The way that is proposed, and others that the catalog speaks for.
#[derive(Clone, Debug)]
pub(super) struct Ways {
    pub(super) first: (Identity, String),
    pub(super) others: Vec<(Identity, String)>,
}

/// Returns the ways that the catalog speaks for, the strongest first: what is in use already, what a service brings, a table of members.
pub(super) fn propose(schema: &Schema, tables: &[&Relation], chosen: &Chosen) -> Ways {
    let user = user(schema, tables);
    if chosen.is_owner {
        let reason = format!("A row is its user's. {}", user.1);
        return Ways {
            first: (Identity::Owner(user.0), reason),
            others: Vec::new(),
        };
    }
    let mut ways = in_use(schema, tables, chosen);
    if let Some((path, place)) = claim(schema, tables) {
        let reason = format!("The claim {} is in use: {place}.", path.join("."));
        ways.push((claimed(path), reason));
    }
    let membership = membership(schema, tables, chosen);
    let auth = auth(schema);
    if let Some((table, tenant, member)) = membership {
        // Behind a gateway nobody can say which tenant is the active one.
        let which = if auth.is_some() {
            Which::All
        } else {
            Which::Active {
                setting: "app.tenant_id".to_owned(),
            }
        };
        let reason = format!("{table} says which users belong to which tenants. {}", user.1);
        let membership = Membership {
            table,
            user_column: member,
            tenant_column: tenant,
            role_column: None,
            user: user.0,
            which,
        };
        ways.push((Identity::Membership(membership), reason));
    }
    if let Some(function) = auth {
        let reason = format!(
            "{function}() is there, so requests bring a token; its app_metadata has to carry the tenant, which users cannot change."
        );
        ways.push((claimed(vec!["app_metadata".to_owned(), chosen.name.clone()]), reason));
    }
    let default = Identity::Setting {
        name: "app.tenant_id".to_owned(),
    };
    if ways.is_empty() {
        let reason =
            "Nothing in the catalog says how a session tells whose it is; this is the simplest way.".to_owned();
        ways.push((default, reason));
    } else if !ways.iter().any(|(way, _)| matches!(way, Identity::Setting { .. })) {
        ways.push((
            default,
            "The application sets the tenant itself, in each transaction.".to_owned(),
        ));
    }
    let mut ways = ways.into_iter();
    let first = ways.next().expect("there is at least one");
    Ways {
        first,
        others: ways.collect(),
    }
}

/// Returns the settings that hold a tenant already.
fn in_use(schema: &Schema, tables: &[&Relation], chosen: &Chosen) -> Vec<(Identity, String)> {
    let name = plain(&chosen.name);
    let stem = name.trim_end_matches("uuid").trim_end_matches("id");
    let is_tenants = |name: &str| {
        let last = plain(name.rsplit('.').next().unwrap_or_default());
        let is_word = (!stem.is_empty() && last.contains(stem)) || TENANT_WORDS.iter().any(|word| last.contains(word));
        is_word && !name.starts_with("request.")
    };
    settings(schema, tables)
        .into_iter()
        .filter(|(name, _)| is_tenants(name))
        .map(|(name, place)| {
            let reason = format!("The setting {name} is in use: {place}.");
            (Identity::Setting { name }, reason)
        })
        .collect()
}

fn claimed(path: Vec<String>) -> Identity {
    Identity::Claim {
        setting: CLAIMS.to_owned(),
        path,
    }
}

/// Returns the function by which a gateway's requests say who they are.
fn auth(schema: &Schema) -> Option<RelationName> {
    let is_it = |name: &str| {
        let mut functions = schema.functions.values();
        functions.any(|found| found.schema == "auth" && found.name == name && found.arguments.is_empty())
    };
    let name = ["uid", "jwt"].into_iter().find(|name| is_it(name))?;
    Some(RelationName::qualified("auth", name))
}

fn user(schema: &Schema, tables: &[&Relation]) -> (UserSource, String) {
    if let Some(name) = auth(schema).filter(|name| name.name == "uid") {
        let reason = format!("{name}() says who the user is.");
        return (UserSource::Function { name }, reason);
    }
    let seen = settings(schema, tables);
    let found = seen.into_iter().find(|(name, _)| {
        let last = plain(name.rsplit('.').next().unwrap_or_default());
        !name.starts_with("request.") && (last.contains("user") || last == "uid")
    });
    match found {
        Some((name, place)) => {
            let reason = format!("The setting {name} is in use for the user: {place}.");
            (UserSource::Setting { name }, reason)
        }
        None => (
            UserSource::Setting {
                name: "app.user_id".to_owned(),
            },
            "Nothing says who the user is; the application would set it.".to_owned(),
        ),
    }
}

/// Returns the settings of applications that roles bring, or that policies and functions ask for, each with where.
fn settings(schema: &Schema, tables: &[&Relation]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for brought in &schema.role_settings {
        let name = brought.setting.split('=').next().unwrap_or_default();
        if name.contains('.') {
            let whose = brought
                .role
                .as_ref()
                .map_or("the database brings it".to_owned(), |role| {
                    format!("role {role} brings it")
                });
            found.entry(name.to_owned()).or_insert(whose);
        }
    }
    for (text, place) in texts(schema, tables) {
        for name in asked(text) {
            found.entry(name).or_insert_with(|| place.clone());
        }
    }
    found.retain(|name, _| is_name(name));
    found
}

/// The shape that [`crate::tenancy`] takes.
fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    name.contains('.') && name.split('.').all(is_part)
}

/// Returns the text of policies, then that of functions, each with where it is.
fn texts<'a>(schema: &'a Schema, tables: &[&'a Relation]) -> Vec<(&'a str, String)> {
    let mut found = Vec::new();
    for table in tables {
        for policy in &table.policies {
            let place = format!("policy {} on {} asks for it", policy.name, table.name);
            found.extend(
                policy
                    .using
                    .iter()
                    .chain(&policy.check)
                    .map(|text| (text.as_str(), place.clone())),
            );
        }
    }
    // The functions that policies of ours call ask for what was configured before.
    let is_ours = |name: &str| matches!(name, "active_tenant" | "tenant_ids");
    for function in schema
        .functions
        .values()
        .filter(|function| !super::SERVICES.contains(&function.schema.as_str()))
        .filter(|function| !(function.is_security_definer && is_ours(&function.name)))
    {
        let name = RelationName::qualified(&function.schema, &function.name);
        found.push((function.body.as_str(), format!("function {name} asks for it")));
    }
    found
}

/// Returns what a text asks `current_setting` for.
fn asked(text: &str) -> Vec<String> {
    let calls = text.split("current_setting(").skip(1);
    calls
        .filter_map(|rest| rest.trim_start().strip_prefix('\'')?.split('\'').next())
        .map(str::to_owned)
        .collect()
}

/// Returns the way to a claim that holds the tenant, with where it is asked for. What a user can write counts for nothing.
fn claim(schema: &Schema, tables: &[&Relation]) -> Option<(Vec<String>, String)> {
    texts(schema, tables).into_iter().find_map(|(text, place)| {
        let is_token = text.contains("auth.jwt()") || text.contains("request.jwt");
        if !is_token || text.contains("user_metadata") {
            return None;
        }
        let mut keys = text
            .split("->>")
            .skip(1)
            .filter_map(|rest| rest.trim_start().strip_prefix('\'')?.split('\'').next());
        let key = keys.find(|key| is_tenants_name(key))?;
        let mut path = vec![key.to_owned()];
        if text.contains("app_metadata") {
            path.insert(0, "app_metadata".to_owned());
        }
        Some((path, place))
    })
}

/// Returns the table of members with its columns for tenant and user.
fn membership(schema: &Schema, tables: &[&Relation], chosen: &Chosen) -> Option<(RelationName, String, String)> {
    let mut found: Vec<((bool, bool), RelationName, String, String)> = Vec::new();
    for table in tables {
        let to_tenants = table.foreign_keys.iter().find(|key| {
            let root = chosen.to.as_ref().map(|(oid, _)| *oid).or(chosen.by_name);
            key.columns.len() == 1 && Some(key.references) == root
        });
        let tenant = to_tenants
            .map(|key| key.columns[0].clone())
            .or_else(|| table.column(&chosen.name).map(|column| column.name.clone()));
        // Whoever made a row, or invited somebody, is not the one it is about.
        let is_another = |name: &str| name.ends_with("_by") || name.contains("_by_") || name.contains("By");
        let to_people = table.foreign_keys.iter().find(|key| {
            let is_people = schema.relations.get(&key.references).is_some_and(is_of_people);
            key.columns.len() == 1 && is_people && !is_another(&key.columns[0])
        });
        let by_name = || {
            table
                .columns
                .iter()
                .find(|column| matches!(plain(&column.name).as_str(), "userid" | "memberid" | "profileid"))
        };
        let user = to_people
            .map(|key| key.columns[0].clone())
            .or_else(|| by_name().map(|column| column.name.clone()));
        let (Some(tenant), Some(user)) = (tenant, user) else {
            continue;
        };
        let name = plain(&table.name.name);
        let is_called = name.contains("member") && !name.contains("invit");
        let is_pair = |columns: &[String]| columns.len() == 2 && columns.contains(&tenant) && columns.contains(&user);
        let is_keyed = table.keys.iter().any(|key| is_pair(&key.columns));
        if is_called || is_keyed {
            let rank = (!(is_called && is_keyed), !is_called);
            found.push((rank, table.name.clone(), tenant, user));
        }
    }
    found.sort();
    found
        .into_iter()
        .next()
        .map(|(_, table, tenant, user)| (table, tenant, user))
}
