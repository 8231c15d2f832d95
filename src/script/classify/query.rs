//! Queries: `SELECT`, `INSERT`, `UPDATE`, `DELETE`, `MERGE` and what stands in their `FROM`.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    DeleteStmt, InsertStmt, MergeStmt, Node, RangeVar, ReturningClause, SelectStmt, UpdateStmt, WithClause,
};

use super::walk::Walk;
use crate::script::{DmlCommand, LockMode, SessionEffect};

impl Walk<'_> {
    /// Walks a query; false if the node is none.
    pub(super) fn query(&mut self, node: &NodeEnum) -> bool {
        match node {
            NodeEnum::SelectStmt(select) => self.select(select),
            NodeEnum::InsertStmt(insert) => self.insert(insert),
            NodeEnum::UpdateStmt(update) => self.update(update),
            NodeEnum::DeleteStmt(delete) => self.delete(delete),
            NodeEnum::MergeStmt(merge) => self.merge(merge),
            _ => return false,
        }
        true
    }

    /// Walks what may stand in `FROM`; false if the node is something else.
    pub(super) fn source(&mut self, node: &NodeEnum) -> bool {
        match node {
            NodeEnum::RangeVar(range) => self.read(range),
            NodeEnum::JoinExpr(join) => {
                self.option(join.larg.as_deref());
                self.option(join.rarg.as_deref());
                self.option(join.quals.as_deref());
            }
            NodeEnum::RangeSubselect(subselect) => self.option(subselect.subquery.as_deref()),
            NodeEnum::RangeFunction(function) => self.nodes(&function.functions),
            NodeEnum::RangeTableSample(sample) => {
                self.option(sample.relation.as_deref());
                self.nodes(&sample.args);
                self.option(sample.repeatable.as_deref());
            }
            NodeEnum::RangeTableFunc(table) => {
                self.option(table.docexpr.as_deref());
                self.option(table.rowexpr.as_deref());
                self.nodes(&table.namespaces);
                self.nodes(&table.columns);
            }
            NodeEnum::RangeTableFuncCol(column) => {
                self.option(column.colexpr.as_deref());
                self.option(column.coldefexpr.as_deref());
            }
            NodeEnum::JsonTable(table) => {
                self.json_value(table.context_item.as_deref());
                self.nodes(&table.passing);
                self.nodes(&table.columns);
            }
            NodeEnum::JsonTableColumn(column) => {
                self.nodes(&column.columns);
                for behavior in [&column.on_empty, &column.on_error].into_iter().flatten() {
                    self.option(behavior.expr.as_deref());
                }
            }
            _ => return false,
        }
        true
    }

    fn read(&mut self, range: &RangeVar) {
        if !self.is_with_name(range) {
            self.draft.lock_table(range, LockMode::AccessShare);
        }
    }

    fn is_with_name(&self, range: &RangeVar) -> bool {
        range.schemaname.is_empty() && self.with.contains(&range.relname)
    }

    /// Walks the queries of `WITH` and brings their names into scope. Returns how many names to forget at the end.
    fn enter(&mut self, with: Option<&WithClause>) -> usize {
        let depth = self.with.len();
        let Some(with) = with else { return depth };
        let ctes = with.ctes.iter().filter_map(|node| match &node.node {
            Some(NodeEnum::CommonTableExpr(cte)) => Some(cte),
            _ => None,
        });
        // With RECURSIVE a query sees its own name and those after it, otherwise only those before it.
        if with.recursive {
            self.with.extend(ctes.clone().map(|cte| cte.ctename.clone()));
        }
        for cte in ctes {
            self.option(cte.ctequery.as_deref());
            if !with.recursive {
                self.with.push(cte.ctename.clone());
            }
        }
        depth
    }

    fn select(&mut self, select: &SelectStmt) {
        let depth = self.enter(select.with_clause.as_ref());
        if let Some(into) = &select.into_clause {
            self.draft.create(into.rel.as_ref());
        }
        for part in [&select.larg, &select.rarg].into_iter().flatten() {
            self.select(part);
        }
        let lists = [
            &select.distinct_clause,
            &select.target_list,
            &select.from_clause,
            &select.group_clause,
            &select.window_clause,
            &select.values_lists,
            &select.sort_clause,
        ];
        for list in lists {
            // `SELECT DISTINCT` without `ON` is a list of one empty node.
            self.nodes(list);
        }
        for part in [
            &select.where_clause,
            &select.having_clause,
            &select.limit_offset,
            &select.limit_count,
        ] {
            self.option(part.as_deref());
        }
        self.locking_clauses(select);
        self.with.truncate(depth);
    }

    /// Notes `FOR UPDATE` and the like: without `OF` it reaches every relation of `FROM`, also those in its subqueries.
    fn locking_clauses(&mut self, select: &SelectStmt) {
        for clause in &select.locking_clause {
            let Some(NodeEnum::LockingClause(clause)) = &clause.node else {
                continue;
            };
            let only: Vec<&str> = clause
                .locked_rels
                .iter()
                .filter_map(|node| match &node.node {
                    Some(NodeEnum::RangeVar(range)) => Some(range.relname.as_str()),
                    _ => None,
                })
                .collect();
            for item in &select.from_clause {
                self.row_share(item, &only);
            }
        }
    }

    fn row_share(&mut self, item: &Node, only: &[&str]) {
        let chosen = |alias: Option<&str>| only.is_empty() || alias.is_some_and(|alias| only.contains(&alias));
        match &item.node {
            Some(NodeEnum::RangeVar(range)) => {
                let alias = range
                    .alias
                    .as_ref()
                    .map_or(range.relname.as_str(), |alias| &alias.aliasname);
                if chosen(Some(alias)) && !self.is_with_name(range) {
                    self.draft.lock_table(range, LockMode::RowShare);
                }
            }
            Some(NodeEnum::JoinExpr(join)) => {
                for side in [&join.larg, &join.rarg].into_iter().flatten() {
                    self.row_share(side, only);
                }
            }
            Some(NodeEnum::RangeSubselect(subselect)) => {
                let alias = subselect.alias.as_ref().map(|alias| alias.aliasname.as_str());
                if let (true, Some(NodeEnum::SelectStmt(inner))) = (
                    chosen(alias),
                    subselect.subquery.as_ref().and_then(|query| query.node.as_ref()),
                ) {
                    for item in &inner.from_clause {
                        self.row_share(item, &[]);
                    }
                }
            }
            _ => {}
        }
    }

    fn target(&mut self, range: Option<&RangeVar>, command: DmlCommand) {
        self.draft.lock_option(range, LockMode::RowExclusive);
        if self.runs {
            if command == DmlCommand::Update && range.is_some_and(|range| range.relname == "pg_settings") {
                // A rule on that view turns the update into `set_config`.
                self.draft.effect(SessionEffect::Sets);
                self.draft.effect(SessionEffect::Role);
            }
            self.draft.write(command, range);
        }
    }

    fn returning(&mut self, returning: Option<&ReturningClause>) {
        if let Some(returning) = returning {
            self.nodes(&returning.exprs);
        }
    }

    fn insert(&mut self, insert: &InsertStmt) {
        let depth = self.enter(insert.with_clause.as_ref());
        self.target(insert.relation.as_ref(), DmlCommand::Insert);
        self.option(insert.select_stmt.as_deref());
        if let Some(conflict) = &insert.on_conflict_clause {
            self.nodes(&conflict.target_list);
            self.option(conflict.where_clause.as_deref());
            if let Some(infer) = &conflict.infer {
                self.nodes(&infer.index_elems);
                self.option(infer.where_clause.as_deref());
            }
        }
        self.returning(insert.returning_clause.as_ref());
        self.with.truncate(depth);
    }

    fn update(&mut self, update: &UpdateStmt) {
        let depth = self.enter(update.with_clause.as_ref());
        self.target(update.relation.as_ref(), DmlCommand::Update);
        self.nodes(&update.target_list);
        self.nodes(&update.from_clause);
        self.option(update.where_clause.as_deref());
        self.returning(update.returning_clause.as_ref());
        self.with.truncate(depth);
    }

    fn delete(&mut self, delete: &DeleteStmt) {
        let depth = self.enter(delete.with_clause.as_ref());
        self.target(delete.relation.as_ref(), DmlCommand::Delete);
        self.nodes(&delete.using_clause);
        self.option(delete.where_clause.as_deref());
        self.returning(delete.returning_clause.as_ref());
        self.with.truncate(depth);
    }

    fn merge(&mut self, merge: &MergeStmt) {
        let depth = self.enter(merge.with_clause.as_ref());
        self.target(merge.relation.as_ref(), DmlCommand::Merge);
        self.option(merge.source_relation.as_deref());
        self.option(merge.join_condition.as_deref());
        for when in &merge.merge_when_clauses {
            if let Some(NodeEnum::MergeWhenClause(when)) = &when.node {
                self.option(when.condition.as_deref());
                self.nodes(&when.target_list);
                self.nodes(&when.values);
            }
        }
        self.returning(merge.returning_clause.as_ref());
        self.with.truncate(depth);
    }
}
