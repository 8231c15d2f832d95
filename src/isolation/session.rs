//! What a session says of itself.

use crate::tenancy::{Identity, Tenancy, UserSource, Which};

use super::truth::Chance;
use super::value::{Possible, Value, Values, Whose, one, unknown};

/// The setting in which gateways leave the claims of a token.
const CLAIMS: &str = "request.jwt.claims";

/// What a session says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Says {
    /// Its own tenant, as the application makes it.
    Mine,
    /// Nothing: nobody has set anything.
    Nothing,
    /// Nothing any more: a setting that was local to a transaction before is empty now.
    Spent,
}

impl Says {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mine, Self::Nothing, Self::Spent];

    /// Returns the words for a person.
    pub fn words(self) -> &'static str {
        match self {
            Self::Mine => "a session of another tenant",
            Self::Nothing => "a session that has set nothing",
            Self::Spent => "a session whose settings have ended with an earlier transaction",
        }
    }

    /// Returns what a setting holds that the application fills with `value`.
    fn filled(self, value: Value) -> Value {
        match self {
            Self::Mine => value,
            Self::Nothing => Value::Null,
            Self::Spent => Value::Text(String::new()),
        }
    }
}

/// Returns what `current_setting(name, true)` is.
pub(super) fn setting(tenancy: &Tenancy, says: Says, role: &str, name: &str) -> Values {
    let name = name.to_ascii_lowercase();
    if name == "role" {
        return one(Value::Text(role.to_owned()));
    }
    let is = |other: &String| name.eq_ignore_ascii_case(other);
    match &tenancy.identity {
        Identity::Setting { name } if is(name) => return one(says.filled(Value::Tenant(Whose::Mine))),
        Identity::Claim { setting, .. } if is(setting) => return one(says.filled(Value::Claims(Vec::new()))),
        Identity::Membership(membership) => {
            if let Which::Active { setting } = &membership.which
                && is(setting)
            {
                // Which of its tenants is the active one, a session says by itself; that it is one of them is the membership's to say.
                return one(says.filled(Value::Chosen));
            }
            if let Some(value) = by_user(&membership.user, &name) {
                return one(says.filled(value));
            }
        }
        Identity::Owner(user) => {
            if let Some(value) = by_user(user, &name) {
                // Whose a row is, is the user.
                let value = if value == Value::User {
                    self::user(tenancy)
                } else {
                    value
                };
                return one(says.filled(value));
            }
        }
        Identity::Setting { .. } | Identity::Claim { .. } => {}
    }
    if name == CLAIMS {
        return one(says.filled(Value::Claims(Vec::new())));
    }
    if name.starts_with("request.jwt.claim.") {
        // What older gateways have set, one setting a claim.
        return one(Value::Null);
    }
    // Nobody is known to set it.
    vec![
        Possible {
            value: Value::Null,
            chance: Chance::Can,
        },
        Possible {
            value: Value::Unknown,
            chance: Chance::Perhaps,
        },
    ]
}

fn by_user(user: &UserSource, name: &str) -> Option<Value> {
    match user {
        UserSource::Setting { name: own } if own.eq_ignore_ascii_case(name) => Some(Value::User),
        UserSource::Claim { setting, .. } if setting.eq_ignore_ascii_case(name) => Some(Value::Claims(Vec::new())),
        _ => None,
    }
}

/// Returns what a claim is, by its way.
pub(super) fn claim(tenancy: &Tenancy, role: &str, way: &[String]) -> Values {
    let user = match &tenancy.identity {
        Identity::Claim { path, .. } if path == way => return one(Value::Tenant(Whose::Mine)),
        Identity::Membership(membership) => Some(&membership.user),
        Identity::Owner(user) => Some(user),
        _ => None,
    };
    let is_users = match user {
        Some(UserSource::Claim { path, .. }) => path == way,
        _ => way == ["sub"],
    };
    match way.first().map(String::as_str) {
        _ if is_users => one(self::user(tenancy)),
        // Its own user may change it, by the gateway's own interface.
        Some("user_metadata" | "raw_user_meta_data") => one(Value::Chosen),
        Some("role") if way.len() == 1 => kind(role),
        Some("email" | "phone") if way.len() == 1 => one(Value::User),
        _ => unknown(),
    }
}

/// Returns what a token says of the kind of session: the database's role, as gateways have it, or a word of the application's own.
pub(super) fn kind(role: &str) -> Values {
    let mut values = one(Value::Text(role.to_owned()));
    values.extend(unknown());
    values
}

/// Returns what the session's user is: the tenant itself where rows are a user's own.
pub(super) fn user(tenancy: &Tenancy) -> Value {
    match &tenancy.identity {
        Identity::Owner(_) => Value::Tenant(Whose::Mine),
        _ => Value::User,
    }
}
