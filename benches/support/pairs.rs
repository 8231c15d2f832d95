//! Whole commands, run in turn.
//!
//! A machine is not equally fast at all times, so the contenders alternate (A B C A B C ...) and what is
//! compared is medians of runs that were made side by side.

use std::io::IsTerminal as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// One command to be measured.
pub(crate) struct Contender<'bench> {
    name: String,
    prepare: Box<dyn FnMut() -> Prepared<'bench> + 'bench>,
}

/// A command that is ready to run; its output is thrown away unless it fails.
pub(crate) struct Prepared<'bench> {
    command: Command,
    afterwards: Box<dyn FnOnce() + 'bench>,
}

impl<'bench> Prepared<'bench> {
    /// Has something done when the command has ended and the time was taken: a look at its work, which may panic, and
    /// the end of its database.
    pub(crate) fn then(command: Command, afterwards: impl FnOnce() + 'bench) -> Self {
        Self {
            command,
            afterwards: Box::new(afterwards),
        }
    }
}

impl From<Command> for Prepared<'_> {
    fn from(command: Command) -> Self {
        Self::then(command, || ())
    }
}

/// The times of one contender, sorted.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    name: String,
    sorted: Vec<Duration>,
}

impl<'bench> Contender<'bench> {
    /// Names a contender; `prepare` is called before each run, outside of the time taken.
    pub(crate) fn new<P: Into<Prepared<'bench>>>(name: &str, mut prepare: impl FnMut() -> P + 'bench) -> Self {
        Self {
            name: name.to_owned(),
            prepare: Box::new(move || prepare().into()),
        }
    }

    /// Runs it once.
    ///
    /// # Panics
    /// When it fails: there is no time of a failure.
    fn run(&mut self) -> Duration {
        let Prepared {
            mut command,
            afterwards,
        } = (self.prepare)();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let started = Instant::now();
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let output = child.wait_with_output().unwrap();
        let elapsed = started.elapsed();
        assert!(
            output.status.success(),
            "{}: {}\n{command:?}\n{}",
            self.name,
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        afterwards();
        elapsed
    }
}

impl Times {
    /// Returns the middle one; of an even number the mean of the two in the middle.
    pub(crate) fn median(&self) -> Duration {
        let half = self.sorted.len() / 2;
        if self.sorted.len() % 2 == 1 {
            self.sorted[half]
        } else {
            (self.sorted[half - 1] + self.sorted[half]) / 2
        }
    }
}

/// Runs all contenders in turn: once to warm up, then `runs` times.
pub(crate) fn alternate(runs: usize, contenders: &mut [Contender]) -> Vec<Times> {
    let mut all: Vec<Times> = contenders
        .iter()
        .map(|it| Times {
            name: it.name.clone(),
            sorted: Vec::with_capacity(runs),
        })
        .collect();
    let terminal = std::io::stderr().is_terminal();
    for round in 0..=runs {
        if terminal {
            eprint!("\r  run {round} of {runs} ");
        }
        for (contender, times) in contenders.iter_mut().zip(&mut all) {
            let time = contender.run();
            if round > 0 {
                times.sorted.push(time);
            }
        }
    }
    if terminal {
        eprint!("\r                    \r");
    }
    for times in &mut all {
        times.sorted.sort_unstable();
    }
    all
}

/// Prints medians, extremes and the ratio to the first contender. `wanted` is the highest ratio that the second
/// one is to have.
pub(crate) fn table(title: &str, all: &[Times], wanted: Option<f64>) {
    println!("\n{title}");
    let widest = all.iter().map(|it| it.name.chars().count()).max().unwrap_or(0).max(30);
    println!(
        "  {:widest$}  {:>10}  {:>10}  {:>10}  {:>6}",
        "", "median", "min", "max", "ratio"
    );
    for (number, times) in all.iter().enumerate() {
        let ratio = times.median().as_secs_f64() / all[0].median().as_secs_f64();
        let verdict = match wanted {
            Some(limit) if number == 1 && ratio <= limit => format!("  at most {limit} wanted: yes"),
            Some(limit) if number == 1 => format!("  at most {limit} wanted: NO"),
            _ => String::new(),
        };
        let [median, min, max] =
            [times.median(), times.sorted[0], times.sorted[times.sorted.len() - 1]].map(milliseconds);
        println!(
            "  {:widest$}  {median:>10}  {min:>10}  {max:>10}  {ratio:>6.2}{verdict}",
            times.name
        );
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

/// Runs a command to its end.
///
/// # Panics
/// When it fails.
pub(crate) fn finish(mut command: Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
