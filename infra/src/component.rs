//! A server of the stack on a thread of its own, so that what it costs can be told apart.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running server.
#[derive(Debug)]
pub(crate) struct Component {
    pub(crate) address: SocketAddr,
    thread: Option<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Component {
    /// Binds the address and serves it on a thread of this name until stopped. `ended` is cancelled
    /// when the server ends, for whatever reason.
    pub(crate) fn start<F>(
        name: &'static str,
        address: SocketAddr,
        ended: &CancellationToken,
        serve: impl FnOnce(TcpListener, CancellationToken) -> F + Send + 'static,
    ) -> io::Result<Self>
    where
        F: Future<Output = ()>,
    {
        let listener = StdListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = Builder::new_current_thread().enable_all().thread_name(name).build()?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let ended: DropGuard = ended.clone().drop_guard();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _ended = ended;
            runtime.block_on(async move {
                match TcpListener::from_std(listener) {
                    Ok(listener) => serve(listener, stopped).await,
                    Err(error) => tracing::error!(component = name, %error, "cannot listen"),
                }
            });
        })?;
        Ok(Self { address, thread: Some(thread), stop })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends the server and waits until its requests are done.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        let Some(thread) = self.thread.take() else { return };
        // A panic of the thread was printed by its hook.
        let _panicked = tokio::task::spawn_blocking(move || thread.join()).await;
    }
}

impl Drop for Component {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
