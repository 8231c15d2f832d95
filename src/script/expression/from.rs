//! FROM, from the grammar's tree.

use pg_query::NodeEnum;
use pg_query::protobuf::{JoinExpr, JoinType, Node, RangeFunction};

use super::operator::{boxed, names, read};
use super::select::{Known, query};
use super::{Expression, From, RelationName, Source};

/// Adds the sources of a part of FROM, and what its inner joins ask for. Tells whether that says all.
pub(super) fn sources(node: &Node, known: &[Known], found: &mut Vec<Source>, asked: &mut Vec<Expression>) -> bool {
    let Some(node) = node.node.as_ref() else { return false };
    match node {
        NodeEnum::RangeVar(table) => {
            let with = known
                .iter()
                .rev()
                .find(|known| table.schemaname.is_empty() && known.name == table.relname);
            let schema = (!table.schemaname.is_empty()).then(|| table.schemaname.clone());
            let what = match with {
                Some(with) => From::Query(with.query.clone()),
                None => From::Relation(RelationName {
                    schema,
                    name: table.relname.clone(),
                }),
            };
            let alias = table.alias.as_ref().map_or(&table.relname, |alias| &alias.aliasname);
            push(found, alias.clone(), what)
        }
        NodeEnum::RangeSubselect(inner) => {
            let alias = inner
                .alias
                .as_ref()
                .map(|alias| alias.aliasname.clone())
                .unwrap_or_default();
            match inner.subquery.as_deref().and_then(|node| node.node.as_ref()) {
                Some(NodeEnum::SelectStmt(select)) => {
                    let mut query = query(select, known);
                    let renamed = inner
                        .alias
                        .as_ref()
                        .and_then(|alias| names(&alias.colnames))
                        .unwrap_or_default();
                    for arm in &mut query.arms {
                        for (output, name) in arm.outputs.iter_mut().zip(&renamed) {
                            output.name = Some(name.clone());
                        }
                    }
                    push(found, alias, From::Query(query))
                }
                _ => push(found, alias, From::Other),
            }
        }
        NodeEnum::RangeFunction(function) => {
            let alias = function
                .alias
                .as_ref()
                .map(|alias| alias.aliasname.clone())
                .unwrap_or_default();
            push(found, alias, called(function, known).map_or(From::Other, From::Call))
        }
        NodeEnum::JoinExpr(join) => joined(join, known, found, asked),
        _ => push(found, String::new(), From::Other),
    }
}

fn push(found: &mut Vec<Source>, alias: String, what: From) -> bool {
    let is_known = what != From::Other;
    found.push(Source {
        alias,
        what,
        outer: None,
    });
    is_known
}

fn joined(join: &JoinExpr, known: &[Known], found: &mut Vec<Source>, asked: &mut Vec<Expression>) -> bool {
    let side = |node: Option<&Node>| {
        let (mut sides, mut conditions) = (Vec::new(), Vec::new());
        let is_exact = node.is_some_and(|node| sources(node, known, &mut sides, &mut conditions));
        (sides, conditions, is_exact)
    };
    let (mut left, left_asks, left_exact) = side(join.larg.as_deref());
    let (mut right, right_asks, right_exact) = side(join.rarg.as_deref());
    let mut condition: Vec<Expression> = join
        .quals
        .as_deref()
        .map(|quals| boxed(Some(quals), known))
        .into_iter()
        .collect();
    let is_named = !join.using_clause.is_empty() || join.is_natural;
    if is_named {
        condition.extend(shared_columns(join, &left, &right));
    }
    match join.jointype() {
        JoinType::JoinInner => {
            for asks in [left_asks, right_asks, condition] {
                asked.extend(asks);
            }
        }
        kind => {
            let mut within = |sides: &mut [Source], asks: Vec<Expression>, is_outer: bool| {
                if is_outer {
                    let asks: Vec<Expression> = asks.into_iter().chain(condition.iter().cloned()).collect();
                    for source in sides {
                        source.outer.get_or_insert_with(Vec::new).extend(asks.iter().cloned());
                    }
                } else {
                    asked.extend(asks);
                }
            };
            within(
                &mut left,
                left_asks,
                matches!(kind, JoinType::JoinRight | JoinType::JoinFull),
            );
            within(
                &mut right,
                right_asks,
                matches!(kind, JoinType::JoinLeft | JoinType::JoinFull),
            );
        }
    }
    found.append(&mut left);
    found.append(&mut right);
    left_exact && right_exact
}

/// USING, where it is plain whose columns are meant.
fn shared_columns(join: &JoinExpr, left: &[Source], right: &[Source]) -> Vec<Expression> {
    let (Some(columns), [left], [right]) = (names(&join.using_clause), left, right) else {
        return vec![Expression::Other];
    };
    if join.is_natural {
        return vec![Expression::Other];
    }
    let column = |of: &Source, name: &str| Expression::Column {
        of: Some(of.alias.clone()),
        name: name.to_owned(),
    };
    let same = |name: &String| Expression::Operator {
        name: "=".to_owned(),
        operands: vec![column(left, name), column(right, name)],
    };
    columns.iter().map(same).collect()
}

/// ROWS FROM of one function.
fn called(function: &RangeFunction, known: &[Known]) -> Option<Expression> {
    let [
        Node {
            node: Some(NodeEnum::List(list)),
        },
    ] = function.functions.as_slice()
    else {
        return None;
    };
    list.items.first()?.node.as_ref().map(|node| read(node, known))
}
