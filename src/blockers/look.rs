//! The look, in two round trips.

use crate::activity::{Oid, Party, Pid, Wait};
use crate::pg::activity::{Around, around};
use crate::pg::waits::waits;
use crate::pg::{LookError, Session};

use super::picture::Picture;

/// Looks at who waits for whom in `database`, or around the relations that are asked for.
///
/// # Locks
/// None that anybody could wait for.
///
/// # Privileges
/// None; what sessions of other roles do is hidden without `pg_read_all_stats`.
///
/// # Errors
/// [`LookError`].
pub async fn look(session: &Session, database: &str, asked: Option<&[Oid]>) -> Result<Picture, LookError> {
    let waits = waits(session).await?;
    let mut relations: Vec<Oid> = waits
        .iter()
        .filter_map(|wait| Some(wait.relation.as_ref()?.oid))
        .collect();
    relations.extend(asked.unwrap_or_default());
    relations.sort();
    relations.dedup();
    let (pids, transactions) = (pids(&waits), transactions(&waits));
    let wanted = Around {
        relations: &relations,
        pids: &pids,
        transactions: &transactions,
        ..Around::default()
    };
    let backends = around(session, &wanted).await?;
    Ok(Picture::new(backends, &waits, database, asked))
}

fn pids(waits: &[Wait]) -> Vec<Pid> {
    let blocking = waits
        .iter()
        .flat_map(|wait| &wait.blocking)
        .filter_map(|party| match party {
            Party::Backend(pid) => Some(*pid),
            Party::Prepared(_) => None,
        });
    let mut pids: Vec<Pid> = waits.iter().map(|wait| wait.pid).chain(blocking).collect();
    pids.sort();
    pids.dedup();
    pids
}

/// A prepared transaction that holds a row is found by its number.
fn transactions(waits: &[Wait]) -> Vec<String> {
    let by_prepared = waits
        .iter()
        .filter(|wait| wait.blocking.iter().any(|party| matches!(party, Party::Prepared(_))));
    by_prepared.filter_map(|wait| wait.transaction.clone()).collect()
}
