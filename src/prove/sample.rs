//! What whoever is connected knows of a relation before anything is tried.

use std::collections::BTreeMap;

use crate::activity::Oid;
use crate::pg::{MessageError, Row, Session};
use crate::schema::{Kind, Relation, Schema};

use super::compose::fill;
use super::plan::{Plan, Subject};
use super::says::Who;
use super::text::{ROW, ident, literal, qualified};
use super::whose::{Whose, whose_of};

const PRINT: &str = include_str!("../../sql/prove/print.sql");
/// How many rows of others are looked for by their place.
const STRANGERS: usize = 200;

/// How many rows a tenant has in a table, and a sum over what they are and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Print {
    /// How many.
    pub(super) rows: u64,
    /// The sum.
    pub(super) sum: String,
}

/// What is known of a relation.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    /// A row of the other tenant, column by column.
    pub(super) theirs: Row,
    /// A row of the tenant that acts.
    pub(super) ours: Row,
    /// Values that no row has yet, for columns of keys.
    pub(super) next: BTreeMap<String, String>,
    /// The other tenant's rows as they are, in each table that is watched.
    pub(super) prints: BTreeMap<Oid, Print>,
    /// Where rows are that are not the acting tenant's: number of the table, place in it.
    pub(super) strangers: Vec<(String, String)>,
}

impl Sample {
    /// Returns a value of a sampled row.
    pub(super) fn cell<'a>(relation: &Relation, row: &'a [Option<String>], name: &str) -> Option<&'a str> {
        let at = relation.columns.iter().position(|column| column.name == name)?;
        row.get(at)?.as_deref()
    }
}

/// Returns the tables in which the other tenant's rows are compared.
pub(super) fn watched(subject: &Subject) -> Vec<Oid> {
    match subject.kind {
        Kind::View => subject.bases.clone(),
        Kind::MaterializedView | Kind::Foreign => Vec::new(),
        _ => [subject.oid]
            .into_iter()
            .chain(subject.taken_along.iter().copied())
            .collect(),
    }
}

/// Returns the queries that compare.
pub(super) fn prints(schema: &Schema, plan: &Plan, tables: &[Oid], other: &Who) -> Vec<String> {
    let each = tables.iter().filter_map(|oid| {
        let relation = schema.relations.get(oid)?;
        let whose = whose_of(plan, *oid)?.sql()?;
        let (tag, tenant) = (literal(&format!("rlsctl:print:{oid}")), literal(&other.tenant));
        Some(fill(
            PRINT,
            &[
                ("tag", &tag),
                ("table", &qualified(&relation.name)),
                ("whose", &whose),
                ("tenant", &tenant),
            ],
        ))
    });
    each.collect()
}

/// Reads the row of a comparison; nothing for any other row.
pub(super) fn print(row: &Row) -> Option<(Oid, Print)> {
    let [Some(tag), Some(rows), Some(sum)] = row.as_slice() else {
        return None;
    };
    let oid = tag.strip_prefix("rlsctl:print:")?.parse().ok()?;
    let print = Print {
        rows: rows.parse().ok()?,
        sum: sum.clone(),
    };
    Some((Oid(oid), print))
}

/// Looks at a relation as whoever is connected. One round trip.
///
/// # Errors
/// [`MessageError`].
pub(super) async fn sample(
    session: &Session,
    schema: &Schema,
    plan: &Plan,
    subject: &Subject,
    (one, other): (&Who, &Who),
    only_other: bool,
) -> Result<Sample, MessageError> {
    let relation = &schema.relations[&subject.oid];
    let mut queries = vec!["rollback to savepoint rlsctl_probe".to_owned()];
    queries.extend(prints(schema, plan, &watched(subject), other));
    if let Some(whose) = subject.whose.sql() {
        let table = qualified(&subject.name);
        for (tag, who) in [("theirs", other), ("ours", one)] {
            let cells = relation
                .columns
                .iter()
                .map(|column| format!("{ROW}.{}::pg_catalog.text", ident(&column.name)));
            let cells: Vec<String> = std::iter::once(format!("'rlsctl:{tag}'")).chain(cells).collect();
            let tenant = literal(&who.tenant);
            queries.push(format!(
                "select {} from {table} {ROW} where {whose} = {tenant} limit 1",
                cells.join(", ")
            ));
        }
        let keyed = match (relation.kind, subject.bases.as_slice()) {
            (Kind::View, [base]) => &schema.relations[base],
            _ => relation,
        };
        let numbered = numbered(keyed).filter(|name| relation.column(name).is_some());
        queries.extend(numbered.map(|name| {
            let (tag, column) = (literal(name), ident(name));
            format!(
                "select 'rlsctl:next', {tag}, (pg_catalog.max({ROW}.{column}) + 1)::pg_catalog.text from {table} {ROW}"
            )
        }));
        if relation.kind.is_table() {
            let (one, other) = (literal(&one.tenant), literal(&other.tenant));
            let condition = if only_other {
                format!("{whose} = {other}")
            } else {
                format!("{whose} is distinct from {one}")
            };
            queries.push(format!(
                "select 'rlsctl:stranger', {ROW}.tableoid::pg_catalog.oid::pg_catalog.text, {ROW}.ctid::pg_catalog.text from {table} {ROW} where {condition} limit {STRANGERS}"
            ));
        }
    }
    let rows = session.rows(&queries.join("; ")).await?;
    Ok(read(rows))
}

fn read(rows: Vec<Row>) -> Sample {
    let mut sample = Sample::default();
    for mut row in rows {
        let tag = row.first().cloned().flatten().unwrap_or_default();
        let cell = |at: usize| row.get(at).cloned().flatten();
        match tag.as_str() {
            "rlsctl:theirs" => sample.theirs = row.split_off(1),
            "rlsctl:ours" => sample.ours = row.split_off(1),
            "rlsctl:next" => sample.next.extend(cell(1).zip(cell(2))),
            "rlsctl:stranger" => sample.strangers.extend(cell(1).zip(cell(2))),
            _ => sample.prints.extend(print(&row)),
        }
    }
    sample
}

/// The columns of keys that hold numbers.
fn numbered(relation: &Relation) -> impl Iterator<Item = &String> {
    let in_key = |name: &String| relation.keys.iter().any(|key| key.columns.contains(name));
    let columns = relation.columns.iter();
    let is_number = |data_type: &str| matches!(data_type, "smallint" | "integer" | "bigint" | "numeric");
    columns
        .filter(move |column| is_number(&column.data_type) && in_key(&column.name))
        .map(|column| &column.name)
}

/// Returns how a subject's rows are told apart by a column that a role can read.
pub(super) fn readable_column<'a>(subject: &'a Subject, readable: &[String]) -> Option<&'a str> {
    match &subject.whose {
        Whose::Column { name, .. } if readable.contains(name) => Some(name),
        _ => None,
    }
}
