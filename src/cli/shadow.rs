//! The shadow leg of `rlsctl drift-check`: the files replayed into a throwaway database.

use std::collections::BTreeSet;

use tokio::sync::watch;

use crate::catalog::Snapshot;
use crate::drift::{Replay, replay};
use crate::event::{Event, Listener};
use crate::exit::{Exit, Failure};
use crate::finding::Finding;
use crate::ledger::AppliedState;
use crate::migrate::plan::{Ask, plan};
use crate::migrate::{Interrupt, Migrator, RunError};
use crate::migration::{Head, Layout, Migration, Version, load};
use crate::pg::scratch::{Scratch, ScratchOptions};
use crate::pg::{self, Environment, Look, Session, Sessions, Settings, Work, catalog, ledger_store, shadow};

use super::connection::{connect, ledger_failure};
use super::context::Context;

/// The database that the files are replayed into.
pub(super) const DATABASE: &str = "rlsctl_shadow";

/// What the replay came to.
pub struct Shadow {
    /// The catalog after it; `None` if a file failed.
    pub snapshot: Option<Snapshot>,
    /// What is to be said about it, in a line.
    pub said: String,
    /// Why it did not come to its end.
    pub findings: Vec<Finding>,
}

/// Nobody is told of a replay's single steps.
struct Silent;

impl Listener for Silent {
    fn on(&self, _: Event) {}
}

/// Replays `files` into a throwaway server, or into the empty database at `url`.
pub async fn replayed(
    context: &Context<'_>,
    files: &[&Migration],
    live: &Session,
    look: &Look,
    url: Option<&str>,
) -> Result<Shadow, Failure> {
    let roles = shadow::roles(live).await.map_err(|error| failed(&error))?;
    let owner = look.session_role.clone();
    Box::pin(replayed_as(context, files, &Owners { roles, owner }, url)).await
}

/// Who there is on the server that is imitated.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    /// All roles.
    pub roles: BTreeSet<String>,
    /// The one that runs the migrations.
    pub owner: String,
}

/// Replays `files` as [`replayed`] does, without a connection to the server that is imitated.
pub async fn replayed_as(
    context: &Context<'_>,
    files: &[&Migration],
    owners: &Owners,
    url: Option<&str>,
) -> Result<Shadow, Failure> {
    let place = Place::make(owners, url).await?;
    let session = connect(&place.settings, Work::Migrator).await?;
    let here = ledger_store::look(&session)
        .await
        .map_err(|error| ledger_failure(&error))?;
    if url.is_some() {
        is_empty(&session, &here).await?;
    }
    let available = shadow::available_extensions(&session)
        .await
        .map_err(|error| failed(&error))?;
    let dir = tempfile::tempdir().map_err(|error| failed(&error))?;
    let replay = replay(files.iter().copied(), &available, dir.path()).map_err(|error| failed(&error))?;
    let mut said = format!(
        "shadow: {} files replayed on PostgreSQL {}",
        files.len(),
        major(here.server_version)
    );
    if !replay.left_out.is_empty() {
        let names: Vec<&str> = replay.left_out.iter().map(String::as_str).collect();
        said.push_str(&format!(
            "; it has no extension {}, which was left out",
            names.join(", ")
        ));
    }
    let stopped = run(context, &place.settings, session, here.clone(), dir.path()).await?;
    if let Some(error) = stopped {
        let findings = vec![stopped_at(&error, &replay)];
        return Ok(Shadow {
            snapshot: None,
            said,
            findings,
        });
    }
    let session = connect(&place.settings, Work::Reader).await?;
    let snapshot = catalog::snapshot(&session, here.server_version, Sessions::Two)
        .await
        .map_err(|error| failed(&error))?;
    session.close().await;
    Ok(Shadow {
        snapshot: Some(snapshot),
        said,
        findings: Vec::new(),
    })
}

pub(super) fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Environment, "the files cannot be replayed")
        .cause(error.to_string())
        .state("nothing was changed on the target")
}

pub(super) fn major(server_version: u32) -> u32 {
    server_version / 10000
}

/// Where the files are replayed. The server goes with it.
pub(super) struct Place {
    pub(super) settings: Settings,
    pub(super) server: Option<Scratch>,
}

impl Place {
    pub(super) async fn make(owners: &Owners, url: Option<&str>) -> Result<Self, Failure> {
        let settings = |dsn: &str| Settings::resolve(Some(dsn), &Environment::empty()).map_err(|error| failed(&error));
        if let Some(url) = url {
            let environment = Environment::from_process();
            let settings = Settings::resolve(Some(url), &environment).map_err(|error| failed(&error))?;
            return Ok(Self { settings, server: None });
        }
        let server = Scratch::start(&ScratchOptions::default()).map_err(|error| {
            failed(&error).hint("name an empty database of another server with `--shadow-url`, or the folder of initdb with RLSCTL_PG_BIN")
        })?;
        let Owners { roles, owner } = owners;
        let admin = pg::connect(&settings(&server.dsn("postgres"))?, Work::Migrator)
            .await
            .map_err(|error| failed(&error))?;
        shadow::make_roles(&admin, roles, owner)
            .await
            .map_err(|error| failed(&error))?;
        shadow::make_database(&admin, DATABASE, owner)
            .await
            .map_err(|error| failed(&error))?;
        admin.close().await;
        let user = owner.replace('\\', "\\\\").replace('\'', "\\'");
        let settings = settings(&format!("{} user='{user}'", server.dsn(DATABASE)))?;
        Ok(Self {
            settings,
            server: Some(server),
        })
    }
}

/// Refuses a database that holds anything: it would be taken for what the files make.
async fn is_empty(session: &Session, look: &Look) -> Result<(), Failure> {
    let snapshot = catalog::snapshot(session, look.server_version, look.sessions())
        .await
        .map_err(|error| failed(&error))?;
    let holds = |kind: &str| snapshot.objects.keys().any(|id| id.kind.to_string() == kind);
    if look.ledger.is_none() && !holds("table") && !holds("view") && !holds("function") {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Environment,
        format!("the shadow database {} is not empty", look.database),
    )
    .state("nothing was changed")
    .hint("make an empty one for it: CREATE DATABASE shadow TEMPLATE template0"))
}

/// Applies the numbered files of `dir`; returns why it stopped, if it did.
pub(super) async fn run(
    context: &Context<'_>,
    settings: &Settings,
    session: Session,
    look: Look,
    dir: &std::path::Path,
) -> Result<Option<RunError>, Failure> {
    let set = load(dir, Some(Layout::Plain)).map_err(|problems| {
        let first = problems.first().map(ToString::to_string).unwrap_or_default();
        failed(&first)
    })?;
    let nothing = AppliedState::First {
        count: 0,
        head: Head::of([]),
    };
    let limits = &context.config.limits;
    let ask = Ask {
        to: None,
        single_transaction: false,
        allow_out_of_order: false,
        rerun_unknown_step: false,
        lock_wait: limits.lock_wait,
        statement_timeout: limits.statement_timeout,
        tables_per_batch: limits.tables_per_batch,
        replica_lag: limits.replica_lag,
    };
    let plan = plan(&set, nothing, &[], &ask).map_err(|findings| {
        let first = findings
            .first()
            .map(|one| format!("{} {}", one.object, one.message))
            .unwrap_or_default();
        failed(&first)
    })?;
    ledger_store::bring_up_to_date(&session, &look, true)
        .await
        .map_err(|error| ledger_failure(&error))?;
    let (_sender, receiver) = watch::channel(None);
    let mut migrator = Migrator::new(session, settings.clone(), look, &Silent, Interrupt::new(receiver), None);
    let outcome = migrator.run(plan).await;
    migrator.close().await;
    Ok(outcome.stopped)
}

fn stopped_at(error: &RunError, replay: &Replay) -> Finding {
    let version = error
        .version()
        .and_then(|number| replay.version(number))
        .map(Version::to_string);
    // The copy that is run has numbers for versions, which are nobody's.
    let why = match error {
        RunError::Statement { server, .. } => server.message.clone(),
        other => other.to_string(),
    };
    let help = "the files alone no longer make this database: see what the migration needs that no file gives it";
    Finding::error(
        "drift.shadow-failed",
        version.unwrap_or_default(),
        format!("does not run on an empty database after the files before it: {why}"),
        help,
    )
    .evidence(
        "left_out_extensions",
        replay
            .left_out
            .iter()
            .cloned()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>(),
    )
}
