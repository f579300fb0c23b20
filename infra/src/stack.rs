//! Starting and stopping everything.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use beacon_aws::{
    AccessSettings, Clock, DeadQuestions, Meter, QueueUrls, Queues, RouterSettings, Signer, Table,
    TableError, TokenError, chain, clock, schema,
};
use beacon_coordinator::Coordinator;
use beacon_core::BootId;
use beacon_core::reconcile::Occasion;
use beacon_core::time_budget;
use beacon_dispatch::Dispatch;
use beacon_inference::{Inference, Router};
use beacon_intake::{Intake, Signing};
use beacon_portal::OneTime;
use beacon_query::Query;
use beacon_reconciler::{Reconciler, ScheduleEvent};
use beacon_router::{HybridRouter, NoWay, RouterWay};
use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::api::Functions;
use crate::clients::Local;
use crate::component::Component;
use crate::data_dir::{DataDir, DataDirError, Running};
use crate::effective::effective;
use crate::functions::{Reached, variables};
use crate::poller::EventSource;
use crate::servers::{start_api, start_queues, start_router, start_tables};
use crate::sqs::SqsError;

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
    /// One inside its worker, which shares its calls in the table, and what it may take in all.
    Embedded(Box<HybridRouter>, Duration),
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
    /// Tokens beside the directory's own, their allowance, and keys that are trusted.
    pub access: AccessSettings,
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
    /// The token's file was changed to something that is none.
    #[error("the data directory's file `token` {0}; delete it, and a new one is made")]
    Token(#[from] TokenError),
    /// There is no way to the router.
    #[error(transparent)]
    Router(#[from] NoWay),
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
    token: String,
    once: Option<OneTime>,
}

impl Stack {
    /// Starts everything. It ends with [`Stack::stop`]; killing the process loses nothing either.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        // Its future holds all parts of the stack, and is not to lie in that of each caller.
        Box::pin(Self::with_parts(options)).await
    }

    async fn with_parts(options: StackOptions) -> Result<Self, StackError> {
        let data = options.data;
        let ended = CancellationToken::new();
        let tables = start_tables(&data, &ended)?;
        let (queue, urls, dead_questions) = start_queues(&ended)?;
        let local = Local { dynamodb: tables.url(), sqs: queue.url() };
        schema::create_table(&local.dynamodb(), Local::TABLE).await?;
        let meter = Arc::new(Meter::on());
        let table = Table::new(local.dynamodb(), Local::TABLE.to_owned(), Arc::clone(&meter));
        let queues = Queues::new(local.sqs(), urls.clone(), Arc::clone(&meter));
        let token = data.own_token()?;
        let access = Access::new(options.access, &token)?;
        let this = Parts { local, table, queues, urls, dead_questions, meter, access };

        let stop = CancellationToken::new();
        let mut work = JoinSet::new();
        let mut router = None;
        let mut intake = None;
        let mut probe = None;
        let mut running = Running {
            api: options.listen,
            dynamodb: this.local.dynamodb.clone(),
            sqs: this.local.sqs.clone(),
            router: String::new(),
            pid: std::process::id(),
            simulated: false,
        };
        let (mut for_functions, mut key_id) = (None, None);
        if let Duty::Work(choice) = options.duty {
            let way = match choice {
                RouterChoice::External(settings) => RouterWay::http(settings)?,
                RouterChoice::Embedded(own, timeout) => {
                    RouterWay::embedded(*own, timeout, &this.table)
                }
                RouterChoice::Own(own, timeout) => {
                    let providers = own.providers(None);
                    running.simulated = providers.iter().any(|provider| provider.simulated);
                    let component = start_router(*own, &ended)?;
                    let base = component.url();
                    router = Some(component);
                    RouterWay::http(RouterSettings { base, timeout, authorization: None })?
                }
            };
            tracing::info!(hybrid_base = way.settings.base, "Hybrid Router enabled");
            running.router.clone_from(&way.settings.base);
            let signer = Signer::new(data.signing_key()?);
            this.table.make_known(&signer, clock::now()).await?;
            key_id = Some(signer.key().id());
            for_functions = Some(this.variables(&way, &token, &signer));
            probe = Some(way.probe.clone());
            let accepts = this.intake(&way);
            running.simulated = running.simulated || accepts.ask_at_start().await;
            intake = Some(Arc::new(accepts));
            Box::pin(this.spawn_functions(way, signer, &stop, &mut work)).await;
        }
        // What readers cost is not the jobs' usage.
        let name = Local::TABLE.to_owned();
        let table = Table::new(this.local.dynamodb(), name, Arc::new(Meter::off()));
        let settings = effective(&running, this.access.requests_per_minute, key_id);
        let query = Query { door: Arc::clone(&this.access.door), table, router: probe, settings };
        let query = Arc::new(query);
        let (portal, once) = this.access.portal(&token, Arc::clone(&query), intake.clone());
        let functions = Arc::new(Functions { intake, query, portal });
        let api = start_api(options.listen, functions, &ended)?;
        running.api = api.address;
        if let Some(variables) = for_functions {
            data.announce(&running, &variables)?;
        }
        Ok(Self { running, tables, queue, router, api, work, stop, ended, data, token, once })
    }

    /// Where it listens.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// The data directory's token, which allows everything.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The portal's address, which signs in whoever opens it first.
    pub fn portal(&self) -> String {
        let path = self.once.as_ref().map_or_else(|| "/".to_owned(), OneTime::path);
        format!("http://{}{path}", self.running.api)
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
    dead_questions: String,
    meter: Arc<Meter>,
    access: Access,
}

impl Parts {
    fn variables(&self, way: &RouterWay, token: &str, signer: &Signer) -> String {
        let Self { local, urls: queues, dead_questions, .. } = self;
        variables(Reached { local, queues, dead_questions, router: &way.settings, token, signer })
    }

    fn intake(&self, way: &RouterWay) -> Intake {
        Intake {
            door: Arc::clone(&self.access.door),
            table: self.table.clone(),
            queues: self.queues.clone(),
            router: way.probe.clone(),
            signing: Signing::new(self.access.trusted_keys.clone()),
            clock: Clock::System,
        }
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
        way: RouterWay,
        signer: Signer,
        stop: &CancellationToken,
        work: &mut JoinSet<()>,
    ) {
        let (table, queues) = (|| self.table.clone(), || self.queues.clone());
        let dispatch =
            Arc::new(Dispatch { table: table(), queues: queues(), clock: Clock::System });
        let RouterWay { settings, link, .. } = way;
        let boot = fresh_boot_id();
        let reconciler = Reconciler {
            table: table(),
            queues: queues(),
            dead: DeadQuestions::new(self.local.sqs(), self.dead_questions.clone()),
            link: Arc::clone(&link),
            boot: Some(boot.clone()),
            clock: Clock::System,
        };
        let inference = Arc::new(Inference {
            table: table(),
            queues: queues(),
            router: Router::new(settings, link),
            signer: signer.clone(),
            boot: Some(boot.clone()),
            clock: Clock::System,
        });
        let coordinator = Arc::new(Coordinator {
            table: table(),
            signer,
            clock: Clock::System,
            longest: time_budget::ANALYSIS,
        });
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
    }
}

/// Runs the reconciler once. A start that failed is a start once more.
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
            _tick = ticks.tick() => {
                reconcile(&reconciler, occasion).await;
                // A job that never can be reconciled must not make every pass a start.
                occasion = Occasion::Schedule;
            }
            () = stop.cancelled() => return,
        }
    }
}

fn fresh_boot_id() -> BootId {
    let text = format!("{:016x}", rand::random::<u64>());
    #[expect(clippy::expect_used, reason = "16 hexadecimal digits are a boot id")]
    BootId::new(text).expect("a boot id")
}
