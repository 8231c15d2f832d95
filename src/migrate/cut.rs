//! How one file runs: whole, in one transaction, or cut into steps.

use sha2::{Digest as _, Sha256};

use crate::migration::directive::Section;
use crate::script::{
    NonTransactional, Piece, PieceKind, RelationName, SessionEffect, SessionEffects, Span, Statement,
    TransactionControl, Transactional,
};

use super::rounds::Rounds;

/// How a file runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Run {
    /// In one transaction, and if it brings no COPY data in one message.
    Whole(Whole),
    /// In steps, because a statement of it cannot run inside a transaction.
    Steps(Vec<Step>),
    /// In sections, each of which may run as soon as its tables are free.
    Sections(Sections),
    /// Its one statement again and again, each time in a transaction of its own.
    Rounds(Rounds),
}

/// A file that is cut into sections by its author.
#[derive(Clone, Debug, PartialEq)]
pub struct Sections {
    /// What stands before the first section, and the sections, in the file's order. All of them run inside a transaction.
    pub steps: Vec<Step>,
    /// The same in one transaction.
    pub whole: Whole,
}

impl Run {
    /// Returns its steps, if it is not run whole.
    pub fn steps(&self) -> &[Step] {
        match self {
            Self::Whole(_) | Self::Rounds(_) => &[],
            Self::Steps(steps) => steps,
            Self::Sections(sections) => &sections.steps,
        }
    }

    /// Returns how it runs in one transaction, if it can.
    pub fn whole(&self) -> Option<&Whole> {
        match self {
            Self::Whole(whole) => Some(whole),
            Self::Sections(sections) => Some(&sections.whole),
            Self::Steps(_) | Self::Rounds(_) => None,
        }
    }
}

/// A file that runs in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole {
    /// What is sent.
    pub body: Vec<Segment>,
    /// What its statements may leave in the session.
    pub session: SessionEffects,
}

/// A part of a file that is sent in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Statements.
    Sql(Span),
    /// A `COPY ... FROM STDIN` and its data.
    Copy {
        /// The statement.
        statement: Span,
        /// The data lines, without the closing `\.`.
        data: Span,
    },
}

/// One step of a file that does not run in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// From 1.
    pub number: usize,
    /// The statement's tag, or how many statements.
    pub object: String,
    /// sha256 of its text, in hex.
    pub checksum: String,
    /// Its text.
    pub span: Span,
    /// The tables that its section names; none of what stands in no section.
    pub tables: Vec<RelationName>,
    /// The SET statements of the file that come before it: they hold for it, and again when it is resumed.
    pub settings: Vec<Span>,
    /// What it does.
    pub how: How,
}

impl Step {
    /// Returns the tables of its section, or what it is.
    pub fn name(&self) -> String {
        match self.tables.as_slice() {
            [] => self.object.clone(),
            tables => tables.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "),
        }
    }
}

/// How a step runs.
#[derive(Clone, Debug, PartialEq)]
pub enum How {
    /// In a transaction of its own, together with its row in `rlsctl.step`.
    Inside {
        /// What is sent.
        body: Vec<Segment>,
        /// What it may leave in the session.
        session: SessionEffects,
    },
    /// Alone, outside any transaction.
    Outside {
        /// The statement.
        statement: Span,
        /// What it is; `None` if only the server knows, which refused it inside a transaction.
        kind: Option<NonTransactional>,
    },
}

/// One statement of a file.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Its piece.
    pub piece: Piece,
    /// What is known of it.
    pub known: Known,
}

/// What is known of a statement.
#[derive(Clone, Debug)]
pub enum Known {
    /// Its first words say that it is harmless to transaction and session.
    Plain,
    /// The grammar's word.
    Parsed(Box<Statement>),
    /// The grammar does not know it; the server has to say.
    Unknown,
}

/// What the server has taught us about a file by refusing it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lesson {
    /// This statement, counted from 0, cannot run inside a transaction (25001, 2D000).
    pub outside: Option<usize>,
    /// A new enum value has to be committed before it is used (55P04).
    pub commit_enum_values: bool,
}

/// Returns the effects of a statement that may do anything.
pub fn opaque() -> SessionEffects {
    [SessionEffect::Opaque].into_iter().collect()
}

impl Fact {
    /// Returns the grammar's word, if it was asked and had one.
    pub fn parsed(&self) -> Option<&Statement> {
        match &self.known {
            Known::Parsed(statement) => Some(statement),
            Known::Plain | Known::Unknown => None,
        }
    }

    /// Returns the command's name, or its first two words.
    fn tag(&self, text: &str) -> String {
        let words = || {
            self.piece
                .body
                .slice(text)
                .split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
                .to_uppercase()
        };
        self.parsed().map_or_else(words, |statement| statement.tag.to_owned())
    }

    pub(super) fn control(&self) -> Option<&TransactionControl> {
        self.parsed()?.control.as_ref()
    }

    fn session(&self) -> SessionEffects {
        match &self.known {
            Known::Plain => SessionEffects::none(),
            Known::Parsed(statement) => statement.session,
            Known::Unknown => opaque(),
        }
    }

    pub(super) fn outside(&self) -> Option<&NonTransactional> {
        match &self.parsed()?.transactional {
            Transactional::Never(kind) => Some(kind),
            Transactional::Inside => None,
        }
    }

    fn adds_enum_value(&self) -> bool {
        self.parsed()
            .is_some_and(|statement| statement.adds_enum_value.is_some())
    }

    /// Whether it does nothing but set something for the session.
    fn is_setting(&self) -> bool {
        self.parsed().is_some_and(|statement| {
            let kept = |effect| matches!(effect, SessionEffect::Sets | SessionEffect::Role);
            statement.control.is_none()
                && statement.dml.is_empty()
                && statement.session.any()
                && statement.session.iter().all(kept)
        })
    }
}

/// Returns how a file runs, given its pieces and what is known of each statement. Transaction control is the [`Frame`](super::frame::Frame)'s.
pub fn cut(text: &str, pieces: &[Piece], facts: &[Fact], sections: &[Section], lesson: Lesson) -> Run {
    let stepwise = facts.iter().any(|fact| fact.outside().is_some()) || lesson != Lesson::default();
    if stepwise {
        return Run::Steps(steps(text, pieces, facts, sections, lesson));
    }
    let all = Span {
        start: 0,
        end: text.len(),
    };
    let whole = Whole {
        body: segments(pieces, all),
        session: union(facts.iter()),
    };
    if sections.is_empty() {
        return Run::Whole(whole);
    }
    Run::Sections(Sections {
        steps: steps(text, pieces, facts, sections, lesson),
        whole,
    })
}

fn union<'a>(facts: impl Iterator<Item = &'a Fact>) -> SessionEffects {
    let mut all = SessionEffects::none();
    facts.for_each(|fact| all.merge(fact.session()));
    all
}

/// Cuts a range of pieces at COPY data and at psql commands, which are not for the server.
fn segments(pieces: &[Piece], range: Span) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut from = range.start;
    let mut last_statement: Option<&Piece> = None;
    let push = |segments: &mut Vec<Segment>, start: usize, end: usize| {
        if start < end {
            segments.push(Segment::Sql(Span { start, end }));
        }
    };
    for piece in pieces
        .iter()
        .filter(|piece| range.start <= piece.span.start && piece.span.end <= range.end)
    {
        match (piece.kind, last_statement) {
            (PieceKind::CopyData, Some(copy)) => {
                push(&mut segments, from, copy.span.start);
                segments.push(Segment::Copy {
                    statement: copy.body,
                    data: piece.body,
                });
                from = piece.span.end;
            }
            (PieceKind::MetaCommand | PieceKind::CopyData, _) => {
                push(&mut segments, from, piece.span.start);
                from = piece.span.end;
            }
            (PieceKind::Statement, _) => last_statement = Some(piece),
            (PieceKind::Blank, _) => {}
        }
    }
    push(&mut segments, from, range.end);
    segments
}

fn steps(text: &str, pieces: &[Piece], facts: &[Fact], sections: &[Section], lesson: Lesson) -> Vec<Step> {
    let mut cutter = Cutter {
        text,
        pieces,
        section: None,
        steps: Vec::new(),
        settings: Vec::new(),
        group: Vec::new(),
    };
    for (index, fact) in facts.iter().enumerate() {
        cutter.enter(sections.iter().rfind(|section| section.at < fact.piece.body.start));
        if fact.outside().is_some() || lesson.outside == Some(index) {
            cutter.close_group();
            cutter.outside(fact);
        } else if fact.control().is_some() {
            // Taken out of the text; where a value was added to an enum, its COMMIT is where that must come true.
            if lesson.commit_enum_values {
                cutter.close_group();
            }
        } else if fact.is_setting() {
            cutter.close_group();
            cutter.settings.push(fact.piece.body);
        } else {
            cutter.group.push(fact);
            if lesson.commit_enum_values && fact.adds_enum_value() {
                cutter.close_group();
            }
        }
    }
    cutter.close_group();
    cutter.steps
}

struct Cutter<'a> {
    text: &'a str,
    pieces: &'a [Piece],
    section: Option<&'a Section>,
    steps: Vec<Step>,
    settings: Vec<Span>,
    group: Vec<&'a Fact>,
}

impl<'a> Cutter<'a> {
    fn enter(&mut self, section: Option<&'a Section>) {
        if section.map(|section| section.at) != self.section.map(|section| section.at) {
            self.close_group();
            self.section = section;
        }
    }

    fn outside(&mut self, fact: &Fact) {
        let how = How::Outside {
            statement: fact.piece.body,
            kind: fact.outside().cloned(),
        };
        self.push(fact.tag(self.text), fact.piece.span, how);
    }

    fn close_group(&mut self) {
        let group = std::mem::take(&mut self.group);
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            return;
        };
        let end = self.end_with_data(last.piece.span.end);
        let range = Span {
            start: first.piece.span.start,
            end,
        };
        let object = match (self.section, group.as_slice()) {
            (Some(section), _) => section.to_string(),
            (None, [only]) => only.tag(self.text),
            (None, many) => format!("{} statements", many.len()),
        };
        let session = union(group.iter().copied());
        let body = segments(self.pieces, range);
        self.push(object, range, How::Inside { body, session });
    }

    /// The data of a COPY belongs to its statement.
    fn end_with_data(&self, end: usize) -> usize {
        self.pieces
            .iter()
            .find(|piece| piece.span.start == end && piece.kind == PieceKind::CopyData)
            .map_or(end, |data| data.span.end)
    }

    fn push(&mut self, object: String, span: Span, how: How) {
        self.steps.push(Step {
            number: self.steps.len() + 1,
            object,
            checksum: hex(span.slice(self.text)),
            span,
            tables: self.section.map(|section| section.tables.clone()).unwrap_or_default(),
            settings: self.settings.clone(),
            how,
        });
    }
}

fn hex(text: &str) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        write!(hex, "{byte:02x}").expect("a String can be written to");
    }
    hex
}
