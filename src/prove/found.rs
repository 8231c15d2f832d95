//! The tenants that everything is tried with.

use std::collections::BTreeMap;

use crate::pg::{MessageError, Session};
use crate::schema::Schema;
use crate::tenancy::{Sessions, Tenancy};

use super::execute::Options;
use super::plan::Plan;
use super::seed::{seed, stranger};
use super::tenants::{Pairs, pairs};

/// Finds the tenants, and makes rows for them where that is asked for and needed.
pub(super) async fn found(
    session: &Session,
    (schema, plan): (&Schema, &Plan),
    (tenancy, sessions): (&Tenancy, &Sessions),
    options: &Options,
) -> Result<(Pairs, Vec<String>), MessageError> {
    let given = options.tenants.as_ref().map(|(one, two)| (one.as_str(), two.as_str()));
    let first = pairs(session, plan, tenancy, sessions, given).await?;
    let mut data_types = plan.erased.iter().filter_map(|(.., whose)| whose.data_type());
    let invented = data_types.next().and_then(|it| stranger(it, 1).zip(stranger(it, 2)));
    let tenants = options.tenants.clone().or_else(|| most_common(&first)).or(invented);
    let is_complete = first.values().all(Result::is_ok);
    let Some((one, two)) = tenants.filter(|_| options.seed && !is_complete) else {
        return Ok((first, Vec::new()));
    };
    session.message("rollback to savepoint rlsctl_probe").await.result?;
    let current = schema.roles.get(&schema.current_role);
    let is_superuser = current.is_some_and(|role| role.is_superuser);
    let seeds = seed(session, schema, plan, (&one, &two), is_superuser).await?;
    session.message("savepoint rlsctl_probe").await.result?;
    let mut pairs = pairs(session, plan, tenancy, sessions, Some((&one, &two))).await?;
    for (oid, reason) in seeds.failed {
        if let Some(pair) = pairs.get_mut(&oid).filter(|pair| pair.is_err()) {
            *pair = Err(reason);
        }
    }
    Ok((pairs, seeds.statements))
}

/// Returns the two tenants with which most relations can be tried.
pub(super) fn most_common(pairs: &Pairs) -> Option<(String, String)> {
    let mut counted: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (one, two) in pairs.values().flatten() {
        *counted.entry((one.tenant.clone(), two.tenant.clone())).or_default() += 1;
    }
    counted
        .into_iter()
        .max_by_key(|(_, times)| *times)
        .map(|(pair, _)| pair)
}
