//! The application as a whole, in a thread of its own.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::cast::{AGE, Cast, Fate};
use super::client::Door;
use super::crowd::Crowd;
use super::load::{Load, Record, Sample};

/// Who is there beside the load.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is somebody who is there, or not")]
pub(crate) struct Scene {
    /// The three dead sessions.
    pub(crate) dead: bool,
    /// Those who must live, with a report of this length; and the table that is almost never free.
    pub(crate) living: Option<Duration>,
    /// The prepared transaction.
    pub(crate) prepared: bool,
    /// Transactions that lock two tables in opposite orders.
    pub(crate) deadlock_prone: bool,
    /// Whether only the first table has the tenant's column, and the application knows of no other.
    pub(crate) bare: bool,
}

/// What was seen.
#[derive(Debug)]
pub(crate) struct Performance {
    /// Every statement since [`Application::begin`].
    pub(crate) samples: Vec<Sample>,
    /// What became of the sessions.
    pub(crate) fates: Vec<Fate>,
    /// When the report began, when there is one.
    pub(crate) report_began: Option<Instant>,
}

/// The application at work.
pub(crate) struct Application {
    cues: UnboundedSender<Cue>,
    thread: JoinHandle<Performance>,
}

enum Cue {
    Begin(mpsc::Sender<()>),
    Stop,
}

impl Application {
    /// Connects everybody to a database that has the tables, and waits until the dead have been so for longer than [`AGE`].
    ///
    /// # Panics
    /// When the database is not as it should be.
    pub(crate) fn start(dsn: &str, scene: Scene) -> Self {
        let door = Door::new(dsn);
        let (cues, receiver) = unbounded_channel();
        let (ready, is_ready) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(play(&door, scene, receiver, &ready))
        });
        is_ready.recv().expect("the application starts");
        Self { cues, thread }
    }

    /// From now on counts. Returns when the young holder and the report have their locks.
    pub(crate) fn begin(&self) -> Instant {
        let (ready, is_ready) = mpsc::channel();
        let _ = self.cues.send(Cue::Begin(ready));
        is_ready.recv().expect("the application goes on");
        Instant::now()
    }

    /// Issues nothing more, waits for what is under way, and returns what was seen.
    pub(crate) fn stop(self) -> Performance {
        let _ = self.cues.send(Cue::Stop);
        self.thread.join().expect("the application does not panic")
    }
}

async fn play(door: &Door, scene: Scene, mut cues: UnboundedReceiver<Cue>, ready: &mpsc::Sender<()>) -> Performance {
    let record = Record::default();
    let mut cast = Cast::nobody(door);
    if scene.prepared {
        cast.add_prepared().await;
    }
    if scene.dead {
        cast.add_dead().await;
    }
    if scene.living.is_some() {
        cast.add_old().await;
    }
    let set_up = Instant::now();
    let load = Load::start(door, &record, scene.bare).await;
    let mut crowd = Crowd::nobody();
    if scene.living.is_some() {
        crowd.add_never_free(door, &record).await;
    }
    if scene.deadlock_prone {
        crowd.add_deadlock_prone(door, &record).await;
    }
    // Connections are warm by then, too.
    let warm = Instant::now() + Duration::from_secs(1);
    tokio::time::sleep_until(warm.max(set_up + AGE + Duration::from_millis(300)).into()).await;
    let _ = ready.send(());

    let mut report_began = None;
    while let Some(Cue::Begin(ready)) = cues.recv().await {
        if let Some(report) = scene.living {
            report_began = Some(cast.begin(report).await);
        }
        record.take();
        let _ = ready.send(());
    }
    crowd.stop().await;
    load.stop().await;
    Performance {
        samples: record.take(),
        fates: cast.end().await,
        report_began,
    }
}
