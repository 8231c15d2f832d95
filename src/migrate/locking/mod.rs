//! How locks are got without hurting the application: what is needed, and the next move, decided from what can be seen. Pure.

pub mod needs;
pub mod pool;
pub mod prelude;

pub use needs::{Needs, TableNeed, needs};
pub use pool::{Busy, Item, Limits, Move, Need, Pool, Take};
