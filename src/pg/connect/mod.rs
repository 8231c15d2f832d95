//! Connecting: from settings to a session, or to an error that says what was tried and what to check.
//!
//! One host after the other, one address after the other, as libpq does; a server that answers and says no ends the search,
//! one that does not answer or is not up yet does not. What to run on a session is not decided here.

mod advice;
mod attempt;
mod cancel;
mod error;
mod failure;
mod pool;
mod session;
mod standby;

pub use attempt::connect;
pub use cancel::{CancelError, Canceller};
pub use error::{Attempt, ConnectError};
pub use failure::{Failure, ServerMessage, TlsFailure};
pub use pool::{Pool, PoolError, pool};
pub(in crate::pg) use session::Another;
pub use session::{Loss, Notice, NoticeReceiver, Session, Work};
