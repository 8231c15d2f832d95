//! How many rows have no tenant, and how many would have none after the backfill.

use crate::schema::Schema;

use super::aim::{Aim, Aims, Source};
use super::template::{ident, literal, qualified};

/// Returns the query that counts: rows without a tenant, and those of them that the backfill would leave so. Nothing for a table where that is
/// known.
pub(super) fn question(schema: &Schema, aims: &Aims, aim: &Aim) -> Option<String> {
    let relation = &schema.relations[&aim.table];
    let found = relation.column(&aim.column);
    if aim.source == Source::Root || found.is_some_and(|column| column.not_null) {
        return None;
    }
    let own = found.map_or("null".to_owned(), |_| format!("t0.{}", ident(&aim.column)));
    let (joins, values) = chain(schema, aims, aim);
    let filled = format!("coalesce({})", values.join(", "));
    Some(format!(
        "select pg_catalog.count(*) filter (where {own} is null), pg_catalog.count(*) filter (where {filled} is null) from {} t0{joins}",
        qualified(&aim.name)
    ))
}

/// Follows the parents to where the values come from: what is joined, and the values in the order in which they count.
fn chain(schema: &Schema, aims: &Aims, aim: &Aim) -> (String, Vec<String>) {
    let (mut joins, mut values) = (String::new(), Vec::new());
    let (mut at, mut number) = (aim, 0);
    loop {
        if schema.relations[&at.table].column(&at.column).is_some() {
            values.push(format!("t{number}.{}", ident(&at.column)));
        }
        match &at.source {
            Source::There | Source::Root => break,
            Source::Constant(value) => {
                values.push(format!("{}::{}", literal(value), at.data_type));
                break;
            }
            Source::Expression(sql) => {
                values.push(format!(
                    "(select ({sql})::{} from (select t{number}.*) t)",
                    at.data_type
                ));
                break;
            }
            Source::Parent { key, .. } => {
                let Some(parent) = aims.of(key.references) else { break };
                let next = number + 1;
                let matching: Vec<String> = key
                    .columns
                    .iter()
                    .zip(&key.referenced_columns)
                    .map(|(own, other)| format!("t{next}.{} = t{number}.{}", ident(other), ident(own)))
                    .collect();
                joins.push_str(&format!(
                    " left join {} t{next} on {}",
                    qualified(&parent.name),
                    matching.join(" and ")
                ));
                (at, number) = (parent, next);
            }
        }
    }
    if values.is_empty() {
        values.push("null".to_owned());
    }
    (joins, values)
}
