//! Rows of tables: whether row security binds, and what its policies let pass.

use crate::finding::{Finding, Severity};
use crate::isolation::{Chance, Way};
use crate::schema::{Command, Relation};

use super::Audit;
use super::reach::listed;
use super::rule::Rule;

const DISABLED: &str = "leak.rls-disabled";
const PARTITION: &str = "leak.partition";
const OWNER: &str = "leak.owner-not-forced";
const READ: &str = "leak.read";
const INSERT: &str = "leak.insert";
const UPDATE: &str = "leak.update";
const DELETE: &str = "leak.delete";
const NULL: &str = "leak.null-tenant";
const UNKNOWN: &str = "audit.unknown-policy";

pub(super) const RULE: Rule = Rule {
    codes: &[DISABLED, PARTITION, OWNER, READ, INSERT, UPDATE, DELETE, NULL, UNKNOWN],
    explanation: "\
A table with tenants' rows that the application can reach is safe where row security is on, binds the application's roles, and \
every policy that lets a row pass asks whose it is. It does not bind an owner, or a role with the owner's privileges, unless it is \
FORCEd; it does not come down to a partition that is asked by its own name. Permissive policies are joined by OR: the widest one \
counts. Each command has policies of its own, and what may be written is said by WITH CHECK, or by USING where there is none. \
A policy is worked out for a row of another tenant, and for sessions that say their tenant, nothing, or nothing any more.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let tables = audit
        .schema
        .relations
        .values()
        .filter(|relation| audit.model.owned(relation).is_some());
    tables.flat_map(|relation| table(audit, relation)).collect()
}

fn table(audit: &Audit<'_>, relation: &Relation) -> Vec<Finding> {
    let is_reached = |role: &str| {
        ["SELECT", "INSERT", "UPDATE", "DELETE"]
            .iter()
            .any(|privilege| audit.reaches(role, relation, privilege))
    };
    let reaching = audit.roles_that(|role| is_reached(role) && !is_exempt(audit, role));
    if reaching.is_empty() {
        return Vec::new();
    }
    if !relation.row_security {
        return vec![unprotected(audit, relation, &reaching)];
    }
    let mut found = Vec::new();
    let (bound, free): (Vec<&str>, Vec<&str>) = reaching.iter().partition(|role| audit.schema.binds(relation, role));
    if !free.is_empty() {
        let message = format!(
            "belongs to {}, as which {} can act, and row security does not hold an owner back unless it is forced",
            relation.owner,
            listed(&free)
        );
        let help = format!("alter table {} force row level security", relation.name);
        found.push(Finding::error(OWNER, relation.name.to_string(), message, help));
    }
    for role in bound {
        for finding in passing(audit, relation, role) {
            let is_there = found
                .iter()
                .any(|there: &Finding| there.code == finding.code && there.message == finding.message);
            if !is_there {
                found.push(finding);
            }
        }
    }
    found
}

/// Those who bypass everything are told of by themselves.
fn is_exempt(audit: &Audit<'_>, role: &str) -> bool {
    let role = &audit.schema.roles[role];
    role.is_superuser || role.bypasses_row_security
}

fn unprotected(audit: &Audit<'_>, relation: &Relation, roles: &[&str]) -> Finding {
    let parent = relation
        .parents
        .iter()
        .filter_map(|parent| audit.schema.relations.get(parent))
        .find(|parent| parent.row_security);
    let help = format!(
        "alter table {} enable row level security, with a policy on the tenant: `rlsctl retrofit plan`",
        relation.name
    );
    if let Some(parent) = parent {
        let message = format!(
            "can be asked by its own name by {}, and the policies of its parent {} do not hold there",
            listed(roles),
            parent.name
        );
        let help = format!("revoke all on {} from {}", relation.name, roles.join(", "));
        return Finding::error(PARTITION, relation.name.to_string(), message, help);
    }
    let message = format!(
        "has no row security, and {} can reach it: every tenant's rows",
        listed(roles)
    );
    Finding::error(DISABLED, relation.name.to_string(), message, help)
}

/// What a role that row security binds gets past the policies.
fn passing(audit: &Audit<'_>, relation: &Relation, role: &str) -> Vec<Finding> {
    let commands = [
        (READ, Command::Select),
        (INSERT, Command::Insert),
        (UPDATE, Command::Update),
        (DELETE, Command::Delete),
    ];
    let ways = commands
        .into_iter()
        .filter_map(|(code, command)| Some((code, audit.model.way(relation, role, command)?)));
    let mut found: Vec<Finding> = ways.map(|(code, way)| told(relation, role, code, &way)).collect();
    found.extend(nobodys(audit, relation, role));
    found
}

fn told(relation: &Relation, role: &str, code: &'static str, way: &Way) -> Finding {
    let by = match &way.through.policy {
        Some(policy) => format!("policy {policy}"),
        None => "row security".to_owned(),
    };
    let name = relation.name.to_string();
    if way.through.chance < Chance::Can {
        let message = format!("it cannot be told from {by} whether {role} can {}", way.what);
        return Finding::info(UNKNOWN, name, message, "try it: `rlsctl prove`");
    }
    let message = format!("{by} lets {role} {}, in {}", way.what, way.says.words());
    let help = "let the policy ask for the tenant, as in the guide's templates, or take the privilege away; `rlsctl prove` shows the row";
    let finding = Finding::error(code, name, message, help);
    match &way.through.policy {
        Some(policy) => finding.evidence("policy", policy.clone()),
        None => finding,
    }
}

/// Rows whose tenant is null, which pass for a session of any tenant, or of none.
fn nobodys(audit: &Audit<'_>, relation: &Relation, role: &str) -> Option<Finding> {
    if audit.model.tenancy.table(&relation.name).extras.shares_nulls {
        return None;
    }
    let way = audit.model.way_to_nobodys(relation, role)?;
    if way.through.chance < Chance::Can {
        return None;
    }
    let policy = way.through.policy.unwrap_or_default();
    let message = format!("policy {policy} lets {role} {}, in {}", way.what, way.says.words());
    let help = "fill the column and set it NOT NULL, or let the policy ask for the tenant with `=`; if such rows are everybody's on purpose, allow this finding";
    Some(Finding {
        severity: Severity::Warning,
        ..Finding::error(NULL, relation.name.to_string(), message, help)
    })
}
