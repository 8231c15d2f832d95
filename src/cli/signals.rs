//! SIGINT, SIGTERM and SIGHUP as a request to stop.

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
        let mut hang_ups = if may_hang_up() {
            Some(signal(SignalKind::hangup()).map_err(failed)?)
        } else {
            None
        };
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(async move {
            let signal = tokio::select! {
                _ = interrupts.recv() => Signal::Interrupt,
                _ = terminations.recv() => Signal::Terminate,
                () = hung_up(hang_ups.as_mut()) => Signal::HangUp,
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

async fn hung_up(signals: Option<&mut tokio::signal::unix::Signal>) {
    match signals {
        Some(signals) => drop(signals.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether SIGHUP ends us. Under nohup(1) it is ignored, and listening for it would undo that; where that cannot be told, it is left as it is.
fn may_hang_up() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| !ignores_hang_up(&status))
}

/// Reads `SigIgn` of proc(5): a mask in hex, whose lowest bit is SIGHUP.
fn ignores_hang_up(status: &str) -> bool {
    let mask = status.split('\n').find_map(|line| line.strip_prefix("SigIgn:"));
    mask.is_none_or(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::ignores_hang_up;

    #[test]
    fn nohup_is_seen() {
        assert!(ignores_hang_up("Name:\tx\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hang_up("Name:\tx\nSigIgn:\t0000000000001000\n"));
        assert!(ignores_hang_up("Name:\tx\n"), "not known");
    }
}
