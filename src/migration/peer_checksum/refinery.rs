//! refinery: SipHash-1-3 with key 0 over name, version and text as Rust's `Hash` feeds them (`refinery_core/src/runner.rs`).

use std::hash::Hasher as _;

use siphasher::sip::SipHasher13;

use super::forms;

/// How wide the version is that goes into the hash: the `int8-versions` feature makes it eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// `int4`.
    Four,
    /// `int8`.
    Eight,
}

/// Returns the checksum as the ledger has it; `None` if the version does not fit the width.
pub fn checksum(name: &str, version: i64, text: &str, width: Width) -> Option<String> {
    let mut hasher = SipHasher13::new();
    hasher.write(name.as_bytes());
    hasher.write(&[0xFF]);
    match width {
        Width::Four => hasher.write(&i32::try_from(version).ok()?.to_le_bytes()),
        Width::Eight => hasher.write(&version.to_le_bytes()),
    }
    hasher.write(text.as_bytes());
    hasher.write(&[0xFF]);
    Some(hasher.finish().to_string())
}

/// Whether `stored` is the checksum of the file in one of its forms, of either width.
pub fn matches(stored: &str, name: &str, version: i64, raw: &str) -> bool {
    forms(raw).iter().any(|form| {
        [Width::Four, Width::Eight]
            .into_iter()
            .any(|width| checksum(name, version, form, width).as_deref() == Some(stored))
    })
}

#[cfg(test)]
mod tests {
    use super::super::vectors::{CRLF, LF};
    use super::*;

    #[test]
    fn vectors() {
        let four = |name, version, text| checksum(name, version, text, Width::Four).unwrap();
        assert_eq!(four("initial", 1, LF), "1459393547224997786");
        assert_eq!(four("initial", 1, CRLF), "16020144582134454850");
        assert_eq!(four("add_x", 20_240_101, ""), "2453285112144865676");
        let eight = checksum("initial", 1, LF, Width::Eight);
        assert_eq!(eight.as_deref(), Some("7567865042636220382"));
        assert_eq!(checksum("initial", 20_240_101_000_000, LF, Width::Four), None);
    }

    #[test]
    fn both_widths_and_line_ends_are_tolerated() {
        for stored in ["1459393547224997786", "7567865042636220382", "16020144582134454850"] {
            assert!(matches(stored, "initial", 1, LF), "{stored}");
        }
        assert!(!matches("1459393547224997786", "initial", 2, LF));
        assert!(!matches("1459393547224997786", "other", 1, LF));
    }
}
