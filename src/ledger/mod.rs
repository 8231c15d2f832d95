//! The ledger's nouns: what one of its rows says, how files and rows compare, what is found where they disagree; other tools' ledgers.
//! No server.

mod applied;
pub mod baseline;
mod compare;
mod entry;
mod findings;
mod mirror;
mod peer;
mod verify;

pub use applied::AppliedState;
pub use compare::{Comparison, FileMark, Verdict, compare};
pub use entry::{Entry, Origin, UnknownOrigin};
pub use findings::{gap, pending, pending_record};
pub use mirror::{Cell, Mirror, PeerFile, UnknownMirror};
pub use peer::{Peer, PeerTable, UnknownPeer};
pub use verify::{Verified, verify};
