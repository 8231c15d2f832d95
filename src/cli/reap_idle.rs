//! `rlsctl reap-idle`.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use futures_util::future::join_all;

use crate::activity::{NamePattern, Spared};
use crate::config::{ConfigError, Target};
use crate::event::{Event, Listener as _};
use crate::exit::{Exit, Failure, Signal};
use crate::pg::reaping::{Meant, databases, end_idle_statement, sessions};
use crate::pg::waits::{place, waits};
use crate::pg::{Session, Settings, Work};
use crate::reap::{Ask, Hidden, NotEnded, Outcome, Plan, execute, plan};
use crate::report::{
    Document, Metrics, Reaped, TargetInfo, TargetMetrics, Ui, count, reap_document, reap_summary, reap_text,
    write_metrics,
};

use super::connection::{connect, settings_of};
use super::context::{Context, block_on};
use super::describe::{config_failure, look_failure};
use super::session_args::ReapIdleArgs;
use super::signals::Signals;

/// The command's name in documents.
const NAME: &str = "reap-idle";

/// Ends sessions that have been idle in a transaction for too long.
pub fn run(context: &Context<'_>, args: &ReapIdleArgs) -> Result<Exit, Failure> {
    let ask = ask(context, args);
    if args.print_sql {
        return print_sql(context, &ask);
    }
    let started = Instant::now();
    let reaped = targets(context, args).and_then(|targets| {
        block_on(async {
            let signals = Signals::listen()?;
            let each = targets
                .into_iter()
                .map(|target| on_target(context, args, &ask, target, &signals));
            let all: Vec<Reaped> = join_all(each).await.into_iter().flatten().collect();
            let interrupted = signals.seen().map(|signal| interrupted(signal, &all));
            Ok((all, interrupted))
        })?
    });
    let (all, interrupted) = match reaped {
        Ok(reaped) => reaped,
        Err(failure) => {
            before_anything(context.ui, args, failure.exit);
            return Err(failure);
        }
    };
    let mut failure = interrupted.or_else(|| failed(&all));
    let exit = failure.as_ref().map_or_else(|| worst(&all), |failure| failure.exit);
    if let Some(path) = &args.metrics_file {
        let metrics = Metrics {
            exit,
            duration: started.elapsed(),
            targets: all.iter().map(TargetMetrics::of).collect(),
        };
        let written = write_metrics(path, &metrics);
        failure = failure.or(written.err().map(|error| not_written(path, &error, &all)));
    }
    tell(context, &all, failure)
}

/// Writes that a run did not even know its databases, so that an alert can see it.
pub fn before_anything(ui: &Ui, args: &ReapIdleArgs, exit: Exit) {
    let Some(path) = &args.metrics_file else { return };
    let metrics = Metrics {
        exit,
        duration: std::time::Duration::ZERO,
        targets: Vec::new(),
    };
    if let Err(error) = write_metrics(path, &metrics) {
        ui.warning(&format!("cannot write {}: {error}", path.display()));
    }
}

/// What was done is done, and whoever reads the file only is not told.
fn not_written(path: &Path, error: &std::io::Error, all: &[Reaped]) -> Failure {
    let outcomes = || all.iter().filter_map(|reaped| reaped.result.as_ref().ok());
    let ended = outcomes()
        .filter(|outcome| !outcome.dry_run)
        .map(|outcome| outcome.ended.len());
    let not_ended: usize = outcomes().map(|outcome| outcome.not_ended.len()).sum();
    let mut state = format!("{} ended all the same", count(ended.sum(), "session"));
    if not_ended > 0 {
        state.push_str(&format!(", {not_ended} could not be"));
    }
    Failure::new(Exit::Environment, format!("cannot write {}: {error}", path.display()))
        .state(format!("{state}; the metrics are those of an earlier run, or none"))
        .hint("see that its folder is there and may be written to; nothing has to be run again")
}

fn ask(context: &Context<'_>, args: &ReapIdleArgs) -> Ask {
    let patterns = |names: &[String]| names.iter().map(NamePattern::new).collect::<Vec<_>>();
    let mut rule = context.config.reap.clone();
    rule.protect_roles.extend(patterns(&args.protect_role));
    rule.protect_applications.extend(patterns(&args.protect_application));
    Ask {
        rule,
        roles: patterns(&args.role),
        applications: patterns(&args.application),
        only_blocking: args.only_blocking,
        limit: args.limit,
    }
}

fn print_sql(context: &Context<'_>, ask: &Ask) -> Result<Exit, Failure> {
    let meant = Meant {
        rule: &ask.rule,
        roles: &ask.roles,
        applications: &ask.applications,
        only_blocking: ask.only_blocking,
        limit: ask.limit,
    };
    let sql = end_idle_statement(&meant).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let sql = format!("{sql};\n");
    let document = Document::new(NAME, Exit::Done).with("sql", sql.clone());
    context.print(&document, &sql)?;
    Ok(Exit::Done)
}

/// A target by its name, or why it cannot be used.
type Named = (Option<String>, Result<Target, ConfigError>);

fn targets(context: &Context<'_>, args: &ReapIdleArgs) -> Result<Vec<Named>, Failure> {
    if !args.all_targets {
        let target = context.config.target().map_err(|error| config_failure(&error))?;
        return Ok(vec![(target.name.clone(), Ok(target))]);
    }
    let names = context.config.target_names();
    if names.is_empty() {
        return Err(
            Failure::new(Exit::Environment, "`--all-targets`: the configuration names no target")
                .state("nothing was changed")
                .hint("name the databases in rlsctl.toml: [targets.NAME] url = \"...\""),
        );
    }
    let by_name = |name: String| {
        let target = context.config.named(&name);
        (Some(name), target)
    };
    Ok(names.into_iter().map(by_name).collect())
}

/// All databases of a target that are meant.
async fn on_target(
    context: &Context<'_>,
    args: &ReapIdleArgs,
    ask: &Ask,
    (name, target): Named,
    signals: &Signals,
) -> Vec<Reaped> {
    let started = Instant::now();
    let alone = |info: TargetInfo, database: String, failure: Failure| {
        vec![Reaped {
            target: info,
            database,
            role: String::new(),
            result: Err(failure),
            duration: started.elapsed(),
        }]
    };
    let unknown = |failure: Failure| {
        let description = name.clone().unwrap_or_default();
        let info = TargetInfo {
            name: name.clone(),
            description,
        };
        alone(info, String::new(), failure)
    };
    let target = match target {
        Ok(target) => target,
        Err(error) => return unknown(config_failure(&error)),
    };
    let (settings, info) = match settings_of(context, target) {
        Ok(found) => found,
        Err(failure) => return unknown(failure),
    };
    let databases = match wanted_databases(&settings, &args.database).await {
        Ok(databases) => databases,
        Err(failure) => return alone(info, settings.dbname.clone(), failure),
    };
    let each = databases.into_iter().map(|database| {
        let mut settings = settings.clone();
        settings.dbname = database;
        let info = TargetInfo {
            name: info.name.clone(),
            description: settings.describe(),
        };
        on_database(settings, info, ask, args.dry_run, signals)
    });
    join_all(each).await
}

/// Returns the names of the databases; only patterns have to be looked up.
async fn wanted_databases(settings: &Settings, wanted: &[String]) -> Result<BTreeSet<String>, Failure> {
    if wanted.is_empty() {
        return Ok(BTreeSet::from([settings.dbname.clone()]));
    }
    let (patterns, names): (Vec<&String>, Vec<&String>) = wanted.iter().partition(|name| name.contains('*'));
    let mut found: BTreeSet<String> = names.into_iter().cloned().collect();
    if patterns.is_empty() {
        return Ok(found);
    }
    let patterns: Vec<NamePattern> = patterns.into_iter().map(NamePattern::new).collect();
    let session = connect(settings, Work::Watcher).await?;
    let all = databases(&session).await.map_err(|error| look_failure(&error))?;
    session.close().await;
    found.extend(
        all.into_iter()
            .filter(|name| patterns.iter().any(|pattern| pattern.matches(name))),
    );
    Ok(found)
}

async fn on_database(settings: Settings, target: TargetInfo, ask: &Ask, dry_run: bool, signals: &Signals) -> Reaped {
    let started = Instant::now();
    let mut role = String::new();
    let looked = tokio::select! {
        looked = look(&settings, ask, &mut role) => looked,
        signal = signals.wait() => Err(Failure::new(signal.exit(), "interrupted").state("nobody was ended")),
    };
    let result = match looked {
        Ok((session, plan)) if dry_run => {
            session.close().await;
            Ok(Outcome::of_dry_run(plan))
        }
        Ok((session, plan)) => {
            let outcome = execute(&session, plan, ask, &|| signals.seen().is_some()).await;
            session.close().await;
            Ok(outcome)
        }
        Err(failure) => Err(failure),
    };
    Reaped {
        target,
        database: settings.dbname.clone(),
        role,
        result,
        duration: started.elapsed(),
    }
}

async fn look(settings: &Settings, ask: &Ask, role: &mut String) -> Result<(Session, Plan), Failure> {
    let failed = |error| look_failure(&error);
    let session = connect(settings, Work::Watcher).await?;
    *role = place(&session).await.map_err(failed)?.role;
    let seen = sessions(&session).await.map_err(failed)?;
    let waits = if ask.only_blocking {
        waits(&session).await.map_err(failed)?
    } else {
        Vec::new()
    };
    let plan = plan(seen, &waits, ask).map_err(|hidden| cannot_see(hidden, settings, role))?;
    Ok((session, plan))
}

/// Whoever cannot see must not say that all is well.
fn cannot_see(hidden: Hidden, settings: &Settings, role: &str) -> Failure {
    let sessions = count(hidden.sessions, "session");
    Failure::new(
        Exit::Environment,
        format!("what {sessions} of other roles do in {} is hidden", settings.describe()),
    )
    .state("nobody was ended")
    .hint(format!("let a superuser run: GRANT pg_read_all_stats TO {role};"))
    .hint("to look only at sessions of a role that can be seen: `--role NAME`")
}

/// How all of them ended together: it could not look, some are still there, or all is done.
fn worst(all: &[Reaped]) -> Exit {
    all.iter().map(Reaped::exit).max().unwrap_or(Exit::Done)
}

/// Returns why it could not look somewhere.
fn failed(all: &[Reaped]) -> Option<Failure> {
    let mut failures: Vec<(String, Failure)> = Vec::new();
    for reaped in all {
        match &reaped.result {
            Err(failure) => failures.push((reaped.label(), failure.clone())),
            Ok(outcome) => failures.extend(cut_short(outcome).map(|failure| (reaped.label(), failure))),
        }
    }
    if all.len() == 1 || failures.is_empty() {
        return failures.pop().map(|(_, failure)| failure);
    }
    let what = format!("{} of {} databases could not be dealt with", failures.len(), all.len());
    let mut together = Failure::new(Exit::Environment, what);
    for (label, failure) in failures {
        together.causes.push(format!("{label}: {}", failure.on_one_line()));
        for hint in failure.hints {
            let hint = format!("for {label}: {hint}");
            together.hints.push(hint);
        }
    }
    Some(together.state("the others were dealt with as told above"))
}

fn interrupted(signal: Signal, all: &[Reaped]) -> Failure {
    let outcomes = || all.iter().filter_map(|reaped| reaped.result.as_ref().ok());
    let ended = outcomes().map(|outcome| outcome.ended.len()).sum();
    let left = outcomes().map(|outcome| outcome.not_reached).sum();
    Failure::new(signal.exit(), "interrupted")
        .state(format!(
            "{} ended, {} not come to",
            count(ended, "session"),
            count(left, "session")
        ))
        .hint("run the same command again to go on")
}

fn cut_short(outcome: &Outcome) -> Option<Failure> {
    let error = outcome.stopped.as_ref()?;
    let state = format!(
        "{} ended, {} not come to",
        count(outcome.ended.len(), "session"),
        count(outcome.not_reached, "session")
    );
    Some(look_failure(error).state(state).hint("run the same command again"))
}

fn tell(context: &Context<'_>, all: &[Reaped], failure: Option<Failure>) -> Result<Exit, Failure> {
    let exit = failure.as_ref().map_or_else(|| worst(all), |failure| failure.exit);
    let document = reap_document(all, exit);
    let text = reap_text(all, context.ui.is_verbose());
    for warning in warnings(all) {
        context.ui.warning(&warning);
    }
    if all.iter().any(|reaped| reaped.result.is_ok()) {
        context.ui.on(Event::Note(reap_summary(all)));
    }
    let Some(failure) = failure else {
        context.print(&document, &text)?;
        return Ok(exit);
    };
    context.partial(&document, &text)?;
    context.fail(NAME, &failure, document)?;
    Ok(failure.exit)
}

/// What is missing, once for all it is missing for.
fn warnings(all: &[Reaped]) -> BTreeSet<String> {
    let mut warnings = BTreeSet::new();
    for reaped in all {
        let Ok(outcome) = &reaped.result else { continue };
        let label = if all.len() > 1 {
            format!("{}: ", reaped.label())
        } else {
            String::new()
        };
        warnings.extend(outcome.notes.iter().map(|note| format!("{label}{note}")));
        let not_granted = NotEnded::Refused(Spared::NotGranted);
        if outcome.not_ended.iter().any(|(_, why)| *why == not_granted) {
            let role = &reaped.role;
            warnings.insert(format!(
                "{label}sessions of other roles are ended after GRANT pg_signal_backend TO {role};"
            ));
        }
    }
    warnings
}
