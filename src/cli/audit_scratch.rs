//! `rlsctl audit --files` and `--dump`: what is judged is made in a throwaway server.

use std::collections::BTreeSet;
use std::path::Path;

use crate::drift::replay;
use crate::exit::{Exit, Failure};
use crate::finding::Finding;
use crate::migrate::RunError;
use crate::migration::{Set, load};
use crate::pg::scratch::Scratch;
use crate::pg::{self, Environment, Session, Settings, Work, ledger_store, shadow};
use crate::schema::Schema;
use crate::script::{PieceKind, RelationName, split};

use super::audit_args::AuditArgs;
use super::connection::{connect, ledger_failure};
use super::context::{Context, folder};
use super::shadow::{DATABASE, Owners, Place, failed, major, run};

/// What the SQL could not be run for.
const NOT_RESTORED: &str = "audit.not-restored";
/// An object that does not exist: here, a role.
const UNDEFINED_OBJECT: &str = "42704";
/// More roles than this are no oversight.
const ROLES: usize = 200;

/// A database that was made to be judged.
pub struct Made {
    /// What is in it.
    pub schema: Schema,
    /// Where it comes from, for people.
    pub said: String,
    /// What is not in it.
    pub findings: Vec<Finding>,
}

/// Makes what `--files` or `--dump` names.
pub async fn made(context: &Context<'_>, args: &AuditArgs) -> Result<Made, Failure> {
    let mut here = Here::start().await?;
    let made = if let Some(dump) = &args.dump {
        here.dump(args, dump).await
    } else {
        let dir = context.dir()?;
        let set = load(&dir, context.config.layout).map_err(|problems| {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            failed(&first).hint("`rlsctl status` lists all that is wrong with the files")
        })?;
        Box::pin(here.files(context, args, &set)).await
    };
    here.admin.close().await;
    made
}

/// A throwaway server.
struct Here {
    place: Place,
    admin: Session,
    /// The roles that the SQL names and does not make.
    roles: BTreeSet<String>,
}

impl Here {
    async fn start() -> Result<Self, Failure> {
        let owners = Owners {
            roles: BTreeSet::new(),
            owner: Scratch::superuser().to_owned(),
        };
        let place = Place::make(&owners, None).await.map_err(|mut failure| {
            failure.hints = vec!["name the folder of initdb with RLSCTL_PG_BIN".to_owned()];
            failure
        })?;
        let dsn = place.server.as_ref().map(|server| server.dsn("postgres"));
        let settings = Settings::resolve(dsn.as_deref(), &Environment::empty()).map_err(|error| failed(&error))?;
        let admin = pg::connect(&settings, Work::Migrator)
            .await
            .map_err(|error| failed(&error))?;
        Ok(Self {
            place,
            admin,
            roles: BTreeSet::new(),
        })
    }

    /// Makes the role that a statement misses, without login and rights; tells whether it was that.
    async fn makes_role(&mut self, sqlstate: &str, message: &str) -> Result<bool, Failure> {
        let Some(name) = missing_role(sqlstate, message).filter(|name| !self.roles.contains(name)) else {
            return Ok(false);
        };
        if self.roles.len() == ROLES {
            return Ok(false);
        }
        let wanted = BTreeSet::from([name.clone()]);
        shadow::make_roles(&self.admin, &wanted, Scratch::superuser())
            .await
            .map_err(|error| failed(&error))?;
        self.roles.insert(name);
        Ok(true)
    }

    /// An empty database, with what comes before run in it.
    async fn empty(&mut self, args: &AuditArgs) -> Result<(), Failure> {
        let drop = format!("drop database if exists {DATABASE}");
        self.admin.message(&drop).await.result.map_err(|error| failed(&error))?;
        shadow::make_database(&self.admin, DATABASE, Scratch::superuser())
            .await
            .map_err(|error| failed(&error))?;
        let Some(before) = &args.before else { return Ok(()) };
        let text = read(before)?;
        let session = connect(&self.place.settings, Work::Migrator).await?;
        let refused = self.statements(&session, &text).await;
        session.close().await;
        match refused?.into_iter().next() {
            None => Ok(()),
            Some(first) => Err(Failure::new(
                Exit::Environment,
                format!("{} does not run on an empty database", before.display()),
            )
            .cause(first)
            .state("nothing was changed")),
        }
    }

    async fn files(&mut self, context: &Context<'_>, args: &AuditArgs, set: &Set) -> Result<Made, Failure> {
        loop {
            // A role that is missing is made, and everything is run again: a migration that has failed may have left something.
            self.empty(args).await?;
            let session = connect(&self.place.settings, Work::Migrator).await?;
            let look = ledger_store::look(&session)
                .await
                .map_err(|error| ledger_failure(&error))?;
            let available = shadow::available_extensions(&session)
                .await
                .map_err(|error| failed(&error))?;
            let dir = tempfile::tempdir().map_err(|error| failed(&error))?;
            let replay = replay(&set.migrations, &available, dir.path()).map_err(|error| failed(&error))?;
            let version = look.server_version;
            let stopped = run(context, &self.place.settings, session, look, dir.path()).await?;
            let Some(error) = stopped else {
                let left_out = left_out(replay.left_out.iter());
                let said = format!("{} replayed on PostgreSQL {}{left_out}", folder(set), major(version));
                return self.judged(said, Vec::new()).await;
            };
            if let RunError::Statement { server, .. } = &error
                && self.makes_role(&server.sqlstate, &server.message).await?
            {
                continue;
            }
            let version = error.version().and_then(|number| replay.version(number));
            let version = version.map(ToString::to_string).unwrap_or_default();
            let why = match &error {
                RunError::Statement { server, .. } => server.message.clone(),
                other => other.to_string(),
            };
            return Err(Failure::new(
                Exit::Environment,
                format!("{version} does not run on an empty database after the files before it"),
            )
            .cause(why)
            .state("nothing was judged, and nothing was changed")
            .hint(
                "if it needs what the platform brings, such as schema auth, name a file that makes it: `--before FILE`",
            ));
        }
    }

    async fn dump(&mut self, args: &AuditArgs, dump: &Path) -> Result<Made, Failure> {
        let text = read(dump)?;
        self.empty(args).await?;
        let session = connect(&self.place.settings, Work::Migrator).await?;
        let version = ledger_store::look(&session)
            .await
            .map_err(|error| ledger_failure(&error))?
            .server_version;
        let refused = self.statements(&session, &text).await;
        session.close().await;
        let refused = refused?;
        let mut findings = Vec::new();
        if !refused.is_empty() {
            let message = format!(
                "holds {} that the throwaway server refused: what they make was not judged",
                crate::report::count(refused.len(), "statement")
            );
            let help =
                "use programs of the same major version, with the same extensions: RLSCTL_PG_BIN names their folder";
            let shown: Vec<String> = refused.iter().take(20).cloned().collect();
            findings.push(
                Finding::warning(NOT_RESTORED, dump.display().to_string(), message, help).evidence("refused", shown),
            );
        }
        let said = format!("{} restored on PostgreSQL {}", dump.display(), major(version));
        self.judged(said, findings).await
    }

    /// Runs a script as psql would, rows left out; returns what was refused.
    async fn statements(&mut self, session: &Session, text: &str) -> Result<Vec<String>, Failure> {
        let pieces = split(text).map_err(|error| failed(&error))?;
        let mut refused = Vec::new();
        for piece in pieces.iter().filter(|piece| piece.kind == PieceKind::Statement) {
            let sql = piece.body.slice(text);
            if is_data(sql) {
                continue;
            }
            loop {
                let Err(error) = session.message(sql).await.result else {
                    break;
                };
                let Some(server) = error.server() else {
                    return Err(failed(&error));
                };
                let (sqlstate, message) = (server.sqlstate.clone(), server.message.clone());
                if self.makes_role(&sqlstate, &message).await? {
                    continue;
                }
                // Newer programs write settings that older servers do not know, and every database has schema public.
                let is_harmless = first_word(sql) == "set" || sqlstate == "42P06";
                if !is_harmless {
                    let line: String = sql.split_whitespace().collect::<Vec<_>>().join(" ");
                    let line: String = line.chars().take(100).collect();
                    refused.push(format!("{line}: {message}"));
                }
                break;
            }
        }
        Ok(refused)
    }

    async fn judged(&self, mut said: String, findings: Vec<Finding>) -> Result<Made, Failure> {
        let session = connect(&self.place.settings, Work::Reader).await?;
        let schema = pg::schema(&session).await.map_err(|error| failed(&error))?;
        session.close().await;
        if !self.roles.is_empty() {
            let names: Vec<String> = self
                .roles
                .iter()
                .map(|name| RelationName::new(name).to_string())
                .collect();
            said.push_str(&format!(
                "; made for it, without login, memberships and attributes: {}",
                names.join(", ")
            ));
        }
        Ok(Made { schema, said, findings })
    }
}

fn left_out<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() {
        return String::new();
    }
    format!("; it has no extension {}, which was left out", names.join(", "))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs_err::read_to_string(path).map_err(|error| {
        Failure::new(Exit::Environment, format!("cannot read {}", path.display()))
            .cause(error.to_string())
            .state("nothing was changed")
            .hint("a dump is plain SQL: `pg_dump --schema-only --file FILE`")
    })
}

fn first_word(sql: &str) -> String {
    let word = sql.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    word.to_ascii_lowercase()
}

/// Rows of tables and positions of sequences are nobody's business here.
fn is_data(sql: &str) -> bool {
    let start = sql.to_ascii_lowercase();
    match first_word(sql).as_str() {
        "copy" | "insert" => true,
        "select" => start.contains("pg_catalog.setval"),
        _ => false,
    }
}

/// Returns the role that the server misses.
fn missing_role(sqlstate: &str, message: &str) -> Option<String> {
    let rest = message.strip_prefix("role \"")?;
    let name = rest.strip_suffix("\" does not exist")?;
    (sqlstate == UNDEFINED_OBJECT).then(|| name.to_owned())
}
