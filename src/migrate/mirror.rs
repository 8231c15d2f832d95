//! Keeping another tool's ledger in step: checked before anything runs, written with our own row.

use std::path::{Path, PathBuf};

use crate::finding::Finding;
use crate::ledger::{Cell, Mirror, PeerFile};
use crate::migration::Migration;
use crate::pg::mirror::{self, MirrorError, MirrorTable};
use crate::pg::{MessageError, Session};
use crate::script::split;

use super::plan::Plan;

/// Another tool's ledger, ready to be written.
#[derive(Clone, Debug)]
pub struct Mirroring {
    table: MirrorTable,
    dir: PathBuf,
}

/// Why another tool's ledger cannot be kept in step.
#[derive(Debug)]
pub enum NotMirrored {
    /// What is wrong, and what to do.
    Findings(Vec<Finding>),
    /// The server refused to be looked at, or is gone.
    Message(MessageError),
}

impl Mirroring {
    /// Looks for the ledger of `tool`, and sees that the row of every planned file can be written by `role`; changes nothing. `dir` is
    /// the migrations folder.
    ///
    /// # Errors
    /// [`NotMirrored`], with everything that is wrong at once.
    pub async fn check(
        session: &Session,
        tool: Mirror,
        role: &str,
        dir: &Path,
        plan: &Plan,
    ) -> Result<Self, NotMirrored> {
        let table = match mirror::look(session, tool, role).await {
            Ok(table) => table,
            Err(MirrorError::Message(error)) => return Err(NotMirrored::Message(error)),
            Err(error) => return Err(NotMirrored::Findings(vec![finding(tool, &error)])),
        };
        let mirroring = Self {
            table,
            dir: dir.to_owned(),
        };
        let wrong = plan
            .files
            .iter()
            .filter_map(|file| mirroring.objection(&file.migration));
        let wrong: Vec<Finding> = wrong.collect();
        if wrong.is_empty() {
            Ok(mirroring)
        } else {
            Err(NotMirrored::Findings(wrong))
        }
    }

    /// Returns whose ledger it is and its name.
    pub fn description(&self) -> String {
        format!("{} ({})", self.table.table, self.table.tool)
    }

    fn objection(&self, migration: &Migration) -> Option<Finding> {
        let (tool, table) = (self.table.tool, &self.table.table);
        let version = migration.version.to_string();
        let finding = match self.cells(migration) {
            Err(reason) => {
                let message = format!("cannot be written into the ledger of {tool}: {reason}");
                let help = format!("rename it as {tool} wants it, or take `mirror` out of rlsctl.toml");
                Finding::error("mirror.no-row", version, message, help)
            }
            Ok(cells) => {
                let key = cells
                    .first()
                    .map(ToString::to_string)
                    .filter(|_| tool.key().is_some())?;
                if !self.table.keys.contains(&key) {
                    return None;
                }
                let message = format!("is pending here, and {tool} has applied it: {table} has {key}");
                let help = "take over what that tool has applied with `rlsctl adopt`";
                Finding::error("mirror.applied", version, message, help)
            }
        };
        Some(finding.at(&migration.path, 1, 1))
    }

    /// Returns the statements that write the tool's row about a migration.
    ///
    /// # Errors
    /// Why there is none.
    pub fn rows(&self, migration: &Migration) -> Result<Vec<String>, String> {
        mirror::row_statements(&self.table, &self.cells(migration)?).map_err(|error| error.to_string())
    }

    fn cells(&self, migration: &Migration) -> Result<Vec<Cell>, String> {
        let raw = fs_err::read_to_string(&migration.path).map_err(|error| error.to_string())?;
        let script = migration.path.strip_prefix(&self.dir).unwrap_or(&migration.path);
        let pieces = split(&raw).map_err(|error| error.to_string())?;
        let statements = pieces
            .iter()
            .map(|piece| piece.span.slice(&raw).trim().trim_end_matches(';').trim());
        let statements: Vec<&str> = statements.filter(|statement| !statement.is_empty()).collect();
        self.table.tool.cells(&PeerFile {
            version: &migration.version,
            name: &migration.name,
            path: &migration.path,
            script: &script.to_string_lossy(),
            raw: &raw,
            statements: &statements,
            wide: self.table.wide,
        })
    }
}

fn finding(tool: Mirror, error: &MirrorError) -> Finding {
    let (code, help) = match error {
        MirrorError::NoTable { .. } => (
            "mirror.no-table",
            format!("let {tool} make its ledger once, on this database, or take `mirror` out of rlsctl.toml"),
        ),
        MirrorError::Several { .. } => (
            "mirror.several-tables",
            "rlsctl does not guess; take `mirror` out of rlsctl.toml, or drop the one that is not in use".to_owned(),
        ),
        MirrorError::Columns { .. } => (
            "mirror.columns",
            format!("see which version of {tool} made it, and that `mirror` in rlsctl.toml names the right tool"),
        ),
        MirrorError::Privilege { grants, .. } => {
            ("mirror.privilege", format!("let its owner run: {}", grants.join(" ")))
        }
        MirrorError::Unclean { .. } => ("mirror.unclean", format!("mend that with {tool} first")),
        MirrorError::Message(_) => ("mirror.unreadable", String::new()),
    };
    let message = format!("cannot be kept in step: {error}");
    Finding::error(code, format!("the ledger of {tool}"), message, help)
}
