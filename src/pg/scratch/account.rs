//! Whom a throwaway server runs as, and where.
//!
//! `initdb` and `postgres` refuse to run as root, and containers and CI jobs are often root. So root
//! hands the server to an account without rights; everybody else runs it as themselves.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fs_err as fs;

use super::error::{Place, ScratchError};

/// An account that is not ours, by which root runs the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherAccount {
    /// Its name, for messages.
    pub name: String,
    /// Its user id, never 0.
    pub uid: u32,
    /// Its group id.
    pub gid: u32,
}

/// Whom the server runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// As ourselves.
    Own,
    /// As somebody else, because we are root.
    Other(OtherAccount),
}

impl Account {
    /// Returns the account for this process: its own, or for root `postgres`, else `nobody`, else the
    /// first account of `/etc/passwd` that is not root.
    ///
    /// # Errors
    /// [`ScratchError::NoAccount`] for a root without anybody else on the machine.
    pub fn choose() -> Result<Self, ScratchError> {
        // The owner of a new file is the effective user; the standard library has no other way to ask.
        if tempfile::tempfile()?.metadata()?.uid() != 0 {
            return Ok(Self::Own);
        }
        let passwd = Path::new("/etc/passwd");
        let text = fs::read(passwd).unwrap_or_default();
        unprivileged(&String::from_utf8_lossy(&text))
            .map(Self::Other)
            .ok_or_else(|| ScratchError::NoAccount {
                passwd: passwd.to_owned(),
            })
    }

    /// Makes a command run as this account.
    pub fn apply<'command>(&self, command: &'command mut Command) -> &'command mut Command {
        match self {
            Self::Own => command,
            // Dropping the user id also drops root's supplementary groups (std's documented behaviour).
            Self::Other(other) => command.uid(other.uid).gid(other.gid),
        }
    }

    /// Writes a file as this account, mode 0600.
    ///
    /// Root must not write into a directory that somebody else controls: a symbolic link there would
    /// lead it anywhere. So a shell of that account does the writing.
    pub(super) fn write(&self, path: &Path, content: &[u8]) -> Result<(), ScratchError> {
        let shell = Path::new("/bin/sh");
        let spawn = |source| ScratchError::Spawn {
            program: shell.to_owned(),
            account: self.name(),
            source,
        };
        let mut command = Command::new(shell);
        command
            .args(["-c", "umask 077 && rm -f -- \"$1\" && cat >\"$1\"", "sh"])
            .arg(path);
        command
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = self.apply(&mut command).spawn().map_err(spawn)?;
        let mut stdin = child.stdin.take().expect("stdin was asked for as a pipe");
        let written = stdin.write_all(content);
        drop(stdin);
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(ScratchError::Prepare {
                program: shell.to_owned(),
                status: output.status,
                account: self.name(),
                output: String::from_utf8_lossy(&output.stderr).into_owned(),
            });
        }
        Ok(written?)
    }

    /// Returns the account's name when it is not our own, for messages.
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Own => None,
            Self::Other(other) => Some(other.name.clone()),
        }
    }

    /// Returns the first of `candidates` in which this account can make a directory whose sockets have
    /// a path that is short enough.
    pub(super) fn base(&self, candidates: &[PathBuf]) -> Result<PathBuf, ScratchError> {
        let mut looked_at = Vec::new();
        for candidate in candidates {
            match self.unfit(candidate) {
                None => return Ok(candidate.clone()),
                Some(reason) => looked_at.push(Place {
                    tried: candidate.display().to_string(),
                    reason,
                }),
            }
        }
        Err(ScratchError::NoBase {
            account: self.name(),
            looked_at,
        })
    }

    /// Returns why a server can not live in `base`, if so.
    fn unfit(&self, base: &Path) -> Option<String> {
        // sun_path holds 108 bytes on Linux and 104 elsewhere, with the closing NUL; the longest name
        // below the base is "/rlsctl-0123456789abcdef/.s.PGSQL.65535.lock".
        const LONGEST: usize = 103 - "/rlsctl-0123456789abcdef/.s.PGSQL.65535".len();
        if !base.is_absolute() {
            return Some("not an absolute path".to_owned());
        }
        if base.as_os_str().len() > LONGEST {
            return Some("the path of a socket in it would be too long".to_owned());
        }
        let Ok(metadata) = fs::metadata(base) else {
            return Some("no such directory".to_owned());
        };
        if !metadata.is_dir() {
            return Some("not a directory".to_owned());
        }
        if let Self::Other(other) = self {
            if metadata.mode() & 0o003 != 0o003 && metadata.uid() != other.uid {
                return Some(format!("{} may not write there", other.name));
            }
            for above in base.ancestors().skip(1) {
                let closed = fs::metadata(above).map_or(true, |it| it.mode() & 0o001 == 0 && it.uid() != other.uid);
                if closed {
                    return Some(format!("{} may not enter {}", other.name, above.display()));
                }
            }
        }
        None
    }
}

/// Picks the account from the text of `/etc/passwd` (passwd(5)): lines that do not parse are passed over.
fn unprivileged(passwd: &str) -> Option<OtherAccount> {
    let accounts: Vec<OtherAccount> = passwd
        .split('\n')
        .filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields
                .next()
                .filter(|name| !name.is_empty() && !name.starts_with('#'))?;
            let uid = fields.nth(1)?.parse().ok().filter(|&uid| uid != 0)?;
            let gid = fields.next()?.parse().ok()?;
            Some(OtherAccount {
                name: name.to_owned(),
                uid,
                gid,
            })
        })
        .collect();
    let named = |name: &str| accounts.iter().find(|account| account.name == name);
    named("postgres")
        .or_else(|| named("nobody"))
        .or_else(|| accounts.first())
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_postgres_else_nobody_else_the_first() {
        let name = |passwd: &str| unprivileged(passwd).map(|it| (it.name, it.uid, it.gid));
        let root = "root:x:0:0:root:/root:/bin/sh\n";
        let nobody = "nobody:x:65534:65533::/:/bin/false\n";
        let postgres = "postgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(
            name(&format!("{root}bin:x:2:3::/:\n{nobody}{postgres}")),
            Some(("postgres".into(), 101, 104))
        );
        assert_eq!(
            name(&format!("{root}bin:x:2:3::/:\n{nobody}")),
            Some(("nobody".into(), 65534, 65533))
        );
        assert_eq!(name(&format!("{root}bin:x:2:3::/:\n")), Some(("bin".into(), 2, 3)));
        assert_eq!(name(root), None);
        assert_eq!(name("# comment:x:5:5\n\n:::\nx:y\na:x:-2:-2:\ntoor:x:0:0::/:\n"), None);
    }

    #[test]
    fn a_folder_must_be_short_there_and_open_to_the_account() {
        let temp = tempfile::Builder::new().prefix("b").tempdir_in("/tmp").unwrap();
        let long = temp.path().join("d".repeat(80));
        let file = temp.path().join("file");
        fs::create_dir(&long).unwrap();
        fs::write(&file, "").unwrap();
        let other = Account::Other(OtherAccount {
            name: "somebody".into(),
            uid: 4_000_000,
            gid: 4_000_000,
        });
        // tempdir makes it 0700.
        let candidates = [long, file, temp.path().join("none"), "relative".into()];
        let Err(ScratchError::NoBase { looked_at, .. }) = Account::Own.base(&candidates) else {
            panic!("nothing here is usable");
        };
        assert_eq!(looked_at.len(), 4);
        assert!(looked_at[0].reason.contains("too long"), "{looked_at:?}");
        assert_eq!(Account::Own.base(&[temp.path().to_owned()]).unwrap(), temp.path());
        let error = other.base(&[temp.path().to_owned()]).unwrap_err().to_string();
        assert!(error.contains("somebody may not write there"), "{error}");
    }
}
