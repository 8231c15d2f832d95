//! Views through which rows are written.

use crate::finding::Finding;
use crate::isolation::{Access, Chance, Says, Whose};
use crate::schema::{Kind, Relation};
use crate::script::expression::{Expression, From, Select};

use super::Audit;
use super::reach::listed;
use super::rule::Rule;

const WRITES: &str = "leak.view-write";
const BARRIER: &str = "leak.view-barrier";

pub(super) const RULE: Rule = Rule {
    codes: &[WRITES, BARRIER],
    explanation: "\
A simple view takes writes, and hands them to its table with its owner's rights. What it shows is no bound on what it takes: for that it \
needs WITH CHECK OPTION. A view that leaves out other tenants' rows by its own condition is safe only as a security_barrier: without, a \
cheap function in the query's own WHERE is asked first, on all rows.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let views = audit
        .schema
        .relations
        .values()
        .filter(|relation| relation.kind == Kind::View && !relation.is_security_invoker());
    views
        .flat_map(|view| {
            [written(audit, view), without_barrier(audit, view)]
                .into_iter()
                .flatten()
        })
        .collect()
}

/// Returns the one table that a simple view is on, with its query.
fn on<'a>(audit: &'a Audit<'_>, view: &Relation) -> Option<(&'a Relation, Select)> {
    let query = audit.model.query(view.definition.as_deref()?)?;
    let [arm] = query.arms.as_slice() else { return None };
    let [source] = arm.sources.as_slice() else { return None };
    let From::Relation(name) = &source.what else {
        return None;
    };
    let table = audit
        .schema
        .relation(name)
        .filter(|relation| relation.kind.is_table())?;
    (!arm.is_aggregate).then(|| (table, arm.clone()))
}

fn written(audit: &Audit<'_>, view: &Relation) -> Option<Finding> {
    if view.has_rules || !view.triggers.is_empty() {
        // These say what becomes of it.
        return None;
    }
    let (table, arm) = on(audit, view)?;
    let tenant = audit.model.owned(table)?.column()?;
    let is_tenant = |value: &Expression| matches!(value, Expression::Column { name, .. } if name == tenant);
    let shown = arm
        .outputs
        .iter()
        .find(|output| is_tenant(&output.value))?
        .name
        .clone()?;
    let is_checked = view.options.iter().any(|option| option.starts_with("check_option="));
    let takes = |privilege: &str, access: Access| {
        let roles = audit.roles_that(|role| audit.writes(role, view, privilege, &shown));
        let is_taken = Says::ALL.into_iter().any(|says| {
            let passes = audit
                .model
                .through(table, &view.owner, access, Some(Whose::Forged), says)
                .chance;
            let meets = if is_checked {
                audit.model.meets(view, table, &view.owner, Whose::Forged, says)
            } else {
                Chance::Can
            };
            passes.min(meets) == Chance::Can
        });
        if is_taken { roles } else { Vec::new() }
    };
    let mut roles = takes("INSERT", Access::Insert);
    roles.extend(takes("UPDATE", Access::Changed));
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() {
        return None;
    }
    let message = format!(
        "takes rows of {} for any tenant from {}: it writes with the rights of its owner {}",
        table.name,
        listed(&roles),
        view.owner
    );
    let help = if is_checked {
        "let its condition ask for the tenant".to_owned()
    } else {
        format!(
            "alter view {} set (check_option = cascaded), with a condition on the tenant in its query",
            view.name
        )
    };
    Some(Finding::error(WRITES, view.name.to_string(), message, help))
}

/// A view that is safe by its own condition only.
fn without_barrier(audit: &Audit<'_>, view: &Relation) -> Option<Finding> {
    let (table, arm) = on(audit, view)?;
    audit.model.owned(table)?;
    let is_barrier = view.options.iter().any(|option| {
        matches!(
            option.as_str(),
            "security_barrier=true" | "security_barrier=on" | "security_barrier=1"
        )
    });
    if is_barrier || arm.conditions.is_empty() {
        return None;
    }
    let roles = audit.roles_that(|role| audit.reaches(role, view, "SELECT"));
    let role = roles.first()?;
    let is_shown = |says| audit.model.shown(view, role, says).chance == Chance::Never;
    let is_bound = |says| {
        audit
            .model
            .through(table, &view.owner, Access::Select, Some(Whose::Theirs), says)
            .chance
            < Chance::Can
    };
    if !Says::ALL.into_iter().all(is_shown) || Says::ALL.into_iter().all(is_bound) {
        return None;
    }
    let message = format!(
        "leaves out other tenants' rows by its own condition, and is no security_barrier: a cheap function in the WHERE of {} is asked first",
        listed(&roles)
    );
    let help = format!("alter view {} set (security_barrier = true)", view.name);
    Some(Finding::error(BARRIER, view.name.to_string(), message, help))
}
