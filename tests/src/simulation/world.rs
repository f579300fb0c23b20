//! What the instances share: time, chance, the services behind their connections.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::config::http::HttpResponse;
use axum::body::Body;
use axum::extract::Request;
use beacon_aws::{QueueName, QueueUrls, http_client};
use beacon_core::time_budget;
use beacon_infra::sqs::{QueueSettings, Redrive, SqsEndpoint};
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::chance::Chance;
use super::connection::{Sent, Service, response};
use super::functions::Who;
use super::plan::Plan;
use super::router::Router;
use super::tables::{TARGET, Tables};
use super::trace::Trace;
use super::witness::Witness;
use crate::asked::{Asked, AskedBy};

/// When every schedule begins, Unix milliseconds.
pub(super) const ORIGIN_MS: i64 = 1_795_000_000_000;
/// The router is there so long before: it would know what was asked when a schedule begins.
const ROUTER_BEFORE_MS: i64 = 60_000;

/// The world of one schedule.
#[derive(Debug)]
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) chance: Chance,
    pub(super) trace: Trace,
    pub(super) origin: Timestamp,
    pub(super) began: Instant,
    pub(super) tables: Tables,
    pub(super) queues: SqsEndpoint,
    pub(super) urls: QueueUrls,
    pub(super) dead_questions: String,
    pub(super) router: Router,
    pub(super) witness: Witness,
    /// Whether a question was received at all.
    pub(super) question_seen: AtomicBool,
    pub(super) polls_of_first_question: AtomicU32,
    asked: Mutex<AskedBy>,
    busy: AtomicUsize,
    /// Actions of clients that are not done.
    to_do: AtomicUsize,
    /// For what needs one to be made, and is asked for nothing that is sent.
    pub(super) http: reqwest::Client,
}

impl World {
    pub(super) fn new(plan: Plan) -> Arc<Self> {
        let origin = Timestamp::from_millisecond(ORIGIN_MS).unwrap();
        let since_epoch = Duration::from_millis(ORIGIN_MS.unsigned_abs());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let queues = SqsEndpoint::beginning_at(address, since_epoch);
        let create_with = |name: &str, fifo, visibility: Duration, redrive| {
            let visibility_timeout_seconds = u32::try_from(visibility.as_secs()).unwrap();
            let settings = QueueSettings {
                fifo,
                visibility_timeout_seconds,
                redrive,
                ..QueueSettings::default()
            };
            queues.create_queue(name, settings).unwrap()
        };
        let create = |name: &str, fifo, visibility| create_with(name, fifo, visibility, None);
        let (long, short) = (time_budget::VISIBILITY, time_budget::SHORT_VISIBILITY);
        let dead_questions = create("question-dead.fifo", true, short);
        // Few, so that schedules come to it.
        let dead_letter_queue = "question-dead.fifo".to_owned();
        let redrive = Some(Redrive { dead_letter_queue, max_receive_count: 8 });
        let urls = QueueUrls {
            dispatch: create("dispatch", false, short),
            question: create_with("question.fifo", true, long, redrive),
            completion: create("completion", false, time_budget::COMPLETION_VISIBILITY),
        };
        let tables = Tables::new();
        let to_do = plan.actions.len();
        Arc::new(Self {
            chance: Chance::seeded(plan.seed),
            plan,
            trace: Trace::begin(),
            origin,
            began: Instant::now(),
            witness: Witness::new(tables.clone()),
            tables,
            queues,
            urls,
            dead_questions,
            router: Router::begun((ORIGIN_MS - ROUTER_BEFORE_MS).unsigned_abs()),
            question_seen: AtomicBool::new(false),
            polls_of_first_question: AtomicU32::new(0),
            asked: Mutex::default(),
            busy: AtomicUsize::new(0),
            to_do: AtomicUsize::new(to_do),
            http: http_client().unwrap(),
        })
    }

    /// Since the schedule began.
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// The same as a clock that is right tells it, Unix milliseconds.
    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from((self.origin + self.now()).as_millisecond()).unwrap()
    }

    /// Whether a fault of this rate happens here and now.
    pub(super) fn faulty(&self, rate: f64) -> bool {
        self.now() < self.plan.faults_end && self.chance.happens(rate)
    }

    /// Something that is under way until it ends.
    pub(super) async fn while_busy(self: Arc<Self>, work: impl Future<Output = ()>) {
        self.busy.fetch_add(1, Ordering::Relaxed);
        work.await;
        self.busy.fetch_sub(1, Ordering::Relaxed);
    }

    /// An action of a client is done.
    pub(super) fn acted(&self) {
        self.to_do.fetch_sub(1, Ordering::Relaxed);
        self.witness.news.notify_one();
    }

    /// Whether no client will do anything more.
    pub(super) fn all_acted(&self) -> bool {
        self.to_do.load(Ordering::Relaxed) == 0
    }

    /// Whether nothing is under way.
    pub(super) fn is_quiet(&self) -> bool {
        self.busy.load(Ordering::Relaxed) == 0
    }

    pub(super) fn url(&self, queue: QueueName) -> &str {
        match queue {
            QueueName::Dispatch => &self.urls.dispatch,
            QueueName::Question => &self.urls.question,
            QueueName::Completion => &self.urls.completion,
        }
    }

    /// A function sends a request, whatever becomes of it.
    pub(super) fn sends(&self, who: Who, sent: &Sent) {
        let mut asked = self.asked.lock().unwrap();
        asked
            .entry(who.function())
            .or_default()
            .extend(Asked::of_request(&sent.target, &sent.body));
    }

    /// What the functions asked of AWS so far.
    pub(super) fn asked_of_aws(&self) -> AskedBy {
        self.asked.lock().unwrap().clone()
    }

    /// Carries out a request that arrived.
    pub(super) async fn serve(&self, who: Who, sent: Sent) -> HttpResponse {
        match sent.service {
            Service::Table => {
                let operation = sent.target.strip_prefix(TARGET).unwrap();
                let answered = self.tables.answer(operation, &sent.body);
                self.applied(who, operation, &answered);
                response(answered.status, answered.body)
            }
            Service::Queues => {
                let (status, body) = self.ask_queues(&sent.target, sent.body.clone()).await;
                self.trace.tell(format_args!("{who}: {} {status}", sent.operation()));
                response(status, body)
            }
        }
    }

    /// One request to the queues.
    async fn ask_queues(&self, target: &str, body: String) -> (u16, String) {
        let request = Request::builder().header("x-amz-target", target).body(Body::from(body));
        let answer = self.queues.answer(request.unwrap()).await;
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// A request of the event sources or of an operator, which nothing happens to.
    pub(super) async fn operate(&self, action: &str, body: Value) -> Value {
        let answer = self.ask_queues(&format!("AmazonSQS.{action}"), body.to_string()).await;
        serde_json::from_str(&answer.1).unwrap_or_default()
    }
}
