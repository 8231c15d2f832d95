//! `rlsctl split FILE`.

use std::path::Path;

use crate::config::ConfigError;
use crate::exit::{Exit, Failure};
use crate::ledger::verify;
use crate::migration::{Migration, Set, Staged, load};
use crate::pg::{Work, shadow};
use crate::report::{Document, count, split_document, split_text};
use crate::split::{Most, NotSplit, SplitPlan, plan};

use super::args::SplitArgs;
use super::connection::{applied, connect_and_look, other_settings, settings};
use super::context::{Context, Refusal, block_on};
use super::describe::not_staged;
use super::shadow::Owners;
use super::split_proof::prove;

/// The command's name in documents.
const NAME: &str = "split";

/// Cuts a migration into sections and files, proves that the catalog comes out the same, and prints or writes them.
pub fn run(context: &Context<'_>, args: &SplitArgs) -> Result<Exit, Failure> {
    let dir = context.dir()?;
    let refused = |refusal: Refusal| refusal.report(context, NAME, Document::new(NAME, Exit::Refused));
    let set = match load(&dir, context.config.layout) {
        Ok(set) => set,
        Err(problems) => return refused(Refusal::from_problems(&problems)),
    };
    let original = find(&set, &args.file)?;
    let limits = &context.config.limits;
    let most = Most {
        in_file: limits.tables_per_batch,
        in_head: limits.tables_per_migration,
    };
    let plan = match plan(&set, original, most) {
        Ok(plan) => plan,
        Err(NotSplit::NotWide { tables }) => return not_wide(context, tables),
        Err(NotSplit::Refused(findings)) => return refused(Refusal { findings }),
    };
    let proof = block_on(async {
        let owners = look(context, &set, original).await?;
        Box::pin(prove(context, &set, original, &plan, &owners, args.no_proof)).await
    })??;
    let proof = match proof {
        Ok(proof) => proof,
        Err(findings) => return refused(Refusal { findings }),
    };
    for note in &plan.notes {
        context.ui.warning(note);
    }
    if args.write {
        write(original, &plan)?;
    }
    context.print(
        &split_document(&plan, &proof, args.write),
        &split_text(&plan, &proof, args.write),
    )?;
    Ok(Exit::Done)
}

/// Returns the migration that is named by its file or its version.
fn find<'a>(set: &'a Set, named: &str) -> Result<&'a Migration, Failure> {
    let path = Path::new(named).canonicalize().ok();
    let is_it = |migration: &&Migration| {
        let own = migration.path.canonicalize().ok();
        let folder = own.as_deref().and_then(Path::parent);
        path.is_some() && (own == path || folder == path.as_deref() && folder != set.dir.canonicalize().ok().as_deref())
    };
    let by_path = set.migrations.iter().find(is_it);
    let by_name = || {
        let is_named = |migration: &&Migration| migration.file_name() == named || migration.version.as_str() == named;
        set.migrations.iter().find(is_named)
    };
    by_path.or_else(by_name).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("{named} is no migration of {}", set.dir.display()))
            .state("nothing was written")
            .hint("name its file, or its version; `rlsctl status` lists what is pending")
    })
}

fn not_wide(context: &Context<'_>, tables: usize) -> Result<Exit, Failure> {
    let most = context.config.limits.tables_per_migration;
    let document = Document::new(NAME, Exit::Done)
        .summary("files", 0)
        .summary("sections", 0)
        .summary("tables", tables)
        .summary("proven", false)
        .summary("written", false)
        .with("files", Vec::<String>::new())
        .with("notes", Vec::<String>::new());
    let text = format!(
        "nothing to split: it alters {}, and up to {most} are applied as they are\n",
        count(tables, "table")
    );
    context.print(&document, &text)?;
    Ok(Exit::Done)
}

/// Looks at every database that is known here; returns who there is on the first one that can be looked at.
///
/// # Errors
/// The migration is applied there, or half applied: its checksum is in the ledger.
async fn look(context: &Context<'_>, set: &Set, original: &Migration) -> Result<Owners, Failure> {
    let mut owners = None;
    let chosen = match context.config.target() {
        Ok(target) => target.name,
        Err(ConfigError::ChooseTarget { .. }) => None,
        Err(error) => return Err(super::describe::config_failure(&error)),
    };
    let mut names: Vec<Option<String>> = context.config.target_names().into_iter().map(Some).collect();
    names.retain(|name| *name != chosen);
    if context.config.target().is_ok() {
        names.insert(0, chosen);
    }
    for name in names {
        match look_at(context, set, original, name.as_deref()).await {
            Ok(Ok(found)) => owners = owners.or(Some(found)),
            Ok(Err(applied)) => return Err(applied),
            Err(failure) => {
                let why = failure.causes.first().cloned().unwrap_or_default();
                context.ui.warning(&format!(
                    "whether {} is applied there was not looked at: {} {why}",
                    original.version, failure.what
                ));
            }
        }
    }
    Ok(owners.unwrap_or_else(|| Owners {
        owner: "postgres".to_owned(),
        ..Owners::default()
    }))
}

/// Looks at one database. The outer error is that it cannot be looked at.
async fn look_at(
    context: &Context<'_>,
    set: &Set,
    original: &Migration,
    name: Option<&str>,
) -> Result<Result<Owners, Failure>, Failure> {
    let (settings, target) = match name {
        Some(name) => other_settings(context, name)?,
        None => settings(context)?,
    };
    let (session, look) = connect_and_look(&settings, Work::Reader).await?;
    let (state, steps) = applied(&session, &look, set).await?;
    let roles = shadow::roles(&session).await.unwrap_or_default();
    session.close().await;
    let version = &original.version;
    let verified = verify(set, state);
    let is_applied = verified.applied.iter().any(|(other, _)| other == version);
    if is_applied || steps.iter().any(|step| step.version == *version) {
        let what = format!(
            "{version} is applied on {}: its text and checksum are in the ledger",
            target.description
        );
        return Ok(Err(Failure::new(Exit::Refused, what)
            .cause("as several files it would be refused there, as edited")
            .state("nothing was written")
            .hint("leave it as it is; where it is still pending, write `-- rlsctl: allow wide` into it: a comment is no edit that counts")));
    }
    if look.ledger.is_none() && !look.other_ledgers.is_empty() {
        context.ui.warning(&format!(
            "{} has another tool's ledger and none of rlsctl: see there that {version} is not applied",
            target.description
        ));
    }
    Ok(Ok(Owners {
        roles,
        owner: look.session_role,
    }))
}

/// Writes all files, or none.
fn write(original: &Migration, plan: &SplitPlan) -> Result<(), Failure> {
    let (new, replaced): (Vec<_>, Vec<_>) = plan.files.iter().partition(|file| file.is_new);
    let scripts = new.iter().map(|file| (file.path.as_path(), file.contents.as_str()));
    let others = new.iter().flat_map(|file| &file.others);
    let others = others.map(|file| (file.path.as_path(), file.contents.as_str()));
    let text = replaced.first().map_or("", |file| file.contents.as_str());
    let staged =
        Staged::replacing(scripts.chain(others), (&original.path, text)).map_err(|error| not_staged(&error))?;
    // It may have been edited while the proof ran.
    original.read().map_err(|error| {
        Failure::new(Exit::Refused, error.to_string())
            .state("nothing was written")
            .hint("run the same command again")
    })?;
    staged.commit().map_err(|error| not_staged(&error))
}
