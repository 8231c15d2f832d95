//! Tables that would be shut for a while: row-level security is on, and the policies come in a later transaction.

use std::collections::BTreeMap;

use crate::script::RelationName;

use super::arrange::Part;
use super::footprint::words;
use super::unit::Unit;

/// A table that nobody but its owner could read between two transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The table.
    pub table: RelationName,
    /// The statement that switches row-level security on, by its number.
    pub enabled: usize,
    /// The first policy behind it.
    pub policy: usize,
}

/// Returns the tables whose first policy is cut off from the statement that switches row-level security on.
pub fn denied(script: &str, units: &[Unit], parts: &[Part]) -> Vec<Denied> {
    // By the name alone: with and without its schema it may be the same table, and to refuse too much does no harm here.
    let mut enabled: BTreeMap<&str, (usize, (usize, usize))> = BTreeMap::new();
    let mut denied = Vec::new();
    let slots = parts.iter().enumerate().flat_map(|(file, part)| {
        let head = part.head.iter().map(move |(number, _)| (*number, (file, 0)));
        let sections = part.sections.iter().enumerate();
        head.chain(sections.flat_map(move |(slot, section)| {
            let units = section.units.iter();
            units.map(move |number| (*number, (file, slot + 1)))
        }))
    });
    for (number, slot) in slots {
        let unit = &units[number];
        let Some(table) = unit.alters.first() else { continue };
        if unit.tag == "CREATE POLICY" {
            if let Some((enabled, _)) = enabled.remove(table.name.as_str()).filter(|(_, other)| *other != slot) {
                let (table, policy) = (table.clone(), number);
                denied.push(Denied { table, enabled, policy });
            }
        } else if enables(unit.body.slice(script)) {
            enabled.insert(&table.name, (number, slot));
        }
    }
    denied
}

/// Whether an `ALTER TABLE` switches row-level security on.
fn enables(body: &str) -> bool {
    let words: Vec<String> = words(body).collect();
    words
        .windows(4)
        .any(|four| four == ["enable", "row", "level", "security"])
}
