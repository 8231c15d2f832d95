//! `rlsctl drift-check`.

use std::path::{Path, PathBuf};

use crate::drift::{Strictness, add_elsewhere, files, missing, who_moved};
use crate::event::{Event, Listener as _};
use crate::exit::{Exit, Failure};
use crate::finding::Finding;
use crate::ledger::{AppliedState, Verified, verify};
use crate::migration::{Set, git, load};
use crate::pg::{Look, Session, Work, ledger_edit};
use crate::report::{Document, DriftReport, LedgerSide, TargetInfo, count, drift_document, drift_text, sort_findings};

use super::args::DriftCheckArgs;
use super::beside::{self, Standing};
use super::catalog_legs::{Catalog, Looked, tell_who_and_when};
use super::connection::{Gathered, NotGathered, applied, gather, ledger_failure};
use super::context::{Context, Refusal, block_on, folder};
use super::drift_against::compare_with;

/// The command's name in documents.
const NAME: &str = "drift-check";

/// Compares files, ledger and catalog; changes nothing on the server.
pub fn run(context: &Context<'_>, args: &DriftCheckArgs) -> Result<Exit, Failure> {
    block_on(async {
        match gather(context, Work::Reader).await {
            Ok(gathered) => check(context, args, gathered).await,
            // Files that cannot be taken for one history are what this command is there to find.
            Err(NotGathered::Refused { refusal, target }) => {
                let mut document = Document::new(NAME, Exit::Findings);
                document.target = Some(target);
                document.findings = refusal.findings;
                sort_findings(&mut document.findings);
                let text = crate::report::render_findings(&document.findings);
                context.print(&document, &text)?;
                Ok(Exit::Findings)
            }
            Err(not_gathered) => not_gathered.report(context, NAME),
        }
    })?
}

async fn check(context: &Context<'_>, args: &DriftCheckArgs, gathered: Gathered) -> Result<Exit, Failure> {
    let Gathered {
        mut set,
        session,
        look,
        target,
        ..
    } = gathered;
    let (state, _) = applied(&session, &look, &set).await?;
    let wrote = if args.write_missing {
        write_missing(context, &session, &mut set, state.clone()).await?
    } else {
        Written::default()
    };
    let state = match &look.ledger {
        Some(ledger) if !wrote.files.is_empty() => {
            AppliedState::by_head(&set, ledger.applied, &ledger.head).unwrap_or(state)
        }
        _ => state,
    };
    let verified = verify(&set, state);
    let mut report = files_leg(args, &set, &verified, (&look, &target), wrote)?;
    if !args.no_files {
        let standing = Standing {
            session: &session,
            look: &look,
            set: &set,
            applied: &verified.applied.iter().map(|(version, _)| version).collect(),
            pending: &verified.pending.iter().map(|migration| &migration.version).collect(),
            // It may be of something else, and that is said to `migrate` alone.
            never_adopted: false,
        };
        add_elsewhere(
            &mut report.findings,
            beside::applied_elsewhere(context, &standing).await?,
        );
    }
    let catalog = Catalog::of(args);
    if catalog.is_wanted() {
        let wanted = Looked {
            context,
            session: &session,
            look: &look,
            set: &set,
            applied: &verified.applied,
        };
        catalog.look(&wanted, &mut report).await?;
    }
    if let Some(other) = &args.against {
        compare_with(context, (&session, &look), (&target, other), &mut report).await?;
    }
    tell_who_and_when(&session, &look, &mut report.findings).await;
    session.close().await;
    sort_findings(&mut report.findings);
    let looked_at = std::mem::take(&mut report.looked_at);
    let mut document = drift_document(&report);
    document.objects = looked_at;
    document.target = Some(target);
    context.print(&document, &drift_text(&report))?;
    Ok(report.exit())
}

/// Compares files with the ledger.
fn files_leg(
    args: &DriftCheckArgs,
    set: &Set,
    verified: &Verified<'_>,
    (look, target): (&Look, &TargetInfo),
    wrote: Written,
) -> Result<DriftReport, Failure> {
    let mut findings = wrote.findings;
    if !args.no_files {
        let strictness = Strictness {
            cosmetic: args.strict,
            pending: args.no_pending,
        };
        findings.extend(files(verified, set, strictness));
    }
    if let Some(reference) = &args.reference {
        let (loaded, name) = reference_set(set, reference)?;
        let applied = verified.applied.iter().map(|(version, checksum)| (version, checksum));
        who_moved(&mut findings, set, &applied.collect(), &loaded, &name);
    }
    let side = LedgerSide {
        description: target.description.clone(),
        applied: verified.applied.len(),
        newest: verified.newest.clone(),
        head: look.ledger.as_ref().map(|ledger| ledger.head),
    };
    Ok(DriftReport {
        folder: folder(set),
        head_of_files: verified.head_of_files(set),
        target: side,
        against: None,
        catalog: Vec::new(),
        wrote: wrote.files,
        looked_at: looked_at(set, verified),
        findings,
    })
}

/// Returns every version that has a file or is applied, in order.
fn looked_at(set: &Set, verified: &Verified<'_>) -> Vec<String> {
    let files = set.migrations.iter().map(|file| &file.version);
    if verified.is_of_files(set) {
        return files.map(ToString::to_string).collect();
    }
    let mut versions: Vec<_> = files
        .chain(verified.applied.iter().map(|(version, _)| version))
        .collect();
    versions.sort();
    versions.dedup();
    versions.into_iter().map(ToString::to_string).collect()
}

/// What was written back.
#[derive(Default)]
struct Written {
    files: Vec<PathBuf>,
    findings: Vec<Finding>,
}

/// Writes the files of the rows that have none, and loads the folder again.
async fn write_missing(
    context: &Context<'_>,
    session: &Session,
    set: &mut Set,
    state: AppliedState,
) -> Result<Written, Failure> {
    let rows = verify(set, state).without_file;
    if rows.is_empty() {
        return Ok(Written::default());
    }
    let versions: Vec<_> = rows.iter().map(|row| row.version.clone()).collect();
    let texts = ledger_edit::texts(session, &versions)
        .await
        .map_err(|error| ledger_failure(&error))?;
    let planned = missing(set, &rows, &texts);
    let mut files = Vec::with_capacity(planned.files.len());
    for file in &planned.files {
        file.write().map_err(|error| {
            Failure::new(Exit::Environment, format!("{} cannot be written", file.path.display()))
                .cause(error.to_string())
                .state(format!(
                    "{} written before it; the database was not changed",
                    count(files.len(), "file")
                ))
        })?;
        context.ui.on(Event::Wrote {
            path: file.path.clone(),
        });
        files.push(file.path.clone());
    }
    if !files.is_empty() {
        *set = load(&set.dir, Some(set.layout)).map_err(|problems| {
            let refusal = Refusal::from_problems(&problems);
            let causes = refusal
                .findings
                .iter()
                .map(|finding| format!("{} {}", finding.object, finding.message));
            let mut failure = Failure::new(
                Exit::Environment,
                "the folder cannot be read again after files were written",
            );
            failure.causes = causes.collect();
            failure
        })?;
    }
    Ok(Written {
        files,
        findings: planned.findings,
    })
}

/// Loads what `--reference` names; returns it with a name for people.
fn reference_set(set: &Set, reference: &str) -> Result<(Set, String), Failure> {
    let failed = |what: String| {
        Failure::new(Exit::Environment, format!("--reference {reference}: {what}")).state("nothing was changed")
    };
    let loaded = |dir: &Path| {
        load(dir, Some(set.layout)).map_err(|problems| {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            failed(format!("{}; {first}", count(problems.len(), "problem")))
        })
    };
    match reference.strip_prefix("git:") {
        Some(revision) => {
            let tree = git::tree(&set.dir, revision).map_err(|error| failed(error.to_string()))?;
            Ok((loaded(tree.path())?, revision.to_owned()))
        }
        None => Ok((loaded(Path::new(reference))?, reference.to_owned())),
    }
}
