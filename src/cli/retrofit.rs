//! `rlsctl retrofit`.

use std::time::Duration;

use crate::duration::parse_duration;
use crate::exit::{Exit, Failure};
use crate::finding::Finding;
use crate::migration::{Made, NewFileError, Script, Staged, series};
use crate::pg::{Work, catalog};
use crate::report::{
    Document, count, retrofit_document, retrofit_status_text, retrofit_text, retrofit_written_document,
};
use crate::retrofit::{Composed, LookError, Observation, Plan, compose, enforce, look, observations, observe, plan};
use crate::tenancy::{Tenancy, tenancy};

use super::connection::{Gathered, gather};
use super::context::{Context, Refusal, block_on};
use super::describe::not_staged;
use super::retrofit_args::{HowArgs, PlanArgs, RetrofitAction, RetrofitArgs, WriteArgs};
use super::retrofit_pending::pending;
use super::{retrofit_apply, retrofit_init, retrofit_undo};

/// The command's name in documents.
pub(super) const NAME: &str = "retrofit";

/// Plans, writes what is planned, applies it, and takes it back.
pub fn run(context: &Context<'_>, args: &RetrofitArgs) -> Result<Exit, Failure> {
    match &args.action {
        RetrofitAction::Init(args) => return retrofit_init::run(context, args),
        RetrofitAction::Apply(args) => return retrofit_apply::run(context, &model(context)?, args),
        RetrofitAction::Undo(args) => return retrofit_undo::run(context, args),
        RetrofitAction::Plan(_) | RetrofitAction::Write(_) | RetrofitAction::Status(_) => {}
    }
    let tenancy = model(context)?;
    block_on(async {
        let gathered = match gather(context, Work::Reader).await {
            Ok(gathered) => gathered,
            Err(not_gathered) => return not_gathered.report(context, NAME),
        };
        match &args.action {
            RetrofitAction::Plan(args) => show(context, Some(args), &tenancy, gathered).await,
            RetrofitAction::Write(args) => Box::pin(write(context, args, &tenancy, gathered)).await,
            _ => show(context, None, &tenancy, gathered).await,
        }
    })?
}

pub(super) fn model(context: &Context<'_>) -> Result<Tenancy, Failure> {
    tenancy(context.config.tenancy()).map_err(|error| {
        Failure::new(Exit::Environment, "the tenancy model cannot be used")
            .cause(error.to_string())
            .state("nothing was changed")
            .hint("the guide's section on retrofit has an example for each way to say whose a session is")
    })
}

/// What tables get to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Enforced, all of them.
    AtOnce,
    /// Observed.
    Observed,
    /// Enforced, those that have been observed and quiet for this long.
    AfterQuiet(Duration),
}

impl How {
    /// Returns what was asked for.
    pub(super) fn asked(args: &HowArgs, tenancy: &Tenancy) -> Result<Self, Failure> {
        let quiet_for = args.quiet_for.as_deref().map(parse_duration).transpose();
        let quiet_for = quiet_for.map_err(|reason| {
            Failure::new(Exit::Usage, format!("--quiet-for: {reason}")).state("nothing was changed")
        })?;
        Ok(match (args.observe, args.enforce) {
            (true, _) => Self::Observed,
            (_, true) => Self::AfterQuiet(quiet_for.unwrap_or(tenancy.observe.quiet_for)),
            _ => Self::AtOnce,
        })
    }
}

/// Returns the plan, and what is known of the tables that are observed.
pub(super) async fn planned(
    tenancy: &Tenancy,
    gathered: &Gathered,
    how: How,
) -> Result<(Plan, Vec<Observation>), Failure> {
    let seen = look(&gathered.session, tenancy)
        .await
        .map_err(|error| not_seen(&error))?;
    let observed = observations(&gathered.session).await.map_err(|error| {
        Failure::new(Exit::Environment, format!("the counters cannot be read: {error}"))
            .state("nothing was changed")
            .hint("let the role read them: GRANT USAGE ON SCHEMA rlsctl_observe, and SELECT on what is in it")
    })?;
    let plan = plan(&seen.schema, tenancy, &seen.aims, &seen.nulls);
    let plan = match how {
        How::AtOnce => plan,
        How::Observed => observe(&seen.schema, tenancy, &seen.aims, &observed, plan),
        How::AfterQuiet(required) => enforce(&seen.schema, &seen.aims, &observed, required, plan),
    };
    Ok((plan, observed))
}

fn not_seen(error: &LookError) -> Failure {
    let failure = Failure::new(Exit::Environment, error.to_string()).state("nothing was changed");
    match error {
        LookError::Rows { table, .. } => failure.hint(format!(
            "let the role read the rows: GRANT SELECT ON {table}, and BYPASSRLS where row security is on already"
        )),
        LookError::Catalog(_) => failure,
    }
}

/// Returns the fingerprint of the catalog as it is, short.
pub(super) async fn fingerprint(gathered: &Gathered) -> Result<String, Failure> {
    let look = &gathered.look;
    let snapshot = catalog::snapshot(&gathered.session, look.server_version, look.sessions()).await;
    let snapshot =
        snapshot.map_err(|error| Failure::new(Exit::Environment, error.to_string()).state("nothing was changed"))?;
    Ok(snapshot.fingerprint().short())
}

/// Shows the plan, or where each table is.
async fn show(
    context: &Context<'_>,
    args: Option<&PlanArgs>,
    tenancy: &Tenancy,
    gathered: Gathered,
) -> Result<Exit, Failure> {
    let how = args.map_or(Ok(How::AtOnce), |args| How::asked(&args.how, tenancy))?;
    let (mut plan, observed) = planned(tenancy, &gathered, how).await?;
    let catalog = fingerprint(&gathered).await?;
    let pending = pending(&gathered).await?;
    let warning = pending.warning();
    plan.findings.extend(warning.clone());
    let files = compose(&plan, context.config.limits.tables_per_batch, &catalog);
    let action = if args.is_some() { "plan" } else { "status" };
    let mut document = retrofit_document(&plan, &files, &catalog, &observed).with("action", action);
    document.target = Some(gathered.target.clone());
    gathered.session.close().await;
    let is_unfinished = plan.tables.iter().any(|table| !table.missing.is_empty());
    let text = if let Some(args) = args {
        retrofit_text(&plan, &files, args.files, pending.next(), context.ui.width())
    } else {
        // Where each table is does not tell warnings.
        context.ui.notes(warning.as_slice());
        if is_unfinished {
            document.exit = Exit::Findings;
        }
        retrofit_status_text(&plan, &observed, context.ui.width())
    };
    context.print(&document, &text)?;
    Ok(document.exit)
}

async fn write(
    context: &Context<'_>,
    args: &WriteArgs,
    tenancy: &Tenancy,
    gathered: Gathered,
) -> Result<Exit, Failure> {
    let pending = pending(&gathered).await?;
    pending.refuse_others()?;
    pending.refuse_ours()?;
    let (made, plan) = match made(context, tenancy, &gathered, How::asked(&args.how, tenancy)?).await? {
        Ok(made) => made,
        Err(findings) => {
            let mut document = Document::new(NAME, Exit::Refused);
            document.target = Some(gathered.target.clone());
            return Refusal { findings }.report(context, NAME, document);
        }
    };
    gathered.session.close().await;
    if !args.dry_run {
        write_all(&made)?;
    }
    context.ui.notes(&plan.findings);
    let (mut document, text) = retrofit_written_document(&made, &plan, args.dry_run);
    document.target = Some(gathered.target);
    context.print(&document, &text)?;
    let files = count(made.len(), "file");
    context.ui.note(&match (made.is_empty(), args.dry_run) {
        (true, _) => "nothing is missing, so there is nothing to write".to_owned(),
        (false, true) => format!("would write {files}"),
        (false, false) => format!("wrote {files}; next: `rlsctl retrofit apply`, or `rlsctl migrate`"),
    });
    Ok(Exit::Done)
}

/// Returns the files of what is missing, and the plan; or what has to be decided first.
pub(super) async fn made(
    context: &Context<'_>,
    tenancy: &Tenancy,
    gathered: &Gathered,
    how: How,
) -> Result<Result<(Vec<Made>, Plan), Vec<Finding>>, Failure> {
    let (plan, _) = planned(tenancy, gathered, how).await?;
    if plan.is_stopped() {
        return Ok(Err(plan.findings));
    }
    let catalog = fingerprint(gathered).await?;
    let files = compose(&plan, context.config.limits.tables_per_batch, &catalog);
    Ok(Ok((numbered(gathered, files)?, plan)))
}

/// Returns files with their versions, behind the newest one of the folder.
pub(super) fn numbered(gathered: &Gathered, files: Vec<Composed>) -> Result<Vec<Made>, Failure> {
    let scripts: Vec<Script> = files.into_iter().map(script).collect();
    series(&gathered.set, &scripts, jiff::Timestamp::now()).map_err(|error| not_made(&error))
}

fn script(file: Composed) -> Script {
    Script {
        name: file.name,
        up: file.text,
        down: file.undo,
    }
}

/// All or none.
pub(super) fn write_all(made: &[Made]) -> Result<(), Failure> {
    let files = made.iter().flat_map(|one| &one.files);
    let files = files.map(|file| (file.path.as_path(), file.contents.as_str()));
    let staged = Staged::new(files).map_err(|error| not_staged(&error))?;
    staged.commit().map_err(|error| not_staged(&error))
}

pub(super) fn not_made(error: &NewFileError) -> Failure {
    let hint = match error {
        NewFileError::Chained { .. } => {
            "write them to a folder of another layout, as in `rlsctl --dir retrofit retrofit write`, and take them over with the layout's own tool"
        }
        NewFileError::Exists { .. } => "move the file that is in the way",
        _ => "name the newest file so that a version can follow it",
    };
    Failure::new(Exit::Refused, error.to_string())
        .state("nothing was written")
        .hint(hint)
}
