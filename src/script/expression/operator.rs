//! Expressions, from the grammar's tree.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    AExpr, AExprKind, BoolExprType, BoolTestType, BooleanTest, CaseExpr, FuncCall, Node, NullTestType,
    SqlValueFunction, SqlValueFunctionOp, SubLink, SubLinkType, a_const,
};

use super::select::{Known, query};
use super::{Expression, Is, RelationName};

/// Reads what may be missing.
pub(super) fn boxed(node: Option<&Node>, known: &[Known]) -> Expression {
    node.and_then(|node| node.node.as_ref())
        .map_or(Expression::Other, |node| read(node, known))
}

pub(super) fn all(nodes: &[Node], known: &[Known]) -> Vec<Expression> {
    nodes.iter().map(|node| boxed(Some(node), known)).collect()
}

/// Reads an expression. `known` are the queries of WITH.
pub(super) fn read(node: &NodeEnum, known: &[Known]) -> Expression {
    match node {
        NodeEnum::ColumnRef(column) => self::column(&column.fields),
        NodeEnum::AConst(constant) => self::constant(constant.val.as_ref()),
        NodeEnum::ParamRef(parameter) => {
            usize::try_from(parameter.number).map_or(Expression::Other, Expression::Parameter)
        }
        NodeEnum::TypeCast(cast) => self::cast(boxed(cast.arg.as_deref(), known), cast.type_name.as_ref()),
        NodeEnum::CollateClause(collate) => boxed(collate.arg.as_deref(), known),
        NodeEnum::FuncCall(call) => self::call(call, known),
        NodeEnum::SqlvalueFunction(value) => session_value(value),
        NodeEnum::AExpr(operator) => self::operator(operator, known),
        NodeEnum::BoolExpr(bool) => {
            let mut arguments = all(&bool.args, known);
            match bool.boolop() {
                BoolExprType::AndExpr => Expression::And(arguments),
                BoolExprType::OrExpr => Expression::Or(arguments),
                BoolExprType::NotExpr if arguments.len() == 1 => Expression::Not(Box::new(arguments.remove(0))),
                _ => Expression::Other,
            }
        }
        NodeEnum::NullTest(test) => {
            let is = match test.nulltesttype() {
                NullTestType::IsNull => Is::Null,
                NullTestType::IsNotNull => Is::NotNull,
                NullTestType::Undefined => return Expression::Other,
            };
            Expression::Is(Box::new(boxed(test.arg.as_deref(), known)), is)
        }
        NodeEnum::BooleanTest(test) => self::boolean_test(test, known),
        NodeEnum::CoalesceExpr(coalesce) => Expression::Coalesce(all(&coalesce.args, known)),
        NodeEnum::CaseExpr(case) => self::case(case, known),
        NodeEnum::AArrayExpr(array) => Expression::Array(all(&array.elements, known)),
        NodeEnum::RowExpr(row) => Expression::Row(all(&row.args, known)),
        NodeEnum::SubLink(link) => self::link(link, known),
        _ => Expression::Other,
    }
}

/// Returns the last two names of a list, none of which may be a star.
pub(super) fn names(nodes: &[Node]) -> Option<Vec<String>> {
    let name = |node: &Node| match node.node.as_ref()? {
        NodeEnum::String(name) => Some(name.sval.clone()),
        _ => None,
    };
    nodes.iter().map(name).collect()
}

fn column(fields: &[Node]) -> Expression {
    match names(fields).as_deref() {
        Some([name]) => Expression::Column {
            of: None,
            name: name.clone(),
        },
        Some([.., of, name]) => Expression::Column {
            of: Some(of.clone()),
            name: name.clone(),
        },
        _ => Expression::Other,
    }
}

fn constant(value: Option<&a_const::Val>) -> Expression {
    match value {
        None => Expression::Null,
        Some(a_const::Val::Boolval(value)) => Expression::Bool(value.boolval),
        Some(a_const::Val::Ival(value)) => Expression::Text(value.ival.to_string()),
        Some(a_const::Val::Fval(value)) => Expression::Text(value.fval.clone()),
        Some(a_const::Val::Sval(value)) => Expression::Text(value.sval.clone()),
        Some(a_const::Val::Bsval(value)) => Expression::Text(value.bsval.clone()),
    }
}

fn cast(argument: Expression, name: Option<&pg_query::protobuf::TypeName>) -> Expression {
    let Some(name) = name else { return Expression::Other };
    let names = names(&name.names).unwrap_or_default();
    let plain = names.last().map_or("", String::as_str);
    let written = match plain {
        "int2" => "smallint",
        "int4" => "integer",
        "int8" => "bigint",
        "bool" => "boolean",
        other => other,
    };
    let data_type = if name.array_bounds.is_empty() {
        written.to_owned()
    } else {
        format!("{written}[]")
    };
    match (&argument, data_type.as_str()) {
        (Expression::Text(text), "boolean") if matches!(text.as_str(), "t" | "true") => Expression::Bool(true),
        (Expression::Text(text), "boolean") if matches!(text.as_str(), "f" | "false") => Expression::Bool(false),
        _ => Expression::Cast(Box::new(argument), data_type),
    }
}

fn call(call: &FuncCall, known: &[Known]) -> Expression {
    let Some(mut names) = names(&call.funcname) else {
        return Expression::Other;
    };
    let Some(name) = names.pop() else {
        return Expression::Other;
    };
    let schema = names.pop().filter(|schema| schema != "pg_catalog");
    let mut arguments = all(&call.args, known);
    if call.over.is_some() || call.agg_filter.is_some() {
        arguments = vec![Expression::Other];
    }
    Expression::Call {
        name: RelationName { schema, name },
        arguments,
    }
}

fn session_value(value: &SqlValueFunction) -> Expression {
    let name = match value.op() {
        SqlValueFunctionOp::SvfopCurrentRole | SqlValueFunctionOp::SvfopCurrentUser | SqlValueFunctionOp::SvfopUser => {
            "current_user"
        }
        SqlValueFunctionOp::SvfopSessionUser => "session_user",
        SqlValueFunctionOp::SvfopCurrentCatalog => "current_database",
        SqlValueFunctionOp::SvfopCurrentSchema => "current_schema",
        SqlValueFunctionOp::SqlvalueFunctionOpUndefined => return Expression::Other,
        _ => "now",
    };
    Expression::Call {
        name: RelationName::new(name),
        arguments: Vec::new(),
    }
}

fn operator(operator: &AExpr, known: &[Known]) -> Expression {
    let name = names(&operator.name)
        .and_then(|mut names| names.pop())
        .unwrap_or_default();
    let left = operator.lexpr.as_deref().map(|left| boxed(Some(left), known));
    let right = boxed(operator.rexpr.as_deref(), known);
    let pair = |left: Option<Expression>, right| Box::new([left.unwrap_or(Expression::Other), right]);
    match operator.kind() {
        AExprKind::AexprOp | AExprKind::AexprLike | AExprKind::AexprIlike | AExprKind::AexprSimilar => {
            Expression::Operator {
                name,
                operands: left.into_iter().chain([right]).collect(),
            }
        }
        AExprKind::AexprOpAny | AExprKind::AexprOpAll => Expression::Quantified {
            operator: name,
            left: Box::new(left.unwrap_or(Expression::Other)),
            array: Box::new(right),
            is_all: operator.kind() == AExprKind::AexprOpAll,
        },
        AExprKind::AexprIn => Expression::Quantified {
            is_all: name == "<>",
            operator: name,
            left: Box::new(left.unwrap_or(Expression::Other)),
            array: Box::new(list(operator.rexpr.as_deref(), known)),
        },
        AExprKind::AexprDistinct => Expression::Distinct(pair(left, right)),
        AExprKind::AexprNotDistinct => Expression::Not(Box::new(Expression::Distinct(pair(left, right)))),
        AExprKind::AexprNullif => Expression::NullIf(pair(left, right)),
        _ => Expression::Other,
    }
}

/// IN (a, b).
fn list(node: Option<&Node>, known: &[Known]) -> Expression {
    match node.and_then(|node| node.node.as_ref()) {
        Some(NodeEnum::List(list)) => Expression::Array(all(&list.items, known)),
        _ => Expression::Other,
    }
}

fn boolean_test(test: &BooleanTest, known: &[Known]) -> Expression {
    let is = match test.booltesttype() {
        BoolTestType::IsTrue => Is::True,
        BoolTestType::IsNotTrue => Is::NotTrue,
        BoolTestType::IsFalse => Is::False,
        BoolTestType::IsNotFalse => Is::NotFalse,
        BoolTestType::IsUnknown => Is::Null,
        BoolTestType::IsNotUnknown => Is::NotNull,
        BoolTestType::Undefined => return Expression::Other,
    };
    Expression::Is(Box::new(boxed(test.arg.as_deref(), known)), is)
}

fn case(case: &CaseExpr, known: &[Known]) -> Expression {
    let operand = case.arg.as_deref().map(|operand| boxed(Some(operand), known));
    let branches = case.args.iter().map(|node| match node.node.as_ref() {
        Some(NodeEnum::CaseWhen(when)) => {
            let condition = boxed(when.expr.as_deref(), known);
            let condition = match &operand {
                Some(operand) => Expression::Operator {
                    name: "=".to_owned(),
                    operands: vec![operand.clone(), condition],
                },
                None => condition,
            };
            (condition, boxed(when.result.as_deref(), known))
        }
        _ => (Expression::Other, Expression::Other),
    });
    Expression::Case {
        branches: branches.collect(),
        otherwise: Box::new(
            case.defresult
                .as_deref()
                .map_or(Expression::Null, |node| boxed(Some(node), known)),
        ),
    }
}

fn link(link: &SubLink, known: &[Known]) -> Expression {
    let Some(NodeEnum::SelectStmt(select)) = link.subselect.as_deref().and_then(|node| node.node.as_ref()) else {
        return Expression::Other;
    };
    let query = Box::new(query(select, known));
    match link.sub_link_type() {
        SubLinkType::ExistsSublink => Expression::Exists(query),
        SubLinkType::ExprSublink => Expression::Scalar(query),
        SubLinkType::ArraySublink => Expression::ArrayOf(query),
        kind @ (SubLinkType::AnySublink | SubLinkType::AllSublink) => Expression::QuantifiedQuery {
            // IN has none.
            operator: names(&link.oper_name)
                .and_then(|mut names| names.pop())
                .unwrap_or_else(|| "=".to_owned()),
            left: Box::new(boxed(link.testexpr.as_deref(), known)),
            query,
            is_all: kind == SubLinkType::AllSublink,
        },
        _ => Expression::Other,
    }
}
