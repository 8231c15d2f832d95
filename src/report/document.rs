//! The one JSON document a command prints.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::exit::Exit;
use crate::finding::Finding;

/// The database a command worked on.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TargetInfo {
    /// Its name in `rlsctl.toml`, if it has one.
    pub name: Option<String>,
    /// `host/db as role`.
    pub description: String,
}

/// What a command says, for machines.
#[derive(Clone, Debug)]
pub struct Document {
    /// The command: the schema is `rlsctl.<command>/1`.
    pub command: &'static str,
    /// How it ended.
    pub exit: Exit,
    /// The database it worked on.
    pub target: Option<TargetInfo>,
    /// Counts and names.
    pub summary: Map<String, Value>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// The versions or objects that were looked at: test cases, where a format has such. Not in the JSON.
    pub objects: Vec<String>,
    /// What only this command has.
    pub extra: Map<String, Value>,
}

impl Document {
    /// Returns an empty document.
    pub fn new(command: &'static str, exit: Exit) -> Self {
        Self {
            command,
            exit,
            target: None,
            summary: Map::new(),
            findings: Vec::new(),
            objects: Vec::new(),
            extra: Map::new(),
        }
    }

    /// Adds to the summary.
    #[must_use]
    pub fn summary(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.summary.insert(key.to_owned(), value.into());
        self
    }

    /// Adds what only this command has.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(key.to_owned(), value.into());
        self
    }

    /// Returns the document as JSON: sorted keys, one document, a final line end.
    ///
    /// # Panics
    /// Never: a JSON value can be written.
    pub fn to_json(&self) -> String {
        let mut all = self.extra.clone();
        all.insert("schema".to_owned(), format!("rlsctl.{}/1", self.command).into());
        all.insert("ok".to_owned(), (self.exit == Exit::Done).into());
        all.insert("exit_code".to_owned(), self.exit.code().into());
        all.insert("target".to_owned(), json(&self.target));
        all.insert("summary".to_owned(), Value::Object(self.summary.clone()));
        all.insert("findings".to_owned(), json(&self.findings));
        let mut text = serde_json::to_string_pretty(&Value::Object(all)).expect("a JSON value can be written");
        text.push('\n');
        text
    }
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("our types have string keys")
}
