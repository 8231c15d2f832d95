//! The page shows the examples as they are.

use std::path::Path;

use fs_err as fs;

use super::kit::examples;

#[test]
fn it_shows_every_example_as_it_is_run() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/drivers.md")).unwrap();
    let mut shown = 0;
    for entry in fs::read_dir(examples()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let language = match path.extension().and_then(|it| it.to_str()) {
            Some("mjs") => "js",
            Some("py") => "python",
            Some("rs") => "rust",
            Some("prisma") => "prisma",
            _ => continue,
        };
        let text = fs::read_to_string(&path).unwrap();
        let block = format!("```{language}\n{text}```\n");
        assert!(
            page.contains(&block),
            "docs/drivers.md does not show docs/drivers/{name} as it is"
        );
        assert!(
            page.contains(&format!("(drivers/{name})")),
            "docs/drivers.md does not link drivers/{name}"
        );
        shown += 1;
    }
    assert_eq!(
        page.matches("\n```js\n").count()
            + page.matches("\n```rust\n").count()
            + page.matches("\n```python\n").count()
            + page.matches("\n```prisma\n").count(),
        shown,
        "code that is no example's"
    );
}

#[test]
fn it_names_the_versions_that_are_run() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/drivers.md")).unwrap();
    let packages: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(examples().join("package.json")).unwrap()).unwrap();
    let node = packages["dependencies"].as_object().unwrap();
    let mut versions: Vec<(String, String)> = node
        .iter()
        .map(|(name, version)| (name.clone(), version.as_str().unwrap().to_owned()))
        .collect();
    let python = fs::read_to_string(examples().join("requirements.txt")).unwrap();
    versions.extend(python.split_terminator('\n').map(|line| {
        let (name, version) = line.split_once("==").unwrap();
        (name.to_owned(), version.to_owned())
    }));
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drivers/sqlx/Cargo.lock")).unwrap();
    let lock: toml::Table = lock.parse().unwrap();
    versions.extend(lock["package"].as_array().unwrap().iter().map(|package| {
        let said = |key: &str| package[key].as_str().unwrap().to_owned();
        (said("name"), said("version"))
    }));
    for name in [
        "pg",
        "postgres",
        "@prisma/client",
        "drizzle-orm",
        "SQLAlchemy",
        "Django",
        "psycopg",
        "asyncpg",
        "sqlx",
    ] {
        let (_, version) = versions.iter().find(|(it, _)| it == name).unwrap();
        assert!(page.contains(&format!("{name} {version}")), "{name} {version}");
    }
}
