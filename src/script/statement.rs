//! What is known about one statement.

use super::{LockMode, NonTransactional, RelationName, SessionEffects};

/// One statement, as far as its text tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The command's name, as the server prints it: `CREATE INDEX`, `ALTER TABLE`.
    pub tag: &'static str,
    /// Whether it can run inside a transaction.
    pub transactional: Transactional,
    /// What it does to the transaction itself, if that is its purpose.
    pub control: Option<TransactionControl>,
    /// What it changes in the session beyond its own run.
    pub session: SessionEffects,
    /// Which relations it locks.
    pub tables: Tables,
    /// Relations it makes: tables, views, materialized views, sequences, indexes with a name.
    pub creates: Vec<RelationName>,
    /// Which rows it writes, also from within `WITH`, `EXPLAIN ANALYZE` and `COPY`.
    pub dml: Vec<Dml>,
    /// The value it adds to an enum type. It cannot be used before the transaction has committed.
    pub adds_enum_value: Option<String>,
    /// Whether the client has to send data: `COPY ... FROM STDIN`.
    pub copy_from_stdin: bool,
    /// Whether the server sends data without being asked for rows: `COPY ... TO STDOUT`.
    pub copy_to_stdout: bool,
}

/// Whether a statement can run inside a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transactional {
    /// It can, as far as its text tells. A procedure that commits is found out by SQLSTATE 2D000 only,
    /// and `REINDEX` or `CLUSTER` of a partitioned table by 25001.
    Inside,
    /// The server refuses it there with SQLSTATE 25001.
    Never(NonTransactional),
}

impl Transactional {
    /// Says whether the statement can run inside a transaction.
    pub const fn is_inside(&self) -> bool {
        matches!(self, Self::Inside)
    }
}

/// A statement that controls the transaction it runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionControl {
    /// `BEGIN`, `START TRANSACTION`.
    Begin {
        /// Whether it sets an isolation level, read only, or deferrable.
        modes: bool,
    },
    /// `COMMIT`, `END`.
    Commit {
        /// `AND CHAIN`: the next transaction begins at once.
        chain: bool,
    },
    /// `ROLLBACK`, `ABORT`.
    Rollback {
        /// `AND CHAIN`: the next transaction begins at once.
        chain: bool,
    },
    /// `SAVEPOINT name`.
    Savepoint(String),
    /// `RELEASE name`.
    Release(String),
    /// `ROLLBACK TO name`.
    RollbackTo(String),
    /// `PREPARE TRANSACTION 'gid'`.
    PrepareTransaction(String),
    /// `COMMIT PREPARED 'gid'`.
    CommitPrepared(String),
    /// `ROLLBACK PREPARED 'gid'`.
    RollbackPrepared(String),
    /// `SET TRANSACTION`, which has to come before any query.
    SetTransaction,
}

/// The relations a statement locks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// Those it names, each once, with the strongest mode, in the order of first mention. Relations
    /// that the statement itself makes are not among them, nor are the indexes, partitions and
    /// children of those it names, nor what a view reads: they are locked along with them.
    pub known: Vec<TableUse>,
    /// Whether any relation may be locked: it runs code that the text does not show (`DO`, `CALL`, a
    /// function that is not built in), or it is about the whole database (`VACUUM` without a table).
    pub unknown: bool,
    /// Whether the catalog adds relations that the text does not name: the table of a dropped index,
    /// the other table of a dropped foreign key, what `CASCADE` reaches.
    pub dependents: bool,
}

impl Tables {
    /// Returns how strongly the statement locks a relation that it writes by this name.
    pub fn mode(&self, relation: &RelationName) -> Option<LockMode> {
        self.known
            .iter()
            .find(|table| table.relation == *relation)
            .map(|table| table.mode)
    }
}

/// One relation and how it is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableUse {
    /// The name as written.
    pub relation: RelationName,
    /// The strongest mode.
    pub mode: LockMode,
    /// What the statement takes the relation for.
    pub kind: RelationKind,
}

/// What kind of relation a statement says it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RelationKind {
    /// A table, or anything that can be read like one: a query does not say.
    Table,
    /// An index.
    Index,
    /// A sequence.
    Sequence,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
}

/// A write to the rows of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dml {
    /// What is done.
    pub command: DmlCommand,
    /// To which relation.
    pub target: RelationName,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DmlCommand {
    /// `INSERT`
    Insert,
    /// `UPDATE`
    Update,
    /// `DELETE`
    Delete,
    /// `MERGE`
    Merge,
    /// `TRUNCATE`
    Truncate,
    /// `COPY ... FROM`
    CopyFrom,
}
