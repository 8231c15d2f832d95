//! From what is known of each table to its type and its place in the order.

use crate::activity::Oid;
use crate::finding::Finding;
use crate::schema::{Kind, Relation, Schema};

use super::super::partitions;
use super::super::template::quoted;
use super::{Aim, Aims, Search, Source};

impl Search<'_> {
    /// Follows the parents, which gives each table its type and its place in the order.
    pub(super) fn finish(mut self) -> Aims {
        let mut tables = Vec::new();
        for oid in self.chosen.keys().copied().collect::<Vec<_>>() {
            match self.settle(oid) {
                Ok(aim) => tables.push(aim),
                Err(Some(finding)) => self.problems.push(finding),
                Err(None) => {}
            }
        }
        tables.sort_by(|one, other| (one.depth, &one.name).cmp(&(other.depth, &other.name)));
        Aims {
            tables,
            shared: Vec::new(),
            problems: self.problems,
        }
    }

    /// Returns the aim of a table, a problem, or nothing where the problem is a parent's.
    fn settle(&self, oid: Oid) -> Result<Aim, Option<Finding>> {
        let relation = &self.schema.relations[&oid];
        let chosen = &self.chosen[&oid];
        let (mut at, mut depth, mut seen) = (oid, 0, vec![oid]);
        while let Source::Parent { key, .. } = &self.chosen[&at].source {
            at = key.references;
            depth += 1;
            if seen.contains(&at) {
                let names: Vec<String> = seen
                    .iter()
                    .map(|oid| self.schema.relations[oid].name.to_string())
                    .collect();
                let message = format!(
                    "takes its tenant from a parent that takes it from its own: {}",
                    names.join(", ")
                );
                let help = format!(
                    "break the circle under [tenancy.tables.{}]: backfill = {{ sql = \"...\" }}",
                    quoted(&relation.name.to_string())
                );
                return Err(Some(Finding::error(
                    "retrofit.circle",
                    relation.name.to_string(),
                    message,
                    help,
                )));
            }
            seen.push(at);
            if !self.chosen.contains_key(&at) {
                return Err(None);
            }
        }
        let Some(data_type) = chosen.data_type.clone().or_else(|| self.chosen[&at].data_type.clone()) else {
            let help = "write `type` in [tenancy], as in type = \"uuid\"";
            let message = "would get a column whose type nothing says";
            return Err(Some(Finding::error(
                "retrofit.no-type",
                relation.name.to_string(),
                message,
                help,
            )));
        };
        let source = match &chosen.source {
            Source::Parent { key, .. } => Source::Parent {
                key: key.clone(),
                column: self.chosen[&key.references].column.clone(),
            },
            other => other.clone(),
        };
        if let Some(problem) = not_yet(self.schema, relation, &source) {
            return Err(Some(problem));
        }
        Ok(Aim {
            table: oid,
            name: relation.name.clone(),
            column: chosen.column.clone(),
            data_type,
            shares_nulls: self.tenancy.table(&relation.name).extras.shares_nulls,
            source,
            depth,
            reason: chosen.reason.clone(),
        })
    }
}

/// What a person has to do: a column on a tree of tables is added and filled on all of them, by rounds that only they can bound.
fn not_yet(schema: &Schema, relation: &Relation, source: &Source) -> Option<Finding> {
    if matches!(source, Source::There | Source::Root) {
        return None;
    }
    let name = relation.name.to_string();
    let is_tree = relation.kind == Kind::Partitioned || !relation.parents.is_empty();
    if is_tree && !partitions::is_flat(schema, relation) {
        let message = "inherits, or is partitioned more than once or onto other servers, and has no tenant column yet";
        let help = "add and fill the column by a migration of your own; from there on retrofit goes on";
        return Some(Finding::error("retrofit.tree", name, message, help));
    }
    if relation.primary_key().is_none() {
        let message = "has no primary key, by which its rows could be filled in rounds";
        let help = "add one, or add and fill the column by a migration of your own";
        return Some(Finding::error("retrofit.no-key", name, message, help));
    }
    None
}
