//! What a statement does, by the server's own grammar.
//!
//! `parse` is the only place that calls `pg_query`'s parser. `dispatch` finds the handler of a statement's kind; the
//! handlers (`query`, `definition`, `alter_table`, `drop`, `system`) fill in a `draft`; `walk` goes
//! through queries and expressions.

mod alter_table;
pub(super) mod builtins;
mod deep;
mod definition;
mod dispatch;
mod draft;
mod drop;
mod error;
mod names;
mod parse;
mod query;
mod system;
mod tag;
mod walk;

pub use error::SyntaxError;
pub use parse::classify;
