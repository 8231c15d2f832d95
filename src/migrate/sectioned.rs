//! Files that their authors have cut into sections, each about one table: a pool from which whatever is free is taken, by eights.
//!
//! Each section is a step with a row of its own, so that a run that was cut off goes on where it was. The ledger's rows come in the order
//! of the files, however the sections came.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use crate::event::Event;
use crate::migration::Text;
use crate::pg::{MessageError, StepKey, ledger_store, steps};
use crate::script::{LockMode, Piece, RelationName, SessionEffect, SessionEffects, split};

use super::contest::{Contest, Turn, is_about_locks};
use super::cut::{How, Segment, Step};
use super::execute::{Migrator, changed, text};
use super::locking::needs::{may_mean_others, slowest};
use super::locking::prelude::prelude;
use super::locking::{Item, Need, Needs, TableNeed, Take, needs};
use super::message::Envelope;
use super::outcome::{Outcome, Remains, RunError};
use super::plan::{Plan, PlannedFile};
use super::retry::Attempts;
use super::send::{At, Refused, Transaction, place};
use super::unit::{may_not_lock, rest};

/// What is lost by a crash of the server is lost together with its row, and done again.
const NO_FLUSH: &str = "set local synchronous_commit = off";

/// Returns how many of the first files share one pool: those that have sections. What stands before the first section of a file waits for
/// everything before it, so such a file begins a pool of its own.
pub(super) fn pooled(files: &[PlannedFile]) -> usize {
    let has_sections = |file: &PlannedFile| matches!(file.run, super::cut::Run::Sections(_));
    let has_head = |file: &PlannedFile| file.run.steps().iter().any(|step| step.tables.is_empty());
    let shares = |(index, file): &(usize, &PlannedFile)| has_sections(file) && (*index == 0 || !has_head(file));
    files.iter().enumerate().take_while(shares).count()
}

/// A file of the pool.
struct Pooled<'p> {
    file: &'p PlannedFile,
    text: Cow<'p, Text>,
    started: Instant,
    is_recorded: bool,
}

/// A section of the pool, or the head of a file.
#[derive(Clone, Copy)]
struct Part<'p> {
    file: usize,
    step: &'p Step,
    body: &'p [Segment],
    session: SessionEffects,
}

struct Work<'p> {
    files: Vec<Pooled<'p>>,
    parts: Vec<Part<'p>>,
    contest: Contest,
    attempts: Attempts,
}

type Failed<'p> = (&'p PlannedFile, RunError);

impl Migrator<'_> {
    /// Applies files that share a pool.
    ///
    /// # Errors
    /// The file at which it stopped, and why. Sections that are done stay done.
    pub(super) async fn apply_sections<'p>(
        &mut self,
        plan: &Plan,
        files: &'p [PlannedFile],
        outcome: &mut Outcome,
    ) -> Result<(), Failed<'p>> {
        let mut work = self.work(plan, files).await?;
        for file in files {
            self.listener.on(Event::Applying {
                version: file.migration.version.to_string(),
                name: file.migration.name.clone(),
            });
        }
        self.skip_what_is_done(&mut work, outcome).await?;
        loop {
            if work.files.iter().all(|file| file.is_recorded) {
                return Ok(());
            }
            let first = work.first_unfinished();
            let file = work.files[first].file;
            let (items, take) = match self.turn(&mut work.contest, &file.migration.version).await {
                Ok(Turn::Try { items, take }) => (items, take),
                // All is done, and a row is missing: the last run was cut off before it, or the rest of the file was taken out.
                Ok(Turn::Done) => (Vec::new(), Take::Nowait),
                Ok(Turn::Stop) => return Err((file, self.lost_contest(file, &work.contest, &work.remains(first)))),
                Err(signal) => return Err((file, work.interrupted(first, signal))),
            };
            let started = Instant::now();
            match self.attempt_sections(plan, &work, &items, take).await? {
                Ok(()) => self.took(&mut work, &items, started.elapsed(), outcome),
                Err(refused) => self.section_refused(&mut work, &items, take, refused, outcome).await?,
            }
        }
    }

    async fn work<'p>(&self, plan: &Plan, files: &'p [PlannedFile]) -> Result<Work<'p>, Failed<'p>> {
        let mut pooled = Vec::with_capacity(files.len());
        let mut parts = Vec::new();
        let mut found = Vec::new();
        for (index, file) in files.iter().enumerate() {
            let text = text(file).map_err(|error| (file, error))?;
            let pieces = split(text.as_str()).map_err(|error| (file, changed(file, error.to_string())))?;
            for step in file.run.steps() {
                let How::Inside { body, session } = &step.how else {
                    return Err((
                        file,
                        changed(file, "a section cannot run inside a transaction".to_owned()),
                    ));
                };
                found.push(needs_of(file, &text, &pieces, step));
                parts.push(Part {
                    file: index,
                    step,
                    body,
                    session: *session,
                });
            }
            pooled.push(Pooled {
                file,
                text,
                started: Instant::now(),
                is_recorded: false,
            });
        }
        // Of each section first what it needs, then what it is about.
        found.extend(parts.iter().map(|part| about(part.step, &pooled[part.file].text)));
        let mut items = self.resolve(&found).await;
        let abouts = items.split_off(parts.len());
        for index in 0..items.len() {
            let part = parts[index];
            // A section that leaves something in the session, brings data, or may take long is sent by itself.
            let brings_data = part.body.iter().any(|segment| matches!(segment, Segment::Copy { .. }));
            let text = part.step.span.slice(pooled[part.file].text.as_str());
            let is_slow =
                split(text).is_ok_and(|pieces| slowest(pieces.iter().map(|piece| piece.body.slice(text))).is_some());
            items[index].alone = part.session.any() || brings_data || is_slow || part.step.tables.is_empty();
            items[index].group = part.file * 1000 + part.step.settings.len();
            let is_head = |part: usize| parts[part].step.tables.is_empty();
            let waits_for = |before: &usize| {
                is_head(index)
                    || is_head(*before)
                    || name_the_same(parts[index].step, parts[*before].step)
                    || comes_after(&items, &abouts, index, *before)
            };
            items[index].after = (0..index).filter(waits_for).collect();
        }
        Ok(Work {
            files: pooled,
            parts,
            contest: Contest::new(items, self.lock_limits(plan)),
            attempts: Attempts::new(plan.lock_wait),
        })
    }

    /// Takes out of the pool what is recorded as done, by an earlier run or by another runner.
    async fn skip_what_is_done<'p>(&mut self, work: &mut Work<'p>, outcome: &mut Outcome) -> Result<(), Failed<'p>> {
        let first = work.files[0].file;
        let failed =
            |error: &dyn std::fmt::Display| (first, changed(first, format!("its steps cannot be read: {error}")));
        let recorded = ledger_store::steps(&self.session)
            .await
            .map_err(|error| failed(&error))?;
        let done: Vec<usize> = (0..work.parts.len())
            .filter(|index| {
                let part = work.parts[*index];
                let version = &work.files[part.file].file.migration.version;
                recorded
                    .iter()
                    .any(|step| step.version == *version && step.number == part.step.number && step.finished)
            })
            .collect();
        work.contest.pool.took(&done);
        for index in 0..work.files.len() {
            let file = work.files[index].file;
            if work.files[index].is_recorded {
                continue;
            }
            let applied = ledger_store::applied_checksum(&self.session, &file.migration.version).await;
            match applied.map_err(|error| failed(&error))? {
                None => {}
                Some(theirs) if theirs == file.migration.checksum => {
                    let all = work.parts_of(index);
                    work.contest.pool.took(&all);
                    work.files[index].is_recorded = true;
                    self.applied_elsewhere(outcome, &file.migration.version);
                }
                Some(_) => {
                    let (version, path) = (file.migration.version.clone(), file.migration.path.clone());
                    return Err((file, RunError::OtherContent { version, path }));
                }
            }
        }
        Ok(())
    }

    /// Sends sections of one file in one transaction, with their rows, and those of the files that are complete by them.
    async fn attempt_sections<'p>(
        &mut self,
        plan: &Plan,
        work: &Work<'p>,
        items: &[usize],
        take: Take,
    ) -> Result<Result<(), Refused>, Failed<'p>> {
        let parts: Vec<Part<'p>> = items.iter().map(|index| work.parts[*index]).collect();
        let at = parts.first().map_or_else(|| work.first_unfinished(), |part| part.file);
        let Pooled { file, text, .. } = &work.files[at];
        let fail = |error: RunError| (*file, error);
        let mut rows = Vec::new();
        for part in &parts {
            let key = self.key(file, part.step);
            rows.push(steps::insert_statement(&key).map_err(|error| fail(changed(file, error.to_string())))?);
        }
        for index in work.complete_with(items) {
            let complete = &work.files[index];
            rows.extend(self.rows(complete.file, &complete.text, false).map_err(fail)?);
        }
        let body: Vec<Segment> = parts.iter().flat_map(|part| part.body.iter().copied()).collect();
        let settings = parts
            .first()
            .map(|part| part.step.settings.as_slice())
            .unwrap_or_default();
        let settings: Vec<&str> = settings.iter().map(|span| span.slice(text.as_str())).collect();
        let mut session = SessionEffects::none();
        for part in &parts {
            session.merge(part.session);
        }
        if !settings.is_empty() {
            session.merge([SessionEffect::Sets, SessionEffect::Role].into_iter().collect());
        }
        let number = parts.first().map_or(0, |part| part.step.number);
        let mark = self.mark(file, number);
        let envelope = Envelope {
            mark: &mark,
            begin: &["begin"],
            lift_timeouts: self.look.has_timeouts,
            rows: &rows,
            statement_timeout: file.statement_timeout(plan),
            locks: &locks(work, items, take),
            settings: &settings,
        };
        let transaction = Transaction {
            file,
            text,
            envelope: &envelope,
            body: &body,
            session,
            commit: true,
        };
        self.gives_up_early = true;
        Ok(self.transaction(&transaction).await)
    }

    /// A section may depend on an earlier one that is not done yet by more than the names in it: a foreign key that is dropped with its column,
    /// a policy that names a column, what a function reads. If one fails, it is tried again behind all that stand before it.
    fn is_for_later(&self, work: &mut Work<'_>, items: &[usize], refused: &Refused) -> bool {
        let (MessageError::Refused { refusal }, Some(stopped)) = (&refused.error, work.stopped_in(items, refused.at))
        else {
            return false;
        };
        // Those in front of it in the same transaction have run.
        let ran = |before: usize| items.contains(&before) && before < stopped;
        let is_early = (0..stopped).any(|before| !work.contest.pool.is_done(before) && !ran(before));
        if !is_early || !work.contest.pool.wait_for_earlier(stopped) {
            return false;
        }
        let part = work.parts[stopped];
        self.listener.on(Event::Note(format!(
            "section {} of migration {} failed before those in front of it were done, and is tried again behind them: {}",
            part.step.name(),
            work.files[part.file].file.migration.version,
            refusal.error.message
        )));
        true
    }

    fn key<'k>(&'k self, file: &'k PlannedFile, step: &'k Step) -> StepKey<'k> {
        StepKey {
            version: &file.migration.version,
            number: step.number,
            object: &step.object,
            checksum: &step.checksum,
            runner: &self.runner,
        }
    }

    fn took(&self, work: &mut Work<'_>, items: &[usize], duration: Duration, outcome: &mut Outcome) {
        let complete = work.complete_with(items);
        work.contest.took(items, duration);
        if let Some(first) = items.first() {
            let file = work.parts[*first].file;
            let remains = work.remains(file);
            self.listener.on(Event::Sections {
                version: work.files[file].file.migration.version.to_string(),
                done: remains.steps_done,
                of: remains.steps,
                what: items.iter().map(|item| work.parts[*item].step.name()).collect(),
            });
        }
        for index in complete {
            let pooled = &mut work.files[index];
            pooled.is_recorded = true;
            self.applied(outcome, pooled.file, pooled.started.elapsed());
        }
    }

    async fn section_refused<'p>(
        &mut self,
        work: &mut Work<'p>,
        items: &[usize],
        take: Take,
        refused: Refused,
        outcome: &mut Outcome,
    ) -> Result<(), Failed<'p>> {
        let at = items
            .first()
            .map_or_else(|| work.first_unfinished(), |item| work.parts[*item].file);
        let file = work.files[at].file;
        if let Some(signal) = self.stopped_by(&refused.error) {
            return Err((file, work.interrupted(at, signal)));
        }
        let sqlstate = refused.error.sqlstate().unwrap_or_default().to_owned();
        if refused.at == At::Row && matches!(sqlstate.as_str(), "23505" | "55P03" | "40P01") {
            // Another runner is at it, or was.
            let (remains, attempts) = (work.remains(at), &mut work.attempts);
            self.pause(file, attempts, &sqlstate, &remains)
                .await
                .map_err(|error| (file, error))?;
            return self.skip_what_is_done(work, outcome).await;
        }
        if is_about_locks(&refused.error) {
            let stopped = work.stopped_in(items, refused.at);
            self.refused(&mut work.contest, items, take, stopped, &file.migration.version)
                .await;
            return Ok(());
        }
        if may_not_lock(&refused) {
            let changes = items.iter().map(|item| work.contest.pool.lock_nothing_upfront(*item));
            // Each of them, not only up to the first.
            if changes.fold(false, |any, one| any | one) {
                return Ok(());
            }
        }
        if self.is_for_later(work, items, &refused) {
            return Ok(());
        }
        let remains = work.remains(at);
        let error = match refused.error {
            MessageError::Lost { reason } => match self.lost(file, reason.clone(), true).await {
                Err(error) => error,
                Ok(_) => changed(file, reason),
            },
            MessageError::Refused { refusal } if matches!(refused.at, At::Row | At::Ours) => RunError::Ledger {
                version: file.migration.version.clone(),
                server: Box::new(refusal.error),
            },
            MessageError::Refused { refusal } => RunError::Statement {
                place: Box::new(place(file, &work.files[at].text, refused.at)),
                server: Box::new(refusal.error),
                remains,
            },
        };
        Err((file, error))
    }
}

impl Work<'_> {
    fn parts_of(&self, file: usize) -> Vec<usize> {
        (0..self.parts.len())
            .filter(|index| self.parts[*index].file == file)
            .collect()
    }

    /// Returns which of some sections of one file a place is in.
    fn stopped_in(&self, items: &[usize], at: At) -> Option<usize> {
        let At::File(byte) = at else { return None };
        let mut items = items.iter().copied();
        items.find(|item| {
            let span = self.parts[*item].step.span;
            span.start <= byte && byte < span.end
        })
    }

    fn first_unfinished(&self) -> usize {
        self.files.iter().position(|file| !file.is_recorded).unwrap_or(0)
    }

    /// Returns the files whose rows are due when `items` are done: those of which nothing is left, up to the first that is not so.
    fn complete_with(&self, items: &[usize]) -> Vec<usize> {
        let is_complete = |file: &usize| {
            let parts = self.parts_of(*file);
            parts
                .iter()
                .all(|part| self.contest.pool.is_done(*part) || items.contains(part))
        };
        let due = (0..self.files.len()).skip_while(|file| self.files[*file].is_recorded);
        due.take_while(is_complete)
            .filter(|file| !self.files[*file].is_recorded)
            .collect()
    }

    fn remains(&self, file: usize) -> Remains {
        let parts = self.parts_of(file);
        Remains {
            steps_done: parts.iter().filter(|part| self.contest.pool.is_done(**part)).count(),
            steps: parts.len(),
            ..Remains::default()
        }
    }

    fn interrupted(&self, file: usize, signal: crate::exit::Signal) -> RunError {
        RunError::Interrupted {
            signal,
            version: Some(self.files[file].file.migration.version.clone()),
            remains: self.remains(file),
        }
    }
}

/// Returns the statements that take the locks of some sections.
fn locks(work: &Work<'_>, items: &[usize], take: Take) -> Vec<String> {
    let pool = &work.contest.pool;
    let needs: Vec<&Need> = items.iter().flat_map(|item| &pool.item(*item).needs).collect();
    let slow = items
        .iter()
        .filter_map(|item| work.files[work.parts[*item].file].file.slow)
        .max();
    let mut statements = prelude(take, &needs, pool.limits().deadlock_timeout, rest(slow, &work.contest));
    let is_last = (0..work.parts.len()).all(|part| pool.is_done(part) || items.contains(&part));
    if !is_last {
        statements.push(NO_FLUSH.to_owned());
    }
    statements
}

/// Returns what a section needs: what its statements name, and the tables of its directive where they do not tell.
fn needs_of(file: &PlannedFile, text: &Text, pieces: &[Piece], step: &Step) -> Needs {
    let mut found = needs(text.as_str(), pieces, step.span, &file.frame);
    if found.unknown {
        let named = |table: &RelationName| found.tables.iter().any(|known| known.table == *table);
        let missing = about(step, text).tables.into_iter().map(|need| need.table);
        let missing: Vec<RelationName> = missing.filter(|table| !named(table)).collect();
        found.tables.extend(missing.into_iter().map(|table| TableNeed {
            table,
            mode: LockMode::AccessExclusive,
            upfront: true,
        }));
    }
    found
}

/// Returns the tables that a section is about, for their numbers: an index, a policy's query or a foreign key may name them otherwise.
fn about(step: &Step, text: &Text) -> Needs {
    let is_meant = |table: &&RelationName| table.schema.is_some() || !may_mean_others(text.as_str());
    let tables = step.tables.iter().filter(is_meant).map(|table| TableNeed {
        table: table.clone(),
        mode: LockMode::AccessShare,
        upfront: false,
    });
    Needs {
        tables: tables.collect(),
        unknown: false,
    }
}

/// Whether two sections are about a table of one name, whatever schema it is in.
fn name_the_same(one: &Step, other: &Step) -> bool {
    let mut tables = one.tables.iter();
    tables.any(|table| other.tables.iter().any(|other| other.name == table.name))
}

/// Whether a part has to wait for an earlier one: it is about what that one needs, needs what that one is about, or one of them is the head
/// of its file. That two need the same third table is no reason.
fn comes_after(items: &[Item], about: &[Item], index: usize, before: usize) -> bool {
    let share = |some: &Item, others: &Item| {
        let mut some = some.needs.iter();
        some.any(|one| others.needs.iter().any(|other| one.relation.oid == other.relation.oid))
    };
    share(&about[index], &about[before]) || share(&about[index], &items[before]) || share(&items[index], &about[before])
}
