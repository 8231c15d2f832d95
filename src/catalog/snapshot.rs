//! All objects of a database with their definitions.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::hash::{Fingerprint, ObjectHash, fingerprint};
use super::mark::{Mark, MarkError};
use super::object::ObjectId;

/// What a database's schema consists of.
///
/// A definition is text of one fact a line, in a fixed order, each line ended by a line feed: made to be compared, not to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Definition of each object.
    pub objects: BTreeMap<ObjectId, String>,
}

impl Snapshot {
    /// Returns the hash of each object and the fingerprint over all.
    pub fn mark(&self) -> Mark {
        let hashes = self.objects.iter().map(|(id, text)| (id.clone(), ObjectHash::of(text)));
        Mark::new(hashes.collect())
    }

    /// Returns the definitions as a JSON object, as `rlsctl.schema_mark.definitions` holds them.
    pub fn to_json(&self) -> Value {
        let pairs = self.objects.iter();
        Value::Object(
            pairs
                .map(|(id, text)| (id.to_string(), Value::from(text.as_str())))
                .collect::<Map<_, _>>(),
        )
    }

    /// Returns the fingerprint, as [`Snapshot::mark`] has it.
    pub fn fingerprint(&self) -> Fingerprint {
        let hashes = self.objects.iter().map(|(id, text)| (id, ObjectHash::of(text)));
        fingerprint(hashes)
    }

    /// Returns the text of [`Snapshot::to_json`] in pieces of about `bytes`, at least one. What was handed out is not held any longer.
    pub fn into_json_pieces(self, bytes: usize) -> impl Iterator<Item = String> {
        let mut objects = self.objects.into_iter();
        let (mut is_first, mut is_ended) = (true, false);
        std::iter::from_fn(move || {
            if is_ended {
                return None;
            }
            let mut piece = String::new();
            while piece.len() < bytes {
                let Some((id, definition)) = objects.next() else {
                    is_ended = true;
                    piece.push_str(if is_first { "{}" } else { "}" });
                    break;
                };
                piece.push(if is_first { '{' } else { ',' });
                is_first = false;
                write!(piece, "{}:{}", Value::from(id.to_string()), Value::from(definition))
                    .expect("a String can be written to");
            }
            Some(piece)
        })
    }

    /// Reads what [`Snapshot::to_json`] wrote.
    ///
    /// # Errors
    /// [`MarkError`].
    pub fn from_json(value: &Value) -> Result<Self, MarkError> {
        let map = value.as_object().ok_or(MarkError::NoObject)?;
        let read = |(id, text): (&String, &Value)| {
            let text = text.as_str().ok_or_else(|| MarkError::NoText { object: id.clone() })?;
            Ok((id.parse()?, text.to_owned()))
        };
        Ok(Self {
            objects: map.iter().map(read).collect::<Result<_, MarkError>>()?,
        })
    }
}
