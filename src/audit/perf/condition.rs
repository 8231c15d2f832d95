//! What of a condition an index can answer.

use crate::schema::Relation;
use crate::script::expression::{Expression, From, Query};

/// Tells whether an expression depends on the row of the table.
pub(super) fn is_of_row(expression: &Expression, relation: &Relation) -> bool {
    let mut is_there = false;
    expression.walk(&mut |inner| {
        // A column of an inner query says whose it is.
        if let Expression::Column { of, .. } = inner {
            is_there |= of.as_deref().is_none_or(|of| of == relation.name.name);
        }
    });
    is_there
}

/// Returns the column of the table's row that an expression is, and nothing else.
pub(super) fn column<'e>(expression: &'e Expression, relation: &Relation) -> Option<&'e str> {
    match expression {
        Expression::Column { of, name } if of.as_deref().is_none_or(|of| of == relation.name.name) => Some(name),
        _ => None,
    }
}

/// Returns what is joined by AND, each by itself.
pub(super) fn all_of(expression: &Expression) -> Vec<&Expression> {
    match expression {
        Expression::And(parts) => parts.iter().flat_map(all_of).collect(),
        other => vec![other],
    }
}

/// Returns what is joined by OR, each by itself.
pub(super) fn any_of(expression: &Expression) -> Vec<&Expression> {
    match expression {
        Expression::Or(parts) => parts.iter().flat_map(any_of).collect(),
        other => vec![other],
    }
}

/// Returns the columns by which an index can find the rows: compared by `=`, or `= any (array)`, with what is the same for all rows.
pub(super) fn found_by<'e>(expression: &'e Expression, relation: &Relation) -> Vec<&'e str> {
    match expression {
        Expression::And(parts) => parts.iter().flat_map(|part| found_by(part, relation)).collect(),
        Expression::Operator { name, operands } if name == "=" => match operands.as_slice() {
            [left, right] => one_side(left, right, relation)
                .or_else(|| one_side(right, left, relation))
                .into_iter()
                .collect(),
            _ => Vec::new(),
        },
        Expression::Quantified {
            operator,
            left,
            array,
            is_all: false,
        } if operator == "=" => one_side(left, array, relation).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn one_side<'e>(column: &'e Expression, other: &Expression, relation: &Relation) -> Option<&'e str> {
    self::column(column, relation).filter(|_| !is_of_row(other, relation))
}

/// Tells whether a query only calls a function: `(select f())`, `(select * from f())`.
pub(super) fn is_a_call(query: &Query) -> bool {
    query.arms.iter().any(|arm| match arm.sources.as_slice() {
        [] => matches!(
            arm.outputs.first().map(|output| &output.value),
            Some(Expression::Call { .. })
        ),
        [only] => matches!(only.what, From::Call(_)),
        _ => false,
    })
}
