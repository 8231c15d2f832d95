//! What is looked at before a run and written behind it: changes by hand, how long each migration took, and the mark of the catalog.

use crate::catalog::{Snapshot, differences, in_short};
use crate::event::Event;
use crate::pg::{catalog, ledger_store, mark_store};

use super::execute::Migrator;
use super::outcome::Outcome;

/// What somebody has changed by hand since the last run.
#[derive(Debug)]
pub(super) struct ByHand {
    /// The catalog as the last run left it.
    marked: Snapshot,
    /// The catalog as it was when this run began.
    before: Snapshot,
    /// What differs, by name.
    objects: Vec<String>,
}

impl Migrator<'_> {
    /// Looks what was changed by hand since the last run, and tells it. It stops nothing, but the run must not make it disappear.
    pub(super) async fn look_for_changes_by_hand(&self) -> Option<ByHand> {
        self.look.ledger.as_ref()?;
        let (stored, before) = match mark_store::newest_and_now(&self.session, &self.look).await {
            Ok(found) => found,
            Err(error) => {
                let message =
                    format!("whether the schema was changed by hand since the last run is not known: {error}");
                self.listener.on(Event::Warning(message));
                return None;
            }
        };
        let stored = stored.filter(|stored| stored.format == crate::catalog::FORMAT)?;
        let changed = differences(&stored.mark, &before.mark());
        let objects: Vec<String> = changed.iter().map(|one| one.id.to_string()).collect();
        let marked = stored.definitions.filter(|_| !objects.is_empty())?;
        self.listener.on(Event::Warning(format!(
            "the schema was changed by hand since the last run: {}; `rlsctl drift-check` shows how, before and after this run",
            in_short(&objects)
        )));
        Some(ByHand {
            marked,
            before,
            objects,
        })
    }

    /// Writes all in one message. It is allowed to be lost, since the migrations are committed; that there is no mark is told.
    pub(super) async fn close_run(&self, outcome: &Outcome, by_hand: Option<ByHand>) {
        if outcome.applied.is_empty() {
            return;
        }
        let durations = outcome
            .applied
            .iter()
            .map(|applied| (&applied.version, applied.duration));
        let mut statements: Vec<String> = ledger_store::durations_statement(durations).into_iter().collect();
        if let Some(by_hand) = &by_hand {
            let detail = serde_json::json!({ "objects": by_hand.objects });
            statements.extend(ledger_store::event_statement("changed-by-hand", None, &detail));
        }
        let failed = match catalog::snapshot(&self.session, self.look.server_version, self.look.sessions()).await {
            Ok(now) => {
                let marked = match &by_hand {
                    Some(by_hand) => now.carrying(&by_hand.marked, &by_hand.before),
                    None => now,
                };
                let written = mark_store::write(&self.session, &outcome.head, marked, &statements).await;
                written.err().map(|error| error.to_string())
            }
            Err(error) => {
                // It is only the mark that cannot be had.
                let _ = self.session.message(&statements.join(";\n")).await;
                Some(error.to_string())
            }
        };
        if let Some(reason) = failed {
            self.listener
                .on(Event::Warning(format!("{}: {reason}", mark_store::NOT_WRITTEN)));
        }
    }
}
