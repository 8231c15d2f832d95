//! Progress: a bar on a terminal, plain lines off it.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::duration::human_duration;
use crate::event::{Blocker, Event};

use super::bar::BarTerminal;
use super::rounds;
use super::text::{DIM, GOOD, NOTE, WARNING, count, printable};

/// How many sessions in the way are told while we wait.
const LINES: usize = 5;
/// How often the bar is drawn at most, a second.
const REDRAWS: u8 = 20;
/// How often rounds are told at most off a terminal, and what keeps them up.
const ROUNDS: Duration = Duration::from_secs(5);

/// Turns events into a bar, or into lines.
pub(super) struct Progress {
    bar: RefCell<Option<ProgressBar>>,
    wanted: bool,
    /// When rounds, rests after them and waits between them were told last.
    told: [Cell<Option<Instant>>; 3],
}

impl Progress {
    /// Returns progress that is shown as a bar if one is wanted, else as lines.
    pub(super) fn new(wanted: bool) -> Self {
        Self {
            bar: RefCell::new(None),
            wanted,
            told: Default::default(),
        }
    }

    /// Takes an event; returns the line that is to be printed for it, if one is.
    pub(super) fn on(&self, event: &Event) -> Option<String> {
        match event {
            Event::Started { pending } => self.start(*pending),
            Event::Finished => self.finish(),
            Event::Applying { version, name } => self.message(&format!("{version} {name}")),
            Event::Step {
                version,
                number,
                of,
                what,
            } => self.message(&format!("{version} step {number}/{of}: {what}")),
            Event::Applied { .. } | Event::AppliedElsewhere { .. } if self.bar.borrow().is_some() => {
                if let Some(bar) = &*self.bar.borrow() {
                    bar.inc(1);
                }
                return match event {
                    Event::AppliedElsewhere { .. } => line(event),
                    _ => None,
                };
            }
            Event::Rounds { version, .. } if self.bar.borrow().is_some() => {
                self.message(&format!("{version} {}", rounds::far(event)));
                return None;
            }
            Event::Rounds { finished, .. } if !*finished && !self.is_time(0) => return None,
            Event::WaitedFor { .. } if !self.is_time(1) => return None,
            Event::Lagging { .. } if !self.is_time(2) => return None,
            _ => {}
        }
        line(event)
    }

    /// Whether what comes with each round is to be told again.
    fn is_time(&self, what: usize) -> bool {
        let told = &self.told[what];
        if told.get().is_some_and(|told| told.elapsed() < ROUNDS) {
            return false;
        }
        told.set(Some(Instant::now()));
        true
    }

    fn start(&self, pending: usize) {
        if !self.wanted || pending == 0 {
            return;
        }
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {wide_msg}").expect("the template is right");
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(BarTerminal), REDRAWS);
        let bar = ProgressBar::with_draw_target(Some(pending as u64), target).with_style(style.progress_chars("=> "));
        *self.bar.borrow_mut() = Some(bar);
    }

    fn message(&self, text: &str) {
        if let Some(bar) = &*self.bar.borrow() {
            bar.set_message(printable(text).replace(['\n', '\t'], " "));
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Some(bar) = self.bar.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }

    /// Prints without tearing the bar.
    pub(super) fn suspend(&self, print: impl FnOnce()) {
        match &*self.bar.borrow() {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

/// Returns an event as a line; `None` for those that only move the bar.
fn line(event: &Event) -> Option<String> {
    let line = match event {
        Event::Started { .. } | Event::Finished | Event::Applying { .. } => return None,
        Event::Target { description } => format!("{DIM}target:{DIM:#} {}", printable(description)),
        Event::Step {
            version,
            number,
            of,
            what,
        } => {
            format!("{DIM}{version}{DIM:#} step {number}/{of}: {}", printable(what))
        }
        Event::Sections {
            version,
            done,
            of,
            what,
        } => {
            let what = printable(&what.join(", "));
            format!("{DIM}{version}{DIM:#} sections {done}/{of}: {what}")
        }
        Event::Rounds { .. } | Event::WaitedFor { .. } | Event::Lagging { .. } => rounds::line(event),
        Event::Applied {
            version,
            name,
            duration,
        } => applied(version, name, *duration),
        Event::AppliedElsewhere { version } => format!("{GOOD}applied{GOOD:#} {version} by another runner"),
        Event::Waiting {
            version,
            waited,
            blockers,
        } => format!(
            "{WARNING}waiting{WARNING:#} {version} for {}{}",
            human_duration(*waited),
            each(blockers)
        ),
        Event::Ended { version, blocker } => {
            format!(
                "{WARNING}ended{WARNING:#} {}, which stood in the way of {version}",
                one(blocker)
            )
        }
        Event::WaitingForRunner { version, pid } => {
            let backend = pid.map_or_else(String::new, |pid| format!(" (backend {pid})"));
            format!("{WARNING}waiting{WARNING:#} {version}: another runner is at it{backend}")
        }
        Event::Retrying {
            version,
            sqlstate,
            attempt,
            pause,
            blockers,
        } => format!(
            "{WARNING}retrying{WARNING:#} {version} in {}: attempt {attempt} got SQLSTATE {sqlstate}; {}",
            human_duration(*pause),
            who(blockers)
        ),
        Event::Notice { severity, message } => format!("{DIM}{severity}:{DIM:#} {}", printable(message)),
        Event::Note(text) => format!("{NOTE}note:{NOTE:#} {}", printable(text)),
        Event::Warning(text) => format!("{WARNING}warning:{WARNING:#} {}", printable(text)),
        Event::DroppedInvalidIndex { index, version } => {
            format!(
                "{NOTE}note:{NOTE:#} dropped the INVALID index {} that migration {version} had left",
                printable(index)
            )
        }
        Event::Wrote { path } => format!("{GOOD}wrote{GOOD:#} {}", printable(&path.display().to_string())),
    };
    Some(line)
}

fn applied(version: &str, name: &str, duration: Duration) -> String {
    format!(
        "{GOOD}applied{GOOD:#} {version} {} {DIM}({}){DIM:#}",
        printable(name),
        human_duration(duration)
    )
}

/// Returns who is in the way.
pub(super) fn who(blockers: &[Blocker]) -> String {
    if blockers.is_empty() {
        return "who holds the lock could not be seen".to_owned();
    }
    let shown: Vec<String> = blockers.iter().take(3).map(one).collect();
    let more = blockers.len().saturating_sub(3);
    let more = if more == 0 {
        String::new()
    } else {
        format!(" and {} more", count(more, "session"))
    };
    format!("blocked by {}{more}", shown.join("; "))
}

/// Returns who is in the way, a line each.
fn each(blockers: &[Blocker]) -> String {
    if blockers.is_empty() {
        return format!(": {}", who(blockers));
    }
    let lines = blockers
        .iter()
        .take(LINES)
        .map(|blocker| format!("\n  blocked by {}", one(blocker)));
    let mut text: String = lines.collect();
    if blockers.len() > LINES {
        write!(text, "\n  and {} more", count(blockers.len() - LINES, "session")).expect("a String can be written to");
    }
    text
}

/// Returns one session that is in the way, for people.
pub fn one(blocker: &Blocker) -> String {
    let mut text = match (blocker.pid, &blocker.gid) {
        (Some(pid), _) => format!("backend {pid}"),
        (None, Some(gid)) => format!("prepared transaction '{}'", printable(gid)),
        (None, None) => "a prepared transaction".to_owned(),
    };
    let mut add = |what: String| text.push_str(&what);
    match (&blocker.application, &blocker.role) {
        (Some(application), Some(role)) => add(format!(", {} as {}", printable(application), printable(role))),
        (Some(application), None) => add(format!(", {}", printable(application))),
        (None, Some(role)) => add(format!(", role {}", printable(role))),
        (None, None) => {}
    }
    if let Some(client) = &blocker.client {
        add(format!(" at {}", printable(client)));
    }
    match (&blocker.state, blocker.since) {
        (Some(state), Some(since)) => add(format!(", {} for {}", printable(state), human_duration(since))),
        (Some(state), None) => add(format!(", {}", printable(state))),
        (None, Some(since)) => add(format!(", there for {}", human_duration(since))),
        (None, None) => {}
    }
    if let Some(wants) = &blocker.wants {
        add(format!(" (we want {})", printable(wants)));
    }
    if let Some(spared) = blocker.spared.as_ref().filter(|_| blocker.gid.is_none()) {
        add(format!("; left alone: {}", printable(spared)));
    }
    text
}
