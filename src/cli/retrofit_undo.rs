//! `rlsctl retrofit undo`.

use crate::exit::{Exit, Failure};
use crate::ledger::verify;
use crate::migration::{Made, Migration, Script, Set, series};
use crate::pg::Work;
use crate::report::{Document, count};
use crate::retrofit::{Applied, NoWayBack, Wanted, is_ours, undo};
use crate::script::RelationName;

use super::args::MigrateArgs;
use super::connection::{Gathered, applied, gather};
use super::context::{Context, block_on};
use super::migrate;
use super::retrofit::{NAME, not_made, write_all};
use super::retrofit_args::UndoArgs;
use super::retrofit_pending::pending;

/// Writes what takes back, and applies it.
pub fn run(context: &Context<'_>, args: &UndoArgs) -> Result<Exit, Failure> {
    let wanted = wanted(args)?;
    let made = block_on(async {
        match gather(context, Work::Reader).await {
            Ok(gathered) => Box::pin(prepare(&wanted, gathered)).await.map(Ok),
            Err(not_gathered) => not_gathered.report(context, NAME).map(Err),
        }
    })??;
    let made = match made {
        Ok(made) => made,
        Err(exit) => return Ok(exit),
    };
    if !args.dry_run {
        write_all(&made)?;
    }
    if args.dry_run || args.write || made.is_empty() {
        return print(context, &made, args.dry_run);
    }
    migrate::run(context, &MigrateArgs::default())
}

fn wanted(args: &UndoArgs) -> Result<Wanted, Failure> {
    if args.all {
        return Ok(Wanted::All);
    }
    let tables: Result<Vec<RelationName>, Failure> = args.tables.iter().map(|text| table(text)).collect();
    tables.map(Wanted::Tables)
}

fn table(text: &str) -> Result<RelationName, Failure> {
    let name = RelationName::one(text).filter(|name| name.schema.is_some());
    name.ok_or_else(|| {
        Failure::new(Exit::Usage, format!("`{text}` is no table with its schema"))
            .state("nothing was changed")
            .hint("name it as in `rlsctl retrofit undo public.invoices`")
    })
}

async fn prepare(wanted: &Wanted, gathered: Gathered) -> Result<Vec<Made>, Failure> {
    let pending = pending(&gathered).await?;
    pending.refuse_others()?;
    pending.refuse_ours()?;
    let (state, _) = applied(&gathered.session, &gathered.look, &gathered.set).await?;
    let done = verify(&gathered.set, state).applied;
    let set = &gathered.set;
    let ours: Vec<Applied> = done
        .iter()
        .filter_map(|(version, _)| set.get(version))
        .filter_map(|migration| read(set, migration))
        .collect();
    let undo = undo(&ours, wanted).map_err(|error| no_way(set, &error))?;
    let scripts: Vec<Script> = undo
        .into_iter()
        .map(|undo| Script {
            name: undo.name,
            up: undo.text,
            down: String::new(),
        })
        .collect();
    let made = series(set, &scripts, jiff::Timestamp::now()).map_err(|error| not_made(&error))?;
    gathered.session.close().await;
    Ok(made)
}

fn read(set: &Set, migration: &Migration) -> Option<Applied> {
    let text = migration.read().ok()?.as_str().to_owned();
    is_ours(&text).then(|| Applied {
        version: migration.version.to_string(),
        text,
        undo: set.undo_of(migration).filter(|undo| is_ours(undo)),
    })
}

fn no_way(set: &Set, error: &NoWayBack) -> Failure {
    let failure = Failure::new(Exit::Refused, error.to_string()).state("nothing was changed");
    match error {
        NoWayBack::Missing { .. } => failure.hint(format!(
            "bring back the folder {}.undo, or the file's down half, from version control",
            set.dir.display()
        )),
        NoWayBack::Nothing { .. } => failure.hint("`rlsctl retrofit status` shows which stage each table is at"),
    }
}

fn print(context: &Context<'_>, made: &[Made], is_dry: bool) -> Result<Exit, Failure> {
    let paths: Vec<String> = made.iter().map(|one| one.path.display().to_string()).collect();
    let text = paths.iter().fold(String::new(), |text, path| text + path + "\n");
    let document = Document::new(NAME, Exit::Done)
        .summary("files", made.len())
        .summary("written", !is_dry && !made.is_empty())
        .with("action", "undo")
        .with("files", paths);
    if made.is_empty() {
        context.ui.note(&format!("{} to take back", count(0, "file")));
    }
    context.print(&document, &text)?;
    Ok(Exit::Done)
}
