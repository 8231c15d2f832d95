//! How two marks differ.

use similar::TextDiff;

use super::mark::Mark;
use super::object::ObjectId;

/// How many objects are named in a line.
const NAMED: usize = 5;

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Only the new mark has it.
    Added,
    /// Only the old mark has it.
    Removed,
    /// Both have it, with another definition.
    Changed,
}

/// One object that is not the same in two marks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The object.
    pub id: ObjectId,
    /// What became of it.
    pub change: Change,
}

/// Returns every object that differs, in the order of their ids.
pub fn differences(old: &Mark, new: &Mark) -> Vec<Difference> {
    let found = |id: &ObjectId, change| Difference { id: id.clone(), change };
    if old.fingerprint == new.fingerprint {
        return Vec::new();
    }
    let gone_or_changed = old.objects.iter().filter_map(|(id, hash)| match new.objects.get(id) {
        None => Some(found(id, Change::Removed)),
        Some(other) if other != hash => Some(found(id, Change::Changed)),
        Some(_) => None,
    });
    let added = new.objects.keys().filter(|id| !old.objects.contains_key(id));
    let mut all: Vec<_> = gone_or_changed
        .chain(added.map(|id| found(id, Change::Added)))
        .collect();
    all.sort();
    all
}

/// Returns a unified diff of two definitions with three lines around each change; nothing where they are equal.
pub fn unified(old: &str, new: &str) -> String {
    TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(3)
        .to_string()
}

/// Returns the names of the first few objects, and how many more there are.
pub fn in_short(objects: &[String]) -> String {
    let named = objects.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match objects.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{ObjectKind, Snapshot};

    fn mark(objects: &[(&str, &str)]) -> Mark {
        let id = |name: &str| ObjectId::new(ObjectKind::Table, name);
        let objects = objects.iter().map(|(name, text)| (id(name), (*text).to_owned()));
        Snapshot {
            objects: objects.collect(),
        }
        .mark()
    }

    #[test]
    fn each_object_is_told_once_and_in_order() {
        let old = mark(&[("a", "1"), ("b", "1"), ("d", "1")]);
        let new = mark(&[("b", "2"), ("c", "1"), ("d", "1")]);
        let told: Vec<_> = differences(&old, &new)
            .into_iter()
            .map(|it| (it.id.to_string(), it.change))
            .collect();
        let expected = [
            ("table a", Change::Removed),
            ("table b", Change::Changed),
            ("table c", Change::Added),
        ];
        assert_eq!(told, expected.map(|(id, change)| (id.to_owned(), change)));
        assert_eq!(differences(&old, &old), []);
    }

    #[test]
    fn a_diff_shows_the_line() {
        let diff = unified("owner a\ncolumn b text\n", "owner a\ncolumn b integer\n");
        assert_eq!(diff, "@@ -1,2 +1,2 @@\n owner a\n-column b text\n+column b integer\n");
        assert_eq!(unified("a\n", "a\n"), "");
    }
}
