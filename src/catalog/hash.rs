//! The hashes: of an object's definition, and of all of them.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::object::ObjectId;

/// The sha256 of an object's definition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectHash([u8; 32]);

/// The sha256 over ids and hashes of all objects: two databases with equal fingerprints have the same schema.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

/// The text is not 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no sha256: expected 64 hexadecimal digits")]
pub struct HexError(String);

/// What both have: bytes, and hexadecimal text both ways.
macro_rules! sha256_text {
    ($name:ident) => {
        impl $name {
            /// Returns the hash with these bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Returns the first twelve hexadecimal digits, for people.
            pub fn short(&self) -> String {
                let mut text = self.to_string();
                text.truncate(12);
                text
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = HexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                unhex(text).map(Self).ok_or_else(|| HexError(text.to_owned()))
            }
        }
    };
}

sha256_text!(ObjectHash);
sha256_text!(Fingerprint);

impl ObjectHash {
    /// Returns the hash of a definition.
    pub fn of(definition: &str) -> Self {
        Self(Sha256::digest(definition).into())
    }
}

/// Returns the fingerprint of objects in their order.
pub fn fingerprint<'a>(objects: impl Iterator<Item = (&'a ObjectId, ObjectHash)>) -> Fingerprint {
    let mut hash = Sha256::new();
    for (id, object) in objects {
        hash.update(format!("{id}\0{object}\n"));
    }
    Fingerprint(hash.finalize().into())
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back_and_nothing_else_is_read() {
        let hash = ObjectHash::from_bytes([0xa7; 32]);
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(hash.short(), "a7a7a7a7a7a7");
        for text in [
            "",
            "12",
            &"g".repeat(64),
            &"0".repeat(66),
            &"\u{e4}".repeat(32),
            &"+0".repeat(32),
        ] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
