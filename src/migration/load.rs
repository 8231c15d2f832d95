//! Reads a folder of migrations: names, order, checksums, and everything that is wrong with it at once.

use std::path::{Path, PathBuf};
use std::thread;

use super::checksum::Checksum;
use super::collect::{Candidate, Collected, collect};
use super::detect::{Detected, detect_in};
use super::inspect::Inspector;
use super::layout::Layout;
use super::listing::list;
use super::neighbours::Neighbours;
use super::part::Part;
use super::problem::Problem;
use super::set::{Migration, Set};
use super::substitution::{Substitutions, gmrc_placeholders};
use super::version::Version;

/// Below this many files a second thread costs more than it brings.
const WORTH_A_THREAD: usize = 128;

/// Loads a folder: every script is read and hashed once, none is kept in memory.
///
/// The layout is found out where `layout` is `None`. A folder without migrations is a [`Set`] without migrations.
///
/// # Errors
/// Everything that is wrong with the folder and its files, in the order of their paths. Where there is anything, nothing may run.
pub fn load(dir: &Path, layout: Option<Layout>) -> Result<Set, Vec<Problem>> {
    let entries = list(dir).map_err(|problem| vec![problem])?;
    let detected = match layout {
        Some(layout) => Detected {
            layout,
            why: "it is set".to_owned(),
        },
        None => detect_in(dir, &entries).map_err(|problem| vec![problem])?,
    };
    let Detected { layout, why } = detected;
    let mut collected = collect(dir, layout, entries);
    let mut problems = std::mem::take(&mut collected.problems);
    let migrations = hash(dir, layout, std::mem::take(&mut collected.candidates), &mut problems);
    problems.extend(duplicates(&migrations));
    if !problems.is_empty() {
        problems.sort_by(|a, b| (a.paths(), a.line()).cmp(&(b.paths(), b.line())));
        problems.dedup();
        return Err(problems);
    }
    let Collected {
        repeatables,
        downs,
        baselines,
        ignored,
        ..
    } = collected;
    Ok(Set {
        layout,
        why,
        dir: dir.to_owned(),
        migrations,
        repeatables,
        downs,
        baselines,
        ignored,
    })
}

/// Hashes the scripts and puts them in order. A script with a problem stays in the list, so that its version is compared too.
fn hash(dir: &Path, layout: Layout, candidates: Vec<Candidate>, problems: &mut Vec<Problem>) -> Vec<Migration> {
    let candidates = Version::sort(
        candidates,
        |candidate| &candidate.version,
        |candidate| candidate.path.clone(),
    );
    let inspector = Inspector::new(dir, layout, substitutions(dir, layout));
    let checksums = checksums(&inspector, &candidates);
    let part = Part::of(layout);
    let mut migrations = Vec::with_capacity(candidates.len());
    for (candidate, checksum) in candidates.into_iter().zip(checksums) {
        let Candidate {
            version, name, path, ..
        } = candidate;
        let checksum = checksum.unwrap_or_else(|mut found| {
            problems.append(&mut found);
            Checksum::of(b"")
        });
        migrations.push(Migration {
            version,
            name,
            path,
            checksum,
            part,
        });
    }
    migrations
}

/// Returns the checksums of the scripts, in their order.
fn checksums(inspector: &Inspector, candidates: &[Candidate]) -> Vec<Result<Checksum, Vec<Problem>>> {
    let work = |candidates: &[Candidate]| -> Vec<_> {
        let mut inspector = inspector.clone();
        candidates
            .iter()
            .map(|candidate| inspector.checksum(&candidate.path, candidate.placeholders))
            .collect()
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(8);
    if threads == 1 || candidates.len() < WORTH_A_THREAD {
        return work(candidates);
    }
    let (first, rest) = candidates.split_at(candidates.len().div_ceil(threads));
    thread::scope(|scope| {
        let chunk = rest.len().div_ceil(threads - 1).max(1);
        let others: Vec<_> = rest
            .chunks(chunk)
            .map(|chunk| scope.spawn(move || work(chunk)))
            .collect();
        let mut checksums = work(first);
        for other in others {
            match other.join() {
                Ok(mut more) => checksums.append(&mut more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        checksums
    })
}

fn substitutions(dir: &Path, layout: Layout) -> Substitutions {
    let placeholders = if layout == Layout::Graphile {
        let around = Neighbours::of(dir);
        let texts = [".gmrc", ".gmrc.js", ".gmrc.cjs"]
            .into_iter()
            .filter_map(|name| around.read(name));
        texts.flat_map(|text| gmrc_placeholders(&text)).collect()
    } else {
        Vec::new()
    };
    Substitutions::new(layout, placeholders)
}

/// Returns a problem for each version that several migrations have; they stand side by side in version order.
fn duplicates(migrations: &[Migration]) -> impl Iterator<Item = Problem> {
    let same = migrations
        .chunk_by(|a, b| a.version == b.version)
        .filter(|group| group.len() > 1);
    same.filter_map(|group| {
        let paths: Vec<PathBuf> = group.iter().map(|migration| migration.path.clone()).collect();
        group.first().map(|first| Problem::DuplicateVersion {
            version: first.version.clone(),
            paths,
        })
    })
}
