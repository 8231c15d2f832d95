//! One thing that is wrong, with a stable code.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Stops the command, or fails the pipeline.
    Error,
    /// Should be looked at.
    Warning,
    /// Good to know.
    Info,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The file.
    pub path: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Stable, for scripts and allow-lists: `drift.edited`, `drift.duplicate`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// `schema.table`, a version or a file.
    pub object: String,
    /// What is wrong, as a fragment without final period.
    pub message: String,
    /// What to do: an instruction or the next command.
    pub help: String,
    /// Where, if it is in a file.
    pub location: Option<Location>,
    /// What it was seen by: hashes, names, values.
    pub evidence: BTreeMap<&'static str, Value>,
}

impl Finding {
    /// Returns a finding of severity error.
    pub fn error(
        code: &'static str,
        object: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            object: object.into(),
            message: message.into(),
            help: help.into(),
            location: None,
            evidence: BTreeMap::new(),
        }
    }

    /// Returns a finding of severity warning.
    pub fn warning(
        code: &'static str,
        object: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, object, message, help)
        }
    }

    /// Returns a finding of severity info.
    pub fn info(
        code: &'static str,
        object: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Info,
            ..Self::error(code, object, message, help)
        }
    }

    /// Places the finding in a file.
    #[must_use]
    pub fn at(mut self, path: impl Into<PathBuf>, line: usize, column: usize) -> Self {
        self.location = Some(Location {
            path: path.into(),
            line,
            column,
        });
        self
    }

    /// Adds what it was seen by.
    #[must_use]
    pub fn evidence(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.evidence.insert(key, value.into());
        self
    }
}
