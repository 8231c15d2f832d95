//! postgres-migrations, which Supabase's storage uses too: sha1 over file name and content (`src/migration-file.ts`).

use sha1::{Digest as _, Sha1};

use super::{forms, hex};

/// Returns the hash of a file.
pub fn checksum(file_name: &str, text: &str) -> String {
    hex(&Sha1::digest(format!("{file_name}{text}").as_bytes()))
}

/// Returns the hashes that a file may have been stored with.
pub fn all(file_name: &str, raw: &str) -> Vec<String> {
    forms(raw).iter().map(|form| checksum(file_name, form)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::vectors::{CRLF, LF};
    use super::*;

    #[test]
    fn vectors() {
        let stored = "66f751fc66c101296e09b4bfc53c4d7367236dec";
        assert_eq!(checksum("0001-initial.sql", LF), stored);
        assert!(all("0001-initial.sql", CRLF).iter().any(|one| one == stored));
        assert_ne!(checksum("0001-other.sql", LF), stored);
    }
}
