//! The picture: everybody concerned, and in which order they are told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::activity::{Backend, Oid, Party, Wait};

use super::freed::Freed;

/// Somebody who blocks or waits.
#[derive(Clone, Debug)]
pub struct Node {
    /// Who.
    pub party: Party,
    /// What is known of it; nothing if it was gone when we looked a second time.
    pub backend: Option<Backend>,
    /// What it waits for.
    pub wait: Option<Wait>,
    /// What its end would free.
    pub freed: Freed,
}

/// Who waits for whom at one moment.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    nodes: BTreeMap<Party, Node>,
    /// Who waits directly for whom, the longest first.
    behind: BTreeMap<Party, Vec<Party>>,
}

/// One line of the tree.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Who.
    pub node: &'a Node,
    /// How far from the root; 0 for a root.
    pub depth: usize,
    /// Whether it stands further up already, with those behind it.
    pub was_told: bool,
    /// Whether it is waited for by those that it waits for.
    pub in_circle: bool,
}

/// The tree from its roots on.
pub type Rows<'a> = Vec<Row<'a>>;

impl Picture {
    /// Returns a picture of `backends` and `waits`. With `asked`, it is of those who hold or await a lock on one of these relations, whoever
    /// they wait for, and whoever waits behind them; else of everybody who waits in `database`, and those in the way.
    pub fn new(backends: Vec<Backend>, waits: &[Wait], database: &str, asked: Option<&[Oid]>) -> Self {
        let holds = |backend: &Backend| {
            let is_asked = |oid| asked.is_some_and(|asked| asked.contains(&oid));
            backend.locks.iter().any(|held| is_asked(held.relation.oid))
        };
        let first: BTreeSet<Party> = match asked {
            Some(_) => backends
                .iter()
                .filter(|backend| holds(backend))
                .filter_map(Party::of)
                .collect(),
            None => waits
                .iter()
                .filter(|wait| wait.database.as_deref().is_none_or(|name| name == database))
                .map(|wait| Party::Backend(wait.pid))
                .collect(),
        };
        let concerned = closed(first, waits);
        let mut known: BTreeMap<Party, Backend> = backends
            .into_iter()
            .filter_map(|backend| Some((Party::of(&backend)?, backend)))
            .collect();
        let mut picture = Self::default();
        for party in &concerned {
            let wait = waits.iter().find(|wait| Party::Backend(wait.pid) == *party);
            for blocking in wait.iter().flat_map(|wait| &wait.blocking) {
                picture.behind.entry(blocking.clone()).or_default().push(party.clone());
            }
            // Most of those who wait have nobody behind them.
            let is_in_the_way = waits.iter().any(|wait| wait.blocking.contains(party));
            let node = Node {
                party: party.clone(),
                backend: known.remove(party),
                wait: wait.cloned(),
                freed: if is_in_the_way {
                    Freed::by(party, waits)
                } else {
                    Freed::default()
                },
            };
            picture.nodes.insert(party.clone(), node);
        }
        let since = |party: &Party| picture.nodes.get(party).and_then(|node| node.wait.as_ref()?.since);
        let mut behind = std::mem::take(&mut picture.behind);
        for waiters in behind.values_mut() {
            waiters.sort_by_key(|party| (std::cmp::Reverse(since(party)), party.clone()));
        }
        picture.behind = behind;
        picture
    }

    /// Returns everybody in it.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// Returns those who wait directly for somebody.
    pub fn behind(&self, party: &Party) -> &[Party] {
        self.behind.get(party).map_or(&[], Vec::as_slice)
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.nodes().filter(|node| node.is_waiting()).count()
    }

    /// For how long the one has waited that has waited for longest.
    pub fn longest(&self) -> Option<Duration> {
        self.nodes().filter_map(|node| node.wait.as_ref()?.since).max()
    }

    /// Returns the tree: first those who wait for nobody, whoever keeps most waiting first, each with those behind it; then those that wait
    /// for one another in a circle. Who waits for several is told in full behind the first of them.
    pub fn rows(&self) -> Rows<'_> {
        let mut roots: Vec<&Node> = self.nodes().filter(|node| !node.is_waiting()).collect();
        let weight = |node: &Node| node.freed.sessions.len() + node.freed.still_waiting.len();
        let age = |node: &Node| node.backend.as_ref().and_then(|backend| backend.in_transaction);
        roots.sort_by_key(|node| std::cmp::Reverse((weight(node), age(node))));
        let mut walk = Walk {
            picture: self,
            rows: Vec::new(),
            told: BTreeSet::new(),
            path: Vec::new(),
        };
        for root in roots {
            walk.go(root);
        }
        // What is left has no way out: a circle, until the server's deadlock check breaks it.
        while let Some(node) = self.nodes().find(|node| !walk.told.contains(&node.party)) {
            walk.go(node);
        }
        walk.rows
    }
}

impl Node {
    /// Whether it waits for somebody who is there.
    pub fn is_waiting(&self) -> bool {
        self.wait.as_ref().is_some_and(|wait| !wait.blocking.is_empty())
    }
}

/// Adds whoever they wait for, and whoever waits for one of them.
fn closed(mut concerned: BTreeSet<Party>, waits: &[Wait]) -> BTreeSet<Party> {
    loop {
        let known = concerned.len();
        for wait in waits {
            let waiter = Party::Backend(wait.pid);
            if concerned.contains(&waiter) || wait.blocking.iter().any(|party| concerned.contains(party)) {
                concerned.insert(waiter);
                concerned.extend(wait.blocking.iter().cloned());
            }
        }
        if concerned.len() == known {
            return concerned;
        }
    }
}

struct Walk<'a> {
    picture: &'a Picture,
    rows: Rows<'a>,
    told: BTreeSet<&'a Party>,
    path: Vec<&'a Party>,
}

impl<'a> Walk<'a> {
    fn go(&mut self, node: &'a Node) {
        let was_told = !self.told.insert(&node.party);
        self.rows.push(Row {
            node,
            depth: self.path.len(),
            was_told,
            in_circle: self.path.contains(&&node.party),
        });
        if was_told {
            return;
        }
        self.path.push(&node.party);
        for behind in self.picture.behind(&node.party) {
            if let Some(node) = self.picture.nodes.get(behind) {
                self.go(node);
            }
        }
        self.path.pop();
    }
}

#[cfg(test)]
mod tests {
    use crate::activity::{Awaited, Pid};

    use super::*;

    fn wait(pid: i32, blocking: &[i32], seconds: u64) -> Wait {
        Wait {
            pid: Pid(pid),
            database: Some("db".to_owned()),
            awaited: Awaited::Relation,
            relation: None,
            mode: None,
            since: Some(Duration::from_secs(seconds)),
            blocking: blocking.iter().map(|pid| Party::Backend(Pid(*pid))).collect(),
            transaction: None,
            phase: None,
        }
    }

    fn told(picture: &Picture) -> Vec<String> {
        let line = |row: &Row<'_>| {
            let mark = match (row.in_circle, row.was_told) {
                (true, _) => "@",
                (false, true) => "^",
                (false, false) => "",
            };
            format!("{}{}{mark}", "-".repeat(row.depth), row.node.party)
        };
        picture.rows().iter().map(line).collect()
    }

    #[test]
    fn roots_come_first_and_the_longest_wait_before_the_others() {
        let waits = vec![
            wait(2, &[1], 5),
            wait(3, &[2], 4),
            wait(4, &[1, 9], 7),
            wait(8, &[7], 1),
        ];
        let picture = Picture::new(Vec::new(), &waits, "db", None);
        assert_eq!(told(&picture), ["1", "-4", "-2", "--3", "7", "-8", "9", "-4^"]);
        assert_eq!(
            (picture.waiting(), picture.longest()),
            (4, Some(Duration::from_secs(7)))
        );
    }

    #[test]
    fn a_circle_is_told_once() {
        let waits = vec![wait(1, &[2], 5), wait(2, &[1], 5), wait(3, &[2], 1), wait(4, &[4], 1)];
        let picture = Picture::new(Vec::new(), &waits, "db", None);
        assert_eq!(told(&picture), ["1", "-2", "--1@", "--3", "4", "-4@"]);
    }

    #[test]
    fn waits_of_another_database_are_none_of_ours() {
        let mut elsewhere = wait(2, &[1], 5);
        elsewhere.database = Some("other".to_owned());
        assert_eq!(Picture::new(Vec::new(), &[elsewhere], "db", None).nodes().count(), 0);
    }
}
