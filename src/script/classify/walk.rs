//! Goes through queries and expressions.

use pg_query::NodeEnum;
use pg_query::protobuf::{FuncCall, JsonValueExpr, Node, WindowDef};

use super::builtins::{Builtin, builtin};
use super::draft::Draft;
use super::names::{boolean, constant, string};
use crate::script::{LockMode, RelationKind, RelationName, SessionEffect, TokenKind, tokens};

/// Walks a tree and notes the relations it locks and what its functions do.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    pub(super) draft: &'a mut Draft,
    /// The names that `WITH` has made, from the outside in: they are no relations.
    pub(super) with: Vec<String>,
    /// Whether the server runs the tree now, or only takes note of it (a view, a policy, a function's body).
    pub(super) runs: bool,
}

impl<'a> Walk<'a> {
    /// A walk through what runs now.
    pub(super) fn running(draft: &'a mut Draft) -> Self {
        Self {
            draft,
            with: Vec::new(),
            runs: true,
        }
    }

    /// A walk through what is only stored. Its relations are locked nevertheless: the server looks them up.
    pub(super) fn stored(draft: &'a mut Draft) -> Self {
        Self {
            draft,
            with: Vec::new(),
            runs: false,
        }
    }

    pub(super) fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.node(node);
        }
    }

    pub(super) fn option(&mut self, node: Option<&Node>) {
        if let Some(node) = node {
            self.node(node);
        }
    }

    pub(super) fn node(&mut self, node: &Node) {
        if let Some(node) = &node.node {
            self.tree(node);
        }
    }

    /// Walks one node. What is not known here may be anything.
    pub(super) fn tree(&mut self, node: &NodeEnum) {
        if !(self.query(node) || self.source(node) || is_leaf(node) || self.expression(node) || self.json(node)) {
            self.draft.unknown();
            if self.runs {
                self.draft.effect(SessionEffect::Opaque);
            }
        }
    }

    fn expression(&mut self, node: &NodeEnum) -> bool {
        match node {
            NodeEnum::ResTarget(target) => {
                self.nodes(&target.indirection);
                self.option(target.val.as_deref());
            }
            NodeEnum::AExpr(expression) => {
                self.option(expression.lexpr.as_deref());
                self.option(expression.rexpr.as_deref());
            }
            NodeEnum::BoolExpr(expression) => self.nodes(&expression.args),
            NodeEnum::FuncCall(call) => self.call(call),
            NodeEnum::SubLink(link) => {
                self.option(link.testexpr.as_deref());
                self.option(link.subselect.as_deref());
            }
            NodeEnum::TypeCast(cast) => self.option(cast.arg.as_deref()),
            NodeEnum::CollateClause(collate) => self.option(collate.arg.as_deref()),
            NodeEnum::CaseExpr(case) => {
                self.option(case.arg.as_deref());
                self.nodes(&case.args);
                self.option(case.defresult.as_deref());
            }
            NodeEnum::CaseWhen(when) => {
                self.option(when.expr.as_deref());
                self.option(when.result.as_deref());
            }
            NodeEnum::CoalesceExpr(coalesce) => self.nodes(&coalesce.args),
            NodeEnum::MinMaxExpr(choice) => self.nodes(&choice.args),
            NodeEnum::NullTest(test) => self.option(test.arg.as_deref()),
            NodeEnum::BooleanTest(test) => self.option(test.arg.as_deref()),
            NodeEnum::RowExpr(row) => self.nodes(&row.args),
            NodeEnum::AArrayExpr(array) => self.nodes(&array.elements),
            NodeEnum::AIndirection(indirection) => {
                self.option(indirection.arg.as_deref());
                self.nodes(&indirection.indirection);
            }
            NodeEnum::AIndices(indices) => {
                self.option(indices.lidx.as_deref());
                self.option(indices.uidx.as_deref());
            }
            NodeEnum::NamedArgExpr(named) => self.option(named.arg.as_deref()),
            NodeEnum::MultiAssignRef(assign) => self.option(assign.source.as_deref()),
            NodeEnum::List(list) => self.nodes(&list.items),
            NodeEnum::SortBy(sort) => self.option(sort.node.as_deref()),
            NodeEnum::WindowDef(window) => self.window(Some(window)),
            NodeEnum::GroupingSet(set) => self.nodes(&set.content),
            NodeEnum::IndexElem(element) => self.option(element.expr.as_deref()),
            NodeEnum::StatsElem(element) => self.option(element.expr.as_deref()),
            NodeEnum::XmlExpr(xml) => {
                self.nodes(&xml.named_args);
                self.nodes(&xml.args);
            }
            NodeEnum::XmlSerialize(xml) => self.option(xml.expr.as_deref()),
            NodeEnum::ReturnStmt(result) => self.option(result.returnval.as_deref()),
            _ => return false,
        }
        true
    }

    fn json(&mut self, node: &NodeEnum) -> bool {
        match node {
            NodeEnum::JsonValueExpr(value) => self.json_value(Some(value)),
            NodeEnum::JsonObjectConstructor(object) => self.nodes(&object.exprs),
            NodeEnum::JsonArrayConstructor(array) => self.nodes(&array.exprs),
            NodeEnum::JsonArrayQueryConstructor(array) => self.option(array.query.as_deref()),
            NodeEnum::JsonKeyValue(pair) => {
                self.option(pair.key.as_deref());
                self.json_value(pair.value.as_deref());
            }
            NodeEnum::JsonObjectAgg(aggregate) => {
                if let Some(pair) = &aggregate.arg {
                    self.option(pair.key.as_deref());
                    self.json_value(pair.value.as_deref());
                }
                self.json_aggregate(aggregate.constructor.as_deref());
            }
            NodeEnum::JsonArrayAgg(aggregate) => {
                self.json_value(aggregate.arg.as_deref());
                self.json_aggregate(aggregate.constructor.as_deref());
            }
            NodeEnum::JsonIsPredicate(test) => self.option(test.expr.as_deref()),
            NodeEnum::JsonParseExpr(parse) => self.json_value(parse.expr.as_deref()),
            NodeEnum::JsonScalarExpr(scalar) => self.option(scalar.expr.as_deref()),
            NodeEnum::JsonSerializeExpr(serialize) => self.json_value(serialize.expr.as_deref()),
            NodeEnum::JsonFuncExpr(function) => {
                self.json_value(function.context_item.as_deref());
                self.option(function.pathspec.as_deref());
                self.nodes(&function.passing);
                for behavior in [&function.on_empty, &function.on_error].into_iter().flatten() {
                    self.option(behavior.expr.as_deref());
                }
            }
            NodeEnum::JsonArgument(argument) => self.json_value(argument.val.as_deref()),
            NodeEnum::JsonTablePathSpec(path) => self.option(path.string.as_deref()),
            _ => return false,
        }
        true
    }

    pub(super) fn json_value(&mut self, value: Option<&JsonValueExpr>) {
        if let Some(value) = value {
            self.option(value.raw_expr.as_deref());
            self.option(value.formatted_expr.as_deref());
        }
    }

    fn json_aggregate(&mut self, constructor: Option<&pg_query::protobuf::JsonAggConstructor>) {
        if let Some(constructor) = constructor {
            self.option(constructor.agg_filter.as_deref());
            self.nodes(&constructor.agg_order);
            self.window(constructor.over.as_deref());
        }
    }

    fn window(&mut self, window: Option<&WindowDef>) {
        if let Some(window) = window {
            self.nodes(&window.partition_clause);
            self.nodes(&window.order_clause);
            self.option(window.start_offset.as_deref());
            self.option(window.end_offset.as_deref());
        }
    }

    fn call(&mut self, call: &FuncCall) {
        self.nodes(&call.args);
        self.nodes(&call.agg_order);
        self.option(call.agg_filter.as_deref());
        self.window(call.over.as_deref());
        if self.runs {
            self.effects_of(call);
        }
    }

    /// Notes what a function does that runs now.
    fn effects_of(&mut self, call: &FuncCall) {
        let parts: Vec<&str> = call.funcname.iter().filter_map(string).collect();
        match builtin(&parts) {
            Builtin::Harmless => {}
            Builtin::SetConfig => self.set_config(&call.args),
            Builtin::AdvisoryLock => self.draft.effect(SessionEffect::AdvisoryLock),
            Builtin::Sequence => match call.args.first().and_then(constant).and_then(parse_name) {
                Some(sequence) => self
                    .draft
                    .lock(sequence, LockMode::RowExclusive, RelationKind::Sequence),
                None => self.draft.dependents(),
            },
            Builtin::Unknown => self.draft.opaque(),
        }
    }

    /// Notes `set_config(name, value, is_local)`.
    fn set_config(&mut self, args: &[Node]) {
        let local = args.get(2).and_then(boolean);
        self.draft.effect(if local == Some(true) {
            SessionEffect::SetsLocal
        } else {
            SessionEffect::Sets
        });
        let name = args.first().and_then(constant);
        if name.is_none_or(is_role_setting) {
            self.draft.effect(SessionEffect::Role);
        }
    }
}

/// Says whether a node holds nothing of interest.
fn is_leaf(node: &NodeEnum) -> bool {
    matches!(
        node,
        NodeEnum::AConst(_)
            | NodeEnum::ColumnRef(_)
            | NodeEnum::ParamRef(_)
            | NodeEnum::AStar(_)
            | NodeEnum::String(_)
            | NodeEnum::Integer(_)
            | NodeEnum::Float(_)
            | NodeEnum::Boolean(_)
            | NodeEnum::BitString(_)
            | NodeEnum::SqlvalueFunction(_)
            | NodeEnum::SetToDefault(_)
            | NodeEnum::CurrentOfExpr(_)
            | NodeEnum::TypeName(_)
            | NodeEnum::Alias(_)
            | NodeEnum::GroupingFunc(_)
            | NodeEnum::RoleSpec(_)
            | NodeEnum::MergeSupportFunc(_)
    )
}

/// Says whether a setting is the role or the session's user.
pub(super) fn is_role_setting(name: &str) -> bool {
    name.eq_ignore_ascii_case("role") || name.eq_ignore_ascii_case("session_authorization")
}

/// Reads a relation's name out of a string, as a cast to `regclass` does.
fn parse_name(text: &str) -> Option<RelationName> {
    let mut parts = Vec::new();
    for token in tokens(text) {
        let part = token.span.slice(text);
        match token.kind {
            TokenKind::Word => parts.push(part.to_ascii_lowercase()),
            TokenKind::QuotedIdent if part.starts_with('"') => {
                parts.push(part[1..part.len() - 1].replace("\"\"", "\""));
            }
            TokenKind::Space => {}
            TokenKind::Punctuation if part == "." => {}
            _ => return None,
        }
    }
    match parts.as_slice() {
        [name] => Some(RelationName::new(name)),
        [schema, name] => Some(RelationName::qualified(schema, name)),
        _ => None,
    }
}
