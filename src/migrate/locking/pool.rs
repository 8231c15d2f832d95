//! A pool of things to do that each need some tables, and the next move: take what is free, wait for what is busy in the way that hurts
//! least, leave alone what will not come free soon.
//!
//! Time is told from the start of the pool, and what can be seen is handed in, so that every decision can be tested without a server.

use std::time::Duration;

use crate::activity::{Backend, Kind, Oid, Relation};
use crate::script::LockMode;

/// For how long a table may be busy before we queue for it.
const PATIENT: Duration = Duration::from_millis(300);
/// The first time we queue for a table.
const FIRST_QUEUE: Duration = Duration::from_millis(20);
/// How often we look at what will not come free soon.
const LOOK_AGAIN: Duration = Duration::from_millis(25);
/// The pause after NOWAIT was refused, before jitter.
const PAUSE: Duration = Duration::from_millis(3);
/// How often we queue behind somebody whose age we may not see.
const BLIND: u32 = 4;
/// How long is rested after queueing in vain, as a multiple of the time in the queue.
const REST: u32 = 4;

/// A relation that is there, and how it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The relation.
    pub relation: Relation,
    /// The mode.
    pub mode: LockMode,
    /// Whether it is locked before anything else is done.
    pub upfront: bool,
}

/// Something to do in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Item {
    /// What it needs.
    pub needs: Vec<Need>,
    /// The items that have to be done before.
    pub after: Vec<usize>,
    /// Only items of one group are done in one transaction.
    pub group: usize,
    /// Whether it is done in a transaction of its own.
    pub alone: bool,
}

/// How much and how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many tables are locked in one transaction.
    pub tables: usize,
    /// The server's `deadlock_timeout`.
    pub deadlock_timeout: Duration,
    /// After this time nothing is waited for any more.
    pub deadline: Duration,
}

impl Limits {
    /// Returns the longest time that we queue: shorter than the server waits before it looks for deadlocks, so that of two who wait for each
    /// other we are the one who gives way.
    pub fn longest_queue(&self) -> Duration {
        (self.deadlock_timeout / 2).min(Duration::from_millis(200))
    }
}

/// How locks are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// At once or not at all.
    Nowait,
    /// Queue for one relation.
    Queue {
        /// Which.
        relation: Oid,
        /// For how long.
        timeout: Duration,
    },
    /// Make an autovacuum leave.
    Displace {
        /// On which relation.
        relation: Oid,
    },
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Do these, in one transaction.
    Try {
        /// Which.
        items: Vec<usize>,
        /// How their locks are taken.
        take: Take,
    },
    /// Look again after this time.
    Rest(Duration),
    /// The time is over.
    Stop,
    /// Everything is done.
    Done,
}

#[derive(Clone, Debug, Default)]
struct Standing {
    is_done: bool,
    /// How often we have queued in vain.
    queued: u32,
    /// Whether its last attempt was refused.
    was_refused: bool,
    busy_since: Option<Duration>,
    rest_until: Duration,
    /// The oldest transaction that was seen holding one of its tables.
    oldest: Duration,
}

/// What stands in the way of an item, as one judges who wants to get past.
enum Way {
    Free,
    /// Somebody is there who will be gone soon.
    Young(Oid),
    /// An autovacuum is there that leaves when it is asked.
    Vacuum(Oid),
    /// Somebody is there who will not be gone soon.
    Closed,
}

/// What is left to be done.
#[derive(Clone, Debug)]
pub struct Pool {
    items: Vec<(Item, Standing)>,
    limits: Limits,
    batch: usize,
    attempts: u32,
}

/// An item that is not done, and who is in its way.
#[derive(Clone, Debug)]
pub struct Busy<'a> {
    /// What it needs.
    pub item: &'a Item,
    /// The relation and who is in the way on it.
    pub on: Vec<(&'a Need, &'a Backend)>,
}

impl Pool {
    /// Returns a pool of items, the earlier of which are tried first.
    pub fn new(items: Vec<Item>, limits: Limits) -> Self {
        Self {
            items: items.into_iter().map(|item| (item, Standing::default())).collect(),
            batch: limits.tables,
            limits,
            attempts: 0,
        }
    }

    /// Returns its limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns how often something was tried in vain.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Returns an item.
    pub fn item(&self, index: usize) -> &Item {
        &self.items[index].0
    }

    /// Whether an item is done.
    pub fn is_done(&self, index: usize) -> bool {
        self.items[index].1.is_done
    }

    /// Returns the relations that are still needed.
    pub fn relations(&self) -> Vec<Oid> {
        let left = self.items.iter().filter(|(_, standing)| !standing.is_done);
        let mut oids: Vec<Oid> = left
            .flat_map(|(item, _)| item.needs.iter().map(|need| need.relation.oid))
            .collect();
        oids.sort_unstable();
        oids.dedup();
        oids
    }

    /// Adds to what an item needs what a refused attempt has shown.
    pub fn learn(&mut self, index: usize, need: Need) {
        let needs = &mut self.items[index].0.needs;
        match needs.iter_mut().find(|known| known.relation.oid == need.relation.oid) {
            Some(known) => known.mode = known.mode.max(need.mode),
            None => needs.push(need),
        }
    }

    /// Lets an item wait for all before it that are not done; says whether there is any. What an item depends on is not all in its text.
    pub fn wait_for_earlier(&mut self, index: usize) -> bool {
        let earlier: Vec<usize> = (0..index).filter(|before| !self.is_done(*before)).collect();
        let (item, standing) = &mut self.items[index];
        standing.was_refused = false;
        item.after.extend_from_slice(&earlier);
        !earlier.is_empty()
    }

    /// Takes no lock of an item before its own statements do; says whether that changes anything.
    pub fn lock_nothing_upfront(&mut self, index: usize) -> bool {
        let needs = &mut self.items[index].0.needs;
        let any = needs.iter().any(|need| need.upfront);
        for need in needs.iter_mut() {
            need.upfront = false;
        }
        any
    }

    /// Returns what is to be done at a time, by what is seen then. What is free is tried after the deadline too: it makes nobody wait.
    pub fn next(&mut self, now: Duration, seen: &[Backend]) -> Move {
        if self.items.iter().all(|(_, standing)| standing.is_done) {
            return Move::Done;
        }
        let is_over = now >= self.limits.deadline;
        let ready: Vec<usize> = (0..self.items.len()).filter(|index| self.is_ready(*index)).collect();
        let mut ways = Vec::with_capacity(ready.len());
        for index in ready {
            let way = self.way(index, seen);
            self.note(index, &way, now, seen);
            ways.push((index, way));
        }
        let rested = |index: usize| self.items[index].1.rest_until <= now;
        let free: Vec<usize> = ways
            .iter()
            .filter(|(index, way)| {
                matches!(way, Way::Free) && (is_over || rested(*index)) && !self.items[*index].1.was_refused
            })
            .map(|(index, _)| *index)
            .collect();
        if let Some(items) = self.batch_of(&free) {
            return Move::Try {
                items,
                take: Take::Nowait,
            };
        }
        if is_over {
            return Move::Stop;
        }
        let busy = ways.iter().filter(|(index, _)| rested(*index));
        let tried = busy.filter_map(|(index, way)| Some((*index, self.take(*index, way, now)?)));
        // Who has waited longest since the last attempt comes first.
        if let Some((index, take)) = tried.min_by_key(|(index, _)| self.items[*index].1.rest_until) {
            return Move::Try {
                items: vec![index],
                take,
            };
        }
        let until = ways.iter().map(|(index, _)| self.items[*index].1.rest_until);
        let soonest = until
            .filter(|until| *until > now)
            .min()
            .map(|until| until.saturating_sub(now));
        Move::Rest(soonest.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN))
    }

    /// Notes that items are done.
    pub fn took(&mut self, items: &[usize]) {
        for index in items {
            self.items[*index].1.is_done = true;
        }
        self.batch = (self.batch * 2).min(self.limits.tables);
    }

    /// Notes that an attempt was refused. `jitter`, from 0.5 to 1.5, keeps two of us from meeting again and again.
    pub fn refused(&mut self, items: &[usize], take: Take, now: Duration, jitter: f64) {
        self.attempts += 1;
        if items.len() > 1 {
            self.batch = (self.batch / 2).max(1);
        }
        for index in items {
            let standing = &mut self.items[*index].1;
            let pause = match take {
                Take::Nowait => PAUSE,
                Take::Queue { timeout, .. } => timeout * REST,
                Take::Displace { .. } => FIRST_QUEUE * REST,
            };
            standing.rest_until = now + pause.mul_f64(jitter);
            if !matches!(take, Take::Nowait) {
                standing.queued += 1;
            }
            // Of several nobody knows which it was.
            if items.len() == 1 {
                standing.was_refused = true;
                standing.busy_since.get_or_insert(now);
            }
        }
    }

    /// Returns what is not done, and who is in its way.
    pub fn unfinished<'a>(&'a self, seen: &'a [Backend]) -> Vec<Busy<'a>> {
        let left = self.items.iter().filter(|(_, standing)| !standing.is_done);
        left.map(|(item, _)| {
            let on = item.needs.iter().flat_map(|need| {
                let holders = seen
                    .iter()
                    .filter(|backend| backend.is_before(need.relation.oid, need.mode));
                holders.map(move |backend| (need, backend))
            });
            Busy { item, on: on.collect() }
        })
        .collect()
    }

    fn is_ready(&self, index: usize) -> bool {
        let (item, standing) = &self.items[index];
        !standing.is_done && item.after.iter().all(|before| self.is_done(*before))
    }

    /// Returns as many of `free` as go into one transaction.
    fn batch_of(&self, free: &[usize]) -> Option<Vec<usize>> {
        let first = *free.first()?;
        let mut items = vec![first];
        if self.item(first).alone {
            return Some(items);
        }
        let mut tables: Vec<Oid> = Vec::new();
        let add = |tables: &mut Vec<Oid>, item: &Item| {
            tables.extend(item.needs.iter().map(|need| need.relation.oid));
            tables.sort_unstable();
            tables.dedup();
        };
        add(&mut tables, self.item(first));
        for index in &free[1..] {
            let item = self.item(*index);
            if item.alone || item.group != self.item(first).group {
                continue;
            }
            let mut more = tables.clone();
            add(&mut more, item);
            if more.len().max(items.len() + 1) > self.batch {
                break;
            }
            tables = more;
            items.push(*index);
        }
        Some(items)
    }

    fn way(&self, index: usize, seen: &[Backend]) -> Way {
        let mut way = Way::Free;
        let (item, standing) = &self.items[index];
        for need in &item.needs {
            let oid = need.relation.oid;
            for backend in seen.iter().filter(|backend| backend.is_before(oid, need.mode)) {
                match backend.kind {
                    Kind::Autovacuum { wraparound: false } => {
                        if matches!(way, Way::Free) {
                            way = Way::Vacuum(oid);
                        }
                    }
                    Kind::Client | Kind::Hidden if self.is_young(backend, standing) => {
                        if matches!(way, Way::Free) {
                            way = Way::Young(oid);
                        }
                    }
                    _ => return Way::Closed,
                }
            }
        }
        way
    }

    /// Whether its transaction has not been open for longer than we would queue; where that may not be seen, for some attempts.
    fn is_young(&self, backend: &Backend, standing: &Standing) -> bool {
        let longest = self.limits.longest_queue();
        match backend.in_transaction {
            Some(open) => open <= longest,
            None => standing.queued < BLIND,
        }
    }

    fn note(&mut self, index: usize, way: &Way, now: Duration, seen: &[Backend]) {
        let (item, standing) = &mut self.items[index];
        match way {
            Way::Free if !standing.was_refused => standing.busy_since = None,
            Way::Free => {}
            Way::Young(_) | Way::Vacuum(_) => {
                standing.busy_since.get_or_insert(now);
                let holders = seen.iter().filter(|backend| {
                    item.needs
                        .iter()
                        .any(|need| backend.is_before(need.relation.oid, need.mode))
                });
                let oldest = holders.filter_map(|backend| backend.in_transaction).max();
                standing.oldest = standing.oldest.max(oldest.unwrap_or_default());
            }
            // Whoever is there now has nothing to do with how busy the table is otherwise.
            Way::Closed => standing.busy_since = None,
        }
    }

    /// Returns how a busy item is tried, if it is.
    fn take(&self, index: usize, way: &Way, now: Duration) -> Option<Take> {
        let (item, standing) = &self.items[index];
        let relation = match way {
            Way::Closed => return None,
            Way::Vacuum(relation) => return Some(Take::Displace { relation: *relation }),
            Way::Young(relation) => *relation,
            // Refused, and nobody to be seen: held by moments, or it is another relation that is waited for. By turns the one and the other.
            Way::Free => match item.needs.iter().find(|need| need.upfront) {
                Some(need) if standing.queued % 2 == 0 => need.relation.oid,
                _ => Oid(0),
            },
        };
        let busy_for = now.saturating_sub(standing.busy_since.unwrap_or(now));
        if busy_for <= PATIENT {
            return Some(Take::Nowait);
        }
        let doubled = FIRST_QUEUE.saturating_mul(1 << standing.queued.min(8));
        let timeout = doubled
            .max(standing.oldest.mul_f64(1.25))
            .min(self.limits.longest_queue());
        Some(Take::Queue { relation, timeout })
    }
}

#[cfg(test)]
mod tests;
