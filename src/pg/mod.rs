//! Everything that talks to a Postgres server. The only user of the driver.

pub mod bind;
pub mod blockers;
pub mod connect;
pub mod ident;
pub mod ledger_store;
pub mod leftover;
pub mod message;
pub mod mirror;
pub mod scratch;
pub mod settings;
pub mod steps;
pub mod tls;

pub use bind::{NulByte, Value};
pub use blockers::Watcher;
pub use connect::{NoticeReceiver, Session, Work, connect, pool};
pub use ledger_store::{LedgerError, Look, StepRow};
pub use leftover::Leftover;
pub use message::{Answer, MessageError, Row};
pub use settings::{Environment, Settings};
pub use steps::{Claim, Remember, StepKey};
