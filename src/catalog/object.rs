//! What an object of the catalog is called.

use std::fmt;
use std::str::FromStr;

/// Declares the kinds with the words of Postgres for them.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// What kind of object it is. The order is that of the words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ObjectKind {
            $($(#[$doc])* $name,)*
        }

        impl ObjectKind {
            /// All kinds, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the words of Postgres for it, in lower case.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

kinds! {
    /// An aggregate function.
    Aggregate = "aggregate",
    /// A cast.
    Cast = "cast",
    /// A collation.
    Collation = "collation",
    /// A table's constraint, with the index that belongs to it. NOT NULL is a fact of the column.
    Constraint = "constraint",
    /// A conversion between encodings.
    Conversion = "conversion",
    /// What a role's new objects are granted.
    DefaultPrivileges = "default privileges",
    /// A domain.
    Domain = "domain",
    /// An enum type.
    Enum = "enum",
    /// An event trigger.
    EventTrigger = "event trigger",
    /// An extension.
    Extension = "extension",
    /// A foreign-data wrapper.
    ForeignDataWrapper = "foreign data wrapper",
    /// A foreign table.
    ForeignTable = "foreign table",
    /// A function, plain or window.
    Function = "function",
    /// An index that belongs to no constraint.
    Index = "index",
    /// A procedural language.
    Language = "language",
    /// A materialized view.
    MaterializedView = "materialized view",
    /// An operator.
    Operator = "operator",
    /// An operator class.
    OperatorClass = "operator class",
    /// An operator family.
    OperatorFamily = "operator family",
    /// A row security policy.
    Policy = "policy",
    /// A procedure.
    Procedure = "procedure",
    /// A publication.
    Publication = "publication",
    /// A rewrite rule.
    Rule = "rule",
    /// A schema.
    Schema = "schema",
    /// A sequence that is not an identity column's.
    Sequence = "sequence",
    /// A foreign server.
    Server = "server",
    /// Extended statistics.
    Statistics = "statistics",
    /// A subscription.
    Subscription = "subscription",
    /// A table, partitioned or not.
    Table = "table",
    /// A text search configuration.
    TextSearchConfiguration = "text search configuration",
    /// A text search dictionary.
    TextSearchDictionary = "text search dictionary",
    /// A trigger.
    Trigger = "trigger",
    /// A composite, range or base type.
    Type = "type",
    /// A user mapping.
    UserMapping = "user mapping",
    /// A view.
    View = "view",
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.word())
    }
}

/// The text names no kind of object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of object")]
pub struct UnknownKind(String);

impl FromStr for ObjectKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|kind| kind.word() == text);
        found.copied().ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// An object's kind and name: the same in every database that has it.
///
/// `Display` writes both, as in `table public.orders`; `FromStr` reads that.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its name as Postgres writes it, quoted and with its schema: `public.orders`, `public.f(integer, text)`,
    /// `tenant on public.orders`.
    pub identity: String,
}

impl ObjectId {
    /// Returns the id of an object whose name is quoted already.
    pub fn new(kind: ObjectKind, identity: impl Into<String>) -> Self {
        Self {
            kind,
            identity: identity.into(),
        }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.kind, self.identity)
    }
}

/// The text is no kind followed by a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not begin with a kind of object")]
pub struct UnknownObject(String);

impl FromStr for ObjectId {
    type Err = UnknownObject;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // From the back, so that `operator class` is tried before `operator`.
        let read = |kind: &ObjectKind| Some(Self::new(*kind, text.strip_prefix(kind.word())?.strip_prefix(' ')?));
        let found = ObjectKind::ALL.iter().rev().find_map(read);
        found.ok_or_else(|| UnknownObject(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_in_the_order_of_their_words() {
        assert!(ObjectKind::ALL.is_sorted_by(|a, b| a < b && a.word() < b.word()));
        for kind in ObjectKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(*kind));
        }
        assert!("relation".parse::<ObjectKind>().is_err());
    }

    #[test]
    fn ids_read_back() {
        for kind in ObjectKind::ALL {
            for identity in ["public.orders", "p on public.\"My table\"", "class.+(integer, integer)"] {
                let id = ObjectId::new(*kind, identity);
                assert_eq!(id.to_string().parse(), Ok(id));
            }
        }
        assert!("public.orders".parse::<ObjectId>().is_err());
        assert!("tables public.orders".parse::<ObjectId>().is_err());
    }
}
