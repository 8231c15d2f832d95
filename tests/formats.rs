//! The test vectors of `docs/FORMATS.md`, so that the document cannot lie.

use std::path::Path;

use fs_err as fs;
use rlsctl::catalog::{ObjectId, Snapshot};
use rlsctl::migration::{Checksum, Head, TokenChecksum, Version};
use rlsctl::script::hash_tokens;
use serde_json::{Deserializer, Value};

/// Returns the lines of the block that is marked `vectors NAME`.
fn vectors(name: &str) -> Vec<String> {
    let document = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/FORMATS.md")).unwrap();
    let block = document
        .split(&format!("```vectors {name}\n"))
        .nth(1)
        .unwrap_or_else(|| panic!("no vectors {name}"));
    let lines: Vec<String> = block
        .split("```")
        .next()
        .unwrap()
        .trim_end()
        .split('\n')
        .map(str::to_owned)
        .collect();
    assert!(lines.len() > 1 || name == "order", "{name} has vectors");
    lines
}

/// Splits a line into the JSON value it starts with and the rest.
fn value(line: &str) -> (Value, &str) {
    let mut values = Deserializer::from_str(line).into_iter::<Value>();
    let value = values.next().unwrap().unwrap();
    (value, line[values.byte_offset()..].trim())
}

fn text(line: &str) -> (String, &str) {
    let (value, rest) = value(line);
    (value.as_str().unwrap().to_owned(), rest)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn checksums() {
    for line in vectors("checksum") {
        let (text, expected) = text(&line);
        assert_eq!(Checksum::of(text.as_bytes()).to_string(), expected, "{text:?}");
    }
}

#[test]
fn token_checksums() {
    for line in vectors("tokens") {
        let (text, rest) = text(&line);
        let (form, expected) = rest.split_once(' ').unwrap();
        let mut normal = Vec::new();
        hash_tokens(&text, &mut |bytes| normal.extend_from_slice(bytes));
        assert_eq!(hex(&normal), form.trim_matches('-'), "{text:?}");
        assert_eq!(TokenChecksum::of(&text).to_string(), expected, "{text:?}");
    }
}

#[test]
fn sort_keys() {
    for line in vectors("sort-key") {
        let (version, rest) = text(&line);
        let (key, _) = text(rest);
        assert_eq!(Version::parse(&version).unwrap().sort_key(), key, "{version}");
    }
}

#[test]
fn version_order() {
    let (list, _) = value(&vectors("order")[0]);
    let versions: Vec<Version> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap().parse().unwrap())
        .collect();
    assert!(versions.len() > 10);
    for pair in versions.windows(2) {
        assert!(pair[0] < pair[1], "{} before {}", pair[0], pair[1]);
        assert!(
            pair[0].sort_key() < pair[1].sort_key(),
            "the keys of {} and {}",
            pair[0],
            pair[1]
        );
    }
}

#[test]
fn heads() {
    for line in vectors("head") {
        let (expected, list) = line.split_once(' ').unwrap();
        let (list, _) = value(list);
        let pair = |pair: &Value| {
            let part = |index: usize| pair[index].as_str().unwrap();
            (part(0).parse::<Version>().unwrap(), Checksum::of(part(1).as_bytes()))
        };
        let applied: Vec<(Version, Checksum)> = list.as_array().unwrap().iter().map(pair).collect();
        assert_eq!(
            Head::of(applied.iter().map(|(version, checksum)| (version, checksum))).to_string(),
            expected,
            "{list}"
        );
    }
}

#[test]
fn fingerprints() {
    for line in vectors("fingerprint") {
        let (expected, list) = line.split_once(' ').unwrap();
        let (list, _) = value(list);
        let object = |triple: &Value| {
            let part = |index: usize| triple[index].as_str().unwrap();
            (ObjectId::new(part(0).parse().unwrap(), part(1)), part(2).to_owned())
        };
        let snapshot = Snapshot {
            objects: list.as_array().unwrap().iter().map(object).collect(),
        };
        assert_eq!(snapshot.mark().fingerprint.to_string(), expected, "{list}");
    }
}
