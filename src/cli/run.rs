//! From the arguments to the exit code.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;

use clap::{CommandFactory as _, Parser as _, ValueEnum as _};

use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::report::{ColorChoice, Document, Format, Ui};

use super::args::{Cli, Command};
use super::context::Context;
use super::describe::config_failure;
use super::{accept, adopt, audit, blockers, drift_check, init, migrate, new, reap_idle, retrofit, split, status};

/// Runs the command line and returns how it ended.
pub fn main(arguments: impl Iterator<Item = OsString>) -> Exit {
    let arguments: Vec<_> = arguments.collect();
    if let [_, only] = arguments.as_slice()
        && (only == "--version" || only == "-V")
    {
        return version();
    }
    let cli = match parse(&arguments) {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error, wanted_format(&arguments)),
    };
    let global = &cli.global;
    let ui = Ui::new(global.format, global.quiet, global.verbose, global.color);
    let prepared = prepare(&cli);
    if let (Err(failure), Command::ReapIdle(args)) = (&prepared, &cli.command) {
        reap_idle::before_anything(&ui, args, failure.exit);
    }
    match prepared.and_then(|config| dispatch(&cli, &Context { ui: &ui, config })) {
        Ok(exit) => exit,
        Err(failure) => {
            // There is nowhere left to say that both streams are gone.
            let _ = ui.failure(cli.name(), &failure, None);
            failure.exit
        }
    }
}

/// Prints the version as clap would, without setting up all commands first: scripts ask for it at every step.
fn version() -> Exit {
    // A closed pipe is no error.
    let _ = writeln!(std::io::stdout(), "rlsctl {}", env!("CARGO_PKG_VERSION"));
    Exit::Done
}

/// Reads the command line. What clap does not see when one of a pair stands before the command and the other behind it is
/// looked at here.
fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let cli = Cli::try_parse_from(arguments)?;
    let conflict = |what: &str| Err(Cli::command().error(clap::error::ErrorKind::ArgumentConflict, what));
    if cli.global.quiet && cli.global.verbose {
        return conflict("`--quiet` cannot be used with `--verbose`");
    }
    if cli.global.target.is_some() && cli.global.database_url.is_some() {
        return conflict("`--target` cannot be used with `--database-url`: each names a database");
    }
    if let Command::ReapIdle(args) = &cli.command
        && args.all_targets
        && (cli.global.target.is_some() || cli.global.database_url.is_some())
    {
        return conflict("`--all-targets` cannot be used with `--target` or `--database-url`");
    }
    if cli.global.format.is_of_findings() && !cli.has_findings() {
        return conflict(&format!(
            "`{}` has no findings to print as {}: use `--format text` or `--format json`",
            cli.name(),
            format_name(cli.global.format)
        ));
    }
    Ok(cli)
}

fn format_name(format: Format) -> String {
    format
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Prints help, the version, or why the command line was not understood; the last also as a document, if one is asked for.
fn not_understood(error: &clap::Error, format: Format) -> Exit {
    // Help and version go to stdout and are no error; a closed pipe is none either.
    let _ = error.print();
    if !error.use_stderr() {
        return Exit::Done;
    }
    if format != Format::Text {
        let ui = Ui::new(format, true, false, ColorChoice::Never);
        let rendered = error.render().to_string();
        let what = rendered
            .trim_start_matches("error: ")
            .split("\n\n")
            .next()
            .unwrap_or_default();
        let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
        let failure = Failure::new(Exit::Usage, what)
            .state("nothing was changed")
            .hint("`rlsctl --help` shows the commands and options");
        let _ = ui.failed_document(Document::new("usage", failure.exit), &failure);
    }
    Exit::Usage
}

/// Returns the format that is named somewhere in a command line that is not understood as a whole.
fn wanted_format(arguments: &[OsString]) -> Format {
    let texts: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let joined = texts.iter().filter_map(|text| text.strip_prefix("--format="));
    let apart = texts
        .windows(2)
        .filter(|pair| pair[0] == "--format")
        .map(|pair| pair[1]);
    let mut named = joined
        .chain(apart)
        .filter_map(|name| Format::from_str(name, false).ok());
    named.next().unwrap_or_default()
}

fn prepare(cli: &Cli) -> Result<Config, Failure> {
    let cwd = std::env::current_dir().map_err(|error| {
        Failure::new(Exit::Environment, "the current directory cannot be read").cause(error.to_string())
    })?;
    // Variables that are not UTF-8 cannot be ours.
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Config::resolve(cli.flags(), environment, &cwd).map_err(|error| config_failure(&error))
}

fn dispatch(cli: &Cli, context: &Context<'_>) -> Result<Exit, Failure> {
    for warning in &context.config.warnings {
        context.ui.warning(warning);
    }
    match &cli.command {
        Command::Adopt(args) => adopt::run(context, args),
        Command::Init(_) => init::run(context),
        Command::New(args) => new::run(context, args),
        Command::Status(_) => status::run(context),
        Command::Migrate(args) => migrate::run(context, args),
        Command::DriftCheck(args) => drift_check::run(context, args),
        Command::Accept(args) => accept::run(context, args),
        Command::Blockers(args) => blockers::run(context, args),
        Command::ReapIdle(args) => reap_idle::run(context, args),
        Command::Split(args) => split::run(context, args),
        Command::Retrofit(args) => retrofit::run(context, args),
        Command::Audit(args) => audit::run(context, args),
    }
}

/// Returns what is printed for a panic: that it is our bug, where, and how to report it; never data.
pub fn render_panic(location: Option<&std::panic::Location<'_>>) -> String {
    let place = location.map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    format!(
        "error: this is a bug in rlsctl {}, at {place}\n  state: a migration that was running is rolled back by the server; `rlsctl status` shows what is applied\n  next: please report this line and the command, without passwords\n",
        env!("CARGO_PKG_VERSION")
    )
}
