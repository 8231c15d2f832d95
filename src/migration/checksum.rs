//! The hashes that say what a migration is: checksum, token checksum, head. `docs/FORMATS.md` defines them byte by byte.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::text::normalise;
use super::version::Version;
use crate::script::hash_tokens;

/// The sha256 of a migration's text without byte-order mark and with LF line ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checksum([u8; 32]);

/// The sha256 over a migration's SQL tokens ([`hash_tokens`]): comments, white space and the case of keywords do not count.
///
/// Two texts with equal token checksums differ in form only; such an edit is *cosmetic*.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenChecksum([u8; 32]);

/// The sha256 over version and checksum of all applied migrations in version order.
///
/// Two databases with equal heads have had the same migrations applied, with the same content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Head([u8; 32]);

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no sha256: expected 64 hexadecimal digits")]
pub struct HexError {
    /// The text given.
    pub text: String,
}

impl Checksum {
    /// Returns the checksum of a text, whatever its line ends and with or without byte-order mark.
    pub fn of(text: &[u8]) -> Self {
        Self(Sha256::digest(normalise(text)).into())
    }

    /// Returns the checksum of text pieces that are normalised already and are read as one text.
    pub(super) fn of_pieces<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Sha256::new();
        for piece in pieces {
            hash.update(piece.as_bytes());
        }
        Self(hash.finalize().into())
    }
}

impl TokenChecksum {
    /// Returns the token checksum of a text, which must have LF line ends, as [`Text`](super::Text) has.
    pub fn of(text: &str) -> Self {
        let mut hash = Sha256::new();
        hash_tokens(text, &mut |bytes| hash.update(bytes));
        Self(hash.finalize().into())
    }
}

impl Head {
    /// Returns the head of these applied migrations; the order in which they are given does not matter.
    pub fn of<'a>(applied: impl IntoIterator<Item = (&'a Version, &'a Checksum)>) -> Self {
        let mut applied: Vec<_> = applied.into_iter().collect();
        // The files come sorted from `load`; the check costs a tenth of the sort. Versions that are equal cannot be applied
        // twice, but the head has to be defined for any input, so their text decides.
        let order = |a: &(&Version, &Checksum), b: &(&Version, &Checksum)| {
            a.0.cmp(b.0).then_with(|| a.0.as_str().cmp(b.0.as_str()))
        };
        if !applied.is_sorted_by(|a, b| order(a, b).is_le()) {
            applied.sort_by(order);
        }
        let mut hash = Sha256::new();
        let mut line = Vec::with_capacity(128);
        for (version, checksum) in applied {
            line.clear();
            line.extend_from_slice(version.as_str().as_bytes());
            line.push(b' ');
            line.extend_from_slice(&hex(&checksum.0));
            line.push(b'\n');
            hash.update(&line);
        }
        Self(hash.finalize().into())
    }
}

/// The words that the three kinds share: bytes, hexadecimal text both ways, and a short form.
macro_rules! sha256_text {
    ($name:ident) => {
        impl $name {
            /// Returns the value that has these bytes, as a ledger stores them.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Returns the 32 bytes of the hash.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// Returns the first twelve hexadecimal digits, for people.
            pub fn short(&self) -> String {
                let mut text = self.to_string();
                text.truncate(12);
                text
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let digits = hex(&self.0);
                f.pad(std::str::from_utf8(&digits).expect("hexadecimal digits are ASCII"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = HexError;

            /// Reads 64 hexadecimal digits of either case.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                unhex(text).map(Self).ok_or_else(|| HexError {
                    text: text.to_owned(),
                })
            }
        }
    };
}

sha256_text!(Checksum);
sha256_text!(TokenChecksum);
sha256_text!(Head);

fn hex(bytes: &[u8; 32]) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| {
            char::from(digit)
                .to_digit(16)
                .and_then(|value| u8::try_from(value).ok())
        };
        *byte = (value(pair[0])? << 4) | value(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn line_ends_and_byte_order_mark_do_not_count() {
        let plain = Checksum::of(b"CREATE TABLE t (id int);\nSELECT 1;\n");
        assert_eq!(Checksum::of(b"CREATE TABLE t (id int);\r\nSELECT 1;\r\n"), plain);
        assert_eq!(
            Checksum::of(b"\xEF\xBB\xBFCREATE TABLE t (id int);\nSELECT 1;\n"),
            plain
        );
        assert_ne!(Checksum::of(b"CREATE TABLE t (id int);\nSELECT 1;"), plain);
        assert_eq!(
            Checksum::of(b"CREATE TABLE t (id int);\r\n").to_string(),
            "12c83f983b0c94b9c7010dcc92149589d5fb01a3d32af8f6d699545d95db9040"
        );
    }

    #[test]
    fn head_does_not_depend_on_the_order_given() {
        let marks: Vec<_> = ["9", "10", "1.10", "1.9"]
            .map(|text| (Version::parse(text).unwrap(), Checksum::of(text.as_bytes())))
            .into();
        let head = Head::of(marks.iter().map(|(version, checksum)| (version, checksum)));
        assert_eq!(
            Head::of(marks.iter().rev().map(|(version, checksum)| (version, checksum))),
            head
        );
        assert_ne!(
            Head::of(marks[1..].iter().map(|(version, checksum)| (version, checksum))),
            head
        );
        assert_eq!(head.short().len(), 12);
        assert!(head.to_string().starts_with(&head.short()));
    }

    #[test]
    fn the_empty_head_is_the_hash_of_nothing() {
        assert_eq!(
            Head::of([]).to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn form_does_not_count_for_tokens() {
        let plain = TokenChecksum::of("SELECT 1;\n");
        assert_eq!(TokenChecksum::of("-- one\nselect\n  1"), plain);
        assert_ne!(TokenChecksum::of("SELECT 2;\n"), plain);
    }

    #[test]
    fn refuses_what_is_no_hash() {
        for text in [
            "",
            "12",
            &"g".repeat(64),
            &"0".repeat(63),
            &"0".repeat(65),
            &format!("+{}", "0".repeat(63)),
        ] {
            assert!(text.parse::<Checksum>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn text_form_reads_back(bytes: [u8; 32]) {
            let checksum = Checksum::from_bytes(bytes);
            prop_assert_eq!(checksum.to_string().parse::<Checksum>().unwrap(), checksum);
            prop_assert_eq!(checksum.to_string().to_uppercase().parse::<Checksum>().unwrap(), checksum);
            prop_assert_eq!(checksum.as_bytes(), &bytes);
        }

        #[test]
        fn hashing_normalised_text_changes_nothing(text in "[\u{feff}a\r\n]{0,30}") {
            let normal = normalise(text.as_bytes()).into_owned();
            prop_assert_eq!(Checksum::of(&normal), Checksum::of(text.as_bytes()));
        }
    }
}
