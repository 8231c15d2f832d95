//! The mark of the catalog at the end of an adoption: what changes by hand from here on is seen.

use serde_json::json;

use crate::catalog::{FORMAT, differences};
use crate::pg::{Look, Session, ledger_store, mark_store};

use super::plan::Plan;

/// Writes a mark of the catalog as it is. The adoption is committed, so that a mark that cannot be had or written is only told.
///
/// Returns the objects that have changed since an earlier mark, by name: the other tool's doing, most likely, which nobody can tell from a
/// change by hand. The event log keeps them.
///
/// # Errors
/// Why there is no mark.
pub async fn mark(session: &Session, look: &Look, plan: &Plan) -> Result<Vec<String>, String> {
    let found = mark_store::newest_and_now(session, look).await;
    let (stored, now) = found.map_err(|error| error.to_string())?;
    let stored = stored.filter(|stored| stored.format == FORMAT);
    let changed = stored.map(|stored| differences(&stored.mark, &now.mark()));
    let objects: Vec<String> = changed.iter().flatten().map(|one| one.id.to_string()).collect();
    let mut also = Vec::new();
    if !objects.is_empty() {
        let detail = json!({ "objects": objects, "ledger": plan.table.to_string(), "tool": plan.table.peer.name() });
        also.extend(ledger_store::event_statement("changed-before-adoption", None, &detail));
    }
    let written = mark_store::write(session, &plan.head, now, &also).await;
    written.map(|()| objects).map_err(|error| error.to_string())
}
