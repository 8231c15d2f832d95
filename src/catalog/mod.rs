//! The catalog as text: what a database's schema consists of, one definition and one hash an object.
//!
//! Pure values: `pg::catalog` reads them from a server. `docs/FORMATS.md` defines the hashes byte by byte.

/// The number of the form that definitions have. It grows whenever the same object would get another definition: then old hashes can no
/// longer be compared with new ones, and a mark has to be taken anew.
pub const FORMAT: i64 = 1;

mod carry;
mod difference;
mod hash;
mod mark;
mod object;
mod snapshot;

pub use difference::{Change, Difference, differences, in_short, unified};
pub use hash::{Fingerprint, HexError, ObjectHash};
pub use mark::{Mark, MarkError};
pub use object::{ObjectId, ObjectKind, UnknownKind, UnknownObject};
pub use snapshot::Snapshot;
