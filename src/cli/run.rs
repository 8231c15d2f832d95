//! From the arguments to the exit code.

use std::collections::BTreeMap;

use clap::Parser as _;

use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::report::Ui;

use super::args::{Cli, Command};
use super::context::Context;
use super::describe::config_failure;
use super::{init, migrate, new, status};

/// Runs the command line and returns how it ended.
pub fn main(arguments: impl Iterator<Item = std::ffi::OsString>) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout and are no error; a closed pipe is none either.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let global = &cli.global;
    let ui = Ui::new(global.format, global.quiet, global.verbose, global.color);
    match prepare(&cli).and_then(|config| dispatch(&cli, &Context { ui: &ui, config })) {
        Ok(exit) => exit,
        Err(failure) => {
            // There is nowhere left to say that both streams are gone.
            let _ = ui.failure(cli.name(), &failure, None);
            failure.exit
        }
    }
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
        Command::Init(_) => init::run(context),
        Command::New(args) => new::run(context, args),
        Command::Status(_) => status::run(context),
        Command::Migrate(args) => migrate::run(context, args),
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
