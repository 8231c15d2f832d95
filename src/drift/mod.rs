//! `drift-check` and `accept`: whether files, ledger and catalog still say the same, and how to make them.
//!
//! Each leg is a pure function from what was read to findings: [`files`] compares files with the ledger, [`against`] two ledgers with one
//! another. [`missing`] plans the files that can be written back, [`acceptance`] an edit that is meant to be so.

mod accept;
mod against;
mod files;
mod missing;
mod reference;
mod schema;
mod shadow;

pub use accept::{Acceptance, NotAccepted, acceptance};
pub use against::against;
pub use files::{Strictness, add_elsewhere, files};
pub use missing::{MissingFiles, missing};
pub use reference::who_moved;
pub use schema::{Sides, schema};
pub use shadow::{Replay, ReplayError, replay};
