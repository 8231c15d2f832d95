//! Who is at work in a database: backends, what they hold and wait for, and which of them may be ended. Pure.

mod backend;
mod relation;
mod rule;
mod state;
mod wait;

pub use backend::{Backend, Held, Kind, Pid, ServerTime, Signal};
pub use relation::{Oid, Relation};
pub use rule::{NamePattern, Rule, Spared};
pub use state::{SessionState, UnknownState};
pub use wait::{Awaited, Party, Wait};
