//! The files that `rlsctl audit` reads and writes: baselines, and a migration that mends.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::audit::{Baseline, Fixed};
use crate::exit::{Exit, Failure};
use crate::migration::{Script, load, series};

use super::context::Context;
use super::retrofit::{not_made, write_all};

/// What the migration is called.
const FIXES: &str = "audit fixes";

pub(super) fn read_baseline(path: &Path) -> Result<Baseline, Failure> {
    let failed = |why: String| {
        Failure::new(
            Exit::Environment,
            format!("{} cannot be used as a baseline", path.display()),
        )
        .cause(why)
        .state("nothing was changed")
        .hint(format!(
            "write it anew: `rlsctl audit --write-baseline {}`",
            path.display()
        ))
    };
    let text = fs_err::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    Baseline::parse(&text).map_err(|error| failed(error.to_string()))
}

/// Writes a baseline, over one that is there: whole or not at all.
pub(super) fn write_baseline(path: &Path, baseline: &Baseline) -> Result<(), Failure> {
    let written = || -> std::io::Result<()> {
        let mut file = temporary(path)?;
        file.write_all(baseline.to_text().as_bytes())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    written().map_err(|error| not_written(path, &error))
}

/// Writes what mends; returns where. With no path, the next migration of the folder.
pub(super) fn write_fixes(
    context: &Context<'_>,
    path: Option<&PathBuf>,
    fixed: &Fixed,
) -> Result<Vec<PathBuf>, Failure> {
    let text = fixed.migration(context.config.limits.tables_per_migration);
    let Some(path) = path else {
        let dir = context.dir()?;
        let set = load(&dir, context.config.layout).map_err(|problems| {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            Failure::new(Exit::Refused, "no migration can be put behind these files")
                .cause(first)
                .state("nothing was written")
                .hint("name a file of its own: `rlsctl audit --fix FILE`")
        })?;
        let script = Script {
            name: FIXES.to_owned(),
            up: text,
            down: String::new(),
        };
        let made = series(&set, &[script], jiff::Timestamp::now()).map_err(|error| not_made(&error))?;
        write_all(&made)?;
        return Ok(made.into_iter().map(|one| one.path).collect());
    };
    let written = || -> std::io::Result<()> {
        let mut file = temporary(path)?;
        file.write_all(text.as_bytes())?;
        // A migration that is there is never written over.
        file.persist_noclobber(path).map_err(|error| error.error)?;
        Ok(())
    };
    written().map_err(|error| not_written(path, &error))?;
    Ok(vec![path.clone()])
}

fn temporary(path: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder.unwrap_or(Path::new(".")))
}

fn not_written(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Environment, format!("cannot write {}", path.display()))
        .cause(error.to_string())
        .state("nothing was written")
        .hint("name another file, or a folder that may be written to")
}
