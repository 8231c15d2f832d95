//! `reap-idle`: ends sessions that have been idle in a transaction past an age, and only those.
//!
//! [`plan()`] judges a picture of the database, a pure value; [`execute()`] ends who is due, each by a statement that looks again.

mod execute;
mod plan;

pub use execute::{NotEnded, Outcome, execute};
pub use plan::{Ask, Hidden, Left, Plan, plan};
