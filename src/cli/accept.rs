//! `rlsctl accept`.

use crate::drift::{Acceptance, NotAccepted, acceptance};
use crate::exit::{Exit, Failure};
use crate::migration::Version;
use crate::pg::{Work, ledger_edit};
use crate::report::Document;

use super::args::AcceptArgs;
use super::connection::{Gathered, applied, gather, ledger_failure};
use super::context::{Context, block_on};

/// The command's name in documents.
const NAME: &str = "accept";

/// Records that an edited file is meant to be so. Nothing of it is run.
pub fn run(context: &Context<'_>, args: &AcceptArgs) -> Result<Exit, Failure> {
    let version = Version::parse(&args.version).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    if args.reason.trim().is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            "--reason is empty: say why the edit is right, for whoever reads the ledger later",
        ));
    }
    block_on(async {
        match gather(context, Work::Migrator).await {
            Ok(gathered) => accept(context, args, &version, gathered).await,
            Err(not_gathered) => not_gathered.report(context, NAME),
        }
    })?
}

async fn accept(
    context: &Context<'_>,
    args: &AcceptArgs,
    version: &Version,
    gathered: Gathered,
) -> Result<Exit, Failure> {
    let (state, _) = applied(&gathered.session, &gathered.look, &gathered.set).await?;
    let accepted = match acceptance(&gathered.set, state, version) {
        Ok(accepted) => accepted,
        Err(same @ NotAccepted::Same(_)) => {
            let document = Document::new(NAME, Exit::Done).summary("accepted", false);
            return done(context, &gathered, document, &format!("{same}\n"));
        }
        Err(error) => {
            return Err(Failure::new(Exit::Refused, error.to_string())
                .state("nothing was changed")
                .hint("`rlsctl drift-check` says what files and ledger disagree about"));
        }
    };
    let document = document(&accepted, args);
    if args.dry_run {
        return done(context, &gathered, document, &text(&accepted, "would accept"));
    }
    let row = ledger_edit::Accepted {
        version,
        before: &accepted.before.checksum,
        checksum: &accepted.checksum,
        token_checksum: &accepted.token_checksum,
        sql: accepted.text.as_str(),
        name: &accepted.name,
        reason: &args.reason,
    };
    let changed = ledger_edit::accept(&gathered.session, &gathered.look, row).await;
    if !changed.map_err(|error| ledger_failure(&error))? {
        return Err(Failure::new(
            Exit::Refused,
            format!("the ledger's row of {version} has just been changed by somebody else"),
        )
        .state("nothing was changed")
        .hint("run `rlsctl drift-check` to see what it says now"));
    }
    done(context, &gathered, document, &text(&accepted, "accepted"))
}

fn done(context: &Context<'_>, gathered: &Gathered, mut document: Document, text: &str) -> Result<Exit, Failure> {
    document.target = Some(gathered.target.clone());
    context.print(&document, text)?;
    Ok(Exit::Done)
}

fn document(accepted: &Acceptance, args: &AcceptArgs) -> Document {
    Document::new(NAME, Exit::Done)
        .summary("accepted", !args.dry_run)
        .summary("version", accepted.before.version.to_string())
        .summary("cosmetic", accepted.is_cosmetic)
        .summary("checksum_before", accepted.before.checksum.to_string())
        .summary("checksum", accepted.checksum.to_string())
        .summary("reason", args.reason.clone())
}

fn text(accepted: &Acceptance, what: &str) -> String {
    let kind = if accepted.is_cosmetic {
        "form only"
    } else {
        "other statements"
    };
    format!(
        "{what} {} {}: {} instead of {} ({kind}); nothing of it is run, and what the ledger said is kept in rlsctl.event\n",
        accepted.before.version,
        crate::report::printable(&accepted.name),
        accepted.checksum.short(),
        accepted.before.checksum.short(),
    )
}
