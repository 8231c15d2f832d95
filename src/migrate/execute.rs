//! The executor: carries a plan out, and decides nothing but whether to try again.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::activity::{Oid, Rule};
use crate::event::{Blocker, Event, Listener};
use crate::exit::Signal;
use crate::ledger::Origin;
use crate::migration::{Text, Version};
use crate::pg::{Look, Monitor, NoticeReceiver, Obstacle, Session, Settings, Value, ledger_store};
use crate::script::split;

use super::cut::{Lesson, Run, Whole, cut};
use super::mirror::Mirroring;
use super::outcome::{Applied, Outcome, Remains, Repeated, RunError};
use super::plan::{Plan, PlannedFile, facts};
use super::retry::{Attempts, Next};
use super::sectioned::pooled;
use super::unit::Unit;

/// `no_active_sql_transaction`: we roll back also where the server has done so already.
const NO_TRANSACTION: &str = "25P01";

/// A request to stop, which may come at any moment.
#[derive(Clone, Debug)]
pub struct Interrupt(watch::Receiver<Option<Signal>>);

impl Interrupt {
    /// Returns the receiving end of `channel`.
    pub fn new(channel: watch::Receiver<Option<Signal>>) -> Self {
        Self(channel)
    }

    /// Returns the signal that came, if one did.
    pub fn signal(&self) -> Option<Signal> {
        *self.0.borrow()
    }

    /// Waits until one comes. Never returns if none can come any more.
    pub async fn requested(&mut self) -> Signal {
        match self.0.wait_for(Option::is_some).await {
            Ok(signal) => signal.expect("just waited for one"),
            Err(_) => std::future::pending().await,
        }
    }
}

/// Applies migrations.
pub struct Migrator<'a> {
    pub(super) session: Rc<Session>,
    pub(super) monitor: Monitor,
    /// Who may be ended; nobody without one.
    pub(super) rule: Option<Rule>,
    /// Who was ended.
    pub(super) ended: Vec<Blocker>,
    /// How far the repeated files have come.
    pub(super) repeated: Vec<Repeated>,
    /// What was said once and need not be said again.
    pub(super) told: BTreeSet<String>,
    /// What the last message that had to wait was waiting for.
    pub(super) obstacle: Option<Obstacle>,
    /// Whether the next messages wait for locks so briefly that we have to look early who is in the way.
    pub(super) gives_up_early: bool,
    /// What the next message is about, where the server does not show it.
    pub(super) about: Vec<Oid>,
    /// Whether the next message, one with patience, is cancelled when it queues for a lock that keeps others waiting.
    pub(super) gives_way: bool,
    /// Why the last message was cancelled, if it was us who did not let it wait any longer.
    pub(super) given_up: Option<GivenUp>,
    pub(super) listener: &'a dyn Listener,
    pub(super) interrupt: Interrupt,
    pub(super) blockers: Vec<Blocker>,
    pub(super) look: Look,
    pub(super) runner: String,
    pub(super) settings: Settings,
    notices: RefCell<Option<NoticeReceiver>>,
    git_commit: Option<String>,
    mirroring: Option<Mirroring>,
}

/// Why we let a statement not wait any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// It had waited for locks for too long.
    LostPatience,
    /// Others would have had to wait behind it.
    GaveWay,
}

/// How it went with one file.
pub(super) enum Done {
    Applied,
    Elsewhere,
}

impl<'a> Migrator<'a> {
    /// Returns an executor on a connection that has been looked at.
    pub fn new(
        mut session: Session,
        settings: Settings,
        look: Look,
        listener: &'a dyn Listener,
        interrupt: Interrupt,
        git_commit: Option<String>,
    ) -> Self {
        let notices = RefCell::new(session.take_notices());
        Self {
            notices,
            session: Rc::new(session),
            monitor: Monitor::new(settings.clone()),
            rule: None,
            ended: Vec::new(),
            repeated: Vec::new(),
            told: BTreeSet::new(),
            obstacle: None,
            gives_up_early: false,
            about: Vec::new(),
            gives_way: false,
            given_up: None,
            listener,
            interrupt,
            blockers: Vec::new(),
            look,
            runner: format!("{:016x}", fastrand::u64(..)),
            settings,
            git_commit,
            mirroring: None,
        }
    }

    /// Keeps another tool's ledger in step.
    #[must_use]
    pub fn mirroring(mut self, mirroring: Option<Mirroring>) -> Self {
        self.mirroring = mirroring;
        self
    }

    /// Ends sessions that are in the way and dead by this rule.
    #[must_use]
    pub fn ending(mut self, rule: Option<Rule>) -> Self {
        self.rule = rule;
        self
    }

    /// Carries `plan` out. The ledger is there and up to date.
    ///
    /// # Locks
    /// Those of the files' statements, each waited for briefly and again; of the ledger, the row of the migration, which keeps other runners waiting.
    pub async fn run(&mut self, plan: Plan) -> Outcome {
        self.listener.on(Event::Started {
            pending: plan.files.len(),
        });
        let by_hand = self.look_for_changes_by_hand().await;
        let mut outcome = plan.outcome();
        if plan.single_transaction {
            self.run_single(&plan, &mut outcome).await;
        } else {
            self.run_each(&plan, &mut outcome).await;
        }
        plan.close(&mut outcome);
        outcome.ended = std::mem::take(&mut self.ended);
        outcome.repeated = std::mem::take(&mut self.repeated);
        // Of ten thousand files it is as large as the snapshot that is taken now.
        drop(plan);
        self.close_run(&outcome, by_hand).await;
        self.listener.on(Event::Finished);
        outcome
    }

    /// Says goodbye to the server.
    pub async fn close(self) {
        if let Ok(session) = Rc::try_unwrap(self.session) {
            session.close().await;
        }
    }

    async fn run_each(&mut self, plan: &Plan, outcome: &mut Outcome) {
        let mut files = plan.files.as_slice();
        while let Some((file, rest)) = files.split_first() {
            let version = &file.migration.version;
            if let Some(signal) = self.interrupt.signal() {
                outcome.stopped = Some(RunError::Interrupted {
                    signal,
                    version: None,
                    remains: Remains::default(),
                });
                return;
            }
            let pooled = pooled(files);
            if pooled > 0 {
                if let Err((file, error)) = self.apply_sections(plan, &files[..pooled], outcome).await {
                    self.record_failure(file, &error).await;
                    outcome.stopped = Some(error);
                    return;
                }
                files = &files[pooled..];
                continue;
            }
            files = rest;
            self.listener.on(Event::Applying {
                version: version.to_string(),
                name: file.migration.name.clone(),
            });
            let started = Instant::now();
            match self.apply(plan, file).await {
                Ok(Done::Applied) => self.applied(outcome, file, started.elapsed()),
                Ok(Done::Elsewhere) => self.applied_elsewhere(outcome, version),
                Err(error) => {
                    self.record_failure(file, &error).await;
                    outcome.stopped = Some(error);
                    return;
                }
            }
        }
    }

    /// Goes on with another session.
    pub(super) fn reconnected(&mut self, mut session: Session) {
        self.tell_notices();
        self.notices = RefCell::new(session.take_notices());
        self.session = Rc::new(session);
    }

    /// Hands on what the server has said since the last time, but for what it says about our own ROLLBACK.
    fn tell_notices(&self) {
        let mut notices = self.notices.borrow_mut();
        while let Some(notice) = notices.as_mut().and_then(|notices| notices.try_recv().ok()) {
            if notice.sqlstate != NO_TRANSACTION {
                self.listener.on(Event::Notice {
                    severity: notice.severity,
                    message: notice.message,
                });
            }
        }
    }

    pub(super) fn applied(&self, outcome: &mut Outcome, file: &PlannedFile, duration: Duration) {
        self.tell_notices();
        let migration = &file.migration;
        self.listener.on(Event::Applied {
            version: migration.version.to_string(),
            name: migration.name.clone(),
            duration,
        });
        outcome.applied.push(Applied {
            version: migration.version.clone(),
            name: migration.name.clone(),
            duration,
            recorded: file.recorded.is_some(),
        });
    }

    pub(super) fn applied_elsewhere(&self, outcome: &mut Outcome, version: &Version) {
        self.listener.on(Event::AppliedElsewhere {
            version: version.to_string(),
        });
        outcome.elsewhere.push(version.clone());
    }

    async fn apply(&mut self, plan: &Plan, file: &PlannedFile) -> Result<Done, RunError> {
        let text = text(file)?;
        self.tell_baseline(file);
        match &file.run {
            Run::Steps(steps) => self.apply_steps(plan, file, &text, steps).await,
            Run::Whole(whole) => self.apply_whole(plan, file, &text, whole).await,
            Run::Rounds(rounds) => Box::pin(self.apply_rounds(plan, file, &text, rounds)).await,
            Run::Sections(_) => Err(changed(file, "it is cut into sections".to_owned())),
        }
    }

    /// Says that a file is recorded without running.
    pub(super) fn tell_baseline(&self, file: &PlannedFile) {
        if let (Some(versions), Some(stands_for)) = (file.recorded, &file.directives.baseline) {
            self.listener.on(Event::Note(format!(
                "{} is recorded and not run: it stands for {stands_for}, of which {versions} are applied",
                file.migration.version
            )));
        }
    }

    async fn apply_whole(
        &mut self,
        plan: &Plan,
        file: &PlannedFile,
        text: &Text,
        whole: &Whole,
    ) -> Result<Done, RunError> {
        let rows = self.rows(file, text, true)?;
        let mark = self.mark(file, 1);
        let own: Vec<&str> = file
            .frame
            .begin
            .iter()
            .map(|begin| begin.slice(text.as_str()))
            .collect();
        let begin = if own.is_empty() { &["begin"] } else { own.as_slice() };
        let unit = Unit {
            file,
            text,
            part: text.all(),
            mark: &mark,
            begin,
            rows: &rows,
            body: &whole.body,
            session: whole.session,
            settings: &[],
        };
        let (mut attempts, mut contest, remains) = (Attempts::new(plan.lock_wait), None, Remains::whole());
        loop {
            let Err(refused) = self.carry_out(plan, &unit, &mut contest, &remains).await? else {
                return Ok(Done::Applied);
            };
            match self.after(file, text, refused, &mut attempts, true, &remains).await? {
                Next::Again => {}
                Next::Elsewhere => return Ok(Done::Elsewhere),
                Next::Committed => return Ok(Done::Applied),
                Next::Learn(lesson) => return self.apply_learnt(plan, file, text, lesson).await,
            }
        }
    }

    /// Runs a file in steps that the server would not take whole.
    async fn apply_learnt(
        &mut self,
        plan: &Plan,
        file: &PlannedFile,
        text: &Text,
        lesson: Lesson,
    ) -> Result<Done, RunError> {
        let pieces = split(text.as_str()).map_err(|error| changed(file, error.to_string()))?;
        let sections = &file.directives.sections;
        match cut(text.as_str(), &pieces, &facts(text.as_str(), &pieces), sections, lesson) {
            Run::Steps(steps) => self.apply_steps(plan, file, text, &steps).await,
            Run::Whole(_) | Run::Sections(_) | Run::Rounds(_) => {
                Err(changed(file, "it cannot be cut into steps".to_owned()))
            }
        }
    }

    /// Returns the statements that record a migration: its row, that of another tool's ledger, and for a baseline that does not run the
    /// event.
    pub(super) fn rows(&self, file: &PlannedFile, text: &Text, transactional: bool) -> Result<Vec<String>, RunError> {
        let mut rows = vec![self.ledger_row(file, text, transactional)?];
        if let Some(mirroring) = &self.mirroring {
            let mirrored = mirroring.rows(&file.migration);
            rows.extend(mirrored.map_err(|reason| changed(file, reason))?);
        }
        if let (Some(versions), Some(stands_for)) = (file.recorded, &file.directives.baseline) {
            let detail = serde_json::json!({
                "path": file.migration.path,
                "stands_for": stands_for.to_string(),
                "versions": versions,
            });
            let event = ledger_store::event_statement("baseline", Some(&file.migration.version), &detail);
            rows.push(event.map_err(|error| changed(file, error.to_string()))?);
        }
        Ok(rows)
    }

    /// Returns the statement that writes the migration's row.
    fn ledger_row(&self, file: &PlannedFile, text: &Text, transactional: bool) -> Result<String, RunError> {
        let migration = &file.migration;
        let (version, sort_key) = (migration.version.to_string(), migration.version.sort_key());
        let origin = file.recorded.map_or(Origin::Migrate, |_| Origin::Baseline).to_string();
        let (checksum, tokens) = (migration.checksum.to_string(), file.token_checksum.to_string());
        let values = [
            Value::Text(&version),
            Value::Text(&sort_key),
            Value::Text(&migration.name),
            Value::Text(&checksum),
            Value::Text(&tokens),
            Value::Text(text.as_str()),
            Value::Boolean(transactional),
            Value::Text(env!("CARGO_PKG_VERSION")),
            Value::Optional(self.git_commit.as_deref()),
            Value::Text(&origin),
        ];
        ledger_store::row_statement(&values).map_err(|error| changed(file, error.to_string()))
    }

    /// Returns what marks a statement of ours in `pg_stat_activity`.
    pub(super) fn mark(&self, file: &PlannedFile, number: usize) -> String {
        // The version is digits and dots; whatever else it may become, it must not close the comment.
        let version = file.migration.version.to_string().replace("*/", "");
        format!("rlsctl {} {version}#{number}", self.runner)
    }

    /// Leaves a trace in `rlsctl.event`. A run that failed is not made worse by a trace that cannot be written.
    pub(super) async fn record_failure(&self, file: &PlannedFile, error: &RunError) {
        self.tell_notices();
        let mut detail = serde_json::json!({ "error": error.to_string(), "path": file.migration.path });
        if let RunError::Statement { server, place, .. } = error {
            detail["server"] = serde_json::json!(server);
            detail["line"] = place.excerpt.as_ref().map(|excerpt| excerpt.line).into();
        }
        let _ = ledger_store::write_event(&self.session, error.kind(), Some(&file.migration.version), &detail).await;
    }
}

pub(super) fn text(file: &PlannedFile) -> Result<Cow<'_, Text>, RunError> {
    file.text().map_err(|error| changed(file, error.to_string()))
}

pub(super) fn changed(file: &PlannedFile, reason: String) -> RunError {
    RunError::FileChanged {
        version: file.migration.version.clone(),
        path: file.migration.path.clone(),
        reason,
    }
}
