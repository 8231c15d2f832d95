//! `rlsctl status`.

use crate::exit::{Exit, Failure};
use crate::ledger::{baseline, verify};
use crate::pg::Work;
use crate::report::{Standing, sort_findings, status_document, status_text};

use super::connection::{Gathered, applied, gather};
use super::context::{Context, block_on, folder};

/// The command's name in documents.
const NAME: &str = "status";

/// Shows where the target stands; changes nothing.
pub fn run(context: &Context<'_>) -> Result<Exit, Failure> {
    block_on(async {
        match gather(context, Work::Reader).await {
            Ok(gathered) => show(context, gathered).await,
            Err(not_gathered) => not_gathered.report(context, NAME),
        }
    })?
}

async fn show(context: &Context<'_>, gathered: Gathered) -> Result<Exit, Failure> {
    let Gathered {
        set,
        session,
        look,
        target,
        ..
    } = gathered;
    let (state, steps) = applied(&session, &look, &set).await?;
    session.close().await;
    let verified = verify(&set, state);
    let mut unfinished: Vec<_> = steps.into_iter().map(|step| step.version).collect();
    unfinished.dedup();
    let baselines = baseline::pending(&verified);
    let refused = baseline::refused(&verified, &set, &baselines);
    let baselines = baselines.iter().map(|one| {
        (
            one.migration.version.clone(),
            one.stands_for.to_string(),
            one.is_recorded(),
        )
    });
    let baselines = baselines.collect();
    let mut findings = verified.errors;
    findings.extend(refused);
    findings.extend(verified.notes);
    sort_findings(&mut findings);
    let applied = verified.applied.iter().map(|(version, _)| version.clone());
    let pending = verified.pending.iter().map(|migration| migration.version.clone());
    let mut versions: Vec<_> = applied.chain(pending).collect();
    versions.sort();
    let standing = Standing {
        applied: verified.applied.len(),
        newest: verified.newest,
        head: look.ledger.map(|ledger| ledger.head),
        pending: verified
            .pending
            .iter()
            .map(|migration| (migration.version.clone(), migration.name.clone()))
            .collect(),
        baselines,
        unfinished,
        versions,
        other_ledgers: look.other_ledgers.iter().map(ToString::to_string).collect(),
        findings,
        folder: folder(&set),
        target: target.description.clone(),
    };
    let mut document = status_document(&standing);
    document.target = Some(target);
    context.print(&document, &status_text(&standing))?;
    Ok(standing.exit())
}
