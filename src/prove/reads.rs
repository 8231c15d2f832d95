//! Attempts to see a row.

use crate::schema::{Kind, Relation, Schema};
use crate::tenancy::Identity;

use super::plan::Subject;
use super::probe::{Aim, Probe};
use super::rights::Rights;
use super::sample::{Sample, readable_column};
use super::says::{Speech, Standing, Who};
use super::text::{ROW, columns, ident, literal, qualified};
use super::verdict::Deed;

/// What an attempt is made of.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    /// The schema.
    pub(super) schema: &'a Schema,
    /// The relation.
    pub(super) subject: &'a Subject,
    /// Who speaks.
    pub(super) speech: Speech<'a>,
    /// What it may do.
    pub(super) rights: &'a Rights,
    /// What is known of the relation.
    pub(super) sample: &'a Sample,
    /// The tenant that acts.
    pub(super) one: &'a Who,
    /// The tenant that is to be reached.
    pub(super) other: &'a Who,
    /// Whether only that one's rows count: a session may belong to several tenants.
    pub(super) only_other: bool,
    /// What is asked after a write.
    pub(super) after: &'a [String],
}

impl Stage<'_> {
    /// Returns the relation.
    pub(super) fn relation(&self) -> &Relation {
        &self.schema.relations[&self.subject.oid]
    }

    /// Returns the relation whose keys count: behind a view, that of its one table.
    pub(super) fn keyed(&self) -> &Relation {
        match (self.relation().kind, self.subject.bases.as_slice()) {
            (Kind::View, [base]) => &self.schema.relations[base],
            _ => self.relation(),
        }
    }

    /// Returns an attempt.
    pub(super) fn probe(&self, deed: Deed, aim: Aim, standing: &Standing, statements: Vec<String>) -> Probe {
        Probe {
            deed,
            aim,
            role: match standing {
                Standing::Role(role) => role.clone(),
                _ => self.speech.role.to_owned(),
            },
            standing: standing.clone(),
            before: Vec::new(),
            becoming: self.speech.becoming(standing, self.one, self.other),
            statements,
            after: if aim == Aim::See {
                Vec::new()
            } else {
                self.after.to_vec()
            },
            otherwise: None,
        }
    }
}

/// Returns the attempt to see rows that are not the session's; nothing where the role may not read, and the reason where there is no way to
/// tell whose a row is that it reads.
pub(super) fn read(stage: &Stage<'_>, standing: &Standing) -> Option<Result<Probe, String>> {
    if stage.rights.select.is_empty() {
        return None;
    }
    Some(conditions(stage, standing).map(|statements| stage.probe(Deed::Select, Aim::See, standing, statements)))
}

fn conditions(stage: &Stage<'_>, standing: &Standing) -> Result<Vec<String>, String> {
    if standing.is_nobody() {
        return Ok(vec![seen(stage, "any", "")]);
    }
    let column = readable_column(stage.subject, &stage.rights.select);
    let Some(column) = column else {
        return by_place(stage).map(|statement| vec![statement]);
    };
    let whose = stage.subject.whose.sql().unwrap_or_default();
    let (one, other) = (literal(&stage.one.tenant), literal(&stage.other.tenant));
    let foreign = match standing {
        _ if stage.only_other => format!("where {whose} = {other}"),
        // The tenant's own rows under another spelling of its name are nobody else's.
        Standing::Value(value) => format!(
            "where {whose} <> {one} and {whose}::pg_catalog.text <> {}",
            literal(value)
        ),
        _ => format!("where {whose} <> {one}"),
    };
    let mut all = vec![seen(stage, "foreign", &foreign)];
    let is_nullable = stage.relation().column(column).is_some_and(|column| !column.not_null);
    if is_nullable {
        all.push(seen(stage, "null", &format!("where {whose} is null")));
    }
    if matches!(standing, Standing::Tenant) {
        let table = qualified(&stage.subject.name);
        all.push(format!(
            "select 'rlsctl:own' where exists (select from {table} {ROW} where {whose} = {one})"
        ));
    }
    Ok(all)
}

/// A statement that returns one row that may not be seen.
fn seen(stage: &Stage<'_>, kind: &str, condition: &str) -> String {
    let inner = columns(stage.rights.select.iter().map(String::as_str));
    let table = qualified(&stage.subject.name);
    format!(
        "select 'rlsctl:seen', '{kind}', pg_catalog.to_json(rlsctl_seen)::pg_catalog.text from (select {inner} from {table} {ROW} {condition} limit 1) rlsctl_seen"
    )
}

/// Rows are known by their place where the session cannot read whose they are.
fn by_place(stage: &Stage<'_>) -> Result<String, String> {
    if !stage.subject.kind.is_table() {
        return Err("the column that says whose a row is cannot be read in it".to_owned());
    }
    if stage.rights.select_whole {
        if stage.sample.strangers.is_empty() {
            return Err("no row of another tenant was found to look for".to_owned());
        }
        let places = stage.sample.strangers.iter();
        let list: Vec<String> = places.clone().map(|(_, place)| format!("\"{place}\"")).collect();
        let both: Vec<String> = places
            .map(|(table, place)| literal(&format!("{table}{place}")))
            .collect();
        return Ok(seen(
            stage,
            "foreign",
            &format!(
                "where {ROW}.ctid = any ('{{{}}}'::pg_catalog.tid[]) and ({ROW}.tableoid::pg_catalog.oid::pg_catalog.text || {ROW}.ctid::pg_catalog.text) in ({})",
                list.join(","),
                both.join(", ")
            ),
        ));
    }
    let relation = stage.relation();
    let key = relation
        .primary_key()
        .filter(|key| key.columns.iter().all(|name| stage.rights.select.contains(name)));
    let key = key
        .ok_or("the role can read neither whose a row is nor a key of it: grant it one of them, and it can be tried")?;
    let pairs = key.columns.iter().map(|name| {
        let value = Sample::cell(relation, &stage.sample.theirs, name).unwrap_or_default();
        format!("{ROW}.{} = {}", ident(name), literal(value))
    });
    Ok(seen(
        stage,
        "foreign",
        &format!("where {}", pairs.collect::<Vec<_>>().join(" and ")),
    ))
}

/// Returns the attempt with a plan that is made once, first used as the other tenant and then as this one.
pub(super) fn cached(stage: &Stage<'_>) -> Option<Probe> {
    readable_column(stage.subject, &stage.rights.select)?;
    let whose = stage.subject.whose.sql()?;
    let (other, table) = (literal(&stage.other.tenant), qualified(&stage.subject.name));
    let inner = columns(stage.rights.select.iter().map(String::as_str));
    let mut probe = stage.probe(Deed::Select, Aim::See, &Standing::Cached, Vec::new());
    probe.becoming = stage.speech.becoming(&Standing::Tenant, stage.other, stage.one);
    let mut statements = vec![
        "set local plan_cache_mode = force_generic_plan".to_owned(),
        format!(
            "prepare rlsctl_plan as select 'rlsctl:cached', pg_catalog.to_json(rlsctl_seen)::pg_catalog.text from (select {inner} from {table} {ROW} where {whose} = {other} limit 1) rlsctl_seen"
        ),
        "execute rlsctl_plan".to_owned(),
        "reset session authorization; reset role".to_owned(),
    ];
    statements.extend(stage.speech.becoming(&Standing::Tenant, stage.one, stage.other));
    statements.push("select 'rlsctl:second'".to_owned());
    statements.push("execute rlsctl_plan".to_owned());
    statements.push("deallocate rlsctl_plan".to_owned());
    probe.statements = statements;
    Some(probe)
}

/// Returns the same for a person.
pub(super) fn cached_script(stage: &Stage<'_>) -> Option<String> {
    let whose = stage.subject.whose.sql()?;
    let (other, table) = (literal(&stage.other.tenant), qualified(&stage.subject.name));
    let inner = columns(stage.rights.select.iter().map(String::as_str));
    let second = stage.speech.becoming(&Standing::Tenant, stage.one, stage.other);
    Some(format!(
        "set local plan_cache_mode = force_generic_plan;\nprepare rlsctl_plan as select {inner} from {table} {ROW} where {whose} = {other};\n\
         execute rlsctl_plan;\nreset session authorization; reset role;\n{};\nexecute rlsctl_plan;\ndeallocate rlsctl_plan",
        second.join(";\n")
    ))
}

/// Returns the attempt with a temporary table of the name of the members', by which the session's user belongs to the other tenant.
pub(super) fn shadowed(stage: &Stage<'_>) -> Option<Probe> {
    let Identity::Membership(membership) = &stage.speech.tenancy.identity else {
        return None;
    };
    let members = stage.schema.relation(&membership.table)?;
    let readable = read(stage, &Standing::Shadowed)?.ok()?;
    let name = ident(&members.name.name);
    let cells = members
        .columns
        .iter()
        .map(|it| format!("{} {}", ident(&it.name), it.data_type));
    let mut statements = vec![
        format!(
            "create temporary table {name} ({})",
            cells.collect::<Vec<_>>().join(", ")
        ),
        format!(
            "insert into pg_temp.{name} ({}, {}) values ({}, {})",
            ident(&membership.user_column),
            ident(&membership.tenant_column),
            literal(stage.one.user.as_deref().unwrap_or_default()),
            literal(&stage.other.tenant)
        ),
    ];
    // Functions that a session's user may call read it as whoever they act as.
    statements.push(format!("grant all on pg_temp.{name} to public"));
    // A session says which of its tenants is the active one.
    let mut claimed = stage.one.clone();
    claimed.tenant.clone_from(&stage.other.tenant);
    statements.extend(stage.speech.becoming(&Standing::Tenant, &claimed, stage.other));
    statements.extend(readable.statements);
    Some(Probe {
        statements,
        ..stage.probe(Deed::Select, Aim::See, &Standing::Shadowed, Vec::new())
    })
}

/// Returns values that a careless comparison takes for the tenant's, or for the other's.
pub(super) fn values(stage: &Stage<'_>) -> Vec<String> {
    let data_type = stage.subject.whose.data_type().unwrap_or_default();
    let is_text = matches!(data_type, "text" | "name") || data_type.starts_with("character varying");
    let (one, other) = (stage.one.tenant.as_str(), stage.other.tenant.as_str());
    let mut values = vec![
        "%".to_owned(),
        "_".repeat(other.chars().count()),
        "*".to_owned(),
        ".*".to_owned(),
        "null".to_owned(),
    ];
    if let Ok(number) = one.parse::<i64>() {
        values.extend([(number.wrapping_neg()).to_string(), format!("{number}0")]);
    }
    if is_text {
        for text in [one, other] {
            let length = text.chars().count();
            let part = |from: usize, to: usize| {
                text.chars()
                    .skip(from)
                    .take(to.saturating_sub(from))
                    .collect::<String>()
            };
            values.extend([
                part(0, length.saturating_sub(1)),
                part(0, 1),
                part(1, length),
                format!("{text}x"),
            ]);
            values.extend([
                text.to_uppercase(),
                text.to_lowercase(),
                format!("{text} "),
                format!("{}%", part(0, 1)),
            ]);
        }
    }
    values.retain(|value| !value.is_empty() && value != one && value != other);
    values.sort();
    values.dedup();
    values
}
