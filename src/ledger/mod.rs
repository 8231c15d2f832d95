//! The ledger's nouns: what one of its rows says, and how files and rows compare; other tools' ledgers. No server, no text.

mod compare;
mod entry;
mod peer;

pub use compare::{Comparison, FileMark, Verdict, compare};
pub use entry::{Entry, Origin, UnknownOrigin};
pub use peer::{Peer, PeerTable, UnknownPeer};
