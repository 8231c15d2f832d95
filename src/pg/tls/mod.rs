//! TLS to the server, as libpq does it, on rustls.
//!
//! What is different from what rustls does by itself: a certificate may be checked for its authority but not its name
//! (`verify-ca`) or not at all (`require`), a self-signed certificate may be its own authority, and a certificate without
//! alternative names may be matched by its common name. Whatever is not checked, the handshake's signature always is: channel
//! binding is worth nothing against a server that does not hold the key of its certificate.
//!
//! Files are read when the first TLS connection is about to be made, not before.

mod connector;
mod error;
mod files;
mod names;
mod verifier;

pub(in crate::pg) use connector::{Connector, build};
pub use error::TlsError;
