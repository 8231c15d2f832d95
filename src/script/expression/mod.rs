//! Expressions and queries as trees of their own: what a policy, a view or a function's body says.
//!
//! [`expression`] and [`query`] read what the server prints with an empty search path, so that every name in it is whole and every column in
//! an inner query says whose it is. What the trees have no word for is [`Expression::Other`]: nothing may be concluded from it.

mod from;
mod operator;
mod select;
#[cfg(test)]
mod tests;

use pg_query::NodeEnum;

use super::RelationName;

/// What is computed from a row and a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// A column, and the source it is of, if it says so.
    Column {
        /// The name of the source.
        of: Option<String>,
        /// The column's own.
        name: String,
    },
    /// A constant, numbers too, as it is written.
    Text(String),
    /// True or false.
    Bool(bool),
    /// NULL.
    Null,
    /// The parameter `$1`.
    Parameter(usize),
    /// A function. `current_user` and its like are functions without arguments.
    Call {
        /// Its name; the server's own have no schema.
        name: RelationName,
        /// What it is given.
        arguments: Vec<Expression>,
    },
    /// An operator with one or two operands. LIKE is `~~`.
    Operator {
        /// `=`, `->>`.
        name: String,
        /// Left, then right.
        operands: Vec<Expression>,
    },
    /// `left = any (array)`.
    Quantified {
        /// The operator.
        operator: String,
        /// What is compared.
        left: Box<Expression>,
        /// With each element of this.
        array: Box<Expression>,
        /// Whether ALL.
        is_all: bool,
    },
    /// `left = any (select ...)`, IN too.
    QuantifiedQuery {
        /// The operator.
        operator: String,
        /// What is compared.
        left: Box<Expression>,
        /// With each row of this.
        query: Box<Query>,
        /// Whether ALL.
        is_all: bool,
    },
    /// IS DISTINCT FROM.
    Distinct(Box<[Expression; 2]>),
    /// NULLIF.
    NullIf(Box<[Expression; 2]>),
    /// COALESCE.
    Coalesce(Vec<Expression>),
    /// AND.
    And(Vec<Expression>),
    /// OR.
    Or(Vec<Expression>),
    /// NOT.
    Not(Box<Expression>),
    /// IS NULL and its like.
    Is(Box<Expression>, Is),
    /// CASE; one with an operand is written as comparisons.
    Case {
        /// Conditions and results.
        branches: Vec<(Expression, Expression)>,
        /// ELSE.
        otherwise: Box<Expression>,
    },
    /// A cast to a type, as in `uuid`, `text[]`.
    Cast(Box<Expression>, String),
    /// ARRAY[...].
    Array(Vec<Expression>),
    /// (a, b).
    Row(Vec<Expression>),
    /// EXISTS.
    Exists(Box<Query>),
    /// A query for one value.
    Scalar(Box<Query>),
    /// ARRAY(select ...).
    ArrayOf(Box<Query>),
    /// Something that has no word here.
    Other,
}

/// What IS asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    /// IS NULL.
    Null,
    /// IS NOT NULL.
    NotNull,
    /// IS TRUE.
    True,
    /// IS NOT TRUE.
    NotTrue,
    /// IS FALSE.
    False,
    /// IS NOT FALSE.
    NotFalse,
}

/// A query: the rows of all of its arms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What UNION joins.
    pub arms: Vec<Select>,
    /// Whether the arms return no row that the query does not. INTERSECT, EXCEPT, HAVING and OFFSET are no exact ones.
    pub is_exact: bool,
}

/// One arm of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// FROM, its joins taken apart.
    pub sources: Vec<Source>,
    /// WHERE, and what inner joins ask for: all of them hold.
    pub conditions: Vec<Expression>,
    /// What is returned.
    pub outputs: Vec<Output>,
    /// Whether it returns a row whatever there is: an aggregate without GROUP BY.
    pub is_aggregate: bool,
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its name.
    pub name: Option<String>,
    /// What it is.
    pub value: Expression,
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What its columns are called by.
    pub alias: String,
    /// What it is.
    pub what: From,
    /// Of an outer join: what a row of it has to meet to be there at all; else all of its columns are null. Nothing where it has to be there.
    pub outer: Option<Vec<Expression>>,
}

/// What is in FROM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// A relation.
    Relation(RelationName),
    /// A query, WITH too.
    Query(Query),
    /// A function that returns rows.
    Call(Expression),
    /// VALUES and what has no word here.
    Other,
}

impl Expression {
    /// Calls `visit` for this and everything inside, queries too.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::Call { arguments: inner, .. }
            | Self::Operator { operands: inner, .. }
            | Self::Coalesce(inner)
            | Self::And(inner)
            | Self::Or(inner)
            | Self::Array(inner)
            | Self::Row(inner) => inner.iter().for_each(|one| one.walk(visit)),
            Self::Distinct(pair) | Self::NullIf(pair) => pair.iter().for_each(|one| one.walk(visit)),
            Self::Not(one) | Self::Is(one, _) | Self::Cast(one, _) => one.walk(visit),
            Self::Quantified { left, array, .. } => {
                left.walk(visit);
                array.walk(visit);
            }
            Self::QuantifiedQuery { left, query, .. } => {
                left.walk(visit);
                query.walk(visit);
            }
            Self::Case { branches, otherwise } => {
                for (condition, result) in branches {
                    condition.walk(visit);
                    result.walk(visit);
                }
                otherwise.walk(visit);
            }
            Self::Exists(query) | Self::Scalar(query) | Self::ArrayOf(query) => query.walk(visit),
            Self::Column { .. } | Self::Text(_) | Self::Bool(_) | Self::Null | Self::Parameter(_) | Self::Other => {}
        }
    }
}

impl Query {
    /// Calls `visit` for every expression in it.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Expression)) {
        for arm in &self.arms {
            arm.conditions.iter().for_each(|one| one.walk(visit));
            arm.outputs.iter().for_each(|output| output.value.walk(visit));
            for source in &arm.sources {
                source.outer.iter().flatten().for_each(|one| one.walk(visit));
                match &source.what {
                    From::Query(query) => query.walk(visit),
                    From::Call(call) => call.walk(visit),
                    From::Relation(_) | From::Other => {}
                }
            }
        }
    }
}

/// Reads an expression; nothing where the grammar does not.
pub fn expression(text: &str) -> Option<Expression> {
    let query = query(&format!("select {text}"))?;
    let [arm] = <[Select; 1]>::try_from(query.arms).ok()?;
    let [output] = <[Output; 1]>::try_from(arm.outputs).ok()?;
    arm.sources.is_empty().then_some(output.value)
}

/// Reads a query; nothing where the grammar does not, or it is none.
pub fn query(text: &str) -> Option<Query> {
    let parsed = pg_query::parse(text, 0).ok()?.protobuf;
    let [only] = parsed.stmts.as_slice() else { return None };
    match only.stmt.as_ref()?.node.as_ref()? {
        NodeEnum::SelectStmt(select) => Some(select::query(select, &[])),
        _ => None,
    }
}
