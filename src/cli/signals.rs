//! SIGINT and SIGTERM as a request to stop.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::exit::{Exit, Failure, Signal};
use crate::migrate::Interrupt;

/// The first signal, once it has come.
#[derive(Clone)]
pub struct Signals(watch::Receiver<Option<Signal>>);

impl Signals {
    /// Listens from now on. Has to be called inside the runtime.
    ///
    /// # Errors
    /// The operating system's.
    pub fn listen() -> Result<Self, Failure> {
        let failed =
            |error: std::io::Error| Failure::new(Exit::Bug, "signals cannot be listened for").cause(error.to_string());
        let mut interrupts = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminations = signal(SignalKind::terminate()).map_err(failed)?;
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(async move {
            let signal = tokio::select! {
                _ = interrupts.recv() => Signal::Interrupt,
                _ = terminations.recv() => Signal::Terminate,
            };
            sender.send_replace(Some(signal));
            // Kept: a closed channel would say that no signal can come any more.
            sender.closed().await;
        });
        Ok(Self(receiver))
    }

    /// Returns what an executor is told by.
    pub fn interrupt(&self) -> Interrupt {
        Interrupt::new(self.0.clone())
    }

    /// Returns the signal, if one has come.
    pub fn seen(&self) -> Option<Signal> {
        *self.0.borrow()
    }

    /// Waits for one.
    pub async fn wait(&self) -> Signal {
        let mut receiver = self.0.clone();
        loop {
            let seen = *receiver.borrow_and_update();
            if let Some(signal) = seen {
                return signal;
            }
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
