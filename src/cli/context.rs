//! What every command has at hand.

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::finding::Finding;
use crate::migration::{Problem, Set, find};
use crate::report::{Document, Ui, count, forgive_broken_pipe, sort_findings};

/// What every command has at hand.
pub struct Context<'a> {
    /// The streams.
    pub ui: &'a Ui,
    /// The settings.
    pub config: Config,
    /// Whether every question is answered already.
    pub yes: bool,
}

impl Context<'_> {
    /// Returns the migrations folder: the one that is configured, or the only one that is found in the project, which is where
    /// `rlsctl.toml` is, or here.
    ///
    /// # Errors
    /// None found, or several: nothing is guessed.
    pub fn dir(&self) -> Result<PathBuf, Failure> {
        if let Some(dir) = &self.config.dir {
            return Ok(dir.clone());
        }
        let root = &self.config.root;
        let is_here = root.as_os_str().is_empty();
        let found = find(if is_here { Path::new(".") } else { root }).map_err(|problem| {
            let failure =
                Failure::new(Exit::Environment, "no migrations folder could be settled on").cause(problem.to_string());
            failure
                .state("nothing was changed")
                .hint("name it with `--dir DIR`, and its layout in rlsctl.toml")
        })?;
        match found.as_slice() {
            [(dir, _)] => Ok(short(dir)),
            [] => Err(no_folder(root)),
            several => {
                let mut failure = Failure::new(Exit::Environment, "several migrations folders were found");
                let named = several
                    .iter()
                    .map(|(dir, detected)| format!("{} ({} layout)", short(dir).display(), detected.layout));
                failure.causes = named.collect();
                Err(failure
                    .state("nothing was changed")
                    .hint("name the one that is meant with `--dir DIR`, or in rlsctl.toml"))
            }
        }
    }

    /// Prints a result.
    ///
    /// # Errors
    /// A stream that cannot be written; a reader that closed the pipe is none.
    pub fn print(&self, document: &Document, text: &str) -> Result<(), Failure> {
        forgive_broken_pipe(self.ui.result(document, text))
    }

    /// Prints what was done before a failure that is printed next.
    ///
    /// # Errors
    /// As [`Self::print`].
    pub fn partial(&self, document: &Document, text: &str) -> Result<(), Failure> {
        forgive_broken_pipe(self.ui.partial(document, text))
    }

    /// Prints a failure, with the document of what was done before it.
    ///
    /// # Errors
    /// As [`Self::print`].
    pub fn fail(&self, command: &'static str, failure: &Failure, document: Document) -> Result<(), Failure> {
        forgive_broken_pipe(self.ui.failure(command, failure, Some(document)))
    }
}

/// Returns a path without the leading `./` that a search from here gives it.
fn short(dir: &Path) -> PathBuf {
    dir.strip_prefix("./").unwrap_or(dir).to_owned()
}

fn no_folder(root: &Path) -> Failure {
    let place = if root.as_os_str().is_empty() {
        "here or below".to_owned()
    } else {
        format!("in {} or below", root.display())
    };
    Failure::new(
        Exit::Environment,
        format!("no folder with migrations was found {place}"),
    )
    .state("nothing was changed")
    .hint("if there is one, name it: `rlsctl --dir DIR ...`")
    .hint("if there is none yet, make one: `mkdir migrations && rlsctl --dir migrations init`")
}

/// Returns where the files are, how they are laid out and how many there are, for people.
pub fn folder(set: &Set) -> String {
    let files = count(set.migrations.len(), "file");
    format!("{} ({} layout, {files})", set.dir.display(), set.layout)
}

/// Runs the part of a command that connects, on one thread: the work is the server's.
///
/// # Errors
/// The operating system's.
pub fn block_on<T>(connected: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Environment, "cannot start").cause(error.to_string()))?;
    let result = runtime.block_on(connected);
    // A name that is still being looked up sits in a thread of its own, which nobody has to wait for.
    runtime.shutdown_background();
    Ok(result)
}

/// Findings that keep a command from beginning.
#[derive(Debug)]
pub struct Refusal {
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Refusal {
    /// Returns a finding for each problem with the files.
    pub fn from_problems(problems: &[Problem]) -> Self {
        Self {
            findings: problems.iter().map(finding).collect(),
        }
    }

    /// Prints the findings, and returns the exit code.
    ///
    /// # Errors
    /// A stream that cannot be written.
    pub fn report(self, context: &Context<'_>, command: &'static str, document: Document) -> Result<Exit, Failure> {
        self.report_with(context, command, document, Vec::new())
    }

    /// Does the same, with more instructions behind the findings.
    ///
    /// # Errors
    /// A stream that cannot be written.
    pub fn report_with(
        self,
        context: &Context<'_>,
        command: &'static str,
        document: Document,
        hints: Vec<String>,
    ) -> Result<Exit, Failure> {
        let mut findings = self.findings;
        sort_findings(&mut findings);
        let mut failure = Failure::new(
            Exit::Refused,
            format!("refused before anything ran: {}", count(findings.len(), "finding")),
        )
        .state("nothing was changed")
        .hint(format!("mend what is listed above, then run `rlsctl {command}` again"));
        failure.hints.extend(hints);
        context.ui.findings(&findings);
        let mut document = document;
        document.findings = findings;
        context.fail(command, &failure, document)?;
        Ok(Exit::Refused)
    }
}

/// Returns a problem with the files as a finding.
fn finding(problem: &Problem) -> Finding {
    let paths = problem.paths();
    let object = paths
        .first()
        .map_or_else(String::new, |path| path.display().to_string());
    let message = problem.to_string();
    // The object is printed before the message, and the line behind it.
    let bare = message.strip_prefix(&object).and_then(|rest| rest.split_once(": "));
    let bare = bare.filter(|(place, _)| place.chars().all(|c| c == ':' || c.is_ascii_digit()));
    let message = bare.map_or(message.as_str(), |(_, bare)| bare);
    let mut finding = Finding::error(problem.code(), object, message, help(problem));
    if paths.len() > 1 {
        let all: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        finding = finding.evidence("files", all);
    }
    match (paths.first(), problem.line()) {
        (Some(path), Some(line)) => finding.at(*path, line, problem.column().unwrap_or(1)),
        _ => finding,
    }
}

/// Returns what to do about a problem with the files.
fn help(problem: &Problem) -> &'static str {
    match problem {
        Problem::DirectoryMissing { .. } => {
            "name the migrations folder with `--dir`, or in rlsctl.toml; if there is none yet, make it with mkdir"
        }
        Problem::NoDirectory { .. } => "name the migrations folder with `--dir`, or in rlsctl.toml",
        Problem::Unreadable { .. } => "see who owns it, and that you may read it",
        Problem::NotAFile { .. } => "move it out of the migrations folder",
        Problem::SymlinkLoop { .. } => "remove the link",
        Problem::DuplicateVersion { .. } => {
            "give all but one of them a version of its own; one that is applied keeps its version"
        }
        Problem::UnreadableName { .. } => "rename it, or move it out of the migrations folder",
        Problem::NotUtf8 { .. } => "save it as UTF-8",
        Problem::NulByte { .. } => "take the NUL byte out",
        Problem::MissingScript { .. } => "restore the file, or remove what asks for it",
        Problem::NotInJournal { .. } | Problem::BadJournal { .. } | Problem::JournalOrder { .. } => {
            "mend the journal with its own tool"
        }
        Problem::OtherDatabase { .. } => "rlsctl is for Postgres only",
        Problem::MarkerMissing { .. } | Problem::MisplacedMarker { .. } | Problem::StatementBeforeMarker { .. } => {
            "mend the marker, as the layout's own tool asks for it"
        }
        Problem::NeedsSubstitution { .. } => "write the value itself; rlsctl runs a file as it stands",
        Problem::UnsupportedSetting { .. } => "take the setting out, or say it in SQL",
        Problem::NotSql { .. } => "write it in SQL; until then these files cannot be applied in order",
        Problem::BaselineNeeded { .. } => "keep the files that it stands for",
        Problem::UnknownLayout { .. } => {
            "name the layout in rlsctl.toml: `layout = \"plain\"` takes files such as 0001_name.sql"
        }
        Problem::AmbiguousLayout { .. } => "name the layout in rlsctl.toml",
    }
}
