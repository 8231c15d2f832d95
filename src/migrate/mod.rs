//! `migrate`: applies what is pending, safely.
//!
//! [`plan`](plan::plan) looks at files and ledger and makes a [`Plan`], a pure value; [`run`](execute::Migrator::run) carries it out.
//! How one file runs is decided by [`cut`](cut::cut): whole, in one message and one transaction, or in steps.

mod beforehand;
mod contest;
pub mod cut;
pub mod execute;
pub mod explain;
mod finish;
pub mod frame;
pub mod hidden;
pub mod locking;
pub mod message;
pub mod mirror;
pub mod outcome;
mod outside;
pub mod plan;
pub mod refuse;
mod repeat;
mod retry;
pub mod rounds;
mod sectioned;
mod send;
mod single;
mod stepwise;
mod unit;
mod wants;
pub mod wide;

pub use execute::{Interrupt, Migrator};
pub use mirror::{Mirroring, NotMirrored};
pub use outcome::{Applied, Outcome, Place, Remains, Repeated, RunError};
pub use plan::{Plan, PlannedFile};
