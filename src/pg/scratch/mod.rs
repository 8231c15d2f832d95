//! A throwaway Postgres server from the programs that are installed on this machine.
//!
//! It is what the tests run against and what shadow databases live in. It downloads nothing, needs no
//! running service, listens on a socket inside its own directory, and leaves nothing behind: the server
//! and its directory go when [`Scratch`] is dropped, and also when this process panics, exits or is
//! killed in any way, because a [`Guardian`] outside of it watches.
//!
//! The module starts processes; it does not speak SQL.

mod account;
mod binaries;
mod dsn;
mod error;
mod guardian;
mod options;
mod ping;
mod server;

pub use account::{Account, OtherAccount};
pub use binaries::{Binaries, Surroundings};
pub use error::{Place, ScratchError};
pub use guardian::{Guardian, StopSignal};
pub use options::{Listen, ScratchOptions, Source};
pub use server::Scratch;
