//! sqlx: sha384 of the file as it is (`sqlx-core/src/migrate/migration.rs`), without the characters that `sqlx.toml` ignores.

use sha2::{Digest as _, Sha384};

use super::{forms, hex};

/// Returns the checksum of a text, in hex.
pub fn checksum(text: &str) -> String {
    hex(&Sha384::digest(text.as_bytes()))
}

/// Returns the checksums that a file may have been stored with: of each of its forms, and without the characters that are ignored.
pub fn all(raw: &str, ignored: &[char]) -> Vec<String> {
    let mut all: Vec<String> = forms(raw).iter().map(|form| checksum(form)).collect();
    if !ignored.is_empty() {
        let kept: String = raw.chars().filter(|c| !ignored.contains(c)).collect();
        all.push(checksum(&kept));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::vectors::{CRLF, LF};
    use super::*;

    const OF_LF: &str =
        "e1cc0b49a7d453bb345d9fc52670c0bfd4a694b2befb7061a9bad55916701e1ef4ddd22ee7cb1c80b4317a1b5780422c";
    const OF_CRLF: &str =
        "13ec31b9fdb54e368195d7bc842339dbb8844066c2781756dc6003d955e6a4199f83dbb6148cf8b6addef8ce34a3e985";

    #[test]
    fn vectors() {
        assert_eq!(checksum(LF), OF_LF);
        assert_eq!(checksum(CRLF), OF_CRLF);
    }

    #[test]
    fn line_ends_and_ignored_characters_are_tolerated() {
        let has = |stored: &str, raw, ignored: &[char]| all(raw, ignored).iter().any(|one| one == stored);
        assert!(has(OF_CRLF, LF, &[]) && has(OF_LF, CRLF, &[]));
        assert!(!has(OF_LF, "CREATE TABLE t (id bigint);\n", &[]));
        let stripped = checksum("CREATETABLEt(idint);");
        assert!(has(&stripped, LF, &[' ', '\n']) && !has(&stripped, LF, &[]));
    }
}
