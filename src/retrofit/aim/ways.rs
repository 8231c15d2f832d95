//! The ways from a table to one that has a tenant.

use std::collections::{BTreeMap, BTreeSet};

use crate::activity::Oid;
use crate::schema::{ForeignKey, Relation};

use super::super::template::quoted;
use super::{Search, Source};

impl<'a> Search<'a> {
    /// Finds the tables whose key is what tenant columns point to.
    pub(super) fn roots(&mut self, open: &mut Vec<&'a Relation>) {
        let mut roots: BTreeMap<Oid, String> = BTreeMap::new();
        for (oid, chosen) in self.chosen.iter().chain(&self.nullable) {
            let keys = self.schema.relations[oid].foreign_keys.iter();
            for key in keys.filter(|key| key.columns == [chosen.column.clone()]) {
                roots.insert(key.references, key.referenced_columns[0].clone());
            }
        }
        open.retain(|table| {
            let Some(column) = roots.get(&table.oid) else {
                return true;
            };
            let data_type = table.column(column).map(|column| column.data_type.clone());
            self.choose(
                table,
                column.clone(),
                data_type,
                Source::Root,
                "the others' tenant columns point to it",
            );
            false
        });
    }

    /// Finds the way of each table that is left to one that has a tenant.
    pub(super) fn along_foreign_keys(&mut self, open: &[&'a Relation]) {
        let mut reaching: BTreeSet<Oid> = self.chosen.keys().chain(self.nullable.keys()).copied().collect();
        loop {
            let more: Vec<Oid> = open
                .iter()
                .filter(|table| !reaching.contains(&table.oid))
                .filter(|table| table.foreign_keys.iter().any(|key| reaching.contains(&key.references)))
                .map(|table| table.oid)
                .collect();
            if more.is_empty() {
                break;
            }
            reaching.extend(more);
        }
        for table in open {
            let ways: Vec<&ForeignKey> = table
                .foreign_keys
                .iter()
                .filter(|key| reaching.contains(&key.references) && key.references != table.oid)
                // The tenant column's own foreign key is where the others lead to.
                .filter(|key| {
                    self.nullable
                        .get(&table.oid)
                        .is_none_or(|there| key.columns != [there.column.clone()])
                })
                .collect();
            self.one_way(table, &ways);
        }
    }

    fn one_way(&mut self, table: &'a Relation, ways: &[&ForeignKey]) {
        let is_required = |key: &&&ForeignKey| {
            let mut columns = key.columns.iter();
            columns.all(|name| table.column(name).is_some_and(|column| column.not_null))
        };
        let required: Vec<&&ForeignKey> = ways.iter().filter(is_required).collect();
        let there = self.nullable.get(&table.oid).cloned();
        let (key, reason) = match (ways, required.as_slice()) {
            ([] | [_, _, ..], []) | ([], _) | ([_, _, ..], [_, _, ..]) if there.is_some() => {
                // Whether it lacks values at all is seen in its rows.
                self.chosen.extend(there.map(|there| (table.oid, there)));
                return;
            }
            ([], _) => return self.no_way(table),
            ([only], _) => (*only, "its only foreign key that leads to a tenant".to_owned()),
            (_, [only]) => (
                **only,
                "of its foreign keys that lead to a tenant, the only one that is never null".to_owned(),
            ),
            _ => return self.several_ways(table, ways),
        };
        let source = Source::Parent {
            key: key.clone(),
            column: String::new(),
        };
        let column = self
            .tenancy
            .table(&table.name)
            .column
            .unwrap_or_else(|| self.tenancy.column.clone());
        let data_type = there.and_then(|there| there.data_type);
        self.choose(table, column, data_type, source, &reason);
    }

    fn no_way(&mut self, table: &Relation) {
        let message = format!(
            "has no column {}, and no foreign key leads from it to a table that has one",
            self.tenancy.column
        );
        let (name, key) = (&table.name, quoted(&table.name.to_string()));
        let help = format!(
            "write one of these under [tenancy.tables.{key}]: shared = true (readable by all on purpose), column = \"...\" (its own name for it), \
             backfill = {{ constant = \"...\" }} or backfill = {{ sql = \"...\" }}"
        );
        self.problem("retrofit.no-way", &name.to_string(), &message, &help);
    }

    fn several_ways(&mut self, table: &Relation, ways: &[&ForeignKey]) {
        let told: Vec<String> = ways
            .iter()
            .map(|key| {
                format!(
                    "({}) to {}",
                    key.columns.join(", "),
                    self.schema.relations[&key.references].name
                )
            })
            .collect();
        let columns: Vec<String> = ways[0].columns.iter().map(|column| format!("\"{column}\"")).collect();
        let message = format!("several of its foreign keys lead to a tenant: {}", told.join(", "));
        let help = format!(
            "choose under [tenancy.tables.{}], as in backfill = {{ from = [{}] }}",
            quoted(&table.name.to_string()),
            columns.join(", ")
        );
        self.problem("retrofit.several-ways", &table.name.to_string(), &message, &help);
    }
}
