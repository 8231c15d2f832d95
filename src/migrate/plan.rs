//! The plan: a pure value made from files and ledger before anything runs.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::finding::Finding;
use crate::ledger::{AppliedState, baseline, gap, verify};
use crate::migration::directive::{Directives, Section, directives};
use crate::migration::{Checksum, Decision, Head, Migration, ReadError, Set, Text, TokenChecksum, Version};
use crate::pg::StepRow;
use crate::script::{Piece, PieceKind, SessionEffects, Triage, classify, split, triage};

use super::cut::{Fact, How, Known, Lesson, Run, Whole, cut};
use super::frame::Frame;
use super::hidden::writes_rows;
use super::locking::needs::{Slow, slowest};
use super::outcome::Outcome;
use super::refuse::Objections;
use super::rounds::rounds;
use super::wide::bound;

/// How many bytes of text a plan keeps, so that files are not read again between two transactions. Those beyond it are.
const KEPT: usize = 2 << 20;

/// What the planner is asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Apply nothing newer than this.
    pub to: Option<Version>,
    /// All or nothing.
    pub single_transaction: bool,
    /// Apply pending files that are older than the newest applied one.
    pub allow_out_of_order: bool,
    /// Run a statement again whose effect is unknown after a crash.
    pub rerun_unknown_step: bool,
    /// How long a migration may try to get its locks.
    pub lock_wait: Duration,
    /// How long one statement may run.
    pub statement_timeout: Duration,
    /// How many tables are locked in one transaction.
    pub tables_per_batch: usize,
    /// How far behind a replica may be before rounds of a repeated file wait for it; 0 for however far.
    pub replica_lag: Duration,
}

/// A pending file, and how it runs.
#[derive(Clone, Debug)]
pub struct PlannedFile {
    /// The file.
    pub migration: Migration,
    /// Its token checksum.
    pub token_checksum: TokenChecksum,
    /// How it runs.
    pub run: Run,
    /// Its own transaction control.
    pub frame: Frame,
    /// How many statements it has.
    pub statements: usize,
    /// The numbers of its steps that an earlier run has finished.
    pub finished: BTreeSet<usize>,
    /// How many existing tables it alters at most, see [`wide`](super::wide); 0 if it is half applied, and has to be finished.
    pub alters_at_most: usize,
    /// Whether a statement of it may write rows, by its first word.
    pub writes_rows: bool,
    /// What of it may take long, and would be thrown away if a lock were not to be had.
    pub slow: Option<Slow>,
    /// What it says about itself.
    pub directives: Directives,
    /// How many applied versions it stands for, if it is a baseline that is only recorded.
    pub recorded: Option<usize>,
    /// Its text, if it was kept.
    text: Option<Text>,
}

impl PlannedFile {
    /// Returns its text as it was planned.
    ///
    /// # Errors
    /// The file has to be read again, and is not what it was.
    pub fn text(&self) -> Result<Cow<'_, Text>, ReadError> {
        match &self.text {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => self.migration.read().map(Cow::Owned),
        }
    }

    /// Returns how long one of its statements may run.
    pub fn statement_timeout(&self, plan: &Plan) -> Duration {
        self.directives.statement_timeout.unwrap_or(plan.statement_timeout)
    }
}

/// What will be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The files to apply, in order.
    pub files: Vec<PlannedFile>,
    /// What is applied already, in version order.
    pub applied: Vec<(Version, Checksum)>,
    /// The head over it.
    pub head: Head,
    /// Pending files that stay pending because of `--to`.
    pub later: Vec<Version>,
    /// What a person should know; nothing that stops the run.
    pub notes: Vec<Finding>,
    /// All or nothing.
    pub single_transaction: bool,
    /// Run a statement again whose effect is unknown after a crash.
    pub rerun_unknown_step: bool,
    /// How long a migration may try to get its locks.
    pub lock_wait: Duration,
    /// How long one statement may run.
    pub statement_timeout: Duration,
    /// How many tables are locked in one transaction.
    pub tables_per_batch: usize,
    /// How far behind a replica may be before rounds of a repeated file wait for it; 0 for however far.
    pub replica_lag: Duration,
}

/// Returns what will be done, or every reason not to begin.
///
/// Reads the pending files, in parallel.
///
/// # Errors
/// All findings at once: edited, missing and misplaced files, then what in the pending files may not run as it is.
pub fn plan(set: &Set, applied: AppliedState, steps: &[StepRow], ask: &Ask) -> Result<Plan, Vec<Finding>> {
    let verified = verify(set, applied);
    let (mut objections, notes) = (verified.errors, verified.notes);
    if let Some(to) = &ask.to
        && !set.migrations.iter().any(|migration| migration.version == *to)
    {
        let help = "name a version that has a file; `rlsctl status` lists them".to_owned();
        objections.push(Finding::error(
            "files.no-such-version",
            to.to_string(),
            "there is no such version",
            help,
        ));
    }
    let wanted = |migration: &&Migration| ask.to.as_ref().is_none_or(|to| migration.version <= *to);
    let (now, later): (Vec<_>, Vec<_>) = verified.pending.into_iter().partition(wanted);
    let mut files = Vec::with_capacity(now.len());
    let known = Background {
        set,
        applied: &verified.applied,
        steps,
    };
    for read in read_all(&now, known) {
        match read {
            Ok(file) => files.push(file),
            Err(findings) => objections.extend(findings),
        }
    }
    objections.extend(out_of_order(&files, verified.newest.as_ref(), ask));
    objections.extend(not_single(&files, ask));
    if !objections.is_empty() {
        return Err(objections);
    }
    Ok(Plan {
        files,
        applied: verified.applied,
        head: verified.head,
        later: later.into_iter().map(|migration| migration.version.clone()).collect(),
        notes,
        single_transaction: ask.single_transaction,
        rerun_unknown_step: ask.rerun_unknown_step,
        lock_wait: ask.lock_wait,
        statement_timeout: ask.statement_timeout,
        tables_per_batch: ask.tables_per_batch,
        replica_lag: ask.replica_lag,
    })
}

impl Plan {
    /// Returns the outcome of doing nothing.
    pub fn untouched(&self) -> Outcome {
        let mut outcome = self.outcome();
        self.close(&mut outcome);
        outcome
    }

    /// Returns the outcome of a run that has done nothing yet.
    pub(super) fn outcome(&self) -> Outcome {
        Outcome {
            applied: Vec::new(),
            elsewhere: Vec::new(),
            ended: Vec::new(),
            pending: Vec::new(),
            total: self.applied.len(),
            head: self.head,
            repeated: Vec::new(),
            stopped: None,
        }
    }

    /// Fills in what follows from what was applied.
    pub(super) fn close(&self, outcome: &mut Outcome) {
        if self.files.is_empty() {
            outcome.pending.clone_from(&self.later);
            return;
        }
        let ours = outcome.applied.iter().map(|applied| &applied.version);
        let done: BTreeSet<&Version> = ours.chain(&outcome.elsewhere).collect();
        let mut all: Vec<(&Version, &Checksum)> = self
            .applied
            .iter()
            .map(|(version, checksum)| (version, checksum))
            .collect();
        let mut pending = Vec::new();
        for file in &self.files {
            let migration = &file.migration;
            if done.contains(&migration.version) {
                all.push((&migration.version, &migration.checksum));
            } else {
                pending.push(migration.version.clone());
            }
        }
        pending.extend(self.later.iter().cloned());
        all.sort_by(|a, b| a.0.cmp(b.0));
        outcome.total = all.len();
        outcome.head = Head::of(all);
        outcome.pending = pending;
    }
}

/// What a file is judged by, besides its text.
#[derive(Clone, Copy)]
struct Background<'a> {
    set: &'a Set,
    applied: &'a [(Version, Checksum)],
    steps: &'a [StepRow],
}

/// Reads files on all processors, keeping their order.
fn read_all(files: &[&Migration], known: Background<'_>) -> Vec<Result<PlannedFile, Vec<Finding>>> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = files.len().div_ceil(workers).max(1);
    std::thread::scope(|scope| {
        let work = |part: &'_ [&Migration]| {
            let mut room = KEPT / workers;
            let read = part.iter().map(|migration| read(migration, known, &mut room));
            read.collect::<Vec<_>>()
        };
        let handles: Vec<_> = files
            .chunks(share)
            .map(|part| scope.spawn(move || work(part)))
            .collect();
        let join = |handle: std::thread::ScopedJoinHandle<'_, Vec<_>>| {
            handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        handles.into_iter().flat_map(join).collect()
    })
}

/// Reads a file and plans it. Its text is kept if there is `room` for it.
fn read(migration: &Migration, known: Background<'_>, room: &mut usize) -> Result<PlannedFile, Vec<Finding>> {
    let text = migration.read().map_err(|error| {
        let help = "see that the file is there, readable and not being written to".to_owned();
        let version = migration.version.to_string();
        vec![Finding::error("files.unreadable", version, error.to_string(), help).at(&migration.path, 1, 1)]
    })?;
    let mut objections = Objections::new(migration, &text);
    let pieces = match split(text.as_str()) {
        Ok(pieces) => pieces,
        Err(error) => {
            objections.split_error(&error);
            return Err(objections.findings);
        }
    };
    let facts = facts(text.as_str(), &pieces);
    objections.psql_commands(&pieces);
    let frame = Frame::of(&facts);
    objections.transaction_control(&facts, &frame);
    objections.copy_out(&facts);
    let directives = directives(text.as_str(), &pieces).unwrap_or_else(|unknown| {
        for unknown in unknown {
            let help = "mend or remove the comment; a directive that is not followed would mislead".to_owned();
            objections.object("files.unknown-directive", unknown.at, unknown.message, help);
        }
        Directives::default()
    });
    let steps: Vec<&StepRow> = known
        .steps
        .iter()
        .filter(|step| step.version == migration.version)
        .collect();
    let run = half_applied_run(text.as_str(), &pieces, &facts, &directives.sections, &steps);
    objections.findings.extend(changed_steps(migration, &run, &steps));
    let run = rounds(text.as_str(), &facts, &directives, run, &mut objections);
    let alters_at_most = if steps.is_empty() {
        bound(text.as_str(), &facts)
    } else {
        0
    };
    let mut recorded = None;
    if let Some(stands_for) = &directives.baseline {
        let decision = stands_for.decide(known.applied.iter().map(|(version, _)| version));
        let wrong = baseline::objections(migration, stands_for, &decision, known.set);
        objections.findings.extend(wrong);
        if let Decision::Record { versions } = decision {
            recorded = Some(versions);
        }
    }
    if objections.findings.is_empty() {
        let left = room.checked_sub(text.as_str().len());
        *room = left.unwrap_or(*room);
        Ok(PlannedFile {
            migration: migration.clone(),
            token_checksum: text.token_checksum(),
            run: if recorded.is_some() { nothing() } else { run },
            frame: if recorded.is_some() { Frame::default() } else { frame },
            statements: facts.len(),
            finished: finished(&steps),
            alters_at_most,
            writes_rows: facts
                .iter()
                .any(|fact| writes_rows(fact.piece.body.slice(text.as_str()))),
            slow: slowest(facts.iter().map(|fact| fact.piece.body.slice(text.as_str()))),
            directives,
            recorded,
            text: left.is_some().then_some(text),
        })
    } else {
        Err(objections.findings)
    }
}

fn finished(steps: &[&StepRow]) -> BTreeSet<usize> {
    let finished = steps.iter().filter(|step| step.finished);
    finished.map(|step| step.number).collect()
}

/// Returns how a file runs that is only recorded: its row is written, and nothing of it is sent.
fn nothing() -> Run {
    Run::Whole(Whole {
        body: Vec::new(),
        session: SessionEffects::none(),
    })
}

/// Returns what is known of each statement: from its first words where they settle it, else from the grammar.
pub fn facts(text: &str, pieces: &[Piece]) -> Vec<Fact> {
    let statements = pieces.iter().filter(|piece| piece.kind == PieceKind::Statement);
    statements
        .map(|piece| {
            let sql = piece.body.slice(text);
            let known = match triage(sql) {
                Triage::Plain => Known::Plain,
                Triage::Classify => {
                    classify(sql).map_or(Known::Unknown, |statement| Known::Parsed(Box::new(statement)))
                }
            };
            Fact { piece: *piece, known }
        })
        .collect()
}

/// Returns how a file runs, as it was cut when it was half applied: an earlier run may have learnt a cut from the server.
fn half_applied_run(text: &str, pieces: &[Piece], facts: &[Fact], sections: &[Section], steps: &[&StepRow]) -> Run {
    let plain = cut(text, pieces, facts, sections, Lesson::default());
    if steps.iter().all(|step| is_step_of(&plain, step)) {
        return plain;
    }
    let enums = Lesson {
        commit_enum_values: true,
        ..Lesson::default()
    };
    let outside = (0..facts.len()).map(|index| Lesson {
        outside: Some(index),
        ..Lesson::default()
    });
    std::iter::once(enums)
        .chain(outside)
        .map(|lesson| cut(text, pieces, facts, sections, lesson))
        .find(|run| steps.iter().all(|step| is_step_of(run, step)))
        .unwrap_or(plain)
}

/// Whether a recorded step is, to the letter, one of a run. Only a step outside a transaction can be recorded as not done.
fn is_step_of(run: &Run, recorded: &StepRow) -> bool {
    run.steps().get(recorded.number - 1).is_some_and(|step| {
        let outside = matches!(step.how, How::Outside { .. });
        step.checksum == recorded.checksum && (recorded.finished || outside)
    })
}

/// A file that is half applied must still begin with what was run of it.
fn changed_steps(migration: &Migration, run: &Run, steps: &[&StepRow]) -> Vec<Finding> {
    let changed = steps.iter().filter(|step| !is_step_of(run, step));
    changed
        .map(|step| {
            let message = format!(
                "was half applied, and its step {} ({}) is not what it was then",
                step.number, step.object
            );
            let help = "restore the file as it was when it was half applied, and put the change into a new migration";
            Finding::error("ledger.step-changed", migration.version.to_string(), message, help).at(
                &migration.path,
                1,
                1,
            )
        })
        .collect()
}

fn out_of_order(files: &[PlannedFile], newest: Option<&Version>, ask: &Ask) -> Vec<Finding> {
    let Some(newest) = newest.filter(|_| !ask.allow_out_of_order) else {
        return Vec::new();
    };
    let late = files
        .iter()
        .filter(|file| file.migration.version < *newest && !file.directives.allow_out_of_order)
        .filter(|file| file.recorded.is_none());
    late.map(|file| gap(&file.migration, newest)).collect()
}

fn not_single(files: &[PlannedFile], ask: &Ask) -> Vec<Finding> {
    let refuse = |file: &PlannedFile, code, message: &str, help: &str| {
        Finding::error(code, file.migration.version.to_string(), message, help).at(&file.migration.path, 1, 1)
    };
    let elsewhere = "run it without `--single-transaction`, or up to the file before it with `--to`";
    let judge = |file: &PlannedFile| match file.run {
        Run::Rounds(_) => {
            let message = "is repeated until 0 rows, each round in a transaction of its own";
            Some(refuse(file, "files.not-in-transaction", message, elsewhere))
        }
        Run::Steps(_) => {
            let message = "has a statement that cannot run inside a transaction";
            Some(refuse(file, "files.not-in-transaction", message, elsewhere))
        }
        Run::Sections(_) if !file.finished.is_empty() => {
            let message = format!(
                "is half applied: {} of its sections would run a second time",
                file.finished.len()
            );
            let help = "finish it first: run `rlsctl migrate` without `--single-transaction`";
            Some(refuse(file, "files.half-applied", &message, help))
        }
        Run::Sections(_) | Run::Whole(_) => None,
    };
    let files = files.iter().filter(|_| ask.single_transaction);
    files.filter_map(judge).collect()
}
