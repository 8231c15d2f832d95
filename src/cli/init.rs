//! `rlsctl init`.

use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use crate::config::FILE_NAME;
use crate::event::{Event, Listener as _};
use crate::exit::{Exit, Failure};
use crate::migration::{Detected, detect};
use crate::pg::{Look, Work, ledger_store};
use crate::report::{Document, TargetInfo, count, printable};

use super::connection::{connect, ledger_failure, settings};
use super::context::{Context, Refusal, block_on};

/// The command's name in documents.
const NAME: &str = "init";

/// Finds layout, ledger and connection, and writes `rlsctl.toml`.
pub fn run(context: &Context<'_>) -> Result<Exit, Failure> {
    if let Some(path) = &context.config.path {
        return Err(already(path));
    }
    let dir = context.dir()?;
    let detected = match detect(&dir) {
        Ok(detected) => detected,
        Err(problem) => {
            let document = Document::new(NAME, Exit::Refused);
            return Refusal::from_problems(&[problem]).report(context, NAME, document);
        }
    };
    let database = look(context);
    let path = context.config.named.clone().unwrap_or_else(|| PathBuf::from(FILE_NAME));
    let shown = relative(&path, &dir);
    write(&path, &configuration(context, &shown, &detected, database.is_ok()))?;
    context.ui.on(Event::Wrote { path: path.clone() });
    if let Err(failure) = &database {
        context
            .ui
            .warning(&format!("the database was not looked at: {}", with_causes(failure)));
    }
    let mut document = Document::new(NAME, Exit::Done)
        .summary("dir", shown.display().to_string())
        .summary("layout", detected.layout.to_string())
        .summary("why", detected.why.clone())
        .summary("connected", database.is_ok())
        .with("wrote", path.display().to_string());
    let found = database.as_ref().ok();
    let others = found.map_or_else(Vec::new, |(_, look)| names(look));
    document = document.with("other_ledgers", others);
    document.target = found.map(|(target, _)| target.clone());
    context.print(&document, &text(&dir, &detected, found))?;
    Ok(Exit::Done)
}

fn names(look: &Look) -> Vec<String> {
    look.other_ledgers.iter().map(ToString::to_string).collect()
}

fn already(path: &Path) -> Failure {
    Failure::new(Exit::Refused, format!("{} is there already", path.display()))
        .state("it was left as it is, and nothing was written")
        .hint("edit it, or remove it and run `rlsctl init` again")
        .hint("for another one beside it: `rlsctl --config FILE init`")
}

/// Looks at the database that flag or environment name, or libpq's default. Changes nothing.
fn look(context: &Context<'_>) -> Result<(TargetInfo, Look), Failure> {
    let (settings, target) = settings(context)?;
    block_on(async {
        let session = connect(&settings, Work::Reader).await?;
        let mut look = ledger_store::look(&session)
            .await
            .map_err(|error| ledger_failure(&error))?;
        let others = ledger_store::look_for_others(&session, &mut look).await;
        others.map_err(|error| ledger_failure(&error))?;
        session.close().await;
        Ok((target, look))
    })?
}

fn with_causes(failure: &Failure) -> String {
    let mut text = failure.what.clone();
    for cause in &failure.causes {
        text.push_str(": ");
        text.push_str(cause);
    }
    text
}

fn text(dir: &Path, detected: &Detected, found: Option<&(TargetInfo, Look)>) -> String {
    let dir = printable(&dir.display().to_string());
    let mut text = format!(
        "migrations {dir} ({} layout: {})\n",
        detected.layout,
        printable(&detected.why)
    );
    if let Some((target, look)) = found {
        let ours = match &look.ledger {
            None => "no ledger yet".to_owned(),
            Some(ledger) => format!("ledger with {}", count(ledger.applied, "migration")),
        };
        text.push_str(&format!("database   {} ({ours})\n", printable(&target.description)));
        for table in names(look) {
            text.push_str(&format!(
                "           another tool's ledger is here: {}\n",
                printable(&table)
            ));
        }
    }
    text + "next       rlsctl status\n"
}

/// Writes a file that is not there; one that appears meanwhile is not written over.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let file = fs_err::OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => already(path),
            _ => Failure::new(Exit::Environment, format!("cannot write {}", path.display()))
                .cause(error.to_string())
                .state("nothing was changed")
                .hint("see that the folder is there and may be written, then run the same command again"),
        })
}

/// Returns the folder as it is written into the file: relative to the file, so that the project can be moved. A folder outside of
/// it that was given as an absolute path stays absolute.
fn relative(file: &Path, dir: &Path) -> PathBuf {
    let base = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let base = base.unwrap_or(Path::new("."));
    let (Ok(base), Ok(target)) = (base.canonicalize(), dir.canonicalize()) else {
        return dir.to_owned();
    };
    if let Ok(below) = target.strip_prefix(&base) {
        let is_base = below.as_os_str().is_empty();
        return if is_base { PathBuf::from(".") } else { below.to_owned() };
    }
    if dir.is_absolute() {
        return dir.to_owned();
    }
    let shared = base
        .components()
        .zip(target.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = base.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(target.components().skip(shared)).collect()
}

fn configuration(context: &Context<'_>, dir: &Path, detected: &Detected, connected: bool) -> String {
    let quoted = toml::Value::String(dir.display().to_string());
    // A comment ends with its line, and the reason may name a file.
    let why: String = detected
        .why
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let variable = match context.config.target() {
        Ok(target) if target.url.is_none() && connected => None,
        Ok(target) if target.origin == "RLSCTL_DATABASE_URL" => Some("RLSCTL_DATABASE_URL"),
        _ => Some("DATABASE_URL"),
    };
    let targets = match variable {
        Some(variable) => format!("[targets.default]\nurl = \"${{{variable}}}\"   # never a literal password\n"),
        // A target would get in the way of what works.
        None => {
            "# The database is the one that PG* and libpq's defaults name. To name others, and choose with --target:\n\
                 # [targets.prod]\n# url = \"${PROD_DATABASE_URL}\"   # never a literal password\n"
                .to_owned()
        }
    };
    format!(
        "[migrations]\ndir = {quoted}\nlayout = \"{}\"   # {why}\n\n{targets}",
        detected.layout
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_written_as_it_is_seen_from_the_file() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["db/migrations", "ci/deep"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        let cases = [
            ("rlsctl.toml", "db/migrations"),
            ("db/rlsctl.toml", "migrations"),
            ("db/migrations/rlsctl.toml", "."),
        ];
        for (file, expected) in cases {
            let found = relative(&root.join(file), &root.join("db/migrations"));
            assert_eq!(found, Path::new(expected), "{file}");
        }
        let outside = root.join("db/migrations");
        assert_eq!(relative(&root.join("ci/deep/rlsctl.toml"), &outside), outside);
    }
}
