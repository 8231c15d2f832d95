//! Connecting while the files are read, and looking at the ledger.

use crate::config::Target;
use crate::exit::{Exit, Failure};
use crate::ledger::AppliedState;
use crate::migration::{Head, Set};
use crate::pg::{self, Environment, LedgerError, Look, MessageError, Session, Settings, StepRow, Work, ledger_store};
use crate::report::{Document, TargetInfo};

use super::context::{Context, Refusal};
use super::describe::config_failure;

/// What a command knows before it plans.
pub struct Gathered {
    /// The files.
    pub set: Set,
    /// How we are connected.
    pub settings: Settings,
    /// The connection.
    pub session: Session,
    /// The server, the role, the ledger.
    pub look: Look,
    /// The database, for people.
    pub target: TargetInfo,
}

/// Why a command does not know enough.
pub enum NotGathered {
    /// The files are wrong.
    Refused {
        /// What is wrong with them.
        refusal: Refusal,
        /// The database that was meant.
        target: TargetInfo,
    },
    /// No connection, no privilege.
    Failed {
        /// Why.
        failure: Box<Failure>,
        /// The database that was meant, as far as that is known.
        target: Option<TargetInfo>,
    },
}

impl From<Failure> for NotGathered {
    fn from(failure: Failure) -> Self {
        Self::Failed {
            failure: Box::new(failure),
            target: None,
        }
    }
}

impl NotGathered {
    /// Prints it, and returns the exit code.
    ///
    /// # Errors
    /// A stream that cannot be written.
    pub fn report(self, context: &Context<'_>, command: &'static str) -> Result<Exit, Failure> {
        match self {
            Self::Refused { refusal, target } => {
                let mut document = Document::new(command, Exit::Refused);
                document.target = Some(target);
                refusal.report(context, command, document)
            }
            Self::Failed { failure, target } => {
                let mut document = Document::new(command, failure.exit);
                document.target = target;
                context.fail(command, &failure, document)?;
                Ok(failure.exit)
            }
        }
    }
}

/// Returns how to connect to the target.
pub fn settings(context: &Context<'_>) -> Result<(Settings, TargetInfo), Failure> {
    let target = context.config.target().map_err(|error| config_failure(&error))?;
    settings_of(context, target)
}

/// Returns how to connect to another target, which is named, or is a connection string.
pub fn other_settings(context: &Context<'_>, named: &str) -> Result<(Settings, TargetInfo), Failure> {
    let is_url = named.contains("://") || named.contains('=');
    let target = if is_url {
        Target {
            url: Some(named.to_owned()),
            origin: "--against".to_owned(),
            ..Target::default()
        }
    } else {
        context.config.named(named).map_err(|error| config_failure(&error))?
    };
    settings_of(context, target)
}

/// Returns how to connect to a target.
pub fn settings_of(context: &Context<'_>, target: Target) -> Result<(Settings, TargetInfo), Failure> {
    let environment = Environment::from_process();
    let settings = Settings::resolve(target.url.as_deref(), &environment).map_err(|error| {
        let mut failure = Failure::new(
            Exit::Environment,
            format!("the connection settings of {} are wrong", target.origin),
        );
        failure.causes.push(error.to_string());
        failure
            .state("nothing was changed")
            .hint("a connection string looks like postgres://user@host:5432/database")
    })?;
    for warning in &settings.warnings {
        context.ui.warning(warning);
    }
    let description = settings.describe();
    Ok((
        settings,
        TargetInfo {
            name: target.name,
            description,
        },
    ))
}

/// Connects; a refusal says what was tried and what to check.
pub async fn connect(settings: &Settings, work: Work) -> Result<Session, Failure> {
    pg::connect(settings, work).await.map_err(|error| {
        let mut failure = Failure::new(Exit::Environment, format!("cannot connect to {}", settings.describe()));
        failure.causes = error.to_string().split('\n').map(str::to_owned).collect();
        failure.hints = error.advice().iter().map(|advice| after_next(advice)).collect();
        failure.state("nothing was changed")
    })
}

/// Returns an instruction as it reads behind `next: `; each begins with a verb.
fn after_next(advice: &str) -> String {
    let mut characters = advice.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

/// Reads the files on one thread while the other connects and looks.
pub async fn gather(context: &Context<'_>, work: Work) -> Result<Gathered, NotGathered> {
    let dir = context.dir()?;
    let (settings, target) = settings(context)?;
    let layout = context.config.layout;
    let files = std::thread::spawn(move || crate::migration::load(&dir, layout));
    let connected = connect_and_look(&settings, work).await;
    let set = match files.join() {
        Ok(Ok(set)) => set,
        Ok(Err(problems)) => {
            let refusal = Refusal::from_problems(&problems);
            return Err(NotGathered::Refused { refusal, target });
        }
        Err(panic) => std::panic::resume_unwind(panic),
    };
    let (session, look) = match connected {
        Ok(connected) => connected,
        Err(failure) => {
            let (failure, target) = (Box::new(failure), Some(target));
            return Err(NotGathered::Failed { failure, target });
        }
    };
    Ok(Gathered {
        set,
        settings,
        session,
        look,
        target,
    })
}

/// Connects, and looks at server and ledger.
pub async fn connect_and_look(settings: &Settings, work: Work) -> Result<(Session, Look), Failure> {
    let session = connect(settings, work).await?;
    let mut look = ledger_store::look(&session)
        .await
        .map_err(|error| ledger_failure(&error))?;
    // Who migrates finds out when the ledger is made, which saves a message.
    if work != Work::Migrator {
        let others = ledger_store::look_for_others(&session, &mut look).await;
        others.map_err(|error| ledger_failure(&error))?;
    }
    Ok((session, look))
}

/// A server that takes no writes is said before anything is tried.
pub fn writable(look: &Look) -> Result<(), Failure> {
    let refuse = |what: &str, hint: &str| {
        Err(Failure::new(Exit::Environment, what)
            .state("nothing was changed")
            .hint(hint))
    };
    if look.in_recovery {
        return refuse(
            "the server is a standby, which takes no writes",
            "connect to the primary; with several hosts in the URL, `target_session_attrs=read-write` finds it",
        );
    }
    if look.read_only {
        return refuse(
            "transactions are read-only here (default_transaction_read_only is on)",
            "see who set it for this database or role: select * from pg_db_role_setting",
        );
    }
    Ok(())
}

/// Returns what the ledger says is applied, and what is half applied. One round trip if the heads disagree, one if something is half applied.
pub async fn applied(session: &Session, look: &Look, set: &Set) -> Result<(AppliedState, Vec<StepRow>), Failure> {
    let Some(ledger) = &look.ledger else {
        return Ok((
            AppliedState::First {
                count: 0,
                head: Head::of([]),
            },
            Vec::new(),
        ));
    };
    let failed = |error: LedgerError| ledger_failure(&error);
    let steps = if ledger.unfinished {
        ledger_store::steps(session).await.map_err(failed)?
    } else {
        Vec::new()
    };
    let state = match AppliedState::by_head(set, ledger.applied, &ledger.head) {
        Some(state) => state,
        None => AppliedState::Rows(ledger_store::entries(session).await.map_err(failed)?),
    };
    Ok((state, steps))
}

/// Returns why the ledger cannot be used, and what mends it.
pub fn ledger_failure(error: &LedgerError) -> Failure {
    let failure = Failure::new(Exit::Environment, error.to_string());
    match error {
        LedgerError::Privilege { grant, .. } => failure.hint(format!("let a role that may do so run: {grant}")),
        LedgerError::Newer { .. } => {
            let mut failure = failure.hint("use the rlsctl that wrote it, or a newer one");
            failure.exit = Exit::Refused;
            failure
        }
        LedgerError::Others => {
            failure.hint("take it over, which runs nothing: `rlsctl adopt --dry-run`, then `rlsctl adopt`")
        }
        LedgerError::Unreadable { .. } => failure.hint("see what changed schema rlsctl; rlsctl does not guess"),
        LedgerError::Message(MessageError::Refused { refusal }) => {
            let mut failure = failure;
            failure.server = Some(refusal.error.clone());
            failure
        }
        LedgerError::Message(MessageError::Lost { .. }) => {
            failure.hint("see that the server is up, then run the same command again")
        }
    }
    .state("nothing was changed")
}
