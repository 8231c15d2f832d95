//! Command tags: what the server calls each kind of statement.

use pg_query::NodeEnum;
use pg_query::protobuf::{ObjectType, TransactionStmtKind, VariableSetKind};

use super::definition::table_as_tag;

/// Returns the name of a command, as in the server's `cmdtaglist.h`.
pub(super) fn tag(node: &NodeEnum) -> &'static str {
    query_tag(node)
        .or_else(|| object_tag(node))
        .or_else(|| create_tag(node))
        .or_else(|| alter_tag(node))
        .unwrap_or_else(|| other_tag(node))
}

fn query_tag(node: &NodeEnum) -> Option<&'static str> {
    Some(match node {
        NodeEnum::SelectStmt(select) if select.into_clause.is_some() => "SELECT INTO",
        NodeEnum::SelectStmt(_) => "SELECT",
        NodeEnum::InsertStmt(_) => "INSERT",
        NodeEnum::UpdateStmt(_) => "UPDATE",
        NodeEnum::DeleteStmt(_) => "DELETE",
        NodeEnum::MergeStmt(_) => "MERGE",
        NodeEnum::CopyStmt(_) => "COPY",
        NodeEnum::ExplainStmt(_) => "EXPLAIN",
        NodeEnum::TruncateStmt(_) => "TRUNCATE TABLE",
        NodeEnum::CreateTableAsStmt(statement) => table_as_tag(statement),
        NodeEnum::DoStmt(_) => "DO",
        NodeEnum::CallStmt(_) => "CALL",
        NodeEnum::PrepareStmt(_) => "PREPARE",
        NodeEnum::ExecuteStmt(_) => "EXECUTE",
        NodeEnum::DeallocateStmt(_) => "DEALLOCATE",
        NodeEnum::DeclareCursorStmt(_) => "DECLARE CURSOR",
        NodeEnum::ClosePortalStmt(_) => "CLOSE CURSOR",
        NodeEnum::FetchStmt(fetch) if fetch.ismove => "MOVE",
        NodeEnum::FetchStmt(_) => "FETCH",
        _ => return None,
    })
}

/// Statements whose tag names the kind of object.
fn object_tag(node: &NodeEnum) -> Option<&'static str> {
    Some(match node {
        NodeEnum::DropStmt(statement) => by_object(Verb::Drop, statement.remove_type()),
        NodeEnum::AlterTableStmt(statement) => by_object(Verb::Alter, statement.objtype()),
        NodeEnum::RenameStmt(statement) => {
            by_object(Verb::Alter, renamed(statement.rename_type(), statement.relation_type()))
        }
        NodeEnum::AlterObjectSchemaStmt(statement) => by_object(Verb::Alter, statement.object_type()),
        NodeEnum::AlterObjectDependsStmt(statement) => by_object(Verb::Alter, statement.object_type()),
        NodeEnum::AlterOwnerStmt(statement) => by_object(Verb::Alter, statement.object_type()),
        NodeEnum::AlterFunctionStmt(statement) => by_object(Verb::Alter, statement.objtype()),
        NodeEnum::DefineStmt(statement) => by_object(Verb::Create, statement.kind()),
        _ => return None,
    })
}

/// A column or constraint is renamed by an `ALTER` of what it belongs to.
fn renamed(kind: ObjectType, of: ObjectType) -> ObjectType {
    match kind {
        ObjectType::ObjectColumn | ObjectType::ObjectAttribute => of,
        ObjectType::ObjectTabconstraint => ObjectType::ObjectTable,
        ObjectType::ObjectDomconstraint => ObjectType::ObjectDomain,
        other => other,
    }
}

/// What is done to an object.
#[derive(Clone, Copy, Debug)]
enum Verb {
    Create,
    Alter,
    Drop,
}

/// Puts a verb before the name of a kind of object. A kind that has no command of its own is part of a table.
fn by_object(verb: Verb, object: ObjectType) -> &'static str {
    let names = OBJECTS
        .iter()
        .find(|(known, _)| *known == object)
        .map_or(TABLE, |&(_, names)| names);
    names[verb as usize]
}

const TABLE: [&str; 3] = ["CREATE TABLE", "ALTER TABLE", "DROP TABLE"];

#[rustfmt::skip]
const OBJECTS: [(ObjectType, [&str; 3]); 39] = [
    (ObjectType::ObjectAccessMethod, ["CREATE ACCESS METHOD", "ALTER ACCESS METHOD", "DROP ACCESS METHOD"]),
    (ObjectType::ObjectAggregate, ["CREATE AGGREGATE", "ALTER AGGREGATE", "DROP AGGREGATE"]),
    (ObjectType::ObjectCast, ["CREATE CAST", "ALTER CAST", "DROP CAST"]),
    (ObjectType::ObjectCollation, ["CREATE COLLATION", "ALTER COLLATION", "DROP COLLATION"]),
    (ObjectType::ObjectConversion, ["CREATE CONVERSION", "ALTER CONVERSION", "DROP CONVERSION"]),
    (ObjectType::ObjectDatabase, ["CREATE DATABASE", "ALTER DATABASE", "DROP DATABASE"]),
    (ObjectType::ObjectDomain, ["CREATE DOMAIN", "ALTER DOMAIN", "DROP DOMAIN"]),
    (ObjectType::ObjectEventTrigger, ["CREATE EVENT TRIGGER", "ALTER EVENT TRIGGER", "DROP EVENT TRIGGER"]),
    (ObjectType::ObjectExtension, ["CREATE EXTENSION", "ALTER EXTENSION", "DROP EXTENSION"]),
    (ObjectType::ObjectFdw, ["CREATE FOREIGN DATA WRAPPER", "ALTER FOREIGN DATA WRAPPER", "DROP FOREIGN DATA WRAPPER"]),
    (ObjectType::ObjectForeignServer, ["CREATE SERVER", "ALTER SERVER", "DROP SERVER"]),
    (ObjectType::ObjectForeignTable, ["CREATE FOREIGN TABLE", "ALTER FOREIGN TABLE", "DROP FOREIGN TABLE"]),
    (ObjectType::ObjectFunction, ["CREATE FUNCTION", "ALTER FUNCTION", "DROP FUNCTION"]),
    (ObjectType::ObjectIndex, ["CREATE INDEX", "ALTER INDEX", "DROP INDEX"]),
    (ObjectType::ObjectLanguage, ["CREATE LANGUAGE", "ALTER LANGUAGE", "DROP LANGUAGE"]),
    (ObjectType::ObjectLargeobject, ["CREATE LARGE OBJECT", "ALTER LARGE OBJECT", "DROP LARGE OBJECT"]),
    (ObjectType::ObjectMatview, ["CREATE MATERIALIZED VIEW", "ALTER MATERIALIZED VIEW", "DROP MATERIALIZED VIEW"]),
    (ObjectType::ObjectOpclass, ["CREATE OPERATOR CLASS", "ALTER OPERATOR CLASS", "DROP OPERATOR CLASS"]),
    (ObjectType::ObjectOperator, ["CREATE OPERATOR", "ALTER OPERATOR", "DROP OPERATOR"]),
    (ObjectType::ObjectOpfamily, ["CREATE OPERATOR FAMILY", "ALTER OPERATOR FAMILY", "DROP OPERATOR FAMILY"]),
    (ObjectType::ObjectPolicy, ["CREATE POLICY", "ALTER POLICY", "DROP POLICY"]),
    (ObjectType::ObjectProcedure, ["CREATE PROCEDURE", "ALTER PROCEDURE", "DROP PROCEDURE"]),
    (ObjectType::ObjectPublication, ["CREATE PUBLICATION", "ALTER PUBLICATION", "DROP PUBLICATION"]),
    (ObjectType::ObjectRole, ["CREATE ROLE", "ALTER ROLE", "DROP ROLE"]),
    (ObjectType::ObjectRoutine, ["CREATE ROUTINE", "ALTER ROUTINE", "DROP ROUTINE"]),
    (ObjectType::ObjectRule, ["CREATE RULE", "ALTER RULE", "DROP RULE"]),
    (ObjectType::ObjectSchema, ["CREATE SCHEMA", "ALTER SCHEMA", "DROP SCHEMA"]),
    (ObjectType::ObjectSequence, ["CREATE SEQUENCE", "ALTER SEQUENCE", "DROP SEQUENCE"]),
    (ObjectType::ObjectStatisticExt, ["CREATE STATISTICS", "ALTER STATISTICS", "DROP STATISTICS"]),
    (ObjectType::ObjectSubscription, ["CREATE SUBSCRIPTION", "ALTER SUBSCRIPTION", "DROP SUBSCRIPTION"]),
    (ObjectType::ObjectTablespace, ["CREATE TABLESPACE", "ALTER TABLESPACE", "DROP TABLESPACE"]),
    (ObjectType::ObjectTransform, ["CREATE TRANSFORM", "ALTER TRANSFORM", "DROP TRANSFORM"]),
    (ObjectType::ObjectTrigger, ["CREATE TRIGGER", "ALTER TRIGGER", "DROP TRIGGER"]),
    (ObjectType::ObjectTsconfiguration, ["CREATE TEXT SEARCH CONFIGURATION", "ALTER TEXT SEARCH CONFIGURATION", "DROP TEXT SEARCH CONFIGURATION"]),
    (ObjectType::ObjectTsdictionary, ["CREATE TEXT SEARCH DICTIONARY", "ALTER TEXT SEARCH DICTIONARY", "DROP TEXT SEARCH DICTIONARY"]),
    (ObjectType::ObjectTsparser, ["CREATE TEXT SEARCH PARSER", "ALTER TEXT SEARCH PARSER", "DROP TEXT SEARCH PARSER"]),
    (ObjectType::ObjectTstemplate, ["CREATE TEXT SEARCH TEMPLATE", "ALTER TEXT SEARCH TEMPLATE", "DROP TEXT SEARCH TEMPLATE"]),
    (ObjectType::ObjectType, ["CREATE TYPE", "ALTER TYPE", "DROP TYPE"]),
    (ObjectType::ObjectView, ["CREATE VIEW", "ALTER VIEW", "DROP VIEW"]),
];

fn create_tag(node: &NodeEnum) -> Option<&'static str> {
    Some(match node {
        NodeEnum::CreateStmt(_) => "CREATE TABLE",
        NodeEnum::CreateForeignTableStmt(_) => "CREATE FOREIGN TABLE",
        NodeEnum::ViewStmt(_) => "CREATE VIEW",
        NodeEnum::IndexStmt(_) => "CREATE INDEX",
        NodeEnum::CreateSeqStmt(_) => "CREATE SEQUENCE",
        NodeEnum::CreateTrigStmt(_) => "CREATE TRIGGER",
        NodeEnum::CreateEventTrigStmt(_) => "CREATE EVENT TRIGGER",
        NodeEnum::RuleStmt(_) => "CREATE RULE",
        NodeEnum::CreateFunctionStmt(statement) if statement.is_procedure => "CREATE PROCEDURE",
        NodeEnum::CreateFunctionStmt(_) => "CREATE FUNCTION",
        NodeEnum::CreatePolicyStmt(_) => "CREATE POLICY",
        NodeEnum::CreateStatsStmt(_) => "CREATE STATISTICS",
        NodeEnum::CreatePublicationStmt(_) => "CREATE PUBLICATION",
        NodeEnum::CreateSubscriptionStmt(_) => "CREATE SUBSCRIPTION",
        NodeEnum::CreateSchemaStmt(_) => "CREATE SCHEMA",
        NodeEnum::CreateExtensionStmt(_) => "CREATE EXTENSION",
        NodeEnum::CreatedbStmt(_) => "CREATE DATABASE",
        NodeEnum::CreateTableSpaceStmt(_) => "CREATE TABLESPACE",
        NodeEnum::CreateRoleStmt(_) => "CREATE ROLE",
        NodeEnum::CompositeTypeStmt(_) | NodeEnum::CreateEnumStmt(_) | NodeEnum::CreateRangeStmt(_) => "CREATE TYPE",
        NodeEnum::CreateDomainStmt(_) => "CREATE DOMAIN",
        NodeEnum::CreateCastStmt(_) => "CREATE CAST",
        NodeEnum::CreateTransformStmt(_) => "CREATE TRANSFORM",
        NodeEnum::CreateConversionStmt(_) => "CREATE CONVERSION",
        NodeEnum::CreateAmStmt(_) => "CREATE ACCESS METHOD",
        NodeEnum::CreatePlangStmt(_) => "CREATE LANGUAGE",
        NodeEnum::CreateFdwStmt(_) => "CREATE FOREIGN DATA WRAPPER",
        NodeEnum::CreateForeignServerStmt(_) => "CREATE SERVER",
        NodeEnum::CreateUserMappingStmt(_) => "CREATE USER MAPPING",
        NodeEnum::CreateOpClassStmt(_) => "CREATE OPERATOR CLASS",
        NodeEnum::CreateOpFamilyStmt(_) => "CREATE OPERATOR FAMILY",
        NodeEnum::ImportForeignSchemaStmt(_) => "IMPORT FOREIGN SCHEMA",
        _ => return None,
    })
}

fn alter_tag(node: &NodeEnum) -> Option<&'static str> {
    Some(match node {
        NodeEnum::AlterTableMoveAllStmt(statement) => by_object(Verb::Alter, statement.objtype()),
        NodeEnum::AlterPolicyStmt(_) => "ALTER POLICY",
        NodeEnum::AlterSeqStmt(_) => "ALTER SEQUENCE",
        NodeEnum::AlterEnumStmt(_) | NodeEnum::AlterTypeStmt(_) => "ALTER TYPE",
        NodeEnum::AlterDomainStmt(_) => "ALTER DOMAIN",
        NodeEnum::AlterStatsStmt(_) => "ALTER STATISTICS",
        NodeEnum::AlterExtensionStmt(_) | NodeEnum::AlterExtensionContentsStmt(_) => "ALTER EXTENSION",
        NodeEnum::AlterPublicationStmt(_) => "ALTER PUBLICATION",
        NodeEnum::AlterSubscriptionStmt(_) => "ALTER SUBSCRIPTION",
        NodeEnum::AlterSystemStmt(_) => "ALTER SYSTEM",
        NodeEnum::AlterDatabaseStmt(_)
        | NodeEnum::AlterDatabaseSetStmt(_)
        | NodeEnum::AlterDatabaseRefreshCollStmt(_) => "ALTER DATABASE",
        NodeEnum::AlterRoleStmt(_) | NodeEnum::AlterRoleSetStmt(_) => "ALTER ROLE",
        NodeEnum::AlterTableSpaceOptionsStmt(_) => "ALTER TABLESPACE",
        NodeEnum::AlterCollationStmt(_) => "ALTER COLLATION",
        NodeEnum::AlterDefaultPrivilegesStmt(_) => "ALTER DEFAULT PRIVILEGES",
        NodeEnum::AlterEventTrigStmt(_) => "ALTER EVENT TRIGGER",
        NodeEnum::AlterFdwStmt(_) => "ALTER FOREIGN DATA WRAPPER",
        NodeEnum::AlterForeignServerStmt(_) => "ALTER SERVER",
        NodeEnum::AlterUserMappingStmt(_) => "ALTER USER MAPPING",
        NodeEnum::AlterOpFamilyStmt(_) => "ALTER OPERATOR FAMILY",
        NodeEnum::AlterOperatorStmt(_) => "ALTER OPERATOR",
        NodeEnum::AlterTsconfigurationStmt(_) => "ALTER TEXT SEARCH CONFIGURATION",
        NodeEnum::AlterTsdictionaryStmt(_) => "ALTER TEXT SEARCH DICTIONARY",
        _ => return None,
    })
}

fn other_tag(node: &NodeEnum) -> &'static str {
    match node {
        NodeEnum::TransactionStmt(statement) => transaction_tag(statement.kind()),
        NodeEnum::VariableSetStmt(statement) => match statement.kind() {
            VariableSetKind::VarReset | VariableSetKind::VarResetAll => "RESET",
            _ => "SET",
        },
        NodeEnum::VariableShowStmt(_) => "SHOW",
        NodeEnum::ConstraintsSetStmt(_) => "SET CONSTRAINTS",
        NodeEnum::DiscardStmt(statement) => match statement.target() {
            pg_query::protobuf::DiscardMode::DiscardPlans => "DISCARD PLANS",
            pg_query::protobuf::DiscardMode::DiscardSequences => "DISCARD SEQUENCES",
            pg_query::protobuf::DiscardMode::DiscardTemp => "DISCARD TEMP",
            _ => "DISCARD ALL",
        },
        NodeEnum::GrantStmt(statement) if statement.is_grant => "GRANT",
        NodeEnum::GrantStmt(_) => "REVOKE",
        NodeEnum::GrantRoleStmt(statement) if statement.is_grant => "GRANT ROLE",
        NodeEnum::GrantRoleStmt(_) => "REVOKE ROLE",
        NodeEnum::CommentStmt(_) => "COMMENT",
        NodeEnum::SecLabelStmt(_) => "SECURITY LABEL",
        NodeEnum::RefreshMatViewStmt(_) => "REFRESH MATERIALIZED VIEW",
        NodeEnum::LockStmt(_) => "LOCK TABLE",
        NodeEnum::VacuumStmt(statement) if statement.is_vacuumcmd => "VACUUM",
        NodeEnum::VacuumStmt(_) => "ANALYZE",
        NodeEnum::ClusterStmt(_) => "CLUSTER",
        NodeEnum::ReindexStmt(_) => "REINDEX",
        NodeEnum::CheckPointStmt(_) => "CHECKPOINT",
        NodeEnum::ListenStmt(_) => "LISTEN",
        NodeEnum::UnlistenStmt(_) => "UNLISTEN",
        NodeEnum::NotifyStmt(_) => "NOTIFY",
        NodeEnum::LoadStmt(_) => "LOAD",
        NodeEnum::DropdbStmt(_) => "DROP DATABASE",
        NodeEnum::DropTableSpaceStmt(_) => "DROP TABLESPACE",
        NodeEnum::DropRoleStmt(_) => "DROP ROLE",
        NodeEnum::DropUserMappingStmt(_) => "DROP USER MAPPING",
        NodeEnum::DropSubscriptionStmt(_) => "DROP SUBSCRIPTION",
        NodeEnum::DropOwnedStmt(_) => "DROP OWNED",
        NodeEnum::ReassignOwnedStmt(_) => "REASSIGN OWNED",
        _ => "???",
    }
}

fn transaction_tag(kind: TransactionStmtKind) -> &'static str {
    match kind {
        TransactionStmtKind::TransStmtBegin => "BEGIN",
        TransactionStmtKind::TransStmtStart => "START TRANSACTION",
        TransactionStmtKind::TransStmtCommit => "COMMIT",
        TransactionStmtKind::TransStmtRollback | TransactionStmtKind::TransStmtRollbackTo => "ROLLBACK",
        TransactionStmtKind::TransStmtSavepoint => "SAVEPOINT",
        TransactionStmtKind::TransStmtRelease => "RELEASE",
        TransactionStmtKind::TransStmtPrepare => "PREPARE TRANSACTION",
        TransactionStmtKind::TransStmtCommitPrepared => "COMMIT PREPARED",
        TransactionStmtKind::TransStmtRollbackPrepared => "ROLLBACK PREPARED",
        TransactionStmtKind::Undefined => "???",
    }
}
