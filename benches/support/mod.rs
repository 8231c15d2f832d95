//! How the benches measure.

pub(crate) mod cases;
pub(crate) mod pairs;
pub(crate) mod peers;
pub(crate) mod place;
