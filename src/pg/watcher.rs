//! A second session, which looks while the first one works.

use super::activity::LookError;
use super::connect::{Session, Work, connect};
use super::message::MessageError;
use super::settings::Settings;

/// A session that is made at the first look, and again when it was lost. It is never inside a transaction, in which `pg_stat_activity` would
/// stand still.
pub(super) struct Watcher {
    settings: Settings,
    session: Option<Session>,
}

impl Watcher {
    /// Returns one that is not connected yet.
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            session: None,
        }
    }

    /// Returns the session, connected.
    ///
    /// # Errors
    /// [`LookError`] where none can be made.
    pub(super) async fn session(&mut self) -> Result<&Session, LookError> {
        let session = match self.session.take().filter(|session| !session.is_closed()) {
            Some(session) => session,
            None => connect(&self.settings, Work::Watcher)
                .await
                .map_err(|error| MessageError::Lost {
                    reason: error.to_string(),
                })?,
        };
        Ok(self.session.insert(session))
    }
}
