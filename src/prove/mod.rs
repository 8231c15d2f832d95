//! `prove`: acts as one tenant and tries to reach another's rows.
//!
//! What is tried is a pure plan made of the schema and the tenancy model ([`plan`]); [`execute`] carries it out, each relation in a transaction
//! that is rolled back, each probe behind a savepoint. What an answer means is decided by pure functions again (`judge`). A verdict of
//! [`Tier::Static`] follows from the catalog alone.

mod candidates;
mod compose;
mod differ;
mod differences;
mod execute;
mod findings;
mod found;
mod judge;
mod pgtap;
mod plan;
mod probe;
mod reads;
mod rights;
mod roles;
mod sample;
mod says;
mod seed;
mod settle;
mod stated;
mod tenants;
mod text;
mod through;
mod verdict;
mod whose;
mod writes;

pub use execute::{Options, ProveError, execute};
pub use findings::findings;
pub use pgtap::PgTap;
pub use plan::{Plan, Subject, plan};
pub use rights::Rights;
pub use says::Who;
pub use settle::settle;
pub use verdict::{Deed, Proof, Ruling, Tier, Verdict};
pub use whose::{Whose, whose};
