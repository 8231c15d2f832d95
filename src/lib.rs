//! rlsctl: row-level security on live multi-tenant Postgres.
//!
//! The floors of the house, from the top; a module may only use what is below it:
//!
//! 1. [`cli`]: clap types, one file a command.
//! 2. [`config`], [`report`]: settings in, text out.
//! 3. [`migrate`], [`drift`], [`adopt`], [`split`], [`reap`], [`blockers`], [`retrofit`],
//!    [`audit`]: the capabilities, each a plan (a value) and its executor.
//! 4. [`pg`]: the only user of the driver.
//! 5. [`isolation`]: what a session can reach, worked out on the nouns below.
//! 6. [`tenancy`], [`schema`], [`migration`], [`ledger`], [`catalog`], [`activity`]: the nouns.
//! 7. [`script`]: SQL text; the only user of the server's grammar.
//! 8. [`finding`], [`event`], [`exit`], [`duration`]: the words in which capabilities speak.
//!
//! `tests/house.rs` keeps the arrows pointing down.

pub mod activity;
pub mod adopt;
pub mod audit;
pub mod blockers;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod drift;
pub mod duration;
pub mod event;
pub mod exit;
pub mod finding;
pub mod isolation;
pub mod ledger;
pub mod migrate;
pub mod migration;
pub mod pg;
pub mod reap;
pub mod report;
pub mod retrofit;
pub mod schema;
pub mod script;
pub mod split;
pub mod tenancy;
