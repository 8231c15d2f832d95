//! The catalog as it is against the catalog as it was, or as it is elsewhere.

use crate::catalog::{Change, Difference, Mark, ObjectId, Snapshot, differences, unified};
use crate::finding::Finding;

/// What is compared with what, in words, and what to do about a difference.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// What the old side is called: `when rlsctl last ran`, `in the files`, another database.
    pub old: &'a str,
    /// What the new side is called: `now`, a database.
    pub new: &'a str,
    /// What to do.
    pub help: &'a str,
}

/// Returns a finding for each object that is not the same on both sides, with a unified diff where both definitions are known.
///
/// The definitions of the old side are not known where the ledger kept only its hashes.
pub fn schema(old: &Mark, old_definitions: Option<&Snapshot>, new: &Snapshot, sides: Sides<'_>) -> Vec<Finding> {
    let changed = differences(old, &new.mark());
    changed
        .iter()
        .map(|one| finding(one, old_definitions, new, sides))
        .collect()
}

fn finding(one: &Difference, old: Option<&Snapshot>, new: &Snapshot, sides: Sides<'_>) -> Finding {
    let Difference { id, change } = one;
    let message = match change {
        Change::Added => format!("is there {}, unlike {}", sides.new, sides.old),
        Change::Removed => format!("is missing {}, unlike {}", sides.new, sides.old),
        Change::Changed => format!("is not the same {} as {}", sides.new, sides.old),
    };
    let definition = |snapshot: Option<&Snapshot>, id: &ObjectId| snapshot.and_then(|it| it.objects.get(id)).cloned();
    let (before, after) = (definition(old, id), definition(Some(new), id));
    let mut finding = Finding::error("drift.schema", id.to_string(), message, sides.help);
    // Without the old definitions a diff would claim that all of the new one was added.
    if old.is_some() {
        let diff = unified(&before.unwrap_or_default(), &after.unwrap_or_default());
        finding = finding.evidence("diff", diff);
    } else if let Some(after) = after {
        finding = finding.evidence("definition", after);
    }
    finding
}

#[cfg(test)]
mod tests {
    use crate::catalog::ObjectKind;

    use super::*;

    fn snapshot(objects: &[(&str, &str)]) -> Snapshot {
        let id = |identity: &str| ObjectId {
            kind: ObjectKind::Table,
            identity: identity.to_owned(),
        };
        Snapshot {
            objects: objects
                .iter()
                .map(|(name, text)| (id(name), (*text).to_owned()))
                .collect(),
        }
    }

    const SIDES: Sides<'_> = Sides {
        old: "then",
        new: "now",
        help: "",
    };

    #[test]
    fn each_object_by_its_name_with_a_diff() {
        let old = snapshot(&[("public.a", "x\n"), ("public.b", "x\n"), ("public.c", "x\n")]);
        let new = snapshot(&[("public.a", "x\n"), ("public.b", "y\n"), ("public.d", "x\n")]);
        let found = schema(&old.mark(), Some(&old), &new, SIDES);
        let told: Vec<_> = found
            .iter()
            .map(|one| format!("{} {}", one.object, one.message))
            .collect();
        assert_eq!(
            told,
            [
                "table public.b is not the same now as then",
                "table public.c is missing now, unlike then",
                "table public.d is there now, unlike then",
            ]
        );
        let diff = found[0].evidence["diff"].as_str().unwrap();
        assert!(diff.contains("-x") && diff.contains("+y"), "{diff}");
        assert_eq!(schema(&old.mark(), Some(&old), &old, SIDES), []);
    }

    #[test]
    fn a_side_of_which_only_hashes_are_known_is_not_made_up() {
        let (old, new) = (snapshot(&[("public.b", "x\n")]), snapshot(&[("public.b", "y\n")]));
        let found = schema(&old.mark(), None, &new, SIDES);
        assert!(!found[0].evidence.contains_key("diff"));
        assert_eq!(found[0].evidence["definition"], "y\n");
    }
}
