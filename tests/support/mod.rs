//! What the tests share: one server a run, one database a test, the real binary in an environment of its own.

#![allow(dead_code, reason = "a test uses what it needs of this")]

pub(crate) mod db;
pub(crate) mod generate;
pub(crate) mod layouts;
pub(crate) mod pgbouncer;
pub(crate) mod poll;
pub(crate) mod process;
pub(crate) mod project;
pub(crate) mod proxy;
pub(crate) mod redact;
pub(crate) mod rlsctl;
pub(crate) mod servers;
pub(crate) mod session;
pub(crate) mod templates;
pub(crate) mod wire;

/// Runs what is asynchronous to its end.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().expect("a runtime").block_on(future)
}
