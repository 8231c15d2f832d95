//! Reads the next files while the server is busy with this one.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::migration::{ReadError, Text};

use super::plan::PlannedFile;

/// How many texts lie ready. One would do; a few even out files that are slow to read.
const READY: usize = 4;

/// The texts of a plan's files, in order, a few ahead of whoever takes them.
pub(super) struct ReadAhead(Receiver<Result<Text, ReadError>>);

impl ReadAhead {
    /// Begins to read.
    pub(super) fn of(files: &[PlannedFile]) -> Self {
        let (sender, receiver) = sync_channel(READY);
        let migrations: Vec<_> = files.iter().map(|file| file.migration.clone()).collect();
        thread::spawn(move || {
            for migration in migrations {
                // Nobody takes it any more: the run has stopped.
                if sender.send(migration.read()).is_err() {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// Returns the text of the next file; it fails if the file is not what it was when it was planned.
    pub(super) fn next(&mut self, file: &PlannedFile) -> Result<Text, ReadError> {
        // The thread ends early only by a panic, which has been told; the file itself can still be asked.
        self.0.recv().unwrap_or_else(|_| file.migration.read())
    }
}
