//! Policies, ENABLE, FORCE, and what row security does not hold back.

use std::collections::BTreeSet;

use crate::pg::ident::QualifiedName;
use crate::schema::{Command, Policy, PolicyRole, Relation, Schema};
use crate::script::{LockMode, same_expression};
use crate::tenancy::{Existing, Force, Identity, Layout, Tenancy};

use super::aim::Aim;
use super::name::digits;
use super::observe::{is_observed, since_gone, since_made};
use super::rows;
use super::step::{Stage, Step};
use super::template::{ident, literal, qualified};

/// How many digits of a policy's hash its comment shows.
const DIGITS: usize = 12;
/// What the comment on each of our policies begins with.
const MARK: &str = "rlsctl retrofit ";

/// A policy that a table shall have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub name: &'static str,
    pub command: Command,
    /// Whom it is for; the empty name is PUBLIC.
    pub roles: Vec<String>,
    pub condition: String,
}

impl Wanted {
    /// Returns the statement, and the comment by which the policy is known again.
    fn statements(&self, table: &QualifiedName) -> Vec<String> {
        let roles: Vec<String> = self.roles.iter().map(role).collect();
        let using = format!(" using ({})", self.condition);
        let check = format!(" with check ({})", self.condition);
        let clauses = match self.command {
            Command::Select | Command::Delete => using,
            Command::Insert => check,
            Command::All | Command::Update => using + &check,
        };
        let name = ident(self.name);
        vec![
            format!(
                "create policy {name} on {table} for {} to {}{clauses}",
                self.command.word(),
                roles.join(", ")
            ),
            format!("comment on policy {name} on {table} is {}", literal(&self.comment())),
        ]
    }

    fn comment(&self) -> String {
        let text = format!(
            "{}\n{}\n{}\n{}",
            self.name,
            self.command.word(),
            self.roles.join(","),
            self.condition
        );
        format!("{MARK}{}", digits(&text, DIGITS))
    }

    fn is(&self, found: &Policy) -> bool {
        self.was(found) && self.says(found)
    }

    /// Tells whether it was this one when it was made. ALTER POLICY leaves the comment alone.
    fn was(&self, found: &Policy) -> bool {
        found.name == self.name && found.comment.as_deref() == Some(&self.comment())
    }

    /// Tells whether it still lets pass what it shall.
    fn says(&self, found: &Policy) -> bool {
        let same = |clause: Option<&String>, is_wanted: bool| match clause {
            Some(clause) => is_wanted && same_expression(&self.condition, clause),
            None => !is_wanted,
        };
        let (wanted, roles): (BTreeSet<&String>, BTreeSet<&String>) =
            (self.roles.iter().collect(), found.roles.iter().collect());
        found.is_permissive
            && found.command == self.command
            && roles == wanted
            && same(found.using.as_ref(), self.command != Command::Insert)
            && same(
                found.check.as_ref(),
                !matches!(self.command, Command::Select | Command::Delete),
            )
    }
}

/// Tells whether a policy was made by this module.
pub(super) fn is_ours(policy: &Policy) -> bool {
    policy
        .comment
        .as_deref()
        .is_some_and(|comment| comment.starts_with(MARK))
}

/// Returns the policies of a table that were altered since they were made by this module.
pub(super) fn altered<'a>(schema: &'a Schema, tenancy: &Tenancy, aim: &Aim) -> Vec<&'a Policy> {
    let wanted = wanted(schema, tenancy, aim);
    let is_altered = |found: &&Policy| wanted.iter().any(|wanted| wanted.was(found) && !wanted.says(found));
    let policies = schema.relations[&aim.table].policies.iter();
    policies.filter(is_altered).collect()
}

/// Returns the step that makes row security bind on a table; nothing where it does already.
pub(super) fn step(schema: &Schema, tenancy: &Tenancy, aim: &Aim) -> Option<Step> {
    let relation = &schema.relations[&aim.table];
    let table = qualified(&aim.name);
    let wanted = wanted(schema, tenancy, aim);
    let is_stale = |found: &Policy| is_ours(found) || tenancy.existing == Existing::Replace;
    let (mut statements, mut undo) = exchanged(relation, &wanted, is_stale);
    if let Some((statement, back)) = forced(schema, tenancy, relation) {
        statements.push(statement);
        undo.insert(0, back);
    }
    if is_observed(relation) {
        statements.push(since_gone(&aim.name));
        undo.extend(since_made(&aim.name));
    }
    for (role, privilege, is_grantable) in revoked(schema, tenancy, relation) {
        let option = if is_grantable { " with grant option" } else { "" };
        statements.push(format!("revoke {privilege} on {table} from {role}"));
        undo.push(format!("grant {privilege} on {table} to {role}{option}"));
    }
    for partition in super::closing::of(schema, aim.table) {
        super::closing::closed(tenancy, partition, &mut statements, &mut undo);
    }
    (!statements.is_empty()).then(|| Step {
        stage: Stage::Policies,
        tables: vec![aim.name.clone()],
        lock: Some(LockMode::AccessExclusive),
        statements,
        undo,
        why: format!("a session sees and writes the rows whose {} is its own", aim.column),
    })
}

/// Returns the statements by which a table has these policies and none of ours besides, and what undoes them. Those of others that `is_stale` go too.
pub(super) fn exchanged(
    relation: &Relation,
    wanted: &[Wanted],
    is_stale: impl Fn(&Policy) -> bool,
) -> (Vec<String>, Vec<String>) {
    let table = qualified(&relation.name);
    let (mut statements, mut undo) = (Vec::new(), Vec::new());
    if !relation.row_security {
        undo.push(format!("alter table {table} disable row level security"));
    }
    let missing: Vec<&Wanted> = wanted
        .iter()
        .filter(|wanted| !relation.policies.iter().any(|found| wanted.is(found)))
        .collect();
    let is_wanted = |found: &Policy| wanted.iter().any(|wanted| wanted.is(found));
    let stale = relation
        .policies
        .iter()
        .filter(|found| !is_wanted(found) && is_stale(found));
    for policy in stale {
        statements.push(format!("drop policy {} on {table}", ident(&policy.name)));
        undo.extend(again(policy, &table));
    }
    for policy in &missing {
        statements.extend(policy.statements(&table));
    }
    // What is made again above may have the name of one of these.
    let dropped = missing
        .iter()
        .map(|policy| format!("drop policy {} on {table}", ident(policy.name)));
    let at = usize::from(!relation.row_security);
    undo.splice(at..at, dropped);
    if !relation.row_security {
        statements.push(format!("alter table {table} enable row level security"));
    }
    (statements, undo)
}

/// Returns the statement that forces row security upon the owner, and what undoes it; nothing where it is, or shall not be.
pub(super) fn forced(schema: &Schema, tenancy: &Tenancy, relation: &Relation) -> Option<(String, String)> {
    let table = qualified(&relation.name);
    (is_forced(schema, tenancy, relation) && !relation.force_row_security).then(|| {
        (
            format!("alter table {table} force row level security"),
            format!("alter table {table} no force row level security"),
        )
    })
}

fn wanted(schema: &Schema, tenancy: &Tenancy, aim: &Aim) -> Vec<Wanted> {
    let policy = |name, command, roles: &[String], condition: Option<String>| {
        let (roles, condition) = (roles.to_vec(), condition?);
        Some(Wanted {
            name,
            command,
            roles,
            condition,
        })
    };
    let own = |command| rows::own(schema, tenancy, aim, command);
    let is_there = |roles: &[String]| -> Vec<String> {
        let known = roles.iter().filter(|role| schema.roles.contains_key(*role));
        known.cloned().collect()
    };
    let (app, readers, admins) = (
        is_there(&tenancy.app_roles),
        is_there(&tenancy.read_only_roles),
        is_there(&tenancy.admin_roles),
    );
    let mut wanted = match rows::layout(tenancy, aim) {
        Layout::All => vec![policy("tenant_isolation", Command::All, &app, own(Command::All))],
        Layout::PerCommand => vec![
            policy("tenant_select", Command::Select, &app, own(Command::Select)),
            policy("tenant_insert", Command::Insert, &app, own(Command::Insert)),
            policy("tenant_update", Command::Update, &app, own(Command::Update)),
            policy("tenant_delete", Command::Delete, &app, own(Command::Delete)),
        ],
    };
    if !readers.is_empty() {
        wanted.push(policy(
            "tenant_readers",
            Command::Select,
            &readers,
            own(Command::Select),
        ));
    }
    if aim.shares_nulls {
        // To read only: a row without a tenant is nobody's of the application to write.
        let all = [&app[..], &readers[..]].concat();
        wanted.push(policy(
            "tenant_shared",
            Command::Select,
            &all,
            Some(rows::everybodys(schema, tenancy, aim)),
        ));
    }
    if !admins.is_empty() {
        // A policy of their own: a condition beside the tenant's, joined by OR, would cost it its index.
        wanted.push(policy("tenant_admins", Command::All, &admins, Some("true".to_owned())));
    }
    let mut wanted: Vec<Wanted> = wanted.into_iter().flatten().collect();
    wanted.retain(|policy| !policy.roles.is_empty());
    wanted
}

/// Returns a role as CREATE POLICY names it.
fn role(name: &PolicyRole) -> String {
    if name.is_empty() {
        "public".to_owned()
    } else {
        ident(name).to_string()
    }
}

/// Returns the statements that make a policy as it was.
fn again(policy: &Policy, table: &QualifiedName) -> Vec<String> {
    let roles: Vec<String> = policy.roles.iter().map(role).collect();
    let kind = if policy.is_permissive { "" } else { " as restrictive" };
    let using = policy.using.as_ref().map(|using| format!(" using ({using})"));
    let check = policy.check.as_ref().map(|check| format!(" with check ({check})"));
    let name = ident(&policy.name);
    let mut statements = vec![format!(
        "create policy {name} on {table}{kind} for {} to {}{}{}",
        policy.command.word(),
        roles.join(", "),
        using.unwrap_or_default(),
        check.unwrap_or_default()
    )];
    if let Some(comment) = &policy.comment {
        statements.push(format!("comment on policy {name} on {table} is {}", literal(comment)));
    }
    statements
}

/// The table that the identity function reads is read with its owner's rights, which FORCE would take.
pub(super) fn is_forced(schema: &Schema, tenancy: &Tenancy, relation: &Relation) -> bool {
    let is_identity =
        matches!(&tenancy.identity, Identity::Membership(membership) if membership.table == relation.name);
    let is_owner = || {
        tenancy
            .all_app_roles()
            .any(|role| schema.acts_as(role, &relation.owner))
    };
    !is_identity
        && match tenancy.force {
            Force::Always => true,
            Force::Never => false,
            Force::Auto => is_owner(),
        }
}

/// TRUNCATE asks no policy; nor do REFERENCES and TRIGGER, which nobody but an owner needs. Returns who has them, quoted.
fn revoked(schema: &Schema, tenancy: &Tenancy, relation: &Relation) -> Vec<(String, &'static str, bool)> {
    let mut revoked: Vec<(String, &'static str, bool)> = Vec::new();
    for grant in &relation.grants {
        let is_app = tenancy.all_app_roles().any(|role| *role == grant.grantee) && grant.grantee != relation.owner;
        let privilege = match grant.privilege.as_str() {
            "TRUNCATE" if is_app || grant.is_public() => "truncate",
            "REFERENCES" if grant.is_public() => "references",
            "TRIGGER" if grant.is_public() => "trigger",
            _ => continue,
        };
        let role = if grant.is_public() {
            "public".to_owned()
        } else {
            ident(&grant.grantee).to_string()
        };
        let is_superuser = schema.roles.get(&grant.grantee).is_some_and(|role| role.is_superuser);
        let found = revoked.iter_mut().find(|found| found.0 == role && found.1 == privilege);
        match found {
            Some(found) => found.2 |= grant.is_grantable,
            None if !is_superuser => revoked.push((role, privilege, grant.is_grantable)),
            None => {}
        }
    }
    revoked
}
