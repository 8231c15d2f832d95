//! The files that are not applied yet, as `rlsctl retrofit` sees them: its own, and those of others.

use crate::exit::{Exit, Failure};
use crate::finding::{Finding, Severity};
use crate::ledger::verify;
use crate::migration::Migration;
use crate::report::{Next, count};
use crate::retrofit::is_ours;

use super::connection::{Gathered, applied};

/// Files that are not applied, in version order.
pub(super) struct Pending {
    /// Those that `retrofit` has written.
    pub ours: Vec<Migration>,
    /// All others.
    pub others: Vec<Migration>,
    /// Whether the database has another tool's ledger and none of ours, so that they are applied by that, most likely.
    is_to_adopt: bool,
}

/// Returns the files that are not applied.
pub(super) async fn pending(gathered: &Gathered) -> Result<Pending, Failure> {
    let (state, _) = applied(&gathered.session, &gathered.look, &gathered.set).await?;
    let all = verify(&gathered.set, state).pending;
    let (ours, others): (Vec<&Migration>, Vec<&Migration>) = all
        .into_iter()
        .partition(|migration| migration.read().is_ok_and(|text| is_ours(text.as_str())));
    Ok(Pending {
        ours: ours.into_iter().cloned().collect(),
        others: others.into_iter().cloned().collect(),
        is_to_adopt: gathered.look.ledger.is_none() && !gathered.look.other_ledgers.is_empty(),
    })
}

impl Pending {
    /// Says what comes after a plan.
    pub fn next(&self) -> Next {
        match (self.others.as_slice(), self.ours.as_slice()) {
            ([_, ..], _) => Next::Migrate,
            ([], [_, ..]) => Next::Apply,
            ([], []) => Next::Write,
        }
    }

    /// Refuses files of others: they would be run as if `retrofit` had been asked to, and what is planned on the catalog before them may be
    /// wrong behind them.
    pub fn refuse_others(&self) -> Result<(), Failure> {
        let Some(what) = self.told() else { return Ok(()) };
        let mut failure = Failure::new(Exit::Refused, what)
            .cause("they would be run as a side effect, and `retrofit` plans on the catalog that they leave")
            .state("nothing was written, and nothing was changed in the database")
            .hint(self.what_to_do());
        if !self.ours.is_empty() {
            let files = count(self.ours.len(), "file");
            failure = failure.hint(format!(
                "that applies the {files} of an earlier `retrofit` too, each in its place; take those out of the folder first to have them planned anew"
            ));
        }
        Err(failure)
    }

    /// Refuses files of an earlier run: they would be written a second time, under other numbers.
    pub fn refuse_ours(&self) -> Result<(), Failure> {
        let [first, ..] = self.ours.as_slice() else {
            return Ok(());
        };
        let (files, first) = (count(self.ours.len(), "file"), first.file_name());
        let what = format!("{files} of an earlier `retrofit` are not applied yet, from {first} on");
        Err(Failure::new(Exit::Refused, what)
            .state("nothing was written")
            .hint("apply them: `rlsctl retrofit apply`")
            .hint("or take them out of the folder, if they are not wanted, and write them anew"))
    }

    /// Returns what whoever only looks should know of the files of others.
    pub fn warning(&self) -> Option<Finding> {
        let first = self.others.first()?;
        let more = match self.others.len() - 1 {
            0 => "is".to_owned(),
            more => format!("and {more} more are"),
        };
        let message =
            format!("{more} not applied yet and not of `retrofit`: what is told here is of the catalog before");
        let help = format!("{}; `write`, `apply` and `undo` refuse until then", self.what_to_do());
        Some(Finding {
            severity: Severity::Warning,
            ..Finding::error("retrofit.pending", first.file_name(), message, help)
        })
    }

    fn told(&self) -> Option<String> {
        let first = self.others.first()?.file_name();
        Some(match self.others.len() {
            1 => format!("a migration that is not of `retrofit` is not applied yet: {first}"),
            number => format!("{number} migrations that are not of `retrofit` are not applied yet, from {first} on"),
        })
    }

    fn what_to_do(&self) -> &'static str {
        if self.is_to_adopt {
            "take the other tool's ledger over, which runs nothing: `rlsctl adopt --dry-run`, then `rlsctl adopt`"
        } else {
            "apply them first: `rlsctl migrate`"
        }
    }
}
