//! Names of what is made: told by what they are for, the same each time, and no longer than the server allows.

use sha2::{Digest, Sha256};

/// How many bytes the server keeps of a name (NAMEDATALEN - 1).
const LONGEST: usize = 63;
/// How many digits tell two long names apart.
const DIGITS: usize = 8;

/// Returns the parts with `_` between them; a name that is too long is cut and ends with digits of a hash of all of it.
pub(super) fn name(parts: &[&str]) -> String {
    let whole = parts.join("_");
    if whole.len() <= LONGEST {
        return whole;
    }
    let digits = digits(&whole, DIGITS);
    let (mut end, last) = (LONGEST - DIGITS - 1, parts.last().copied().unwrap_or_default());
    // What it is for stands at the end, and is kept.
    end -= last.len().min(20) + 1;
    while !whole.is_char_boundary(end) {
        end -= 1;
    }
    let last = if last.len() <= 20 { last } else { "x" };
    format!("{}_{digits}_{last}", &whole[..end])
}

/// Returns the first hexadecimal digits of a text's sha256.
pub(super) fn digits(text: &str, count: usize) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .take(count)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        assert_eq!(name(&["orders", "tenant_id", "idx"]), "orders_tenant_id_idx");
        let long = |tail: &str| name(&[&"a".repeat(70), tail, "idx"]);
        assert!(long("b").len() <= LONGEST && long("b").ends_with("_idx"));
        assert_ne!(long("b"), long("c"));
        let wide = name(&[&"\u{e4}".repeat(40), "idx"]);
        assert!(wide.len() <= LONGEST, "{wide}");
    }
}
