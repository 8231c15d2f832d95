//! Values that a column may take, likely ones first.

use crate::schema::Relation;

/// What a value of a column may look like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// The type at the bottom of a domain: `int4`, `text`.
    pub(super) name: String,
    /// `pg_type.typcategory`.
    pub(super) category: char,
    /// Of an enum.
    pub(super) labels: Vec<String>,
}

/// Returns values for a column: those that its checks name, then those that are common.
pub(super) fn candidates(relation: &Relation, column: &str, shape: &Shape) -> Vec<String> {
    if !shape.labels.is_empty() {
        return shape.labels.clone();
    }
    let checks = relation
        .checks
        .iter()
        .filter(|check| check.columns.iter().any(|name| name == column));
    let named: Vec<String> = checks.flat_map(|check| constants(&check.definition)).collect();
    let is_number = shape.category == 'N';
    let mut values: Vec<String> = Vec::new();
    for text in named {
        match (is_number, text.parse::<i64>()) {
            (true, Ok(number)) => values.extend([number + 1, number, number - 1].map(|number| number.to_string())),
            (true, Err(_)) => {}
            (false, _) => values.push(text),
        }
    }
    let common: &[&str] = match (shape.name.as_str(), shape.category) {
        (_, 'N') => &["1", "0", "100", "-1"],
        (_, 'B') => &["true", "false"],
        ("json" | "jsonb", _) => &["{}", "[]"],
        ("date" | "timestamp" | "timestamptz", _) => &["2020-01-01", "2040-01-01"],
        ("time" | "timetz", _) => &["12:00"],
        ("bytea", _) => &["\\x00"],
        ("xml", _) => &["<a/>"],
        ("tsvector" | "tsquery", _) => &["a"],
        (_, 'T') => &["1 day"],
        (_, 'I') => &["127.0.0.1"],
        (_, 'R') => &["empty"],
        (_, 'A') => &["{}", "{1}", "{a}"],
        (_, 'G') => &["(0,0)", "((0,0),(1,1))"],
        ("macaddr", _) => &["00:00:00:00:00:00"],
        (_, 'V') => &["0"],
        _ => &[
            "rlsctl",
            "a",
            "A",
            "1",
            "rlsctl@example.com",
            "https://example.com/rlsctl",
            "en",
            "EUR",
            "rlsctl-rlsctl-rlsctl-rlsctl",
            "",
        ],
    };
    if shape.name == "uuid" {
        values.push(uuid());
    } else {
        values.extend(common.iter().map(|value| (*value).to_owned()));
    }
    values.dedup();
    values
}

/// The constants that an expression of the server's names.
fn constants(definition: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = definition;
    while let Some(at) = rest.find(|c: char| c == '\'' || c.is_ascii_digit()) {
        let is_part = rest[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        rest = &rest[at..];
        if let Some(inner) = rest.strip_prefix('\'') {
            let end = inner.find('\'').unwrap_or(inner.len());
            found.push(inner[..end].to_owned());
            rest = inner.get(end + 1..).unwrap_or_default();
        } else {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            if !is_part {
                found.push(rest[..end].to_owned());
            }
            rest = &rest[end..];
        }
    }
    found
}

/// A random one, of version 4.
pub(super) fn uuid() -> String {
    let bits = (fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_of_a_check_are_found() {
        assert_eq!(
            constants("CHECK ((kind = ANY (ARRAY['a b'::text, 'c'::text])) AND (rank > 10) AND (int4 < 5))"),
            ["a b", "c", "10", "5"]
        );
    }
}
