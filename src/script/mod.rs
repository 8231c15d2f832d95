//! SQL text: tokens, statements, and what a statement does.
//!
//! Everything here is a pure function of the text. Nothing reads a file, speaks to a server or prints.
//!
//! * [`tokens`] cuts a text into the server's tokens; [`hash_tokens`] feeds the normal form that the
//!   token checksum is taken over.
//! * [`split`] cuts a file into statements, psql commands and COPY data. The pieces always
//!   concatenate to the input.
//! * [`classify`] says what one statement does: whether it may run inside a transaction, which
//!   relations it locks and how strongly, and what it leaves behind in the session. [`triage`] answers
//!   the cheap half of that question without the grammar.
//! * [`without_qualifiers`] and [`without_newer_quotes`] make what a server prints the same from every server.
//! * [`expression`](mod@expression) reads expressions and queries as trees to be reasoned about.
//! * [`same_expression`] compares what was written with what the server writes back.
//! * [`Position`], [`line_at`] and [`byte_of_char`] turn offsets into what a person can look up.
//!
//! This is the only module that knows `pg_query`, the crate that carries the server's own grammar.

mod classify;
mod copy;
pub mod expression;
mod extension;
mod keywords;
mod lexer;
mod lock;
mod mask;
mod name;
mod newer_keywords;
mod non_transactional;
mod normal;
mod position;
mod qualifiers;
mod same;
mod session;
mod span;
mod split;
mod statement;
mod statement_end;
#[cfg(test)]
mod tests;
mod token;
mod triage;

pub use classify::{SyntaxError, classify};
pub use extension::extension_of;
pub use lock::{LockMode, UnknownLockMode};
pub use mask::masked;
pub use name::RelationName;
pub use newer_keywords::without_newer_quotes;
pub use non_transactional::{NonTransactional, ReindexTarget};
pub use normal::hash_tokens;
pub use position::{Position, byte_of_char, line_at};
pub use qualifiers::without_qualifiers;
pub use same::same_expression;
pub use session::{SessionEffect, SessionEffects};
pub use span::Span;
pub use split::{Piece, PieceKind, SplitError, split};
pub use statement::{Dml, DmlCommand, RelationKind, Statement, TableUse, Tables, TransactionControl, Transactional};
pub use token::{Token, TokenKind, Unterminated, tokens};
pub use triage::{Triage, triage};
