//! `rlsctl new NAME`.

use crate::exit::{Exit, Failure};
use crate::migration::{NewFile, NewFileError, load, next_file};
use crate::report::Document;

use super::args::NewArgs;
use super::context::{Context, Refusal};

/// The command's name in documents.
const NAME: &str = "new";

/// Makes the next migration file in the project's layout. Its path, and nothing else, goes to stdout: `$EDITOR $(rlsctl new x)`.
pub fn run(context: &Context<'_>, args: &NewArgs) -> Result<Exit, Failure> {
    let dir = context.dir()?;
    let set = match load(&dir, context.config.layout) {
        Ok(set) => set,
        Err(problems) => {
            return Refusal::from_problems(&problems).report(context, NAME, Document::new(NAME, Exit::Refused));
        }
    };
    let files = next_file(&set, &args.name, jiff::Timestamp::now()).map_err(|error| not_made(&error))?;
    for (index, file) in files.iter().enumerate() {
        file.write()
            .map_err(|error| not_written(file, &files[..index], &error))?;
    }
    let paths: Vec<String> = files.iter().map(|file| file.path.display().to_string()).collect();
    let text = paths.join("\n") + "\n";
    let document = Document::new(NAME, Exit::Done)
        .summary("files", paths.len())
        .summary("layout", set.layout.to_string())
        .with("files", paths);
    context.print(&document, &text)?;
    Ok(Exit::Done)
}

fn not_made(error: &NewFileError) -> Failure {
    let (exit, hint) = match error {
        NewFileError::EmptyName { .. } | NewFileError::LongName { .. } => (
            Exit::Usage,
            "say in a few words what it does: `rlsctl new \"add tenant to invoices\"`",
        ),
        NewFileError::Exists { .. } => (Exit::Refused, "use another name, or edit the file that is there"),
        NewFileError::NoVersionLeft { .. } | NewFileError::NoVersion(_) => {
            (Exit::Refused, "name the file yourself, with a version that sorts last")
        }
        NewFileError::Chained { .. } => (Exit::Refused, "make the file with the layout's own tool"),
        NewFileError::Journal { .. } => (Exit::Refused, "mend the journal with its own tool"),
    };
    Failure::new(exit, error.to_string())
        .state("nothing was written")
        .hint(hint)
}

fn not_written(file: &NewFile, before: &[NewFile], error: &std::io::Error) -> Failure {
    let failure = Failure::new(Exit::Environment, format!("cannot write {}", file.path.display()))
        .cause(error.to_string())
        .hint("see that the folder may be written, then run the same command again");
    if before.is_empty() {
        return failure.state("nothing was written");
    }
    before.iter().fold(failure, |failure, written| {
        failure.state(format!("{} was written; remove it first", written.path.display()))
    })
}
