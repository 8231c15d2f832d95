//! Flyway: CRC-32 over the lines without their ends, as a signed number (`ChecksumCalculator`, `BomStrippingReader`).

/// Returns the checksum of a text.
pub fn checksum(text: &str) -> i32 {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut hasher = crc32fast::Hasher::new();
    // Java's BufferedReader ends a line at any of the three ends, none of which is fed; so what is left is the text without them.
    for line in text.split(['\n', '\r']) {
        hasher.update(line.as_bytes());
    }
    hasher.finalize().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::super::vectors::{CRLF, LF};
    use super::*;

    #[test]
    fn vectors() {
        assert_eq!(checksum(LF), 92_137_680);
        assert_eq!(checksum(CRLF), 92_137_680);
        assert_eq!(checksum(&format!("\u{feff}{LF}")), 92_137_680);
        assert_eq!(checksum("a\nb\n"), -1_635_563_411);
        assert_eq!(checksum("ab"), -1_635_563_411);
        assert_ne!(checksum("a b"), -1_635_563_411);
    }
}
