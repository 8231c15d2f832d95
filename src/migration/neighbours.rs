//! What lies around a migrations folder and tells which tool it belongs to, where the files themselves leave it open.

use std::fs;
use std::path::{Path, PathBuf};

use super::layout::Layout;

/// How many folders above the migrations are looked at; Maven puts them five below the project.
const LEVELS: usize = 6;

/// The folders around a migrations folder: itself and those above it, up to the root of its repository.
#[derive(Debug)]
pub(super) struct Neighbours {
    folders: Vec<PathBuf>,
}

/// A file beside or above the migrations, the text in it that counts, and the layout it speaks for. An empty text means that the
/// file itself is enough.
const SIGNS: [(&str, &str, Layout); 29] = [
    ("diesel.toml", "", Layout::Diesel),
    ("drizzle.config.ts", "", Layout::Drizzle),
    ("drizzle.config.js", "", Layout::Drizzle),
    ("drizzle.config.mjs", "", Layout::Drizzle),
    ("drizzle.config.json", "", Layout::Drizzle),
    ("schema.prisma", "", Layout::Prisma),
    ("prisma.config.ts", "", Layout::Prisma),
    (".gmrc", "", Layout::Graphile),
    (".gmrc.js", "", Layout::Graphile),
    (".gmrc.cjs", "", Layout::Graphile),
    ("flyway.conf", "", Layout::Flyway),
    ("flyway.toml", "", Layout::Flyway),
    ("refinery.toml", "", Layout::Refinery),
    ("pom.xml", "flyway", Layout::Flyway),
    ("build.gradle", "flyway", Layout::Flyway),
    ("build.gradle.kts", "flyway", Layout::Flyway),
    ("sqlx-data.json", "", Layout::Sqlx),
    (".sqlx", "", Layout::Sqlx),
    ("sqlx.toml", "", Layout::Sqlx),
    ("Cargo.toml", "refinery", Layout::Refinery),
    ("Cargo.toml", "diesel_migrations", Layout::Diesel),
    ("Cargo.toml", "sqlx", Layout::Sqlx),
    ("go.mod", "golang-migrate/migrate", Layout::GolangMigrate),
    ("go.mod", "pressly/goose", Layout::Goose),
    ("go.mod", "amacneil/dbmate", Layout::Dbmate),
    ("package.json", "\"drizzle-kit\"", Layout::Drizzle),
    ("package.json", "\"graphile-migrate\"", Layout::Graphile),
    ("package.json", "\"prisma\"", Layout::Prisma),
    ("package.json", "\"dbmate\"", Layout::Dbmate),
];

impl Neighbours {
    /// Collects the folders around `dir`.
    pub(super) fn of(dir: &Path) -> Self {
        let start = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        let mut folders = Vec::new();
        for folder in start.ancestors().take(LEVELS + 1) {
            folders.push(folder.to_owned());
            if folder.join(".git").exists() {
                break;
            }
        }
        Self { folders }
    }

    /// Returns the first of `candidates` that something around speaks for, with what speaks for it; nearer folders come first.
    pub(super) fn speak_for(&self, candidates: &[Layout]) -> Option<(Layout, String)> {
        if candidates.contains(&Layout::Supabase) && self.is_supabase() {
            return Some((Layout::Supabase, "the folder is supabase/migrations".to_owned()));
        }
        for folder in &self.folders {
            for (file, text, layout) in SIGNS {
                if candidates.contains(&layout) && has(&folder.join(file), text) {
                    let what = if text.is_empty() {
                        String::new()
                    } else {
                        format!(" with {text}")
                    };
                    return Some((layout, format!("there is {}{what}", folder.join(file).display())));
                }
            }
        }
        None
    }

    /// Returns the text of the nearest file of this name.
    pub(super) fn read(&self, name: &str) -> Option<String> {
        self.folders
            .iter()
            .find_map(|folder| fs::read_to_string(folder.join(name)).ok())
    }

    fn is_supabase(&self) -> bool {
        let name = |index: usize| self.folders.get(index).and_then(|folder| folder.file_name());
        name(0).is_some_and(|name| name == "migrations")
            && (name(1).is_some_and(|name| name == "supabase")
                || self
                    .folders
                    .get(1)
                    .is_some_and(|folder| has(&folder.join("config.toml"), "project_id")))
    }
}

fn has(path: &Path, text: &str) -> bool {
    if text.is_empty() {
        return path.exists();
    }
    fs::read(path).is_ok_and(|bytes| memchr::memmem::find(&bytes, text.as_bytes()).is_some())
}
