//! The files, as the other tools hash them: as they are on disk, whole.

use std::collections::HashMap;

use fs_err as fs;

use crate::finding::Finding;
use crate::ledger::Peer;
use crate::migration::{Migration, Set, Text, TokenChecksum, drizzle_times};

use crate::migration::peer_checksum::{atlas, flyway, postgres_migrations, prisma, sqitch, sqlx};

/// A file that a row of the other ledger may be about.
#[derive(Clone, Debug)]
pub struct File {
    /// The migration.
    pub migration: Migration,
    /// The file as it is.
    pub raw: String,
    /// The script: what rlsctl would run.
    pub text: Text,
    /// Its token checksum.
    pub tokens: TokenChecksum,
    /// The checksums with which the other tool may have stored it, where they depend on nothing but the file.
    pub marks: Vec<String>,
    /// Drizzle: when it was made, in milliseconds since 1970.
    pub when: Option<i64>,
}

/// Reads the files of a folder again, as they are, in version order.
///
/// # Errors
/// Files that cannot be read, or have changed since the folder was loaded.
pub fn load(set: &Set, peer: Peer) -> Result<Vec<File>, Vec<Finding>> {
    let times = if peer == Peer::Drizzle {
        drizzle_times(&set.dir)
    } else {
        HashMap::new()
    };
    let ignored = if peer == Peer::Sqlx {
        ignored_characters(set)
    } else {
        Vec::new()
    };
    let mut files = Vec::new();
    let mut unreadable = Vec::new();
    for migration in &set.migrations {
        match read(migration) {
            Ok((raw, text)) => files.push(File {
                when: times.get(&stem(migration)).copied(),
                migration: migration.clone(),
                tokens: text.token_checksum(),
                marks: marks(peer, migration, &raw, &ignored),
                raw,
                text,
            }),
            Err(error) => {
                let help = "see that the file is there, readable and not being written to";
                let version = migration.version.to_string();
                unreadable.push(Finding::error("files.unreadable", version, error, help).at(&migration.path, 1, 1));
            }
        }
    }
    if !unreadable.is_empty() {
        return Err(unreadable);
    }
    if peer == Peer::Atlas {
        chain(&mut files);
    }
    Ok(files)
}

fn marks(peer: Peer, migration: &Migration, raw: &str, ignored: &[char]) -> Vec<String> {
    match peer {
        Peer::Sqlx => sqlx::all(raw, ignored),
        Peer::Flyway => vec![flyway::checksum(raw).to_string()],
        Peer::Prisma | Peer::Drizzle => prisma::all(raw),
        Peer::Sqitch => sqitch::all(raw),
        Peer::PostgresMigrations => postgres_migrations::all(&migration.file_name(), raw),
        _ => Vec::new(),
    }
}

fn read(migration: &Migration) -> Result<(String, Text), String> {
    let text = migration.read().map_err(|error| error.to_string())?;
    let raw = fs::read_to_string(&migration.path).map_err(|error| error.to_string())?;
    Ok((raw, text))
}

/// Returns what a Drizzle journal calls a file, or the name of the folder that newer releases keep it in.
pub fn stem(migration: &Migration) -> String {
    let name = migration.file_name();
    let name = name.strip_suffix("/migration.sql").unwrap_or(&name);
    name.strip_suffix(".sql").unwrap_or(name).to_owned()
}

/// Atlas goes through its folder in the order of the names.
fn chain(files: &mut [File]) {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|index| files[*index].migration.file_name());
    let names: Vec<String> = order.iter().map(|index| files[*index].migration.file_name()).collect();
    let pairs = order
        .iter()
        .zip(&names)
        .map(|(index, name)| (name.as_str(), files[*index].raw.as_str()));
    let hashes = atlas::checksums(pairs);
    for (index, hash) in order.into_iter().zip(hashes) {
        files[index].marks = vec![hash];
    }
}

/// Reads `migrate.ignored-chars` of the `sqlx.toml` beside the migrations or above them.
fn ignored_characters(set: &Set) -> Vec<char> {
    let dir = set.dir.canonicalize().unwrap_or_else(|_| set.dir.clone());
    let mut texts = dir
        .ancestors()
        .filter_map(|folder| fs::read_to_string(folder.join("sqlx.toml")).ok());
    let table = texts.find_map(|text| text.parse::<toml::Table>().ok());
    let listed = table
        .as_ref()
        .and_then(|table| table.get("migrate")?.get("ignored-chars")?.as_array());
    let texts = listed.into_iter().flatten().filter_map(toml::Value::as_str);
    texts.flat_map(str::chars).collect()
}
