//! What a query shows.

use crate::activity::Oid;
use crate::schema::{Function, Kind, Relation};
use crate::script::RelationName;
use crate::script::expression::{Expression, From, Query, Select, Source};

use super::compare::equal;
use super::evaluate::{Columns, Frame, Scope};
use super::model::{Access, Model};
use super::owned::Owned;
use super::session::Says;
use super::truth::{Chance, Truth};
use super::value::{Value, Values, Whose, at, join, one, truth, unknown};

/// How many rows of different kinds are looked at before one gives up.
const ROWS: usize = 4096;

/// How many parameters of a function are tried for either tenant; the others can be anything.
const PARAMETERS: usize = 5;

/// A row of a query's result.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) outputs: Vec<(Option<String>, Values)>,
    pub(super) chance: Chance,
    /// The tables whose rows of another tenant are in it.
    pub(super) foreign: Vec<Oid>,
}

/// What a query shows of other tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Whether it can show a row that another tenant's row is part of.
    pub chance: Chance,
    /// The table whose row it is.
    pub of: Option<Oid>,
}

/// A row that a source may give.
struct Given {
    columns: Columns,
    chance: Chance,
    foreign: Vec<Oid>,
    /// Whether it is not there, so that nothing is asked of it.
    is_absent: bool,
}

impl Model<'_> {
    /// Returns what a view, or a table, shows a role of other tenants. It is asked with the role's own rights or, where it is a view that asks
    /// with its owner's, with these.
    pub fn shown(&self, relation: &Relation, role: &str, says: Says) -> Shown {
        let scope = Scope::new(self, role, says);
        let shapes = scope.given_by(relation).into_iter();
        most(shapes.map(|given| (given.chance, given.foreign)))
    }

    /// Returns what a function's query shows of other tenants with its owner's rights, whatever it is given: each parameter may be the session's own tenant's, or another's.
    pub fn shown_by(&self, query: &Query, function: &Function, says: Says) -> Shown {
        let names = &function.argument_names;
        let each = (0..1_u32 << names.len().min(PARAMETERS)).map(|theirs| {
            let mut scope = Scope::new(self, &function.owner, says);
            scope.function = Some(function.name.clone());
            let picked = |at: usize| match at {
                at if at >= PARAMETERS => Value::Chosen,
                at if theirs >> at & 1 == 1 => Value::Picked(Whose::Theirs),
                _ => Value::Picked(Whose::Mine),
            };
            scope.parameters = names
                .iter()
                .enumerate()
                .map(|(at, name)| (Some(name.clone()), one(picked(at))))
                .collect();
            most(scope.rows(query).into_iter().map(|shape| (shape.chance, shape.foreign)))
        });
        let best = each.max_by_key(|shown| shown.chance);
        best.unwrap_or(Shown {
            chance: Chance::Never,
            of: None,
        })
    }

    /// Returns whether a row that is `whose` meets the conditions of a view on one table, and of those views that it is on.
    pub fn meets(&self, view: &Relation, table: &Relation, role: &str, whose: Whose, says: Says) -> Chance {
        let Some(query) = view.definition.as_deref().and_then(|text| self.query(text)) else {
            return Chance::Perhaps;
        };
        let [arm] = query.arms.as_slice() else {
            return Chance::Perhaps;
        };
        let [source] = arm.sources.as_slice() else {
            return Chance::Perhaps;
        };
        let mut scope = Scope::new(self, role, says);
        scope.frames.push(Frame {
            alias: source.alias.clone(),
            columns: Columns::Row {
                relation: table.oid,
                whose: Some(whose),
            },
        });
        let conditions = arm.conditions.iter().map(|condition| truth(&scope.values(condition)));
        conditions.fold(Truth::YES, Truth::and).yes
    }
}

fn most(rows: impl Iterator<Item = (Chance, Vec<Oid>)>) -> Shown {
    let mut shown = Shown {
        chance: Chance::Never,
        of: None,
    };
    for (chance, foreign) in rows {
        if let Some(of) = foreign.first()
            && chance > shown.chance
        {
            shown = Shown { chance, of: Some(*of) };
        }
    }
    shown
}

impl Scope<'_> {
    /// Returns the kinds of rows that a query can return.
    pub(super) fn rows(&self, query: &Query) -> Vec<Shape> {
        let mut found = Vec::new();
        let inner = Scope {
            depth: self.depth + 1,
            ..self.clone()
        };
        for arm in &query.arms {
            inner.arm(arm, &mut found);
        }
        let names: Vec<Option<String>> = query.arms.first().map_or_else(Vec::new, |arm| {
            arm.outputs.iter().map(|output| output.name.clone()).collect()
        });
        for shape in &mut found {
            if !query.is_exact {
                shape.chance = shape.chance.min(Chance::Perhaps);
            }
            // The first arm's names count.
            for (output, name) in shape.outputs.iter_mut().zip(&names) {
                output.0.clone_from(name);
            }
        }
        found
    }

    fn arm(&self, arm: &Select, found: &mut Vec<Shape>) {
        let mut asked: Vec<&Expression> = arm.conditions.iter().collect();
        self.combine(arm, &arm.sources, Chance::Can, &[], &mut asked, found);
    }

    /// Takes each row of the first source with each of the others.
    fn combine<'e>(
        &self,
        arm: &'e Select,
        sources: &'e [Source],
        chance: Chance,
        foreign: &[Oid],
        asked: &mut Vec<&'e Expression>,
        found: &mut Vec<Shape>,
    ) {
        let Some((source, rest)) = sources.split_first() else {
            let conditions = asked.iter().map(|condition| truth(&self.values(condition)));
            let chance = conditions.fold(Truth::YES, Truth::and).yes.min(chance);
            if chance > Chance::Never {
                found.push(self.shape(arm, chance, foreign));
            }
            return;
        };
        if found.len() > ROWS {
            return;
        }
        let mut rows = self.given(source);
        if source.outer.is_some() {
            rows.push(Given {
                columns: Columns::Absent,
                chance: Chance::Can,
                foreign: Vec::new(),
                is_absent: true,
            });
        }
        for row in rows {
            let mut inner = self.clone();
            inner.frames.push(Frame {
                alias: source.alias.clone(),
                columns: row.columns,
            });
            let before = asked.len();
            if !row.is_absent {
                asked.extend(source.outer.iter().flatten());
            }
            let foreign: Vec<Oid> = foreign.iter().chain(&row.foreign).copied().collect();
            inner.combine(arm, rest, chance.min(row.chance), &foreign, asked, found);
            asked.truncate(before);
        }
    }

    fn shape(&self, arm: &Select, chance: Chance, foreign: &[Oid]) -> Shape {
        let outputs = arm
            .outputs
            .iter()
            .map(|output| (output.name.clone(), self.values(&output.value)));
        Shape {
            outputs: outputs.collect(),
            chance,
            foreign: foreign.to_vec(),
        }
    }

    /// Returns the rows that a source may give.
    fn given(&self, source: &Source) -> Vec<Given> {
        match &source.what {
            From::Relation(name) => match self.relation(name) {
                Some(relation) => self.given_by(relation),
                None => vec![anything()],
            },
            From::Query(query) => self.rows(query).into_iter().map(given_by_query).collect(),
            From::Call(call) => {
                let values = self.values(call);
                let elements = values.into_iter().flat_map(|possible| match possible.value {
                    Value::Many(elements) => at(elements, possible.chance),
                    _ => vec![possible],
                });
                let named = elements.map(|possible| Given {
                    chance: possible.chance,
                    columns: Columns::Named(vec![(Some(source.alias.clone()), vec![possible])]),
                    foreign: Vec::new(),
                    is_absent: false,
                });
                let named: Vec<Given> = named.collect();
                if named.is_empty() { vec![anything()] } else { named }
            }
            From::Other => vec![anything()],
        }
    }

    /// A name without a schema is looked up as the search path most often says: the only one there is, or the one in `public`.
    fn relation(&self, name: &RelationName) -> Option<&Relation> {
        let schema = self.model.schema;
        if name.schema.is_some() {
            return schema.relation(name);
        }
        let public = schema.relation(&RelationName::qualified("public", &name.name));
        public.or_else(|| {
            schema
                .relations
                .values()
                .find(|relation| relation.name.name == name.name)
        })
    }

    fn given_by(&self, relation: &Relation) -> Vec<Given> {
        if matches!(relation.kind, Kind::View | Kind::MaterializedView) {
            return self.given_by_view(relation);
        }
        let row = |whose: Option<Whose>| {
            let passes = if self.reading.contains(&relation.oid) && self.model.schema.binds(relation, &self.role) {
                // 42P17: the policies ask themselves.
                Chance::Never
            } else {
                let (model, says) = (self.model, self.says);
                model
                    .through_within(relation, &self.role, Access::Select, whose, says, &self.reading)
                    .chance
            };
            Given {
                columns: Columns::Row {
                    relation: relation.oid,
                    whose,
                },
                chance: passes,
                foreign: if whose == Some(Whose::Theirs) {
                    vec![relation.oid]
                } else {
                    Vec::new()
                },
                is_absent: false,
            }
        };
        let mut kinds = match self.model.owned(relation) {
            None => vec![None],
            Some(_) => vec![Some(Whose::Mine), Some(Whose::Theirs)],
        };
        if self.model.may_be_nobodys(relation) && matches!(self.model.owned(relation), Some(Owned::Column(_))) {
            kinds.push(Some(Whose::Nobodys));
        }
        let rows = kinds.into_iter().map(row);
        rows.filter(|given| given.chance > Chance::Never).collect()
    }

    fn given_by_view(&self, view: &Relation) -> Vec<Given> {
        let Some(query) = view.definition.as_deref().and_then(|text| self.model.query(text)) else {
            return vec![anything()];
        };
        let mut inner = Scope::new(self.model, &self.role, self.says);
        inner.depth = self.depth + 1;
        inner.reading.clone_from(&self.reading);
        // Also from within a view that asks with its owner's rights (the manual's page on CREATE VIEW).
        inner.user.clone_from(&self.user);
        let asks_as = if view.is_security_invoker() {
            &self.user
        } else {
            &view.owner
        };
        inner.role.clone_from(asks_as);
        inner.rows(&query).into_iter().map(given_by_query).collect()
    }

    /// Returns what the first column of a query can be.
    pub(super) fn first_outputs(&self, query: &Query) -> Values {
        let mut found = Values::new();
        for shape in self.rows(query) {
            if let Some((_, values)) = shape.outputs.into_iter().next() {
                join(&mut found, at(values, shape.chance));
            }
        }
        found
    }

    pub(super) fn scalar(&self, query: &Query) -> Values {
        let [arm] = query.arms.as_slice() else { return unknown() };
        if arm.is_aggregate {
            return self.aggregate(arm);
        }
        let mut found = self.first_outputs(query);
        let is_always = arm.sources.is_empty() && arm.conditions.is_empty();
        if !is_always {
            join(&mut found, one(Value::Null));
        }
        found
    }

    /// An aggregate over all rows: a count, a list, or whether one of them is so.
    fn aggregate(&self, arm: &Select) -> Values {
        let mut rows = Vec::new();
        self.arm(arm, &mut rows);
        let any = rows.iter().map(|row| row.chance).max().unwrap_or(Chance::Never);
        let Some(Expression::Call { name, arguments }) = arm.outputs.first().map(|output| unwrapped(&output.value))
        else {
            return unknown();
        };
        let argument = |scope: &Self| {
            // The rows are gone through once more, for what the aggregate is given.
            let inner = Select {
                outputs: arguments
                    .first()
                    .map(|value| crate::script::expression::Output {
                        name: None,
                        value: value.clone(),
                    })
                    .into_iter()
                    .collect(),
                is_aggregate: false,
                ..arm.clone()
            };
            scope.first_outputs(&Query {
                arms: vec![inner],
                is_exact: true,
            })
        };
        match name.name.as_str() {
            "count" => one(Value::Count { any, none: Chance::Can }),
            "array_agg" => {
                let mut values = one(Value::Many(argument(self)));
                join(&mut values, one(Value::Null));
                values
            }
            "bool_or" | "bool_and" | "every" => {
                let truth = truth(&argument(self));
                one(Value::Truth(truth.or_else(Truth::NULL)))
            }
            "min" | "max" => {
                let mut values = argument(self);
                join(&mut values, one(Value::Null));
                values
            }
            _ => unknown(),
        }
    }

    pub(super) fn exists(&self, query: &Query) -> Truth {
        let is_always = query
            .arms
            .iter()
            .any(|arm| arm.is_aggregate || (arm.sources.is_empty() && arm.conditions.is_empty()));
        if is_always && query.is_exact {
            return Truth::YES;
        }
        let yes = self.rows(query).iter().map(|shape| shape.chance).max();
        Truth::of(yes.unwrap_or(Chance::Never), Chance::Can, Chance::Never)
    }

    /// `(a, b) in (select ...)`: all of them in one row.
    pub(super) fn row_in(&self, parts: &[Expression], query: &Query, operator: &str) -> Truth {
        if operator != "=" {
            return Truth::UNKNOWN;
        }
        let left: Vec<Values> = parts.iter().map(|part| self.values(part)).collect();
        let each = self.rows(query).into_iter().map(|shape| {
            let pairs = left.iter().zip(&shape.outputs);
            let same = pairs
                .map(|(left, (_, right))| equal(left, right))
                .fold(Truth::YES, Truth::and);
            same.at(shape.chance)
        });
        each.fold(Truth::NO, Truth::or_else)
    }
}

/// Returns what is inside of casts and COALESCE with constants, which do not change what an aggregate is about.
fn unwrapped(value: &Expression) -> &Expression {
    match value {
        Expression::Cast(inner, _) => unwrapped(inner),
        other => other,
    }
}

fn given_by_query(shape: Shape) -> Given {
    Given {
        columns: Columns::Named(shape.outputs),
        chance: shape.chance,
        foreign: shape.foreign,
        is_absent: false,
    }
}

fn anything() -> Given {
    Given {
        columns: Columns::Unknown,
        chance: Chance::Can,
        foreign: Vec::new(),
        is_absent: false,
    }
}
