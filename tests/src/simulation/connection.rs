//! The AWS SDK's connections, in process: to the table and to the queues, with faults by chance.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, HttpClient, Region, RuntimeComponents,
    StalledStreamProtectionConfig,
};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::functions::Who;
use super::mortal::Doom;
use super::tables::{TARGET, Tables};
use super::world::World;

/// One attempt at a request, as on AWS.
const ATTEMPT: Duration = Duration::from_secs(5);

/// How often the function dies whose request is late.
const DEADLY: f64 = 0.3;

/// How late a request may be carried out, milliseconds.
pub(super) const LATEST_MS: u64 = 300_000;

/// What a connection leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Table,
    Queues,
}

/// One function's connection to one service.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) world: Arc<World>,
    pub(super) who: Who,
    pub(super) service: Service,
    pub(super) doom: Doom,
}

/// A request as it is on the wire.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) service: Service,
    pub(super) target: String,
    pub(super) body: String,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Delivered,
    Unsent,
    AnswerLost,
    /// Carried out so much later than it was sent.
    Late(Duration),
    Throttled,
    Conflict,
}

impl HttpClient for Connection {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connection {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            let sent = Sent::of(this.service, &request);
            this.carry(sent).await
        })
    }
}

impl Connection {
    async fn carry(self, sent: Sent) -> Result<HttpResponse, ConnectorError> {
        let Self { world, who, doom, .. } = self;
        world.sends(who, &sent);
        let fate = Fate::draw(&world, &sent);
        if fate != Fate::Delivered {
            world.trace.tell(format_args!("{who}: {} is {fate:?}", sent.operation()));
        }
        // Where the caller is dropped before this is over, nothing was sent.
        sleep(world.chance.time(0..12)).await;
        let late = match fate {
            Fate::Unsent => return Err(broken()),
            Fate::Throttled => return Ok(refusal("ThrottlingException")),
            Fate::Conflict => return Ok(refusal(sent.conflict())),
            Fate::Late(late) => {
                // What slows requests down kills functions, too: theirs arrive when others have
                // taken over.
                if world.faulty(DEADLY) {
                    doom.strike();
                }
                late
            }
            Fate::Delivered | Fate::AnswerLost => Duration::ZERO,
        };
        let (answer, answered) = oneshot::channel();
        // From here on the request is carried out, whatever becomes of the caller.
        tokio::spawn(world.clone().while_busy(async move {
            sleep(late).await;
            // An answer that nobody waits for goes nowhere.
            let _gone = answer.send(world.serve(who, sent).await);
        }));
        match fate {
            Fate::Late(_) => std::future::pending().await,
            Fate::AnswerLost => answered.await.map_or_else(|_| Err(broken()), |_| Err(broken())),
            Fate::Delivered | Fate::Unsent | Fate::Throttled | Fate::Conflict => {
                Ok(answered.await.expect("what is delivered is answered"))
            }
        }
    }
}

impl Fate {
    fn draw(world: &World, sent: &Sent) -> Self {
        let faults = &world.plan.faults;
        if world.faulty(faults.request_unsent) {
            Self::Unsent
        } else if world.faulty(faults.answer_lost) {
            Self::AnswerLost
        } else if world.faulty(faults.request_late) {
            let most = world.chance.one_of(&[3_000, 30_000, LATEST_MS]);
            Self::Late(world.chance.time(1..most))
        } else if world.faulty(faults.throttled) {
            Self::Throttled
        } else if sent.is_write() && world.faulty(faults.conflict) {
            Self::Conflict
        } else {
            Self::Delivered
        }
    }
}

impl Sent {
    fn of(service: Service, request: &HttpRequest) -> Self {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default();
        Self { service, target, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    /// Without the service's name.
    pub(super) fn operation(&self) -> &str {
        self.target.rsplit('.').next().unwrap_or_default()
    }

    fn is_write(&self) -> bool {
        self.service == Service::Table
            && matches!(self.operation(), "PutItem" | "UpdateItem" | "TransactWriteItems")
    }

    /// What the table says when another transaction is under way at an item of the request.
    fn conflict(&self) -> &'static str {
        if self.operation() == "TransactWriteItems" {
            "TransactionCanceledException"
        } else {
            "TransactionConflictException"
        }
    }
}

fn broken() -> ConnectorError {
    ConnectorError::io("the connection was lost".into())
}

fn refusal(code: &str) -> HttpResponse {
    let reasons = r#"[{"Code":"TransactionConflict"}]"#;
    let body = format!(r#"{{"__type":"{code}","message":"no","CancellationReasons":{reasons}}}"#);
    response(400, body)
}

/// An answer as the SDK takes it.
pub(super) fn response(status: u16, body: String) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))
}

/// A connection to the table on which nothing is lost and nothing takes time.
#[derive(Debug, Clone)]
struct Direct(Tables);

impl HttpClient for Direct {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Direct {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sent = Sent::of(Service::Table, &request);
        let operation = sent.target.strip_prefix(TARGET).unwrap();
        let answered = self.0.answer(operation, &sent.body);
        HttpConnectorFuture::ready(Ok(response(answered.status, answered.body)))
    }
}

/// A client of the table as a function has one.
pub(super) fn dynamodb(connection: Connection) -> aws_sdk_dynamodb::Client {
    let pause = pause(&connection);
    table_client(connection, pause)
}

/// A client of the table that sees it as it is.
pub(super) fn direct(tables: Tables) -> aws_sdk_dynamodb::Client {
    table_client(Direct(tables), Duration::ZERO)
}

fn table_client(client: impl HttpClient + 'static, pause: Duration) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(client)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(credentials())
        .retry_config(retries(pause))
        .retry_partition(partition())
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .endpoint_url("http://table.simulated");
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// A client of the queues as a function has one.
pub(super) fn sqs(connection: Connection) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .retry_config(retries(pause(&connection)))
        .retry_partition(partition())
        .http_client(connection)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(credentials())
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .endpoint_url("http://queues.simulated");
    aws_sdk_sqs::Client::from_conf(config.build())
}

/// Before the first retry. The SDK draws it for each retry; here each client has its own.
fn pause(connection: &Connection) -> Duration {
    connection.world.chance.time(20..1000)
}

fn retries(pause: Duration) -> RetryConfig {
    RetryConfig::standard().with_initial_backoff(pause).with_use_static_exponential_base(true)
}

/// By default all clients of a process share what limits their retries, and one schedule would
/// depend on those before it.
fn partition() -> RetryPartition {
    RetryPartition::custom("simulated").build()
}

fn credentials() -> Credentials {
    Credentials::new("simulated", "simulated", None, None, "simulated")
}
