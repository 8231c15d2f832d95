//! Other tools' ledgers beside ours: whether one of them has applied what is pending here.

use std::collections::BTreeSet;

use crate::adopt::{Beside, rows};
use crate::exit::Failure;
use crate::finding::Finding;
use crate::ledger::PeerTable;
use crate::migration::{Set, Version};
use crate::pg::peers::{self, Adopted};
use crate::pg::{Look, PeerError, Session};

use super::adopt::failed;
use super::context::Context;
use super::describe::config_failure;

/// What is known of the database and its files when other ledgers are asked.
#[derive(Clone, Copy)]
pub struct Standing<'a> {
    /// The connection.
    pub session: &'a Session,
    /// The server and our ledger.
    pub look: &'a Look,
    /// The files.
    pub set: &'a Set,
    /// The versions that our ledger has.
    pub applied: &'a BTreeSet<&'a Version>,
    /// The versions that are pending.
    pub pending: &'a BTreeSet<&'a Version>,
    /// Whether ledgers that were never adopted count.
    pub never_adopted: bool,
}

/// Returns a finding for each pending version that another tool has applied. A ledger that `mirror` keeps in step is left out: there,
/// the mirror itself looks. Nothing is asked of the server where nothing is pending, or nothing is beside our ledger; else one message,
/// and one for each other ledger.
///
/// # Errors
/// A ledger that was adopted cannot be read. One that never was may be anybody's, and is passed over then.
pub async fn applied_elsewhere(context: &Context<'_>, standing: &Standing<'_>) -> Result<Vec<Finding>, Failure> {
    let may_be = standing.look.ledger.as_ref().is_some_and(|ledger| ledger.beside);
    if standing.pending.is_empty() || !may_be {
        return Ok(Vec::new());
    }
    let mirror = context.config.target().map_err(|error| config_failure(&error))?.mirror;
    let (tables, adopted) = peers::beside(standing.session).await.map_err(|error| failed(&error))?;
    let mut found = Vec::new();
    for table in &tables {
        let is_mirrored = mirror.is_some_and(|tool| tool.peer() == table.peer);
        let adopted = adopted.iter().find(|one| one.ledger == table.to_string());
        let counts = adopted.is_some() || (standing.never_adopted && table.certain);
        if is_mirrored || !counts {
            continue;
        }
        match look_at(context, standing, table, adopted).await {
            Ok(findings) => found.extend(findings),
            Err(error) if adopted.is_some() || is_lost(&error) => return Err(failed(&error)),
            Err(_) => {}
        }
    }
    Ok(found)
}

async fn look_at(
    context: &Context<'_>,
    standing: &Standing<'_>,
    table: &PeerTable,
    adopted: Option<&Adopted>,
) -> Result<Vec<Finding>, PeerError> {
    let wait = context.config.limits.lock_wait;
    let rows = peers::rows_now(standing.session, standing.look, table, wait).await?;
    let beside = Beside {
        table,
        adopted,
        applied: standing.applied,
        pending: standing.pending,
    };
    let said = rows::read(table, &rows);
    Ok(beside
        .applied_there(standing.set, &said)
        .unwrap_or_else(|unreadable| unreadable))
}

fn is_lost(error: &PeerError) -> bool {
    use crate::pg::{LedgerError, MessageError};
    matches!(
        error,
        PeerError::Ledger(LedgerError::Message(MessageError::Lost { .. }))
    )
}
