//! What may not run as it is, found before anything runs: every objection to a file, each with its place.

use crate::finding::Finding;
use crate::migration::{Migration, Text};
use crate::script::{Piece, PieceKind, SplitError, TransactionControl, line_at};

use super::cut::Fact;
use super::frame::Frame;

/// psql commands that change nothing about what is run; `pg_dump` writes some of them.
const HARMLESS: [&str; 8] = [
    "restrict",
    "unrestrict",
    "echo",
    "qecho",
    "warn",
    "timing",
    "pset",
    "encoding",
];

/// Objections to one file.
pub struct Objections<'a> {
    migration: &'a Migration,
    text: &'a Text,
    /// What was found so far.
    pub findings: Vec<Finding>,
}

impl<'a> Objections<'a> {
    /// Returns an empty list about a file.
    pub fn new(migration: &'a Migration, text: &'a Text) -> Self {
        Self {
            migration,
            text,
            findings: Vec::new(),
        }
    }

    /// Adds an objection at a byte of the text.
    pub fn object(&mut self, code: &'static str, byte: usize, message: String, help: String) {
        let position = self.text.position(byte);
        let finding = Finding::error(code, self.migration.version.to_string(), message, help)
            .at(&self.migration.path, position.line, position.column)
            .evidence("line", line_at(self.text.as_str(), byte).trim_end());
        self.findings.push(finding);
    }

    /// Objects to a text that cannot be cut into statements.
    pub fn split_error(&mut self, error: &SplitError) {
        self.object(
            "files.unterminated",
            error.at(),
            error.to_string(),
            "mend it: what is behind it cannot be told apart".to_owned(),
        );
    }

    /// Objects to psql commands that would have to be carried out.
    pub fn psql_commands(&mut self, pieces: &[Piece]) {
        for piece in pieces.iter().filter(|piece| piece.kind == PieceKind::MetaCommand) {
            let command = piece.body.slice(self.text.as_str());
            let name = command
                .trim_start_matches('\\')
                .split(|c: char| !c.is_alphanumeric())
                .next()
                .unwrap_or_default();
            if HARMLESS.contains(&name) || is_harmless_set(command) {
                continue;
            }
            self.object(
                "files.psql-command",
                piece.body.start,
                format!("`\\{name}` is a command of psql, which the server does not know"),
                "write it in SQL, or put its effect into the file".to_owned(),
            );
        }
    }

    /// Objects to transaction control that cannot be contained, and to statements in a block that cannot run in one.
    pub fn transaction_control(&mut self, facts: &[Fact], frame: &Frame) {
        for fact in frame.refused.iter().filter_map(|index| facts.get(*index)) {
            let help = match fact.control() {
                Some(TransactionControl::SetTransaction) => {
                    "put it right behind the BEGIN that opens the file, with a COMMIT that closes it"
                }
                Some(TransactionControl::Begin { .. }) => {
                    "close it with a COMMIT, and leave isolation levels to the first one"
                }
                _ => {
                    "take it out: the file and its ledger row are one transaction, in which blocks of BEGIN and COMMIT run too"
                }
            };
            self.object(
                "files.transaction-control",
                fact.piece.body.start,
                format!(
                    "`{}` would end or change the transaction that also holds the file's ledger row",
                    first_words(fact, self.text)
                ),
                help.to_owned(),
            );
        }
        for fact in frame.inside.iter().filter_map(|index| facts.get(*index)) {
            let Some(statement) = fact.parsed().filter(|_| fact.outside().is_some()) else {
                continue;
            };
            self.object(
                "files.not-in-transaction",
                fact.piece.body.start,
                format!(
                    "`{}` cannot run inside a transaction, and the file puts it between BEGIN and COMMIT",
                    statement.tag
                ),
                "take that BEGIN and COMMIT out: rlsctl runs the rest in transactions of its own".to_owned(),
            );
        }
    }

    /// Objects to COPY ... TO STDOUT, whose rows would go nowhere.
    pub fn copy_out(&mut self, facts: &[Fact]) {
        for fact in facts
            .iter()
            .filter(|fact| fact.parsed().is_some_and(|statement| statement.copy_to_stdout))
        {
            self.object(
                "files.copy-out",
                fact.piece.body.start,
                "`COPY ... TO STDOUT` sends rows to a client that does not keep them".to_owned(),
                "take it out of the migration".to_owned(),
            );
        }
    }
}

fn first_words(fact: &Fact, text: &Text) -> String {
    let words = fact.piece.body.slice(text.as_str()).split_whitespace().take(2);
    words.collect::<Vec<_>>().join(" ").to_uppercase()
}

/// `\set ON_ERROR_STOP on` and the like: what we do anyway.
fn is_harmless_set(command: &str) -> bool {
    let mut words = command.split_whitespace();
    words.next() == Some("\\set")
        && words
            .next()
            .is_some_and(|name| matches!(name, "ON_ERROR_STOP" | "QUIET" | "ECHO" | "VERBOSITY"))
}
