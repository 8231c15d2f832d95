//! A snapshot reduced to hashes: small enough to be kept for every run.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::hash::{Fingerprint, HexError, ObjectHash};
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
        let mut hash = Sha256::new();
        for (id, object) in &objects {
            hash.update(format!("{id}\0{object}\n"));
        }
        Self {
            fingerprint: Fingerprint::from_bytes(hash.finalize().into()),
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

    /// Returns the text of [`Mark::to_json`], without making the value.
    ///
    /// # Panics
    /// Never: names and hashes can be written as JSON.
    pub fn to_json_text(&self) -> String {
        let pairs = self.objects.iter().map(|(id, hash)| (id.to_string(), hash.to_string()));
        serde_json::to_string(&pairs.collect::<BTreeMap<_, _>>()).expect("names and hashes can be written")
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
        assert_eq!(mark.to_json_text(), mark.to_json().to_string());
        assert_eq!(Mark::from_json(&mark.to_json()), Ok(mark));
        assert_eq!(snapshot.to_json_text(), snapshot.to_json().to_string());
        assert_eq!(Snapshot::from_json(&snapshot.to_json()), Ok(snapshot));
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
