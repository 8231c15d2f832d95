//! One picture of the catalog, read by two sessions at once: whoever is free takes the next part.
//!
//! The second session is a help, never a need. It takes a part only when it has begun its transaction, so that one that is never let in (no
//! connection left for the role, a pooler with a single one for all) holds nobody up; and what it cannot read, the first one reads.
//! `pg_dump --jobs` shares a picture in the same way (PostgreSQL's manual, "Snapshot Synchronization Functions").

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::pg::connect::{Another, Session, Work};
use crate::pg::message::{MessageError, Row};

use super::assemble::Assembly;
use super::queries;

/// The parts of the work, and what the helper has read of them.
struct Parts {
    unread: VecDeque<String>,
    /// Whether the helper reads one at this moment.
    is_helped: bool,
    read_by_helper: Vec<Assembly>,
}

/// Returns the rows of `also`, and everything else as objects.
///
/// # Errors
/// [`MessageError`] of the first session, which is then still in its transaction.
pub(super) async fn read(
    session: &Session,
    another: Another,
    major: u32,
    also: &[&str],
) -> Result<(Vec<Row>, Assembly), MessageError> {
    let parts = Arc::new(Mutex::new(Parts {
        unread: queries::parts(major).collect(),
        is_helped: false,
        read_by_helper: Vec::new(),
    }));
    let (lend, borrow) = oneshot::channel();
    // Whoever drops the set ends the task.
    let mut helper = JoinSet::new();
    helper.spawn(help(another, borrow, Arc::clone(&parts), major));

    let mut found = session.rows(&queries::lend(also)).await?;
    if let Some(picture) = found.remove(0).pop().flatten() {
        // It may have given up already.
        let _ = lend.send(picture);
    }
    let mut assembly = Assembly::new(major);
    loop {
        while let Some(part) = next(&parts) {
            session.message_with(&part, |row| assembly.take(row)).await.result?;
        }
        if !locked(&parts).is_helped {
            break;
        }
        // It gives back what it cannot read.
        helper.join_next().await;
    }
    helper.abort_all();
    session.message("commit").await.result?;
    for read in std::mem::take(&mut locked(&parts).read_by_helper) {
        assembly.merge(read);
    }
    Ok((found, assembly))
}

/// Reads parts, from the last on, until there are none. Says nothing of what fails.
async fn help(another: Another, borrow: oneshot::Receiver<String>, parts: Arc<Mutex<Parts>>, major: u32) {
    let Ok(session) = another.connect(Work::Reader).await else {
        return;
    };
    let Ok(picture) = borrow.await else { return };
    let Ok(begin) = queries::borrow(&picture) else { return };
    if session.message(&begin).await.result.is_err() {
        return;
    }
    while let Some(part) = claim_last(&parts) {
        let mut assembly = Assembly::new(major);
        let result = session.message_with(&part, |row| assembly.take(row)).await.result;
        let mut parts = locked(&parts);
        parts.is_helped = false;
        if result.is_err() {
            parts.unread.push_back(part);
            return;
        }
        parts.read_by_helper.push(assembly);
    }
}

fn next(parts: &Mutex<Parts>) -> Option<String> {
    locked(parts).unread.pop_front()
}

fn claim_last(parts: &Mutex<Parts>) -> Option<String> {
    let mut parts = locked(parts);
    let part = parts.unread.pop_back();
    parts.is_helped = part.is_some();
    part
}

fn locked(parts: &Mutex<Parts>) -> MutexGuard<'_, Parts> {
    parts.lock().unwrap_or_else(PoisonError::into_inner)
}
