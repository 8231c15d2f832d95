//! From the rows of the queries to definitions.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::catalog::{ObjectId, ObjectKind, Snapshot};
use crate::pg::message::Row;
use crate::script::{without_newer_quotes, without_qualifiers};

use super::CatalogError;
use super::grants;

/// The place of a view's query: behind its columns.
const QUERY: u32 = 10_000;

/// A piece of a definition with its place: the row's, then facts before grants.
type Fact = (u32, bool, String);

/// What has come so far.
pub(super) struct Assembly {
    major: u32,
    all: Result<BTreeMap<ObjectId, Vec<Fact>>, CatalogError>,
}

impl Assembly {
    /// Begins.
    pub(super) fn new(major: u32) -> Self {
        Self {
            major,
            all: Ok(BTreeMap::new()),
        }
    }

    /// Takes a row. They are taken as they come: all of a large catalog at once would be many megabytes more.
    pub(super) fn take(&mut self, row: Row) {
        match read(row, self.major) {
            Ok((id, facts)) => self.add(id, facts),
            Err(error) => self.all = Err(error),
        }
    }

    /// Takes what another one has taken.
    pub(super) fn merge(&mut self, other: Self) {
        match other.all {
            Ok(all) => {
                for (id, facts) in all {
                    self.add(id, facts);
                }
            }
            Err(error) => self.all = Err(error),
        }
    }

    fn add(&mut self, id: ObjectId, facts: Vec<Fact>) {
        let Ok(all) = &mut self.all else { return };
        match all.entry(id) {
            Entry::Vacant(entry) => {
                entry.insert(facts);
            }
            Entry::Occupied(mut entry) => entry.get_mut().extend(facts),
        }
    }

    /// Returns the snapshot.
    pub(super) fn finish(self) -> Result<Snapshot, CatalogError> {
        let objects = self.all?.into_iter().map(|(id, facts)| (id, definition(facts)));
        Ok(Snapshot {
            objects: objects.collect(),
        })
    }
}

fn definition(mut facts: Vec<Fact>) -> String {
    facts.sort();
    facts.dedup();
    let mut text = String::new();
    for (_, _, fact) in facts {
        text.push_str(&fact);
        text.push('\n');
    }
    text
}

fn read(row: Row, major: u32) -> Result<(ObjectId, Vec<Fact>), CatalogError> {
    let Ok([kind, identity, place, text, class, items, holder]) = <[Option<String>; 7]>::try_from(row) else {
        return Err(unreadable("a row of another width"));
    };
    let (Some(kind), Some(identity), Some(place)) = (kind, identity, place) else {
        return Err(unreadable("an object without a name"));
    };
    let kind: ObjectKind = kind.parse().map_err(|_| unreadable(format!("a {kind}")))?;
    let place: u32 = place.parse().map_err(|_| unreadable(format!("place {place}")))?;
    let mut facts = Vec::new();
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        facts.push((place, false, fact(kind, place, &text)));
    }
    if let (Some(class), Some(items)) = (class, items) {
        let lines = grants::lines(&class, &items, holder.as_deref(), major);
        facts.extend(lines.into_iter().map(|line| (place, true, line)));
    }
    Ok((ObjectId::new(kind, without_newer_quotes(&identity)), facts))
}

fn fact(kind: ObjectKind, place: u32, text: &str) -> String {
    let is_query = matches!(kind, ObjectKind::View | ObjectKind::MaterializedView) && place == QUERY;
    if is_query {
        let query = without_qualifiers(text.trim());
        return format!("query\n{}", without_newer_quotes(&query));
    }
    // The body of a function is its author's text; nothing of it is the server's.
    match text.split_once("\nbody\n") {
        Some((head, body)) => format!("{}\nbody\n{body}", without_newer_quotes(head)),
        None => without_newer_quotes(text).into_owned(),
    }
}

fn unreadable(what: impl Into<String>) -> CatalogError {
    CatalogError::Unreadable { what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(rows: Vec<Row>, major: u32) -> Result<Snapshot, CatalogError> {
        let mut assembly = Assembly::new(major);
        for row in rows {
            assembly.take(row);
        }
        assembly.finish()
    }

    fn row(cells: [Option<&str>; 7]) -> Row {
        cells.map(|cell| cell.map(str::to_owned)).to_vec()
    }

    #[test]
    fn facts_are_sorted_by_place_and_grants_come_behind_their_fact() {
        let rows = vec![
            row([
                Some("table"),
                Some("public.a"),
                Some("2"),
                Some("column y text"),
                Some("c"),
                Some("app=r/me"),
                Some("column y"),
            ]),
            row([
                Some("table"),
                Some("public.a"),
                Some("10"),
                Some("column z text"),
                None,
                None,
                None,
            ]),
            row([
                Some("table"),
                Some("public.a"),
                Some("0"),
                Some("owner me"),
                Some("r"),
                Some("me=arwdDxt/me\u{1f}app=r/me"),
                Some("me"),
            ]),
        ];
        let snapshot = snapshot(rows, 15).unwrap();
        let expected = "owner me\ngrant SELECT to app\ncolumn y text\ncolumn y grant SELECT to app\ncolumn z text\n";
        assert_eq!(
            snapshot.objects[&ObjectId::new(ObjectKind::Table, "public.a")],
            expected
        );
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        for cells in [
            [Some("thing"), Some("a"), Some("0"), None, None, None, None],
            [Some("table"), None, Some("0"), None, None, None, None],
            [Some("table"), Some("a"), Some("x"), None, None, None, None],
        ] {
            assert!(snapshot(vec![row(cells)], 15).is_err());
        }
        assert!(snapshot(vec![vec![None]], 15).is_err());
    }
}
