//! The floors of the house: arrows point down only, and each thing has one home.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fs_err as fs;
use walkdir::WalkDir;

/// The modules of the library and the floor each is on; 0 is the top. One on the same floor may not be used either, but by name below.
const FLOORS: [(&str, u8); 27] = [
    ("main", 0),
    ("cli", 1),
    ("config", 2),
    ("report", 2),
    ("migrate", 3),
    ("drift", 3),
    ("adopt", 3),
    ("reap", 3),
    ("blockers", 3),
    ("split", 3),
    ("retrofit", 3),
    ("audit", 3),
    ("pg", 4),
    ("isolation", 5),
    ("tenancy", 6),
    ("ledger", 7),
    ("schema", 7),
    ("migration", 8),
    ("catalog", 8),
    ("activity", 8),
    ("script", 9),
    ("finding", 10),
    ("event", 10),
    ("exit", 10),
    ("duration", 10),
    ("lib", 0),
    ("rlsctl", 0),
];

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = WalkDir::new(&root)
        .sort_by_file_name()
        .into_iter()
        .map(|entry| entry.unwrap().into_path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            (
                path.strip_prefix(&root).unwrap().to_owned(),
                fs::read_to_string(&path).unwrap(),
            )
        })
        .collect()
}

/// The module of the library that a file belongs to.
fn module(path: &Path) -> String {
    let first = path
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy()
        .into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Every `crate::x` in the code of a file, comments left out.
fn uses(text: &str) -> Vec<String> {
    let code = text.split('\n').filter(|line| !line.trim_start().starts_with("//"));
    let mut found = Vec::new();
    for line in code {
        for (index, _) in line.match_indices("crate::") {
            let rest = &line[index + "crate::".len()..];
            found.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    found
}

#[test]
fn arrows_point_down() {
    let floors: BTreeMap<&str, u8> = FLOORS.into_iter().collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let from = module(&path);
        let floor = floors
            .get(from.as_str())
            .unwrap_or_else(|| panic!("{from} is on no floor: add it to FLOORS"));
        for to in uses(&text).into_iter().filter(|to| *to != from) {
            let below = floors
                .get(to.as_str())
                .unwrap_or_else(|| panic!("{}: crate::{to} is no module", path.display()));
            if below <= floor {
                wrong.push(format!("{} uses {to}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_crate_with_a_home_is_used_only_there() {
    let homes = [
        ("tokio_postgres::", "pg"),
        ("deadpool_postgres::", "pg"),
        ("rustls", "pg"),
        ("pg_query::", "script"),
        ("clap::", "cli"),
        ("indicatif::", "report"),
        ("annotate_snippets::", "report"),
        ("comfy_table::", "report"),
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (name, home) in homes {
            let code = text.split('\n').filter(|line| !line.trim_start().starts_with("//"));
            let is_used = code.clone().any(|line| line.contains(name));
            // The report's own enums are what can be typed for `--format` and `--color`.
            let excused = name == "clap::" && path == Path::new("report/ui.rs");
            if is_used && module(&path) != home && !excused {
                wrong.push(format!("{} uses {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_statement_file_has_a_header_and_one_home() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = sources();
    for entry in WalkDir::new(root.join("sql")).into_iter().map(Result::unwrap) {
        if !entry.file_type().is_file() {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        for word in ["-- Purpose:", "Parameters:", "Privileges:", "Lowest version:"] {
            assert!(text.contains(word), "{} lacks {word}", entry.path().display());
        }
        let name = entry.path().strip_prefix(root).unwrap().display().to_string();
        let homes = sources
            .iter()
            .filter(|(_, source)| source.contains(&format!("{name}\"")))
            .count();
        assert_eq!(homes, 1, "{name} has {homes} homes");
    }
}

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|(path, text)| (path, text.split('\n').count()))
        .filter(|(_, lines)| *lines > 501)
        .map(|(path, lines)| format!("{} has {lines}", path.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}
