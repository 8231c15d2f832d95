//! An application at work: 46 tables under an open-loop load, and the sessions that stand around in such a database, dead
//! and alive. Shared by the bench `locks` and by the demo.
//!
//! Statements are issued at their times, whether or not earlier ones came back, and every latency counts from the time a
//! statement was meant to be issued. So a statement that waits in a client's own queue, because its connections wait for a
//! lock, is counted as the person in front of the screen would count it.

mod application;
mod cast;
mod client;
mod crowd;
mod figures;
mod load;
mod schema;

pub(crate) use application::{Application, Performance, Scene};
pub(crate) use cast::{AGE, Fate, GID, PREPARED_ON, PROTECTED_ROLE};
pub(crate) use crowd::NEVER_FREE;
pub(crate) use figures::{Figures, milliseconds};
pub(crate) use schema::{DONE, OWNER, ROLES, TABLES, bare_tables, name, script, sections, tables};

/// Statements that the application issues in a second.
pub(crate) const RATE: u32 = 470;

/// Settings that a server needs for it: a connection is cheap, and too few of them would hide what a lock does.
pub(crate) fn server_settings() -> Vec<(String, String)> {
    [
        ("max_connections", "500"),
        ("max_prepared_transactions", "10"),
        // Whoever measures locks wants no other locks.
        ("autovacuum", "off"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}
