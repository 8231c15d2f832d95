//! What can be mended without a decision, as exact SQL.
//!
//! Each proposal is tried on a copy of the schema first, with the same model: it stays only where its finding is gone then and nothing new of
//! severity error or warning has come.

use std::collections::BTreeSet;

use crate::activity::Oid;
use crate::finding::{Finding, Severity};
use crate::schema::{Function, Grant, Kind, Relation, Schema, Volatility};
use crate::script::RelationName;
use crate::tenancy::Tenancy;

use super::immutable::{called, reads_session};
use super::{Audit, audit};
use crate::isolation::Model;

/// What mends a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The code of the finding.
    pub code: &'static str,
    /// Its object.
    pub object: String,
    /// What is wrong.
    pub message: String,
    /// The table that is altered, if it is one.
    pub table: Option<RelationName>,
    /// The statement, without its semicolon.
    pub sql: String,
}

/// What can be mended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fixed {
    /// What mends it, in the order in which it is to be applied.
    pub fixes: Vec<Fix>,
}

/// What a statement changes.
#[derive(Clone)]
enum Change {
    SetOption(Oid, &'static str),
    Revoke(Oid, Vec<String>, Option<&'static str>),
    Force(Oid),
    Enable(Oid),
    Stable(Oid),
    SearchPath(Oid, String),
    NotLeakproof(Oid),
    NoBypass(String),
}

/// Returns what can be mended of these findings.
pub fn fixed(schema: &Schema, tenancy: &Tenancy, findings: &[Finding]) -> Fixed {
    let roles = tenancy.all_app_roles().filter(|role| schema.roles.contains_key(*role));
    let asked = Audit {
        model: Model::new(schema, tenancy),
        schema,
        roles: roles.map(String::as_str).collect(),
    };
    let mut proposed: Vec<(Fix, Change)> = Vec::new();
    for finding in findings {
        for (sql, table, change) in proposals(&asked, finding) {
            let fix = Fix {
                code: finding.code,
                object: finding.object.clone(),
                message: finding.message.clone(),
                table,
                sql,
            };
            if !proposed.iter().any(|(there, _)| there.sql == fix.sql) {
                proposed.push((fix, change));
            }
        }
    }
    // What is allowed or known already is not among the findings, and nothing new either.
    let all = audit(schema, tenancy);
    let before: BTreeSet<_> = all.iter().map(known_by).collect();
    loop {
        let mut after = schema.clone();
        for (_, change) in &proposed {
            change.apply(&mut after);
        }
        let found = audit(&after, tenancy);
        let there: BTreeSet<_> = found.iter().map(known_by).collect();
        let new: Vec<&Finding> = found
            .iter()
            .filter(|finding| finding.severity < Severity::Info && !before.contains(&known_by(finding)))
            .collect();
        let holds = |fix: &Fix| {
            !there.contains(&(fix.code, fix.object.as_str(), fix.message.as_str()))
                && !new.iter().any(|finding| finding.object == fix.object)
        };
        let count = proposed.len();
        proposed.retain(|(fix, _)| holds(fix));
        if proposed.len() == count {
            // What is new elsewhere cannot be laid to one of them.
            let is_good = new.is_empty();
            let fixes = proposed.into_iter().filter(|_| is_good).map(|(fix, _)| fix);
            return Fixed { fixes: fixes.collect() };
        }
    }
}

fn known_by(finding: &Finding) -> (&'static str, &str, &str) {
    (finding.code, &finding.object, &finding.message)
}

type Proposal = (String, Option<RelationName>, Change);

fn proposals(audit: &Audit<'_>, finding: &Finding) -> Vec<Proposal> {
    let relation = || {
        let mut relations = audit.schema.relations.values();
        relations.find(|relation| relation.name.to_string() == finding.object)
    };
    let function = || {
        let mut functions = audit.schema.functions.iter();
        functions.find(|(_, function)| named(function) == finding.object)
    };
    match finding.code {
        "leak.bypass" => bypass(audit, &finding.object).into_iter().collect(),
        "leak.immutable" => relation().map(|relation| stable(audit, relation)).unwrap_or_default(),
        "leak.search-path" => function()
            .and_then(|(oid, function)| search_path(*oid, function))
            .into_iter()
            .collect(),
        "leak.leakproof" => function()
            .map(|(oid, function)| {
                (
                    format!("alter function {} not leakproof", callable(function)),
                    None,
                    Change::NotLeakproof(*oid),
                )
            })
            .into_iter()
            .collect(),
        code => relation()
            .and_then(|relation| of_relation(audit, relation, code))
            .into_iter()
            .collect(),
    }
}

fn of_relation(audit: &Audit<'_>, relation: &Relation, code: &str) -> Option<Proposal> {
    let name = &relation.name;
    let table = Some(name.clone());
    match code {
        "leak.view" if audit.schema.major() >= 15 && every_reader_may_read(audit, relation) => Some((
            format!("alter view {name} set (security_invoker = true)"),
            None,
            Change::SetOption(relation.oid, "security_invoker=true"),
        )),
        "leak.view-barrier" => Some((
            format!("alter view {name} set (security_barrier = true)"),
            None,
            Change::SetOption(relation.oid, "security_barrier=true"),
        )),
        "leak.view-write" => Some((
            format!("alter view {name} set (check_option = cascaded)"),
            None,
            Change::SetOption(relation.oid, "check_option=cascaded"),
        )),
        "leak.truncate" => {
            let whom = givers(audit, relation, Some("TRUNCATE"))?;
            let sql = format!("revoke truncate on table {name} from {}", idents(&whom));
            Some((sql, table, Change::Revoke(relation.oid, whom, Some("TRUNCATE"))))
        }
        "leak.partition" => {
            let whom = givers(audit, relation, None)?;
            let sql = format!("revoke all on table {name} from {}", idents(&whom));
            Some((sql, table, Change::Revoke(relation.oid, whom, None)))
        }
        "leak.owner-not-forced" if !is_read_by_a_definer(audit, relation) => Some((
            format!("alter table {name} force row level security"),
            table,
            Change::Force(relation.oid),
        )),
        "rls.policies-unused" | "leak.rls-disabled" if !relation.policies.is_empty() => Some((
            format!("alter table {name} enable row level security"),
            table,
            Change::Enable(relation.oid),
        )),
        _ => None,
    }
}

/// A view that asks with the session's rights needs them on what it reads.
fn every_reader_may_read(audit: &Audit<'_>, view: &Relation) -> bool {
    let readers = audit.roles_that(|role| audit.reaches(role, view, "SELECT"));
    let may_all = |oid: &Oid| {
        audit.schema.relations.get(oid).is_some_and(|read| {
            readers.iter().all(|role| {
                audit.uses(role, read.name.schema.as_deref()) && audit.schema.may(role, "SELECT", &read.grants)
            })
        })
    };
    view.kind == Kind::View && !view.reads.is_empty() && view.reads.iter().all(may_all)
}

/// FORCE on a table that the function asks for who a session is leaves that function without rows.
fn is_read_by_a_definer(audit: &Audit<'_>, relation: &Relation) -> bool {
    audit
        .schema
        .functions
        .values()
        .any(|function| function.is_security_definer && function.body.contains(&relation.name.name))
}

/// Returns those to whom the privilege was given that the application's roles have; nothing where one has it as an owner.
fn givers(audit: &Audit<'_>, relation: &Relation, privilege: Option<&str>) -> Option<Vec<String>> {
    let is_of = |grant: &&Grant| privilege.is_none_or(|privilege| grant.privilege == privilege);
    let is_apps = |grant: &&Grant| {
        let has = |role: &&str| grant.is_public() || audit.schema.acts_as(role, &grant.grantee);
        audit.roles.iter().any(has)
    };
    let whom: BTreeSet<String> = relation
        .grants
        .iter()
        .filter(is_of)
        .filter(is_apps)
        .map(|grant| grant.grantee.clone())
        .collect();
    (!whom.is_empty() && !whom.contains(&relation.owner)).then(|| whom.into_iter().collect())
}

fn idents(names: &[String]) -> String {
    let each = names.iter().map(|name| {
        if name.is_empty() {
            "public".to_owned()
        } else {
            RelationName::new(name).to_string()
        }
    });
    each.collect::<Vec<_>>().join(", ")
}

fn bypass(audit: &Audit<'_>, name: &str) -> Option<Proposal> {
    let role = audit.schema.roles.get(name)?;
    let is_only_that = role.bypasses_row_security && !role.is_superuser;
    is_only_that.then(|| {
        let sql = format!("alter role {} nobypassrls", RelationName::new(name));
        (sql, None, Change::NoBypass(name.to_owned()))
    })
}

fn stable(audit: &Audit<'_>, relation: &Relation) -> Vec<Proposal> {
    let texts = relation
        .policies
        .iter()
        .flat_map(|policy| [policy.using.as_deref(), policy.check.as_deref()]);
    let mut found: Vec<Proposal> = Vec::new();
    for function in texts.flatten().flat_map(|text| called(audit, text)) {
        if function.volatility != Volatility::Immutable || !reads_session(function) {
            continue;
        }
        let mut functions = audit.schema.functions.iter();
        let oid = functions.find(|(_, other)| *other == function).map(|(oid, _)| *oid);
        found.extend(oid.map(|oid| {
            let sql = format!("alter function {} stable", callable(function));
            (sql, None, Change::Stable(oid))
        }));
    }
    found
}

fn search_path(oid: Oid, function: &Function) -> Option<Proposal> {
    // Where it says none, which schemas it means is its author's to say.
    let path = function
        .settings
        .iter()
        .find_map(|setting| setting.strip_prefix("search_path="))
        .filter(|path| !path.trim_matches('"').is_empty())?;
    let path = format!("{path}, pg_temp");
    let sql = format!("alter routine {} set search_path = {path}", callable(function));
    Some((sql, None, Change::SearchPath(oid, path)))
}

fn named(function: &Function) -> String {
    format!("{}.{}({})", function.schema, function.name, function.arguments)
}

fn callable(function: &Function) -> String {
    let name = RelationName::qualified(&function.schema, &function.name);
    format!("{name}({})", function.arguments)
}

impl Change {
    fn apply(&self, schema: &mut Schema) {
        match self {
            Self::SetOption(oid, option) => {
                let relation = schema.relations.get_mut(oid);
                let key = option.split('=').next().unwrap_or_default();
                if let Some(relation) = relation {
                    relation.options.retain(|there| there.split('=').next() != Some(key));
                    relation.options.push((*option).to_owned());
                }
            }
            Self::Revoke(oid, whom, privilege) => {
                if let Some(relation) = schema.relations.get_mut(oid) {
                    let stays = |grant: &Grant| {
                        let is_of = privilege.is_none_or(|privilege| grant.privilege == privilege);
                        !(is_of && whom.contains(&grant.grantee))
                    };
                    relation.grants.retain(stays);
                    if privilege.is_none() {
                        // REVOKE on a table takes the privileges on its columns too.
                        for column in &mut relation.columns {
                            column.grants.retain(stays);
                        }
                    }
                }
            }
            Self::Force(oid) => {
                if let Some(relation) = schema.relations.get_mut(oid) {
                    relation.force_row_security = true;
                }
            }
            Self::Enable(oid) => {
                if let Some(relation) = schema.relations.get_mut(oid) {
                    relation.row_security = true;
                }
            }
            Self::Stable(oid) => {
                if let Some(function) = schema.functions.get_mut(oid) {
                    function.volatility = Volatility::Stable;
                }
            }
            Self::SearchPath(oid, path) => {
                if let Some(function) = schema.functions.get_mut(oid) {
                    function.settings.retain(|setting| !setting.starts_with("search_path="));
                    function.settings.push(format!("search_path={path}"));
                }
            }
            Self::NotLeakproof(oid) => {
                if let Some(function) = schema.functions.get_mut(oid) {
                    function.is_leakproof = false;
                }
            }
            Self::NoBypass(name) => {
                if let Some(role) = schema.roles.get_mut(name) {
                    role.bypasses_row_security = false;
                }
            }
        }
    }
}

impl Fixed {
    /// Returns the migration. Each table is a section of its own where there are more than `most`, so that it waits for none of the others.
    pub fn migration(&self, most: usize) -> String {
        let mut text = "-- Written by `rlsctl audit --fix`: what can be mended without a decision. Read it before it is applied.\n".to_owned();
        let tables: BTreeSet<&RelationName> = self.fixes.iter().filter_map(|fix| fix.table.as_ref()).collect();
        let write = |text: &mut String, fix: &Fix| {
            let message = fix.message.replace(['\n', '\r'], " ");
            text.push_str(&format!(
                "-- {} {}: {message}\n{};\n",
                fix.code,
                fix.object.replace(['\n', '\r'], " "),
                fix.sql
            ));
        };
        for fix in self.fixes.iter().filter(|fix| fix.table.is_none()) {
            text.push('\n');
            write(&mut text, fix);
        }
        for table in &tables {
            text.push('\n');
            if tables.len() > most {
                text.push_str(&format!("-- rlsctl: section {table}\n"));
            }
            for fix in self.fixes.iter().filter(|fix| fix.table.as_ref() == Some(table)) {
                write(&mut text, fix);
            }
        }
        text
    }
}
