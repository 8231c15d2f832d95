//! Sorts what lies in a folder into migrations, ways back, repeatables and the rest, by the rules of its layout.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::journal;
use super::layout::Layout;
use super::listing::{Entry, EntryKind, descend, list};
use super::name::{Kind, classify, classify_folder, looks_numbered};
use super::neighbours::Neighbours;
use super::problem::Problem;
use super::substitution::{ScriptConfig, script_config};
use super::version::Version;

/// A file that is a migration by its name and place; its text has not been read.
#[derive(Debug)]
pub(super) struct Candidate {
    pub version: Version,
    pub name: String,
    pub path: PathBuf,
    /// Whether Flyway would replace placeholders in it.
    pub placeholders: bool,
}

impl Candidate {
    pub(super) fn new(version: Version, name: String, path: PathBuf) -> Self {
        Self {
            version,
            name,
            path,
            placeholders: true,
        }
    }
}

/// What was found in a folder.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub candidates: Vec<Candidate>,
    pub repeatables: Vec<PathBuf>,
    pub downs: Vec<PathBuf>,
    pub baselines: Vec<PathBuf>,
    pub ignored: Vec<PathBuf>,
    pub problems: Vec<Problem>,
}

/// Sorts `entries`, which were found directly in `dir`.
pub(super) fn collect(dir: &Path, layout: Layout, entries: Vec<Entry>) -> Collected {
    let mut collected = Collected::default();
    match layout {
        Layout::Diesel | Layout::Prisma => collected.folders(layout, entries),
        Layout::Drizzle => journal::collect(dir, entries, &mut collected),
        Layout::Graphile => collected.graphile(entries),
        Layout::Flyway => collected.flyway(dir, descend(entries)),
        Layout::Refinery => collected.files(layout, descend(entries)),
        Layout::Supabase => {
            collected.files(layout, entries);
            collected.skip_old_init();
        }
        _ => collected.files(layout, entries),
    }
    for list in [
        &mut collected.repeatables,
        &mut collected.downs,
        &mut collected.baselines,
        &mut collected.ignored,
    ] {
        list.sort_unstable();
    }
    collected
}

impl Collected {
    /// Sorts files by their names.
    fn files(&mut self, layout: Layout, entries: Vec<Entry>) {
        for entry in entries {
            match self.file(layout, entry) {
                Some(Named::Migration(candidate)) => self.candidates.push(candidate),
                Some(Named::Baseline(candidate)) => self.baselines.push(candidate.path),
                None => {}
            }
        }
    }

    /// Sorts one file; returns it where it is a migration or a baseline.
    fn file(&mut self, layout: Layout, entry: Entry) -> Option<Named> {
        if let EntryKind::Wrong(problem) = entry.kind {
            self.problems.push(problem);
            return None;
        }
        if entry.kind == EntryKind::Folder && !entry.is_sql() {
            self.ignore(entry);
            return None;
        }
        let named = match classify(layout, &entry.name) {
            Kind::Migration { version, name } => Named::Migration(Candidate::new(version, name, entry.path())),
            Kind::Baseline { version, name } => Named::Baseline(Candidate::new(version, name, entry.path())),
            Kind::Down => {
                self.downs.push(entry.path());
                return None;
            }
            Kind::Repeatable => {
                self.repeatables.push(entry.path());
                return None;
            }
            Kind::OtherLanguage(language) => {
                self.problems.push(Problem::NotSql {
                    path: entry.path(),
                    language,
                });
                return None;
            }
            Kind::Ignored => {
                self.ignore(entry);
                return None;
            }
            Kind::Unfit { suggestion } => {
                self.problems.push(Problem::name(entry.path(), layout, suggestion));
                return None;
            }
        };
        let (Named::Migration(candidate) | Named::Baseline(candidate)) = &named;
        match entry.kind {
            EntryKind::Broken(problem) => self.problems.push(problem),
            EntryKind::Special | EntryKind::Folder => self.problems.push(Problem::NotAFile {
                path: candidate.path.clone(),
            }),
            // Bytes that are no UTF-8 could not be told from one another in a ledger.
            _ if entry.is_mangled() => {
                self.problems.push(Problem::name(candidate.path.clone(), layout, None));
            }
            _ => return Some(named),
        }
        None
    }

    /// Takes note of a thing that is none of the migrations' business.
    pub(super) fn ignore(&mut self, entry: Entry) {
        match entry.kind {
            EntryKind::Wrong(problem) => self.problems.push(problem),
            _ if entry.is_hidden() => {}
            _ => self.ignored.push(entry.path()),
        }
    }

    /// Migrations that are folders with a script of fixed name.
    pub(super) fn folders(&mut self, layout: Layout, entries: Vec<Entry>) {
        let script = layout.script_in_folder().unwrap_or("migration.sql");
        for entry in entries {
            match entry.kind {
                EntryKind::Folder if !entry.is_hidden() => self.folder(layout, script, entry),
                EntryKind::Folder | EntryKind::Wrong(_) => self.ignore(entry),
                _ => {
                    if layout == Layout::Prisma && entry.name == "migration_lock.toml" {
                        self.prisma_lock(&entry.path());
                    }
                    // Names no migration, but a numbered script here is a migration in the wrong place.
                    let _ = self.file(layout, entry);
                }
            }
        }
    }

    fn folder(&mut self, layout: Layout, script: &str, entry: Entry) {
        let path = entry.path().join(script);
        let there = fs::symlink_metadata(&path).is_ok();
        let Some((version, name)) = classify_folder(layout, &entry.name) else {
            if there || (looks_numbered(&entry.name) && entry.path().join("down.sql").exists()) {
                let suggestion = looks_numbered(&entry.name).then(|| format!("{}_migration", entry.name));
                self.problems.push(Problem::name(entry.path(), layout, suggestion));
            } else {
                self.ignore(entry);
            }
            return;
        };
        let down = entry.path().join("down.sql");
        if down.exists() {
            self.downs.push(down);
        }
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => self.candidates.push(Candidate::new(version, name, path)),
            Ok(_) => self.problems.push(Problem::NotAFile { path }),
            Err(error) if there => self.problems.push(Problem::from_io(&path, &error)),
            Err(_) => self.problems.push(Problem::MissingScript {
                path,
                needed_by: entry.path(),
            }),
        }
    }

    /// Prisma writes down which database system the migrations are for.
    fn prisma_lock(&mut self, path: &Path) {
        let text = fs::read_to_string(path).unwrap_or_default();
        let Ok(lock) = text.parse::<toml::Table>() else {
            return;
        };
        match lock.get("provider").and_then(toml::Value::as_str) {
            Some("postgresql" | "postgres" | "cockroachdb") | None => {}
            Some(other) => self.problems.push(Problem::OtherDatabase {
                path: path.to_owned(),
                dialect: other.to_owned(),
            }),
        }
    }

    /// graphile-migrate keeps what is final in `committed`; beside it lie the current work and hooks.
    fn graphile(&mut self, mut entries: Vec<Entry>) {
        let is_committed = |entry: &mut Entry| entry.name == "committed" && entry.kind == EntryKind::Folder;
        let committed: Vec<Entry> = entries.extract_if(.., is_committed).collect();
        if let Some(folder) = committed.into_iter().next() {
            for entry in entries {
                self.ignore(entry);
            }
            match list(&folder.path()) {
                Ok(inner) => self.files(Layout::Graphile, inner),
                Err(problem) => self.problems.push(problem),
            }
            return;
        }
        // Either the folder is `committed` itself, or nothing has been committed yet.
        let (work, rest): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.name == "current.sql");
        for entry in work {
            self.ignore(entry);
        }
        self.files(Layout::Graphile, rest);
    }

    fn flyway(&mut self, dir: &Path, entries: Vec<Entry>) {
        let configs = self.script_configs(&entries);
        let replaces = flyway_replaces(&Neighbours::of(dir));
        let mut baselines = Vec::new();
        for entry in entries {
            match self.file(Layout::Flyway, entry) {
                Some(Named::Migration(mut candidate)) => {
                    candidate.placeholders = configs
                        .get(&candidate.path)
                        .map_or(replaces, |config| config.placeholders);
                    self.candidates.push(candidate);
                }
                Some(Named::Baseline(candidate)) => baselines.push(candidate),
                None => {}
            }
        }
        self.baselines(baselines);
    }

    /// Reads the `<file>.sql.conf` files.
    fn script_configs(&mut self, entries: &[Entry]) -> HashMap<PathBuf, ScriptConfig> {
        let mut configs = HashMap::new();
        for entry in entries {
            let Some(script) = entry
                .name
                .strip_suffix(".conf")
                .filter(|script| classify(Layout::Flyway, script) != Kind::Ignored)
            else {
                continue;
            };
            match fs::read_to_string(entry.path()) {
                Ok(text) => match script_config(&entry.path(), &text) {
                    Ok(config) => {
                        configs.insert(entry.path().with_file_name(script), config);
                    }
                    Err(mut problems) => self.problems.append(&mut problems),
                },
                Err(error) => self.problems.push(Problem::from_io(&entry.path(), &error)),
            }
        }
        configs
    }

    /// A baseline stands for all versions up to its own, on a database that has none of them. It is left out where these are here;
    /// where they are not, leaving it out would leave out what they did.
    fn baselines(&mut self, baselines: Vec<Candidate>) {
        let oldest = self.candidates.iter().map(|candidate| &candidate.version).min();
        let is_needed = |baseline: &&Candidate| oldest.is_none_or(|oldest| *oldest > baseline.version);
        let needed = baselines
            .iter()
            .filter(is_needed)
            .max_by(|a, b| a.version.cmp(&b.version));
        self.problems.extend(needed.map(|baseline| Problem::BaselineNeeded {
            path: baseline.path.clone(),
            version: baseline.version.clone(),
            suggestion: format!("V{}__{}.sql", baseline.version, baseline.name),
        }));
        self.baselines
            .extend(baselines.into_iter().map(|baseline| baseline.path));
    }

    /// The Supabase CLI passes over a first migration `<time>_init.sql` from before 2021-12-09: its own early releases wrote that
    /// file, and it holds what every project has from the start (`pkg/migration/list.go`).
    fn skip_old_init(&mut self) {
        let first = (0..self.candidates.len()).min_by(|a, b| self.candidates[*a].path.cmp(&self.candidates[*b].path));
        let is_old = |candidate: &Candidate| {
            let time = candidate.version.as_str();
            candidate.name == "init" && time.len() == 14 && time < "20211209000000"
        };
        if let Some(index) = first.filter(|index| is_old(&self.candidates[*index])) {
            self.ignored.push(self.candidates.swap_remove(index).path);
        }
    }
}

/// A file that has a version.
enum Named {
    Migration(Candidate),
    Baseline(Candidate),
}

/// Tells whether Flyway replaces placeholders in this project, which it does unless told otherwise.
fn flyway_replaces(around: &Neighbours) -> bool {
    let off = |text: String| {
        text.split('\n').any(|line| {
            let (key, value) = line.split_once('=').unwrap_or_default();
            let key = key.trim().trim_start_matches("flyway.");
            key == "placeholderReplacement" && value.trim().trim_matches('"').eq_ignore_ascii_case("false")
        })
    };
    !["flyway.conf", "flyway.toml"]
        .into_iter()
        .filter_map(|name| around.read(name))
        .any(off)
}
