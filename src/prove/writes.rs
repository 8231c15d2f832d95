//! Attempts to change what is another tenant's. What was accepted proves nothing: the other's rows are compared before and after.

use crate::schema::{Column, Relation};

use super::candidates::uuid;
use super::probe::{Aim, Probe};
use super::reads::Stage;
use super::sample::Sample;
use super::says::Standing;
use super::text::{ROW, ident, literal, qualified, value};
use super::verdict::Deed;
use super::whose::Whose;

/// The cursor by which one row is reached without a condition, which would ask the policies for SELECT too.
const CURSOR: &str = "rlsctl_cursor";

/// Returns all attempts to write that the role may make.
pub(super) fn writes(stage: &Stage<'_>, standing: &Standing) -> Vec<Probe> {
    let mut probes = Vec::new();
    probes.extend(make(stage, standing));
    probes.extend(change(stage, standing));
    if !standing.is_nobody() {
        probes.extend(take(stage, standing));
        probes.extend(give(stage, standing));
    }
    if stage.rights.delete {
        let statement = format!("delete from {}", qualified(&stage.subject.name));
        probes.push(on_rows(
            stage,
            standing,
            (Deed::Delete, Aim::Delete),
            &statement,
            &stage.other.tenant,
        ));
    }
    probes
}

/// A row for the other tenant: a copy of one it has, with new keys.
fn make(stage: &Stage<'_>, standing: &Standing) -> Option<Probe> {
    if stage.rights.insert.is_empty() || stage.sample.theirs.is_empty() {
        return None;
    }
    let relation = stage.relation();
    let cells = stage.rights.insert.iter().map(|name| {
        let fresh = fresh(stage, name);
        let fresh = fresh.or_else(|| Sample::cell(relation, &stage.sample.theirs, name).map(str::to_owned));
        (ident(name).to_string(), value(fresh.as_deref()))
    });
    let (names, values): (Vec<String>, Vec<String>) = cells.unzip();
    let is_identity = relation.columns.iter().any(|column| column.is_identity);
    let overriding = if is_identity { " overriding system value" } else { "" };
    let statement = format!(
        "insert into {} ({}){overriding} values ({})",
        qualified(&stage.subject.name),
        names.join(", "),
        values.join(", ")
    );
    Some(stage.probe(Deed::Insert, Aim::Make, standing, vec![statement]))
}

/// Returns a new value for a column of a key; nothing for one that has to stay, as a foreign key's or the tenant's.
fn fresh(stage: &Stage<'_>, name: &str) -> Option<String> {
    let relation = stage.keyed();
    let is_key = keyed(relation, name);
    let is_bound = relation
        .foreign_keys
        .iter()
        .any(|key| key.columns.iter().any(|column| column == name))
        || stage.subject.whose.column() == Some(name);
    if !is_key || is_bound {
        return None;
    }
    if let Some(next) = stage.sample.next.get(name) {
        return Some(next.clone());
    }
    let column = relation.column(name)?;
    match column.data_type.as_str() {
        "uuid" => Some(uuid()),
        "text" | "character varying" | "citext" => {
            let theirs = Sample::cell(stage.relation(), &stage.sample.theirs, name).unwrap_or_default();
            Some(format!("{theirs}-{:08x}", fastrand::u32(..)))
        }
        // `character varying(4)`: no more than fits.
        limited if limited.starts_with("character") => {
            let (_, length) = limited.trim_end_matches(')').split_once('(')?;
            let length: usize = length.parse().ok()?;
            let letters = std::iter::repeat_with(fastrand::lowercase);
            Some(letters.take(length.min(12)).collect())
        }
        _ => None,
    }
}

fn keyed(relation: &Relation, name: &str) -> bool {
    let in_key = relation
        .keys
        .iter()
        .any(|key| key.columns.iter().any(|column| column == name));
    let in_index = relation.indexes.iter().filter(|index| index.is_unique);
    in_key
        || in_index
            .flat_map(|index| &index.columns)
            .any(|column| column.as_deref() == Some(name))
}

/// The other's rows get a value that one of them has already, so that no check stands in the way.
fn change(stage: &Stage<'_>, standing: &Standing) -> Option<Probe> {
    let (relation, keyed_by) = (stage.relation(), stage.keyed());
    let is_plain = |column: &&Column| {
        let name = column.name.as_str();
        let is_foreign = keyed_by
            .foreign_keys
            .iter()
            .any(|key| key.columns.iter().any(|it| it == name));
        !keyed(keyed_by, name) && !is_foreign && stage.subject.whose.column() != Some(name)
    };
    let may = relation
        .columns
        .iter()
        .filter(|column| stage.rights.update.contains(&column.name));
    let may: Vec<&Column> = may.collect();
    let is_whose = |column: &&Column| stage.subject.whose.column() == Some(&column.name);
    let column = may
        .iter()
        .copied()
        .find(is_plain)
        .or_else(|| may.iter().copied().find(|column| !is_whose(column)))
        // A session of nobody's has nothing to take or to give.
        .or_else(|| may.first().copied().filter(|_| standing.is_nobody()))?;
    let theirs = value(Sample::cell(relation, &stage.sample.theirs, &column.name));
    let statement = format!(
        "update {} set {} = {theirs}",
        qualified(&stage.subject.name),
        ident(&column.name)
    );
    Some(on_rows(
        stage,
        standing,
        (Deed::Update, Aim::Change),
        &statement,
        &stage.other.tenant,
    ))
}

/// The other's rows become one's own.
fn take(stage: &Stage<'_>, standing: &Standing) -> Option<Probe> {
    let statement = moved(stage, &stage.one.tenant, &stage.sample.ours)?;
    Some(on_rows(
        stage,
        standing,
        (Deed::Update, Aim::Take),
        &statement,
        &stage.other.tenant,
    ))
}

/// One's own rows become the other's.
fn give(stage: &Stage<'_>, standing: &Standing) -> Option<Probe> {
    let statement = moved(stage, &stage.other.tenant, &stage.sample.theirs)?;
    Some(on_rows(
        stage,
        standing,
        (Deed::Update, Aim::Give),
        &statement,
        &stage.one.tenant,
    ))
}

/// The update that moves rows to a tenant: by its column, or to a parent of that tenant.
fn moved(stage: &Stage<'_>, tenant: &str, row: &[Option<String>]) -> Option<String> {
    let relation = stage.relation();
    let table = qualified(&stage.subject.name);
    let may = |name: &String| stage.rights.update.contains(name);
    match &stage.subject.whose {
        Whose::Column { name, .. } => {
            // Two rows cannot have the key that names the tenant itself.
            let is_root = relation.keys.iter().any(|key| key.columns == [name.clone()]);
            (may(name) && !is_root).then(|| format!("update {table} set {} = {}", ident(name), literal(tenant)))
        }
        // The way of a view begins with its own key.
        Whose::Path { .. } if !stage.subject.kind.is_table() => None,
        Whose::Path { steps, .. } => {
            let step = steps.first().filter(|step| step.columns.iter().all(may))?;
            let set = step.columns.iter().map(|name| {
                let parent = value(Sample::cell(relation, row, name));
                format!("{} = {parent}", ident(name))
            });
            (!row.is_empty()).then(|| format!("update {table} set {}", set.collect::<Vec<_>>().join(", ")))
        }
        Whose::Shared | Whose::Nothing => None,
    }
}

/// Without a condition, so that the policies of this command alone are asked. Where that ends with an error, which a row of one's own may have
/// raised, one row of `tenant` is tried by itself.
fn on_rows(stage: &Stage<'_>, standing: &Standing, (deed, aim): (Deed, Aim), statement: &str, tenant: &str) -> Probe {
    let mut probe = stage.probe(deed, aim, standing, vec![statement.to_owned()]);
    let whose = stage.subject.whose.sql().filter(|_| stage.subject.kind.is_table());
    if let Some(whose) = whose {
        let mut alone = probe.clone();
        alone.before = vec![
            format!(
                "declare {CURSOR} no scroll cursor for select * from {} {ROW} where {whose} = {}",
                qualified(&stage.subject.name),
                literal(tenant)
            ),
            format!("move 1 in {CURSOR}"),
        ];
        alone.statements = vec![format!("{statement} where current of {CURSOR}")];
        probe.otherwise = Some(Box::new(alone));
    }
    probe
}
