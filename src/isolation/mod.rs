//! What a session of one tenant can reach: the meaning of policies, views and functions, worked out on the schema alone.
//!
//! There are two tenants, the session's own and another one, and every row is of one of them, or of nobody. An expression is worked out for
//! such a row and such a session. What comes of it is not a value but what it can be, and what cannot be told is said so: nothing is
//! concluded from a function that cannot be read, or an operator that is not known.
//!
//! * [`Truth`] and [`Value`]: what an expression can be.
//! * [`Says`]: what the session says of itself.
//! * [`Owned`]: how a relation's rows are a tenant's.
//! * [`Model`]: asks whether a role passes a relation's policies, and what a query shows.

mod compare;
mod evaluate;
mod function;
mod model;
mod owned;
mod query;
mod row;
mod session;
#[cfg(test)]
mod tests;
mod truth;
mod value;
mod ways;

pub use model::{Access, Model, Through};
pub use owned::Owned;
pub use query::Shown;
pub use session::Says;
pub use truth::{Chance, Truth};
pub use value::{Value, Whose};
pub use ways::Way;
