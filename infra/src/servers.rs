//! The servers of the stack, each on a thread of its own: tables, queues, router, API.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use beacon_aws::QueueUrls;
use beacon_core::time_budget;
use beacon_router::HybridRouter;
use tokio_util::sync::CancellationToken;

use crate::api::{Functions, routes};
use crate::component::Component;
use crate::data_dir::DataDir;
use crate::sqs::{QueueSettings, Redrive, SqsEndpoint};
use crate::stack::StackError;

/// Receives of a question after which its queue gives it up. Takeovers are counted and end sooner;
/// this is for workers that die before they reach their lane.
const RECEIVES: u32 = 20;

pub(crate) fn start_tables(
    data: &DataDir,
    ended: &CancellationToken,
) -> Result<Component, StackError> {
    let path = data.database();
    let failed = |error: dynoxide::DynoxideError| StackError::Database {
        path: path.clone(),
        message: error.to_string(),
    };
    let database = dynoxide::Database::new(&path.to_string_lossy()).map_err(failed)?;
    // SQLite's `synchronous = NORMAL`: what a killed process had been told is stored stays stored,
    // and a write does not wait for the disk. See docs/decisions/0004.
    database.disable_bulk_loading().map_err(failed)?;
    let serve = async |listener, stop: CancellationToken| {
        let stopped = stop.cancelled_owned();
        let served = dynoxide::server::serve_with_shutdown(listener, database, stopped).await;
        if let Err(error) = served {
            tracing::error!(error, "the embedded table ended");
        }
    };
    start("tables", hidden_loopback(), ended, serve)
}

pub(crate) fn start_queues(
    ended: &CancellationToken,
) -> Result<(Component, QueueUrls, String), StackError> {
    let (sender, receiver) = std::sync::mpsc::sync_channel::<SqsEndpoint>(1);
    let component = start("queue", loopback(), ended, async move |listener, stop| {
        let Ok(endpoint) = receiver.recv() else { return };
        let served = endpoint.serve(listener, stop.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(%error, "the embedded queues ended");
        }
    })?;
    let endpoint = SqsEndpoint::new(component.address);
    let settings = |fifo, visibility: Duration| QueueSettings {
        fifo,
        visibility_timeout_seconds: u32::try_from(visibility.as_secs()).unwrap_or(u32::MAX),
        ..QueueSettings::default()
    };
    let (long, short) = (time_budget::VISIBILITY, time_budget::SHORT_VISIBILITY);
    let completion = time_budget::COMPLETION_VISIBILITY;
    let name = "beacon-question-dead.fifo";
    let dead_questions = endpoint.create_queue(name, settings(true, short))?;
    let redrive = Redrive { dead_letter_queue: name.to_owned(), max_receive_count: RECEIVES };
    let questions = QueueSettings { redrive: Some(redrive), ..settings(true, long) };
    let urls = QueueUrls {
        dispatch: endpoint.create_queue("beacon-dispatch", settings(false, short))?,
        question: endpoint.create_queue("beacon-question.fifo", questions)?,
        completion: endpoint.create_queue("beacon-completion", settings(false, completion))?,
    };
    // The thread waits for it and ends without it.
    let _sent = sender.send(endpoint);
    Ok((component, urls, dead_questions))
}

pub(crate) fn start_router(
    router: HybridRouter,
    ended: &CancellationToken,
) -> Result<Component, StackError> {
    start("router", loopback(), ended, async move |listener, stop: CancellationToken| {
        let served = beacon_router::serve(listener, router, stop.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(%error, "the router ended");
        }
    })
}

pub(crate) fn start_api(
    address: SocketAddr,
    functions: Arc<Functions>,
    ended: &CancellationToken,
) -> Result<Component, StackError> {
    start("api", address, ended, async move |listener, stop: CancellationToken| {
        let server = axum::serve(listener, routes(functions));
        if let Err(error) = server.with_graceful_shutdown(stop.cancelled_owned()).await {
            tracing::error!(%error, "the API ended");
        }
    })
}

fn start<F>(
    name: &'static str,
    address: SocketAddr,
    ended: &CancellationToken,
    serve: impl FnOnce(tokio::net::TcpListener, CancellationToken) -> F + Send + 'static,
) -> Result<Component, StackError>
where
    F: Future<Output = ()>,
{
    let started = Component::start(name, address, ended, serve);
    started.map_err(|source| StackError::Listen { address, source })
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// The embedded table answers whoever finds it, pages of other sites included. So it listens at a
/// loopback address that nobody can guess, where the system has more than one.
fn hidden_loopback() -> SocketAddr {
    let [b, c, d, _] = rand::random::<u32>().to_be_bytes();
    let hidden = SocketAddr::from((Ipv4Addr::new(127, b, c, d), 0));
    let there = std::net::TcpListener::bind(hidden).is_ok();
    if there { hidden } else { loopback() }
}
