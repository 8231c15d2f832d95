//! Connection settings: from what the user typed, the environment and libpq's files to one plain value.
//!
//! A connection string that works with psql gives the same server, database and role here; the table of the manual's
//! section "Parameter Key Words" is [`keyword::Keyword`]. Where rlsctl cannot do what a keyword asks for, it says so
//! rather than connect with less. Nothing here opens a connection.
//!
//! The order is libpq's: the connection string, then the service file, then `PG*`, then defaults; a password comes from the
//! password file last. It differs from libpq on purpose in this:
//!
//! - A URL with a second unencoded `@`, or one after a `/`, is refused: it is a password that was not percent-encoded, which
//!   libpq would take for a host or database name and print.
//! - Parameters which Prisma, poolers and other drivers put into URLs are passed over with a warning if they change nothing
//!   for rlsctl, and refused with the way to write them if they do.
//! - `connect_timeout` is ten seconds for each address if nothing else is said, not endless.
//! - Without a host, a socket directory counts only if it holds the socket of the port; else the host is `localhost`.
//! - `PGDATESTYLE`, `PGTZ` and `PGGEQO` are not sent: a pooler would refuse some, and results should not depend on them.

mod endpoints;
mod environment;
mod error;
mod foreign;
mod keyvalue;
mod keyword;
mod layers;
mod passfile;
mod resolve;
mod service;
mod url;
mod values;

pub use environment::Environment;
pub use error::{Origin, SettingsError};
pub use keyword::Keyword;
pub use values::{
    ChannelBinding, Endpoint, Host, Keepalives, LoadBalanceHosts, Settings, SslMode, SslNegotiation, SslRootCert,
    TargetSessionAttrs, TlsVersion,
};

#[cfg(test)]
mod tests;
