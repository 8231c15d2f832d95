//! Works out what an expression can be.

use crate::activity::Oid;
use crate::script::RelationName;
use crate::script::expression::{Expression, Is};

use super::compare::{contains, distinct, equal, null, overlaps};
use super::model::Model;
use super::owned::Owned;
use super::session::{Says, claim};
use super::truth::{Chance, Truth};
use super::value::{Possible, Value, Values, Whose, at, join, one, truth, unknown};

/// How deep functions, views and queries may be in one another.
pub(super) const DEPTH: usize = 12;

/// A row that columns are taken from.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// What its columns are called by.
    pub(super) alias: String,
    /// What they are.
    pub(super) columns: Columns,
}

#[derive(Clone, Debug)]
pub(super) enum Columns {
    /// Those of a table's row.
    Row {
        relation: Oid,
        /// Nothing where the table is no tenant's.
        whose: Option<Whose>,
    },
    /// Those of a query.
    Named(Vec<(Option<String>, Values)>),
    /// All null: the side of an outer join that is not there.
    Absent,
    /// Anything.
    Unknown,
}

/// Where an expression stands.
#[derive(Clone)]
pub(super) struct Scope<'m> {
    pub(super) model: &'m Model<'m>,
    /// With whose rights tables are asked.
    pub(super) role: String,
    /// Who the current user is: inside of a view still whoever asks it.
    pub(super) user: String,
    pub(super) says: Says,
    /// The innermost last.
    pub(super) frames: Vec<Frame>,
    /// What a function is given, by name if it has one.
    pub(super) parameters: Vec<(Option<String>, Values)>,
    /// The function's own name, by which a parameter may be called too.
    pub(super) function: Option<String>,
    /// Tables whose policies are being asked.
    pub(super) reading: Vec<Oid>,
    pub(super) depth: usize,
}

impl<'m> Scope<'m> {
    pub(super) fn new(model: &'m Model<'m>, role: &str, says: Says) -> Self {
        Self {
            model,
            role: role.to_owned(),
            user: role.to_owned(),
            says,
            frames: Vec::new(),
            parameters: Vec::new(),
            function: None,
            reading: Vec::new(),
            depth: 0,
        }
    }

    /// Returns what an expression can be here; nothing where it raises an error.
    pub(super) fn values(&self, expression: &Expression) -> Values {
        if self.depth > DEPTH || !self.model.step() {
            return unknown();
        }
        match expression {
            Expression::Null => one(Value::Null),
            Expression::Text(text) => one(Value::Text(text.clone())),
            Expression::Bool(is) => one(Value::Truth(if *is { Truth::YES } else { Truth::NO })),
            Expression::Column { of, name } => self.column(of.as_deref(), name),
            Expression::Parameter(number) => {
                let given = number.checked_sub(1).and_then(|at| self.parameters.get(at));
                given.map_or_else(unknown, |(_, values)| values.clone())
            }
            Expression::Cast(inner, data_type) => cast(self.values(inner), data_type),
            Expression::Call { name, arguments } => self.call(name, arguments),
            Expression::NullIf(pair) => self.null_if(&pair[0], &pair[1]),
            Expression::Coalesce(arguments) => self.coalesce(arguments),
            Expression::Case { branches, otherwise } => self.case(branches, otherwise),
            Expression::Scalar(query) => self.scalar(query),
            Expression::ArrayOf(query) => one(Value::Many(self.first_outputs(query))),
            Expression::Array(elements) => {
                let mut many = Values::new();
                for element in elements {
                    join(&mut many, self.values(element));
                }
                one(Value::Many(many))
            }
            Expression::Operator { name, operands } if name == "||" => self.joined(operands),
            Expression::Operator { name, operands } if is_of_json(name) => self.json(operands, name.ends_with(">>")),
            Expression::Row(_) | Expression::Other => unknown(),
            condition => one(Value::Truth(self.condition(condition))),
        }
    }

    /// Returns what an expression that is a condition can be.
    pub(super) fn condition(&self, expression: &Expression) -> Truth {
        let truth_of = |inner: &Expression| truth(&self.values(inner));
        match expression {
            Expression::And(parts) => parts.iter().map(truth_of).fold(Truth::YES, Truth::and),
            Expression::Or(parts) => parts.iter().map(truth_of).fold(Truth::NO, Truth::or),
            Expression::Not(inner) => truth_of(inner).negated(),
            Expression::Is(inner, is) => self.is(inner, *is),
            Expression::Distinct(pair) => distinct(&self.values(&pair[0]), &self.values(&pair[1])),
            Expression::Operator { name, operands } => self.operator(name, operands),
            Expression::Quantified {
                operator,
                left,
                array,
                is_all,
            } => {
                let array = self.values(array);
                self.quantified(operator, left, *is_all, &array)
            }
            Expression::QuantifiedQuery {
                operator,
                left,
                query,
                is_all,
            } => {
                if let Expression::Row(parts) = &**left {
                    return self.row_in(parts, query, operator);
                }
                let many = Value::Many(self.first_outputs(query));
                self.quantified(operator, left, *is_all, &one(many))
            }
            Expression::Exists(query) => self.exists(query),
            other => truth_of(other),
        }
    }

    fn is(&self, inner: &Expression, is: Is) -> Truth {
        let values = self.values(inner);
        let truth = truth(&values);
        match is {
            Is::Null => null(&values),
            Is::NotNull => null(&values).negated(),
            Is::True => Truth::of(truth.yes, truth.no.max(truth.null), Chance::Never),
            Is::NotTrue => Truth::of(truth.no.max(truth.null), truth.yes, Chance::Never),
            Is::False => Truth::of(truth.no, truth.yes.max(truth.null), Chance::Never),
            Is::NotFalse => Truth::of(truth.yes.max(truth.null), truth.no, Chance::Never),
        }
    }

    fn operator(&self, name: &str, operands: &[Expression]) -> Truth {
        let values: Vec<Values> = operands.iter().map(|operand| self.values(operand)).collect();
        match (name, values.as_slice()) {
            ("=", [left, right]) => equal(left, right),
            ("<>" | "!=", [left, right]) => equal(left, right).negated(),
            ("~~" | "~~*" | "^@" | "~" | "~*", [left, right])
                if self.is_of_letters() && (is_tenants(left) || is_tenants(right)) =>
            {
                // One tenant's name can be a pattern for another's, or begin it.
                Truth::EITHER
            }
            ("@>", [many, few]) | ("<@", [few, many]) => contains(many, few),
            ("&&", [one, other]) => overlaps(one, other),
            (">" | ">=", [left, _]) if counted(left).is_some() => counted(left).unwrap_or(Truth::UNKNOWN),
            (_, values) => {
                let is_null = |values: &&Values| values.iter().all(|possible| possible.value == Value::Null);
                let is_error = |values: &&Values| values.is_empty();
                let is_data = |values: &&Values| {
                    let mut each = values.iter();
                    each.all(|possible| matches!(possible.value, Value::Held(_) | Value::Text(_)))
                };
                if values.iter().any(|values| is_error(&values)) {
                    Truth::ERROR
                } else if values.iter().any(|values| is_null(&values)) {
                    Truth::NULL
                } else if values.iter().all(|values| is_data(&values)) {
                    Truth::of(Chance::Can, Chance::Can, Chance::Can)
                } else {
                    Truth::UNKNOWN
                }
            }
        }
    }

    /// Tells whether tenants are known by names of any length, rather than by numbers or uuids.
    pub(super) fn is_of_letters(&self) -> bool {
        let data_type = self.model.tenancy.data_type.as_deref();
        data_type.is_some_and(|data_type| {
            matches!(data_type, "text" | "citext" | "name" | "varchar") || data_type.starts_with("character")
        })
    }

    /// Tells whether a check says how tenants may be written, so that no two of them need be alike but for their case.
    pub(super) fn is_checked(&self) -> bool {
        let rows = self.frames.iter().filter_map(|frame| match &frame.columns {
            Columns::Row { relation, .. } => self.model.schema.relations.get(relation),
            _ => None,
        });
        rows.into_iter().any(|relation| {
            let column = self.model.owned(relation).and_then(Owned::column);
            column.is_some_and(|column| {
                relation
                    .checks
                    .iter()
                    .any(|check| check.columns.iter().any(|name| name == column))
            })
        })
    }

    /// `||` of texts: of a tenant's name and something else it is a text as any other.
    fn joined(&self, operands: &[Expression]) -> Values {
        let values: Vec<Values> = operands.iter().map(|operand| self.values(operand)).collect();
        if values
            .iter()
            .any(|values| values.iter().any(|possible| possible.value == Value::Null))
        {
            return one(Value::Null);
        }
        if self.is_of_letters() && values.iter().any(is_tenants) {
            return one(Value::Held(None));
        }
        unknown()
    }

    fn quantified(&self, operator: &str, left: &Expression, is_all: bool, array: &Values) -> Truth {
        let left = self.values(left);
        let compare = |element: &Values| match operator {
            "=" => equal(&left, element),
            "<>" => equal(&left, element).negated(),
            _ => Truth::UNKNOWN,
        };
        let mut found = Truth::ERROR;
        for possible in array {
            let truth = match &possible.value {
                Value::Many(elements) if is_all => {
                    let each = elements.iter().map(|element| compare(&vec![element.clone()]));
                    each.fold(Truth::YES, Truth::and)
                }
                Value::Many(elements) => {
                    let each = elements.iter().map(|element| compare(&vec![element.clone()]));
                    // The list may be empty.
                    each.fold(Truth::NO, Truth::or).or_else(Truth::NO)
                }
                Value::Null => Truth::NULL,
                Value::Held(None) | Value::Chosen => Truth::EITHER,
                _ => Truth::UNKNOWN,
            };
            found = found.or_else(truth.at(possible.chance));
        }
        found
    }

    fn null_if(&self, value: &Expression, other: &Expression) -> Values {
        let other = self.values(other);
        let mut found = Values::new();
        for possible in self.values(value) {
            let same = equal(&vec![possible.clone()], &other);
            if same.yes > Chance::Never {
                join(&mut found, at(one(Value::Null), same.yes.min(possible.chance)));
            }
            if same.no.max(same.null) > Chance::Never {
                join(&mut found, at(vec![possible], same.no.max(same.null)));
            }
        }
        found
    }

    fn coalesce(&self, arguments: &[Expression]) -> Values {
        let mut found = Values::new();
        let mut chance = Chance::Can;
        for argument in arguments {
            let values = self.values(argument);
            let is_null = null(&values).yes;
            let there: Values = values
                .into_iter()
                .filter(|possible| possible.value != Value::Null)
                .collect();
            join(&mut found, at(there, chance));
            chance = chance.min(is_null);
            if chance == Chance::Never {
                return found;
            }
        }
        join(&mut found, at(one(Value::Null), chance));
        found
    }

    fn case(&self, branches: &[(Expression, Expression)], otherwise: &Expression) -> Values {
        let mut found = Values::new();
        let mut chance = Chance::Can;
        for (condition, result) in branches {
            let truth = truth(&self.values(condition));
            if chance.min(truth.yes) > Chance::Never {
                join(&mut found, at(self.values(result), chance.min(truth.yes)));
            }
            chance = chance.min(truth.no.max(truth.null));
        }
        if chance > Chance::Never {
            join(&mut found, at(self.values(otherwise), chance));
        }
        found
    }

    /// `->`, `->>`, `#>`, `#>>`.
    fn json(&self, operands: &[Expression], is_text: bool) -> Values {
        let [document, key] = operands else { return unknown() };
        let keys = self.values(key);
        let mut found = Values::new();
        for possible in self.values(document) {
            let values = match (&possible.value, keys.as_slice()) {
                (
                    Value::Claims(way),
                    [
                        Possible {
                            value: Value::Text(key),
                            ..
                        },
                    ],
                ) => {
                    let more = key.trim_matches(['{', '}']).split(',').map(str::to_owned);
                    let way: Vec<String> = way.iter().cloned().chain(more).collect();
                    if is_text {
                        claim(self.model.tenancy, &self.role, &way)
                    } else {
                        one(Value::Claims(way))
                    }
                }
                (Value::Null, _) => one(Value::Null),
                (Value::Held(whose), _) => one(Value::Held(*whose)),
                (Value::Chosen, _) => one(Value::Chosen),
                _ => unknown(),
            };
            join(&mut found, at(values, possible.chance));
        }
        found
    }

    /// Calls a function of the server or of the schema.
    fn call(&self, name: &RelationName, arguments: &[Expression]) -> Values {
        let arguments: Vec<Values> = arguments.iter().map(|argument| self.values(argument)).collect();
        super::function::call(self, name, &arguments)
    }
}

fn is_tenants(values: &Values) -> bool {
    values
        .iter()
        .any(|possible| matches!(possible.value, Value::Tenant(_) | Value::Picked(_)))
}

fn is_of_json(operator: &str) -> bool {
    matches!(operator, "->" | "->>" | "#>" | "#>>")
}

/// A cast keeps what a value is, but for what cannot be one of the type.
fn cast(values: Values, data_type: &str) -> Values {
    let takes_anything = matches!(
        data_type,
        "text" | "varchar" | "bpchar" | "citext" | "name" | "regclass" | "text[]"
    );
    let is_error = |value: &Value| matches!(value, Value::Text(text) if text.is_empty()) && !takes_anything;
    values
        .into_iter()
        .filter(|possible| !is_error(&possible.value))
        .collect()
}

/// A count beside zero.
fn counted(values: &Values) -> Option<Truth> {
    match values.as_slice() {
        [
            Possible {
                value: Value::Count { any, none },
                ..
            },
        ] => Some(Truth::of(*any, *none, Chance::Never)),
        _ => None,
    }
}
