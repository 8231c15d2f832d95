//! `DROP`, `RENAME`, `COMMENT`, `GRANT` and whatever else names an object of any kind.

use pg_query::NodeEnum;
use pg_query::protobuf::{DropBehavior, DropStmt, GrantStmt, GrantTargetType, Node, ObjectType, RangeVar, RenameStmt};

use super::alter_table::relation_kind;
use super::draft::Draft;
use super::names::{from_parts, strings};
use crate::script::{LockMode, NonTransactional, RelationKind, RelationName};

/// Says whether an object of this kind is a relation.
pub(super) fn is_relation(object: ObjectType) -> bool {
    matches!(
        object,
        ObjectType::ObjectTable
            | ObjectType::ObjectForeignTable
            | ObjectType::ObjectIndex
            | ObjectType::ObjectSequence
            | ObjectType::ObjectView
            | ObjectType::ObjectMatview
    )
}

/// Says whether an object of this kind hangs on a relation, so that its name ends in `ON table`.
fn hangs_on_relation(object: ObjectType) -> bool {
    matches!(
        object,
        ObjectType::ObjectPolicy | ObjectType::ObjectRule | ObjectType::ObjectTrigger | ObjectType::ObjectTabconstraint
    )
}

/// Notes a `DROP`.
pub(super) fn drop_objects(draft: &mut Draft, statement: &DropStmt) {
    let kind = statement.remove_type();
    let names: Vec<Vec<&str>> = statement.objects.iter().map(strings).collect();
    let mode = if statement.concurrent {
        LockMode::ShareUpdateExclusive
    } else {
        LockMode::AccessExclusive
    };
    if is_relation(kind) {
        if matches!(kind, ObjectType::ObjectTable | ObjectType::ObjectIndex) {
            // The tables that foreign keys refer to, the parent of a partition, the table of an index are locked too.
            draft.dependents();
        }
        for relation in names.iter().filter_map(|parts| from_parts(parts)) {
            draft.lock(relation, mode, relation_kind(kind));
        }
    } else if hangs_on_relation(kind) {
        for relation in names.iter().filter_map(|parts| owner(parts)) {
            draft.lock(relation, mode, RelationKind::Table);
        }
    }
    // A type may be a column's, a function a policy's: without CASCADE the server refuses instead.
    if statement.behavior() == DropBehavior::DropCascade {
        draft.dependents();
    }
    if matches!(
        kind,
        ObjectType::ObjectSchema | ObjectType::ObjectExtension | ObjectType::ObjectStatisticExt
    ) {
        draft.dependents();
    }
    if statement.concurrent {
        let indexes = names.iter().filter_map(|parts| from_parts(parts)).collect();
        draft.never(NonTransactional::DropIndex {
            indexes,
            if_exists: statement.missing_ok,
        });
    }
}

/// Returns the relation in the name of an object that hangs on it: all parts but the last.
fn owner(parts: &[&str]) -> Option<RelationName> {
    from_parts(&parts[..parts.len().saturating_sub(1)])
}

/// Notes a `RENAME`. An index can be renamed beside reads and writes (since version 12).
pub(super) fn rename(draft: &mut Draft, statement: &RenameStmt) {
    let Some(relation) = &statement.relation else { return };
    let kind = statement.rename_type();
    let of = if is_relation(kind) {
        kind
    } else {
        statement.relation_type()
    };
    let mode = if kind == ObjectType::ObjectIndex {
        LockMode::ShareUpdateExclusive
    } else {
        LockMode::AccessExclusive
    };
    draft.lock(super::names::relation_name(relation), mode, relation_kind(of));
    if statement.behavior() == DropBehavior::DropCascade {
        draft.dependents();
    }
}

/// Notes the lock of `COMMENT ON` and `SECURITY LABEL`: on a relation or column, one that keeps other DDL away; on
/// what hangs on a relation, one that only keeps the relation.
pub(super) fn annotate(draft: &mut Draft, kind: ObjectType, object: Option<&Node>) {
    let Some(object) = object else { return };
    let parts = strings(object);
    if is_relation(kind) {
        if let Some(relation) = from_parts(&parts) {
            draft.lock(relation, LockMode::ShareUpdateExclusive, relation_kind(kind));
        }
    } else if kind == ObjectType::ObjectColumn {
        if let Some(relation) = owner(&parts) {
            draft.lock(relation, LockMode::ShareUpdateExclusive, RelationKind::Table);
        }
    } else if hangs_on_relation(kind)
        && let Some(relation) = owner(&parts)
    {
        draft.lock(relation, LockMode::AccessShare, RelationKind::Table);
    }
}

/// Notes `GRANT` and `REVOKE`, which lock the relation only from version 18 on.
pub(super) fn grant(draft: &mut Draft, statement: &GrantStmt) {
    match statement.targtype() {
        GrantTargetType::AclTargetObject if is_relation(statement.objtype()) => {
            for node in &statement.objects {
                if let Some(NodeEnum::RangeVar(range)) = &node.node {
                    lock_granted(draft, range, statement.objtype());
                }
            }
        }
        GrantTargetType::AclTargetAllInSchema => draft.dependents(),
        _ => {}
    }
}

fn lock_granted(draft: &mut Draft, range: &RangeVar, kind: ObjectType) {
    draft.lock(
        super::names::relation_name(range),
        LockMode::AccessShare,
        relation_kind(kind),
    );
}
