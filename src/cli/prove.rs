//! `rlsctl prove`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::audit::audit;
use crate::duration::parse_duration;
use crate::exit::{Exit, Failure};
use crate::pg::{self, Work};
use crate::prove::{Options, PgTap, ProveError, execute, plan, settle};
use crate::report::{TargetInfo, count, prove_document, prove_text};
use crate::tenancy::{Sessions, Tenancy, TenancyError, sessions, tenancy};

use super::connection::{connect, settings_of};
use super::context::{Context, block_on};
use super::describe::config_failure;
use super::prove_args::ProveArgs;

/// So long the application may wait behind us.
const LOCK_TIMEOUT: Duration = Duration::from_millis(50);

/// Acts as one tenant and tries to reach another's rows.
pub fn run(context: &Context<'_>, args: &ProveArgs) -> Result<Exit, Failure> {
    let table = context.config.tenancy();
    let (tenancy, sessions) = (
        tenancy(table).map_err(|error| unusable(&error))?,
        sessions(table).map_err(|error| unusable(&error))?,
    );
    let options = options(args)?;
    folder(args)?;
    let target = context.config.target().map_err(|error| config_failure(&error))?;
    if target.production && !context.yes {
        return Err(production(target.name.as_deref().unwrap_or_default()));
    }
    let (settings, target) = settings_of(context, target)?;
    block_on(async {
        let session = connect(&settings, Work::Reader).await?;
        let fresh = connect(&settings, Work::Reader).await?;
        let document = Box::pin(proved(
            context,
            args,
            (&session, &fresh),
            (&tenancy, &sessions),
            &options,
            target,
        ))
        .await;
        session.close().await;
        fresh.close().await;
        document
    })?
}

async fn proved(
    context: &Context<'_>,
    args: &ProveArgs,
    (session, fresh): (&pg::Session, &pg::Session),
    (tenancy, sessions): (&Tenancy, &Sessions),
    options: &Options,
    target: TargetInfo,
) -> Result<Exit, Failure> {
    let schema = pg::schema(session).await;
    let schema =
        schema.map_err(|error| Failure::new(Exit::Environment, error.to_string()).state("nothing was changed"))?;
    let missing = tenancy.all_app_roles().find(|role| !schema.roles.contains_key(*role));
    if let Some(role) = missing {
        return Err(
            Failure::new(Exit::Environment, format!("{role} is no role of this server"))
                .state("nothing was changed")
                .hint("mend app_roles in [tenancy], or create it"),
        );
    }
    let plan = plan(&schema, tenancy, args.call_volatile);
    let proof = execute(session, fresh, (&schema, &plan), (tenancy, sessions), options).await;
    let mut proof = proof.map_err(|error| failed(&error))?;
    settle(&mut proof, &schema, tenancy, &audit(&schema, tenancy));
    if let Some(folder) = folder(args)? {
        written(context, &folder, &proof.tests)?;
    }
    let mut document = prove_document(&proof, args.allow_unknown);
    document.target = Some(target);
    let text = prove_text(&proof, context.ui.width());
    context.print(&document, &text)?;
    Ok(document.exit)
}

fn options(args: &ProveArgs) -> Result<Options, Failure> {
    let usage = |what: &str| Failure::new(Exit::Usage, what).state("nothing was changed");
    let tenants = match args.tenants.as_slice() {
        [] => None,
        [one, other] if one != other => Some((one.clone(), other.clone())),
        _ => return Err(usage("`--tenant` is given twice, with two tenants, or not at all")),
    };
    let statement_timeout =
        parse_duration(&args.probe_timeout).map_err(|reason| usage(&format!("--probe-timeout: {reason}")))?;
    Ok(Options {
        tenants,
        statement_timeout: statement_timeout.max(Duration::from_millis(1)),
        lock_timeout: LOCK_TIMEOUT,
        redact: args.redact,
        seed: args.seed,
        tests: !args.emit.is_empty(),
        strict_control: args.strict_control,
    })
}

/// Returns where tests are to be written, which has to be new or empty.
fn folder(args: &ProveArgs) -> Result<Option<PathBuf>, Failure> {
    let (kind, folder) = match args.emit.as_slice() {
        [kind, folder] => (kind, PathBuf::from(folder)),
        _ => return Ok(None),
    };
    if kind != "pgtap" {
        return Err(Failure::new(Exit::Usage, format!("`--emit {kind}` is not known"))
            .state("nothing was changed")
            .hint("write `--emit pgtap DIR`"));
    }
    let is_taken = fs_err::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some());
    if is_taken {
        return Err(
            Failure::new(Exit::Refused, format!("{} is there and not empty", folder.display()))
                .state("nothing was tried and nothing was written")
                .hint("name a folder that is new, or empty it"),
        );
    }
    Ok(Some(folder))
}

fn written(context: &Context<'_>, folder: &Path, tests: &[PgTap]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Environment, "the tests cannot be written")
            .cause(error.to_string())
            .state("the database is as it was")
            .hint("see that the folder may be written, then run the same command again")
    };
    fs_err::create_dir_all(folder).map_err(failed)?;
    for test in tests {
        let mut path = folder.join(format!("{}.sql", test.file));
        let mut number = 2;
        while path.exists() {
            path = folder.join(format!("{}_{number}.sql", test.file));
            number += 1;
        }
        fs_err::write(&path, &test.text).map_err(failed)?;
    }
    let (number, folder) = (count(tests.len(), "test"), folder.display());
    context.ui.note(&format!(
        "wrote {number} to {folder}; with pgTAP installed: pg_prove {folder}/*.sql"
    ));
    Ok(())
}

fn unusable(error: &TenancyError) -> Failure {
    Failure::new(Exit::Environment, "the tenancy model cannot be used")
        .cause(error.to_string())
        .state("nothing was changed")
        .hint("the guide's sections on retrofit and prove have an example for each way to say whose a session is")
}

fn production(name: &str) -> Failure {
    Failure::new(Exit::Refused, format!("target {name} is marked as production"))
        .state("nothing was tried")
        .hint("prove on a copy of it, where that is possible")
        .hint("or say that it is meant with `--yes`: every probe is rolled back, and rows are locked for moments")
}

fn failed(error: &ProveError) -> Failure {
    Failure::new(Exit::Environment, error.to_string())
        .state("nothing was changed: what was tried is rolled back")
        .hint("see what the server's log says, then run the same command again")
}
