//! Functions that are called for each row.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::schema::Volatility;
use crate::script::RelationName;
use crate::script::expression::Expression;

use super::super::Audit;
use super::super::rule::Rule;
use super::asked;
use super::condition::is_of_row;

const UNWRAPPED: &str = "perf.unwrapped";
const PER_ROW: &str = "perf.per-row";

pub(super) const RULE: Rule = Rule {
    codes: &[UNWRAPPED, PER_ROW],
    explanation: "\
A function in a policy is called anew for each row, unless it is wrapped in a query of its own: `(select auth.uid())` is worked out once a \
statement. Where the policy is an index's condition that hardly matters; where it is a filter it was measured as more than three seconds \
against 50 milliseconds. A function that is given a column, as is_member(tenant_id), cannot be wrapped: 11 microseconds for each row of all \
tenants. Ask for the session's tenants once instead, and compare the column with them. A bare current_setting() is good either way.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for asked in asked(audit) {
        let mut calls = Calls::default();
        calls.visit(&asked.expression, &|call| is_of_row(call, asked.relation));
        let is_costly = |name: &&RelationName| {
            let mut named = audit
                .schema
                .functions
                .values()
                .filter(|function| RelationName::qualified(&function.schema, &function.name) == **name)
                .peekable();
            // One that is not told is an extension's.
            named.peek().is_some() && named.all(|function| function.volatility != Volatility::Immutable)
        };
        let (object, policy) = (asked.relation.name.to_string(), &asked.policy.name);
        for name in calls.once.iter().filter(is_costly) {
            let message =
                format!("policy {policy} calls {name}() for each row: it is not wrapped in a query of its own");
            let help = format!("write (select {name}()) there");
            found.push(Finding::info(UNWRAPPED, object.clone(), message, help));
        }
        for name in calls.of_row.iter().filter(is_costly) {
            let message = format!("policy {policy} calls {name}() with a column, for each row of all tenants");
            let help =
                "compare the column with what is worked out once: `= (select f())`, `= any ((select f())::uuid[])`";
            found.push(Finding::info(PER_ROW, object.clone(), message, help));
        }
    }
    found
}

/// What is called outside of any query.
#[derive(Default)]
struct Calls {
    once: BTreeSet<RelationName>,
    of_row: BTreeSet<RelationName>,
}

impl Calls {
    fn visit(&mut self, expression: &Expression, is_of_row: &impl Fn(&Expression) -> bool) {
        match expression {
            Expression::Call { name, arguments } => {
                let calls = if is_of_row(expression) {
                    &mut self.of_row
                } else {
                    &mut self.once
                };
                calls.insert(name.clone());
                for one in arguments {
                    self.visit(one, is_of_row);
                }
            }
            Expression::Operator { operands: inner, .. }
            | Expression::Coalesce(inner)
            | Expression::And(inner)
            | Expression::Or(inner)
            | Expression::Array(inner)
            | Expression::Row(inner) => {
                for one in inner {
                    self.visit(one, is_of_row);
                }
            }
            Expression::Distinct(pair) | Expression::NullIf(pair) => {
                for one in pair.iter() {
                    self.visit(one, is_of_row);
                }
            }
            Expression::Not(one) | Expression::Is(one, _) | Expression::Cast(one, _) => self.visit(one, is_of_row),
            Expression::Quantified { left, array, .. } => {
                self.visit(left, is_of_row);
                self.visit(array, is_of_row);
            }
            Expression::QuantifiedQuery { left, .. } => self.visit(left, is_of_row),
            Expression::Case { branches, otherwise } => {
                for (condition, result) in branches {
                    self.visit(condition, is_of_row);
                    self.visit(result, is_of_row);
                }
                self.visit(otherwise, is_of_row);
            }
            // What is inside of a query is worked out with it.
            Expression::Exists(_)
            | Expression::Scalar(_)
            | Expression::ArrayOf(_)
            | Expression::Column { .. }
            | Expression::Text(_)
            | Expression::Bool(_)
            | Expression::Null
            | Expression::Parameter(_)
            | Expression::Other => {}
        }
    }
}
