//! `rlsctl migrate`.

use crate::activity::Rule;
use crate::event::{Event, Listener as _};
use crate::exit::{Exit, Failure};
use crate::finding::Finding;
use crate::migrate::explain::explain;
use crate::migrate::plan::{Ask, plan};
use crate::migrate::{Migrator, Mirroring, NotMirrored, Outcome, Plan};
use crate::migration::{Version, git};
use crate::pg::{LedgerError, Look, Session, Work, ledger_store};
use crate::report::{Document, ledgers_text, outcome_document, outcome_text, plan_document, plan_text};

use super::args::MigrateArgs;
use super::beside::{self, Standing};
use super::connection::{Gathered, applied, gather, ledger_failure, writable};
use super::context::{Context, Refusal, block_on};
use super::describe::{config_failure, run_failure};
use super::hidden::rows_hidden;
use super::signals::Signals;
use super::wide::too_wide;

/// The command's name in documents.
const NAME: &str = "migrate";

/// What a run is to do beside its plan.
struct Run {
    /// Another tool's ledger that is kept in step.
    mirroring: Option<Mirroring>,
    /// Who may be ended.
    rule: Option<Rule>,
    /// Whether a first ledger of ours is made where another tool's is there.
    beside_others: bool,
}

/// Verifies the ledger, then applies what is pending.
pub fn run(context: &Context<'_>, args: &MigrateArgs) -> Result<Exit, Failure> {
    block_on(async {
        match gather(context, Work::Migrator).await {
            Ok(gathered) => Box::pin(with(context, args, gathered)).await,
            Err(not_gathered) => not_gathered.report(context, NAME),
        }
    })?
}

async fn with(context: &Context<'_>, args: &MigrateArgs, gathered: Gathered) -> Result<Exit, Failure> {
    let (state, steps) = applied(&gathered.session, &gathered.look, &gathered.set).await?;
    let ask = ask(context, args)?;
    let mut document = Document::new(NAME, Exit::Refused);
    document.target = Some(gathered.target.clone());
    let plan = match plan(&gathered.set, state, &steps, &ask) {
        Ok(plan) => plan,
        Err(findings) => return Refusal { findings }.report(context, NAME, document),
    };
    context.ui.notes(&plan.notes);
    document.findings.clone_from(&plan.notes);
    let mirroring = match mirroring(context, &plan, &gathered).await? {
        Ok(mirroring) => mirroring,
        Err(findings) => return Refusal { findings }.report(context, NAME, document),
    };
    let findings = applied_elsewhere(context, args, &plan, &gathered).await?;
    if !findings.is_empty() {
        return Refusal { findings }.report(context, NAME, document);
    }
    let findings = too_wide(context, &plan, &gathered.session).await?;
    if !findings.is_empty() {
        return Refusal { findings }.report(context, NAME, document);
    }
    let findings = rows_hidden(&plan, &gathered.look, &gathered.session).await?;
    if !findings.is_empty() {
        return Refusal { findings }.report(context, NAME, document);
    }
    if args.plan {
        return print_plan(context, &plan, &gathered, mirroring.as_ref());
    }
    if plan.files.is_empty() {
        let outcome = plan.untouched();
        gathered.session.close().await;
        return finish(context, &outcome, &gathered.look.acting_role, document);
    }
    writable(&gathered.look)?;
    let rule = (!args.locks.keep_blockers).then(|| context.config.reap.clone());
    let run = Run {
        mirroring,
        rule,
        beside_others: args.ignore_other_ledger,
    };
    Box::pin(execute(context, plan, gathered, run, document)).await
}

/// Returns the other tool's ledger that is to be kept in step, if one is; or what is wrong with it.
async fn mirroring(
    context: &Context<'_>,
    plan: &Plan,
    gathered: &Gathered,
) -> Result<Result<Option<Mirroring>, Vec<Finding>>, Failure> {
    let target = context.config.target().map_err(|error| config_failure(&error))?;
    let Some(tool) = target.mirror.filter(|_| !plan.files.is_empty()) else {
        return Ok(Ok(None));
    };
    let role = &gathered.look.acting_role;
    match Mirroring::check(&gathered.session, tool, role, &gathered.set.dir, plan).await {
        Ok(mirroring) => Ok(Ok(Some(mirroring))),
        Err(NotMirrored::Findings(findings)) => Ok(Err(findings)),
        Err(NotMirrored::Message(error)) => Err(Failure::new(
            Exit::Environment,
            format!("the ledger of {tool} cannot be looked at"),
        )
        .cause(error.to_string())
        .state("nothing was changed")
        .hint("see that the role may read it, then run the same command again")),
    }
}

/// Returns what another tool has applied of the plan.
async fn applied_elsewhere(
    context: &Context<'_>,
    args: &MigrateArgs,
    plan: &Plan,
    gathered: &Gathered,
) -> Result<Vec<Finding>, Failure> {
    let standing = Standing {
        session: &gathered.session,
        look: &gathered.look,
        set: &gathered.set,
        applied: &plan.applied.iter().map(|(version, _)| version).collect(),
        pending: &plan.files.iter().map(|file| &file.migration.version).collect(),
        never_adopted: !args.ignore_other_ledger,
    };
    beside::applied_elsewhere(context, &standing).await
}

fn ask(context: &Context<'_>, args: &MigrateArgs) -> Result<Ask, Failure> {
    let to = args.to.as_deref().map(Version::parse).transpose();
    let to = to.map_err(|error| Failure::new(Exit::Usage, format!("--to: {error}")))?;
    Ok(Ask {
        to,
        single_transaction: args.single_transaction,
        allow_out_of_order: args.allow_out_of_order,
        rerun_unknown_step: args.rerun_unknown_step,
        lock_wait: context.config.limits.lock_wait,
        statement_timeout: context.config.limits.statement_timeout,
        tables_per_batch: context.config.limits.tables_per_batch,
        replica_lag: context.config.limits.replica_lag,
    })
}

fn print_plan(
    context: &Context<'_>,
    plan: &Plan,
    gathered: &Gathered,
    mirroring: Option<&Mirroring>,
) -> Result<Exit, Failure> {
    let explained = explain(plan)
        .map_err(|problem| Failure::new(Exit::Refused, problem.to_string()).state("nothing was changed"))?;
    let mirror = mirroring.map(Mirroring::description);
    let mut document = plan_document(&explained).with("mirror", mirror.clone());
    document.target = Some(gathered.target.clone());
    document.findings.clone_from(&plan.notes);
    let mut text = plan_text(&explained, &gathered.target.description);
    if let Some(mirror) = mirror {
        text.push_str(&format!("\neach is also recorded in {mirror}\n"));
    }
    context.print(&document, &text)?;
    Ok(Exit::Done)
}

/// A database with another tool's ledger and none of ours has had these files applied already, most likely.
async fn other_ledgers(session: &Session, mut look: Look) -> Result<Failure, LedgerError> {
    ledger_store::look_for_others(session, &mut look).await?;
    let what = format!(
        "{}: {}",
        LedgerError::Others,
        ledgers_text(&look.other_ledgers).join(", ")
    );
    Ok(Failure::new(Exit::Refused, what)
        .cause("these files have most likely been applied by it, and would be applied a second time")
        .state("nothing was changed")
        .hint("take it over, which runs nothing: `rlsctl adopt --dry-run`, then `rlsctl adopt`")
        .hint("if that ledger is of something else, or empty: `rlsctl migrate --ignore-other-ledger`"))
}

async fn execute(
    context: &Context<'_>,
    plan: Plan,
    gathered: Gathered,
    run: Run,
    document: Document,
) -> Result<Exit, Failure> {
    let interrupt = Signals::listen()?.interrupt();
    let commit = std::thread::spawn({
        let dir = gathered.set.dir.clone();
        move || git::commit(&dir)
    });
    context.ui.on(Event::Target {
        description: gathered.target.description.clone(),
    });
    match ledger_store::bring_up_to_date(&gathered.session, &gathered.look, run.beside_others).await {
        Ok(()) => {}
        Err(LedgerError::Others) => {
            let found = other_ledgers(&gathered.session, gathered.look).await;
            return Err(found.map_err(|error| ledger_failure(&error))?);
        }
        Err(error) => return Err(ledger_failure(&error)),
    }
    let Gathered {
        set,
        session,
        settings,
        look,
        ..
    } = gathered;
    drop(set);
    let role = look.acting_role.clone();
    // Without git, or in a panic of that thread, the ledger's column stays null.
    let commit = commit.join().unwrap_or_default();
    let migrator = Migrator::new(session, settings, look, context.ui, interrupt, commit);
    let mut migrator = migrator.mirroring(run.mirroring).ending(run.rule);
    let outcome = migrator.run(plan).await;
    migrator.close().await;
    finish(context, &outcome, &role, document)
}

fn finish(context: &Context<'_>, outcome: &Outcome, role: &str, document: Document) -> Result<Exit, Failure> {
    if let Some(error) = &outcome.stopped {
        let failure = run_failure(error, outcome, role);
        let mut told = outcome_document(outcome, failure.exit);
        told.target = document.target;
        told.findings = document.findings;
        context.fail(NAME, &failure, told)?;
        return Ok(failure.exit);
    }
    let mut told = outcome_document(outcome, Exit::Done);
    told.target = document.target;
    told.findings = document.findings;
    context.print(&told, &outcome_text(outcome))?;
    Ok(Exit::Done)
}
