//! What a plan means for people: its statements, the tables they touch, and the locks they take.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::migration::{ReadError, Text};
use crate::script::{Piece, PieceKind, Span, classify, split};

use super::cut::{How, Run, Segment};
use super::plan::{Plan, PlannedFile};

/// A file of a plan.
#[derive(Clone, Debug)]
pub struct ExplainedFile {
    /// Its version.
    pub version: String,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// How many transactions it takes; of a repeated one, a round.
    pub transactions: usize,
    /// How many steps it is cut into; 0 if it runs whole.
    pub steps: usize,
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

/// A statement of a plan.
#[derive(Clone, Debug)]
pub struct ExplainedStatement {
    /// Its line in the file.
    pub line: usize,
    /// The command's name.
    pub tag: String,
    /// The step it belongs to, if the file is cut.
    pub step: Option<usize>,
    /// Whether it runs inside a transaction.
    pub transactional: bool,
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
    pub lock: String,
    /// Whether an earlier statement of this run creates it: then nobody else can hold it.
    pub created: bool,
}

/// Explains a plan. Asks the grammar about every statement.
///
/// # Errors
/// The file that changed meanwhile.
pub fn explain(plan: &Plan) -> Result<Vec<ExplainedFile>, ReadError> {
    let mut created = BTreeSet::new();
    plan.files
        .iter()
        .map(|file| Ok(explain_file(file, &*file.text()?, &mut created)))
        .collect()
}

fn explain_file(file: &PlannedFile, text: &Text, created: &mut BTreeSet<String>) -> ExplainedFile {
    let pieces = split(text.as_str()).unwrap_or_default();
    let mut statements = Vec::with_capacity(file.statements);
    let sent = |piece: &&Piece| piece.kind == PieceKind::Statement && file.recorded.is_none();
    for piece in pieces.iter().filter(sent) {
        let (step, transactional) = step_of(&file.run, piece.body);
        let line = text.position(piece.body.start).line;
        let Ok(statement) = classify(piece.body.slice(text.as_str())) else {
            statements.push(ExplainedStatement {
                line,
                tag: "not understood".to_owned(),
                step,
                transactional,
                tables: Vec::new(),
                unknown: true,
            });
            continue;
        };
        let need = |used: &crate::script::TableUse| TableNeed {
            table: used.relation.to_string(),
            lock: used.mode.to_string(),
            created: created.contains(&used.relation.to_string()),
        };
        statements.push(ExplainedStatement {
            line,
            tag: statement.tag.to_owned(),
            step,
            transactional,
            tables: statement.tables.known.iter().map(need).collect(),
            unknown: statement.tables.unknown,
        });
        created.extend(statement.creates.iter().map(ToString::to_string));
    }
    let (transactions, steps) = match &file.run {
        Run::Whole(_) | Run::Rounds(_) => (1, 0),
        Run::Steps(_) | Run::Sections(_) => {
            let steps = file.run.steps();
            let inside = steps.iter().filter(|step| matches!(step.how, How::Inside { .. }));
            (inside.count(), steps.len())
        }
    };
    ExplainedFile {
        version: file.migration.version.to_string(),
        name: file.migration.name.clone(),
        path: file.migration.path.clone(),
        transactions,
        steps,
        statements,
        repeated: matches!(file.run, Run::Rounds(_)),
        at_most_rounds: file.directives.repeat.and_then(|repeat| repeat.at_most),
        scope: file.directives.scope.clone(),
        stands_for: file.directives.baseline.as_ref().map(ToString::to_string),
        recorded: file.recorded,
    }
}

fn step_of(run: &Run, statement: Span) -> (Option<usize>, bool) {
    let within = |span: &Span| span.start <= statement.start && statement.end <= span.end;
    for step in run.steps() {
        match &step.how {
            How::Outside { statement: span, .. } if within(span) => return (Some(step.number), false),
            How::Inside { body, .. } => {
                let found = body.iter().any(|segment| match segment {
                    Segment::Sql(span) | Segment::Copy { statement: span, .. } => within(span),
                });
                if found {
                    return (Some(step.number), true);
                }
            }
            How::Outside { .. } => {}
        }
    }
    (None, true)
}
