//! One test binary: every further one would link the SQL grammar again.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::exit,
    reason = "helpers of tests are tests, which clippy only knows of functions that are marked as such"
)]

mod config;
mod demo;
mod generated;
mod house;
mod init;
mod licences;
mod migrate;
mod new;
mod output;
mod peers;
mod proxy;
mod scratch;
mod status;
mod support;
