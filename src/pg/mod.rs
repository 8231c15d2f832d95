//! Everything that talks to a Postgres server. The only user of the driver.

pub mod activity;
pub mod bind;
pub mod catalog;
pub mod connect;
pub mod ending;
mod existing;
pub mod ident;
pub mod ledger_edit;
pub mod ledger_store;
pub mod leftover;
pub mod mark_store;
pub mod message;
pub mod mirror;
pub mod monitor;
pub mod peers;
pub mod reaping;
pub mod scratch;
pub mod settings;
pub mod shadow;
pub mod steps;
pub mod tls;
pub mod waits;

pub use activity::LookError;
pub use bind::{NulByte, Value};
pub use catalog::{CatalogError, Sessions, snapshot};
pub use connect::{NoticeReceiver, Session, Work, connect, pool};
pub use ending::{Ended, Ending};
pub use existing::existing_tables;
pub use ledger_store::{LedgerError, Look, StepRow};
pub use leftover::Leftover;
pub use mark_store::StoredMark;
pub use message::{Answer, MessageError, Row};
pub use monitor::{Monitor, Obstacle};
pub use peers::PeerError;
pub use settings::{Environment, Settings};
pub use steps::{Claim, Remember, StepKey};
