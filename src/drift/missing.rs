//! The files that can be written back from the ledger.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::ledger::Entry;
use crate::migration::{NewFile, Set, Version, missing_file};

/// What can be written back, and what cannot.
#[derive(Debug, Default)]
pub struct MissingFiles {
    /// The files to write; none of them is there.
    pub files: Vec<NewFile>,
    /// Why others cannot be written.
    pub findings: Vec<Finding>,
}

/// Returns the files of the rows that have none, from the `texts` that the ledger kept.
pub fn missing(set: &Set, rows: &[Entry], texts: &BTreeMap<Version, Option<String>>) -> MissingFiles {
    let mut missing = MissingFiles::default();
    for row in rows {
        let made = match texts.get(&row.version).and_then(Option::as_ref) {
            Some(sql) => {
                missing_file(set, &row.version, &row.name, sql, &row.checksum).map_err(|error| error.to_string())
            }
            None => Err("the ledger kept no text of it".to_owned()),
        };
        match made {
            Ok(file) => missing.files.push(file),
            Err(reason) => missing.findings.push(Finding::error(
                "drift.not-written",
                row.version.to_string(),
                format!("has no file, and none can be written: {reason}"),
                "get the file from whoever applied it",
            )),
        }
    }
    missing
}
