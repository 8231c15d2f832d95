//! What a plan means for people: how each file runs, its statements, the tables they touch, and the locks they take.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::migration::{ReadError, Text};
use crate::script::{LockMode, Piece, PieceKind, Span, classify, split};

use super::cut::{How, Run, Segment, Step};
use super::plan::{Plan, PlannedFile};

/// A plan.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Its files, in the order in which they would run.
    pub files: Vec<ExplainedFile>,
    /// Whether all of them run in one transaction.
    pub single_transaction: bool,
    /// How many tables are locked in one transaction at most.
    pub tables_per_batch: usize,
}

/// How a file runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// In one transaction.
    Transaction,
    /// In steps, one after the other, some of them outside a transaction.
    Steps,
    /// In sections, each as soon as its tables are free.
    Sections,
    /// In one statement again and again, a transaction each time.
    Rounds,
    /// Not at all: its row is written.
    Recorded,
}

/// A file of a plan.
#[derive(Clone, Debug)]
pub struct ExplainedFile {
    /// Its version.
    pub version: String,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// How it runs.
    pub runs: Runs,
    /// How many transactions it takes, at most.
    pub transactions: usize,
    /// Its steps or sections; none if it runs whole.
    pub parts: Vec<ExplainedPart>,
    /// Its statements; none of one that is only recorded.
    pub statements: Vec<ExplainedStatement>,
    /// Whether it is repeated until a round changes 0 rows, each in a transaction of its own.
    pub repeated: bool,
    /// After how many rounds that is given up, if it says so.
    pub at_most_rounds: Option<u64>,
    /// What it says about rows that are hidden from the role that migrates.
    pub scope: Option<String>,
    /// The versions that it stands for, if it is a baseline.
    pub stands_for: Option<String>,
    /// How many of them are applied, so that it is recorded and not run.
    pub recorded: Option<usize>,
}

/// A step or a section.
#[derive(Clone, Debug)]
pub struct ExplainedPart {
    /// From 1.
    pub number: usize,
    /// The line where it begins.
    pub line: usize,
    /// What it is: its statement, or its section.
    pub what: String,
    /// The tables that its section names; none of what stands in no section.
    pub section: Vec<String>,
    /// The tables that its statements touch, each with the strongest lock.
    pub tables: Vec<TableNeed>,
    /// Whether it may touch others.
    pub unknown: bool,
    /// Whether it runs inside a transaction.
    pub transactional: bool,
    /// Whether an earlier run has finished it, so that it is not run again.
    pub finished: bool,
}

/// A statement of a plan.
#[derive(Clone, Debug)]
pub struct ExplainedStatement {
    /// Its line in the file.
    pub line: usize,
    /// The command's name.
    pub tag: String,
    /// The step or section it belongs to, if the file is cut.
    pub step: Option<usize>,
    /// Whether it runs inside a transaction.
    pub transactional: bool,
    /// Whether an earlier run has finished its step.
    pub finished: bool,
    /// The tables it touches.
    pub tables: Vec<TableNeed>,
    /// Whether it may touch others: DO, CALL, functions.
    pub unknown: bool,
}

/// A table and the lock a statement takes on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableNeed {
    /// The table as it is written.
    pub table: String,
    /// The lock mode as in LOCK TABLE.
    pub lock: LockMode,
    /// Whether an earlier statement of this run creates it: then nobody else can hold it.
    pub created: bool,
}

/// Explains a plan. Asks the grammar about every statement.
///
/// # Errors
/// The file that changed meanwhile.
pub fn explain(plan: &Plan) -> Result<Explained, ReadError> {
    let mut created = BTreeSet::new();
    let files = plan.files.iter();
    let files = files.map(|file| {
        Ok(explain_file(
            file,
            &*file.text()?,
            plan.single_transaction,
            &mut created,
        ))
    });
    Ok(Explained {
        files: files.collect::<Result<_, _>>()?,
        single_transaction: plan.single_transaction,
        tables_per_batch: plan.tables_per_batch,
    })
}

fn explain_file(file: &PlannedFile, text: &Text, single: bool, created: &mut BTreeSet<String>) -> ExplainedFile {
    let (runs, steps) = match &file.run {
        _ if file.recorded.is_some() => (Runs::Recorded, &[][..]),
        Run::Steps(steps) => (Runs::Steps, steps.as_slice()),
        Run::Sections(sections) if !single => (Runs::Sections, sections.steps.as_slice()),
        Run::Rounds(_) => (Runs::Rounds, &[][..]),
        Run::Sections(_) | Run::Whole(_) => (Runs::Transaction, &[][..]),
    };
    let pieces = split(text.as_str()).unwrap_or_default();
    let mut statements = Vec::with_capacity(file.statements);
    let sent = |piece: &&Piece| piece.kind == PieceKind::Statement && file.recorded.is_none();
    for piece in pieces.iter().filter(sent) {
        statements.push(explain_statement(file, text, steps, piece.body, created));
    }
    let parts = steps.iter().map(|step| explain_part(file, text, step, &statements));
    let parts: Vec<ExplainedPart> = parts.collect();
    ExplainedFile {
        version: file.migration.version.to_string(),
        name: file.migration.name.clone(),
        path: file.migration.path.clone(),
        runs,
        transactions: match parts.as_slice() {
            [] => 1,
            parts => parts.iter().filter(|part| part.transactional).count(),
        },
        parts,
        statements,
        repeated: matches!(file.run, Run::Rounds(_)),
        at_most_rounds: file.directives.repeat.and_then(|repeat| repeat.at_most),
        scope: file.directives.scope.clone(),
        stands_for: file.directives.baseline.as_ref().map(ToString::to_string),
        recorded: file.recorded,
    }
}

fn explain_statement(
    file: &PlannedFile,
    text: &Text,
    steps: &[Step],
    body: Span,
    created: &mut BTreeSet<String>,
) -> ExplainedStatement {
    let step = step_of(steps, body);
    let mut explained = ExplainedStatement {
        line: text.position(body.start).line,
        tag: "not understood".to_owned(),
        step: step.map(|step| step.number),
        transactional: step.is_none_or(is_inside),
        finished: step.is_some_and(|step| file.finished.contains(&step.number)),
        tables: Vec::new(),
        unknown: true,
    };
    let Ok(statement) = classify(body.slice(text.as_str())) else {
        return explained;
    };
    let need = |used: &crate::script::TableUse| TableNeed {
        table: used.relation.to_string(),
        lock: used.mode,
        created: created.contains(&used.relation.to_string()),
    };
    statement.tag.clone_into(&mut explained.tag);
    explained.tables = statement.tables.known.iter().map(need).collect();
    explained.unknown = statement.tables.unknown;
    // What a finished step has made is there, and anybody may hold it.
    if !explained.finished {
        created.extend(statement.creates.iter().map(ToString::to_string));
    }
    explained
}

fn explain_part(file: &PlannedFile, text: &Text, step: &Step, statements: &[ExplainedStatement]) -> ExplainedPart {
    let own = || {
        statements
            .iter()
            .filter(|statement| statement.step == Some(step.number))
    };
    let mut tables: Vec<TableNeed> = Vec::new();
    for need in own().flat_map(|statement| &statement.tables) {
        match tables.iter_mut().find(|known| known.table == need.table) {
            Some(known) => {
                known.lock = known.lock.max(need.lock);
                known.created &= need.created;
            }
            None => tables.push(need.clone()),
        }
    }
    ExplainedPart {
        number: step.number,
        line: own()
            .next()
            .map_or_else(|| text.position(step.span.start).line, |first| first.line),
        what: step.object.clone(),
        section: step.tables.iter().map(ToString::to_string).collect(),
        tables,
        unknown: own().any(|statement| statement.unknown),
        transactional: is_inside(step),
        finished: file.finished.contains(&step.number),
    }
}

fn is_inside(step: &Step) -> bool {
    matches!(step.how, How::Inside { .. })
}

fn step_of(steps: &[Step], statement: Span) -> Option<&Step> {
    let within = |span: &Span| span.start <= statement.start && statement.end <= span.end;
    steps.iter().find(|step| match &step.how {
        How::Outside { statement: span, .. } => within(span),
        How::Inside { body, .. } => body.iter().any(|segment| match segment {
            Segment::Sql(span) | Segment::Copy { statement: span, .. } => within(span),
        }),
    })
}
