//! What a session says before it acts: who it is, and whose.

use serde_json::{Map, Value, json};

use crate::script::{TokenKind, tokens};
use crate::tenancy::{Identity, Sessions, TENANT, Tenancy, USER, UserSource, Which};

use super::text::{ident, literal};

/// Where Supabase's functions look for the user, beside the claims.
const SUB: &str = "request.jwt.claim.sub";
/// The claims of a token.
const CLAIMS: &str = "request.jwt.claims";

/// A tenant, and a user of it where sessions have users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The tenant, as the server writes it.
    pub tenant: String,
    /// One of its users, who belongs to no other tenant of the two.
    pub user: Option<String>,
}

/// How a session has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// As the tenant.
    Tenant,
    /// As the tenant, with claims that a user can write into its own profile.
    Extra,
    /// As nobody, in a session in which nothing was ever said.
    Unset,
    /// As nobody, after what was said has been emptied.
    Spent,
    /// As a tenant of another name.
    Value(String),
    /// As the tenant, with a plan that was made while it was the other one's session.
    Cached,
    /// As the tenant, with a temporary table that hides the one of members from functions that do not name its schema.
    Shadowed,
    /// As the tenant, and then as a role that it may become.
    Role(String),
}

impl Standing {
    /// Returns its name in verdicts.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Tenant => "tenant".to_owned(),
            Self::Extra => "tenant with extra claims".to_owned(),
            Self::Unset => "no context".to_owned(),
            Self::Spent => "spent context".to_owned(),
            Self::Value(_) => "values like the tenant's".to_owned(),
            Self::Cached => "cached plan".to_owned(),
            Self::Shadowed => "temporary table of members".to_owned(),
            Self::Role(role) => format!("tenant, set role {role}"),
        }
    }

    /// Tells whether the session is nobody's, so that every row is another's.
    pub(super) fn is_nobody(&self) -> bool {
        matches!(self, Self::Unset | Self::Spent)
    }
}

/// Who speaks, and by which rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speech<'a> {
    /// The model.
    pub(super) tenancy: &'a Tenancy,
    /// What the configuration says of sessions.
    pub(super) sessions: &'a Sessions,
    /// The role that acts.
    pub(super) role: &'a str,
    /// Whether whoever is connected may begin as anybody.
    pub(super) is_superuser: bool,
}

impl Speech<'_> {
    /// Returns the statements by which a session of ours becomes one of the application's; `other` is the tenant that is to be reached.
    pub(super) fn becoming(&self, standing: &Standing, who: &Who, other: &Who) -> Vec<String> {
        let said = match standing {
            Standing::Value(value) => Who {
                tenant: value.clone(),
                user: self.user_for(value, who),
            },
            _ => who.clone(),
        };
        let mut all = self.login(&said);
        let base = self.base(&said, standing.is_nobody());
        if base.is_empty() || !self.is_configured(&said) {
            all.push(format!("set local role {}", ident(self.role)));
            all.extend(base);
        } else {
            all.extend(base);
            all.push(format!("set local role {}", ident(self.role)));
        }
        match standing {
            Standing::Extra => all.extend(self.extra(other)),
            Standing::Spent => all.extend(self.settings().into_iter().map(|name| set(&name, ""))),
            Standing::Role(role) => all.push(format!("set local role {}", ident(role))),
            _ => {}
        }
        all
    }

    /// A row's owner is the user itself.
    fn user_for(&self, value: &str, who: &Who) -> Option<String> {
        match self.tenancy.identity {
            Identity::Owner(_) => Some(value.to_owned()),
            _ => who.user.clone(),
        }
    }

    fn is_configured(&self, who: &Who) -> bool {
        !self.sessions.session.is_empty() || self.sessions.each.iter().any(|one| one.tenant == who.tenant)
    }

    fn login(&self, who: &Who) -> Vec<String> {
        let own = self.sessions.each.iter().find(|one| one.tenant == who.tenant);
        let login = own.and_then(|own| own.login.as_ref()).or(self.sessions.login.as_ref());
        match login {
            Some(login) if self.is_superuser => vec![format!("set local session authorization {}", ident(login))],
            _ => Vec::new(),
        }
    }

    fn base(&self, who: &Who, is_nobody: bool) -> Vec<String> {
        let own = self.sessions.each.iter().find(|one| one.tenant == who.tenant);
        let said = own.map_or(&self.sessions.session, |own| &own.session);
        if said.is_empty() {
            return if is_nobody { Vec::new() } else { self.derived(who) };
        }
        let is_whole = own.is_some();
        let names_one = |statement: &String| is_whole || statement.contains(TENANT) || statement.contains(USER);
        let said = said.iter().filter(|statement| !is_nobody || !names_one(statement));
        said.map(|statement| filled(statement, who)).collect()
    }

    /// Returns what a session says by the model alone.
    fn derived(&self, who: &Who) -> Vec<String> {
        let mut said = Said {
            role: self.role,
            plain: Vec::new(),
            claims: Vec::new(),
        };
        match &self.tenancy.identity {
            Identity::Setting { name } => said.plain.push((name.clone(), who.tenant.clone())),
            Identity::Claim { setting, path } => said.claim(setting, path, &who.tenant),
            Identity::Owner(user) => said.user(user, who.user.as_deref().unwrap_or(&who.tenant)),
            Identity::Membership(membership) => {
                said.user(&membership.user, who.user.as_deref().unwrap_or_default());
                if let Which::Active { setting } = &membership.which {
                    said.plain.push((setting.clone(), who.tenant.clone()));
                }
            }
        }
        said.statements()
    }

    /// Returns the claims that users of hosted services write themselves, naming the other tenant.
    fn extra(&self, other: &Who) -> Option<String> {
        let (setting, path) = self.claims()?;
        let mut mine = json!({
            "tenant_id": other.tenant, "tenant": other.tenant, "org_id": other.tenant, "organization_id": other.tenant,
            "role": "admin", "is_admin": true,
        });
        if let (Some(mine), Some(last)) = (mine.as_object_mut(), path.last()) {
            mine.insert(last.clone(), other.tenant.clone().into());
        }
        let more = json!({ "user_metadata": mine, "raw_user_meta_data": mine });
        Some(format!(
            "select pg_catalog.set_config({name}, (coalesce(nullif(pg_catalog.current_setting({name}, true), ''), '{{}}')::pg_catalog.jsonb || {}::pg_catalog.jsonb)::pg_catalog.text, true)",
            literal(&more.to_string()),
            name = literal(&setting),
        ))
    }

    /// Returns the setting of the claims and the way to the one that counts, if sessions have claims.
    pub(super) fn claims(&self) -> Option<(String, Vec<String>)> {
        let user = match &self.tenancy.identity {
            Identity::Claim { setting, path } => return Some((setting.clone(), path.clone())),
            Identity::Owner(user) => user,
            Identity::Membership(membership) => &membership.user,
            Identity::Setting { .. } => return None,
        };
        match user {
            UserSource::Claim { setting, path } => Some((setting.clone(), path.clone())),
            UserSource::Function { .. } => Some((CLAIMS.to_owned(), vec!["sub".to_owned()])),
            UserSource::Setting { .. } => None,
        }
    }

    /// Returns the settings by which sessions say whose they are.
    fn settings(&self) -> Vec<String> {
        let of_user = |user: &UserSource| match user {
            UserSource::Setting { name } => vec![name.clone()],
            UserSource::Claim { setting, .. } => vec![setting.clone()],
            UserSource::Function { .. } => vec![CLAIMS.to_owned(), SUB.to_owned()],
        };
        match &self.tenancy.identity {
            Identity::Setting { name } => vec![name.clone()],
            Identity::Claim { setting, .. } => vec![setting.clone()],
            Identity::Owner(user) => of_user(user),
            Identity::Membership(membership) => {
                let mut names = of_user(&membership.user);
                if let Which::Active { setting } = &membership.which {
                    names.push(setting.clone());
                }
                names
            }
        }
    }
}

/// What is to be said, setting by setting.
struct Said<'a> {
    role: &'a str,
    plain: Vec<(String, String)>,
    claims: Vec<(String, Map<String, Value>)>,
}

impl Said<'_> {
    fn user(&mut self, source: &UserSource, user: &str) {
        match source {
            UserSource::Setting { name } => self.plain.push((name.clone(), user.to_owned())),
            UserSource::Claim { setting, path } => self.claim(setting, path, user),
            UserSource::Function { .. } => {
                self.plain.push((SUB.to_owned(), user.to_owned()));
                self.claim(CLAIMS, &["sub".to_owned()], user);
            }
        }
    }

    fn claim(&mut self, setting: &str, path: &[String], value: &str) {
        let at = self
            .claims
            .iter()
            .position(|(name, _)| name == setting)
            .unwrap_or_else(|| {
                let mut first = Map::new();
                if setting == CLAIMS {
                    first.insert("role".to_owned(), self.role.into());
                }
                self.claims.push((setting.to_owned(), first));
                self.claims.len() - 1
            });
        put(&mut self.claims[at].1, path, value);
    }

    fn statements(self) -> Vec<String> {
        let claims = self
            .claims
            .into_iter()
            .map(|(name, claims)| set(&name, &Value::Object(claims).to_string()));
        let plain = self.plain.iter().map(|(name, value)| set(name, value));
        plain.chain(claims).collect()
    }
}

fn put(object: &mut Map<String, Value>, path: &[String], value: &str) {
    match path {
        [] => {}
        [last] => {
            object.insert(last.clone(), value.into());
        }
        [first, rest @ ..] => {
            let inner = object.entry(first.clone()).or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}

fn set(name: &str, value: &str) -> String {
    format!(
        "select pg_catalog.set_config({}, {}, true)",
        literal(name),
        literal(value)
    )
}

/// Puts values where their placeholders are: always inside of a string, which is written anew. In one that holds JSON they are escaped for that,
/// too.
fn filled(statement: &str, who: &Who) -> String {
    let mut text = String::with_capacity(statement.len() + 64);
    for token in tokens(statement) {
        let part = token.span.slice(statement);
        let is_ours = token.kind == TokenKind::String && (part.contains(TENANT) || part.contains(USER));
        let inner = part.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        let Some(inner) = inner.filter(|_| is_ours) else {
            text.push_str(part);
            continue;
        };
        let inner = inner.replace("''", "'");
        let is_json = inner != TENANT && inner != USER && inner.trim_start().starts_with('{');
        let of = |value: &str| {
            if is_json {
                let written = Value::from(value).to_string();
                written[1..written.len() - 1].to_owned()
            } else {
                value.to_owned()
            }
        };
        // In one pass: a value is not looked at again.
        let mut rest = inner.as_str();
        let mut whole = String::new();
        while let Some(at) = [rest.find(TENANT), rest.find(USER)].into_iter().flatten().min() {
            whole.push_str(&rest[..at]);
            let (name, value) = if rest[at..].starts_with(TENANT) {
                (TENANT, who.tenant.as_str())
            } else {
                (USER, who.user.as_deref().unwrap_or_default())
            };
            whole.push_str(&of(value));
            rest = &rest[at + name.len()..];
        }
        whole.push_str(rest);
        text.push_str(&literal(&whole));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenancy::{sessions, tenancy};

    fn said(text: &str, standing: &Standing) -> String {
        let table: toml::Table = toml::from_str(&format!("app_roles = ['app']\n{text}")).unwrap();
        let (tenancy, sessions) = (tenancy(&table).unwrap(), sessions(&table).unwrap());
        let speech = Speech {
            tenancy: &tenancy,
            sessions: &sessions,
            role: "app",
            is_superuser: true,
        };
        let who = |tenant: &str| Who {
            tenant: tenant.to_owned(),
            user: Some("u".to_owned()),
        };
        speech.becoming(standing, &who("o'1"), &who("2")).join("; ")
    }

    #[test]
    fn a_session_follows_from_the_model() {
        assert_eq!(
            said("", &Standing::Tenant),
            "set local role app; select pg_catalog.set_config('app.tenant_id', 'o''1', true)"
        );
        assert_eq!(said("", &Standing::Unset), "set local role app");
        assert_eq!(
            said("", &Standing::Spent),
            "set local role app; select pg_catalog.set_config('app.tenant_id', '', true)"
        );
        let jwt = said("identity = 'jwt'", &Standing::Tenant);
        assert!(
            jwt.contains(r#"'{"app_metadata":{"tenant_id":"o''1"},"role":"app"}'"#),
            "{jwt}"
        );
        let extra = said("identity = 'jwt'", &Standing::Extra);
        assert!(
            extra.contains("user_metadata") && extra.contains(r#""tenant_id":"2""#),
            "{extra}"
        );
    }

    #[test]
    fn what_is_configured_is_said_with_values_quoted() {
        let text = "login = 'gate'\nsession = [\"set role x\", \"select set_config('a.b', '{\\\"t\\\": \\\"{tenant}\\\"}', false)\"]";
        assert_eq!(
            said(text, &Standing::Tenant),
            "set local session authorization gate; set role x; select set_config('a.b', '{\"t\": \"o''1\"}', false); set local role app"
        );
        assert_eq!(
            said(text, &Standing::Unset),
            "set local session authorization gate; set role x; set local role app"
        );
    }
}
