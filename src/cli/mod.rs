//! The command line: clap types, and one file a command that resolves, calls and hands the result to `report`.

mod adopt;
mod args;
mod connection;
mod context;
mod describe;
mod init;
mod migrate;
mod new;
mod run;
mod status;

pub use args::Cli;
pub use run::{main, render_panic};
