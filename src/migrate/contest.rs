//! Getting locks: looks, ends the dead, waits, and says when to try what. The decisions are those of [`Pool`] and [`Rule`].

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::activity::{Backend, Oid, Relation, Rule, Spared};
use crate::duration::human_duration;
use crate::event::{Blocker, Event};
use crate::exit::Signal;
use crate::migration::Version;
use crate::pg::ending::detail;
use crate::pg::{Ended, Ending, MessageError, Obstacle, activity};
use crate::script::{LockMode, RelationName};

use super::execute::Migrator;
use super::locking::{Busy, Item, Limits, Move, Need, Needs, Pool, Take};
use super::outcome::{Remains, RunError};
use super::plan::{Plan, PlannedFile};
use super::wants::{other_lock, wants};

/// How long we wait in silence.
const QUIET: Duration = Duration::from_secs(1);

/// The struggle for the locks of one or several transactions.
#[derive(Debug)]
pub(super) struct Contest {
    /// What is left to be done.
    pub pool: Pool,
    started: Instant,
    /// How much of the time since then was spent on transactions that came through: that is not waiting.
    worked: Duration,
    seen: Vec<Backend>,
    /// Who was in the way of the last attempt that had to wait for long enough to see it.
    met: Vec<Blocker>,
    /// Whether what it waited for was a row.
    pub met_a_row: bool,
    told_at: Instant,
}

/// What to do next.
pub(super) enum Turn {
    /// Try these items.
    Try {
        /// Which.
        items: Vec<usize>,
        /// How.
        take: Take,
    },
    /// The time is over.
    Stop,
    /// Nothing is left.
    Done,
}

impl Contest {
    /// Begins now.
    pub(super) fn new(items: Vec<Item>, limits: Limits) -> Self {
        let now = Instant::now();
        Self {
            pool: Pool::new(items, limits),
            started: now,
            worked: Duration::ZERO,
            seen: Vec::new(),
            met: Vec::new(),
            met_a_row: false,
            told_at: now,
        }
    }

    fn next(&mut self) -> Move {
        self.pool.next(self.elapsed(), &self.seen)
    }

    /// Notes that an attempt was refused, and what it was waiting for, if that was seen.
    fn refused(&mut self, items: &[usize], take: Take, stopped: Option<usize>, obstacle: Option<&Obstacle>) {
        self.pool.refused(items, take, self.elapsed(), 0.5 + fastrand::f64());
        if let (Some(item), Some(need)) = (stopped, obstacle.and_then(need_of)) {
            self.pool.learn(item, need);
        }
    }

    /// Notes that items are done, in a transaction that took so long.
    pub(super) fn took(&mut self, items: &[usize], duration: Duration) {
        self.worked += duration;
        self.pool.took(items);
    }

    /// Returns for how long it has been tried.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed().saturating_sub(self.worked)
    }
}

/// Returns what a waiting backend of ours has shown us to need.
fn need_of(obstacle: &Obstacle) -> Option<Need> {
    let (oid, mode) = (obstacle.waiting.relation?, obstacle.waiting.mode?);
    let mut held = obstacle.backends.iter().flat_map(|backend| &backend.locks);
    let relation = held.find(|held| held.relation.oid == oid)?.relation.clone();
    Some(Need {
        relation,
        mode,
        upfront: false,
    })
}

/// Whether a refusal says that a lock was not to be had.
pub(super) fn is_about_locks(error: &MessageError) -> bool {
    matches!(error.sqlstate(), Some("55P03" | "40P01"))
}

impl Migrator<'_> {
    /// Returns how much and how long.
    pub(super) fn lock_limits(&self, plan: &Plan) -> Limits {
        Limits {
            tables: plan.tables_per_batch,
            deadlock_timeout: self.look.deadlock_timeout,
            deadline: plan.lock_wait,
        }
    }

    /// Returns what each of several parts needs, as the database knows it. What cannot be found out is not needed beforehand.
    pub(super) async fn resolve(&self, parts: &[Needs]) -> Vec<Item> {
        let tables = parts.iter().flat_map(|part| &part.tables);
        let names: Vec<RelationName> = tables.map(|need| need.table.clone()).collect();
        let found = if names.is_empty() {
            Vec::new()
        } else {
            activity::relations(&self.session, &names).await.unwrap_or_default()
        };
        let mut found = found.into_iter();
        let mut item = |part: &Needs| {
            let needs = part.tables.iter().filter_map(|need| {
                let relation: Option<Relation> = found.next().flatten();
                Some(Need {
                    relation: relation?,
                    mode: need.mode,
                    upfront: need.upfront,
                })
            });
            Item {
                needs: needs.collect(),
                ..Item::default()
            }
        };
        parts.iter().map(&mut item).collect()
    }

    /// Looks, ends the dead, and waits until something is to be tried.
    ///
    /// # Errors
    /// We were asked to stop.
    pub(super) async fn turn(&mut self, contest: &mut Contest, version: &Version) -> Result<Turn, Signal> {
        loop {
            if let Some(signal) = self.interrupt.signal() {
                return Err(signal);
            }
            let relations = contest.pool.relations();
            contest.seen = self.look_around(&relations).await;
            if self.end_the_dead(contest, &relations, version).await {
                continue;
            }
            match contest.next() {
                Move::Try { items, take } => return Ok(Turn::Try { items, take }),
                Move::Stop => return Ok(Turn::Stop),
                Move::Done => return Ok(Turn::Done),
                Move::Rest(pause) => {
                    self.tell_waiting(contest, version);
                    tokio::select! {
                        () = sleep(pause) => {}
                        signal = self.interrupt.requested() => return Err(signal),
                    }
                }
            }
        }
    }

    /// Returns everybody around some relations; nobody, where that cannot be seen, which is told.
    pub(super) async fn look_around(&mut self, relations: &[Oid]) -> Vec<Backend> {
        if relations.is_empty() {
            return Vec::new();
        }
        match self.monitor.around(relations).await {
            Ok(seen) => seen,
            Err(error) => {
                self.tell_once(error.to_string());
                Vec::new()
            }
        }
    }

    /// Ends who holds one of the relations and is dead; says whether anybody was ended.
    async fn end_the_dead(&mut self, contest: &Contest, relations: &[Oid], version: &Version) -> bool {
        let mut any = false;
        for backend in holders(&contest.pool.unfinished(&contest.seen)) {
            match judge(self.rule.as_ref(), backend) {
                Ok(()) => any |= self.end(backend, Some(relations), version).await,
                Err(spared) => self.tell_missing(&spared),
            }
        }
        any
    }

    /// Notes that an attempt was refused, in which of its items it `stopped`, if that is known. Who keeps a row from us is not found by looking
    /// at tables: if it is dead, it is ended now.
    pub(super) async fn refused(
        &mut self,
        contest: &mut Contest,
        items: &[usize],
        take: Take,
        stopped: Option<usize>,
        version: &Version,
    ) {
        let obstacle = self.obstacle.take();
        contest.refused(items, take, stopped, obstacle.as_ref());
        if let Some(obstacle) = obstacle {
            contest.met_a_row = obstacle.waiting.is_for_a_row();
            if contest.met_a_row {
                self.end_the_dead_of(&obstacle, version).await;
            }
            contest.met.clone_from(&self.blockers);
        }
    }

    /// Ends who is in the way of a waiting statement of ours and is dead. Only who holds the table itself is ended, or one in which the
    /// row is that we wait for. Says whether anybody was.
    pub(super) async fn end_the_dead_of(&mut self, obstacle: &Obstacle, version: &Version) -> bool {
        let mut any = false;
        for backend in &obstacle.backends {
            let granted = obstacle.share_of(backend).filter(|held| held.granted);
            let holds: Vec<Oid> = granted.map(|held| held.relation.oid).collect();
            match judge(self.rule.as_ref(), backend) {
                Ok(()) if !holds.is_empty() => any |= self.end(backend, Some(&holds), version).await,
                Ok(()) => {}
                Err(spared) => self.tell_missing(&spared),
            }
        }
        any
    }

    /// Returns who is in the way of a waiting statement of ours, and what of it.
    pub(super) fn blockers_of(&self, obstacle: &Obstacle) -> Vec<Blocker> {
        let blockers = obstacle.backends.iter().map(|backend| {
            let is_near = obstacle.share_of(backend).next().is_some();
            let spared = match judge(self.rule.as_ref(), backend) {
                // However old it became, it would not be ended.
                Ok(()) | Err(Spared::Young { .. } | Spared::Kept) if !is_near => Some(Spared::HoldsNothing {
                    but_a_snapshot: backend.has_snapshot,
                }),
                Ok(()) => None,
                Err(spared) => Some(spared),
            };
            backend.as_blocker(Some(wanted_of(obstacle, backend)), spared.as_ref())
        });
        blockers.collect()
    }

    /// Ends one session; says whether it is gone.
    pub(super) async fn end(&mut self, backend: &Backend, holding: Option<&[Oid]>, version: &Version) -> bool {
        let Some(rule) = &self.rule else { return false };
        let ending = Ending {
            backend,
            older_than: rule.older_than,
            holding,
        };
        match self.monitor.end(&ending).await {
            Ok(Ended::Gone) => {}
            Ok(Ended::Going) => {
                self.tell_once(format!("backend {} was told to end and has not yet", shown(backend)));
                return false;
            }
            Ok(Ended::Spared(spared)) => {
                self.tell_missing(&spared);
                return false;
            }
            Err(error) => {
                self.tell_once(error.to_string());
                return false;
            }
        }
        let blocker = backend.as_blocker(None, None);
        self.ended.push(blocker.clone());
        self.blockers.retain(|known| known.pid != blocker.pid);
        self.listener.on(Event::Ended {
            version: version.to_string(),
            blocker,
        });
        let recorded = self
            .monitor
            .record("session ended", Some(version), &detail(backend))
            .await;
        if let Err(error) = recorded {
            self.tell_once(format!("that a session was ended could not be recorded: {error}"));
        }
        true
    }

    /// Says which GRANT would let us do what we may not, once.
    fn tell_missing(&mut self, spared: &Spared) {
        if let Some(missing) = spared.missing_role() {
            let role = &self.look.acting_role;
            self.tell_once(format!(
                "a session in the way cannot be {}: grant {missing} to {role}",
                if missing == "pg_read_all_stats" {
                    "judged"
                } else {
                    "ended"
                }
            ));
        }
    }

    fn tell_once(&mut self, warning: String) {
        if self.told.insert(warning.clone()) {
            self.listener.on(Event::Warning(warning));
        }
    }

    fn tell_waiting(&self, contest: &mut Contest, version: &Version) {
        // More and more seldom: who waits for a minute knows by then.
        if contest.told_at.elapsed() < QUIET.max(contest.elapsed() / 2) {
            return;
        }
        contest.told_at = Instant::now();
        self.listener.on(Event::Waiting {
            version: version.to_string(),
            waited: contest.elapsed(),
            blockers: self.in_the_way(contest),
        });
    }

    /// Returns who is in the way of what is not done, with the reason why each was left alone.
    pub(super) fn in_the_way(&self, contest: &Contest) -> Vec<Blocker> {
        let unfinished = contest.pool.unfinished(&contest.seen);
        // Who is in the way on several tables is told once.
        let mut ways: Vec<(&Backend, Vec<(&Relation, LockMode)>)> = Vec::new();
        for (need, backend) in unfinished.iter().flat_map(|busy| &busy.on) {
            let wanted = (&need.relation, need.mode);
            match ways.iter_mut().find(|(known, _)| std::ptr::eq(*known, *backend)) {
                Some((_, tables)) => tables.push(wanted),
                None => ways.push((backend, vec![wanted])),
            }
        }
        let blockers = ways.into_iter().map(|(backend, tables)| {
            let spared = judge(self.rule.as_ref(), backend).err();
            backend.as_blocker(Some(wants(&tables)), spared.as_ref())
        });
        let found: Vec<Blocker> = blockers.collect();
        if found.is_empty() { contest.met.clone() } else { found }
    }

    /// Returns the error of a contest that is lost.
    pub(super) fn lost_contest(&self, file: &PlannedFile, contest: &Contest, remains: &Remains) -> RunError {
        let unfinished = contest.pool.unfinished(&contest.seen);
        // Where somebody is to be seen, what else is needed was free.
        let held = unfinished.iter().flat_map(|busy| &busy.on);
        let mut tables: Vec<String> = held.map(|(need, _)| need.relation.to_string()).collect();
        if tables.is_empty() {
            let needs = unfinished.iter().flat_map(|busy| &busy.item.needs);
            tables = needs.map(|need| need.relation.to_string()).collect();
        }
        tables.sort_unstable();
        tables.dedup();
        RunError::Blocked {
            version: file.migration.version.clone(),
            path: file.migration.path.clone(),
            waited: contest.elapsed(),
            attempts: contest.pool.attempts(),
            blockers: self.in_the_way(contest),
            tables,
            remains: remains.clone(),
        }
    }
}

/// Says whether a backend may be ended, or why not; without a rule nobody is.
pub(super) fn judge(rule: Option<&Rule>, backend: &Backend) -> Result<(), Spared> {
    match rule {
        Some(rule) => rule.judge(backend),
        // What it is in itself is more to the point than that ending was switched off.
        None => Err(match (Rule::everybody()).judge(backend) {
            Ok(()) => Spared::Kept,
            Err(spared) => spared,
        }),
    }
}

/// Returns those who hold what is needed, each once.
fn holders<'a>(unfinished: &[Busy<'a>]) -> Vec<&'a Backend> {
    let mut found: Vec<&Backend> = Vec::new();
    for (need, backend) in unfinished.iter().flat_map(|busy| &busy.on) {
        let holds = backend.holds_against(need.relation.oid, need.mode).next().is_some();
        if holds && !found.iter().any(|known| std::ptr::eq(*known, *backend)) {
            found.push(backend);
        }
    }
    found
}

/// Returns what we want that a backend has.
fn wanted_of(obstacle: &Obstacle, backend: &Backend) -> String {
    let waiting = &obstacle.waiting;
    let mut tables: Vec<String> = obstacle
        .share_of(backend)
        .map(|held| held.relation.to_string())
        .collect();
    tables.sort_unstable();
    tables.dedup();
    match (tables.as_slice(), waiting.mode) {
        _ if waiting.locktype == "virtualxid" => {
            let open = backend
                .in_transaction
                .map_or_else(String::new, |open| format!(", open for {}", human_duration(open)));
            let phase = waiting
                .phase
                .as_ref()
                .map_or_else(String::new, |phase| format!(": {phase}"));
            format!("its transaction{open}, to end{phase}")
        }
        ([table, ..], Some(mode)) => format!("{table} {mode}"),
        ([], _) if waiting.is_for_a_row() => "a row, or its transaction to end".to_owned(),
        ([], _) => other_lock(&waiting.locktype),
        (tables, None) => format!("a row of {}", tables.join(" or ")),
    }
}

fn shown(backend: &Backend) -> String {
    backend.pid.map_or_else(String::new, |pid| pid.to_string())
}
