//! `rlsctl retrofit init`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::config::FILE_NAME;
use crate::event::{Event, Listener as _};
use crate::exit::{Exit, Failure};
use crate::pg::{self, Work};
use crate::report::{count, proposal_document};
use crate::retrofit::propose;

use super::connection::{connect, settings};
use super::context::{Context, block_on};
use super::retrofit_args::InitArgs;

/// Proposes `[tenancy]`, and writes it where that is asked for and there is none.
pub fn run(context: &Context<'_>, args: &InitArgs) -> Result<Exit, Failure> {
    // Before the database is asked: what cannot be written anyway.
    let path = if args.write { Some(writable(context)?) } else { None };
    let (settings, target) = settings(context)?;
    let schema = block_on(async {
        let session = connect(&settings, Work::Reader).await?;
        let schema = pg::schema(&session).await;
        session.close().await;
        schema.map_err(|error| Failure::new(Exit::Environment, error.to_string()).state("nothing was changed"))
    })??;
    let Some(proposal) = propose(&schema) else {
        return Err(no_tables());
    };
    let text = proposal.to_toml();
    if let Some(path) = &path {
        append(path, &text)?;
        context.ui.on(Event::Wrote { path: path.clone() });
    }
    let mut document = proposal_document(&proposal, path.is_some());
    document.target = Some(target);
    context.print(&document, if path.is_some() { "" } else { &text })?;
    let counts = proposal.counts();
    context.ui.note(&format!(
        "{} of {} have {}, {} get it from a parent",
        counts.with_column,
        count(counts.tables, "table"),
        proposal.column,
        counts.from_parent
    ));
    let choices = text.matches("# choose:").count();
    if choices > 0 {
        context
            .ui
            .note(&format!("{} to decide, each at `# choose:`", count(choices, "thing")));
    }
    let first = if path.is_some() {
        "read it"
    } else {
        "`rlsctl retrofit init --write`"
    };
    context.ui.note(&format!("next: {first}, then `rlsctl retrofit plan`"));
    Ok(Exit::Done)
}

fn no_tables() -> Failure {
    Failure::new(Exit::Refused, "there are no tables to propose anything for")
        .state("nothing was changed")
        .hint("see that the target is the right database: `rlsctl status` prints it")
        .hint("schemas of services and tools, such as auth and storage, are left out")
}

/// Returns the file that `[tenancy]` can be added to.
fn writable(context: &Context<'_>) -> Result<PathBuf, Failure> {
    let Some(path) = &context.config.path else {
        return Err(
            Failure::new(Exit::Refused, format!("there is no {FILE_NAME} to add [tenancy] to"))
                .state("nothing was changed")
                .hint("make one: `rlsctl init`"),
        );
    };
    let text = read(path)?;
    // An empty table would be one, too.
    let has_it = text
        .parse::<toml::Table>()
        .is_ok_and(|table| table.contains_key("tenancy"));
    if has_it {
        return Err(
            Failure::new(Exit::Refused, format!("{} has [tenancy] already", path.display()))
                .state("it was left as it is")
                .hint("see what would be proposed: `rlsctl retrofit init`"),
        );
    }
    Ok(path.clone())
}

fn read(path: &Path) -> Result<String, Failure> {
    fs_err::read_to_string(path).map_err(|error| not_written(path, &error))
}

fn not_written(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Environment, format!("cannot add to {}", path.display()))
        .cause(error.to_string())
        .state("it was left as it is")
        .hint("see that it may be read and written, then run the same command again")
}

/// Adds lines behind what a file has; every byte of that stays.
fn append(path: &Path, text: &str) -> Result<(), Failure> {
    let before = read(path)?;
    let added = behind(&before, text);
    let mut file = fs_err::OpenOptions::new()
        .append(true)
        .open(path)
        .map_err(|error| not_written(path, &error))?;
    if let Err(error) = file.write_all(added.as_bytes()).and_then(|()| file.sync_all()) {
        // Half of it would be worse than nothing.
        let _ = file.set_len(before.len() as u64);
        return Err(not_written(path, &error));
    }
    Ok(())
}

/// Returns what has to be added so that `text` stands behind an empty line, with the line ends of the file.
fn behind(before: &str, text: &str) -> String {
    let between = match before {
        "" => "",
        _ if before.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let added = format!("{between}{text}");
    if before.contains("\r\n") {
        added.replace('\n', "\r\n")
    } else {
        added
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_as_the_file_writes_its_own() {
        for (before, added) in [
            ("", "[tenancy]\n"),
            ("a = 1\n", "\n[tenancy]\n"),
            ("a = 1", "\n\n[tenancy]\n"),
            ("a = 1\r\n", "\r\n[tenancy]\r\n"),
        ] {
            assert_eq!(behind(before, "[tenancy]\n"), added);
        }
    }
}
