//! `ALTER TABLE` and its relatives: what each subcommand locks.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    AlterTableCmd, AlterTableStmt, AlterTableType, ColumnDef, ConstrType, Constraint, DropBehavior, Node, ObjectType,
    PartitionCmd,
};

use super::draft::Draft;
use super::names::relation_name;
use super::walk::Walk;
use crate::script::{LockMode, NonTransactional, RelationKind};

/// Storage parameters that are changed beside reads and writes (`src/backend/access/common/reloptions.c`); all others
/// need the strongest lock. Those of autovacuum are known by their prefix.
const LIGHT_OPTIONS: [&str; 8] = [
    "fillfactor",
    "toast_tuple_target",
    "parallel_workers",
    "log_autovacuum_min_duration",
    "vacuum_index_cleanup",
    "vacuum_truncate",
    "vacuum_max_eager_freeze_failure_rate",
    "deduplicate_items",
];

/// Notes what an `ALTER TABLE` does. Its lock is the strongest that one of its subcommands needs.
pub(super) fn alter_table(draft: &mut Draft, statement: &AlterTableStmt) {
    let Some(relation) = &statement.relation else { return };
    let kind = relation_kind(statement.objtype());
    // Named first, although only the subcommands tell how strong the lock is.
    draft.lock(relation_name(relation), LockMode::AccessShare, kind);
    for node in &statement.cmds {
        if let Some(NodeEnum::AlterTableCmd(command)) = &node.node {
            let mode = subcommand(draft, command, statement);
            draft.lock(relation_name(relation), mode, kind);
        }
    }
}

/// Returns what kind of relation a statement about this kind of object names.
pub(super) fn relation_kind(object: ObjectType) -> RelationKind {
    match object {
        ObjectType::ObjectIndex => RelationKind::Index,
        ObjectType::ObjectSequence => RelationKind::Sequence,
        ObjectType::ObjectView => RelationKind::View,
        ObjectType::ObjectMatview => RelationKind::MaterializedView,
        _ => RelationKind::Table,
    }
}

/// Notes what a subcommand does beyond the altered table, and returns the lock it needs on that
/// (manual, `ALTER TABLE`; `AlterTableGetLockLevel` in the server).
fn subcommand(draft: &mut Draft, command: &AlterTableCmd, statement: &AlterTableStmt) -> LockMode {
    use AlterTableType as At;
    if command.behavior() == DropBehavior::DropCascade {
        draft.dependents();
    }
    let definition = command.def.as_ref().and_then(|node| node.node.as_ref());
    match command.subtype() {
        At::AtSetStatistics
        | At::AtClusterOn
        | At::AtDropCluster
        | At::AtSetOptions
        | At::AtResetOptions
        | At::AtValidateConstraint => {
            if command.subtype() == At::AtValidateConstraint {
                // A foreign key locks the table it refers to as well, in ROW SHARE mode.
                draft.dependents();
            }
            LockMode::ShareUpdateExclusive
        }
        At::AtEnableTrig
        | At::AtEnableAlwaysTrig
        | At::AtEnableReplicaTrig
        | At::AtDisableTrig
        | At::AtEnableTrigAll
        | At::AtDisableTrigAll
        | At::AtEnableTrigUser
        | At::AtDisableTrigUser => LockMode::ShareRowExclusive,
        At::AtSetRelOptions | At::AtResetRelOptions | At::AtReplaceRelOptions => storage_options(definition),
        At::AtAddConstraint => match definition {
            Some(NodeEnum::Constraint(constraint)) => add_constraint(draft, constraint),
            _ => LockMode::AccessExclusive,
        },
        At::AtAddColumn | At::AtAlterColumnType => {
            if let Some(NodeEnum::ColumnDef(column)) = definition {
                column_definition(&mut Walk::running(draft), column);
            }
            LockMode::AccessExclusive
        }
        At::AtAddInherit | At::AtDropInherit => {
            if let Some(NodeEnum::RangeVar(parent)) = definition {
                draft.lock_table(parent, LockMode::ShareUpdateExclusive);
            }
            LockMode::AccessExclusive
        }
        At::AtAttachPartition | At::AtDetachPartition | At::AtDetachPartitionFinalize => {
            partition(draft, command.subtype(), definition, statement)
        }
        At::AtDropConstraint | At::AtDropColumn | At::AtAlterConstraint => {
            // A foreign key is taken off the table it refers to as well.
            draft.dependents();
            LockMode::AccessExclusive
        }
        _ => LockMode::AccessExclusive,
    }
}

fn storage_options(definition: Option<&NodeEnum>) -> LockMode {
    let Some(NodeEnum::List(list)) = definition else {
        return LockMode::AccessExclusive;
    };
    let light = |node: &Node| match &node.node {
        Some(NodeEnum::DefElem(element)) => {
            LIGHT_OPTIONS.contains(&element.defname.as_str()) || element.defname.starts_with("autovacuum_")
        }
        _ => false,
    };
    if list.items.iter().all(light) {
        LockMode::ShareUpdateExclusive
    } else {
        LockMode::AccessExclusive
    }
}

/// Notes a constraint that is added to an existing table, and returns the lock on that.
fn add_constraint(draft: &mut Draft, constraint: &Constraint) -> LockMode {
    referenced(draft, constraint);
    Walk::running(draft).option(constraint.raw_expr.as_deref());
    match constraint.contype() {
        ConstrType::ConstrForeign => LockMode::ShareRowExclusive,
        _ => LockMode::AccessExclusive,
    }
}

/// Notes the table that a foreign key refers to.
pub(super) fn referenced(draft: &mut Draft, constraint: &Constraint) {
    if let Some(table) = &constraint.pktable {
        draft.lock_table(table, LockMode::ShareRowExclusive);
    }
}

/// Notes what a column's default, checks and foreign keys reach.
pub(super) fn column_definition(walk: &mut Walk<'_>, column: &ColumnDef) {
    walk.option(column.raw_default.as_deref());
    for node in &column.constraints {
        if let Some(NodeEnum::Constraint(constraint)) = &node.node {
            referenced(walk.draft, constraint);
            walk.option(constraint.raw_expr.as_deref());
        }
    }
}

/// Notes `ATTACH` and `DETACH PARTITION`, and returns the lock on the partitioned table.
fn partition(
    draft: &mut Draft,
    subtype: AlterTableType,
    definition: Option<&NodeEnum>,
    statement: &AlterTableStmt,
) -> LockMode {
    let Some(NodeEnum::PartitionCmd(command)) = definition else {
        return LockMode::AccessExclusive;
    };
    // Where there is a default partition, it is locked too.
    draft.dependents();
    if let Some(partition) = &command.name {
        draft.lock(
            relation_name(partition),
            LockMode::AccessExclusive,
            relation_kind(statement.objtype()),
        );
    }
    detach_concurrently(draft, command, statement);
    match subtype {
        AlterTableType::AtDetachPartition if !command.concurrent => LockMode::AccessExclusive,
        _ => LockMode::ShareUpdateExclusive,
    }
}

fn detach_concurrently(draft: &mut Draft, command: &PartitionCmd, statement: &AlterTableStmt) {
    if let (true, Some(parent), Some(partition)) = (command.concurrent, &statement.relation, &command.name) {
        draft.never(NonTransactional::DetachPartition {
            parent: relation_name(parent),
            partition: relation_name(partition),
        });
    }
}
