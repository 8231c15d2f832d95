//! What is written when a run has ended: how long each migration took, and the mark of the catalog.

use crate::event::Event;
use crate::pg::{catalog, ledger_store, mark_store};

use super::execute::Migrator;
use super::outcome::Outcome;

impl Migrator<'_> {
    /// Writes both in one message. They are allowed to be lost, since the migrations are committed; that there is no mark is told.
    pub(super) async fn close_run(&self, outcome: &Outcome) {
        if outcome.applied.is_empty() {
            return;
        }
        let durations = outcome
            .applied
            .iter()
            .map(|applied| (&applied.version, applied.duration));
        let durations = ledger_store::durations_statement(durations);
        let mark = match catalog::snapshot(&self.session, self.look.server_version).await {
            Ok(snapshot) => mark_store::write_statement(&outcome.head, &snapshot).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let mut statements: Vec<&str> = durations.iter().map(String::as_str).collect();
        statements.extend(mark.as_deref());
        let written = self.session.message(&statements.join(";\n")).await.result;
        if let Some(reason) = mark.err().or(written.err().map(|error| error.to_string())) {
            self.listener.on(Event::Warning(format!(
                "the schema mark was not written, so `rlsctl drift-check` cannot see what changes by hand from here: {reason}"
            )));
        }
    }
}
