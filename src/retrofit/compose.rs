//! The steps as files: one a stage and batch, each readable by itself, each with what undoes it.

use crate::script::RelationName;

use super::plan::Plan;
use super::step::{Manner, Stage, Step};

/// A file that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    /// What it is called, behind its version.
    pub name: String,
    /// What it reaches.
    pub stage: Stage,
    /// The tables it is about, in order.
    pub tables: Vec<RelationName>,
    /// Its text.
    pub text: String,
    /// What undoes it; empty where nothing has to be.
    pub undo: String,
}

/// By this line a file of ours is known again, in the folder and in the ledger.
pub const MARK: &str = "-- retrofit: ";

/// By this line it is known for which catalog a file was planned.
const CATALOG: &str = "-- planned for catalog ";

/// Returns for which catalog a file of ours was planned.
pub fn planned_for(text: &str) -> Option<&str> {
    text.split('\n').nth(1)?.strip_prefix(CATALOG)
}

/// Tells whether a file of ours leads to tables that are observed.
pub fn observes(text: &str) -> bool {
    let stage = text.strip_prefix(MARK).and_then(|text| text.split('\n').next());
    stage.is_some_and(|stage| [Stage::Counters, Stage::Observed].iter().any(|it| it.word() == stage))
}

/// By this line it is known which table the statements behind it are about, where there are no sections.
pub(super) const TABLE: &str = "-- table ";
/// What a section begins with.
pub(super) const SECTION: &str = "-- rlsctl: section ";

/// Returns the files of a plan, in the order in which they are applied: the same plan, the same bytes. `catalog` says what it
/// was made from.
pub fn compose(plan: &Plan, tables_per_batch: usize, catalog: &str) -> Vec<Composed> {
    let mut files = Vec::new();
    for stage in Stage::ALL {
        let steps: Vec<&Step> = plan.steps.iter().filter(|step| step.stage == stage).collect();
        let batches = batches(&steps, stage, tables_per_batch);
        let of = batches.len();
        for (at, batch) in batches.iter().enumerate() {
            files.push(file(stage, batch, (at + 1, of), catalog));
        }
    }
    files
}

/// Cuts the steps of a stage where the next one would lock one table more than a transaction may.
fn batches<'a>(steps: &[&'a Step], stage: Stage, most: usize) -> Vec<Vec<&'a Step>> {
    if stage.manner() == Manner::Rounds {
        return steps.iter().map(|step| vec![*step]).collect();
    }
    let mut batches: Vec<Vec<&Step>> = Vec::new();
    let mut tables: Vec<&RelationName> = Vec::new();
    for step in steps {
        let new = step.tables.iter().filter(|table| !tables.contains(table)).count();
        if batches.is_empty() || tables.len() + new > most {
            batches.push(Vec::new());
            tables.clear();
        }
        for table in &step.tables {
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        batches.last_mut().expect("one was made above").push(step);
    }
    batches
}

fn file(stage: Stage, steps: &[&Step], (number, of): (usize, usize), catalog: &str) -> Composed {
    let mut tables: Vec<RelationName> = Vec::new();
    for step in steps {
        if !tables.contains(&step.tables[0]) {
            tables.push(step.tables[0].clone());
        }
    }
    let name = match (stage.manner(), of) {
        (Manner::Rounds, _) => format!("retrofit {} {}", stage.word(), tables[0].name),
        (_, 1) => format!("retrofit {}", stage.word()),
        _ => format!("retrofit {} {number}", stage.word()),
    };
    let text = text(stage, steps, &head(stage, &tables, Some(catalog)), |step| {
        &step.statements
    });
    let reversed: Vec<&Step> = steps
        .iter()
        .rev()
        .copied()
        .filter(|step| !step.undo.is_empty())
        .collect();
    let undo = if reversed.is_empty() {
        String::new()
    } else {
        self::text(stage, &reversed, &head(stage, &tables, None), |step| &step.undo)
    };
    Composed {
        name,
        stage,
        tables,
        text,
        undo,
    }
}

fn head(stage: Stage, tables: &[RelationName], catalog: Option<&str>) -> String {
    let names: Vec<String> = tables.iter().map(ToString::to_string).collect();
    let undoes = catalog.is_none();
    let mut head = format!("{MARK}{}{}\n", if undoes { "undo " } else { "" }, stage.word());
    if let Some(catalog) = catalog {
        head.push_str(&format!("{CATALOG}{catalog}\n"));
    }
    let purpose = if undoes { "Takes back: " } else { "" };
    for line in wrapped(&format!("{purpose}{}", stage.purpose())) {
        head.push_str(&format!("-- {line}\n"));
    }
    for line in wrapped(&format!("Tables: {}.", names.join(", "))) {
        head.push_str(&format!("-- {line}\n"));
    }
    let how = match stage.manner() {
        Manner::Whole => "One transaction.",
        Manner::Sections => {
            "Each section is about one table and can be applied without the others; `rlsctl migrate` takes the tables as they come free, up \
             to eight in a transaction."
        }
        Manner::Rounds => {
            "The statement is run until it finds no more rows, a transaction each time; it can be stopped and goes on."
        }
        Manner::Alone => "Each statement by itself, outside a transaction: reading and writing go on meanwhile.",
    };
    for line in wrapped(how) {
        head.push_str(&format!("-- {line}\n"));
    }
    head
}

fn text(stage: Stage, steps: &[&Step], head: &str, of: impl Fn(&Step) -> &Vec<String>) -> String {
    let mut text = head.to_owned();
    if stage.manner() == Manner::Rounds {
        text.push_str("-- rlsctl: repeat until 0 rows\n");
    }
    // A table may take several steps to a stage: two foreign keys are two sections of the same tables.
    let mut open: Option<&[RelationName]> = None;
    for step in steps {
        if stage.manner() == Manner::Sections {
            if open != Some(&step.tables) {
                let names: Vec<String> = step.tables.iter().map(ToString::to_string).collect();
                text.push_str(&format!("\n{SECTION}{}\n", names.join(", ")));
                open = Some(&step.tables);
            }
        } else {
            text.push_str(&format!("\n{TABLE}{}\n", step.tables[0]));
        }
        for line in wrapped(&step.why) {
            text.push_str(&format!("-- {line}\n"));
        }
        for statement in of(step) {
            text.push_str(statement);
            text.push_str(";\n");
        }
    }
    text
}

/// Lines of a comment that a person can read.
fn wrapped(text: &str) -> Vec<String> {
    const WIDTH: usize = 110;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("it is never empty");
        if !line.is_empty() && line.len() + 1 + word.len() > WIDTH {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
