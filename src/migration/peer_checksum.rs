//! What other tools write into their ledgers about a file, each as its tool computes it. Pure, but for Drizzle's journal.

use std::hash::Hasher as _;
use std::path::Path;

use sha2::{Digest, Sha256, Sha384};
use siphasher::sip::SipHasher13;

use super::journal;

fn hex<D: Digest>(text: &str) -> String {
    use std::fmt::Write as _;
    D::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String can be written to");
        hex
    })
}

/// sqlx: sha384 of the file as it is, in hex (`sqlx-core/src/migrate/migration.rs`).
pub fn sqlx(raw: &str) -> String {
    hex::<Sha384>(raw)
}

/// Prisma and Drizzle: sha256 of the file as it is, in hex.
pub fn sha256(raw: &str) -> String {
    hex::<Sha256>(raw)
}

/// Flyway: CRC-32 over the lines without their ends, as a signed number (`ChecksumCalculator`).
pub fn flyway(raw: &str) -> i32 {
    let text = raw.strip_prefix('\u{feff}').unwrap_or(raw);
    let mut hasher = crc32fast::Hasher::new();
    for line in text.split(['\n', '\r']) {
        hasher.update(line.as_bytes());
    }
    hasher.finalize().cast_signed()
}

/// refinery: SipHash-1-3 with key 0 over name, version and text (`refinery_core/src/runner.rs`). With the feature `int8-versions`, and a
/// ledger whose version is `int8`, the version is `wide`. `None` if it does not fit.
pub fn refinery(name: &str, version: i64, raw: &str, wide: bool) -> Option<String> {
    let mut hasher = SipHasher13::new();
    hasher.write(name.as_bytes());
    hasher.write(&[0xff]);
    if wide {
        hasher.write(&version.to_le_bytes());
    } else {
        hasher.write(&i32::try_from(version).ok()?.to_le_bytes());
    }
    hasher.write(raw.as_bytes());
    hasher.write(&[0xff]);
    Some(hasher.finish().to_string())
}

/// graphile-migrate: the hash before a committed file's and its own, as its header has them. `None` without that header.
pub fn graphile(raw: &str) -> Option<(Option<String>, String)> {
    let header = |key: &str| {
        let lines = raw.split('\n').map_while(|line| line.strip_prefix("--! "));
        lines
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value.trim().to_owned())
    };
    let previous = header("Previous")?;
    Some(((previous != "-").then_some(previous), header("Hash")?))
}

/// Drizzle: when the file was made, in milliseconds, as the journal beside it says.
pub fn drizzle_when(path: &Path) -> Option<u64> {
    let journal = fs_err::read_to_string(journal::journal_path(path.parent()?)).ok()?;
    let tag = path.file_stem()?.to_str()?;
    let entries = journal::parse(&journal).ok()?.entries;
    entries
        .into_iter()
        .find(|entry| entry.tag == tag)
        .map(|entry| entry.when)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LF: &str = "CREATE TABLE t (id int);\n";
    const CRLF: &str = "CREATE TABLE t (id int);\r\n";

    #[test]
    fn vectors() {
        let expected =
            "e1cc0b49a7d453bb345d9fc52670c0bfd4a694b2befb7061a9bad55916701e1ef4ddd22ee7cb1c80b4317a1b5780422c";
        assert_eq!(sqlx(LF), expected);
        assert_eq!(
            sha256(CRLF),
            "30cea62cdaee464f711b5a9f1f7b7a63a5d676cb81e1ffb9c1be5f0ba944da6d"
        );
        assert_eq!((flyway(LF), flyway(CRLF)), (92_137_680, 92_137_680));
        assert_eq!(flyway("a\nb\n"), -1_635_563_411);
        let narrow = |name, version, raw| refinery(name, version, raw, false).unwrap();
        assert_eq!(narrow("initial", 1, LF), "1459393547224997786");
        assert_eq!(narrow("initial", 1, CRLF), "16020144582134454850");
        assert_eq!(narrow("add_x", 20_240_101, ""), "2453285112144865676");
        assert_eq!(refinery("initial", 1, LF, true).as_deref(), Some("7567865042636220382"));
        assert_eq!(refinery("initial", 20_240_101_000_000, LF, false), None);
    }

    #[test]
    fn graphiles_header() {
        let text = "--! Previous: -\n--! Hash: sha1:ab\n\nselect 1;\n--! Hash: sha1:cd\n";
        assert_eq!(graphile(text), Some((None, "sha1:ab".to_owned())));
        let text = "--! Previous: sha1:ab\n--! Hash: sha1:cd\n--! Message: x\n\nselect 1;\n";
        assert_eq!(graphile(text), Some((Some("sha1:ab".to_owned()), "sha1:cd".to_owned())));
        assert_eq!(graphile("select 1;\n--! Hash: sha1:cd\n"), None);
    }
}
