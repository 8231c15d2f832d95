//! What an expression can be.

use crate::activity::Oid;

use super::truth::{Chance, Truth};

/// Whose a row is, seen from a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whose {
    /// The session's own tenant's.
    Mine,
    /// Another tenant's.
    Theirs,
    /// One that the session makes up for another tenant: that it is theirs is all that it has to be.
    Forged,
    /// Nobody's: its tenant is null.
    Nobodys,
}

/// What an expression can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// NULL.
    Null,
    /// This constant.
    Text(String),
    /// What a tenant is known by.
    Tenant(Whose),
    /// What a row of a relation is known by.
    Key {
        /// The relation.
        of: Oid,
        /// Whose the row is.
        whose: Whose,
    },
    /// What the session's user is known by.
    User,
    /// The claims of the session's token, or what is in them on this way.
    Claims(Vec<String>),
    /// What a row holds, whatever that is; nothing for a row that is no tenant's.
    Held(Option<Whose>),
    /// What the session's user can choose at will, anew each time it is looked at.
    Chosen,
    /// What the session's user has chosen: something that is known of one tenant. It is the same wherever it is looked at.
    Picked(Whose),
    /// A list.
    Many(Vec<Possible>),
    /// True, false or null.
    Truth(Truth),
    /// How many rows there are: whether there can be any, and whether there can be none.
    Count {
        /// Any.
        any: Chance,
        /// None.
        none: Chance,
    },
    /// Anything.
    Unknown,
}

/// A value, and whether it can be that one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Possible {
    /// The value.
    pub value: Value,
    /// Whether it can be.
    pub chance: Chance,
}

/// What an expression can be; nothing where it raises an error.
pub type Values = Vec<Possible>;

/// Returns the one value.
pub fn one(value: Value) -> Values {
    vec![Possible {
        value,
        chance: Chance::Can,
    }]
}

/// Nothing can be told.
pub fn unknown() -> Values {
    vec![Possible {
        value: Value::Unknown,
        chance: Chance::Perhaps,
    }]
}

/// Returns the values, each with no more than that chance.
pub fn at(values: Values, chance: Chance) -> Values {
    let limited = values.into_iter().map(|possible| Possible {
        chance: possible.chance.min(chance),
        ..possible
    });
    limited.filter(|possible| possible.chance > Chance::Never).collect()
}

/// Joins what can be with what else can be.
pub fn join(values: &mut Values, more: Values) {
    for possible in more {
        match values.iter_mut().find(|there| there.value == possible.value) {
            Some(there) => there.chance = there.chance.max(possible.chance),
            None => values.push(possible),
        }
    }
}

/// Returns what values are as a condition.
pub fn truth(values: &Values) -> Truth {
    let each = values.iter().map(|possible| {
        let truth = match &possible.value {
            Value::Truth(truth) => *truth,
            Value::Null => Truth::NULL,
            Value::Text(text) => match text.as_str() {
                "t" | "true" | "on" | "yes" | "y" | "1" => Truth::YES,
                "f" | "false" | "off" | "no" | "n" | "0" => Truth::NO,
                _ => Truth::ERROR,
            },
            Value::Held(_) | Value::Chosen => Truth::of(Chance::Can, Chance::Can, Chance::Can),
            _ => Truth::UNKNOWN,
        };
        truth.at(possible.chance)
    });
    each.fold(Truth::ERROR, Truth::or_else)
}
