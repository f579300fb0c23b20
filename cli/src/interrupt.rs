//! Ctrl-C, and requests to terminate.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code of a process that was interrupted, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// Hears of every interrupt from when it was made, also of one that came while nobody waited.
#[derive(Debug)]
pub(crate) struct Interrupts {
    ctrl_c: Option<Signal>,
    terminate: Option<Signal>,
}

impl Interrupts {
    pub(crate) fn listen() -> Self {
        Self {
            ctrl_c: listen_to(SignalKind::interrupt()),
            terminate: listen_to(SignalKind::terminate()),
        }
    }

    /// Resolves at the next of either.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            () = next(&mut self.ctrl_c) => {}
            () = next(&mut self.terminate) => {}
        }
    }
}

/// What comes of some work; none where an interrupt came first, and the work is dropped with all that it
/// had begun.
pub(crate) async fn unless_interrupted<T, E>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<Option<T>, E> {
    let mut interrupts = Interrupts::listen();
    tokio::select! {
        done = work => done.map(Some),
        () = interrupts.next() => Ok(None),
    }
}

/// Resolves at an interrupt that comes from now on.
pub(crate) async fn interrupted() {
    Interrupts::listen().next().await;
}

fn listen_to(kind: SignalKind) -> Option<Signal> {
    signal(kind)
        .inspect_err(|error| tracing::warn!(%error, "requests to terminate cannot be received"))
        .ok()
}

async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
