//! The streams, and what goes to which.

use std::io::{self, IsTerminal as _, Write as _};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice as Choice};
use terminal_size::{Width, terminal_size_of};

use crate::event::{Event, Listener};
use crate::exit::{Exit, Failure};
use crate::finding::Finding;

use super::document::Document;
use super::failure::{render_failure, with_failure};
use super::fold::folded;
use super::formats::{Told, defused, github, junit, markdown, sarif, summary};
use super::progress::Progress;
use super::screen::Screen;
use super::text::{WARNING, printable, render_findings};

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document on stdout.
    Json,
    /// Workflow commands of GitHub Actions: annotations on a pull request.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// A test report in XML, as of `JUnit`.
    Junit,
    /// A table for a comment on a pull request.
    Markdown,
}

impl Format {
    /// Whether only findings can be printed in it.
    pub fn is_of_findings(self) -> bool {
        !matches!(self, Self::Text | Self::Json)
    }
}

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Writes to stdout and stderr.
pub struct Ui {
    format: Format,
    quiet: bool,
    verbose: bool,
    color: Choice,
    colored_stderr: bool,
    progress: Progress,
}

impl Ui {
    /// Returns a writer.
    pub fn new(format: Format, quiet: bool, verbose: bool, color: ColorChoice) -> Self {
        let color = match color {
            ColorChoice::Auto => Choice::Auto,
            ColorChoice::Always => Choice::Always,
            ColorChoice::Never => Choice::Never,
        };
        // A terminal that knows no escape codes, such as an editor's shell, says so.
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let bar = io::stderr().is_terminal() && !is_dumb && !quiet && !verbose && format == Format::Text;
        Self {
            format,
            quiet,
            verbose,
            color,
            colored_stderr: choice(color, &io::stderr()) != Choice::Never,
            progress: Progress::new(bar),
        }
    }

    /// Prints what was asked for: `text` for people, `document` for machines.
    ///
    /// # Errors
    /// The stream's; a broken pipe is the caller's to forgive.
    pub fn result(&self, document: &Document, text: &str) -> io::Result<()> {
        if self.format == Format::Text {
            let mut stdout = AutoStream::new(io::stdout().lock(), choice(self.color, &io::stdout()));
            stdout.write_all(text.as_bytes())?;
            return stdout.flush();
        }
        self.document(document, None)
    }

    /// Prints to stdout what was done before a failure; machines find it in the document of the failure.
    ///
    /// # Errors
    /// The stream's.
    pub fn partial(&self, document: &Document, text: &str) -> io::Result<()> {
        if self.format == Format::Text {
            return self.result(document, text);
        }
        Ok(())
    }

    /// Takes the terminal's screen, for what is watched; `None` where stdout is no terminal.
    pub fn screen(&self) -> Option<Screen> {
        Screen::take(choice(self.color, &io::stdout()) != Choice::Never)
    }

    /// Returns the width of the terminal behind stdout; `None` in a pipe, where nothing is cut.
    pub fn width(&self) -> Option<u16> {
        stdout_width()
    }

    /// Whether results are printed for machines.
    pub fn is_for_machines(&self) -> bool {
        self.format != Format::Text
    }

    /// Whether what is spared is told too.
    pub fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Prints a document in the format that machines asked for.
    fn document(&self, document: &Document, failure: Option<&Failure>) -> io::Result<()> {
        let summary = summary(document);
        let told = Told::new(document, &summary, failure);
        let text = match self.format {
            Format::Json => document.to_json(),
            Format::Github => github(&told),
            Format::Sarif => sarif(&told),
            Format::Junit => junit(&told),
            Format::Markdown => markdown(&told),
            Format::Text => return Ok(()),
        };
        // Past anstream, which would take bytes for escape codes that are none in JSON.
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    }

    /// Prints why a command failed; for machines also on stdout.
    ///
    /// # Errors
    /// The stream's.
    pub fn failure(&self, command: &'static str, failure: &Failure, document: Option<Document>) -> io::Result<()> {
        self.progress.finish();
        self.err(&render_failure(failure, terminal_width()));
        let document = document.unwrap_or_else(|| Document::new(command, failure.exit));
        self.failed_document(document, failure)
    }

    /// Prints why a command failed to stdout, where machines look; nothing for people.
    ///
    /// # Errors
    /// The stream's.
    pub fn failed_document(&self, document: Document, failure: &Failure) -> io::Result<()> {
        self.document(&with_failure(document, failure), Some(failure))
    }

    /// Prints findings that stop a command to stderr.
    pub fn findings(&self, findings: &[Finding]) {
        self.err(&render_findings(findings));
    }

    /// Prints findings that stop nothing, unless quiet.
    pub fn notes(&self, notes: &[Finding]) {
        if !self.quiet {
            self.err(&render_findings(notes));
        }
    }

    /// Prints what was done on the way, unless quiet.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.err(&format!("{}\n", printable(text)));
        }
    }

    /// Prints something a person should look at, unless quiet.
    pub fn warning(&self, text: &str) {
        if !self.quiet {
            self.err(&format!("{WARNING}warning:{WARNING:#} {}\n", printable(text)));
        }
    }

    fn err(&self, text: &str) {
        let folded = terminal_size_of(io::stderr()).map(|(Width(width), _)| folded(text, width.into()));
        let text = folded.as_deref().unwrap_or(text);
        let plain = (!self.colored_stderr).then(|| strip_str(text).to_string());
        let text = plain.as_deref().unwrap_or(text);
        let harmless = (self.format == Format::Github).then(|| defused(text));
        let text = harmless.as_deref().unwrap_or(text);
        self.progress.suspend(|| {
            // In one piece: whoever reads a pipe is woken by each, while the server waits for the next migration.
            // There is nowhere to say that stderr is gone.
            let _ = io::stderr().lock().write_all(text.as_bytes());
        });
    }
}

fn choice(color: Choice, stream: &impl anstream::stream::RawStream) -> Choice {
    match color {
        Choice::Auto => AutoStream::choice(stream),
        chosen => chosen,
    }
}

/// The width of the terminal behind stderr, or 100 columns in a pipe.
pub(super) fn terminal_width() -> usize {
    terminal_size_of(io::stderr()).map_or(100, |(Width(width), _)| width.into())
}

/// The width of the terminal behind stdout; `None` in a pipe, where nothing is wrapped.
pub(super) fn stdout_width() -> Option<u16> {
    terminal_size_of(io::stdout()).map(|(Width(width), _)| width)
}

/// Forgives a reader that closed the pipe early: that is not an error.
///
/// # Errors
/// Any other.
pub fn forgive_broken_pipe(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            Exit::Environment,
            format!("cannot write to stdout: {error}"),
        )
        .state("only this output is lost; what the command did before is done")
        .hint("`rlsctl status` shows what is applied")),
        _ => Ok(()),
    }
}

impl Listener for Ui {
    fn on(&self, event: Event) {
        if self.quiet {
            return;
        }
        if let Event::Notice { severity, .. } = &event
            && !self.verbose
            && severity != "WARNING"
        {
            // psql prints NOTICEs; a run over hundreds of files would drown in `relation already exists, skipping`.
            return;
        }
        if let Some(line) = self.progress.on(&event) {
            self.err(&format!("{line}\n"));
        }
    }
}
