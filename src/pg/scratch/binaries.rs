//! Where the server's programs are.

use std::env;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fs_err as fs;

use super::error::{Place, ScratchError};

/// The oldest server that rlsctl works with.
const OLDEST: u32 = 13;

/// Folders in which packages put the programs, with the version somewhere in the middle:
/// the folder above, what the name begins with, and the folder below.
const VERSIONED: &[(&str, &str, &str)] = &[
    ("usr/lib/postgresql", "", "bin"),                          // Debian, Ubuntu
    ("usr", "pgsql-", "bin"),                                   // RPMs of postgresql.org
    ("usr/libexec", "postgresql", ""),                          // Alpine
    ("usr/lib64", "postgresql-", "bin"),                        // Gentoo
    ("opt/homebrew/opt", "postgresql", "bin"),                  // Homebrew on ARM
    ("usr/local/opt", "postgresql", "bin"),                     // Homebrew on Intel
    ("Applications/Postgres.app/Contents/Versions", "", "bin"), // Postgres.app
];

/// Folders in which the programs are without a version in the path.
const PLAIN: &[&str] = &["usr/local/pgsql/bin", "usr/local/bin", "usr/bin", "opt/local/bin"];

/// What the search depends on outside of itself.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// `RLSCTL_PG_BIN`: the folder, from the environment.
    pub bin: Option<OsString>,
    /// `PATH`.
    pub path: Option<OsString>,
    /// The root of the file system; another one in tests.
    pub root: PathBuf,
    /// Folders for temporary files, in the order of preference.
    pub temporary: Vec<PathBuf>,
}

impl Surroundings {
    /// Reads them from this process' environment.
    pub fn of_this_process() -> Self {
        Self {
            bin: env::var_os("RLSCTL_PG_BIN").filter(|value| !value.is_empty()),
            path: env::var_os("PATH"),
            root: PathBuf::from("/"),
            temporary: vec![env::temp_dir(), "/tmp".into(), "/var/tmp".into()],
        }
    }
}

/// The folder of one PostgreSQL installation's server programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    dir: PathBuf,
    major: u32,
    version: String,
}

impl Binaries {
    /// Finds a server to run: the folder that is asked for, else the one of `RLSCTL_PG_BIN`, and
    /// nothing but that; else the first of `PATH` (symbolic links followed), `pg_config --bindir`, and the
    /// folders that packages use, newest version first.
    ///
    /// # Errors
    /// [`ScratchError::NoBinaries`] with every place that was looked at and why it would not do.
    pub fn find(asked: Option<&Path>, surroundings: &Surroundings) -> Result<Self, ScratchError> {
        let mut looked_at = Vec::new();
        let mut look = |named: Option<&str>, dir: &Path| match Self::at(dir) {
            Ok(found) => Some(found),
            Err(reason) => {
                let tried = named.map_or_else(|| dir.display().to_string(), |it| format!("{it} ({})", dir.display()));
                looked_at.push(Place { tried, reason });
                None
            }
        };
        let found = if let Some(dir) = asked {
            look(Some("the folder asked for"), dir)
        } else if let Some(dir) = &surroundings.bin {
            look(Some("RLSCTL_PG_BIN"), Path::new(dir))
        } else {
            on_path(surroundings)
                .and_then(|dir| look(Some("PATH"), &dir))
                .or_else(|| pg_config(surroundings).and_then(|dir| look(Some("pg_config --bindir"), &dir)))
                .or_else(|| packaged(&surroundings.root).iter().find_map(|dir| look(None, dir)))
        };
        found.ok_or_else(|| {
            if looked_at.is_empty() {
                let tried = "PATH, pg_config and the folders that packages use".to_owned();
                looked_at.push(Place {
                    tried,
                    reason: "nothing there".to_owned(),
                });
            }
            ScratchError::NoBinaries { looked_at }
        })
    }

    /// Looks into one folder; returns why it would not do.
    fn at(dir: &Path) -> Result<Self, String> {
        if !dir.is_dir() {
            return Err("no such folder".to_owned());
        }
        for name in ["initdb", "postgres"] {
            if !runnable(&dir.join(name)) {
                return Err(format!("no {name} in it"));
            }
        }
        let postgres = dir.join("postgres");
        let output = Command::new(&postgres)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("postgres does not run: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let (major, version) =
            parse_version(&said).ok_or_else(|| format!("postgres --version says {said:?}, which is no version"))?;
        if major < OLDEST {
            return Err(format!("is {version}, and {OLDEST} is the oldest that will do"));
        }
        Ok(Self {
            dir: dir.to_owned(),
            major,
            version,
        })
    }

    /// Returns the folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the server's version as it names itself, such as `15.18` or `18beta1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the server's major version.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Returns the path of another program of the installation, such as `psql` or `pg_basebackup`; the
    /// bare name, to be found on `PATH`, when it is not beside the server.
    pub fn tool(&self, name: &str) -> PathBuf {
        let beside = self.dir.join(name);
        if runnable(&beside) { beside } else { PathBuf::from(name) }
    }
}

fn runnable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// Returns the real folder of the first `postgres` on `PATH`: what is there may be a link into the folder
/// that holds all of them.
fn on_path(surroundings: &Surroundings) -> Option<PathBuf> {
    env::split_paths(surroundings.path.as_ref()?)
        .map(|dir| dir.join("postgres"))
        .find(|program| runnable(program))
        .and_then(|program| fs::canonicalize(program).ok())
        .and_then(|program| program.parent().map(Path::to_owned))
}

fn pg_config(surroundings: &Surroundings) -> Option<PathBuf> {
    let program = env::split_paths(surroundings.path.as_ref()?)
        .map(|dir| dir.join("pg_config"))
        .find(|it| runnable(it))?;
    let output = Command::new(program)
        .arg("--bindir")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let dir = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !dir.is_empty()).then(|| PathBuf::from(dir))
}

/// Returns the folders of packages that exist under `root`, newest version first.
fn packaged(root: &Path) -> Vec<PathBuf> {
    let mut versioned = Vec::new();
    for (above, prefix, below) in VERSIONED {
        let Ok(entries) = fs::read_dir(root.join(above)) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(prefix)) else {
                continue;
            };
            let version = rest.trim_start_matches('@');
            // "postgresql" of Homebrew has no version; it is a link to one that has.
            if let Ok(version) = version.parse::<f64>() {
                versioned.push((version, entry.path().join(below)));
            }
        }
    }
    versioned.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let plain = PLAIN.iter().map(|dir| root.join(dir)).filter(|dir| dir.is_dir());
    versioned.into_iter().map(|(_, dir)| dir).chain(plain).collect()
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`; the suffixes of packagers and `18beta1` are met
/// in the wild.
fn parse_version(said: &str) -> Option<(u32, String)> {
    let version = said
        .split(' ')
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    let digits = version.split(|it: char| !it.is_ascii_digit()).next()?;
    Some((digits.parse().ok()?, version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a folder with an `initdb` and a `postgres` that says it is `version`.
    fn install(dir: &Path, version: &str) {
        fs::create_dir_all(dir).unwrap();
        for name in ["initdb", "postgres"] {
            let program = dir.join(name);
            fs::write(
                &program,
                format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version} (Test)'\n"),
            )
            .unwrap();
            fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    fn surroundings(root: &Path) -> Surroundings {
        Surroundings {
            bin: None,
            path: None,
            root: root.to_owned(),
            temporary: Vec::new(),
        }
    }

    #[test]
    fn versions_are_read_from_what_postgres_says() {
        for (said, version) in [
            (
                "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)",
                Some((15, "15.18")),
            ),
            ("postgres (PostgreSQL) 13.0", Some((13, "13.0"))),
            ("postgres (PostgreSQL) 18beta1", Some((18, "18beta1"))),
            ("postgres (EnterpriseDB) 17.2.0", Some((17, "17.2.0"))),
            ("postgres (PostgreSQL)", None),
            ("", None),
        ] {
            assert_eq!(
                parse_version(said),
                version.map(|(major, text)| (major, text.to_owned())),
                "{said}"
            );
        }
    }

    #[test]
    fn of_the_packaged_ones_the_newest_is_taken_and_too_old_ones_are_not() {
        let temp = tempfile::tempdir().unwrap();
        install(&temp.path().join("usr/lib/postgresql/9.6/bin"), "9.6.24");
        install(&temp.path().join("usr/lib/postgresql/14/bin"), "14.1");
        install(&temp.path().join("usr/pgsql-16/bin"), "16.3");
        fs::create_dir_all(temp.path().join("usr/lib/postgresql/17/bin")).unwrap();
        let found = Binaries::find(None, &surroundings(temp.path())).unwrap();
        assert_eq!((found.major(), found.version()), (16, "16.3"));
        fs::remove_dir_all(temp.path().join("usr/pgsql-16")).unwrap();
        assert_eq!(Binaries::find(None, &surroundings(temp.path())).unwrap().major(), 14);
        fs::remove_dir_all(temp.path().join("usr/lib/postgresql/14")).unwrap();
        let error = Binaries::find(None, &surroundings(temp.path()))
            .unwrap_err()
            .to_string();
        assert!(error.contains("postgresql/17/bin: no initdb in it"), "{error}");
        assert!(error.contains("9.6/bin: is 9.6.24, and 13 is the oldest"), "{error}");
        assert!(error.contains("apt-get install postgresql"), "{error}");
    }

    #[test]
    fn path_is_followed_through_links_and_goes_before_packages() {
        let temp = tempfile::tempdir().unwrap();
        install(&temp.path().join("usr/lib/postgresql/17/bin"), "17.1");
        install(&temp.path().join("somewhere"), "15.3");
        let links = temp.path().join("links");
        fs::create_dir_all(&links).unwrap();
        // As on a machine where only `postgres` was linked: initdb is found beside its target.
        std::os::unix::fs::symlink(temp.path().join("somewhere/postgres"), links.join("postgres")).unwrap();
        let mut around = surroundings(temp.path());
        around.path = Some(links.into_os_string());
        let found = Binaries::find(None, &around).unwrap();
        assert_eq!(found.major(), 15);
        assert_eq!(found.dir(), fs::canonicalize(temp.path().join("somewhere")).unwrap());
        assert_eq!(found.tool("initdb"), found.dir().join("initdb"));
        assert_eq!(found.tool("psql"), Path::new("psql"));
    }

    #[test]
    fn a_folder_that_was_asked_for_is_not_passed_over_in_silence() {
        let temp = tempfile::tempdir().unwrap();
        install(&temp.path().join("usr/lib/postgresql/17/bin"), "17.1");
        let mut around = surroundings(temp.path());
        around.bin = Some("/nowhere/at/all".into());
        let error = Binaries::find(None, &around).unwrap_err().to_string();
        assert!(
            error.contains("RLSCTL_PG_BIN (/nowhere/at/all): no such folder"),
            "{error}"
        );
        let asked = temp.path().join("usr/lib/postgresql/17/bin");
        assert_eq!(Binaries::find(Some(&asked), &around).unwrap().major(), 17);
    }

    #[test]
    fn nothing_at_all_says_what_to_install() {
        let temp = tempfile::tempdir().unwrap();
        let error = Binaries::find(None, &surroundings(temp.path()))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("nothing there") && error.contains("RLSCTL_PG_BIN"),
            "{error}"
        );
    }
}
