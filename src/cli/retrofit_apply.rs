//! `rlsctl retrofit apply`.

use crate::exit::{Exit, Failure};
use crate::migration::Migration;
use crate::pg::{Work, mark_store};
use crate::report::{Document, count};
use crate::retrofit::{compose, goes_on, observes, planned_for, written};
use crate::tenancy::Tenancy;

use super::args::MigrateArgs;
use super::connection::{Gathered, applied, gather};
use super::context::{Context, Refusal, block_on};
use super::migrate;
use super::retrofit::{How, NAME, fingerprint, made, numbered, planned as planned_now, write_all};
use super::retrofit_args::ApplyArgs;
use super::retrofit_pending::pending;

/// Plans and writes unless files are pending already; then applies.
pub fn run(context: &Context<'_>, tenancy: &Tenancy, args: &ApplyArgs) -> Result<Exit, Failure> {
    let how = How::asked(&args.how, tenancy)?;
    let refused = block_on(async {
        match gather(context, Work::Reader).await {
            Ok(gathered) => Box::pin(prepare(context, tenancy, gathered, how)).await,
            Err(not_gathered) => not_gathered.report(context, NAME).map(Some),
        }
    })??;
    if let Some(exit) = refused {
        return Ok(exit);
    }
    migrate::run(
        context,
        &MigrateArgs {
            locks: args.locks.clone(),
            ..MigrateArgs::default()
        },
    )
}

/// Sees that there is something to apply; returns how it ended where there is not.
async fn prepare(
    context: &Context<'_>,
    tenancy: &Tenancy,
    gathered: Gathered,
    how: How,
) -> Result<Option<Exit>, Failure> {
    let pending = pending(&gathered).await?;
    pending.refuse_others()?;
    let pending = pending.ours;
    if !pending.is_empty() {
        let how = begun(how, &pending);
        if refuse_moved(tenancy, &gathered, &pending, how).await? == Moved::Not {
            write_the_rest(context, tenancy, &gathered, &pending, how).await?;
        }
        gathered.session.close().await;
        return Ok(None);
    }
    let (made, plan) = match made(context, tenancy, &gathered, how).await? {
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

/// Files that are pending are gone on with as what they are, whatever is asked for now.
fn begun(how: How, pending: &[Migration]) -> How {
    if texts(pending).iter().any(|text| observes(text)) {
        How::Observed
    } else {
        how
    }
}

/// Where the catalog is, beside where it was planned for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    /// It is there.
    Not,
    /// Some of the files are applied.
    ByUs,
}

/// A run that was cut off while it wrote has left the first of its files only.
async fn write_the_rest(
    context: &Context<'_>,
    tenancy: &Tenancy,
    gathered: &Gathered,
    pending: &[Migration],
    how: How,
) -> Result<(), Failure> {
    let (plan, _) = planned_now(tenancy, gathered, how).await?;
    let catalog = fingerprint(gathered).await?;
    let mut files = compose(&plan, context.config.limits.tables_per_batch, &catalog);
    let Some(there) = written(&files, &texts(pending)) else {
        return Ok(());
    };
    files.drain(..there);
    let made = numbered(gathered, files)?;
    write_all(&made)?;
    if !made.is_empty() {
        let number = count(made.len(), "file");
        context.ui.note(&format!(
            "wrote {number} more: an earlier run was cut off while it wrote"
        ));
    }
    Ok(())
}

fn texts(migrations: &[Migration]) -> Vec<String> {
    let read = |migration: &Migration| Some(migration.read().ok()?.as_str().to_owned());
    migrations.iter().filter_map(read).collect()
}

/// Refuses files that were planned for another catalog. Once the first of them is applied the catalog has moved by ourselves; then it has to be
/// as the last run left it.
///
/// A run that was killed has left no mark. Then everything that would be planned now has to stand in the files.
async fn refuse_moved(
    tenancy: &Tenancy,
    gathered: &Gathered,
    pending: &[Migration],
    how: How,
) -> Result<Moved, Failure> {
    let plans = pending.iter().filter_map(|migration| {
        let text = migration.read().ok()?;
        planned_for(text.as_str()).map(str::to_owned)
    });
    let Some(planned) = plans.into_iter().next() else {
        return Ok(Moved::ByUs);
    };
    let now = fingerprint(gathered).await?;
    if now == planned {
        return Ok(Moved::Not);
    }
    let marked = match gathered.look.ledger {
        Some(_) => mark_store::newest(&gathered.session).await.ok().flatten(),
        None => None,
    };
    let (_, steps) = applied(&gathered.session, &gathered.look, &gathered.set).await?;
    let has_steps = steps
        .iter()
        .any(|step| pending.iter().any(|migration| migration.version == step.version));
    let has_begun = has_steps
        || gathered.set.migrations.iter().any(|migration| {
            !pending.contains(migration)
                && migration
                    .read()
                    .is_ok_and(|text| planned_for(text.as_str()) == Some(planned.as_str()))
        });
    let is_as_left = marked.is_some_and(|marked| marked.mark.fingerprint.short() == now);
    if has_begun && (is_as_left || goes_on(&planned_now(tenancy, gathered, how).await?.0, &texts(pending))) {
        return Ok(Moved::ByUs);
    }
    Err(Failure::new(
        Exit::Refused,
        format!("the catalog has moved since these files were planned: it was {planned} and is {now}"),
    )
    .state("nothing was changed")
    .hint("take the pending files out of the folder and plan anew: `rlsctl retrofit plan`")
    .hint("`rlsctl drift-check` shows what was changed by hand"))
}
