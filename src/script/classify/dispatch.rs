//! Finds what to do with each kind of statement.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    CopyStmt, DeclareCursorStmt, DropBehavior, ExplainStmt, LockStmt, Node, RangeVar, TruncateStmt,
};

use super::alter_table::alter_table;
use super::definition;
use super::draft::Draft;
use super::drop;
use super::names::{option, relation_name};
use super::system;
use super::tag::tag;
use super::walk::Walk;
use crate::script::{DmlCommand, LockMode, NonTransactional, RelationKind, SessionEffect};

/// Notes everything a statement does.
pub(super) fn dispatch(draft: &mut Draft, node: &NodeEnum) {
    draft.statement.tag = tag(node);
    let known = query(draft, node)
        || definition(draft, node)
        || alteration(draft, node)
        || session(draft, node)
        || cluster(draft, node)
        || quiet(node);
    if !known {
        draft.opaque();
    }
}

fn query(draft: &mut Draft, node: &NodeEnum) -> bool {
    match node {
        NodeEnum::CreateTableAsStmt(statement) => definition::create_table_as(draft, statement),
        NodeEnum::CopyStmt(statement) => copy(draft, statement),
        NodeEnum::ExplainStmt(statement) => explain(draft, statement),
        NodeEnum::TruncateStmt(statement) => truncate(draft, statement),
        NodeEnum::DeclareCursorStmt(statement) => declare(draft, statement),
        NodeEnum::PrepareStmt(statement) => {
            draft.effect(SessionEffect::Prepared);
            Walk::stored(draft).option(statement.query.as_deref());
        }
        NodeEnum::DoStmt(_) | NodeEnum::CallStmt(_) | NodeEnum::ExecuteStmt(_) | NodeEnum::FetchStmt(_) => {
            draft.opaque();
        }
        _ => return Walk::running(draft).query(node),
    }
    true
}

fn definition(draft: &mut Draft, node: &NodeEnum) -> bool {
    match node {
        NodeEnum::CreateStmt(statement) => definition::create_table(draft, statement),
        NodeEnum::CreateForeignTableStmt(statement) => {
            if let Some(base) = &statement.base_stmt {
                definition::create_table(draft, base);
            }
        }
        NodeEnum::ViewStmt(statement) => definition::create_view(draft, statement),
        NodeEnum::IndexStmt(statement) => definition::create_index(draft, statement),
        NodeEnum::CreateSeqStmt(statement) => definition::create_sequence(draft, statement),
        NodeEnum::CreateTrigStmt(statement) => definition::create_trigger(draft, statement),
        NodeEnum::RuleStmt(statement) => definition::create_rule(draft, statement),
        NodeEnum::CreateFunctionStmt(statement) => definition::create_function(draft, statement),
        NodeEnum::CreatePolicyStmt(statement) => {
            policy(
                draft,
                statement.table.as_ref(),
                [statement.qual.as_deref(), statement.with_check.as_deref()],
            );
        }
        NodeEnum::AlterPolicyStmt(statement) => {
            policy(
                draft,
                statement.table.as_ref(),
                [statement.qual.as_deref(), statement.with_check.as_deref()],
            );
        }
        NodeEnum::CreateStatsStmt(statement) => {
            for node in &statement.relations {
                if let Some(NodeEnum::RangeVar(table)) = &node.node {
                    draft.lock_table(table, LockMode::ShareUpdateExclusive);
                }
            }
        }
        NodeEnum::CreatePublicationStmt(statement) => definition::publication_objects(draft, &statement.pubobjects),
        NodeEnum::AlterPublicationStmt(statement) => definition::publication_objects(draft, &statement.pubobjects),
        NodeEnum::CreateSchemaStmt(statement) => {
            let own_tag = draft.statement.tag;
            for element in statement.schema_elts.iter().filter_map(|element| element.node.as_ref()) {
                dispatch(draft, element);
            }
            draft.statement.tag = own_tag;
        }
        // An extension's script, and the tables of another server, are not in the text.
        NodeEnum::CreateExtensionStmt(_) | NodeEnum::ImportForeignSchemaStmt(_) => draft.unknown(),
        _ => return false,
    }
    true
}

fn alteration(draft: &mut Draft, node: &NodeEnum) -> bool {
    match node {
        NodeEnum::AlterTableStmt(statement) => alter_table(draft, statement),
        NodeEnum::RenameStmt(statement) => drop::rename(draft, statement),
        NodeEnum::AlterObjectSchemaStmt(statement) => {
            if let Some(relation) = &statement.relation {
                draft.lock(
                    relation_name(relation),
                    LockMode::AccessExclusive,
                    super::alter_table::relation_kind(statement.object_type()),
                );
            }
        }
        NodeEnum::AlterObjectDependsStmt(statement) => {
            draft.lock_option(statement.relation.as_ref(), LockMode::AccessExclusive);
        }
        NodeEnum::AlterSeqStmt(statement) => {
            if let Some(sequence) = &statement.sequence {
                draft.lock(
                    relation_name(sequence),
                    LockMode::ShareRowExclusive,
                    RelationKind::Sequence,
                );
            }
            definition::owned_by(draft, &statement.options);
        }
        NodeEnum::AlterEnumStmt(statement) => {
            if statement.old_val.is_empty() {
                draft.statement.adds_enum_value = Some(statement.new_val.clone());
            }
        }
        // Validating a constraint reads every table that has a column of the domain.
        NodeEnum::AlterDomainStmt(_) | NodeEnum::AlterStatsStmt(_) => draft.dependents(),
        NodeEnum::DropStmt(statement) => drop::drop_objects(draft, statement),
        NodeEnum::CommentStmt(statement) => drop::annotate(draft, statement.objtype(), statement.object.as_deref()),
        NodeEnum::SecLabelStmt(statement) => drop::annotate(draft, statement.objtype(), statement.object.as_deref()),
        NodeEnum::AlterExtensionContentsStmt(statement) => {
            drop::annotate(draft, statement.objtype(), statement.object.as_deref());
        }
        NodeEnum::GrantStmt(statement) => drop::grant(draft, statement),
        NodeEnum::AlterTableMoveAllStmt(_)
        | NodeEnum::DropOwnedStmt(_)
        | NodeEnum::ReassignOwnedStmt(_)
        | NodeEnum::AlterExtensionStmt(_) => draft.unknown(),
        NodeEnum::RefreshMatViewStmt(statement) => definition::refresh(draft, statement),
        NodeEnum::LockStmt(statement) => lock(draft, statement),
        _ => return false,
    }
    true
}

fn session(draft: &mut Draft, node: &NodeEnum) -> bool {
    match node {
        NodeEnum::TransactionStmt(statement) => system::transaction(draft, statement),
        NodeEnum::VariableSetStmt(statement) => system::set(draft, statement),
        NodeEnum::DiscardStmt(statement) => system::discard(draft, statement.target()),
        NodeEnum::ListenStmt(_) | NodeEnum::UnlistenStmt(_) => draft.effect(SessionEffect::Listens),
        NodeEnum::DeallocateStmt(_) => draft.effect(SessionEffect::Prepared),
        // A library may do anything when it is loaded.
        NodeEnum::LoadStmt(_) => draft.effect(SessionEffect::Opaque),
        _ => return false,
    }
    true
}

fn cluster(draft: &mut Draft, node: &NodeEnum) -> bool {
    match node {
        NodeEnum::VacuumStmt(statement) => system::vacuum(draft, statement),
        NodeEnum::ClusterStmt(statement) => system::cluster(draft, statement),
        NodeEnum::ReindexStmt(statement) => system::reindex(draft, statement),
        NodeEnum::AlterSystemStmt(statement) => system::alter_system(draft, statement),
        NodeEnum::CreateSubscriptionStmt(statement) => system::create_subscription(draft, statement),
        NodeEnum::AlterSubscriptionStmt(statement) => system::alter_subscription(draft, statement),
        NodeEnum::DropSubscriptionStmt(statement) => {
            draft.never(NonTransactional::DropSubscription {
                name: statement.subname.clone(),
                if_exists: statement.missing_ok,
            });
        }
        NodeEnum::CreatedbStmt(statement) => draft.never(NonTransactional::CreateDatabase {
            name: statement.dbname.clone(),
        }),
        NodeEnum::DropdbStmt(statement) => {
            draft.never(NonTransactional::DropDatabase {
                name: statement.dbname.clone(),
                if_exists: statement.missing_ok,
            });
        }
        NodeEnum::AlterDatabaseStmt(statement) => {
            if option(&statement.options, "tablespace").is_some() {
                draft.never(NonTransactional::AlterDatabaseSetTablespace {
                    name: statement.dbname.clone(),
                });
            }
        }
        NodeEnum::CreateTableSpaceStmt(statement) => {
            draft.never(NonTransactional::CreateTablespace {
                name: statement.tablespacename.clone(),
            });
        }
        NodeEnum::DropTableSpaceStmt(statement) => {
            draft.never(NonTransactional::DropTablespace {
                name: statement.tablespacename.clone(),
                if_exists: statement.missing_ok,
            });
        }
        _ => return false,
    }
    true
}

/// Statements that run inside a transaction, leave nothing in the session and lock no relation of the user's.
fn quiet(node: &NodeEnum) -> bool {
    matches!(
        node,
        NodeEnum::AlterCollationStmt(_)
            | NodeEnum::AlterDatabaseRefreshCollStmt(_)
            | NodeEnum::AlterDatabaseSetStmt(_)
            | NodeEnum::AlterDefaultPrivilegesStmt(_)
            | NodeEnum::AlterEventTrigStmt(_)
            | NodeEnum::AlterFdwStmt(_)
            | NodeEnum::AlterForeignServerStmt(_)
            | NodeEnum::AlterFunctionStmt(_)
            | NodeEnum::AlterOpFamilyStmt(_)
            | NodeEnum::AlterOperatorStmt(_)
            | NodeEnum::AlterOwnerStmt(_)
            | NodeEnum::AlterRoleSetStmt(_)
            | NodeEnum::AlterRoleStmt(_)
            | NodeEnum::AlterTableSpaceOptionsStmt(_)
            | NodeEnum::AlterTsconfigurationStmt(_)
            | NodeEnum::AlterTsdictionaryStmt(_)
            | NodeEnum::AlterTypeStmt(_)
            | NodeEnum::AlterUserMappingStmt(_)
            | NodeEnum::CheckPointStmt(_)
            | NodeEnum::ClosePortalStmt(_)
            | NodeEnum::CompositeTypeStmt(_)
            | NodeEnum::ConstraintsSetStmt(_)
            | NodeEnum::CreateAmStmt(_)
            | NodeEnum::CreateCastStmt(_)
            | NodeEnum::CreateConversionStmt(_)
            | NodeEnum::CreateDomainStmt(_)
            | NodeEnum::CreateEnumStmt(_)
            | NodeEnum::CreateEventTrigStmt(_)
            | NodeEnum::CreateFdwStmt(_)
            | NodeEnum::CreateForeignServerStmt(_)
            | NodeEnum::CreateOpClassStmt(_)
            | NodeEnum::CreateOpFamilyStmt(_)
            | NodeEnum::CreatePlangStmt(_)
            | NodeEnum::CreateRangeStmt(_)
            | NodeEnum::CreateRoleStmt(_)
            | NodeEnum::CreateTransformStmt(_)
            | NodeEnum::CreateUserMappingStmt(_)
            | NodeEnum::DefineStmt(_)
            | NodeEnum::DropRoleStmt(_)
            | NodeEnum::DropUserMappingStmt(_)
            | NodeEnum::GrantRoleStmt(_)
            | NodeEnum::NotifyStmt(_)
            | NodeEnum::VariableShowStmt(_)
    )
}

fn copy(draft: &mut Draft, statement: &CopyStmt) {
    let through_client = statement.filename.is_empty() && !statement.is_program;
    if statement.is_from {
        draft.statement.copy_from_stdin = through_client;
        draft.lock_option(statement.relation.as_ref(), LockMode::RowExclusive);
        draft.write(DmlCommand::CopyFrom, statement.relation.as_ref());
    } else {
        draft.statement.copy_to_stdout = through_client;
        draft.lock_option(statement.relation.as_ref(), LockMode::AccessShare);
    }
    let mut walk = Walk::running(draft);
    walk.option(statement.query.as_deref());
    walk.option(statement.where_clause.as_deref());
}

/// `EXPLAIN` plans its statement, which takes the locks; only with `ANALYZE` does it run.
fn explain(draft: &mut Draft, statement: &ExplainStmt) {
    let runs = option(&statement.options, "analyze") == Some(true);
    match statement.query.as_ref().and_then(|query| query.node.as_ref()) {
        Some(
            query @ (NodeEnum::CreateTableAsStmt(_)
            | NodeEnum::DeclareCursorStmt(_)
            | NodeEnum::ExecuteStmt(_)
            | NodeEnum::RefreshMatViewStmt(_)),
        ) => {
            dispatch(draft, query);
            draft.statement.tag = "EXPLAIN";
            if !runs {
                draft.statement.creates.clear();
            }
        }
        Some(query) if runs => Walk::running(draft).tree(query),
        Some(query) => Walk::stored(draft).tree(query),
        None => {}
    }
}

fn truncate(draft: &mut Draft, statement: &TruncateStmt) {
    for table in ranges(&statement.relations) {
        draft.lock_table(table, LockMode::AccessExclusive);
        draft.write(DmlCommand::Truncate, Some(table));
    }
    if statement.restart_seqs || statement.behavior() == DropBehavior::DropCascade {
        draft.dependents();
    }
}

fn declare(draft: &mut Draft, statement: &DeclareCursorStmt) {
    // CURSOR_OPT_HOLD, from the server's `src/include/nodes/parsenodes.h`.
    const HOLD: i32 = 0x0020;
    if statement.options & HOLD != 0 {
        draft.effect(SessionEffect::HoldsCursor);
    }
    Walk::running(draft).option(statement.query.as_deref());
}

fn lock(draft: &mut Draft, statement: &LockStmt) {
    // The grammar hands out the numbers of the server's lock modes, from 1.
    let mode = usize::try_from(statement.mode - 1)
        .ok()
        .and_then(|index| LockMode::ALL.get(index).copied());
    for table in ranges(&statement.relations) {
        draft.lock_table(table, mode.unwrap_or(LockMode::AccessExclusive));
    }
}

fn policy(draft: &mut Draft, table: Option<&RangeVar>, expressions: [Option<&Node>; 2]) {
    draft.lock_option(table, LockMode::AccessExclusive);
    for expression in expressions {
        Walk::stored(draft).option(expression);
    }
}

fn ranges(nodes: &[Node]) -> impl Iterator<Item = &RangeVar> {
    nodes.iter().filter_map(|node| match &node.node {
        Some(NodeEnum::RangeVar(range)) => Some(range),
        _ => None,
    })
}
