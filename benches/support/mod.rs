//! How the benches measure.

#![allow(dead_code, unused_imports, reason = "a bench uses what it needs of this")]

pub(crate) mod cases;
pub(crate) mod live;
pub(crate) mod pairs;
pub(crate) mod peers;
pub(crate) mod place;
pub(crate) mod templates;
