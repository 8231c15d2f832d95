//! Lock modes of relations.

use std::fmt;

use thiserror::Error;

/// A lock mode of a relation, from the weakest to the strongest (manual, section 13.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    /// Taken by reading.
    AccessShare,
    /// Taken by `SELECT ... FOR UPDATE` and its weaker forms.
    RowShare,
    /// Taken by writing rows.
    RowExclusive,
    /// Taken by `VACUUM`, `ANALYZE`, and DDL that runs beside reads and writes.
    ShareUpdateExclusive,
    /// Taken by `CREATE INDEX`.
    Share,
    /// Taken by `CREATE TRIGGER` and an added foreign key.
    ShareRowExclusive,
    /// Taken by `REFRESH MATERIALIZED VIEW CONCURRENTLY`.
    Exclusive,
    /// Taken by most `ALTER TABLE`, `DROP` and `TRUNCATE`: nobody else may do anything.
    AccessExclusive,
}

/// A lock mode that `pg_locks` shows and this program does not know.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown lock mode `{0}`")]
pub struct UnknownLockMode(pub String);

impl LockMode {
    /// Every mode, the weakest first.
    pub const ALL: [Self; 8] = [
        Self::AccessShare,
        Self::RowShare,
        Self::RowExclusive,
        Self::ShareUpdateExclusive,
        Self::Share,
        Self::ShareRowExclusive,
        Self::Exclusive,
        Self::AccessExclusive,
    ];

    /// Which modes each mode conflicts with, bit by bit from the weakest (manual, table 13.2).
    const CONFLICTS: [u8; 8] = [
        0b1000_0000,
        0b1100_0000,
        0b1111_0000,
        0b1111_1000,
        0b1110_1100,
        0b1111_1100,
        0b1111_1110,
        0b1111_1111,
    ];

    /// Says whether two sessions cannot hold these modes on one relation at the same time.
    pub const fn conflicts(self, other: Self) -> bool {
        Self::CONFLICTS[self as usize] & (1 << other as usize) != 0
    }

    /// Returns the mode's name as `LOCK TABLE` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessShare => "ACCESS SHARE",
            Self::RowShare => "ROW SHARE",
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        }
    }

    /// Returns the mode's name as `pg_locks.mode` shows it.
    pub const fn pg_locks_name(self) -> &'static str {
        match self {
            Self::AccessShare => "AccessShareLock",
            Self::RowShare => "RowShareLock",
            Self::RowExclusive => "RowExclusiveLock",
            Self::ShareUpdateExclusive => "ShareUpdateExclusiveLock",
            Self::Share => "ShareLock",
            Self::ShareRowExclusive => "ShareRowExclusiveLock",
            Self::Exclusive => "ExclusiveLock",
            Self::AccessExclusive => "AccessExclusiveLock",
        }
    }
}

impl fmt::Display for LockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl TryFrom<&str> for LockMode {
    type Error = UnknownLockMode;

    /// Reads `pg_locks.mode`.
    fn try_from(mode: &str) -> Result<Self, Self::Error> {
        Self::ALL
            .into_iter()
            .find(|known| known.pg_locks_name() == mode)
            .ok_or_else(|| UnknownLockMode(mode.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::LockMode::{
        self, AccessExclusive, AccessShare, Exclusive, RowExclusive, RowShare, Share, ShareRowExclusive,
        ShareUpdateExclusive,
    };

    #[test]
    fn conflicts_are_those_of_the_manual() {
        let table: [(LockMode, &[LockMode]); 8] = [
            (AccessShare, &[AccessExclusive]),
            (RowShare, &[Exclusive, AccessExclusive]),
            (RowExclusive, &[Share, ShareRowExclusive, Exclusive, AccessExclusive]),
            (
                ShareUpdateExclusive,
                &[
                    ShareUpdateExclusive,
                    Share,
                    ShareRowExclusive,
                    Exclusive,
                    AccessExclusive,
                ],
            ),
            (
                Share,
                &[
                    RowExclusive,
                    ShareUpdateExclusive,
                    ShareRowExclusive,
                    Exclusive,
                    AccessExclusive,
                ],
            ),
            (
                ShareRowExclusive,
                &[
                    RowExclusive,
                    ShareUpdateExclusive,
                    Share,
                    ShareRowExclusive,
                    Exclusive,
                    AccessExclusive,
                ],
            ),
            (
                Exclusive,
                &[
                    RowShare,
                    RowExclusive,
                    ShareUpdateExclusive,
                    Share,
                    ShareRowExclusive,
                    Exclusive,
                    AccessExclusive,
                ],
            ),
            (AccessExclusive, &LockMode::ALL),
        ];
        for (mode, against) in table {
            for other in LockMode::ALL {
                assert_eq!(mode.conflicts(other), against.contains(&other), "{mode} and {other}");
                assert_eq!(
                    mode.conflicts(other),
                    other.conflicts(mode),
                    "{mode} and {other} the other way round"
                );
            }
        }
    }

    #[test]
    fn reads_what_pg_locks_shows() {
        for mode in LockMode::ALL {
            assert_eq!(LockMode::try_from(mode.pg_locks_name()), Ok(mode));
        }
        let error = LockMode::try_from("SIReadLock").unwrap_err();
        assert_eq!(error.to_string(), "unknown lock mode `SIReadLock`");
    }
}
