//! One test binary: every further one would link the SQL grammar again.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::exit,
    reason = "helpers of tests are tests, which clippy only knows of functions that are marked as such"
)]

mod accept;
mod adopt;
mod audit;
mod blockers;
mod broken_layouts;
mod catalog;
mod config;
mod connect;
mod demo;
mod drift_check;
mod drivers;
mod formats;
mod generated;
mod house;
mod init;
mod isolation;
mod layouts;
mod licences;
mod locks;
mod migrate;
mod new;
mod new_files;
mod output;
mod peers;
mod prove;
mod proxy;
mod reap_idle;
mod retrofit;
mod schema;
mod scratch;
mod script;
mod split;
mod status;
mod support;
