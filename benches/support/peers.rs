//! Other runners, measured beside when they are there. `scripts/peers` installs them into `target/peers`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::place::{Db, Place};

/// A runner that is measured beside ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// sqlx-cli.
    Sqlx,
    /// dbmate.
    Dbmate,
}

impl Peer {
    /// Returns those that are installed, with their programs.
    pub(crate) fn installed() -> Vec<(Self, PathBuf)> {
        [Self::Sqlx, Self::Dbmate]
            .into_iter()
            .filter_map(|peer| Some((peer, peer.program()?)))
            .collect()
    }

    /// Returns its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlx => "sqlx migrate run",
            Self::Dbmate => "dbmate migrate",
        }
    }

    fn program(self) -> Option<PathBuf> {
        let name = match self {
            Self::Sqlx => "sqlx",
            Self::Dbmate => "dbmate",
        };
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers");
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::iter::once(peers.join("bin"))
            .chain(std::env::split_paths(&path))
            .map(|dir| dir.join(name))
            .find(|program| program.is_file())
    }

    /// Returns the folder of the first `count` migrations in the form it wants.
    pub(crate) fn folder(self, place: &Place, count: usize) -> PathBuf {
        match self {
            Self::Sqlx => place.plain(count),
            Self::Dbmate => place.folder("dbmate", count, |sql| {
                format!("-- migrate:up\n{sql}\n-- migrate:down\n")
            }),
        }
    }

    /// Returns how it reaches a database over the socket.
    pub(crate) fn url(self, place: &Place, db: &Db) -> String {
        match self {
            Self::Sqlx => db.url(),
            // lib/pq's URLs know no socket in the host's place; dbmate has a parameter for it.
            Self::Dbmate => {
                let socket = place.server().socket_dir().display();
                let port = place.server().port();
                format!(
                    "postgres://postgres@:{port}/{}?socket={socket}&sslmode=disable",
                    db.name()
                )
            }
        }
    }

    /// Returns its command.
    pub(crate) fn command(self, program: &Path, place: &Place, url: &str, dir: &Path) -> Command {
        let mut command = place.command(program);
        match self {
            Self::Sqlx => command
                .args(["migrate", "run", "--database-url", url, "--source"])
                .arg(dir),
            Self::Dbmate => command
                .args(["--url", url, "--no-dump-schema", "--migrations-dir"])
                .arg(dir)
                .arg("migrate"),
        };
        command
    }
}
