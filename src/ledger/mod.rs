//! The ledger's nouns: what one of its rows says, and how files and rows compare. No server, no text.

mod baseline;
mod compare;
mod entry;
mod mirror;

pub use baseline::{Baseline, Decision};
pub use compare::{Comparison, FileMark, Verdict, compare};
pub use entry::{Entry, Origin, UnknownOrigin};
pub use mirror::{Cell, Mirror, PeerFile, UnknownMirror};
