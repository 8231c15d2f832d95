//! The policies that let everything pass and count, and the functions that they call.

use crate::pg::ident::QualifiedName;
use crate::schema::{Command, Policy, PolicyRole, Relation, Schema};
use crate::script::{LockMode, RelationName};
use crate::tenancy::Tenancy;

use super::super::aim::Aim;
use super::super::enforce::{Wanted, exchanged, forced, is_ours};
use super::super::expression::{compared, own};
use super::super::step::{Stage, Step};
use super::super::template::{fill, ident, literal};
use super::counter;

const TENANT: &str = include_str!("../../../sql/retrofit/observe_tenant.sql");
const COUNT: &str = include_str!("../../../sql/retrofit/observe_count.sql");
const CONDITION: &str = include_str!("../../../sql/retrofit/observe_condition.sql");
const GONE: &str = include_str!("../../../sql/retrofit/observe_gone.sql");

/// The policies by their names.
const POLICIES: [(&str, Command); 4] = [
    ("observe_select", Command::Select),
    ("observe_insert", Command::Insert),
    ("observe_update", Command::Update),
    ("observe_delete", Command::Delete),
];

/// Tells whether a table has our policies that count, rather than those that hold back.
pub(in crate::retrofit) fn is_observed(relation: &Relation) -> bool {
    relation.policies.iter().any(counts)
}

fn counts(policy: &Policy) -> bool {
    is_ours(policy) && POLICIES.iter().any(|(name, _)| *name == policy.name)
}

/// Tells why a table cannot be observed: policies that let everything pass would open what is closed today, and ENABLE would wake those that
/// are asleep.
pub(super) fn obstacle(relation: &Relation) -> Option<&'static str> {
    if relation.policies.iter().any(|policy| !counts(policy)) {
        return Some("has policies already");
    }
    (relation.row_security && !is_observed(relation)).then_some("has row security already, which shows nobody a row")
}

/// Returns the step that makes a table be observed; nothing where it is.
pub(super) fn step(schema: &Schema, tenancy: &Tenancy, aim: &Aim) -> Option<Step> {
    let relation = &schema.relations[&aim.table];
    let wanted: Vec<Wanted> = POLICIES
        .into_iter()
        .map(|(name, command)| Wanted {
            name,
            command,
            roles: vec![PolicyRole::new()],
            condition: condition(tenancy, aim, command),
        })
        .collect();
    let (mut statements, mut undo) = exchanged(relation, &wanted, is_ours);
    if let Some((statement, back)) = forced(schema, tenancy, relation) {
        statements.push(statement);
        undo.insert(0, back);
    }
    if statements.is_empty() {
        return None;
    }
    // What counted in another way until now counts in this one from now on only.
    let again = is_observed(relation).then(|| counter::since_gone(&aim.name));
    let since = counter::since_made(&aim.name);
    if again.is_some() {
        undo.extend(again.iter().chain(&since).cloned());
    } else {
        undo.push(counter::since_gone(&aim.name));
    }
    statements.splice(0..0, again.into_iter().chain(since));
    Some(Step {
        stage: Stage::Observed,
        tables: vec![aim.name.clone()],
        lock: Some(LockMode::AccessExclusive),
        statements,
        undo,
        why: format!(
            "every row passes; a statement that meets one whose {} is not the session's own is counted",
            aim.column
        ),
    })
}

fn condition(tenancy: &Tenancy, aim: &Aim, command: Command) -> String {
    let (tenant, is_write) = (counter::of(&aim.name, "tenant"), command != Command::Select);
    let call = format!("{tenant}({is_write})");
    fill(
        CONDITION,
        &[
            ("mine", &compared(tenancy, &aim.column, &aim.data_type, &call)),
            ("count", &counter::of(&aim.name, "count")),
            ("tenant", &tenant),
            ("command", &literal(command.word())),
            ("write", &is_write),
        ],
    )
}

/// Returns the statements that make a table's counters and the functions that use them.
pub(super) fn counters_made(tenancy: &Tenancy, aim: &Aim) -> Vec<String> {
    let (tenant, count) = functions(&aim.name);
    let mut statements = vec![format!("create schema if not exists {}", counter::SCHEMA)];
    statements.extend(counter::made(tenancy, &aim.name));
    statements.extend([
        tenant_function(tenancy, aim),
        format!("grant execute on function {tenant}(boolean) to public"),
        count_function(tenancy, &aim.name),
        format!("grant execute on function {count}(name, text, boolean) to public"),
    ]);
    statements
}

/// Returns the statement that takes away a table's counters and those functions.
pub(super) fn counters_gone(table: &RelationName) -> String {
    let (tenant, count) = functions(table);
    fill(
        GONE,
        &[
            ("functions", &format!("{count}(name, text, boolean), {tenant}(boolean)")),
            ("mark", &literal(&counter::mark(table))),
        ],
    )
}

/// Tells whether a table's counters are those that it shall have.
pub(super) fn is_counted(schema: &Schema, tenancy: &Tenancy, aim: &Aim) -> bool {
    let there = counter::there(schema, &aim.name);
    let mut found: Vec<_> = there
        .into_iter()
        .map(|(_, counter)| counter)
        .filter(|it| it.command.is_some())
        .collect();
    let mut wanted = counter::wanted(tenancy, &aim.name);
    found.sort();
    wanted.sort();
    let (tenant, count) = functions(&aim.name);
    let has = |name: &QualifiedName, statement: &str| {
        let body = statement.split("$observe$").nth(1);
        schema.functions.values().any(|found| {
            found.schema == name.schema.as_str()
                && found.name == name.name.as_str()
                && Some(found.body.as_str()) == body
        })
    };
    found == wanted && has(&tenant, &tenant_function(tenancy, aim)) && has(&count, &count_function(tenancy, &aim.name))
}

fn functions(table: &RelationName) -> (QualifiedName, QualifiedName) {
    (counter::of(table, "tenant"), counter::of(table, "count"))
}

fn tenant_function(tenancy: &Tenancy, aim: &Aim) -> String {
    let own = own(tenancy, &aim.data_type);
    fill(
        TENANT,
        &[
            ("function", &functions(&aim.name).0),
            ("type", &own.data_type),
            ("is_app", &any_role("current_user", &tenancy.app_roles)),
            ("is_reader", &any_role("current_user", &tenancy.read_only_roles)),
            ("is_plain", &own.is_plain),
            ("own", &own.value),
        ],
    )
}

fn count_function(tenancy: &Tenancy, table: &RelationName) -> String {
    let (roles, applications) = (counter::roles(tenancy), counter::applications(tenancy));
    let mut branches = Vec::new();
    for counter in counter::wanted(tenancy, table) {
        let command = counter.command.as_deref().unwrap_or_default();
        let relation = counter.relation(table);
        branches.push(format!(
            "  elsif command = {} and role_number = {} and application_number = {} then\n    if has_tenant then perform from {relation} limit 1; else perform from {relation}; end if;",
            literal(command),
            number(&roles, counter.role.as_ref()),
            number(&applications, counter.application.as_ref()),
        ));
    }
    let when_role = roles.iter().flatten().enumerate();
    let when_role = when_role.map(|(at, role)| format!("when {} then {}", has_role("who", role), at + 1));
    let when_application = applications.iter().flatten().enumerate();
    let when_application = when_application.map(|(at, application)| {
        let setting = "current_setting('application_name')";
        format!("when {setting} = {} then {}", literal(application), at + 1)
    });
    fill(
        COUNT,
        &[
            ("function", &functions(table).1),
            ("is_admin", &any_role("who", &tenancy.admin_roles)),
            ("roles", &cases(when_role)),
            ("applications", &cases(when_application)),
            ("branches", &branches.join("\n")),
        ],
    )
}

/// What is not told apart is 0.
fn number(all: &[Option<String>], one: Option<&String>) -> usize {
    let at = one.and_then(|_| all.iter().position(|it| it.as_ref() == one));
    at.map_or(0, |at| at + 1)
}

fn cases(whens: impl Iterator<Item = String>) -> String {
    let whens: Vec<String> = whens.collect();
    if whens.is_empty() {
        "when false then 0".to_owned()
    } else {
        whens.join(" ")
    }
}

/// A role that is gone or has another name by now must not be what a statement of the application fails by.
fn has_role(who: &str, role: &str) -> String {
    let role = literal(&ident(role).to_string());
    format!("coalesce(pg_has_role({who}, to_regrole({role}), 'usage'), false)")
}

fn any_role(who: &str, roles: &[String]) -> String {
    let roles: Vec<String> = roles.iter().map(|role| has_role(who, role)).collect();
    match roles.as_slice() {
        [] => "false".to_owned(),
        [one] => one.clone(),
        several => format!("({})", several.join(" or ")),
    }
}
