//! Prisma and Drizzle: sha256 of the file as it is. Prisma compares with both line ends, and its early releases wrote the hex without
//! leading zeros (`schema-engine/connectors/schema-connector/src/checksum.rs`).

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::{forms, hex};

/// Returns the checksum of a text, in hex.
pub fn checksum(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// Returns it as early releases of Prisma wrote it: each byte with as few digits as it needs.
fn unpadded(text: &str) -> String {
    let mut digits = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        write!(digits, "{byte:x}").expect("a String can be written to");
    }
    digits
}

/// Returns the checksums that a file may have been stored with.
pub fn all(raw: &str) -> Vec<String> {
    forms(raw)
        .iter()
        .flat_map(|form| [checksum(form), unpadded(form)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::vectors::{CRLF, LF};
    use super::*;

    const OF_LF: &str = "12c83f983b0c94b9c7010dcc92149589d5fb01a3d32af8f6d699545d95db9040";
    const OF_CRLF: &str = "30cea62cdaee464f711b5a9f1f7b7a63a5d676cb81e1ffb9c1be5f0ba944da6d";

    #[test]
    fn vectors() {
        assert_eq!(checksum(LF), OF_LF);
        assert_eq!(checksum(CRLF), OF_CRLF);
    }

    #[test]
    fn line_ends_and_missing_zeros_are_tolerated() {
        let has = |stored: &str, raw| all(raw).iter().any(|one| one == stored);
        assert!(has(OF_CRLF, LF) && has(OF_LF, CRLF));
        // Bytes 0x0c, 0x01 and 0x0d have one digit each.
        let old = "12c83f983bc94b9c71dcc92149589d5fb1a3d32af8f6d699545d95db9040";
        assert!(has(old, LF) && has(old, CRLF));
        assert!(!has(old, "CREATE TABLE t (id bigint);\n"));
    }
}
