//! The statements that take the locks, before the file's own.

use std::time::Duration;

use crate::script::LockMode;

use super::pool::{Need, Take};

/// How long an ordinary autovacuum is given to leave beyond the server's `deadlock_timeout`, after which it is told to.
const VACUUM_LEAVES: Duration = Duration::from_secs(1);
/// How long is waited for the table itself once the autovacuum has left.
const AFTER_VACUUM: Duration = Duration::from_millis(20);

/// Returns the statements. At most the first of them waits, and when it does, nothing is held: who waits for one table holding another keeps
/// the application from both.
pub fn prelude(take: Take, needs: &[&Need], deadlock_timeout: Duration, rest: Duration) -> Vec<String> {
    let mut upfront: Vec<&Need> = needs.iter().copied().filter(|need| need.upfront).collect();
    upfront.sort_by(|a, b| (&a.relation.name, a.mode).cmp(&(&b.relation.name, b.mode)));
    let mut statements = Vec::new();
    match take {
        Take::Nowait => {}
        Take::Queue { relation, timeout } => {
            if let Some(first) = upfront.iter().find(|need| need.relation.oid == relation) {
                statements.push(timeout_statement(timeout));
                statements.push(lock(first, first.mode, false));
            } else {
                // It is locked by a statement further down, which then is the one that waits.
                statements.extend(upfront.iter().map(|need| lock(need, need.mode, true)));
                statements.push(timeout_statement(timeout));
                return statements;
            }
        }
        Take::Displace { relation } => {
            if let Some(first) = needs.iter().find(|need| need.relation.oid == relation) {
                statements.push(timeout_statement(deadlock_timeout + VACUUM_LEAVES));
                // Whoever reads and writes goes on meanwhile, and the autovacuum does not come back before we are through.
                statements.push(lock(first, LockMode::ShareUpdateExclusive, false));
                if first.upfront {
                    statements.push(timeout_statement(AFTER_VACUUM));
                    statements.push(lock(first, first.mode, false));
                }
            }
        }
    }
    statements.extend(upfront.iter().map(|need| lock(need, need.mode, true)));
    statements.push(timeout_statement(rest));
    statements
}

/// Returns the statement by which locks are waited for no longer than this.
pub fn timeout_statement(timeout: Duration) -> String {
    format!("set local lock_timeout = {}", timeout.as_millis().max(1))
}

/// A table that is locked already in this mode is locked again at no cost.
fn lock(need: &Need, mode: LockMode, nowait: bool) -> String {
    let nowait = if nowait { " nowait" } else { "" };
    // The name comes from the catalog and is written by the type that quotes.
    format!(
        "lock table only {} in {} mode{nowait}",
        need.relation.name,
        mode.name().to_ascii_lowercase()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::{Oid, Relation};
    use crate::script::RelationName;

    fn need(oid: u32, name: &str, upfront: bool) -> Need {
        Need {
            relation: Relation {
                oid: Oid(oid),
                name: RelationName::qualified("public", name),
            },
            mode: LockMode::AccessExclusive,
            upfront,
        }
    }

    #[test]
    fn only_the_first_lock_waits() {
        let needs = [need(2, "b", true), need(1, "A", true), need(3, "c", false)];
        let needs: Vec<&Need> = needs.iter().collect();
        let (second, fifty) = (Duration::from_secs(1), Duration::from_millis(50));
        assert_eq!(
            prelude(Take::Nowait, &needs, second, fifty),
            [
                "lock table only public.\"A\" in access exclusive mode nowait",
                "lock table only public.b in access exclusive mode nowait",
                "set local lock_timeout = 50",
            ]
        );
        let queue = Take::Queue {
            relation: Oid(2),
            timeout: Duration::from_millis(40),
        };
        let statements = prelude(queue, &needs, second, fifty);
        assert_eq!(
            statements[..2],
            [
                "set local lock_timeout = 40",
                "lock table only public.b in access exclusive mode"
            ]
        );
        assert!(statements[2..4].iter().all(|statement| statement.ends_with("nowait")));
        let displace = prelude(Take::Displace { relation: Oid(1) }, &needs, second, fifty);
        assert_eq!(displace[0], "set local lock_timeout = 2000");
        assert_eq!(
            displace[1],
            "lock table only public.\"A\" in share update exclusive mode"
        );
        let displace = prelude(Take::Displace { relation: Oid(3) }, &needs, second, fifty);
        assert_eq!(displace[1], "lock table only public.c in share update exclusive mode");
        assert_eq!(displace.last().unwrap(), "set local lock_timeout = 50");
        let later = Take::Queue {
            relation: Oid(3),
            timeout: fifty,
        };
        assert_eq!(
            prelude(later, &needs, second, fifty)[2..],
            ["set local lock_timeout = 50"]
        );
    }
}
