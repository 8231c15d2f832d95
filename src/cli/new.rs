//! `rlsctl new NAME`.

use crate::event::{Event, Listener as _};
use crate::exit::{Exit, Failure};
use crate::migration::{load, next_file};
use crate::report::Document;

use super::args::NewArgs;
use super::context::{Context, Refusal};

/// The command's name in documents.
const NAME: &str = "new";

/// Makes the next migration file in the project's layout.
pub fn run(context: &Context<'_>, args: &NewArgs) -> Result<Exit, Failure> {
    let dir = context.dir()?;
    let set = match load(&dir, context.config.layout) {
        Ok(set) => set,
        Err(problems) => {
            return Refusal::from_problems(&problems).report(context, NAME, Document::new(NAME, Exit::Refused));
        }
    };
    let files = next_file(&set, &args.name, jiff::Timestamp::now())
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()).state("nothing was written"))?;
    for file in &files {
        file.write().map_err(|error| {
            Failure::new(Exit::Environment, format!("cannot write {}", file.path.display())).cause(error.to_string())
        })?;
        context.ui.on(Event::Wrote {
            path: file.path.clone(),
        });
    }
    let paths: Vec<String> = files.iter().map(|file| file.path.display().to_string()).collect();
    let text = paths.join("\n") + "\n";
    let document = Document::new(NAME, Exit::Done)
        .summary("files", paths.len())
        .with("files", paths);
    context.print(&document, &text)?;
    Ok(Exit::Done)
}
