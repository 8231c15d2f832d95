//! All objects of a database with their definitions.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::hash::ObjectHash;
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
        let hash = |definition: &String| ObjectHash::from_bytes(Sha256::digest(definition.as_bytes()).into());
        Mark::new(self.objects.iter().map(|(id, text)| (id.clone(), hash(text))).collect())
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

    /// Returns the text of [`Snapshot::to_json`], without making the value.
    ///
    /// # Panics
    /// Never: names and texts can be written as JSON.
    pub fn to_json_text(&self) -> String {
        let pairs = self.objects.iter().map(|(id, text)| (id.to_string(), text.as_str()));
        serde_json::to_string(&pairs.collect::<BTreeMap<_, _>>()).expect("names and texts can be written")
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
