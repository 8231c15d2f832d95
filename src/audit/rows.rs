//! Rows of tables: whether row security binds, and what its policies let pass.

use crate::finding::{Finding, Severity};
use crate::isolation::{Access, Chance, Owned, Says, Through, Whose};
use crate::schema::Relation;

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
    match parent {
        Some(parent) => {
            let message = format!(
                "can be asked by its own name by {}, and the policies of its parent {} do not hold there",
                listed(roles),
                parent.name
            );
            let help = format!("revoke all on {} from {}", relation.name, roles.join(", "));
            Finding::error(PARTITION, relation.name.to_string(), message, help)
        }
        None => {
            let message = format!(
                "has no row security, and {} can reach it: every tenant's rows",
                listed(roles)
            );
            Finding::error(DISABLED, relation.name.to_string(), message, help)
        }
    }
}

/// A way by which a row of another tenant is reached.
struct Way<'a> {
    code: &'static str,
    through: Through,
    says: Says,
    what: &'a str,
}

/// What a role that row security binds gets past the policies.
fn passing(audit: &Audit<'_>, relation: &Relation, role: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let ways: [(&str, fn(&Audit<'_>, &Relation, &str) -> Option<Way<'static>>); 4] = [
        ("SELECT", reading),
        ("INSERT", inserting),
        ("UPDATE", updating),
        ("DELETE", deleting),
    ];
    for (privilege, way) in ways {
        if audit.reaches(role, relation, privilege) {
            found.extend(way(audit, relation, role).map(|way| told(audit, relation, role, way)));
        }
    }
    if audit.reaches(role, relation, "SELECT") {
        found.extend(nobodys(audit, relation, role));
    }
    found
}

fn told(audit: &Audit<'_>, relation: &Relation, role: &str, mut way: Way<'_>) -> Finding {
    if matches!(way.code, INSERT | UPDATE) && is_stamped(audit, relation) {
        way.through.chance = Chance::Perhaps;
    }
    let by = match &way.through.policy {
        Some(policy) => format!("policy {policy}"),
        None => "row security".to_owned(),
    };
    let name = relation.name.to_string();
    if way.through.chance == Chance::Can {
        let message = format!("{by} lets {role} {}, in {}", way.what, way.says.words());
        let help = "let the policy ask for the tenant, as in the guide's templates, or take the privilege away; `rlsctl prove` shows the row";
        let finding = Finding::error(way.code, name, message, help);
        return match &way.through.policy {
            Some(policy) => finding.evidence("policy", policy.clone()),
            None => finding,
        };
    }
    let message = format!("it cannot be told from {by} whether {role} can {}", way.what);
    Finding::info(UNKNOWN, name, message, "try it: `rlsctl prove`")
}

/// Tells whether a trigger may write the tenant itself, so that what is sent is not what is kept.
fn is_stamped(audit: &Audit<'_>, relation: &Relation) -> bool {
    let column = audit
        .model
        .owned(relation)
        .and_then(Owned::column)
        .unwrap_or_default()
        .to_ascii_lowercase();
    relation
        .triggers
        .iter()
        .filter(|trigger| trigger.is_enabled && trigger.definition.contains(" BEFORE "))
        .any(|trigger| {
            let body = audit
                .schema
                .functions
                .get(&trigger.function)
                .map(|function| function.body.to_ascii_lowercase());
            body.is_some_and(|body| body.contains(&format!("new.{column}")) || body.contains("raise exception"))
        })
}

/// Returns the session in which a row gets through best.
fn best(ask: impl Fn(Says) -> Through) -> Option<(Through, Says)> {
    let mut best: Option<(Through, Says)> = None;
    for says in Says::ALL {
        let through = ask(says);
        if through.chance > best.as_ref().map_or(Chance::Never, |(best, _)| best.chance) {
            best = Some((through, says));
        }
    }
    best
}

fn reading(audit: &Audit<'_>, relation: &Relation, role: &str) -> Option<Way<'static>> {
    let ask = |says| {
        audit
            .model
            .through(relation, role, Access::Select, Some(Whose::Theirs), says)
    };
    let (through, says) = best(ask)?;
    Some(Way {
        code: READ,
        through,
        says,
        what: "read another tenant's rows",
    })
}

/// A new tenant is nobody else's yet.
fn is_root(audit: &Audit<'_>, relation: &Relation) -> bool {
    matches!(audit.model.owned(relation), Some(Owned::Root(_)))
}

fn inserting(audit: &Audit<'_>, relation: &Relation, role: &str) -> Option<Way<'static>> {
    let owned = audit.model.owned(relation)?;
    let is_writable = owned
        .column()
        .is_none_or(|column| audit.writes(role, relation, "INSERT", column));
    if is_root(audit, relation) || !is_writable {
        return None;
    }
    let ask = |says| {
        audit
            .model
            .through(relation, role, Access::Insert, Some(Whose::Forged), says)
    };
    let (through, says) = best(ask)?;
    Some(Way {
        code: INSERT,
        through,
        says,
        what: "insert rows for another tenant",
    })
}

fn updating(audit: &Audit<'_>, relation: &Relation, role: &str) -> Option<Way<'static>> {
    let model = &audit.model;
    let both = |says, before, after: &[Whose]| {
        let old = model.through(relation, role, Access::Update, Some(before), says);
        let new = after
            .iter()
            .map(|whose| model.through(relation, role, Access::Changed, Some(*whose), says));
        let new = new.max_by_key(|through| through.chance)?;
        let weaker = if new.chance < old.chance { new } else { old };
        Some(weaker)
    };
    let nothing = || Through {
        chance: Chance::Never,
        policy: None,
    };
    let changing = best(|says| both(says, Whose::Theirs, &[Whose::Theirs, Whose::Mine]).unwrap_or_else(nothing));
    if let Some((through, says)) = changing {
        return Some(Way {
            code: UPDATE,
            through,
            says,
            what: "change another tenant's rows",
        });
    }
    let columns = match model.owned(relation)? {
        Owned::Column(column) => vec![column.clone()],
        Owned::Through { columns, .. } => columns.clone(),
        Owned::Root(_) => return None,
    };
    if !columns
        .iter()
        .all(|column| audit.writes(role, relation, "UPDATE", column))
    {
        return None;
    }
    let (through, says) = best(|says| both(says, Whose::Mine, &[Whose::Forged]).unwrap_or_else(nothing))?;
    Some(Way {
        code: UPDATE,
        through,
        says,
        what: "move rows to another tenant",
    })
}

fn deleting(audit: &Audit<'_>, relation: &Relation, role: &str) -> Option<Way<'static>> {
    let ask = |says| {
        audit
            .model
            .through(relation, role, Access::Delete, Some(Whose::Theirs), says)
    };
    let (through, says) = best(ask)?;
    Some(Way {
        code: DELETE,
        through,
        says,
        what: "delete another tenant's rows",
    })
}

/// Rows whose tenant is null, which pass for a session of any tenant, or of none.
fn nobodys(audit: &Audit<'_>, relation: &Relation, role: &str) -> Option<Finding> {
    let is_on_purpose = audit.model.tenancy.table(&relation.name).extras.shares_nulls;
    if is_on_purpose || !audit.model.may_be_nobodys(relation) {
        return None;
    }
    let ask = |says| {
        audit
            .model
            .through(relation, role, Access::Select, Some(Whose::Nobodys), says)
    };
    let (through, says) = best(ask)?;
    if through.chance < Chance::Can {
        return None;
    }
    let policy = through.policy.clone().unwrap_or_default();
    let message = format!(
        "policy {policy} shows {role} rows whose tenant is null, in {}",
        says.words()
    );
    let help = "fill the column and set it NOT NULL, or let the policy ask for the tenant with `=`; if such rows are everybody's on purpose, allow this finding";
    Some(Finding {
        severity: Severity::Warning,
        ..Finding::error(NULL, relation.name.to_string(), message, help)
    })
}
