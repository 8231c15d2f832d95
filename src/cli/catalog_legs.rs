//! The legs of `rlsctl drift-check` that look at the catalog.

use crate::catalog::{FORMAT, ObjectId, Snapshot};
use crate::drift::{Sides, schema};
use crate::exit::{Exit, Failure};
use crate::finding::Finding;
use crate::migration::{Checksum, Migration, Set, Version};
use crate::pg::catalog::{self, CatalogError};
use crate::pg::mark_store::{self, StoredMark};
use crate::pg::{Look, Session};
use crate::report::{DriftReport, count};

use super::args::DriftCheckArgs;
use super::context::Context;
use super::shadow::replayed;

/// Which legs are wanted.
pub struct Catalog<'a> {
    mark: bool,
    shadow: bool,
    shadow_url: Option<&'a str>,
}

/// What the legs look at.
pub struct Looked<'a> {
    /// The settings.
    pub context: &'a Context<'a>,
    /// The target.
    pub session: &'a Session,
    /// What is known of it.
    pub look: &'a Look,
    /// The files.
    pub set: &'a Set,
    /// What is applied.
    pub applied: &'a [(Version, Checksum)],
}

impl<'a> Catalog<'a> {
    /// Returns the legs that were asked for.
    pub fn of(args: &'a DriftCheckArgs) -> Self {
        Self {
            mark: !args.no_schema,
            shadow: args.shadow || args.shadow_url.is_some(),
            shadow_url: args.shadow_url.as_deref(),
        }
    }

    /// Whether there is anything to look at.
    pub fn is_wanted(&self) -> bool {
        self.mark || self.shadow
    }

    /// Looks, and adds what was found.
    pub async fn look(&self, looked: &Looked<'_>, report: &mut DriftReport) -> Result<(), Failure> {
        let both = match &looked.look.ledger {
            Some(_) if self.mark => Some(newest_and_now(looked).await?),
            _ => None,
        };
        let (stored, now) = match both {
            Some((stored, now)) => (stored, Some(now)),
            None => (None, None),
        };
        if self.mark && stored.is_none() {
            report
                .catalog
                .push("not marked yet; `rlsctl migrate` takes a mark when it has applied something".to_owned());
        }
        if stored.is_none() && !self.shadow {
            return Ok(());
        }
        let now = match now {
            Some(now) => now,
            None => snapshot(looked.session, looked.look).await?,
        };
        report.looked_at.extend(now.objects.keys().map(ToString::to_string));
        if let Some(stored) = stored {
            marked(&stored, &now, report);
        }
        if self.shadow {
            self.shadowed(looked, &now, report).await?;
        }
        Ok(())
    }

    async fn shadowed(&self, looked: &Looked<'_>, now: &Snapshot, report: &mut DriftReport) -> Result<(), Failure> {
        let is_applied = |file: &&Migration| looked.applied.iter().any(|(version, _)| *version == file.version);
        let files: Vec<&Migration> = looked.set.migrations.iter().filter(is_applied).collect();
        let shadow = Box::pin(replayed(
            looked.context,
            &files,
            looked.session,
            looked.look,
            self.shadow_url,
        ))
        .await?;
        report.catalog.push(shadow.said);
        report.findings.extend(shadow.findings);
        let Some(replayed) = shadow.snapshot else {
            return Ok(());
        };
        let sides = Sides {
            old: "in a database that the files make",
            new: "here",
            help: "what was done by hand goes into a migration; what the files make and is not here was undone by hand",
        };
        let known: Vec<String> = report.findings.iter().map(|finding| finding.object.clone()).collect();
        let found = schema(&replayed.mark(), Some(&replayed), now, sides);
        // What the mark has told already is not told twice.
        let new: Vec<Finding> = found
            .into_iter()
            .filter(|finding| !known.contains(&finding.object))
            .collect();
        report.findings.extend(new);
        Ok(())
    }
}

fn marked(stored: &StoredMark, now: &Snapshot, report: &mut DriftReport) {
    if stored.format != FORMAT {
        report.catalog.push(format!(
            "marked at {} by another version of rlsctl, whose hashes cannot be compared; the next `rlsctl migrate` that applies something marks it anew",
            stored.taken_at
        ));
        return;
    }
    let sides = Sides {
        old: "when rlsctl last ran",
        new: "now",
        help: "undo it, or write it into a migration (with IF NOT EXISTS: it is here already); then `rlsctl accept schema --reason '...'`",
    };
    let found = schema(&stored.mark, stored.definitions.as_ref(), now, sides);
    report.catalog.push(if found.is_empty() {
        format!(
            "{} as when rlsctl last ran, at {}",
            count(now.objects.len(), "object"),
            stored.taken_at
        )
    } else {
        format!(
            "{} changed since rlsctl last ran, at {}",
            count(found.len(), "object"),
            stored.taken_at
        )
    });
    let taken_at = |finding: Finding| finding.evidence("mark_taken_at", stored.taken_at.clone());
    report.findings.extend(found.into_iter().map(taken_at));
}

/// Adds to every object that is not the same who owns it here and when it was last written, as far as the server can tell. Asks nothing
/// if there is none.
pub async fn tell_who_and_when(session: &Session, look: &Look, findings: &mut [Finding]) {
    let object = |finding: &Finding| -> Option<ObjectId> {
        (finding.code == "drift.schema").then(|| finding.object.parse().ok())?
    };
    let objects: Vec<ObjectId> = findings.iter().filter_map(object).collect();
    let told = catalog::last_written(session, look.server_version, &objects).await;
    for finding in findings {
        let Some(told) = object(finding).and_then(|id| told.get(&id)) else {
            continue;
        };
        finding.evidence.insert("owner", told.owner.clone().into());
        if let Some(at) = &told.at {
            finding.evidence.insert("changed_at", at.clone().into());
        }
    }
}

async fn newest_and_now(looked: &Looked<'_>) -> Result<(Option<StoredMark>, Snapshot), Failure> {
    let found = mark_store::newest_and_now(looked.session, looked.look).await;
    found.map_err(|error| failure(&error))
}

/// Returns the catalog as it is.
pub async fn snapshot(session: &Session, look: &Look) -> Result<Snapshot, Failure> {
    let snapshot = catalog::snapshot(session, look.server_version, look.sessions()).await;
    snapshot.map_err(|error| failure(&error))
}

fn failure(error: &CatalogError) -> Failure {
    let failure = Failure::new(Exit::Environment, error.to_string()).state("nothing was changed");
    match error {
        CatalogError::Blocked { .. } => failure.hint("run it again when that session has ended"),
        _ => failure,
    }
}
