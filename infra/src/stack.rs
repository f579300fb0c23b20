//! Starting and stopping everything.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use beacon_aws::{
    Meter, QueueUrls, Queues, RouterSettings, Table, TableError, chain, clock, http_client, schema,
};
use beacon_coordinator::Coordinator;
use beacon_core::reconcile::Occasion;
use beacon_core::{BootId, time_budget};
use beacon_dispatch::Dispatch;
use beacon_inference::{Inference, Router};
use beacon_intake::Intake;
use beacon_query::Query;
use beacon_reconciler::{Reconciler, ScheduleEvent};
use beacon_router::HybridRouter;
use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::api::{Functions, routes};
use crate::clients::Local;
use crate::component::Component;
use crate::data_dir::{DataDir, DataDirError, Running};
use crate::poller::EventSource;
use crate::sqs::{QueueSettings, SqsEndpoint, SqsError};

/// How often the reconciler looks.
const SCHEDULE: Duration = Duration::from_secs(60);
/// Questions worked at at a time, over all lanes.
const QUESTIONS: usize = 128;
/// Invocations at a time of the other functions.
const INVOCATIONS: usize = 10;

/// Which router the stack uses.
#[derive(Debug)]
pub enum RouterChoice {
    /// One that runs elsewhere.
    External(RouterSettings),
    /// One of its own, and what it may take in all.
    Own(Box<HybridRouter>, Duration),
}

/// What the stack is to do.
#[derive(Debug)]
pub enum Duty {
    /// Accept jobs and run them, with this router.
    Work(RouterChoice),
    /// Answer questions about the jobs that are there.
    Read,
}

/// How to start the stack.
#[derive(Debug)]
pub struct StackOptions {
    /// The data directory.
    pub data: DataDir,
    /// Where the API listens; port 0 for any free one.
    pub listen: SocketAddr,
    /// What to do.
    pub duty: Duty,
}

/// Why the stack did not start.
#[derive(Debug, Error)]
pub enum StackError {
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// An address cannot be listened at.
    #[error("cannot listen at {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The table's file cannot be opened.
    #[error("the table in `{path}` cannot be opened: {message}")]
    Database {
        /// Which file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// The table cannot be used.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A queue cannot be created.
    #[error("a queue cannot be created")]
    Queue(#[from] SqsError),
    /// No client for the router can be made.
    #[error("no HTTP client can be made")]
    Http(#[from] reqwest::Error),
}

/// Everything, running.
#[derive(Debug)]
pub struct Stack {
    running: Running,
    tables: Component,
    queue: Component,
    router: Option<Component>,
    api: Component,
    work: JoinSet<()>,
    stop: CancellationToken,
    ended: CancellationToken,
    data: DataDir,
}

impl Stack {
    /// Starts everything. It ends with [`Stack::stop`]; killing the process loses nothing either.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        let data = options.data;
        let ended = CancellationToken::new();
        let tables = start_tables(&data, &ended)?;
        let (queue, urls) = start_queues(&ended)?;
        let local = Local { dynamodb: tables.url(), sqs: queue.url() };
        schema::create_table(&local.dynamodb(), Local::TABLE).await?;
        let meter = Arc::new(Meter::on());
        let table = Table::new(local.dynamodb(), Local::TABLE.to_owned(), Arc::clone(&meter));
        let queues = Queues::new(local.sqs(), urls.clone(), Arc::clone(&meter));
        let this = Parts { local, table, queues, urls, meter };

        let stop = CancellationToken::new();
        let mut work = JoinSet::new();
        let mut router = None;
        let mut intake = None;
        let mut running = Running {
            api: options.listen,
            dynamodb: this.local.dynamodb.clone(),
            sqs: this.local.sqs.clone(),
            router: String::new(),
            pid: std::process::id(),
            simulated: false,
        };
        let works = matches!(options.duty, Duty::Work(_));
        if let Duty::Work(choice) = options.duty {
            let settings = match choice {
                RouterChoice::External(settings) => settings,
                RouterChoice::Own(own, timeout) => {
                    let providers = own.providers(None);
                    running.simulated = providers.iter().any(|provider| provider.simulated);
                    let component = start_router(*own, &ended)?;
                    let base = component.url();
                    router = Some(component);
                    RouterSettings { base, timeout }
                }
            };
            tracing::info!(hybrid_base = settings.base, "Hybrid Router enabled");
            running.router.clone_from(&settings.base);
            let accepts = this.intake(&settings)?;
            running.simulated = running.simulated || accepts.has_simulated_provider().await;
            intake = Some(accepts);
            this.spawn_functions(settings, &stop, &mut work).await?;
        }
        // What readers cost is not the jobs' usage.
        let name = Local::TABLE.to_owned();
        let table = Table::new(this.local.dynamodb(), name, Arc::new(Meter::off()));
        let functions = Arc::new(Functions { intake, query: Query { table } });
        let api = start_api(options.listen, functions, &ended)?;
        running.api = api.address;
        if works {
            data.announce(&running)?;
        }
        Ok(Self { running, tables, queue, router, api, work, stop, ended, data })
    }

    /// Where it listens.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// Whether it accepts jobs and runs them.
    pub fn works(&self) -> bool {
        !self.running.router.is_empty()
    }

    /// Resolves when a part of the stack has ended, which it never should before [`Stack::stop`].
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Takes no more messages, lets the questions in flight finish, and ends.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.work.join_next().await.is_some() {}
        self.api.stop().await;
        if let Some(router) = self.router {
            router.stop().await;
        }
        self.queue.stop().await;
        self.tables.stop().await;
        drop(self.data);
    }
}

/// What the functions are made of.
struct Parts {
    local: Local,
    table: Table,
    queues: Queues,
    urls: QueueUrls,
    meter: Arc<Meter>,
}

impl Parts {
    fn intake(&self, settings: &RouterSettings) -> Result<Intake, StackError> {
        Ok(Intake {
            table: self.table.clone(),
            queues: self.queues.clone(),
            http: http_client()?,
            router_base: settings.base.clone(),
        })
    }

    fn source(&self, url: &str, batch_size: i32, concurrency: usize) -> EventSource {
        EventSource {
            client: self.local.sqs(),
            url: url.to_owned(),
            batch_size,
            concurrency,
            meter: Arc::clone(&self.meter),
        }
    }

    async fn spawn_functions(
        &self,
        settings: RouterSettings,
        stop: &CancellationToken,
        work: &mut JoinSet<()>,
    ) -> Result<(), StackError> {
        let (table, queues) = (|| self.table.clone(), || self.queues.clone());
        let dispatch = Arc::new(Dispatch { table: table(), queues: queues() });
        let inference = Arc::new(Inference {
            table: table(),
            queues: queues(),
            router: Router::new(settings)?,
            boot: Some(fresh_boot_id()),
        });
        let coordinator = Arc::new(Coordinator { table: table() });
        let reconciler = Reconciler { table: table(), queues: queues() };
        // Before anything new is accepted, so that only what an earlier start left is dispatched.
        let occasion = reconcile(&reconciler, Occasion::Start).await;

        let source = self.source(&self.urls.dispatch, 10, INVOCATIONS);
        work.spawn(source.poll(stop.clone(), move |event: SqsEvent| {
            let dispatch = Arc::clone(&dispatch);
            async move { dispatch.handle(event).await }
        }));
        let source = self.source(&self.urls.question, 1, QUESTIONS);
        work.spawn(source.poll(stop.clone(), move |event: SqsEvent| {
            let inference = Arc::clone(&inference);
            async move { inference.handle(event).await }
        }));
        let source = self.source(&self.urls.completion, 10, INVOCATIONS);
        work.spawn(source.poll(stop.clone(), move |event: SqsEvent| {
            let coordinator = Arc::clone(&coordinator);
            async move { coordinator.handle(event).await }
        }));
        work.spawn(run_schedule(reconciler, occasion, stop.clone()));
        Ok(())
    }
}

/// Runs the reconciler once. A start that failed is still a start the next time.
async fn reconcile(reconciler: &Reconciler, occasion: Occasion) -> Occasion {
    match reconciler.handle(ScheduleEvent { time: clock::now() }, occasion).await {
        Ok(()) => Occasion::Schedule,
        Err(error) => {
            tracing::error!(error = chain(&error), "not everything was reconciled");
            occasion
        }
    }
}

async fn run_schedule(reconciler: Reconciler, mut occasion: Occasion, stop: CancellationToken) {
    let mut ticks = interval_at(tokio::time::Instant::now() + SCHEDULE, SCHEDULE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _tick = ticks.tick() => occasion = reconcile(&reconciler, occasion).await,
            () = stop.cancelled() => return,
        }
    }
}

fn start_tables(data: &DataDir, ended: &CancellationToken) -> Result<Component, StackError> {
    let path = data.database();
    let failed = |error: dynoxide::DynoxideError| StackError::Database {
        path: path.clone(),
        message: error.to_string(),
    };
    let database = dynoxide::Database::new(&path.to_string_lossy()).map_err(failed)?;
    // SQLite's `synchronous = NORMAL`: what a killed process had been told is stored stays stored,
    // and a write does not wait for the disk. See docs/decisions/0004.
    database.disable_bulk_loading().map_err(failed)?;
    start("tables", loopback(), ended, async |listener, stop: CancellationToken| {
        let stopped = stop.cancelled_owned();
        let served = dynoxide::server::serve_with_shutdown(listener, database, stopped).await;
        if let Err(error) = served {
            tracing::error!(error, "the embedded table ended");
        }
    })
}

fn start_queues(ended: &CancellationToken) -> Result<(Component, QueueUrls), StackError> {
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
    let urls = QueueUrls {
        dispatch: endpoint.create_queue("beacon-dispatch", settings(false, short))?,
        question: endpoint.create_queue("beacon-question.fifo", settings(true, long))?,
        completion: endpoint.create_queue("beacon-completion", settings(false, short))?,
    };
    // The thread waits for it and ends without it.
    let _sent = sender.send(endpoint);
    Ok((component, urls))
}

fn start_router(router: HybridRouter, ended: &CancellationToken) -> Result<Component, StackError> {
    start("router", loopback(), ended, async move |listener, stop: CancellationToken| {
        let served = beacon_router::serve(listener, router, stop.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(%error, "the router ended");
        }
    })
}

fn start_api(
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

fn fresh_boot_id() -> BootId {
    let text = format!("{:016x}", rand::random::<u64>());
    #[expect(clippy::expect_used, reason = "16 hexadecimal digits are a boot id")]
    BootId::new(text).expect("a boot id")
}
