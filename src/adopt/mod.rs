//! `adopt`: takes over another tool's ledger without running anything.
//!
//! [`rows::read`] says what the other ledger holds, [`files::load`] what the files are, [`plan::plan`] compares the two by the other
//! tool's own checksum, and makes a [`Plan`], a pure value; [`execute`] opens the one transaction in which the other ledger is read
//! and ours is written, and carries the plan out in it. The other tool's table is only read.
//!
//! [`Beside`] is for the time after it: what the other tool has applied on its own since.

pub mod advice;
pub mod compare;
pub mod execute;
pub mod files;
mod join;
pub mod lock;
mod mark;
pub mod plan;
pub mod rows;
mod since;
mod verdict;

pub use mark::mark;
pub use plan::{Ask, Class, Map, Plan, PlannedRow, Refused, plan};
pub use since::Beside;
