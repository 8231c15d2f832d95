//! The sessions that stand around: the dead, who are to be ended, and those who must live.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_postgres::Client;

use super::client::{Done, Door, control, send};
use super::schema::{APP, name};

/// The age from which on a session is an old one, and may be ended.
pub(crate) const AGE: Duration = Duration::from_secs(3);

/// A role whose sessions must not be ended.
pub(crate) const PROTECTED_ROLE: &str = "nightly_export";

/// The name of the prepared transaction.
pub(crate) const GID: &str = "billing-4711";

/// The table that it holds.
pub(crate) const PREPARED_ON: usize = 36;

/// The tables that the dead hold: three sessions, eleven tables.
const DEAD: [&[usize]; 3] = [&[3, 7, 11, 15, 19], &[23, 27, 31, 35], &[39, 43]];

/// The tables that the living hold for a while.
const YOUNG: usize = 9;
const REPORT: usize = 29;
const PROTECTED: usize = 32;
const WORKING: usize = 40;

/// Rows that nobody else touches, each of the tenant that its last figure tells.
const DEAD_ROW: usize = 499;
const YOUNG_ROW: usize = 498;
const PREPARED_ROW: usize = 497;

/// What became of a session.
#[derive(Debug, Clone)]
pub(crate) struct Fate {
    /// What kind of session it is.
    pub(crate) who: &'static str,
    /// Whether it was to be ended.
    pub(crate) dead: bool,
    /// Whether it was.
    pub(crate) ended: bool,
}

struct Member {
    who: &'static str,
    dead: bool,
    client: Arc<Client>,
    part: Option<JoinHandle<Done>>,
}

/// Everybody.
pub(super) struct Cast {
    door: Door,
    members: Vec<Member>,
    prepared: bool,
}

impl Cast {
    /// Nobody yet.
    pub(super) fn nobody(door: &Door) -> Self {
        Self {
            door: door.clone(),
            members: Vec::new(),
            prepared: false,
        }
    }

    /// Three sessions of a crashed worker, which hold ACCESS SHARE on their tables for ever; one of them has written, too.
    pub(super) async fn add_dead(&mut self) {
        for (number, tables) in DEAD.into_iter().enumerate() {
            let client = self.door.app(DEAD_ROW, "crashed worker").await;
            must(control(&client, "begin").await);
            for &table in tables {
                must(control(&client, &format!("select count(*) from {}", name(table))).await);
                if number == 2 {
                    let update = format!("update {} set note = 'lost' where id = {DEAD_ROW}", name(table));
                    must(send(&client, &update).await);
                }
            }
            self.add("crashed worker, idle in transaction on our tables", true, client);
        }
    }

    /// Those of the living who are old when it begins.
    pub(super) async fn add_old(&mut self) {
        let client = self.door.app(0, "console").await;
        must(control(&client, "begin; select count(*) from public.elsewhere").await);
        self.add("old, idle in transaction elsewhere", false, client);
        let client = self.door.app(0, "pool").await;
        must(control(&client, &format!("select count(*) from {}", name(0))).await);
        self.add("old, idle outside a transaction", false, client);
        let client = self.door.client(PROTECTED_ROLE, "export", "").await;
        must(control(&client, &format!("begin; select count(*) from {}", name(PROTECTED))).await);
        self.add(PROTECTED_WHO, false, client);
        let client = self.door.app(0, "batch").await;
        must(control(&client, &format!("begin; select count(*) from {}", name(WORKING))).await);
        let member = self.add(WORKING_WHO, false, client);
        // Alive: a statement every now and then, in one transaction.
        member.play(|client| async move {
            for _ in 0..(AGE + Duration::from_secs(4)).as_millis() / 200 {
                sleep(Duration::from_millis(200)).await;
                control(&client, &format!("select count(*) from {}", name(WORKING))).await?;
            }
            control(&client, "commit").await
        });
    }

    /// A transaction in two phases whose second nobody will order.
    pub(super) async fn add_prepared(&mut self) {
        let client = self.door.app(PREPARED_ROW, "billing").await;
        let table = name(PREPARED_ON);
        let sql = format!("begin; update {table} set note = 'held' where id = {PREPARED_ROW}");
        must(send(&client, &sql).await);
        must(control(&client, &format!("prepare transaction '{GID}'")).await);
        self.prepared = true;
    }

    /// Opens the curtain: the young holder takes its lock, the report begins, and the export has a few seconds left. Returns
    /// when they have their locks, and since when they have them.
    pub(super) async fn begin(&mut self, report: Duration) -> Instant {
        let client = self.door.app(YOUNG_ROW, "web").await;
        let sql = format!(
            "begin; update {} set note = 'young' where id = {YOUNG_ROW}",
            name(YOUNG)
        );
        must(send(&client, &sql).await);
        let member = self.add("young, idle in transaction on our table", false, client);
        member.play(|client| async move {
            sleep(AGE.mul_f64(0.65)).await;
            control(&client, "commit").await
        });
        let export = self.members.iter_mut().find(|it| it.who == PROTECTED_WHO);
        export.expect("is there before").play(|client| async move {
            sleep(AGE + Duration::from_secs(1)).await;
            control(&client, "commit").await
        });

        let client = self.door.client(APP, "report", "").await;
        let table = name(REPORT);
        // Once under way it is not known from outside; taking the lock first is.
        must(control(&client, &format!("begin; lock table {table} in access share mode")).await);
        let began = Instant::now();
        self.add("long report, active", false, client)
            .play(move |client| async move {
                let sql = format!(
                    "select count(*) from {table}, pg_catalog.pg_sleep({})",
                    report.as_secs_f64()
                );
                control(&client, &format!("{sql}; commit")).await
            });
        began
    }

    /// Waits until everybody's part is over, and says what became of them.
    pub(super) async fn end(self) -> Vec<Fate> {
        let mut fates = Vec::new();
        for member in self.members {
            let played = match member.part {
                Some(part) => part.await.is_ok_and(|done| done.is_ok()),
                None => true,
            };
            fates.push(Fate {
                who: member.who,
                dead: member.dead,
                ended: member.client.is_closed() || !played,
            });
        }
        if self.prepared {
            let client = self.door.app(PREPARED_ROW, "billing").await;
            must(control(&client, &format!("rollback prepared '{GID}'")).await);
        }
        fates
    }

    fn add(&mut self, who: &'static str, dead: bool, client: Client) -> &mut Member {
        self.members.push(Member {
            who,
            dead,
            client: Arc::new(client),
            part: None,
        });
        self.members.last_mut().expect("just pushed")
    }
}

const PROTECTED_WHO: &str = "protected role, old, idle in transaction on our table";
const WORKING_WHO: &str = "long transaction at work on our table";

impl Member {
    fn play<F: Future<Output = Done> + Send + 'static>(&mut self, part: impl FnOnce(Arc<Client>) -> F) {
        self.part = Some(tokio::spawn(part(Arc::clone(&self.client))));
    }
}

/// Before anybody disturbs, nothing may fail.
fn must(done: Done) {
    done.unwrap_or_else(|code| panic!("the application could not be set up: {code}"));
}
