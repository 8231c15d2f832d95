//! A statement while it is being looked at.

use pg_query::protobuf::RangeVar;

use super::names::{is_temporary, relation_name};
use crate::script::{
    Dml, DmlCommand, LockMode, NonTransactional, RelationKind, RelationName, SessionEffect, SessionEffects, Statement,
    TableUse, Tables, Transactional,
};

/// Gathers what the handlers find.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) statement: Statement,
}

impl Draft {
    pub(super) fn new() -> Self {
        Self {
            statement: Statement {
                tag: "",
                transactional: Transactional::Inside,
                control: None,
                session: SessionEffects::none(),
                tables: Tables::default(),
                creates: Vec::new(),
                dml: Vec::new(),
                adds_enum_value: None,
                copy_from_stdin: false,
                copy_to_stdout: false,
            },
        }
    }

    /// Returns the statement. What it makes itself is not an existing relation that it locks.
    pub(super) fn finish(mut self) -> Statement {
        let creates = std::mem::take(&mut self.statement.creates);
        if self.statement.tag != "CREATE VIEW" {
            self.statement
                .tables
                .known
                .retain(|table| !creates.contains(&table.relation));
        }
        self.statement.creates = creates;
        self.statement
    }

    /// Notes a lock. A relation locked twice keeps the stronger mode.
    pub(super) fn lock(&mut self, relation: RelationName, mode: LockMode, kind: RelationKind) {
        let known = &mut self.statement.tables.known;
        match known.iter_mut().find(|table| table.relation == relation) {
            Some(table) => table.mode = table.mode.max(mode),
            None => known.push(TableUse { relation, mode, kind }),
        }
    }

    pub(super) fn lock_table(&mut self, range: &RangeVar, mode: LockMode) {
        self.lock(relation_name(range), mode, RelationKind::Table);
    }

    pub(super) fn lock_option(&mut self, range: Option<&RangeVar>, mode: LockMode) {
        if let Some(range) = range {
            self.lock_table(range, mode);
        }
    }

    /// Notes a relation that the statement makes.
    pub(super) fn create(&mut self, range: Option<&RangeVar>) {
        if let Some(range) = range {
            if is_temporary(range) {
                self.effect(SessionEffect::Temporary);
            }
            self.statement.creates.push(relation_name(range));
        }
    }

    pub(super) fn write(&mut self, command: DmlCommand, range: Option<&RangeVar>) {
        if let Some(range) = range {
            self.statement.dml.push(Dml {
                command,
                target: relation_name(range),
            });
        }
    }

    pub(super) fn effect(&mut self, effect: SessionEffect) {
        self.statement.session.add(effect);
    }

    /// Notes code that the text does not show.
    pub(super) fn opaque(&mut self) {
        self.effect(SessionEffect::Opaque);
        self.unknown();
    }

    pub(super) fn unknown(&mut self) {
        self.statement.tables.unknown = true;
    }

    pub(super) fn dependents(&mut self) {
        self.statement.tables.dependents = true;
    }

    pub(super) fn never(&mut self, kind: NonTransactional) {
        self.statement.transactional = Transactional::Never(kind);
    }
}
