//! Statements that the server refuses inside a transaction.

use super::RelationName;

/// A statement that cannot run inside a transaction, with what is needed to look up in the catalog how
/// far it got when the connection was lost.
///
/// These are the callers of `PreventInTransactionBlock` in the server, versions 13 to 18.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NonTransactional {
    /// `CREATE INDEX CONCURRENTLY`. A failure leaves an invalid index of this name.
    CreateIndex {
        /// The table.
        table: RelationName,
        /// The index, which is made in the schema of its table. Without a name the server picks one.
        index: Option<String>,
        /// With this, a second run passes over an index that is there, even an invalid one.
        if_not_exists: bool,
        /// Whether it is unique, so that the data can make it fail.
        unique: bool,
    },
    /// `DROP INDEX CONCURRENTLY`.
    DropIndex {
        /// The indexes. The server takes only one.
        indexes: Vec<RelationName>,
        /// Whether a missing index is no error.
        if_exists: bool,
    },
    /// `REINDEX CONCURRENTLY`, or of more than one table.
    Reindex {
        /// What is rebuilt.
        target: ReindexTarget,
        /// Whether it runs beside writes. A failure leaves invalid indexes called `..._ccnew`.
        concurrently: bool,
    },
    /// `ALTER TABLE ... DETACH PARTITION ... CONCURRENTLY`. A failure leaves the detach pending: `FINALIZE` ends it.
    DetachPartition {
        /// The partitioned table.
        parent: RelationName,
        /// The partition.
        partition: RelationName,
    },
    /// `VACUUM`.
    Vacuum {
        /// The tables; none means all of them.
        tables: Vec<RelationName>,
        /// `FULL` writes each table anew, under an `ACCESS EXCLUSIVE` lock.
        full: bool,
    },
    /// `CLUSTER` without a table.
    ClusterAll,
    /// `CREATE DATABASE`.
    CreateDatabase {
        /// Its name.
        name: String,
    },
    /// `DROP DATABASE`.
    DropDatabase {
        /// Its name.
        name: String,
        /// Whether a missing database is no error.
        if_exists: bool,
    },
    /// `ALTER DATABASE ... SET TABLESPACE`.
    AlterDatabaseSetTablespace {
        /// The database.
        name: String,
    },
    /// `CREATE TABLESPACE`.
    CreateTablespace {
        /// Its name.
        name: String,
    },
    /// `DROP TABLESPACE`.
    DropTablespace {
        /// Its name.
        name: String,
        /// Whether a missing tablespace is no error.
        if_exists: bool,
    },
    /// `CREATE SUBSCRIPTION` that makes a replication slot.
    CreateSubscription {
        /// Its name.
        name: String,
    },
    /// `DROP SUBSCRIPTION`: refused inside a transaction when the subscription has a slot, which the text does not tell.
    DropSubscription {
        /// Its name.
        name: String,
        /// Whether a missing subscription is no error.
        if_exists: bool,
    },
    /// `ALTER SUBSCRIPTION` that speaks to the publisher.
    AlterSubscription {
        /// Its name.
        name: String,
    },
    /// `ALTER SYSTEM`.
    AlterSystem {
        /// The setting, or none for `RESET ALL`.
        setting: Option<String>,
    },
    /// `DISCARD ALL`.
    DiscardAll,
    /// `COMMIT PREPARED`.
    CommitPrepared {
        /// The name of the transaction.
        gid: String,
    },
    /// `ROLLBACK PREPARED`.
    RollbackPrepared {
        /// The name of the transaction.
        gid: String,
    },
}

/// What a `REINDEX` rebuilds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReindexTarget {
    /// One index.
    Index(RelationName),
    /// All indexes of a table.
    Table(RelationName),
    /// All indexes of a schema.
    Schema(String),
    /// All indexes of the system catalogs.
    System,
    /// All indexes of the database.
    Database,
}

impl NonTransactional {
    /// Says whether running the statement again after it has succeeded does no harm and no error.
    pub const fn is_repeatable(&self) -> bool {
        match self {
            Self::Reindex { .. }
            | Self::Vacuum { .. }
            | Self::ClusterAll
            | Self::AlterSystem { .. }
            | Self::DiscardAll => true,
            Self::DropIndex { if_exists, .. }
            | Self::DropDatabase { if_exists, .. }
            | Self::DropTablespace { if_exists, .. }
            | Self::DropSubscription { if_exists, .. } => *if_exists,
            // IF NOT EXISTS would pass over an invalid index.
            Self::CreateIndex { .. }
            | Self::DetachPartition { .. }
            | Self::CreateDatabase { .. }
            | Self::AlterDatabaseSetTablespace { .. }
            | Self::CreateTablespace { .. }
            | Self::CreateSubscription { .. }
            | Self::AlterSubscription { .. }
            | Self::CommitPrepared { .. }
            | Self::RollbackPrepared { .. } => false,
        }
    }
}
