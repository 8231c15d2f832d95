//! What a throwaway server is to be like.

use std::path::PathBuf;

use secrecy::SecretString;

/// Where the server listens. It always has a Unix socket in a directory that only its owner may enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Listen {
    /// On its socket alone.
    #[default]
    SocketOnly,
    /// Also on a free port of 127.0.0.1, with a password, since everybody on the machine can reach it.
    Loopback,
}

/// Where the server's data comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Source {
    /// A new, empty cluster.
    #[default]
    Initdb,
    /// A copy of a running server that goes on following it and is read-only (a hot standby).
    StandbyOf {
        /// How `pg_basebackup` reaches the primary, as a superuser or a role with REPLICATION.
        conninfo: String,
    },
}

/// What a throwaway server is to be like. The default is an empty one for a single machine: UTF-8, no
/// durability, reachable by its socket only, no password.
#[derive(Debug, Clone, Default)]
pub struct ScratchOptions {
    /// The folder of `initdb` and `postgres`; searched for when not given, see [`super::Binaries::find`].
    pub bin: Option<PathBuf>,
    /// Where it listens.
    pub listen: Listen,
    /// Where its data comes from.
    pub source: Source,
    /// Server settings, laid over ours (`fsync`, `full_page_writes`, `synchronous_commit`, all off).
    pub settings: Vec<(String, String)>,
    /// The whole text of `pg_hba.conf`, instead of trust on the socket and SCRAM on the loopback.
    pub hba: Option<String>,
    /// The superuser's password. With [`Listen::Loopback`] one is made up when none is given.
    pub password: Option<SecretString>,
    /// Further words for `initdb`, such as `--data-checksums`.
    pub initdb_args: Vec<String>,
    /// Files for the data directory, by name, mode 0600, owned by the server's account: keys,
    /// certificates.
    pub files: Vec<(String, Vec<u8>)>,
}
