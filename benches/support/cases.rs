//! What a bench is called with, and which of its cases run.

use super::place::Place;

/// A case, by the name it has on the command line, with how many runs of each contender are wanted.
pub(crate) type Case = (&'static str, fn(&Place, usize));

/// Runs the cases that the command line names, all where it names none.
pub(crate) fn run(bench: &str, cases: &[Case]) {
    let mut runs = 7;
    let mut durable = false;
    let mut wanted = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // Cargo says so to every bench.
            "--bench" => {}
            "--durable" => durable = true,
            "--runs" => {
                let number = args.next().and_then(|it| it.parse().ok());
                runs = number.filter(|&it| it > 0).unwrap_or_else(|| usage(bench, cases));
            }
            name if cases.iter().any(|(case, _)| *case == name) => wanted.push(arg),
            _ => usage(bench, cases),
        }
    }
    let place = Place::new(durable);
    println!(
        "PostgreSQL {}, fsync {}, rlsctl {}; {runs} runs of each, alternating, after one to warm up",
        place.server().bin().version(),
        if durable { "on" } else { "off" },
        env!("CARGO_PKG_VERSION")
    );
    for (name, case) in cases {
        if wanted.is_empty() || wanted.iter().any(|it| it == name) {
            case(&place, runs);
        }
    }
}

fn usage<T>(bench: &str, cases: &[Case]) -> T {
    let names: Vec<&str> = cases.iter().map(|(name, _)| *name).collect();
    eprintln!(
        "usage: {bench} [--runs N] [--durable] [CASE]...\ncases: {}; all when none is named",
        names.join(" ")
    );
    std::process::exit(2)
}
