//! Queries, from the grammar's tree.

use pg_query::NodeEnum;
use pg_query::protobuf::{LimitOption, Node, SelectStmt, SetOperation};

use super::from::sources;
use super::operator::{boxed, read};
use super::{Expression, Output, Query, Select};

/// The server's aggregates that policies and views are seen with.
const AGGREGATES: [&str; 14] = [
    "count",
    "sum",
    "min",
    "max",
    "avg",
    "array_agg",
    "bool_or",
    "bool_and",
    "every",
    "string_agg",
    "json_agg",
    "jsonb_agg",
    "json_object_agg",
    "jsonb_object_agg",
];

/// A query of WITH, by its name.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) name: String,
    pub(super) query: Query,
}

pub(super) fn query(select: &SelectStmt, outer: &[Known]) -> Query {
    let known = with(select, outer);
    if let (Some(left), Some(right)) = (&select.larg, &select.rarg) {
        let mut arms = query(left, &known);
        let more = query(right, &known);
        match select.op() {
            SetOperation::SetopUnion => {
                arms.is_exact &= more.is_exact;
                arms.arms.extend(more.arms);
            }
            // What is taken away, or has to be in both, is no more than what is there.
            _ => arms.is_exact = false,
        }
        arms.is_exact &= !is_cut(select);
        return arms;
    }
    let mut is_exact = !is_cut(select) && select.having_clause.is_none();
    let (mut conditions, mut from) = (Vec::new(), Vec::new());
    for node in &select.from_clause {
        is_exact &= sources(node, &known, &mut from, &mut conditions);
    }
    if let Some(condition) = select.where_clause.as_deref() {
        conditions.push(boxed(Some(condition), &known));
    }
    let outputs: Vec<Output> = select.target_list.iter().map(|node| output(node, &known)).collect();
    let is_aggregate = select.group_clause.is_empty() && outputs.iter().any(|output| aggregates(&output.value));
    let arm = Select {
        sources: from,
        conditions,
        outputs,
        is_aggregate,
    };
    Query {
        arms: vec![arm],
        is_exact,
    }
}

/// LIMIT and OFFSET leave rows out, LIMIT of a constant not all of them.
fn is_cut(select: &SelectStmt) -> bool {
    let is_constant = |node: &Node| matches!(node.node, Some(NodeEnum::AConst(_)));
    select.limit_offset.is_some()
        || (select.limit_option() != LimitOption::Default
            && select.limit_count.as_deref().is_some_and(|count| !is_constant(count)))
}

fn with(select: &SelectStmt, outer: &[Known]) -> Vec<Known> {
    let mut known = outer.to_vec();
    let tables = select.with_clause.iter().flat_map(|with| &with.ctes);
    for table in tables {
        let Some(NodeEnum::CommonTableExpr(table)) = table.node.as_ref() else {
            continue;
        };
        let Some(NodeEnum::SelectStmt(inner)) = table.ctequery.as_deref().and_then(|node| node.node.as_ref()) else {
            continue;
        };
        let is_recursive = select.with_clause.as_ref().is_some_and(|with| with.recursive);
        let mut query = query(inner, &known);
        query.is_exact &= !is_recursive;
        for arm in &mut query.arms {
            let names = super::operator::names(&table.aliascolnames).unwrap_or_default();
            for (output, name) in arm.outputs.iter_mut().zip(names) {
                output.name = Some(name);
            }
        }
        known.push(Known {
            name: table.ctename.clone(),
            query,
        });
    }
    known
}

fn output(node: &Node, known: &[Known]) -> Output {
    let Some(NodeEnum::ResTarget(target)) = node.node.as_ref() else {
        return Output {
            name: None,
            value: Expression::Other,
        };
    };
    let value = target
        .val
        .as_deref()
        .and_then(|node| node.node.as_ref())
        .map_or(Expression::Other, |node| read(node, known));
    let name = match (target.name.as_str(), &value) {
        ("", Expression::Column { name, .. }) => Some(name.clone()),
        ("", _) => None,
        (name, _) => Some(name.to_owned()),
    };
    Output { name, value }
}

fn aggregates(value: &Expression) -> bool {
    match value {
        Expression::Call { name, arguments } => {
            (name.schema.is_none() && AGGREGATES.contains(&name.name.as_str())) || arguments.iter().any(aggregates)
        }
        Expression::Operator { operands, .. } | Expression::Coalesce(operands) => operands.iter().any(aggregates),
        Expression::Cast(inner, _) | Expression::Not(inner) | Expression::Is(inner, _) => aggregates(inner),
        _ => false,
    }
}
