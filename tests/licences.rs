//! Everything that is linked into rlsctl has a licence that `deny.toml` allows.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use fs_err as fs;
use serde_json::Value;

/// Returns what `deny.toml` allows.
fn allowed() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml");
    let settings: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
    let allow = settings["licenses"]["allow"].as_array().unwrap();
    allow.iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}

/// Whether an SPDX expression (annex D of the specification) can be satisfied with what is allowed. `/` is how
/// crates wrote `OR` before there was a rule.
fn satisfied(expression: &str, allowed: &BTreeSet<String>) -> Result<bool, String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words: Vec<&str> = spaced.split_whitespace().rev().collect();
    let value = either(&mut words, allowed)?;
    words.pop().map_or(Ok(value), |word| {
        Err(format!("{word:?} is in the way in {expression:?}"))
    })
}

fn either(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> Result<bool, String> {
    let mut value = both(words, allowed)?;
    while words.last() == Some(&"OR") {
        words.pop();
        value |= both(words, allowed)?;
    }
    Ok(value)
}

fn both(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> Result<bool, String> {
    let mut value = one(words, allowed)?;
    while words.last() == Some(&"AND") {
        words.pop();
        value &= one(words, allowed)?;
    }
    Ok(value)
}

fn one(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> Result<bool, String> {
    let word = words.pop().ok_or("it ends too early")?;
    if word == "(" {
        let value = either(words, allowed)?;
        return if words.pop() == Some(")") {
            Ok(value)
        } else {
            Err("a parenthesis is not closed".to_owned())
        };
    }
    if words.last() == Some(&"WITH") {
        words.pop();
        let exception = words.pop().ok_or("it ends after WITH")?;
        return Ok(allowed.contains(&format!("{word} WITH {exception}")));
    }
    Ok(allowed.contains(word))
}

/// Returns a complaint for each package whose licence is not allowed or not readable.
fn complaints(metadata: &Value, allowed: &BTreeSet<String>) -> Vec<String> {
    let packages = metadata["packages"].as_array().unwrap();
    let complain = |package: &Value| {
        let name = format!("{} {}", package["name"].as_str()?, package["version"].as_str()?);
        let Some(licence) = package["license"].as_str() else {
            return Some(format!("{name}: names no licence"));
        };
        match satisfied(licence, allowed) {
            Ok(true) => None,
            Ok(false) => Some(format!("{name}: {licence} is not in deny.toml")),
            Err(why) => Some(format!("{name}: {licence:?} can not be read: {why}")),
        }
    };
    packages.iter().filter_map(complain).collect()
}

#[test]
fn every_dependency_has_an_allowed_licence() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let said = String::from_utf8(rustc.stdout).unwrap();
    let host = said.split('\n').find_map(|row| row.strip_prefix("host: ")).unwrap();
    // Of this platform only: the others' packages were never downloaded, and nothing is here.
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--offline",
            "--locked",
            "--format-version=1",
            "--filter-platform",
            host,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(metadata["packages"].as_array().unwrap().len() > 50);
    let complaints = complaints(&metadata, &allowed());
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn an_unknown_licence_is_named_with_its_crate() {
    let metadata = serde_json::json!({"packages": [
        {"name": "fine", "version": "1.0.0", "license": "MIT OR GPL-3.0-only"},
        {"name": "copyleft", "version": "2.0.0", "license": "MIT AND GPL-3.0-only"},
        {"name": "silent", "version": "3.0.0", "license": null},
        {"name": "garbled", "version": "4.0.0", "license": "(MIT"},
    ]});
    let complaints = complaints(&metadata, &allowed());
    assert_eq!(complaints.len(), 3, "{complaints:?}");
    assert!(complaints[0].starts_with("copyleft 2.0.0: MIT AND GPL-3.0-only is not in"));
    assert!(complaints[1].starts_with("silent 3.0.0"));
    assert!(complaints[2].starts_with("garbled 4.0.0"));
}

#[test]
fn licence_expressions_are_read_with_their_precedence() {
    let allowed: BTreeSet<String> = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]
        .map(str::to_owned)
        .into();
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-2.0", false),
        ("MIT/GPL-2.0", true),
        ("GPL-2.0 OR MIT AND ISC", true),
        ("MIT OR ISC AND GPL-2.0", true),
        ("(MIT OR ISC) AND GPL-2.0", false),
        ("Apache-2.0 WITH LLVM-exception AND MIT", true),
        ("Apache-2.0", false),
    ] {
        assert_eq!(satisfied(expression, &allowed), Ok(expected), "{expression}");
    }
    for broken in ["", "MIT OR", "MIT ISC", "(MIT", "MIT)", "MIT WITH"] {
        assert!(satisfied(broken, &allowed).is_err(), "{broken}");
    }
}
