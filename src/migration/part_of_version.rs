//! One part of a version as it is compared: a number of any length, or a time stamp.

use std::cmp::Ordering;

/// A run of digits without leading zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part<'a> {
    /// A number; `0` for zero.
    Number(&'a str),
    /// A time stamp, from a date to microseconds. It sorts among the numbers of fourteen digits.
    Stamp(&'a str),
}

/// Digits of a time stamp to the second.
const STAMP_LENGTH: usize = 14;

impl<'a> Part<'a> {
    /// Reads a part; `digits` is not empty and has nothing but ASCII digits.
    pub(super) fn of(digits: &'a str) -> Self {
        let trimmed = digits.trim_start_matches('0');
        if trimmed.is_empty() {
            return Self::Number(digits.get(digits.len().saturating_sub(1)..).unwrap_or(digits));
        }
        if is_stamp(trimmed) {
            Self::Stamp(trimmed)
        } else {
            Self::Number(trimmed)
        }
    }

    pub(super) fn is_zero(self) -> bool {
        self == Self::Number("0")
    }

    /// Adds the part to a sort key: the length of the length as a letter, the length, the digits, and `_` behind a time stamp that
    /// is coarser than a second.
    pub(super) fn push_key(self, key: &mut String) {
        let length = self.length().to_string();
        // 26 letters are enough for a number of 10^26 digits, and `usize` ends at 10^20.
        let letter = u8::try_from(length.len()).map_or(b'z', |length| b'a' + length.saturating_sub(1).min(25));
        key.push(char::from(letter));
        key.push_str(&length);
        key.push_str(self.digits());
        if self.is_coarse() {
            key.push('_');
        }
    }

    /// Tells whether it is a date or a date with minutes. These sort behind the finer stamps they are the front of.
    fn is_coarse(self) -> bool {
        matches!(self, Self::Stamp(digits) if digits.len() < STAMP_LENGTH)
    }

    /// Returns a number whose order is that of the parts as far as it goes: parts with equal numbers need not be equal.
    ///
    /// The upper 16 bits hold the length, the rest four bits for each of the first 28 digits, where `_` sorts behind the digits.
    pub(super) fn coarse_key(self) -> u128 {
        let mut key = u128::from(u16::try_from(self.length()).unwrap_or(u16::MAX));
        let terminator = self.is_coarse().then_some(15);
        let digits = self
            .digits()
            .bytes()
            .map(|digit| u128::from(digit & 15))
            .chain(terminator);
        for nibble in digits.chain(std::iter::repeat(0)).take(28) {
            key = (key << 4) | nibble;
        }
        key
    }

    fn digits(self) -> &'a str {
        match self {
            Self::Number(digits) | Self::Stamp(digits) => digits,
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Number(digits) => digits.len(),
            Self::Stamp(_) => STAMP_LENGTH,
        }
    }
}

impl Ord for Part<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        // A number of fourteen digits and a time stamp differ within the year, so that only of two time stamps one can be the front
        // of the other. A date then comes last, as it does in a list of files, where `_` stands behind it; a full second comes
        // first, as Diesel has it, which compares without the `_`.
        self.length().cmp(&other.length()).then_with(|| {
            let (a, b) = (self.digits(), other.digits());
            let front = (self.is_coarse() && b.starts_with(a)) || (other.is_coarse() && a.starts_with(b));
            if front { b.len().cmp(&a.len()) } else { a.cmp(b) }
        })
    }
}

impl PartialOrd for Part<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Tells whether digits are a time stamp: a date (8), minutes (12), seconds (14), milliseconds (17), Diesel's four digits behind the
/// second (18), microseconds (20).
///
/// Lengths 16 and 19 are left out on purpose: they are micro- and nanoseconds since 1970. Month and day are looked at only where the
/// stamp is short, because real trees hold stamps such as `20191100000001000000` and `20230322519590`.
fn is_stamp(digits: &str) -> bool {
    let year = digits.get(..4).is_some_and(|year| ("1970".."2100").contains(&year));
    let day = || {
        let month = digits.get(4..6).is_some_and(|month| ("01"..="12").contains(&month));
        month && digits.get(6..8).is_some_and(|day| ("01"..="31").contains(&day))
    };
    match digits.len() {
        STAMP_LENGTH | 17 | 18 | 20 => year,
        8 | 12 => year && day(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_time_stamps_from_numbers() {
        for digits in [
            "20250625",
            "202506251200",
            "20230322519590",
            "20250625120000123",
            "202506251200000000",
            "20191100000001000000",
        ] {
            assert_eq!(Part::of(digits), Part::Stamp(digits));
        }
        for digits in [
            "20251325",
            "20000001",
            "1704067200",
            "1704067200000",
            "2033120112000000",
            "2033120112000000000",
            "21000101000000",
        ] {
            assert_eq!(Part::of(digits), Part::Number(digits));
        }
        assert_eq!(Part::of("000"), Part::Number("0"));
        assert_eq!(Part::of("007"), Part::Number("7"));
    }
}
