//! `rlsctl blockers`.

use std::time::Duration;

use tokio::time::sleep;

use crate::activity::Oid;
use crate::blockers::{Picture, look};
use crate::duration::{human_duration, parse_duration};
use crate::exit::{Exit, Failure};
use crate::pg::waits::{Place, place};
use crate::pg::{LookError, Session, Settings, Work, activity};
use crate::report::{Document, Screen, TargetInfo, blockers_document, blockers_text, forgive_broken_pipe};

use super::connection::{connect, settings};
use super::context::{Context, block_on};
use super::describe::look_failure;
use super::session_args::BlockersArgs;
use super::signals::Signals;

/// The command's name in documents.
const NAME: &str = "blockers";

/// How often the picture is drawn if nobody says otherwise.
const INTERVAL: Duration = Duration::from_secs(1);

/// Shows who waits for whom; changes nothing.
pub fn run(context: &Context<'_>, args: &BlockersArgs) -> Result<Exit, Failure> {
    let interval = args.interval.as_deref().map(interval).transpose()?;
    if args.watch && context.ui.is_for_machines() {
        return Err(Failure::new(Exit::Usage, "`--watch` draws for people, not as JSON")
            .hint("leave `--watch` out, and ask as often as you need"));
    }
    block_on(async {
        let signals = Signals::listen()?;
        let (settings, target) = settings(context)?;
        let shown = show(context, args, &settings, &target, interval, &signals).await;
        let Err(failure) = shown else { return shown };
        let mut document = Document::new(NAME, failure.exit);
        document.target = Some(target);
        context.fail(NAME, &failure, document)?;
        Ok(failure.exit)
    })?
}

async fn show(
    context: &Context<'_>,
    args: &BlockersArgs,
    settings: &Settings,
    target: &TargetInfo,
    interval: Option<Duration>,
    signals: &Signals,
) -> Result<Exit, Failure> {
    let viewer = Viewer::open(context, settings, target.clone(), &args.tables).await?;
    if args.watch {
        return watch(context, &viewer, interval, signals).await;
    }
    let picture = viewer.look().await?;
    let mut document = blockers_document(&picture).with("tables", viewer.names.clone());
    document.target = Some(viewer.target.clone());
    context.print(&document, &viewer.text(&picture, context.ui.width()))?;
    Ok(Exit::Done)
}

fn interval(text: &str) -> Result<Duration, Failure> {
    let parsed = parse_duration(text).and_then(|interval| {
        let is_too_short = interval < Duration::from_millis(100);
        if is_too_short {
            Err(format!("`{text}` would keep the server busy: at least 100ms"))
        } else {
            Ok(interval)
        }
    });
    parsed.map_err(|reason| Failure::new(Exit::Usage, format!("--interval: {reason}")))
}

/// Who looks, and at what.
struct Viewer {
    session: Session,
    place: Place,
    target: TargetInfo,
    oids: Option<Vec<Oid>>,
    names: Vec<String>,
}

impl Viewer {
    async fn open(
        context: &Context<'_>,
        settings: &Settings,
        target: TargetInfo,
        tables: &[String],
    ) -> Result<Self, Failure> {
        let session = connect(settings, Work::Watcher).await?;
        let place = place(&session).await.map_err(|error| look_failure(&error))?;
        if !place.sees_others {
            let role = &place.role;
            context.ui.warning(&format!(
                "what sessions of other roles do is hidden; GRANT pg_read_all_stats TO {role}; shows it"
            ));
        }
        let found = activity::relations_as_written(&session, tables)
            .await
            .map_err(|error| not_a_name(&error))?;
        let mut viewer = Self {
            session,
            place,
            target,
            oids: None,
            names: Vec::new(),
        };
        if tables.is_empty() {
            return Ok(viewer);
        }
        let mut oids = Vec::new();
        for (written, found) in tables.iter().zip(found) {
            let relation = found.ok_or_else(|| no_table(written, &viewer.place.database))?;
            oids.push(relation.oid);
            viewer.names.push(relation.to_string());
        }
        viewer.oids = Some(oids);
        Ok(viewer)
    }

    async fn look(&self) -> Result<Picture, Failure> {
        let picture = look(&self.session, &self.place.database, self.oids.as_deref()).await;
        picture.map_err(|error| look_failure(&error))
    }

    fn text(&self, picture: &Picture, width: Option<u16>) -> String {
        blockers_text(picture, &self.target.description, &self.names, width)
    }
}

fn not_a_name(error: &LookError) -> Failure {
    look_failure(error).hint("a table is written as in SQL: orders, app.orders, '\"Odd Name\"'")
}

fn no_table(written: &str, database: &str) -> Failure {
    Failure::new(
        Exit::Environment,
        format!("there is no table `{written}` in database {database}"),
    )
    .hint("write its schema too: app.orders; a name with capital letters is quoted: '\"Orders\"'")
}

/// Draws until a signal comes. The screen is given back before anything else is said.
async fn watch(
    context: &Context<'_>,
    viewer: &Viewer,
    interval: Option<Duration>,
    signals: &Signals,
) -> Result<Exit, Failure> {
    let screen = context.ui.screen();
    if screen.is_none() && interval.is_none() {
        return Err(Failure::new(Exit::Usage, "`--watch` needs a terminal to draw on").hint(
            "without one, `--watch --interval 5s` prints the picture every 5 s, and `rlsctl blockers` prints it once",
        ));
    }
    let interval = interval.unwrap_or(INTERVAL);
    let drawn = async {
        loop {
            draw(context, viewer, screen.as_ref(), interval).await?;
            sleep(interval).await;
        }
    };
    tokio::select! {
        failed = drawn => failed,
        signal = signals.wait() => Ok(signal.exit()),
    }
}

async fn draw(
    context: &Context<'_>,
    viewer: &Viewer,
    screen: Option<&Screen>,
    interval: Duration,
) -> Result<(), Failure> {
    let picture = viewer.look().await?;
    match screen {
        Some(screen) => {
            let text = viewer.text(&picture, Some(screen.width()));
            let head = format!("every {}, until Ctrl-C\n", human_duration(interval));
            forgive_broken_pipe(screen.draw(&format!("{head}{text}")))
        }
        None => context.print(
            &blockers_document(&picture),
            &format!("{}\n", viewer.text(&picture, context.ui.width())),
        ),
    }
}
