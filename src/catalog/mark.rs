//! A snapshot reduced to hashes: small enough to be kept for every run.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::hash::{Fingerprint, HexError, ObjectHash, fingerprint};
use super::object::{ObjectId, UnknownObject};

/// One hash an object, and the fingerprint over all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Equal for equal schemas.
    pub fingerprint: Fingerprint,
    /// The hash of each object's definition.
    pub objects: BTreeMap<ObjectId, ObjectHash>,
}

/// The JSON is no mark.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarkError {
    /// Not an object of names and values.
    #[error("it is not a JSON object")]
    NoObject,
    /// A value is not text.
    #[error("the value of `{object}` is not text")]
    NoText {
        /// Its name.
        object: String,
    },
    /// A name is no object's.
    #[error(transparent)]
    Object(#[from] UnknownObject),
    /// A value is no hash.
    #[error(transparent)]
    Hash(#[from] HexError),
}

impl Mark {
    /// Returns the mark with these hashes.
    pub fn new(objects: BTreeMap<ObjectId, ObjectHash>) -> Self {
        Self {
            fingerprint: fingerprint(objects.iter().map(|(id, hash)| (id, *hash))),
            objects,
        }
    }

    /// Returns the hashes as a JSON object, as `rlsctl.schema_mark.objects` holds them.
    pub fn to_json(&self) -> Value {
        let pairs = self.objects.iter();
        Value::Object(
            pairs
                .map(|(id, hash)| (id.to_string(), Value::from(hash.to_string())))
                .collect::<Map<_, _>>(),
        )
    }

    /// Reads what [`Mark::to_json`] wrote; the fingerprint is computed again.
    ///
    /// # Errors
    /// [`MarkError`].
    pub fn from_json(value: &Value) -> Result<Self, MarkError> {
        let map = value.as_object().ok_or(MarkError::NoObject)?;
        let read = |(id, hash): (&String, &Value)| {
            let hash = hash.as_str().ok_or_else(|| MarkError::NoText { object: id.clone() })?;
            Ok((id.parse()?, hash.parse()?))
        };
        Ok(Self::new(map.iter().map(read).collect::<Result<_, MarkError>>()?))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::{ObjectKind, Snapshot};

    #[test]
    fn json_reads_back() {
        let mut snapshot = Snapshot::default();
        for (identity, text) in [
            ("public.a", "owner x\n"),
            ("public.\"B \u{e4}\"", "owner y\ncomment 'z'\n"),
        ] {
            snapshot
                .objects
                .insert(ObjectId::new(ObjectKind::Table, identity), text.to_owned());
        }
        let mark = snapshot.mark();
        assert_eq!(snapshot.fingerprint(), mark.fingerprint);
        assert_eq!(Mark::from_json(&mark.to_json()), Ok(mark));
        assert_eq!(Snapshot::from_json(&snapshot.to_json()), Ok(snapshot));
    }

    #[test]
    fn pieces_join_to_the_text() {
        let mut snapshot = Snapshot::default();
        for number in 0..9 {
            let id = ObjectId::new(ObjectKind::Table, format!("public.t{number}"));
            snapshot.objects.insert(id, format!("comment '\u{e4}\"{number}\\'\n"));
            let whole = snapshot.to_json();
            for bytes in [1, 60, 1000] {
                let pieces: Vec<String> = snapshot.clone().into_json_pieces(bytes).collect();
                let read: Value = serde_json::from_str(&pieces.concat()).unwrap();
                assert_eq!(read, whole, "{pieces:?}");
                assert!(pieces.iter().all(|piece| piece.len() < bytes + 60), "{pieces:?}");
            }
        }
        let none: Vec<String> = Snapshot::default().into_json_pieces(100).collect();
        assert_eq!(none, ["{}"]);
    }

    #[test]
    fn what_is_no_mark_is_refused() {
        for value in [
            json!([]),
            json!({"table public.a": 1}),
            json!({"table public.a": "12"}),
            json!({"a": "0".repeat(64)}),
        ] {
            assert!(Mark::from_json(&value).is_err(), "{value}");
        }
        assert!(Snapshot::from_json(&json!({"table public.a": null})).is_err());
    }
}
