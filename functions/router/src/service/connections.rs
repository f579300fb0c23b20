//! Connections: how many, how long they may take to ask, and how they end when the service does.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use beacon_core::time_budget;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Bytes of a request's line and headers. hyper takes 100 headers.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Bytes that a connection buffers.
const MAX_BUFFER_BYTES: usize = 64 * 1024;
/// Until connections are accepted again, after the system had none to give.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// What the service bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time. Others wait to be accepted.
    pub connections: usize,
    /// For a request's line and headers, counted from when the connection could ask: idle
    /// connections end with it as well.
    pub head: Duration,
    /// For a request's body.
    pub body: Duration,
    /// For what a new connection may ask yet, when the service ends.
    pub silence: Duration,
    /// Until calls in flight are dropped, when the service ends.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 8192,
            head: Duration::from_secs(30),
            body: Duration::from_secs(30),
            silence: Duration::from_secs(1),
            drain: time_budget::ROUTER,
        }
    }
}

/// Accepts until the shutdown resolves, then tells that it drains and lets the calls in flight
/// finish.
pub(super) async fn run(
    listener: TcpListener,
    app: axum::Router,
    limits: Limits,
    draining: watch::Sender<bool>,
    shutdown: impl Future<Output = ()>,
) {
    let mut shutdown = pin!(shutdown);
    let mut open = JoinSet::new();
    let mut out_of_reach = false;
    loop {
        let room = open.len() < limits.connections;
        tokio::select! {
            () = &mut shutdown => break,
            Some(_ended_or_panicked) = open.join_next() => out_of_reach = false,
            accepted = accept(&listener, out_of_reach), if room => match accepted {
                Ok(stream) => {
                    out_of_reach = false;
                    open.spawn(connection(stream, app.clone(), limits, draining.subscribe()));
                }
                Err(error) if is_of_the_connection(&error) => {}
                Err(error) => {
                    if !out_of_reach {
                        tracing::warn!(%error, "no connection can be accepted");
                    }
                    out_of_reach = true;
                }
            },
        }
    }
    // New callers are refused by the system, and so know that nothing of theirs was sent.
    drop(listener);
    draining.send_replace(true);
    let all = async { while open.join_next().await.is_some() {} };
    if timeout(limits.drain, all).await.is_err() {
        let connections = open.len();
        tracing::warn!(connections, "the router drops the calls that did not end in time");
        open.shutdown().await;
    }
}

async fn accept(listener: &TcpListener, out_of_reach: bool) -> io::Result<TcpStream> {
    if out_of_reach {
        sleep(ACCEPT_AGAIN).await;
    }
    listener.accept().await.map(|(stream, _address)| stream)
}

/// One that went away before it was accepted says nothing of the others.
fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The handler runs inside the connection, so that a call ends with the connection of its caller.
async fn connection(
    stream: TcpStream,
    app: axum::Router,
    limits: Limits,
    draining: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let asked = Arc::new(AtomicBool::new(false));
    let app = TowerToHyperService::new(app);
    let service = service_fn({
        let asked = asked.clone();
        move |request: hyper::Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            app.call(request)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head);
    http.max_header_size(MAX_HEAD_BYTES).max_buf_size(MAX_BUFFER_BYTES);
    let mut served = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = drained(draining) => {
            // What a new connection asks may be on its way; hyper would not look.
            let silence = if asked.load(Ordering::Relaxed) { Duration::ZERO } else { limits.silence };
            match timeout(silence, served.as_mut()).await {
                Ok(ended) => ended,
                Err(_elapsed) => {
                    served.as_mut().graceful_shutdown();
                    served.await
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

async fn drained(mut draining: watch::Receiver<bool>) {
    // The sender outlives the connections.
    let _told = draining.wait_for(|draining| *draining).await;
}
