//! One row of the other ledger against one file, by the other tool's own checksum.

use super::files::File;
use super::rows::{Row, Stored};
use crate::migration::peer_checksum::{graphile, refinery};

/// What a row says about a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// It is what was applied.
    Same,
    /// It is not.
    Other,
    /// The ledger does not say, for this reason.
    Unknown(&'static str),
}

/// Compares.
pub fn content(row: &Row, file: &File) -> Content {
    let raw = &file.raw;
    let same = match &row.stored {
        Stored::Nothing(why) => return Content::Unknown(why),
        Stored::Mark(stored) => file.marks.contains(stored),
        Stored::Refinery(stored) => {
            let version = row.label.parse().ok();
            let name = row.name.as_deref().unwrap_or_default();
            version.is_some_and(|version| refinery::matches(stored, name, version, raw))
        }
        Stored::Graphile { hash, previous } => {
            let same = graphile::matches(hash, previous.as_deref(), raw);
            if !same && graphile::vouches(hash, raw) {
                return Content::Unknown("the file says `--! AllowInvalidHash`");
            }
            same
        }
        Stored::Statements { tokens, .. } => file.tokens == *tokens,
    };
    if same { Content::Same } else { Content::Other }
}
