//! What the catalog says, beside what was tried.

use std::collections::BTreeMap;

use crate::finding::{Finding, Severity};
use crate::isolation::{Chance, Model, Way};
use crate::schema::{Command, Relation, Schema};
use crate::tenancy::Tenancy;

use super::verdict::{Deed, Proof, Ruling, Tier, Verdict};

/// Settles what was tried with what the policies mean and with what `audit` has found. A leak stays one. What no probe has reached although the
/// policies let it pass is UNKNOWN, and so is an alarm at an object that no probe has set off, with the finding.
pub fn settle(proof: &mut Proof, schema: &Schema, tenancy: &Tenancy, alarms: &[Finding]) {
    let model = Model::new(schema, tenancy);
    let tables: BTreeMap<String, &Relation> = schema
        .relations
        .values()
        .map(|relation| (relation.name.to_string(), relation))
        .collect();
    for ruling in &mut proof.rulings {
        let Some(relation) = tables.get(&ruling.object).filter(|relation| relation.kind.is_table()) else {
            continue;
        };
        let Some(command) = command(ruling.command) else {
            continue;
        };
        if model.owned(relation).is_none() || !schema.binds(relation, &ruling.role) {
            continue;
        }
        let way = model.way(relation, &ruling.role, command);
        one(ruling, way);
    }
    let missed = alarms.iter().filter(|alarm| alarm.severity == Severity::Error);
    for alarm in missed {
        let is_reached = proof
            .rulings
            .iter()
            .any(|ruling| ruling.verdict == Verdict::Leak && is_about(alarm, ruling));
        if !is_reached {
            proof.rulings.push(told(alarm, tenancy));
        }
    }
}

fn command(deed: Deed) -> Option<Command> {
    match deed {
        Deed::Select => Some(Command::Select),
        Deed::Insert => Some(Command::Insert),
        Deed::Update => Some(Command::Update),
        Deed::Delete => Some(Command::Delete),
        Deed::Truncate | Deed::Execute => None,
    }
}

fn is_about(alarm: &Finding, ruling: &Ruling) -> bool {
    alarm.severity == Severity::Error && (alarm.object == ruling.object || alarm.object == ruling.role)
}

fn one(ruling: &mut Ruling, way: Option<Way>) {
    let chance = way.as_ref().map_or(Chance::Never, |way| way.through.chance);
    let word = match chance {
        Chance::Never => "never",
        Chance::Perhaps => "cannot be told",
        Chance::Can => "can",
    };
    ruling.evidence.insert("by_policy", word.into());
    match (ruling.verdict, chance, way) {
        (Verdict::Proven, Chance::Can, Some(way)) => {
            ruling.verdict = Verdict::Unknown;
            ruling.tier = Tier::Static;
            let policy = way
                .through
                .policy
                .map(|policy| format!(" by policy {policy}"))
                .unwrap_or_default();
            ruling.reason = format!(
                "no probe reached it, and yet{policy} {} can {}, in {}",
                ruling.role,
                way.what,
                way.says.words()
            );
        }
        // Said and no more: what was not tried is not proven.
        (Verdict::Unknown, Chance::Never, _) => {
            ruling
                .reason
                .push_str("; by its policies no row of another tenant passes, in any session");
        }
        _ => {}
    }
}

/// An alarm that no probe has set off.
fn told(alarm: &Finding, tenancy: &Tenancy) -> Ruling {
    let command = match alarm.code {
        "leak.insert" | "leak.view-write" => Deed::Insert,
        "leak.update" => Deed::Update,
        "leak.delete" => Deed::Delete,
        "leak.truncate" => Deed::Truncate,
        _ if alarm.object.ends_with(')') => Deed::Execute,
        _ => Deed::Select,
    };
    Ruling {
        object: alarm.object.clone(),
        role: tenancy.app_roles.first().cloned().unwrap_or_default(),
        command,
        session: "tenant".to_owned(),
        verdict: Verdict::Unknown,
        tier: Tier::Static,
        reason: format!("no probe reached it, and yet it {} ({})", alarm.message, alarm.code),
        evidence: BTreeMap::from([("code", alarm.code.into())]),
        script: None,
    }
}
