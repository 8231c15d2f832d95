//! `rlsctl drift-check --against`: another database beside the target.

use std::collections::BTreeMap;

use crate::catalog::Snapshot;
use crate::drift::{Sides, against, schema};
use crate::exit::Failure;
use crate::ledger::Entry;
use crate::migration::Version;
use crate::pg::{Look, Session, Work, ledger_store};
use crate::report::{Comparison, Difference, DriftReport, LedgerSide, TargetInfo};

use super::catalog_legs::snapshot;
use super::connection::{connect_and_look, ledger_failure, other_settings};
use super::context::Context;

/// Compares the target's ledger with another database's.
pub async fn compare_with(
    context: &Context<'_>,
    (session, here_look): (&Session, &Look),
    (ours, other): (&TargetInfo, &str),
    report: &mut DriftReport,
) -> Result<(), Failure> {
    let (settings, target) = other_settings(context, other)?;
    let (theirs, look) = connect_and_look(&settings, Work::Reader).await?;
    let rows = |ledger: bool, session| async move {
        if !ledger {
            return Ok(Vec::new());
        }
        ledger_store::entries(session)
            .await
            .map_err(|error| ledger_failure(&error))
    };
    let there = rows(look.ledger.is_some(), &theirs).await?;
    let here = rows(report.target.head.is_some(), session).await?;
    let catalogs = against_catalog((session, here_look), (&theirs, &look)).await?;
    theirs.close().await;
    let called = |info: &TargetInfo| info.name.clone().unwrap_or_else(|| info.description.clone());
    let names = [called(ours), called(&target)];
    report.findings.extend(against(&here, &there, &names[0], &names[1]));
    let [ours, theirs_now] = catalogs;
    let sides = Sides {
        old: &format!("on {}", names[1]),
        new: &format!("on {}", names[0]),
        help: "what one database lacks goes into a migration, which then runs on both",
    };
    report
        .findings
        .extend(schema(&theirs_now.mark(), Some(&theirs_now), &ours, sides));
    let side = LedgerSide {
        description: target.description,
        applied: there.len(),
        newest: there.last().map(|entry| entry.version.clone()),
        head: look.ledger.as_ref().map(|ledger| ledger.head),
    };
    let heads = [&report.target.head, &side.head].map(|head| head.as_ref().map(ToString::to_string));
    let comparison = Comparison {
        sides: names,
        heads,
        rows: table(&here, &there),
    };
    report.against = Some((side, comparison));
    Ok(())
}

/// Returns both catalogs, ours first.
async fn against_catalog(here: (&Session, &Look), there: (&Session, &Look)) -> Result<[Snapshot; 2], Failure> {
    Ok([snapshot(here.0, here.1).await?, snapshot(there.0, there.1).await?])
}

/// Returns a row for every version that either ledger has.
fn table(here: &[Entry], there: &[Entry]) -> Vec<Difference> {
    let content = |entry: &Entry| format!("{} {}", entry.checksum.short(), entry.name);
    let mut rows: BTreeMap<_, [String; 2]> = BTreeMap::new();
    for (side, entries) in [here, there].into_iter().enumerate() {
        for entry in entries {
            rows.entry(&entry.version).or_default()[side] = content(entry);
        }
    }
    let row = |(version, [left, right]): (&Version, [String; 2])| Difference {
        version: version.to_string(),
        left,
        right,
    };
    rows.into_iter().map(row).collect()
}
