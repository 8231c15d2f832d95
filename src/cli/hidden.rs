//! Rows that are hidden from the role that migrates, before anything runs: what `migrate` and its plan refuse.

use crate::exit::{Exit, Failure};
use crate::finding::Finding;
use crate::migrate::{Plan, hidden};
use crate::pg::{Look, Session, bound_tables};

/// Returns an objection to each statement over rows that policies hide from us. One round trip, and none where no file writes rows.
pub async fn rows_hidden(plan: &Plan, look: &Look, session: &Session) -> Result<Vec<Finding>, Failure> {
    let failed = |error: String| {
        Failure::new(
            Exit::Environment,
            "it cannot be said which rows are hidden from this role",
        )
        .cause(error)
        .state("nothing was changed")
        .hint("run the same command again")
    };
    let candidates = hidden::candidates(plan).map_err(|error| failed(error.to_string()))?;
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let bound = bound_tables(session, &hidden::names(&candidates))
        .await
        .map_err(|error| failed(error.to_string()))?;
    Ok(hidden::refusals(&candidates, &bound, &look.acting_role))
}
