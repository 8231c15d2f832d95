//! What a session is doing.

use std::fmt;

/// What a session is doing, as `pg_stat_activity.state` has it (manual, table 28.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionState {
    /// Runs a statement.
    Active,
    /// Waits for its client, outside a transaction.
    Idle,
    /// Waits for its client, inside a transaction.
    IdleInTransaction,
    /// The same, and a statement of the transaction has failed.
    IdleInFailedTransaction,
    /// Runs a function by the fast-path interface.
    FastpathFunction,
    /// The server does not track it.
    Disabled,
    /// Connected and not logged in yet (18).
    Starting,
}

/// A state that this program does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown state `{0}`")]
pub struct UnknownState(pub String);

impl SessionState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Active,
        Self::Idle,
        Self::IdleInTransaction,
        Self::IdleInFailedTransaction,
        Self::FastpathFunction,
        Self::Disabled,
        Self::Starting,
    ];

    /// Returns its name as the server shows it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
            Self::IdleInTransaction => "idle in transaction",
            Self::IdleInFailedTransaction => "idle in transaction (aborted)",
            Self::FastpathFunction => "fastpath function call",
            Self::Disabled => "disabled",
            Self::Starting => "starting",
        }
    }

    /// Whether the session waits for its client inside a transaction: it does nothing, and keeps what it holds.
    pub const fn is_idle_in_transaction(self) -> bool {
        matches!(self, Self::IdleInTransaction | Self::IdleInFailedTransaction)
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl TryFrom<&str> for SessionState {
    type Error = UnknownState;

    fn try_from(state: &str) -> Result<Self, Self::Error> {
        let found = Self::ALL.into_iter().find(|known| known.name() == state);
        found.ok_or_else(|| UnknownState(state.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for state in SessionState::ALL {
            assert_eq!(SessionState::try_from(state.name()), Ok(state));
        }
        let error = SessionState::try_from("dreaming").unwrap_err();
        assert_eq!(error.to_string(), "unknown state `dreaming`");
    }
}
