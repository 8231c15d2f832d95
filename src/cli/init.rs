//! `rlsctl init`.

use std::path::{Path, PathBuf};

use crate::config::FILE_NAME;
use crate::event::{Event, Listener as _};
use crate::exit::{Exit, Failure};
use crate::migration::{Detected, detect};
use crate::pg::{Work, ledger_store};
use crate::report::Document;

use super::connection::{connect, ledger_failure, settings, shown};
use super::context::{Context, runtime};

/// The command's name in documents.
const NAME: &str = "init";

/// Finds layout, ledger and connection, and writes `rlsctl.toml`.
pub fn run(context: &Context<'_>) -> Result<Exit, Failure> {
    if let Some(path) = &context.config.path {
        return Err(
            Failure::new(Exit::Refused, format!("{} is there already", path.display()))
                .state("nothing was written")
                .hint("edit it, or remove it and run `rlsctl init` again"),
        );
    }
    let (dir, detected) = folder(context)?;
    let ledgers = look(context);
    let text = configuration(&dir, &detected);
    fs_err::write(FILE_NAME, &text)
        .map_err(|error| Failure::new(Exit::Environment, format!("cannot write: {error}")))?;
    context.ui.on(Event::Wrote {
        path: PathBuf::from(FILE_NAME),
    });
    let mut said = format!(
        "migrations {} ({} layout: {})\n",
        shown(&dir),
        detected.layout,
        detected.why
    );
    match &ledgers {
        Ok(found) => said.push_str(found),
        Err(failure) => context
            .ui
            .warning(&format!("the connection was not tried: {}", with_causes(failure))),
    }
    let document = Document::new(NAME, Exit::Done)
        .summary("dir", dir.display().to_string())
        .summary("layout", detected.layout.to_string())
        .summary("connected", ledgers.is_ok())
        .with("wrote", FILE_NAME);
    said.push_str("next: rlsctl status\n");
    context.print(&document, &said)?;
    Ok(Exit::Done)
}

fn folder(context: &Context<'_>) -> Result<(PathBuf, Detected), Failure> {
    let dir = context.dir()?;
    let detected = detect(&dir).map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
    Ok((dir, detected))
}

/// Looks at the database, if one is named by flag or environment. Changes nothing.
fn look(context: &Context<'_>) -> Result<String, Failure> {
    let (settings, target) = settings(context)?;
    runtime()?.block_on(async {
        let session = connect(&settings, Work::Reader).await?;
        let look = ledger_store::look(&session)
            .await
            .map_err(|error| ledger_failure(&error))?;
        session.close().await;
        let ours = look.ledger.map_or_else(
            || "no ledger yet".to_owned(),
            |ledger| format!("ledger with {} applied", ledger.applied),
        );
        let mut text = format!("database   {} ({ours})\n", target.description);
        for table in &look.other_ledgers {
            text.push_str(&format!("           has another tool's ledger: {table}\n"));
        }
        Ok(text)
    })
}

fn with_causes(failure: &Failure) -> String {
    let mut text = failure.what.clone();
    for cause in &failure.causes {
        text.push_str(": ");
        text.push_str(cause);
    }
    text
}

fn configuration(dir: &Path, detected: &Detected) -> String {
    let quoted = toml::Value::String(shown(dir)).to_string();
    format!(
        "# rlsctl: {}\n\n[migrations]\ndir = {quoted}\nlayout = \"{}\"\n\n[targets.default]\nurl = \"${{DATABASE_URL}}\"   # never a literal password\n",
        detected.why, detected.layout
    )
}
