//! Wide files, before anything runs: what `migrate` and its plan refuse.

use crate::exit::{Exit, Failure};
use crate::finding::Finding;
use crate::migrate::{Plan, wide};
use crate::pg::{Session, existing_tables};

use super::context::Context;

/// Returns an objection to each file that alters more existing tables than the limit. One round trip, and none where no file could be one.
pub async fn too_wide(context: &Context<'_>, plan: &Plan, session: &Session) -> Result<Vec<Finding>, Failure> {
    let limit = context.config.limits.tables_per_migration;
    let failed = |error: String| {
        Failure::new(Exit::Environment, "it cannot be said which tables are altered")
            .cause(error)
            .state("nothing was changed")
            .hint("run the same command again")
    };
    let candidates = wide::candidates(plan, limit).map_err(|error| failed(error.to_string()))?;
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let existing = existing_tables(session, &wide::names(&candidates))
        .await
        .map_err(|error| failed(error.to_string()))?;
    Ok(wide::refusals(&candidates, &existing, limit))
}
