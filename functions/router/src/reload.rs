//! Another configuration without a stop: on a hang-up signal the file is read anew.

use std::io;
use std::path::Path;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;
use crate::router::HybridRouter;

impl HybridRouter {
    /// Takes the file over at each hang-up signal, from the call on. One that cannot be used changes
    /// nothing. Never ends.
    pub(crate) fn reload_on_hangup(&self, file: &Path) -> impl Future<Output = ()> {
        // Before anybody is served: the signal ends a process that does not listen to it.
        let listening = signal(SignalKind::hangup());
        self.reload_at_each(listening, file)
    }

    async fn reload_at_each(&self, listening: io::Result<Signal>, file: &Path) {
        let mut hangup = match listening {
            Ok(hangup) => hangup,
            Err(error) => {
                tracing::warn!(%error, "the router cannot be told to read its providers anew");
                return std::future::pending().await;
            }
        };
        while hangup.recv().await.is_some() {
            match Config::from_file(file).and_then(|config| self.reload(config)) {
                Ok(()) => tracing::info!(
                    providers = self.fleet().providers.len(),
                    "the router goes by its providers as the file has them now"
                ),
                Err(error) => {
                    let error = beacon_aws::chain(&error);
                    tracing::warn!(
                        error,
                        "the router goes on with its providers, as the file cannot be used"
                    );
                }
            }
        }
    }
}
