//! What the end of one would free.

use std::collections::BTreeSet;

use crate::activity::{Party, Relation, Wait};

/// Who could go on if somebody ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freed {
    /// Those who wait for nobody else, directly or through others.
    pub sessions: BTreeSet<Party>,
    /// What they wait for, as far as they are tables.
    pub relations: BTreeSet<Relation>,
    /// Those who wait behind it, and for somebody else as well.
    pub still_waiting: BTreeSet<Party>,
}

impl Freed {
    /// Returns who could go on if `ended` were gone. Whoever gets what it waits for is taken to be done with it soon.
    pub fn by(ended: &Party, waits: &[Wait]) -> Self {
        let mut freed = Self::default();
        let mut behind = BTreeSet::from([ended.clone()]);
        loop {
            let (known, reached) = (freed.sessions.len(), behind.len());
            for wait in waits.iter().filter(|wait| !wait.blocking.is_empty()) {
                let waiter = Party::Backend(wait.pid);
                if waiter == *ended {
                    continue;
                }
                if wait
                    .blocking
                    .iter()
                    .all(|party| party == ended || freed.sessions.contains(party))
                {
                    freed.relations.extend(wait.relation.clone());
                    freed.sessions.insert(waiter.clone());
                }
                if wait.blocking.iter().any(|party| behind.contains(party)) {
                    behind.insert(waiter);
                }
            }
            if (known, reached) == (freed.sessions.len(), behind.len()) {
                break;
            }
        }
        behind.remove(ended);
        freed.still_waiting = behind.difference(&freed.sessions).cloned().collect();
        freed
    }
}

#[cfg(test)]
mod tests {
    use crate::activity::{Awaited, Pid};

    use super::*;

    fn party(pid: i32) -> Party {
        Party::Backend(Pid(pid))
    }

    fn wait(pid: i32, blocking: &[i32]) -> Wait {
        Wait {
            pid: Pid(pid),
            database: None,
            awaited: Awaited::Relation,
            relation: None,
            mode: None,
            since: None,
            blocking: blocking.iter().map(|pid| party(*pid)).collect(),
            transaction: None,
            phase: None,
        }
    }

    fn pids(parties: &BTreeSet<Party>) -> Vec<String> {
        parties.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn those_who_wait_for_nobody_else_are_freed() {
        // 1 holds; 2 waits for it, 3 and 4 wait behind 2, 4 also for 9; 5 waits behind 4.
        let waits = [wait(5, &[4]), wait(3, &[2]), wait(2, &[1]), wait(4, &[2, 9])];
        let freed = Freed::by(&party(1), &waits);
        assert_eq!(pids(&freed.sessions), ["2", "3"]);
        assert_eq!(pids(&freed.still_waiting), ["4", "5"]);
        assert!(Freed::by(&party(7), &waits).sessions.is_empty());
    }

    #[test]
    fn a_circle_comes_to_an_end() {
        let waits = [wait(1, &[2]), wait(2, &[1]), wait(3, &[1])];
        let freed = Freed::by(&party(1), &waits);
        assert_eq!(pids(&freed.sessions), ["2", "3"]);
        assert!(freed.still_waiting.is_empty());
    }
}
