//! sqitch: sha1 of the deploy script as it is (`App::Sqitch::Plan::Change`, `script_hash`).

use sha1::{Digest as _, Sha1};

use super::{forms, hex};

/// Returns the `script_hash` of a text.
pub fn checksum(text: &str) -> String {
    hex(&Sha1::digest(text.as_bytes()))
}

/// Returns the hashes that a file may have been stored with.
pub fn all(raw: &str) -> Vec<String> {
    forms(raw).iter().map(|form| checksum(form)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::vectors::{CRLF, LF};
    use super::*;

    #[test]
    fn vectors() {
        assert_eq!(checksum(LF), "9d425143f6c0084d58f4289ec9a78d367155bf76");
        assert_eq!(checksum(CRLF), "1fe97339831157d8e11c94491a60392b8e20cde3");
        assert_eq!(all(LF), [checksum(LF), checksum(CRLF)]);
    }
}
