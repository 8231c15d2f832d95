//! Finds out how a folder of migrations is laid out: by what is in it, and by its neighbours where that leaves it open.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::layout::Layout;
use super::listing::{Entry, EntryKind, descend, list};
use super::name::{Kind, classify, is_migration, is_seed, looks_numbered};
use super::neighbours::Neighbours;
use super::part::{Part, has_up_marker};
use super::problem::Problem;

/// A layout, and what spoke for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// The layout.
    pub layout: Layout,
    /// What spoke for it, as a fragment for people.
    pub why: String,
}

impl Detected {
    fn new(layout: Layout, why: impl Into<String>) -> Self {
        Self {
            layout,
            why: why.into(),
        }
    }
}

/// Finds out the layout of a folder.
///
/// An empty folder has the layout that its neighbours speak for, or [`Layout::Plain`].
///
/// # Errors
/// The folder cannot be read; its files fit no layout; they fit several, and it matters which.
pub fn detect(dir: &Path) -> Result<Detected, Problem> {
    detect_in(dir, &list(dir)?)
}

/// Does the same for a folder that has been listed.
pub(super) fn detect_in(dir: &Path, entries: &[Entry]) -> Result<Detected, Problem> {
    if let Some(detected) = by_landmark(dir, entries) {
        return Ok(detected);
    }
    if let Some(detected) = by_folders(dir, entries)? {
        return Ok(detected);
    }
    let files: Vec<&Entry> = entries.iter().filter(|entry| is_script(entry)).collect();
    if files.is_empty() {
        return without_files(dir, entries);
    }
    by_files(dir, &files)
}

/// A file that only one tool has.
fn by_landmark(dir: &Path, entries: &[Entry]) -> Option<Detected> {
    let has = |name: &str| entries.iter().any(|entry| entry.name == name);
    if dir.join("meta").join("_journal.json").exists() {
        return Some(Detected::new(Layout::Drizzle, "there is meta/_journal.json"));
    }
    if has("migration_lock.toml") {
        return Some(Detected::new(Layout::Prisma, "there is migration_lock.toml"));
    }
    let landmark = ["committed", "current.sql", "current"]
        .into_iter()
        .find(|name| has(name));
    if let Some(name) = landmark {
        let numbered = entries
            .iter()
            .any(|entry| is_script(entry) && looks_numbered(&entry.name));
        return (!numbered).then(|| Detected::new(Layout::Graphile, format!("there is {name}")));
    }
    None
}

/// Migrations that are folders.
fn by_folders(dir: &Path, entries: &[Entry]) -> Result<Option<Detected>, Problem> {
    let mut folders: Vec<&Entry> = entries.iter().filter(|entry| entry.kind == EntryKind::Folder).collect();
    folders.retain(|entry| looks_numbered(&entry.name));
    let mut seen: Vec<(Layout, PathBuf, &str)> = Vec::new();
    for folder in sample(&folders) {
        let found = ["up.sql", "migration.sql"]
            .into_iter()
            .find(|name| folder.path().join(name).exists());
        let layout = match found {
            Some("up.sql") => Layout::Diesel,
            Some(_) if folder.path().join("snapshot.json").exists() => Layout::Drizzle,
            Some(_) => Layout::Prisma,
            None => continue,
        };
        seen.push((layout, folder.path(), found.unwrap_or_default()));
    }
    let candidates: BTreeSet<Layout> = seen.iter().map(|(layout, ..)| *layout).collect();
    // Drizzle writes no snapshot beside a migration that was written by hand.
    let is_drizzle = candidates.contains(&Layout::Drizzle) && !candidates.contains(&Layout::Diesel);
    let Some((layout, path, script)) = seen
        .iter()
        .find(|(layout, ..)| !is_drizzle || *layout == Layout::Drizzle)
    else {
        return Ok(None);
    };
    if candidates.len() > 1 && !is_drizzle {
        return Err(Problem::AmbiguousLayout {
            path: dir.to_owned(),
            candidates: candidates.into_iter().collect(),
            files: seen.into_iter().map(|(_, path, script)| path.join(script)).collect(),
            reason: "some folders hold up.sql and some migration.sql".to_owned(),
        });
    }
    let folder = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    Ok(Some(Detected::new(*layout, format!("there is {folder}/{script}"))))
}

fn is_script(entry: &Entry) -> bool {
    let is_file = matches!(entry.kind, EntryKind::File | EntryKind::Broken(_) | EntryKind::Special);
    is_file && entry.is_sql() && !is_seed(&entry.name)
}

/// Returns the first, the last and the middle one by name, without sorting ten thousand of them.
fn sample<'a>(list: &[&'a Entry]) -> Vec<&'a Entry> {
    let mut list = list.to_vec();
    let Some(end) = list.len().checked_sub(1) else {
        return Vec::new();
    };
    let picks = BTreeSet::from([0, end / 2, end]);
    let pick = |index| *list.select_nth_unstable_by(index, |a, b| a.name.cmp(&b.name)).1;
    picks.into_iter().map(pick).collect()
}

/// A folder without scripts: an empty one, or one that keeps them further down.
fn without_files(dir: &Path, entries: &[Entry]) -> Result<Detected, Problem> {
    let folders = || {
        entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Folder && !entry.is_hidden())
    };
    if let Some(detected) = committed(dir, entries) {
        return Ok(detected);
    }
    if folders().next().is_some() {
        let inner = descend(list(dir)?);
        let scripts: Vec<&Entry> = inner.iter().filter(|entry| is_script(entry)).collect();
        let versioned = scripts.iter().any(|entry| is_migration(Layout::Flyway, &entry.name));
        if versioned {
            return by_files(dir, &scripts);
        }
        if !scripts.is_empty() {
            let files = sample(&scripts).into_iter().map(Entry::path).collect();
            let reason =
                "there are scripts below it, but none of them is a migration of a layout that has folders".to_owned();
            return Err(Problem::UnknownLayout {
                path: dir.to_owned(),
                files,
                reason,
            });
        }
    }
    let spoken = Neighbours::of(dir).speak_for(&Layout::ALL);
    Ok(spoken.map_or_else(
        || Detected::new(Layout::Plain, "the folder has no migrations yet"),
        |(layout, why)| Detected {
            layout,
            why: format!("the folder has no migrations yet, and {why}"),
        },
    ))
}

/// graphile-migrate's project before the first commit.
fn committed(dir: &Path, entries: &[Entry]) -> Option<Detected> {
    let beside = dir
        .parent()
        .is_some_and(|parent| parent.join("current.sql").exists() || parent.join("current").exists());
    let here = dir.file_name().is_some_and(|name| name == "committed") && beside && entries.is_empty();
    here.then(|| Detected::new(Layout::Graphile, "the folder is `committed` beside current.sql"))
}

/// Returns the first name, by name, that is `wanted`.
fn first_of<'a>(files: &[&'a Entry], wanted: impl Fn(&str) -> bool) -> Option<&'a str> {
    let mut first: Option<&str> = None;
    for entry in files {
        if first.is_none_or(|first| entry.name.as_str() < first) && wanted(&entry.name) {
            first = Some(&entry.name);
        }
    }
    first
}

fn by_files(dir: &Path, files: &[&Entry]) -> Result<Detected, Problem> {
    let first = |layout: Layout| first_of(files, |name| is_migration(layout, name));
    if let Some(name) = first(Layout::Flyway).or_else(|| first(Layout::Refinery)) {
        return flyway_or_refinery(dir, files, name);
    }
    if let Some(detected) = by_marker(dir, files)? {
        return Ok(detected);
    }
    if let Some(name) = first(Layout::GolangMigrate) {
        return Ok(sqlx_or_golang(dir, files, name));
    }
    let Some(name) = first(Layout::Plain) else {
        return Err(Problem::UnknownLayout {
            path: dir.to_owned(),
            files: sample(files).into_iter().map(Entry::path).collect(),
            reason: "no script has a version in its name, such as 001_init.sql".to_owned(),
        });
    };
    let fits = |layout: &Layout| files.iter().any(|entry| is_migration(*layout, &entry.name));
    let candidates: Vec<Layout> = [Layout::Supabase, Layout::Sqlx].into_iter().filter(fits).collect();
    // The script and its order are the same in all three; what differs is what `new` writes.
    let spoken = Neighbours::of(dir).speak_for(&candidates);
    let plain = || {
        Detected::new(
            Layout::Plain,
            format!("{name} begins with a number, and nothing speaks for a tool"),
        )
    };
    Ok(spoken.map_or_else(plain, |(layout, why)| Detected { layout, why }))
}

/// Looks for the markers of dbmate and goose, and for graphile-migrate's headers.
fn by_marker(dir: &Path, files: &[&Entry]) -> Result<Option<Detected>, Problem> {
    let mut found: Vec<(Layout, PathBuf, String)> = Vec::new();
    for entry in sample(files).into_iter().filter(|entry| entry.kind == EntryKind::File) {
        // What cannot be read is reported when all files are.
        let text = fs::read(entry.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let text = text.trim_start_matches('\u{feff}');
        for (layout, part) in [(Layout::Dbmate, Part::Dbmate), (Layout::Goose, Part::Goose)] {
            if has_up_marker(part, text) {
                found.push((
                    layout,
                    entry.path(),
                    format!("{} has `{}`", entry.name, part.up_marker()),
                ));
            }
        }
        if text.starts_with("--! ") && text.contains("--! Hash:") {
            found.push((
                Layout::Graphile,
                entry.path(),
                format!("{} has a `--! Hash:` header", entry.name),
            ));
        }
    }
    let candidates: BTreeSet<Layout> = found.iter().map(|(layout, ..)| *layout).collect();
    if candidates.len() > 1 {
        return Err(Problem::AmbiguousLayout {
            path: dir.to_owned(),
            candidates: candidates.into_iter().collect(),
            files: found.into_iter().map(|(_, path, _)| path).collect(),
            reason: "there are markers of more than one tool".to_owned(),
        });
    }
    Ok(found
        .into_iter()
        .next()
        .map(|(layout, _, why)| Detected { layout, why }))
}

/// Both have pairs; sqlx also takes scripts without a way back.
fn sqlx_or_golang(dir: &Path, files: &[&Entry], name: &str) -> Detected {
    let spoken = Neighbours::of(dir).speak_for(&[Layout::Sqlx, Layout::GolangMigrate]);
    if let Some((layout, why)) = spoken {
        return Detected {
            layout,
            why: format!("{name} is half of a pair, and {why}"),
        };
    }
    let all_halves = files
        .iter()
        .all(|entry| !matches!(classify(Layout::GolangMigrate, &entry.name), Kind::Unfit { .. }));
    if all_halves {
        Detected::new(Layout::GolangMigrate, format!("{name} is half of a pair"))
    } else {
        Detected::new(
            Layout::Sqlx,
            format!("{name} is half of a pair, and there are scripts without a pair"),
        )
    }
}

/// The two differ in what `U` means: Flyway's takes a version back, refinery's is a migration.
fn flyway_or_refinery(dir: &Path, files: &[&Entry], name: &str) -> Result<Detected, Problem> {
    let only_flyway = |entry: &&&Entry| {
        let kind = classify(Layout::Flyway, &entry.name);
        let known = matches!(kind, Kind::Migration { .. } | Kind::Repeatable | Kind::Baseline { .. });
        known && matches!(classify(Layout::Refinery, &entry.name), Kind::Unfit { .. })
    };
    if let Some(entry) = files.iter().find(only_flyway) {
        return Ok(Detected::new(
            Layout::Flyway,
            format!("only Flyway has names such as {}", entry.name),
        ));
    }
    if let Some((layout, why)) = Neighbours::of(dir).speak_for(&[Layout::Flyway, Layout::Refinery]) {
        return Ok(Detected {
            layout,
            why: format!("{name}, and {why}"),
        });
    }
    let undo: Vec<&Entry> = files
        .iter()
        .copied()
        .filter(|entry| entry.name.starts_with('U'))
        .collect();
    if !undo.is_empty() {
        return Err(Problem::AmbiguousLayout {
            path: dir.to_owned(),
            candidates: vec![Layout::Flyway, Layout::Refinery],
            files: sample(&undo).into_iter().map(Entry::path).collect(),
            reason: "files that begin with U take a version back in Flyway and are migrations in refinery".to_owned(),
        });
    }
    Ok(Detected::new(
        Layout::Flyway,
        format!("{name} is named as Flyway and refinery do"),
    ))
}
