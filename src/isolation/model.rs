//! Who passes which policy.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::activity::Oid;
use crate::schema::{Command, Policy, Relation, Schema};
use crate::script::expression::{self, Expression, Query};
use crate::tenancy::Tenancy;

use super::evaluate::{Columns, Frame, Scope};
use super::owned::{Owned, owned};
use super::session::Says;
use super::truth::{Chance, Truth};
use super::value::{Whose, truth};

/// How many steps one question may take; what is not told by then cannot be told.
const STEPS: u32 = 200_000;

/// What is done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// It is read.
    Select,
    /// It is made.
    Insert,
    /// It is changed, or locked to be: the row as it was.
    Update,
    /// It is what a change makes of a row.
    Changed,
    /// It is deleted.
    Delete,
}

impl Access {
    /// Returns the command whose policies are asked.
    pub fn command(self) -> Command {
        match self {
            Self::Select => Command::Select,
            Self::Insert => Command::Insert,
            Self::Update | Self::Changed => Command::Update,
            Self::Delete => Command::Delete,
        }
    }

    /// Returns what a policy asks of the row; a new row is asked by USING where there is no WITH CHECK.
    pub fn asks(self, policy: &Policy) -> Option<&str> {
        let (using, check) = (policy.using.as_deref(), policy.check.as_deref());
        match self {
            Self::Insert | Self::Changed => check.or(using),
            Self::Select | Self::Update | Self::Delete => using,
        }
    }
}

/// Whether a row passes, and by which policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Through {
    /// Whether it can.
    pub chance: Chance,
    /// The permissive policy that lets it pass; nothing where row security does not bind.
    pub policy: Option<String>,
}

type Question = (Oid, String, Access, Option<Whose>, Says);

/// A schema and a tenancy, to be asked. It remembers its answers.
pub struct Model<'a> {
    /// The schema.
    pub schema: &'a Schema,
    /// What is said of tenants.
    pub tenancy: &'a Tenancy,
    owned: BTreeMap<Oid, Owned>,
    expressions: RefCell<HashMap<String, Option<Rc<Expression>>>>,
    queries: RefCell<HashMap<String, Option<Rc<Query>>>>,
    answers: RefCell<HashMap<Question, Through>>,
    steps: Cell<u32>,
}

impl<'a> Model<'a> {
    /// Returns a model to be asked.
    pub fn new(schema: &'a Schema, tenancy: &'a Tenancy) -> Self {
        Self {
            schema,
            tenancy,
            owned: owned(schema, tenancy),
            expressions: RefCell::default(),
            queries: RefCell::default(),
            answers: RefCell::default(),
            steps: Cell::new(STEPS),
        }
    }

    /// Returns how a table's rows are a tenant's; nothing if they are not.
    pub fn owned(&self, relation: &Relation) -> Option<&Owned> {
        self.owned.get(&relation.oid)
    }

    /// Tells whether a row of the table may be nobody's.
    pub fn may_be_nobodys(&self, relation: &Relation) -> bool {
        let column = self.owned(relation).and_then(Owned::column);
        column
            .and_then(|name| relation.column(name))
            .is_some_and(|column| !column.not_null)
    }

    /// Returns whether a row, which is `whose`, passes for a role in a session; `None` for a row that is no tenant's.
    pub fn through(
        &self,
        relation: &Relation,
        role: &str,
        access: Access,
        whose: Option<Whose>,
        says: Says,
    ) -> Through {
        self.steps.set(STEPS);
        self.through_within(relation, role, access, whose, says, &[])
    }

    /// As [`Self::through`]; `reading` are the tables whose policies are being asked already.
    pub(super) fn through_within(
        &self,
        relation: &Relation,
        role: &str,
        access: Access,
        whose: Option<Whose>,
        says: Says,
        reading: &[Oid],
    ) -> Through {
        if !self.schema.binds(relation, role) {
            return Through {
                chance: Chance::Can,
                policy: None,
            };
        }
        let question = (relation.oid, role.to_owned(), access, whose, says);
        if let Some(answer) = self.answers.borrow().get(&question) {
            return answer.clone();
        }
        let answer = self.composed(relation, role, access, whose, says, reading);
        // What was found inside of another table's policies may be an error there, and none by itself.
        if reading.is_empty() {
            self.answers.borrow_mut().insert(question, answer.clone());
        }
        answer
    }

    /// One permissive policy and all restrictive ones (PostgreSQL's manual, CREATE POLICY).
    fn composed(
        &self,
        relation: &Relation,
        role: &str,
        access: Access,
        whose: Option<Whose>,
        says: Says,
        reading: &[Oid],
    ) -> Through {
        let mut best = Through {
            chance: Chance::Never,
            policy: None,
        };
        let mut restricted = Chance::Can;
        for policy in self.policies(relation, role, access.command()) {
            let chance = self.passes(relation, policy, role, access, whose, says, reading).yes;
            if !policy.is_permissive {
                restricted = restricted.min(chance);
            } else if chance > best.chance {
                best = Through {
                    chance,
                    policy: Some(policy.name.clone()),
                };
            }
        }
        Through {
            chance: best.chance.min(restricted),
            ..best
        }
    }

    /// Returns the policies of a relation that are asked when a role gives a command.
    pub fn policies<'r>(
        &'r self,
        relation: &'r Relation,
        role: &str,
        command: Command,
    ) -> impl Iterator<Item = &'r Policy> {
        relation.policies.iter().filter(move |policy| {
            let is_asked = policy.command == Command::All || policy.command == command;
            is_asked
                && policy
                    .roles
                    .iter()
                    .any(|named| named.is_empty() || self.schema.acts_as(role, named))
        })
    }

    /// Returns what one policy says of a row.
    #[allow(clippy::too_many_arguments, reason = "each is a part of the question")]
    fn passes(
        &self,
        relation: &Relation,
        policy: &Policy,
        role: &str,
        access: Access,
        whose: Option<Whose>,
        says: Says,
        reading: &[Oid],
    ) -> Truth {
        let Some(text) = access.asks(policy) else {
            return Truth::YES;
        };
        let Some(expression) = self.expression(text) else {
            return Truth::UNKNOWN;
        };
        let mut scope = Scope::new(self, role, says);
        scope.reading = [reading, &[relation.oid]].concat();
        scope.frames.push(Frame {
            alias: relation.name.name.clone(),
            columns: Columns::Row {
                relation: relation.oid,
                whose,
            },
        });
        truth(&scope.values(&expression))
    }

    /// Returns what one policy says of a row by itself, for a role.
    pub fn alone(
        &self,
        relation: &Relation,
        policy: &Policy,
        role: &str,
        access: Access,
        whose: Option<Whose>,
        says: Says,
    ) -> Truth {
        self.steps.set(STEPS);
        self.passes(relation, policy, role, access, whose, says, &[])
    }

    /// Returns an expression of the catalog, read once.
    pub fn expression(&self, text: &str) -> Option<Rc<Expression>> {
        let mut read = self.expressions.borrow_mut();
        let entry = read.entry(text.to_owned());
        entry
            .or_insert_with(|| expression::expression(text).map(Rc::new))
            .clone()
    }

    /// Returns a query of the catalog, read once.
    pub fn query(&self, text: &str) -> Option<Rc<Query>> {
        let mut read = self.queries.borrow_mut();
        let entry = read.entry(text.to_owned());
        entry.or_insert_with(|| expression::query(text).map(Rc::new)).clone()
    }

    /// Counts a step; tells whether there are any left.
    pub(super) fn step(&self) -> bool {
        let left = self.steps.get();
        self.steps.set(left.saturating_sub(1));
        left > 0
    }
}
