//! Metrics of `reap-idle` for Prometheus, as a file of `node_exporter`'s textfile collector.
//!
//! The format is the text exposition format, version 0.0.4. The file is replaced in one step, so that nobody ever reads half of it; runs at
//! the same moment write one after the other, so that none counts on from what another has read as well.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};

use crate::exit::Exit;
use crate::reap::Outcome;

use super::reap::Reaped;

/// A run, in numbers.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// How it ended.
    pub exit: Exit,
    /// How long it took.
    pub duration: Duration,
    /// Each database. None if the run ended before they were known.
    pub targets: Vec<TargetMetrics>,
}

/// A database, in numbers.
#[derive(Clone, Debug, Default)]
pub struct TargetMetrics {
    /// The target's name, or where it is.
    pub target: String,
    /// The database's name.
    pub database: String,
    /// Whether it could be looked at, and what was seen.
    pub seen: Option<Seen>,
    /// How many sessions this run ended.
    pub ended: usize,
    /// How many it could not end.
    pub not_ended: usize,
}

/// What is there after the run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Idle in a transaction for as long as asked, or longer.
    pub due: usize,
    /// Idle in a transaction, and left alone.
    pub spared: usize,
    /// Prepared transactions that are as old.
    pub prepared: usize,
    /// For how long the oldest of all these has been so.
    pub oldest: Duration,
}

impl TargetMetrics {
    /// Returns the numbers of one database.
    pub fn of(reaped: &Reaped) -> Self {
        let description = &reaped.target.description;
        let place = description
            .split_once(" as ")
            .map_or(description.as_str(), |(place, _)| place);
        let outcome = reaped.result.as_ref().ok();
        let seen = outcome.filter(|outcome| outcome.stopped.is_none()).map(seen);
        Self {
            target: reaped.target.name.clone().unwrap_or_else(|| place.to_owned()),
            database: reaped.database.clone(),
            seen,
            ended: outcome
                .filter(|outcome| !outcome.dry_run)
                .map_or(0, |outcome| outcome.ended.len()),
            not_ended: outcome.map_or(0, |outcome| outcome.not_ended.len()),
        }
    }

    fn labels(&self) -> String {
        format!(
            "{{target=\"{}\",database=\"{}\"}}",
            escaped(&self.target),
            escaped(&self.database)
        )
    }
}

fn seen(outcome: &Outcome) -> Seen {
    let left = outcome.spared.iter().map(|(backend, _)| backend);
    let kept = outcome.not_ended.iter().map(|(backend, _)| backend);
    let would = outcome.ended.iter().filter(|_| outcome.dry_run);
    let idle = left.chain(kept).chain(would).filter_map(|backend| backend.in_state);
    let prepared = outcome.prepared.iter().filter_map(|backend| backend.in_transaction);
    Seen {
        due: outcome.still_due(),
        spared: outcome.spared.len(),
        prepared: outcome.prepared.len(),
        oldest: idle.chain(prepared).max().unwrap_or_default(),
    }
}

/// Backslash, quote and line end are escaped; nothing else is special in a label.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

const PREFIX: &str = "rlsctl_reap_idle_";

/// The series that go on from run to run.
const CARRIED: [&str; 4] = [
    "ended_total",
    "not_ended_total",
    "failures_total",
    "last_success_timestamp_seconds",
];

/// Replaces the file by one with this run's numbers. Counters go on from what the file said before.
///
/// # Locks
/// The folder, by flock(2), from reading the old file to replacing it: the file itself is another one afterwards. It is waited for.
///
/// # Errors
/// The file cannot be written; what was there is still there.
pub fn write_metrics(path: &Path, metrics: &Metrics) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let _locked = locked(folder);
    let before = std::fs::read_to_string(path).unwrap_or_default();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let text = render(metrics, &carried(&before), now.as_secs());
    // The collector reads *.prom only, and as another user; what the umask takes away stays away.
    let mut file = tempfile::Builder::new()
        .prefix(".rlsctl-metrics-")
        .permissions(std::fs::Permissions::from_mode(0o644))
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Returns what keeps other runs out of the folder until it is dropped. Where folders cannot be locked, as on some network file systems,
/// a count may be lost, which is better than no metrics.
fn locked(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    loop {
        match flock(&folder, FlockOperation::LockExclusive) {
            Ok(()) => return Some(folder),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

/// Returns the series of an earlier file that go on, by name and labels.
fn carried(text: &str) -> Before {
    let ours = text.split('\n').filter(|line| line.starts_with(PREFIX));
    ours.filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let name = series.split('{').next()?.strip_prefix(PREFIX)?;
        CARRIED.contains(&name).then_some(())?;
        Some((series.to_owned(), value.parse().ok()?))
    })
    .collect()
}

/// What a metric is called, its type, what it says, and its series: labels and value each.
type Metric = (&'static str, &'static str, &'static str, Vec<(String, String)>);

/// The numbers of an earlier file that go on.
type Before = BTreeMap<String, u64>;

fn render(metrics: &Metrics, before: &Before, now: u64) -> String {
    let mut text = String::new();
    let targets = &metrics.targets;
    let all = of_the_run(metrics, now)
        .into_iter()
        .chain(counters(targets, before))
        .chain([last_success(targets, before, now)])
        .chain(gauges(targets));
    for (name, kind, help, series) in all.filter(|(.., series)| !series.is_empty()) {
        text.push_str(&format!("# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}\n"));
        for (labels, value) in series {
            text.push_str(&format!("{PREFIX}{name}{labels} {value}\n"));
        }
    }
    text
}

fn of_the_run(metrics: &Metrics, now: u64) -> [Metric; 3] {
    let gauge = |name, help, value: String| (name, "gauge", help, vec![(String::new(), value)]);
    let (exit, seconds) = (metrics.exit.code(), metrics.duration.as_secs_f64());
    let exit_help = "How it ended: 0 all done, 1 some could not be ended, 3 it could not look.";
    [
        gauge("last_run_timestamp_seconds", "When it last ran.", now.to_string()),
        gauge("exit_code", exit_help, exit.to_string()),
        gauge("duration_seconds", "How long it took.", format!("{seconds:.3}")),
    ]
}

fn counters(targets: &[TargetMetrics], before: &Before) -> [Metric; 3] {
    let counter = |name, help, of: fn(&TargetMetrics) -> usize| {
        let value = |target: &TargetMetrics| {
            let earlier = before.get(&series(name, target)).copied().unwrap_or(0);
            (target.labels(), (earlier + of(target) as u64).to_string())
        };
        let earlier = earlier(before, name, targets);
        (
            name,
            "counter",
            help,
            targets.iter().map(value).chain(earlier).collect(),
        )
    };
    let not_ended_help = "Times that a session was due and could not be ended.";
    let failures_help = "Runs that could not look at the database.";
    [
        counter("ended_total", "Sessions that were ended.", |target| target.ended),
        counter("not_ended_total", not_ended_help, |target| target.not_ended),
        counter("failures_total", failures_help, |target| {
            usize::from(target.seen.is_none())
        }),
    ]
}

fn last_success(targets: &[TargetMetrics], before: &Before, now: u64) -> Metric {
    let name = "last_success_timestamp_seconds";
    let success = |target: &TargetMetrics| {
        let earlier = before.get(&series(name, target)).copied();
        let value = target.seen.map(|_| now).or(earlier)?;
        Some((target.labels(), value.to_string()))
    };
    let all = targets.iter().filter_map(success).chain(earlier(before, name, targets));
    (
        name,
        "gauge",
        "When a run could last look at the database.",
        all.collect(),
    )
}

fn gauges(targets: &[TargetMetrics]) -> [Metric; 5] {
    let gauge = |name, help, of: fn(&Seen) -> String| {
        let value = |target: &TargetMetrics| Some((target.labels(), of(target.seen.as_ref()?)));
        (name, "gauge", help, targets.iter().filter_map(value).collect())
    };
    let up = |target: &TargetMetrics| (target.labels(), u8::from(target.seen.is_some()).to_string());
    let up_help = "Whether the last run could look at the database.";
    let due_help = "Sessions idle in a transaction past the age that are still there.";
    let spared_help = "Sessions idle in a transaction that were left alone.";
    let oldest_help = "For how long the oldest of these has been idle or prepared.";
    [
        ("up", "gauge", up_help, targets.iter().map(up).collect()),
        gauge("due", due_help, |seen| seen.due.to_string()),
        gauge("spared", spared_help, |seen| seen.spared.to_string()),
        gauge("prepared_transactions", "Prepared transactions past the age.", |seen| {
            seen.prepared.to_string()
        }),
        gauge("oldest_seconds", oldest_help, |seen| {
            format!("{:.3}", seen.oldest.as_secs_f64())
        }),
    ]
}

fn series(name: &str, target: &TargetMetrics) -> String {
    format!("{PREFIX}{name}{}", target.labels())
}

/// Returns the series of one name as they were, for a run that does not know its databases.
fn earlier(before: &Before, name: &str, targets: &[TargetMetrics]) -> Vec<(String, String)> {
    if !targets.is_empty() {
        return Vec::new();
    }
    let name = format!("{PREFIX}{name}");
    let of_name = before.iter().filter_map(|(series, value)| {
        let labels = series.strip_prefix(&name).filter(|labels| labels.starts_with('{'))?;
        Some((labels.to_owned(), value.to_string()))
    });
    of_name.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(targets: Vec<TargetMetrics>) -> Metrics {
        Metrics {
            exit: Exit::Done,
            duration: Duration::from_millis(1500),
            targets,
        }
    }

    fn target(seen: Option<Seen>, ended: usize) -> TargetMetrics {
        TargetMetrics {
            target: "a\\b\"c\nd".to_owned(),
            database: "app".to_owned(),
            seen,
            ended,
            not_ended: 0,
        }
    }

    #[test]
    fn counters_go_on_and_the_last_success_stays() {
        let labels = r#"{target="a\\b\"c\nd",database="app"}"#;
        let first = render(&metrics(vec![target(Some(Seen::default()), 2)]), &BTreeMap::new(), 100);
        assert!(
            first.contains(&format!(
                "# TYPE rlsctl_reap_idle_ended_total counter\nrlsctl_reap_idle_ended_total{labels} 2\n"
            )),
            "{first}"
        );
        assert!(first.contains(&format!("rlsctl_reap_idle_up{labels} 1\n")));
        let second = render(&metrics(vec![target(None, 0)]), &carried(&first), 200);
        for line in ["ended_total", "failures_total", "up", "last_success_timestamp_seconds"]
            .iter()
            .zip([2, 1, 0, 100])
        {
            let line = format!("rlsctl_reap_idle_{}{labels} {}\n", line.0, line.1);
            assert!(second.contains(&line), "{line} in {second}");
        }
        assert!(!second.contains("_due"), "nothing is known: {second}");
        // A run that does not even know its targets keeps what was counted.
        let third = render(&metrics(Vec::new()), &carried(&second), 300);
        assert!(
            third.contains(&format!("rlsctl_reap_idle_ended_total{labels} 2\n")),
            "{third}"
        );
        assert!(
            third.contains("rlsctl_reap_idle_last_run_timestamp_seconds 300\n"),
            "{third}"
        );
    }

    #[test]
    fn runs_at_the_same_moment_lose_no_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.prom");
        let run = || {
            for _ in 0..20 {
                write_metrics(&path, &metrics(vec![target(Some(Seen::default()), 1)])).unwrap();
            }
        };
        std::thread::scope(|scope| (0..6).for_each(|_| drop(scope.spawn(run))));
        let text = std::fs::read_to_string(&path).unwrap();
        let ended = text
            .split('\n')
            .find(|line| line.starts_with("rlsctl_reap_idle_ended_total{"));
        assert!(ended.unwrap().ends_with(" 120"), "{ended:?}");
    }

    #[test]
    fn each_metric_is_explained_once_before_its_series() {
        let text = render(
            &metrics(vec![target(Some(Seen::default()), 0), target(None, 0)]),
            &BTreeMap::new(),
            1,
        );
        let mut last = "";
        for line in text.split_terminator('\n') {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                last = rest.split(' ').next().unwrap();
                assert_eq!(text.matches(&format!("# HELP {last} ")).count(), 1);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                assert!(rest.starts_with(&format!("{last} ")), "{text}");
            } else {
                assert_eq!(line.split(['{', ' ']).next(), Some(last), "{text}");
            }
        }
    }
}
