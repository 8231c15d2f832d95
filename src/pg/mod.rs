//! Everything that talks to a Postgres server. The only user of the driver.

pub mod connect;
pub mod ident;
pub mod ledger_store;
pub mod scratch;
pub mod settings;
pub mod tls;
