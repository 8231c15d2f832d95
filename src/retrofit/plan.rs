//! Which steps are missing, in what order.

use std::collections::BTreeMap;

use crate::activity::Oid;
use crate::finding::{Finding, Severity};
use crate::schema::{Kind, Relation, Schema};
use crate::script::{LockMode, RelationName};
use crate::tenancy::{Existing, Tenancy};

use super::aim::{Aim, Aims, Source};
use super::step::{Stage, Step};
use super::template::{qualified, quoted};
use super::{
    admin_functions, audit_log, backfill, consistent, definer, enforce, inserter, keys, member_roles, observe,
    soft_delete, warn,
};

/// The first major that knows views with the rights of whoever asks.
const SECURITY_INVOKER: u32 = 15;

/// What the rows of a table say about its tenant column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nulls {
    /// How many have no tenant; all of them where the column is not there.
    pub without: u64,
    /// How many of those would have none after the backfill.
    pub unfilled: u64,
}

/// What is to be done.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The tables, parents first.
    pub tables: Vec<TablePlan>,
    /// All steps, in order.
    pub steps: Vec<Step>,
    /// The tables that everybody may read on purpose.
    pub shared: Vec<RelationName>,
    /// What has to be decided or mended first (errors), and what a person should know (warnings).
    pub findings: Vec<Finding>,
}

impl Plan {
    /// Tells whether something has to be decided or mended first.
    pub fn is_stopped(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// What is to be done with one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TablePlan {
    /// Its name.
    pub name: RelationName,
    /// The column that says whose a row is.
    pub column: String,
    /// Where its values come from.
    pub source: Source,
    /// Why.
    pub reason: String,
    /// How many rows it has, by the last ANALYZE.
    pub rows: Option<u64>,
    /// How many bytes.
    pub bytes: u64,
    /// Whether its policies let everything pass and count.
    pub is_observed: bool,
    /// The stages that are missing, in order.
    pub missing: Vec<Stage>,
}

/// Returns the steps from the schema as it is to the aims.
pub fn plan(schema: &Schema, tenancy: &Tenancy, aims: &Aims, nulls: &BTreeMap<Oid, Nulls>) -> Plan {
    let mut steps = Vec::new();
    let mut findings = aims.problems.clone();
    steps.extend(definer::steps(schema, tenancy, aims));
    findings.extend(definer::problems(schema, tenancy, aims));
    for aim in &aims.tables {
        let rows = nulls.get(&aim.table).copied().unwrap_or_default();
        findings.extend(unfilled(schema, aim, rows));
        steps.extend(backfill::steps(schema, tenancy, aim, rows.without > 0));
        findings.extend(warn::fires(schema, aim, rows.without));
        findings.extend(inserter::problems(schema, tenancy, aim));
        steps.extend(soft_delete::step(schema, tenancy, aim));
        findings.extend(soft_delete::problem(schema, tenancy, aim));
        if let Some(finding) = others(schema, tenancy, aim) {
            findings.push(finding);
        } else {
            steps.extend(enforce::step(schema, tenancy, aim));
            steps.extend(observe::no_counters(schema, tenancy, aim));
        }
    }
    steps.extend(keys::steps(schema, aims));
    steps.extend(consistent::steps(schema, aims));
    steps.extend(audit_log::steps(schema, tenancy, aims));
    findings.extend(audit_log::problems(schema, tenancy, aims));
    steps.extend(admin_functions::steps(schema, tenancy));
    findings.extend(admin_functions::problems(schema, tenancy));
    steps.extend(views(schema, tenancy, aims, &mut findings));
    findings.extend(member_roles::promoting(schema, tenancy, aims));
    findings.extend(warn::warnings(schema, tenancy, aims));
    arranged(schema, aims, steps, findings, aims.shared.clone())
}

/// Returns the plan that these steps are, in their order.
pub(super) fn arranged(
    schema: &Schema,
    aims: &Aims,
    mut steps: Vec<Step>,
    findings: Vec<Finding>,
    shared: Vec<RelationName>,
) -> Plan {
    let place = |name: &RelationName| aims.tables.iter().position(|aim| aim.name == *name);
    steps.sort_by_key(|step| (step.stage, place(&step.tables[0])));
    let tables = aims.tables.iter().map(|aim| table(schema, aim, &steps)).collect();
    Plan {
        tables,
        steps,
        shared,
        findings,
    }
}

fn table(schema: &Schema, aim: &Aim, steps: &[Step]) -> TablePlan {
    let relation = &schema.relations[&aim.table];
    let mut missing: Vec<Stage> = steps
        .iter()
        .filter(|step| step.tables[0] == aim.name)
        .map(|step| step.stage)
        .collect();
    missing.dedup();
    TablePlan {
        name: aim.name.clone(),
        column: aim.column.clone(),
        source: aim.source.clone(),
        reason: aim.reason.clone(),
        rows: relation.rows,
        bytes: relation.bytes,
        is_observed: observe::is_observed(relation),
        missing,
    }
}

/// Rows that would stay without a tenant would be seen by nobody, and NOT NULL would fail on them.
fn unfilled(schema: &Schema, aim: &Aim, rows: Nulls) -> Option<Finding> {
    let stays = match aim.source {
        Source::There | Source::Root => rows.without,
        _ => rows.unfilled,
    };
    if stays == 0 || aim.shares_nulls {
        return None;
    }
    let from = match &aim.source {
        Source::Parent { key, .. } => format!(
            ": their {} has none, or they have no parent",
            schema.relations[&key.references].name
        ),
        Source::Expression(_) => ": the expression gives none".to_owned(),
        _ => String::new(),
    };
    let message = format!("{stays} rows would stay without a tenant{from}");
    let help = format!(
        "mend them first, delete them, or say where their tenant comes from under [tenancy.tables.{}]: backfill = {{ sql = \"...\" }}",
        quoted(&aim.name.to_string())
    );
    Some(Finding::error("retrofit.unfilled", aim.name.to_string(), message, help).evidence("rows", stays))
}

/// Policies that somebody else made let pass what ours would not.
fn others(schema: &Schema, tenancy: &Tenancy, aim: &Aim) -> Option<Finding> {
    let relation = &schema.relations[&aim.table];
    let names: Vec<&str> = relation
        .policies
        .iter()
        .filter(|policy| !enforce::is_ours(policy))
        .map(|policy| policy.name.as_str())
        .collect();
    if names.is_empty() || tenancy.existing != Existing::Report {
        return None;
    }
    let message = format!("has policies already: {}", names.join(", "));
    let help = "write existing = \"keep\" in [tenancy] to have ours beside them (any of them lets a row pass), or existing = \"replace\"";
    Some(Finding::error("retrofit.policies", aim.name.to_string(), message, help))
}

/// Views over the tables: with their owner's rights they would show all tenants' rows.
fn views(schema: &Schema, tenancy: &Tenancy, aims: &Aims, findings: &mut Vec<Finding>) -> Vec<Step> {
    let mut steps = Vec::new();
    for view in schema.relations.values() {
        let reads_ours = view.reads.iter().any(|oid| aims.of(*oid).is_some());
        let reachable = tenancy
            .all_app_roles()
            .any(|role| schema.may(role, "SELECT", &view.grants));
        if !reads_ours || view.is_security_invoker() || !reachable {
            continue;
        }
        if view.kind != Kind::View || schema.major() < SECURITY_INVOKER {
            findings.push(warn::seen_by_all(view));
            continue;
        }
        if let Some(finding) = locked_out(schema, tenancy, view) {
            findings.push(finding);
            continue;
        }
        let name = qualified(&view.name);
        steps.push(Step {
            stage: Stage::Views,
            tables: vec![view.name.clone()],
            lock: Some(LockMode::AccessExclusive),
            statements: vec![format!("alter view {name} set (security_invoker = true)")],
            undo: vec![if view
                .options
                .iter()
                .any(|option| option.starts_with("security_invoker="))
            {
                format!("alter view {name} set (security_invoker = false)")
            } else {
                format!("alter view {name} reset (security_invoker)")
            }],
            why: "it shows a session its own tenant's rows".to_owned(),
        });
    }
    steps
}

/// Whoever asks the view with their own rights needs those on what it reads.
fn locked_out(schema: &Schema, tenancy: &Tenancy, view: &Relation) -> Option<Finding> {
    let askers = tenancy
        .all_app_roles()
        .filter(|role| schema.may(role, "SELECT", &view.grants));
    let lacks = |role: &&String| {
        let mut read = view.reads.iter().filter_map(|oid| schema.relations.get(oid));
        read.any(|relation| !schema.may(role, "SELECT", &relation.grants))
    };
    let roles: Vec<&str> = askers.filter(lacks).map(String::as_str).collect();
    if roles.is_empty() {
        return None;
    }
    let message = format!(
        "shows all tenants' rows, and with security_invoker {} could not ask it any more: they may not read what it reads",
        roles.join(", ")
    );
    let help = "grant SELECT on the tables that it reads (row security holds it to the tenant's rows), or take SELECT on the view away";
    Some(Finding::error("retrofit.view", view.name.to_string(), message, help))
}
