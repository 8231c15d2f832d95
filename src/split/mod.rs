//! `split`: cuts a wide migration into sections of one table, and files of at most eight.
//!
//! [`unit::units`] cuts the script into statements with their comments and says where each may stand; [`arrange`](arrange::arrange)
//! puts them into files, heads and sections without changing the order of any two that depend on each other;
//! [`compose`](compose::compose) writes the texts; [`Staged`](crate::migration::Staged) puts all files into place, or none. All
//! of this but the last is pure. That the catalog comes out the same is not believed but tried: by the command, on a throwaway server.

pub mod arrange;
pub mod compose;
mod denied;
mod footprint;
mod judge;
pub mod plan;
mod tables;
pub mod unit;

pub use arrange::{Part, Sections, arrange};
pub use compose::compose;
pub use judge::{Most, Place, Why};
pub use plan::{NotSplit, SplitFile, SplitPlan, plan};
pub use unit::{NotCut, Unit, Units, units};
