//! Transaction control inside a file: what of it is contained, and what is refused.
//!
//! A file and its ledger row are one transaction. Blocks of BEGIN and COMMIT that a file puts around its statements, or around some of
//! them, ask for no less than that, so they are taken out and everything runs in our transaction. Anything else would end or change it.

use crate::script::{Span, TransactionControl};

use super::cut::Fact;

/// The transaction control of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// What begins our transaction instead of a plain BEGIN: the file's own, with its options, and SET TRANSACTION right behind it.
    pub begin: Vec<Span>,
    /// The statements that are not sent: every BEGIN, COMMIT and SET TRANSACTION. Whole pieces, semicolon included.
    pub omitted: Vec<Span>,
    /// The statements, counted from 0, that are inside a block of the file's own.
    pub inside: Vec<usize>,
    /// The statements, counted from 0, that cannot be contained.
    pub refused: Vec<usize>,
}

impl Frame {
    /// Reads the transaction control of a file.
    pub fn of(facts: &[Fact]) -> Self {
        let mut frame = Self::default();
        let mut open: Option<usize> = None;
        for (index, fact) in facts.iter().enumerate() {
            match fact.control() {
                None => {
                    if open.is_some() {
                        frame.inside.push(index);
                    }
                    continue;
                }
                Some(TransactionControl::Begin { modes }) if open.is_none() && frame.may_begin(*modes) => {
                    if frame.omitted.is_empty() {
                        frame.begin.push(fact.piece.body);
                    }
                    open = Some(index);
                }
                Some(TransactionControl::Commit { chain: false }) if open.is_some() => open = None,
                Some(TransactionControl::SetTransaction) if open == Some(0) && frame.inside.is_empty() => {
                    frame.begin.push(fact.piece.body);
                }
                Some(_) => frame.refused.push(index),
            }
            frame.omitted.push(fact.piece.span);
        }
        frame.refused.extend(open);
        frame
    }

    /// Only the first block can say how the one transaction is isolated.
    fn may_begin(&self, modes: bool) -> bool {
        !modes || self.omitted.is_empty()
    }

    /// Returns a part of the file's text with blanks where transaction control stood, so that every place keeps its byte.
    pub fn text(&self, sql: &str, part: Span) -> String {
        let mut text = part.slice(sql).to_owned();
        for span in self
            .omitted
            .iter()
            .filter(|span| part.start <= span.start && span.end <= part.end)
        {
            let blank = span
                .slice(sql)
                .bytes()
                .map(|byte| if byte == b'\n' { '\n' } else { ' ' });
            text.replace_range(
                span.start - part.start..span.end - part.start,
                &blank.collect::<String>(),
            );
        }
        text
    }

    /// Whether a statement is one that is not sent.
    pub fn omits(&self, statement: Span) -> bool {
        self.omitted.contains(&statement)
    }
}
