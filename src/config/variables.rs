//! The environment variables that are ours.

use std::collections::BTreeMap;

/// Our own variables.
const VARIABLES: [&str; 8] = [
    "RLSCTL_TARGET",
    "RLSCTL_DATABASE_URL",
    "RLSCTL_CONFIG",
    "RLSCTL_DIR",
    "RLSCTL_STATEMENT_TIMEOUT",
    "RLSCTL_LOCK_WAIT",
    "RLSCTL_REPLICA_LAG",
    "RLSCTL_PG_BIN",
];

/// Returns a warning for each `RLSCTL_*` that nothing reads and that is so like one of ours that it is most likely misspelt.
pub(super) fn unknown_variables(environment: &BTreeMap<String, String>) -> Vec<String> {
    let unknown = environment
        .keys()
        .filter(|name| name.starts_with("RLSCTL_") && !VARIABLES.contains(&name.as_str()));
    unknown
        .filter_map(|name| {
            let like = |known: &&&str| strsim::damerau_levenshtein(name, known) <= 2;
            let known = VARIABLES.iter().find(like)?;
            Some(format!("nothing reads {name}; did you mean {known}?"))
        })
        .collect()
}
