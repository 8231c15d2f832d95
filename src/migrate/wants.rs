//! What we want that somebody else has, in words.

use crate::activity::Relation;
use crate::script::LockMode;

/// How many tables are named; all of them are told with the error.
const NAMED: usize = 6;

/// Returns `public.a ACCESS EXCLUSIVE`, or for several `public.a, public.b and 9 more ACCESS EXCLUSIVE`.
pub(super) fn wants(wanted: &[(&Relation, LockMode)]) -> String {
    let mut by_mode: Vec<(LockMode, Vec<String>)> = Vec::new();
    for (relation, mode) in wanted {
        let name = relation.to_string();
        match by_mode.iter_mut().find(|(known, _)| known == mode) {
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => by_mode.push((*mode, vec![name])),
        }
    }
    let parts = by_mode.into_iter().map(|(mode, names)| {
        let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        match names.len().saturating_sub(NAMED) {
            0 => format!("{shown} {mode}"),
            more => format!("{shown} and {more} more {mode}"),
        }
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// Returns what a lock is that is on no table, by the server's word for it (manual, `pg_locks.locktype`).
pub(super) fn other_lock(locktype: &str) -> String {
    match locktype {
        "advisory" => "an advisory lock that it holds".to_owned(),
        "object" => "its lock on an object that is no table".to_owned(),
        "transactionid" | "virtualxid" => "its transaction to end".to_owned(),
        "relation" => "its lock on a table".to_owned(),
        "extend" | "page" => "it to be done with a table's file".to_owned(),
        other => format!("a lock of the server's own, `{other}`"),
    }
}

#[cfg(test)]
mod tests {
    use crate::activity::Oid;
    use crate::script::RelationName;

    use super::*;

    #[test]
    fn tables_of_a_mode_are_told_together() {
        let relation = |name: &str| Relation {
            oid: Oid(1),
            name: RelationName::qualified("public", name),
        };
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"].map(relation);
        let mut wanted: Vec<_> = names.iter().map(|name| (name, LockMode::AccessExclusive)).collect();
        assert_eq!(wants(&wanted[..1]), "public.a ACCESS EXCLUSIVE");
        wanted[1].1 = LockMode::Share;
        assert_eq!(
            wants(&[wanted[0], wanted[1], wanted[0]]),
            "public.a ACCESS EXCLUSIVE; public.b SHARE"
        );
        wanted[1].1 = LockMode::AccessExclusive;
        assert_eq!(
            wants(&wanted),
            "public.a, public.b, public.c, public.d, public.e, public.f and 2 more ACCESS EXCLUSIVE"
        );
    }

    #[test]
    fn a_lock_that_is_on_no_table_is_told_by_what_it_means() {
        assert_eq!(other_lock("transactionid"), "its transaction to end");
        assert_eq!(other_lock("advisory"), "an advisory lock that it holds");
        assert!(other_lock("spectoken").ends_with("`spectoken`"));
    }
}
