//! `rlsctl retrofit apply`.

use crate::exit::{Exit, Failure};
use crate::finding::Severity;
use crate::migration::Migration;
use crate::pg::Work;
use crate::report::{Document, count};
use crate::retrofit::planned_for;
use crate::tenancy::Tenancy;

use super::args::MigrateArgs;
use super::connection::{Gathered, gather};
use super::context::{Context, Refusal, block_on};
use super::migrate;
use super::retrofit::{NAME, fingerprint, made, pending, planned, write_all};
use super::retrofit_args::ApplyArgs;

/// Plans and writes unless files are pending already; then applies.
pub fn run(context: &Context<'_>, tenancy: &Tenancy, args: &ApplyArgs) -> Result<Exit, Failure> {
    let refused = block_on(async {
        match gather(context, Work::Reader).await {
            Ok(gathered) => Box::pin(prepare(context, tenancy, gathered)).await,
            Err(not_gathered) => not_gathered.report(context, NAME).map(Some),
        }
    })??;
    if let Some(exit) = refused {
        return Ok(exit);
    }
    migrate::run(
        context,
        &MigrateArgs {
            lock_wait: args.lock_wait.clone(),
            end_blockers_older_than: args.end_blockers_older_than.clone(),
            keep_blockers: args.keep_blockers,
            ..MigrateArgs::default()
        },
    )
}

/// Sees that there is something to apply; returns how it ended where there is not.
async fn prepare(context: &Context<'_>, tenancy: &Tenancy, gathered: Gathered) -> Result<Option<Exit>, Failure> {
    let pending = pending(&gathered).await?;
    if !pending.is_empty() {
        refuse_moved(tenancy, &gathered, &pending).await?;
        gathered.session.close().await;
        return Ok(None);
    }
    let (made, plan) = match made(context, tenancy, &gathered).await? {
        Ok(made) => made,
        Err(findings) => {
            let mut document = Document::new(NAME, Exit::Refused);
            document.target = Some(gathered.target.clone());
            return Refusal { findings }.report(context, NAME, document).map(Some);
        }
    };
    gathered.session.close().await;
    write_all(&made)?;
    context.ui.notes(&plan.findings);
    if let (Some(first), Some(last)) = (made.first(), made.last()) {
        let (number, first, last) = (count(made.len(), "file"), first.path.display(), last.path.display());
        context.ui.note(&format!("wrote {number}, from {first} to {last}"));
    }
    Ok(None)
}

/// Refuses files that were planned for another catalog. Once the first of them is applied the catalog has moved by ourselves; then what is
/// still missing has to be what stands in the files.
async fn refuse_moved(tenancy: &Tenancy, gathered: &Gathered, pending: &[Migration]) -> Result<(), Failure> {
    let texts: Vec<String> = pending
        .iter()
        .filter_map(|migration| Some(migration.read().ok()?.as_str().to_owned()))
        .collect();
    let Some(planned_then) = texts.iter().find_map(|text| planned_for(text)) else {
        return Ok(());
    };
    let now = fingerprint(gathered).await?;
    if now == planned_then {
        return Ok(());
    }
    let moved = format!("the catalog has moved since these files were planned: it was {planned_then} and is {now}");
    let failure = |cause: Option<String>| {
        let failure = Failure::new(Exit::Refused, moved.clone()).state("nothing was changed");
        cause
            .into_iter()
            .fold(failure, Failure::cause)
            .hint("take the pending files out of the folder and plan anew: `rlsctl retrofit plan`")
            .hint("`rlsctl drift-check` shows what was changed by hand")
    };
    let is_of_them = |migration: &Migration| {
        !pending.contains(migration)
            && migration
                .read()
                .is_ok_and(|text| planned_for(text.as_str()) == Some(planned_then))
    };
    let has_begun =
        gathered.set.migrations.iter().any(is_of_them) || gathered.look.ledger.as_ref().is_some_and(|it| it.unfinished);
    if !has_begun {
        return Err(failure(None));
    }
    let plan = planned(tenancy, gathered).await?;
    if let Some(finding) = plan.findings.iter().find(|finding| finding.severity == Severity::Error) {
        return Err(failure(Some(format!("{} {}", finding.object, finding.message))));
    }
    let mut statements = plan.steps.iter().flat_map(|step| &step.statements);
    match statements.find(|statement| !texts.iter().any(|text| text.contains(*statement))) {
        Some(statement) => Err(failure(Some(format!(
            "what would be planned now is not in them: {statement}"
        )))),
        None => Ok(()),
    }
}
