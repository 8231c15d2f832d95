//! The open-loop load.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::sync::Mutex as Queue;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::RATE;
use super::client::{Done, Door, control, send};
use super::schema::{TABLES, TENANTS, name};

/// Connections for each table. A table that stands still keeps its own waiting, and nobody else's.
const CONNECTIONS: usize = 6;

/// Rows of each tenant that the load changes; the others are for sessions that keep a row for themselves.
const SLOTS: usize = 40;

/// One statement of the application.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// Its table.
    pub(super) table: usize,
    /// When it was meant to be issued.
    pub(super) intended: Instant,
    /// When its answer was there.
    pub(super) done: Instant,
    /// What went wrong: a SQLSTATE, or words.
    pub(super) error: Option<String>,
}

/// All statements that came back.
#[derive(Debug, Clone, Default)]
pub(super) struct Record(Arc<Mutex<Vec<Sample>>>);

impl Record {
    /// Takes down one that has just come back.
    pub(super) fn note(&self, table: usize, intended: Instant, done: &Done) {
        let sample = Sample {
            table,
            intended,
            done: Instant::now(),
            error: done.clone().err(),
        };
        self.0.lock().expect("nobody panics with it").push(sample);
    }

    /// Returns all.
    pub(super) fn take(&self) -> Vec<Sample> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics with it"))
    }
}

#[derive(Debug, Clone, Copy)]
enum Work {
    Read,
    Write,
    Insert,
    /// A transaction that writes to the job's table and then to this one, which comes later in the same order for all:
    /// they do not deadlock among themselves.
    Also(usize),
}

#[derive(Debug, Clone, Copy)]
struct Job {
    intended: Instant,
    table: usize,
    slot: usize,
    work: Work,
}

/// The load, as long as it lasts.
pub(super) struct Load {
    clock: JoinHandle<()>,
    workers: Vec<JoinHandle<Worker>>,
}

impl Load {
    /// Connects everybody, then begins.
    pub(super) async fn start(door: &Door, record: &Record, bare: bool) -> Self {
        let mut lanes = Vec::new();
        let mut workers = Vec::new();
        for table in 0..TABLES {
            let (sender, receiver) = unbounded_channel();
            let queue = Arc::new(Queue::new(receiver));
            for number in 0..CONNECTIONS {
                let tenant = table + number;
                let worker = Worker {
                    client: door.app(tenant, "web").await,
                    door: door.clone(),
                    tenant,
                    record: record.clone(),
                    bare,
                };
                workers.push(tokio::spawn(worker.run(Arc::clone(&queue))));
            }
            lanes.push(sender);
        }
        Self {
            clock: tokio::spawn(issue(lanes)),
            workers,
        }
    }

    /// Issues nothing more, and waits for what is under way, for a while.
    pub(super) async fn stop(self) {
        self.clock.abort();
        // The queues end with the clock that fills them.
        let _ = self.clock.await;
        let all = async {
            // Nobody disconnects before the last answer is there: hundreds of backends that exit would be in its way.
            let mut connected = Vec::new();
            for worker in self.workers {
                connected.push(worker.await);
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(15), all).await;
    }
}

/// Issues each statement at its time, and those that are late at once.
async fn issue(lanes: Vec<UnboundedSender<Job>>) {
    // The same statements in every run.
    let mut random = Rng::with_seed(905);
    let mut intended = Instant::now();
    loop {
        tokio::time::sleep_until(intended.into()).await;
        let table = random.usize(0..TABLES);
        let work = match random.u8(0..100) {
            0..60 => Work::Read,
            60..85 => Work::Write,
            85..94 => Work::Insert,
            _ if table + 1 < TABLES => Work::Also(random.usize(table + 1..TABLES)),
            _ => Work::Write,
        };
        let job = Job {
            intended,
            table,
            slot: random.usize(0..SLOTS),
            work,
        };
        if lanes[table].send(job).is_err() {
            return;
        }
        intended += Duration::from_secs(1) / RATE;
    }
}

struct Worker {
    client: Client,
    door: Door,
    tenant: usize,
    record: Record,
    bare: bool,
}

impl Worker {
    async fn run(mut self, queue: Arc<Queue<UnboundedReceiver<Job>>>) -> Self {
        loop {
            let job = queue.lock().await.recv().await;
            let Some(job) = job else { return self };
            self.work(job).await;
            if self.client.is_closed() {
                self.client = self.door.app(self.tenant, "web").await;
            }
        }
    }

    async fn work(&self, job: Job) {
        // Row 0 is the first of the tenant that the remainder 0 has.
        let id = job.slot * TENANTS + self.tenant % TENANTS;
        let tenant = self.tenant % TENANTS + 1;
        let table = name(job.table);
        let update = |table: &str| format!("update {table} set note = 'seen', touched = now() where id = {id}");
        let sql = match job.work {
            Work::Read => format!("select note, touched from {table} where id = {id}"),
            Work::Write => update(&table),
            Work::Insert if self.bare && job.table > 0 => format!("insert into {table} (parent_id) values ({id})"),
            Work::Insert => format!("insert into {table} (tenant_id, parent_id) values ({tenant}, {id})"),
            Work::Also(_) => format!("begin; {}", update(&table)),
        };
        let done = send(&self.client, &sql).await;
        self.record.note(job.table, job.intended, &done);
        let Work::Also(second) = job.work else { return };
        if done.is_ok() {
            let issued = Instant::now();
            let done = send(&self.client, &format!("{}; commit", update(&name(second)))).await;
            self.record.note(second, issued, &done);
            if done.is_ok() {
                return;
            }
        }
        let _ = control(&self.client, "rollback").await;
    }
}
