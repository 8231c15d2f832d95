//! Connecting: what psql connects to we connect to, what it refuses we refuse, and the error says why.

mod certificates;
mod impostors;
mod parity;
mod quoting;
mod refusals;
mod secrets;
mod sessions;
mod surroundings;
mod tls;
