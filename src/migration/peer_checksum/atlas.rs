//! Atlas: base64 of a sha256 that runs on over the whole folder (`sql/migrate/dir.go`, `NewHashFile`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// Returns the hash behind each file, given as file name and raw content in the folder's order. Each covers all files before it.
pub fn checksums<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut running = Sha256::new();
    let digest = |(name, content): (&str, &str)| {
        running.update(name.as_bytes());
        running.update(content.as_bytes());
        STANDARD.encode(running.clone().finalize())
    };
    files.into_iter().map(digest).collect()
}

#[cfg(test)]
mod tests {
    use super::super::vectors::LF;
    use super::*;

    #[test]
    fn each_hash_covers_what_comes_before() {
        let both = checksums([("1_a.sql", LF), ("2_b.sql", "SELECT 1;\n")]);
        let text = format!("1_a.sql{LF}2_b.sqlSELECT 1;\n");
        assert_eq!(both[1], STANDARD.encode(Sha256::digest(text.as_bytes())));
        assert_eq!(
            both[0],
            STANDARD.encode(Sha256::digest(format!("1_a.sql{LF}").as_bytes()))
        );
        assert_ne!(checksums([("2_b.sql", "SELECT 1;\n")])[0], both[1]);
    }

    #[test]
    fn the_documented_empty_file() {
        // sha256("") is what a folder without files has; one empty file without a name is the same.
        assert_eq!(checksums([("", "")]), ["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="]);
    }
}
