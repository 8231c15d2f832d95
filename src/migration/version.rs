//! Versions: the text in front of a migration's name, ordered by number.
//!
//! Other runners compare versions as text, as `int4`, `int8` or `uint64`; each of these orders some real tree wrongly.
//! Here a version has any number of parts of any length. Nothing overflows, and `10` follows `9`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::part_of_version::Part;

/// The version of a migration: text as written, ordered by number.
///
/// Parts are runs of digits separated by `.` or `_` (as Flyway writes them). Parts are compared one after the other as numbers of
/// any length, a part that is not there counts as zero, and leading zeros do not count: `7`, `007` and `7.0` are one version.
///
/// A part that is a time stamp sorts by the calendar, however finely it is written: `202512291102420000` (by a newer release of
/// Diesel) comes before `20260527120000` (by hand), and `20250625` (a date) behind all times of that day. Tools that compare names as
/// text have it so; compared as numbers, the first would come last and the last first. A time stamp starts with a year from 1970 to
/// 2099 and has 8 digits (a date), 12 (minutes), 14 (seconds), 17, 18 or 20.
///
/// Behind the numbers and a `_` there may be a name. Prisma tells migrations apart by the whole name of their folder, and real
/// projects have eighteen of them within one second; names are compared byte by byte after the numbers.
///
/// The byte-by-byte definition is in `docs/FORMATS.md`.
#[derive(Clone)]
pub struct Version(Box<str>);

/// The ways a text fails to be a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// There is no text at all.
    #[error("a version needs at least one digit")]
    Empty,
    /// A character is neither a digit nor a separator, or a separator stands where a digit is needed.
    #[error(
        "`{text}` is no version: unexpected {found:?} at character {position}, expected digits separated by `.` or `_`"
    )]
    Unexpected {
        /// The text given.
        text: String,
        /// The character that does not fit.
        found: char,
        /// Where it stands, counted in characters from 1.
        position: usize,
    },
    /// The text ends with a separator.
    #[error("`{text}` is no version: it ends with a separator")]
    TrailingSeparator {
        /// The text given.
        text: String,
    },
}

impl Version {
    /// Returns the version that is written as `text`.
    ///
    /// # Errors
    /// Everything that is not runs of ASCII digits with a single `.` or `_` between them, and perhaps `_` and a name without
    /// control characters.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        let (numbers, name) = split_name(text);
        check_numbers(text, numbers)?;
        let bad = name.and_then(|name| name.chars().enumerate().find(|(_, c)| c.is_control()));
        match bad {
            Some((index, found)) => {
                let position = numbers.len() + 1 + index + 1;
                Err(VersionError::Unexpected {
                    text: text.to_owned(),
                    found,
                    position,
                })
            }
            None => Ok(Self(text.into())),
        }
    }

    /// Returns the version that is written as `text`, which must have no name.
    ///
    /// # Errors
    /// As [`Self::parse`], and a name.
    pub(super) fn parse_numbers(text: &str) -> Result<Self, VersionError> {
        check_numbers(text, text)?;
        Ok(Self(text.into()))
    }

    /// Returns the text before the name, which is all of it for every layout but Prisma's.
    pub fn numbers(&self) -> &str {
        split_name(&self.0).0
    }

    /// Returns the text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns ASCII text whose byte order (`COLLATE "C"` on the server) is the order of versions.
    ///
    /// Equal versions have equal keys. The format is in `docs/FORMATS.md`.
    pub fn sort_key(&self) -> String {
        let mut key = String::with_capacity(self.0.len() + 4);
        for (index, token) in tokens(&self.0).enumerate() {
            // The separators sort between the end of the text and a digit, as the order below has it.
            match token {
                Token::Part(part) => {
                    if index > 0 {
                        key.push('.');
                    }
                    part.push_key(&mut key);
                }
                Token::Name(name) => {
                    key.push('/');
                    name.chars().for_each(|c| push_name_char(&mut key, c));
                }
            }
        }
        key
    }
}

impl Version {
    /// Sorts things by their versions, the computed part of the order once for each of them; equal versions are sorted by `rest`.
    pub(super) fn sort<T, K: Ord>(things: Vec<T>, version: impl Fn(&T) -> &Self, rest: impl Fn(&T) -> K) -> Vec<T> {
        let first = |text: &str| text.find(['.', '_']).unwrap_or(text.len());
        let key = |thing: &T| {
            let text = version(thing).as_str();
            Part::of(&text[..first(text)]).coarse_key()
        };
        let mut keyed: Vec<(u128, T)> = things.into_iter().map(|thing| (key(&thing), thing)).collect();
        keyed.sort_unstable_by(|(a, one), (b, other)| {
            let exactly = || {
                version(one)
                    .cmp(version(other))
                    .then_with(|| rest(one).cmp(&rest(other)))
            };
            a.cmp(b).then_with(exactly)
        });
        keyed.into_iter().map(|(_, thing)| thing).collect()
    }
}

/// Adds a character of a name to a key. DEL sorts behind every other ASCII character and cannot be in a name, so that what is not
/// ASCII sorts last, by its number, which is its order in UTF-8.
fn push_name_char(key: &mut String, c: char) {
    if c.is_ascii() {
        key.push(c);
    } else {
        let number = u32::from(c);
        key.push('\u{7f}');
        key.extend(
            (0..6)
                .rev()
                .filter_map(|place| char::from_digit((number >> (4 * place)) & 15, 16)),
        );
    }
}

/// Splits off the name: it starts at the first separator that has no run of digits behind it.
fn split_name(text: &str) -> (&str, Option<&str>) {
    let mut start = 0;
    for (index, separator) in text.match_indices(['.', '_']) {
        let rest = &text[index + 1..];
        let segment = rest.split(['.', '_']).next().unwrap_or(rest);
        let is_number = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number {
            let named = separator == "_" && index > start && !rest.is_empty() && !rest.starts_with(['.', '_']);
            return if named {
                (&text[..index], Some(rest))
            } else {
                (text, None)
            };
        }
        start = index + 1;
    }
    (text, None)
}

/// Checks that `numbers`, the front of `text`, is runs of digits with single separators between them.
fn check_numbers(text: &str, numbers: &str) -> Result<(), VersionError> {
    if numbers.is_empty() {
        return Err(VersionError::Empty);
    }
    let mut after_digit = false;
    for (index, found) in numbers.chars().enumerate() {
        let separator = found == '.' || found == '_';
        if !(found.is_ascii_digit() || (separator && after_digit)) {
            return Err(VersionError::Unexpected {
                text: text.to_owned(),
                found,
                position: index + 1,
            });
        }
        after_digit = !separator;
    }
    if after_digit {
        Ok(())
    } else {
        Err(VersionError::TrailingSeparator { text: text.to_owned() })
    }
}

/// What versions are compared by, from the first to the last. A further part sorts before a name, and the end before both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Token<'a> {
    Part(Part<'a>),
    Name(&'a str),
}

/// Returns what counts: the parts without the zeros at the end, but at least one; or all parts and the name.
fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let (numbers, name) = split_name(text);
    let parts = || numbers.split(['.', '_']).map(Part::of);
    let significant = || {
        parts()
            .enumerate()
            .filter(|(_, part)| !part.is_zero())
            .map(|(index, _)| index + 1)
            .last()
    };
    let count = if name.is_some() {
        usize::MAX
    } else {
        significant().unwrap_or(1)
    };
    parts().take(count).map(Token::Part).chain(name.map(Token::Name))
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        // Nearly all versions are one number; ten thousand of them are sorted at each start.
        let single = |text: &str| !text.bytes().any(|byte| byte == b'.' || byte == b'_');
        if single(&self.0) && single(&other.0) {
            return Part::of(&self.0).cmp(&Part::of(&other.0));
        }
        tokens(&self.0).cmp(tokens(&other.0))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for token in tokens(&self.0) {
            token.hash(state);
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({})", self.0)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn orders_by_number() {
        let ascending = [
            "0",
            "0_init",
            "1",
            "1.1",
            "1.9",
            "1.10",
            "1_11",
            "2",
            "9",
            "10",
            "905",
            "20141120162337",
            "20250625000000",
            "20250625235959_x",
            "20250625",
            "20250625_add",
            "20250626",
            "202511190913",
            "20251119091444",
            "20251119091444.1",
            "20251119091444_a",
            "20251119091444_a copy",
            "20251119091444_a_2",
            "20251119091444_b",
            "20251119091444_b~",
            "20251119091444_bé",
            "20251119091444_b\u{1f600}",
            "20251119091444000",
            "202511190914440000",
            "202511190914440000_a",
            "20251119091444000001",
            "202511190914",
            "20260527120000",
            "99999999999999",
            "99999999999999999999",
            "1000000000000000000000000000000000000000",
            "9999999999999999999999999999999999999999",
        ];
        for pair in ascending.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{} < {}", pair[0], pair[1]);
            assert!(
                version(pair[0]).sort_key() < version(pair[1]).sort_key(),
                "keys of {} and {}",
                pair[0],
                pair[1]
            );
        }
    }

    #[test]
    fn zeros_that_do_not_count_make_equal_versions() {
        let hashes = RandomState::new();
        for (a, b) in [
            ("7", "007"),
            ("1", "1.0"),
            ("1.2", "1_2.0.0"),
            ("0", "000.0"),
            ("0020240101000000", "20240101000000"),
        ] {
            assert_eq!(version(a), version(b), "{a} {b}");
            assert_eq!(version(a).sort_key(), version(b).sort_key(), "{a} {b}");
            assert_eq!(hashes.hash_one(version(a)), hashes.hash_one(version(b)), "{a} {b}");
        }
        assert_ne!(version("20251119091444"), version("202511190914440000"));
        assert_ne!(version("10"), version("1"));
    }

    #[test]
    fn displays_as_written() {
        for (text, numbers) in [
            ("007", "007"),
            ("1_2.0", "1_2.0"),
            ("0_init_2", "0"),
            ("1_2nd", "1"),
            ("1_2_b-c.d", "1_2"),
        ] {
            assert_eq!(version(text).to_string(), text);
            assert_eq!(version(text).numbers(), numbers);
        }
        assert_ne!(version("1_x"), version("1.0_x"));
    }

    #[test]
    fn refuses_what_is_no_version() {
        for text in [
            "",
            "a",
            "a_1",
            "1a",
            ".1",
            "1.",
            "1_",
            "1..2",
            "1._2",
            "1__a",
            "1.a",
            "1_.a",
            "-1",
            "1-2",
            " 1",
            "1 ",
            "١",
            "1_a\u{7f}",
            "1_a\n",
        ] {
            assert!(Version::parse(text).is_err(), "{text:?}");
        }
        assert!(Version::parse_numbers("1_a").is_err());
        assert_eq!(
            Version::parse("12x").unwrap_err().to_string(),
            "`12x` is no version: unexpected 'x' at character 3, expected digits separated by `.` or `_`"
        );
    }

    proptest! {
        #[test]
        fn sort_has_the_order_of_versions(
            texts in proptest::collection::vec("(200001[01]{0,4}0000)?[0-2]{1,40}(\\.[0-2])?(_[ab])?", 0..20),
        ) {
            let mut expected: Vec<Version> = texts.iter().map(|text| version(text)).collect();
            let sorted = Version::sort(expected.clone(), |version| version, |version| version.as_str().to_owned());
            expected.sort_by(|a, b| a.cmp(b).then_with(|| a.as_str().cmp(b.as_str())));
            let texts = |versions: &[Version]| versions.iter().map(Version::to_string).collect::<Vec<_>>();
            prop_assert_eq!(texts(&sorted), texts(&expected));
        }

        #[test]
        fn sort_key_has_the_order_of_versions(
            a in "(200001[01]{0,4}0000)?[0-2]{1,6}([._][0-2]{1,3}){0,2}(_[a-b~/.+é😀 -][0-1a.ü]{0,2})?",
            b in "(200001[01]{0,4}0000)?[0-2]{1,6}([._][0-2]{1,3}){0,2}(_[a-b~/.+é😀 -][0-1a.ü]{0,2})?",
        ) {
            let (Ok(a), Ok(b)) = (Version::parse(&a), Version::parse(&b)) else {
                return Ok(());
            };
            prop_assert_eq!(a.cmp(&b), a.sort_key().cmp(&b.sort_key()));
            prop_assert!(a.sort_key().is_ascii());
        }

        #[test]
        fn numbers_of_64_bits_have_their_order(a: u64, b: u64, shift in 0..64) {
            // Time stamps have another order on purpose, and all of them start with 1 or 2.
            let [a, b] = [a >> shift, b].map(|number| 3_000_000_000_000_000_000 + number % 1_000_000_000_000_000_000);
            prop_assert_eq!(version(&a.to_string()).cmp(&version(&b.to_string())), a.cmp(&b));
        }

        #[test]
        fn parse_never_panics(text in "\\PC{0,40}") {
            if let Ok(version) = Version::parse(&text) {
                prop_assert_eq!(version.to_string(), text);
            }
        }
    }
}
