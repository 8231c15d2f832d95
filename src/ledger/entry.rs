//! One row of the ledger.

use std::fmt;
use std::str::FromStr;

use crate::migration::{Checksum, TokenChecksum, Version};

/// One row of `rlsctl.ledger`, without the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The version as the file's name had it.
    pub version: Version,
    /// The rest of the file's name.
    pub name: String,
    /// The checksum of what was applied.
    pub checksum: Checksum,
    /// Its token checksum.
    pub token_checksum: TokenChecksum,
    /// How the row came there.
    pub origin: Origin,
    /// When, as the server writes it.
    pub applied_at: String,
    /// The role that was logged in.
    pub applied_by: String,
    /// Whether it ran in one transaction.
    pub transactional: bool,
    /// The commit that was checked out.
    pub git_commit: Option<String>,
}

/// How a row came into the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `rlsctl migrate` ran the file.
    Migrate,
    /// Taken over from another tool's ledger.
    Adopt,
    /// An edit was accepted.
    Accept,
    /// A squashed file stands for it.
    Baseline,
}

/// An origin that this version does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown origin `{0}`")]
pub struct UnknownOrigin(String);

impl FromStr for Origin {
    type Err = UnknownOrigin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "migrate" => Ok(Self::Migrate),
            "adopt" => Ok(Self::Adopt),
            "accept" => Ok(Self::Accept),
            "baseline" => Ok(Self::Baseline),
            unknown => Err(UnknownOrigin(unknown.to_owned())),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Migrate => "migrate",
            Self::Adopt => "adopt",
            Self::Accept => "accept",
            Self::Baseline => "baseline",
        })
    }
}
