//! The proof of `rlsctl split`: the catalog that the files make, and the one that they would make.

use std::path::Path;

use crate::catalog::{Change, Snapshot, differences, unified};
use crate::exit::{Exit, Failure};
use crate::finding::Finding;
use crate::migration::{Migration, Set};
use crate::pg::scratch::{Binaries, ScratchError, Surroundings};
use crate::report::Proof;
use crate::split::SplitPlan;

use super::context::Context;
use super::shadow::{Owners, Shadow, replayed_as};

/// Whether a throwaway server can be had here.
fn binaries() -> Result<(), ScratchError> {
    Binaries::find(None, &Surroundings::of_this_process()).map(|_| ())
}

/// Replays the files as they are and as they would be; returns what speaks against the split.
///
/// # Errors
/// No throwaway server, and no leave to do without.
pub async fn prove(
    context: &Context<'_>,
    set: &Set,
    original: &Migration,
    plan: &SplitPlan,
    owners: &Owners,
    skip: bool,
) -> Result<Result<Proof, Vec<Finding>>, Failure> {
    match (binaries(), skip) {
        (Ok(()), false) => {}
        (Ok(()), true) => {
            return Err(Failure::new(
                Exit::Usage,
                "`--no-proof` is for where no throwaway server can be had, and here one can",
            )
            .state("nothing was written")
            .hint("run the same command without `--no-proof`"));
        }
        (Err(_), true) => {
            context.ui.warning("NOT PROVEN: without a throwaway server nobody has tried whether the catalog comes out the same; replay the files on one before they are applied");
            return Ok(Ok(Proof::Skipped));
        }
        (Err(error), false) => {
            return Err(Failure::new(
                Exit::Environment,
                "it cannot be proven that the catalog comes out the same",
            )
            .cause(error.to_string())
            .state("nothing was written")
            .hint("where no server can be installed: `--no-proof`, and look at the files yourself"));
        }
    }
    let dir = tempfile::tempdir().map_err(|error| failed(&error))?;
    let now = files(set, original, plan);
    let then = split_files(&now, original, plan, dir.path())?;
    let before = Box::pin(replayed_as(context, &now, owners, None)).await?;
    let Some(is) = before.snapshot else {
        return Ok(Err(stopped(before, "as they are")));
    };
    let after = Box::pin(replayed_as(context, &then.iter().collect::<Vec<_>>(), owners, None)).await?;
    let Some(would_be) = after.snapshot else {
        return Ok(Err(stopped(after, "after the split")));
    };
    let findings = compare(original, &is, &would_be);
    if findings.is_empty() {
        let said = format!(
            "{}, and {} after the split",
            before.said.trim_start_matches("shadow: "),
            then.len()
        );
        return Ok(Ok(Proof::Proven(said)));
    }
    Ok(Err(findings))
}

fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Environment, "the files cannot be replayed")
        .cause(error.to_string())
        .state("nothing was written")
}

/// The files up to the last one that would be written.
fn files<'a>(set: &'a Set, original: &Migration, plan: &SplitPlan) -> Vec<&'a Migration> {
    let last = plan.files.last().map_or(&original.version, |file| &file.version);
    set.migrations.iter().filter(|file| file.version <= *last).collect()
}

/// The same files with the split ones in place of the original, which are written into `dir`.
fn split_files(
    now: &[&Migration],
    original: &Migration,
    plan: &SplitPlan,
    dir: &Path,
) -> Result<Vec<Migration>, Failure> {
    let others = now.iter().filter(|file| file.version != original.version);
    let mut then: Vec<Migration> = others.map(|file| (*file).clone()).collect();
    for (number, file) in plan.files.iter().enumerate() {
        let path = dir.join(format!("{number}.sql"));
        fs_err::write(&path, &file.contents).map_err(|error| failed(&error))?;
        then.push(original.at(&file.version, path).map_err(|error| failed(&error))?);
    }
    then.sort_by(|a, b| a.version.cmp(&b.version));
    Ok(then)
}

/// What kept the files from being replayed.
fn stopped(shadow: Shadow, which: &str) -> Vec<Finding> {
    let findings = shadow.findings.into_iter();
    findings
        .map(|finding| Finding {
            code: "split.not-proven",
            message: format!("{}; so the files {which} cannot be replayed", finding.message),
            help: "what cannot be replayed cannot be proven; mend it, or split the file by hand".to_owned(),
            ..finding
        })
        .collect()
}

/// Returns a finding for each object that would come out otherwise.
fn compare(original: &Migration, is: &Snapshot, would_be: &Snapshot) -> Vec<Finding> {
    let differ = differences(&is.mark(), &would_be.mark()).into_iter();
    let found = differ.map(|difference| {
        let text = |snapshot: &Snapshot| snapshot.objects.get(&difference.id).cloned().unwrap_or_default();
        let what = match difference.change {
            Change::Added => "would be there only after the split",
            Change::Removed => "would not be there after the split",
            Change::Changed => "would be another after the split",
        };
        let help = "split the file by hand, and keep what makes this object together and in its order";
        Finding::error("split.catalog-differs", difference.id.to_string(), what, help)
            .at(&original.path, 1, 1)
            .evidence("diff", unified(&text(is), &text(would_be)))
    });
    found.collect()
}
