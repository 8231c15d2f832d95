//! The command line: clap types, and one file a command that resolves, calls and hands the result to `report`.

mod accept;
mod accept_schema;
mod adopt;
mod args;
mod audit;
mod audit_args;
mod beside;
mod blocked;
mod blockers;
mod catalog_legs;
mod connection;
mod context;
mod describe;
mod drift_against;
mod drift_check;
mod hidden;
mod init;
mod migrate;
mod new;
mod reap_idle;
mod retrofit;
mod retrofit_apply;
mod retrofit_args;
mod retrofit_init;
mod retrofit_undo;
mod run;
mod session_args;
mod shadow;
mod signals;
mod split;
mod split_proof;
mod status;
mod wide;

pub use args::Cli;
pub use run::{main, render_panic};
