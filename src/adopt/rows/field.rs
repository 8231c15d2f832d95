//! The columns of a row.

use serde_json::{Map, Value};

/// A row, by its columns.
pub struct Fields<'a>(Option<&'a Map<String, Value>>);

impl<'a> Fields<'a> {
    /// Returns the columns of a JSON object.
    pub fn of(row: &'a Value) -> Self {
        Self(row.as_object())
    }

    fn get(&self, column: &str) -> Option<&'a Value> {
        self.0?.get(column).filter(|value| !value.is_null())
    }

    /// Returns a column that is not null as text, whatever its type.
    pub fn text(&self, column: &str) -> Option<String> {
        self.get(column).map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    /// Returns a column as text, empty where it is null.
    pub fn label(&self, column: &str) -> String {
        self.text(column).unwrap_or_default()
    }

    /// Returns a column as a number.
    pub fn number(&self, column: &str) -> Option<i64> {
        let value = self.get(column)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    }

    /// Returns a column as a truth value.
    pub fn truth(&self, column: &str) -> Option<bool> {
        self.get(column)?.as_bool()
    }

    /// Returns a `bytea` column in hex.
    pub fn hex(&self, column: &str) -> Option<String> {
        let text = self.text(column)?;
        Some(text.strip_prefix("\\x").unwrap_or(&text).to_owned())
    }

    /// Returns an array of texts.
    pub fn texts(&self, column: &str) -> Vec<String> {
        let elements = self.get(column).and_then(Value::as_array);
        let texts = elements.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    }
}
