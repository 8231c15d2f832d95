//! Sessions that work back to back, beside the load.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::client::{Door, control, send};
use super::load::Record;
use super::schema::name;

/// The table that is almost never free.
pub(crate) const NEVER_FREE: usize = 22;

/// Sessions that keep [`NEVER_FREE`] so: their transactions overlap.
const OVERLAPPING: usize = 4;

/// Pairs of tables that are locked in both orders, among neighbours in the migration and far apart, and for how many milliseconds
/// each is held before the next. Who takes longer than `deadlock_timeout` is the victim of a deadlock: the other one has looked
/// for it already, before it was there.
const CROSSED: [(usize, usize, Range<u64>); 6] = [
    (0, 1, 1100..1500),
    (4, 6, 20..60),
    (12, 15, 20..60),
    (20, 21, 20..60),
    (28, 33, 20..60),
    (5, 44, 1100..1500),
];

/// The first of the rows that are nobody else's.
const OWN_ROWS: usize = 400;

/// The sessions.
pub(super) struct Crowd {
    over: Arc<AtomicBool>,
    sessions: Vec<JoinHandle<()>>,
}

/// What one session does, again and again.
struct Session {
    client: Client,
    door: Door,
    number: usize,
    record: Record,
    random: Rng,
}

impl Crowd {
    /// Nobody.
    pub(super) fn nobody() -> Self {
        Self {
            over: Arc::default(),
            sessions: Vec::new(),
        }
    }

    /// Short transactions over one table, one after the other without a pause, by several sessions.
    pub(super) async fn add_never_free(&mut self, door: &Door, record: &Record) {
        for number in 0..OVERLAPPING {
            let mut session = Session::new(door, record, number).await;
            let over = Arc::clone(&self.over);
            self.sessions.push(tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let hold = session.between(&(10..30));
                    session.transaction(&[NEVER_FREE], hold).await;
                }
            }));
        }
    }

    /// Transactions that lock two tables in opposite orders and take their time between. They have rows of their own, so that
    /// they never wait for each other: a deadlock needs somebody who locks whole tables.
    pub(super) async fn add_deadlock_prone(&mut self, door: &Door, record: &Record) {
        let orders = CROSSED
            .into_iter()
            .flat_map(|(one, two, hold)| [([one, two], hold.clone()), ([two, one], hold)]);
        for (number, (order, hold)) in orders.enumerate() {
            let mut session = Session::new(door, record, OVERLAPPING + number).await;
            let over = Arc::clone(&self.over);
            self.sessions.push(tokio::spawn(async move {
                // Out of step: where both of a pair rest at once, nobody learns anything.
                tokio::time::sleep(session.between(&hold) * u32::from(number % 2 == 1)).await;
                while !over.load(Ordering::Relaxed) {
                    let hold = session.between(&hold);
                    session.transaction(&order, hold).await;
                    tokio::time::sleep(hold / 2).await;
                }
            }));
        }
    }

    /// Waits until everybody has finished the transaction they are in.
    pub(super) async fn stop(self) {
        self.over.store(true, Ordering::Relaxed);
        for session in self.sessions {
            let _ = session.await;
        }
    }
}

impl Session {
    async fn new(door: &Door, record: &Record, number: usize) -> Self {
        Self {
            client: door.app(number, "web").await,
            door: door.clone(),
            number,
            record: record.clone(),
            random: Rng::with_seed(number as u64),
        }
    }

    fn between(&mut self, milliseconds: &Range<u64>) -> Duration {
        Duration::from_millis(self.random.u64(milliseconds.clone()))
    }

    /// Writes to each table in turn, and holds what it has for a while after each.
    async fn transaction(&mut self, tables: &[usize], hold: Duration) {
        // A row of the tenant that the connection has.
        let id = OWN_ROWS + self.number;
        for (index, &table) in tables.iter().enumerate() {
            let begin = if index == 0 { "begin; " } else { "" };
            let sql = format!("{begin}update {} set note = 'mine' where id = {id}", name(table));
            let issued = Instant::now();
            let done = send(&self.client, &sql).await;
            self.record.note(table, issued, &done);
            if done.is_err() {
                let _ = control(&self.client, "rollback").await;
                if self.client.is_closed() {
                    self.client = self.door.app(self.number, "web").await;
                }
                return;
            }
            tokio::time::sleep(hold).await;
        }
        let _ = control(&self.client, "commit").await;
    }
}
