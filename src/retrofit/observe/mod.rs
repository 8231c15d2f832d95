//! `--observe` and `--enforce`: policies that let everything pass and count what enforced ones would deny, and the step from them to those.
//!
//! A plan for enforcing comes in, one for observing comes out: everything but the policies is the same.

mod counter;
mod counts;
mod index;
mod policy;
mod quiet;

use std::time::Duration;

use crate::finding::{Finding, Severity};
use crate::schema::Schema;
use crate::tenancy::Tenancy;

use super::aim::{Aim, Aims};
use super::plan::{Plan, arranged};
use super::step::{Stage, Step};

pub use counts::observations;
pub use quiet::{Denied, Observation};

pub(super) use counter::{since_gone, since_made};
pub(super) use policy::is_observed;

/// What warnings of a plan are about when it only observes: nobody is held back yet.
const ABOUT_ENFORCING: [&str; 2] = ["retrofit.locked-out", "retrofit.policies"];

/// Returns the plan by which tables are observed rather than enforced, made from the one that enforces them. Tables that are enforced already
/// stay so; those that cannot be observed are told and left alone.
pub fn observe(schema: &Schema, tenancy: &Tenancy, aims: &Aims, seen: &[Observation], plan: Plan) -> Plan {
    let Plan {
        tables,
        mut steps,
        mut findings,
        shared,
    } = plan;
    let mut left_alone = Vec::new();
    for aim in &aims.tables {
        let relation = &schema.relations[&aim.table];
        let name = aim.name.to_string();
        let has_policies = |finding: &Finding| finding.code == "retrofit.policies" && finding.object == name;
        let is_enforced = !findings.iter().any(has_policies)
            && !steps
                .iter()
                .any(|step| step.stage == Stage::Policies && step.tables[0] == aim.name);
        if is_enforced {
            continue;
        }
        steps.retain(|step| !matches!(step.stage, Stage::Policies | Stage::NoCounters) || step.tables[0] != aim.name);
        findings.retain(|finding| finding.object != name || !ABOUT_ENFORCING.contains(&finding.code));
        if let Some(why) = policy::obstacle(relation) {
            findings.push(not_observed(&name, why));
            left_alone.extend(tables.iter().filter(|table| table.name == aim.name).cloned());
            continue;
        }
        match counters(schema, tenancy, aim, seen) {
            Ok(step) => steps.extend(step),
            Err(finding) => findings.push(*finding),
        }
        steps.extend(policy::step(schema, tenancy, aim));
        findings.extend(index::slower(relation));
    }
    let mut plan = arranged(schema, aims, steps, findings, shared);
    for table in &mut plan.tables {
        if let Some(same) = left_alone.iter().find(|same| same.name == table.name) {
            table.missing.clone_from(&same.missing);
        }
    }
    plan
}

/// Returns what of a plan is about tables that are observed, and have been quiet for long enough; of the others it says why they are left.
pub fn enforce(schema: &Schema, aims: &Aims, seen: &[Observation], required: Duration, plan: Plan) -> Plan {
    let Plan {
        tables,
        mut steps,
        mut findings,
        shared,
    } = plan;
    let (mut ready, mut waiting) = (Vec::new(), Vec::new());
    for aim in &aims.tables {
        if !is_observed(&schema.relations[&aim.table]) {
            continue;
        }
        let name = aim.name.to_string();
        let observation = seen.iter().find(|observation| observation.table == name);
        match observation.map_or_else(|| Some("its counters are gone".to_owned()), |it| it.unquiet(required)) {
            None => ready.push(aim.name.clone()),
            Some(why) => waiting.push(unquiet(&name, why, observation)),
        }
    }
    steps.retain(|step| match step.stage {
        Stage::Policies => ready.contains(&step.tables[0]),
        Stage::NoCounters => {
            let relation = schema.relation(&step.tables[0]);
            ready.contains(&step.tables[0])
                || relation.is_some_and(|relation| relation.row_security && !is_observed(relation))
        }
        _ => false,
    });
    // With none to go on with, this is why nothing happens.
    if ready.is_empty() {
        for finding in &mut waiting {
            finding.severity = Severity::Error;
        }
    }
    findings.extend(waiting);
    // What the others need is not done now, and still told.
    Plan {
        tables,
        ..arranged(schema, aims, steps, findings, shared)
    }
}

fn unquiet(table: &str, why: String, observation: Option<&Observation>) -> Finding {
    let help = format!(
        "wait, or mend what is counted (`rlsctl retrofit status`) and begin anew: `rlsctl retrofit undo {table}`, then `rlsctl retrofit apply --observe`; without --enforce it is enforced at once"
    );
    Finding {
        severity: Severity::Warning,
        ..Finding::error("retrofit.not-quiet", table, why, help)
    }
    .evidence("count", observation.map_or(0, Observation::count))
}

fn not_observed(table: &str, why: &str) -> Finding {
    let message =
        format!("{why}: it is not observed, as policies that let everything pass would change what it shows today");
    let help = "enforce it without --observe, when you have read its policies";
    Finding {
        severity: Severity::Warning,
        ..Finding::error("retrofit.not-observed", table, message, help)
    }
}

/// Returns the step that makes a table's counters. Counters that have counted begin anew with policies that do.
fn counters(schema: &Schema, tenancy: &Tenancy, aim: &Aim, seen: &[Observation]) -> Result<Option<Step>, Box<Finding>> {
    let has_any = !counter::there(schema, &aim.name).is_empty();
    let is_right = policy::is_counted(schema, tenancy, aim);
    let is_used = is_observed(&schema.relations[&aim.table]);
    let name = aim.name.to_string();
    let is_fresh = seen
        .iter()
        .any(|observation| observation.table == name && !observation.is_lost && observation.denied.is_empty());
    if is_right && (is_used || is_fresh) {
        return Ok(None);
    }
    if has_any && is_used {
        let message =
            "is observed for other roles, applications or another way to say the tenant than rlsctl.toml has now";
        let help = format!("begin anew: `rlsctl retrofit undo {name}`, then `rlsctl retrofit apply --observe`");
        return Err(Box::new(Finding::error(
            "retrofit.observed-otherwise",
            name,
            message,
            help,
        )));
    }
    let made = policy::counters_made(tenancy, aim);
    let (mut statements, mut undo) = (Vec::new(), vec![policy::counters_gone(&aim.name)]);
    if has_any {
        statements.push(policy::counters_gone(&aim.name));
        // Before this there were some too, and what takes those back looks for them.
        undo.extend(made.iter().cloned());
    }
    statements.extend(made);
    Ok(Some(Step {
        stage: Stage::Counters,
        tables: vec![aim.name.clone()],
        lock: None,
        statements,
        undo,
        why: "one counter for each command, role and application; the function that counts changes no row".to_owned(),
    }))
}

/// Returns the step that takes the counters of an enforced table away.
pub(super) fn no_counters(schema: &Schema, tenancy: &Tenancy, aim: &Aim) -> Option<Step> {
    if counter::there(schema, &aim.name).is_empty() {
        return None;
    }
    Some(Step {
        stage: Stage::NoCounters,
        tables: vec![aim.name.clone()],
        lock: None,
        statements: vec![policy::counters_gone(&aim.name)],
        undo: policy::counters_made(tenancy, aim),
        why: "its policies hold back by now, and nothing asks for them".to_owned(),
    })
}
