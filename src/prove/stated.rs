//! What follows from the catalog alone: the static tier's place.

use std::collections::BTreeMap;

use crate::schema::Kind;

use super::plan::{Plan, Subject};
use super::rights::Rights;
use super::sample::readable_column;
use super::text::{ident, qualified};
use super::verdict::{Deed, Ruling, Tier, Verdict};
use super::whose::Whose;

/// Returns what can be said of a relation without trying; `no_pair` is why there are no two tenants to try it with.
pub(super) fn stated(subject: &Subject, no_pair: Option<&String>) -> Vec<Ruling> {
    let mut all = truncations(subject);
    if let Some(reason) = subject
        .blind
        .as_deref()
        .or(no_pair.filter(|_| subject.whose.is_tenants()).map(String::as_str))
    {
        all.extend(unknown(subject, reason));
        return all;
    }
    match subject.whose {
        Whose::Shared => all.extend(shared(subject)),
        Whose::Nothing if !is_view(subject) => {
            let reason =
                "nothing says whose its rows are: name its `column` under [tenancy.tables], or say `shared = true`";
            all.extend(unknown(subject, reason));
        }
        _ if subject.kind == Kind::Foreign => {
            let reason =
                "writes to a foreign table are not tried: whether its server takes them back is not known here";
            all.extend(writes_of(subject, Verdict::Unknown, reason));
        }
        _ => {}
    }
    all
}

fn is_view(subject: &Subject) -> bool {
    matches!(subject.kind, Kind::View | Kind::MaterializedView)
}

/// Returns the commands that a role may use on a relation, TRUNCATE left out.
pub(super) fn deeds(rights: &Rights) -> Vec<Deed> {
    let each = [
        (Deed::Select, !rights.select.is_empty()),
        (Deed::Insert, !rights.insert.is_empty()),
        (Deed::Update, !rights.update.is_empty()),
        (Deed::Delete, rights.delete),
    ];
    each.into_iter().filter(|(_, may)| *may).map(|(deed, _)| deed).collect()
}

/// Says the same of everything that may be tried.
pub(super) fn unknown(subject: &Subject, reason: &str) -> Vec<Ruling> {
    let all = subject.rights.iter().flat_map(|(role, rights)| {
        let deeds = deeds(rights).into_iter();
        deeds.map(|deed| ruling(subject, role, deed, Verdict::Unknown, Tier::Dynamic, reason))
    });
    all.collect()
}

fn writes_of(subject: &Subject, verdict: Verdict, reason: &str) -> Vec<Ruling> {
    let all = subject.rights.iter().flat_map(|(role, rights)| {
        let deeds = deeds(rights).into_iter().filter(|deed| *deed != Deed::Select);
        deeds.map(|deed| ruling(subject, role, deed, verdict, Tier::Static, reason))
    });
    all.collect()
}

fn shared(subject: &Subject) -> Vec<Ruling> {
    let reads = subject.rights.iter().filter(|(_, rights)| !rights.select.is_empty());
    let mut all: Vec<Ruling> = reads
        .map(|(role, _)| {
            ruling(
                subject,
                role,
                Deed::Select,
                Verdict::Proven,
                Tier::Static,
                "readable by all on purpose",
            )
        })
        .collect();
    let reason = "it is readable by all, and a tenant that may write it may write what the others read: revoke that, or see that it is meant";
    all.extend(writes_of(subject, Verdict::Unknown, reason));
    all
}

/// TRUNCATE asks no policy.
fn truncations(subject: &Subject) -> Vec<Ruling> {
    if !subject.whose.is_tenants() {
        return Vec::new();
    }
    let may = subject.rights.iter().filter(|(_, rights)| rights.truncate);
    may.map(|(role, _)| {
        let reason = "may empty the table: TRUNCATE asks no policy";
        let mut ruling = ruling(subject, role, Deed::Truncate, Verdict::Leak, Tier::Static, reason);
        let (role, table) = (ident(role), qualified(&subject.name));
        ruling.script = Some(format!("begin;\nset local role {role};\ntruncate {table};\nrollback;"));
        ruling
    })
    .collect()
}

fn ruling(subject: &Subject, role: &str, command: Deed, verdict: Verdict, tier: Tier, reason: &str) -> Ruling {
    Ruling {
        object: subject.name.to_string(),
        role: role.to_owned(),
        command,
        session: "tenant".to_owned(),
        verdict,
        tier,
        reason: reason.to_owned(),
        evidence: BTreeMap::new(),
        script: None,
    }
}

/// Tells whether some session should see rows of its own: some role may read whose rows of some relation are.
pub(super) fn expects_own(plan: &Plan) -> bool {
    plan.subjects.iter().any(|subject| {
        let mut rights = subject.rights.values();
        rights.any(|rights| readable_column(subject, &rights.select).is_some())
    })
}
