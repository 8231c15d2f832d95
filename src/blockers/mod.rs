//! `blockers`: who waits for whom, as a picture. Pure but for [`look()`].

mod freed;
mod look;
mod picture;

pub use freed::Freed;
pub use look::look;
pub use picture::{Node, Picture, Row, Rows};
