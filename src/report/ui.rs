//! The streams, and what goes to which.

use std::io::{self, IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice as Choice};
use terminal_size::{Width, terminal_size_of};

use crate::event::{Event, Listener};
use crate::exit::{Exit, Failure};

use super::document::Document;
use super::failure::{failure_json, render_failure};
use super::progress::Progress;
use super::text::{NOTE, WARNING, printable};

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document on stdout.
    Json,
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
        let bar = io::stderr().is_terminal() && !quiet && !verbose && format == Format::Text;
        Self {
            format,
            quiet,
            verbose,
            color,
            progress: Progress::new(bar),
        }
    }

    /// Prints what was asked for: `text` for people, `document` for machines.
    ///
    /// # Errors
    /// The stream's; a broken pipe is the caller's to forgive.
    pub fn result(&self, document: &Document, text: &str) -> io::Result<()> {
        let mut stdout = AutoStream::new(io::stdout().lock(), self.choice(&io::stdout()));
        match self.format {
            Format::Json => stdout.write_all(document.to_json().as_bytes())?,
            Format::Text => stdout.write_all(text.as_bytes())?,
        }
        stdout.flush()
    }

    /// Prints why a command failed; as JSON also on stdout.
    ///
    /// # Errors
    /// The stream's.
    pub fn failure(&self, command: &'static str, failure: &Failure, document: Option<Document>) -> io::Result<()> {
        self.progress.finish();
        self.err(&render_failure(failure, terminal_width()));
        if self.format == Format::Json {
            let mut document = document.unwrap_or_else(|| Document::new(command, failure.exit));
            document.exit = failure.exit;
            document.extra.insert("error".to_owned(), failure_json(failure));
            self.result(&document, "")?;
        }
        Ok(())
    }

    /// Prints findings to stderr, for a command that is not about findings.
    pub fn findings(&self, text: &str) {
        self.err(text);
    }

    /// Prints something a person should look at.
    pub fn warning(&self, text: &str) {
        self.err(&format!("{WARNING}warning:{WARNING:#} {}\n", printable(text)));
    }

    /// Prints something good to know, unless quiet.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.err(&format!("{NOTE}note:{NOTE:#} {}\n", printable(text)));
        }
    }

    /// Whether a person asked for more.
    pub fn is_verbose(&self) -> bool {
        self.verbose
    }

    fn err(&self, text: &str) {
        self.progress.suspend(|| {
            let mut stderr = AutoStream::new(io::stderr().lock(), self.choice(&io::stderr()));
            // There is nowhere to say that stderr is gone.
            let _ = stderr.write_all(text.as_bytes());
        });
    }

    fn choice(&self, stream: &impl anstream::stream::RawStream) -> Choice {
        match self.color {
            Choice::Auto => AutoStream::choice(stream),
            chosen => chosen,
        }
    }
}

/// The width of the terminal behind stderr, or 100 columns in a pipe.
fn terminal_width() -> usize {
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
        )),
        _ => Ok(()),
    }
}

impl Listener for Ui {
    fn on(&self, event: Event) {
        if let Event::Warning(text) = &event {
            return self.warning(text);
        }
        if self.quiet {
            return;
        }
        if let Event::Notice { severity, message } = &event
            && !self.verbose
            && severity != "WARNING"
        {
            // psql prints NOTICEs; a run over hundreds of files would drown in `relation already exists, skipping`.
            let _ = message;
            return;
        }
        if let Some(line) = self.progress.on(&event) {
            self.err(&format!("{line}\n"));
        }
    }
}
