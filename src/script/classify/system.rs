//! Statements about the session, the transaction and the whole cluster.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    AlterSubscriptionStmt, AlterSubscriptionType, AlterSystemStmt, ClusterStmt, CreateSubscriptionStmt, DiscardMode,
    Node, RangeVar, ReindexObjectType, ReindexStmt, TransactionStmt, TransactionStmtKind, VacuumStmt, VariableSetKind,
    VariableSetStmt,
};

use super::draft::Draft;
use super::names::{option, relation_name};
use super::walk::is_role_setting;
use crate::script::{LockMode, NonTransactional, ReindexTarget, RelationKind, SessionEffect, TransactionControl};

/// Notes transaction control.
pub(super) fn transaction(draft: &mut Draft, statement: &TransactionStmt) {
    let (name, gid) = (statement.savepoint_name.clone(), statement.gid.clone());
    let chain = statement.chain;
    draft.statement.control = match statement.kind() {
        TransactionStmtKind::Undefined => None,
        TransactionStmtKind::TransStmtBegin | TransactionStmtKind::TransStmtStart => Some(TransactionControl::Begin {
            modes: !statement.options.is_empty(),
        }),
        TransactionStmtKind::TransStmtCommit => Some(TransactionControl::Commit { chain }),
        TransactionStmtKind::TransStmtRollback => Some(TransactionControl::Rollback { chain }),
        TransactionStmtKind::TransStmtSavepoint => Some(TransactionControl::Savepoint(name)),
        TransactionStmtKind::TransStmtRelease => Some(TransactionControl::Release(name)),
        TransactionStmtKind::TransStmtRollbackTo => Some(TransactionControl::RollbackTo(name)),
        TransactionStmtKind::TransStmtPrepare => Some(TransactionControl::PrepareTransaction(gid)),
        TransactionStmtKind::TransStmtCommitPrepared => {
            draft.never(NonTransactional::CommitPrepared { gid: gid.clone() });
            Some(TransactionControl::CommitPrepared(gid))
        }
        TransactionStmtKind::TransStmtRollbackPrepared => {
            draft.never(NonTransactional::RollbackPrepared { gid: gid.clone() });
            Some(TransactionControl::RollbackPrepared(gid))
        }
    };
}

/// Notes `SET` and `RESET`.
pub(super) fn set(draft: &mut Draft, statement: &VariableSetStmt) {
    if statement.kind() == VariableSetKind::VarSetMulti && statement.name != "SESSION CHARACTERISTICS" {
        draft.statement.control = Some(TransactionControl::SetTransaction);
        return;
    }
    draft.effect(if statement.is_local {
        SessionEffect::SetsLocal
    } else {
        SessionEffect::Sets
    });
    if is_role_setting(&statement.name) || statement.kind() == VariableSetKind::VarResetAll {
        draft.effect(SessionEffect::Role);
    }
}

/// Notes `DISCARD`.
pub(super) fn discard(draft: &mut Draft, target: DiscardMode) {
    match target {
        DiscardMode::DiscardAll => {
            draft.never(NonTransactional::DiscardAll);
            for effect in [
                SessionEffect::Sets,
                SessionEffect::Role,
                SessionEffect::Temporary,
                SessionEffect::Prepared,
            ] {
                draft.effect(effect);
            }
            for effect in [
                SessionEffect::Listens,
                SessionEffect::HoldsCursor,
                SessionEffect::AdvisoryLock,
            ] {
                draft.effect(effect);
            }
        }
        DiscardMode::DiscardTemp => draft.effect(SessionEffect::Temporary),
        DiscardMode::DiscardPlans | DiscardMode::DiscardSequences | DiscardMode::Undefined => {}
    }
}

/// Notes `ALTER SYSTEM`.
pub(super) fn alter_system(draft: &mut Draft, statement: &AlterSystemStmt) {
    let setting = statement
        .setstmt
        .as_ref()
        .map(|set| set.name.clone())
        .filter(|name| !name.is_empty());
    draft.never(NonTransactional::AlterSystem { setting });
}

/// Notes `VACUUM` and `ANALYZE`.
pub(super) fn vacuum(draft: &mut Draft, statement: &VacuumStmt) {
    let tables: Vec<&RangeVar> = statement
        .rels
        .iter()
        .filter_map(|node| match &node.node {
            Some(NodeEnum::VacuumRelation(relation)) => relation.relation.as_ref(),
            _ => None,
        })
        .collect();
    let full = statement.is_vacuumcmd && option(&statement.options, "full") == Some(true);
    let mode = if full {
        LockMode::AccessExclusive
    } else {
        LockMode::ShareUpdateExclusive
    };
    for table in &tables {
        draft.lock_table(table, mode);
    }
    if tables.is_empty() {
        draft.unknown();
    }
    if statement.is_vacuumcmd {
        draft.never(NonTransactional::Vacuum {
            tables: tables.into_iter().map(relation_name).collect(),
            full,
        });
    }
}

/// Notes `CLUSTER`.
pub(super) fn cluster(draft: &mut Draft, statement: &ClusterStmt) {
    if let Some(table) = &statement.relation {
        draft.lock_table(table, LockMode::AccessExclusive);
    } else {
        draft.unknown();
        draft.never(NonTransactional::ClusterAll);
    }
}

/// Notes `REINDEX`.
pub(super) fn reindex(draft: &mut Draft, statement: &ReindexStmt) {
    let concurrently = option(&statement.params, "concurrently") == Some(true);
    let target = match (statement.kind(), &statement.relation) {
        (ReindexObjectType::ReindexObjectIndex, Some(index)) => {
            // The index's table is locked in SHARE mode: reads go on, except those that would use the index.
            let mode = if concurrently {
                LockMode::ShareUpdateExclusive
            } else {
                LockMode::AccessExclusive
            };
            draft.lock(relation_name(index), mode, RelationKind::Index);
            draft.dependents();
            ReindexTarget::Index(relation_name(index))
        }
        (ReindexObjectType::ReindexObjectTable, Some(table)) => {
            draft.lock_table(
                table,
                if concurrently {
                    LockMode::ShareUpdateExclusive
                } else {
                    LockMode::Share
                },
            );
            draft.dependents();
            ReindexTarget::Table(relation_name(table))
        }
        (ReindexObjectType::ReindexObjectSchema, _) => ReindexTarget::Schema(statement.name.clone()),
        (ReindexObjectType::ReindexObjectSystem, _) => ReindexTarget::System,
        _ => ReindexTarget::Database,
    };
    let many = matches!(
        target,
        ReindexTarget::Schema(_) | ReindexTarget::System | ReindexTarget::Database
    );
    if many {
        draft.unknown();
    }
    if many || concurrently {
        draft.never(NonTransactional::Reindex { target, concurrently });
    }
}

/// Notes `CREATE SUBSCRIPTION`, which is free to run inside a transaction as long as it makes no slot.
pub(super) fn create_subscription(draft: &mut Draft, statement: &CreateSubscriptionStmt) {
    draft.dependents();
    let off = |name| option(&statement.options, name) == Some(false);
    if !off("create_slot") && !off("connect") {
        draft.never(NonTransactional::CreateSubscription {
            name: statement.subname.clone(),
        });
    }
}

/// Notes `ALTER SUBSCRIPTION`, which speaks to the publisher when it refreshes or changes the slot.
pub(super) fn alter_subscription(draft: &mut Draft, statement: &AlterSubscriptionStmt) {
    let speaks = match statement.kind() {
        AlterSubscriptionType::AlterSubscriptionRefresh => true,
        AlterSubscriptionType::AlterSubscriptionSetPublication
        | AlterSubscriptionType::AlterSubscriptionAddPublication
        | AlterSubscriptionType::AlterSubscriptionDropPublication => {
            option(&statement.options, "refresh") != Some(false)
        }
        AlterSubscriptionType::AlterSubscriptionOptions => names_option(&statement.options, &["failover", "two_phase"]),
        _ => false,
    };
    if speaks {
        draft.dependents();
        draft.never(NonTransactional::AlterSubscription {
            name: statement.subname.clone(),
        });
    }
}

fn names_option(options: &[Node], names: &[&str]) -> bool {
    names.iter().any(|name| option(options, name).is_some())
}
