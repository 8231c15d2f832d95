//! `rlsctl accept schema`.

use crate::catalog::{FORMAT, differences};
use crate::exit::{Exit, Failure};
use crate::pg::{Work, ledger_store, mark_store};
use crate::report::{Document, count, printable};

use super::args::AcceptArgs;
use super::connection::{connect_and_look, ledger_failure, settings};
use super::context::{Context, block_on};

/// The command's name in documents.
const NAME: &str = "accept";

/// Records that the catalog is meant to be as it is: a new mark, and in the event log which objects it changes and why.
pub fn run(context: &Context<'_>, args: &AcceptArgs) -> Result<Exit, Failure> {
    block_on(accept(context, args))?
}

async fn accept(context: &Context<'_>, args: &AcceptArgs) -> Result<Exit, Failure> {
    let (settings, target) = settings(context)?;
    let (session, look) = connect_and_look(&settings, Work::Migrator).await?;
    let Some(ledger) = &look.ledger else {
        return Err(Failure::new(
            Exit::Refused,
            "there is no ledger here, so there is no mark of the schema either",
        )
        .state("nothing was changed")
        .hint("`rlsctl migrate` makes both"));
    };
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Environment, "the schema cannot be marked")
            .cause(error.to_string())
            .state("nothing was changed")
    };
    let (stored, now) = mark_store::newest_and_now(&session, &look)
        .await
        .map_err(|error| failed(&error))?;
    let is_comparable = stored.as_ref().is_some_and(|stored| stored.format == FORMAT);
    let changed = stored
        .filter(|_| is_comparable)
        .map(|stored| differences(&stored.mark, &now.mark()));
    let objects: Vec<String> = changed.iter().flatten().map(|one| one.id.to_string()).collect();
    let nothing = changed.is_some() && objects.is_empty();
    if !nothing && !args.dry_run {
        let detail = serde_json::json!({ "reason": args.reason, "objects": objects });
        let event = ledger_store::event_statement("accepted", None, &detail).map_err(|error| failed(&error))?;
        let written = mark_store::write(&session, &ledger.head, now, &[event]).await;
        written.map_err(|error| ledger_failure(&error))?;
    }
    session.close().await;
    let mut document = Document::new(NAME, Exit::Done)
        .summary("accepted", !nothing && !args.dry_run)
        .summary("objects", objects.len())
        .summary("reason", args.reason.clone())
        .with("objects", objects.clone());
    document.target = Some(target);
    context.print(&document, &text(&objects, nothing, args.dry_run))?;
    Ok(Exit::Done)
}

fn text(objects: &[String], nothing: bool, dry_run: bool) -> String {
    if nothing {
        return "the schema is what rlsctl last left it as: nothing to accept\n".to_owned();
    }
    let what = if dry_run { "would accept" } else { "accepted" };
    let mut text = format!(
        "{what} the schema as it is: {} changed by hand\n",
        count(objects.len(), "object")
    );
    for object in objects {
        text.push_str(&format!("  {}\n", printable(object)));
    }
    text
}
