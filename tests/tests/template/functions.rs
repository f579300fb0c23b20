//! The functions as `main` makes them, on embedded tables and queues, with the router inside; and
//! what each is seen to ask of AWS.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::Message;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use beacon_aws::{
    Clock, DeadQuestions, Door, EmbeddedSettings, Meter, MetricLines, QueueUrls, Queues,
    RouterPlace, Table, Tokens,
};
use beacon_coordinator::Coordinator;
use beacon_core::access::Role;
use beacon_core::cloudwatch::StackName;
use beacon_core::time_budget;
use beacon_dispatch::Dispatch;
use beacon_inference::{Inference, Router};
use beacon_infra::{AccessSettings, DataDir, Duty, Local, Stack, StackOptions};
use beacon_intake::{Intake, Signing};
use beacon_portal::Portal;
use beacon_query::Query;
use beacon_reconciler::Reconciler;
use beacon_router::{Purpose, RouterWay};
use beacon_tests::asked::{Asked, AskedBy};
use beacon_tests::signed::signer;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What was asked so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<AskedBy>>);

impl Seen {
    pub(crate) fn asked(&self) -> AskedBy {
        self.0.lock().unwrap().clone()
    }
}

/// A function's connections, each request noted.
#[derive(Debug, Clone)]
struct Noted<T> {
    function: &'static str,
    seen: Seen,
    inner: T,
}

impl HttpClient for Noted<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Noted { function: self.function, seen: self.seen.clone(), inner })
    }
}

impl HttpConnector for Noted<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body = std::str::from_utf8(request.body().bytes().unwrap()).unwrap();
        let asked = Asked::of_request(target, body);
        self.seen.0.lock().unwrap().entry(self.function).or_default().extend(asked);
        self.inner.call(request)
    }
}

/// All of them.
pub(crate) struct Functions {
    pub(crate) intake: Intake,
    pub(crate) query: Query,
    pub(crate) portal: Portal,
    pub(crate) reconciler: Reconciler,
    pub(crate) urls: QueueUrls,
    pub(crate) dead_questions: String,
    /// Does what AWS does, and what an operator does.
    pub(crate) operator: aws_sdk_sqs::Client,
    pub(crate) seen: Seen,
    dispatch: Dispatch,
    inference: Inference,
    coordinator: Coordinator,
    stack: Stack,
    _directory: TempDir,
}

/// What the functions are made of.
struct Parts {
    local: Local,
    urls: QueueUrls,
    config: std::path::PathBuf,
    seen: Seen,
}

impl Parts {
    fn http(&self, function: &'static str) -> Noted<SharedHttpClient> {
        let inner = aws_smithy_http_client::Builder::new().build_http();
        Noted { function, seen: self.seen.clone(), inner }
    }

    fn table(&self, function: &'static str) -> Table {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(self.http(function))
            .region(Region::from_static("us-east-1"))
            .credentials_provider(credentials())
            .endpoint_url(&self.local.dynamodb);
        let client = aws_sdk_dynamodb::Client::from_conf(config.build());
        let metrics = MetricLines::to(StackName::new("beacon").unwrap(), std::io::sink());
        Table::new(client, Local::TABLE.to_owned(), Arc::new(Meter::off())).telling(metrics)
    }

    fn sqs(&self, function: &'static str) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(self.http(function))
            .region(Region::from_static("us-east-1"))
            .credentials_provider(credentials())
            .endpoint_url(&self.local.sqs);
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    fn queues(&self, function: &'static str) -> Queues {
        Queues::new(self.sqs(function), self.urls.clone(), Arc::new(Meter::off()))
    }

    fn intake(&self, function: &'static str) -> Intake {
        let table = self.table(function);
        Intake {
            door: door(),
            router: self.way(Purpose::Questions, &table).probe,
            table,
            queues: self.queues(function),
            signing: Signing::new(None),
            clock: Clock::System,
        }
    }

    fn query(&self, function: &'static str) -> Query {
        let table = self.table(function);
        let router = Some(self.way(Purpose::Questions, &table).probe);
        Query { door: door(), table, router, settings: Vec::new() }
    }

    fn portal(&self) -> Portal {
        let mut tokens = Tokens::default();
        tokens.add(Role::Admin, TOKEN).unwrap();
        let (query, intake) = (self.query("portal"), self.intake("portal"));
        Portal::new(tokens, 1_000_000, Arc::new(query), Some(Arc::new(intake)))
    }

    fn way(&self, purpose: Purpose, table: &Table) -> RouterWay {
        let (config, timeout) = (self.config.clone(), Duration::from_secs(600));
        let place = RouterPlace::Embedded(EmbeddedSettings { config, timeout });
        RouterWay::new(place, purpose, table).unwrap()
    }
}

/// What signs in at the portal.
pub(crate) const TOKEN: &str = "token-of-an-administrator";

fn credentials() -> Credentials {
    Credentials::new("local", "local", None, None, "beacon")
}

fn door() -> Arc<Door> {
    Arc::new(Door::on_aws(Some(1_000_000)))
}

impl Functions {
    /// With a router of these providers.
    pub(crate) async fn start(providers: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let config = directory.path().join("providers.toml");
        std::fs::write(&config, providers).unwrap();
        let stack = stack(directory.path()).await;
        let running = stack.running();
        let local = Local { dynamodb: running.dynamodb.clone(), sqs: running.sqs.clone() };
        let operator = local.sqs();
        let urls = QueueUrls {
            dispatch: url(&operator, "beacon-dispatch").await,
            question: url(&operator, "beacon-question.fifo").await,
            completion: url(&operator, "beacon-completion").await,
        };
        let dead_questions = url(&operator, "beacon-question-dead.fifo").await;
        let parts = Parts { local, urls: urls.clone(), config, seen: Seen::default() };
        let clock = Clock::System;
        let table = parts.table("inference");
        let way = parts.way(Purpose::Calls, &table);
        let router = Router::new(way.settings, way.link);
        let queues = parts.queues("inference");
        let inference = Inference { table, queues, router, signer: signer(), boot: None, clock };
        let table = parts.table("reconciler");
        let reconciler = Reconciler {
            link: parts.way(Purpose::Questions, &table).link,
            table,
            queues: parts.queues("reconciler"),
            dead: DeadQuestions::new(parts.sqs("reconciler"), dead_questions.clone()),
            boot: None,
            clock,
        };
        Self {
            intake: parts.intake("intake"),
            query: parts.query("query"),
            portal: parts.portal(),
            reconciler,
            urls,
            dead_questions,
            operator,
            dispatch: Dispatch {
                table: parts.table("dispatch"),
                queues: parts.queues("dispatch"),
                clock,
            },
            inference,
            coordinator: Coordinator {
                table: parts.table("coordinator"),
                signer: signer(),
                clock,
                longest: time_budget::ANALYSIS,
            },
            seen: parts.seen,
            stack,
            _directory: directory,
        }
    }

    /// Feeds dispatch with what its queue has. Returns whether there was anything.
    pub(crate) async fn dispatch(&self) -> bool {
        let (event, messages) = self.received(&self.urls.dispatch).await;
        let response = self.dispatch.handle(event).await;
        assert!(response.batch_item_failures.is_empty(), "{response:?}");
        self.deleted(&self.urls.dispatch, messages).await
    }

    /// Feeds every function with what its queue has, until none has anything.
    pub(crate) async fn drain(&self) {
        loop {
            let dispatched = self.dispatch().await;
            let (event, questions) = self.received(&self.urls.question).await;
            let response = self.inference.handle(event).await;
            assert!(response.batch_item_failures.is_empty(), "{response:?}");
            let asked = self.deleted(&self.urls.question, questions).await;
            let (event, closed) = self.received(&self.urls.completion).await;
            let response = self.coordinator.handle(event).await;
            assert!(response.batch_item_failures.is_empty(), "{response:?}");
            let completed = self.deleted(&self.urls.completion, closed).await;
            if !(dispatched || asked || completed) {
                return;
            }
        }
    }

    /// What a queue has now, as its function is fed with it.
    pub(crate) async fn received(&self, url: &str) -> (SqsEvent, Vec<Message>) {
        let receive = self.operator.receive_message().queue_url(url).max_number_of_messages(10);
        let messages = receive.send().await.unwrap().messages.unwrap_or_default();
        let mut event = SqsEvent::default();
        event.records = messages.iter().map(record).collect();
        (event, messages)
    }

    /// Removes messages. Returns whether there were any.
    pub(crate) async fn deleted(&self, url: &str, messages: Vec<Message>) -> bool {
        let any = !messages.is_empty();
        for message in messages {
            let delete = self.operator.delete_message().queue_url(url);
            let receipt = message.receipt_handle.unwrap();
            delete.receipt_handle(receipt).send().await.unwrap();
        }
        any
    }

    /// An answer of the function that answers this.
    pub(crate) async fn answer(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parameters: serde_json::Map<_, _> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        let event = json!({
            "version": "2.0",
            "routeKey": format!("{method} {path}"),
            "rawPath": path,
            "rawQueryString": query,
            "queryStringParameters": parameters,
            "headers": {
                "content-type": "application/json",
                "x-forwarded-proto": "https",
            },
            "requestContext": {
                "stage": "$default",
                "timeEpoch": 0,
                "http": {
                    "method": method, "path": path, "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1", "userAgent": "",
                },
                "authorizer": { "lambda": { "role": "admin", "caller": "0123abcd" } },
            },
            "body": if body.is_null() { Value::Null } else { body.to_string().into() },
            "isBase64Encoded": false,
        });
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        let response = if method == "POST" {
            self.intake.handle(request).await
        } else {
            self.query.handle(request).await
        };
        let lambda_http::Body::Text(text) = response.body().clone() else { panic!("{response:?}") };
        (response.status().as_u16(), text)
    }

    pub(crate) async fn stop(self) {
        self.stack.stop().await;
    }
}

/// Tables and queues; it does no work.
async fn stack(directory: &Path) -> Stack {
    let options = StackOptions {
        data: DataDir::open(&directory.join("data")).unwrap(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        duty: Duty::Read,
        access: AccessSettings::default(),
    };
    Box::pin(Stack::start(options)).await.unwrap()
}

async fn url(client: &aws_sdk_sqs::Client, name: &str) -> String {
    client.get_queue_url().queue_name(name).send().await.unwrap().queue_url.unwrap()
}

fn record(message: &Message) -> SqsMessage {
    let mut record = SqsMessage::default();
    record.message_id.clone_from(&message.message_id);
    record.receipt_handle.clone_from(&message.receipt_handle);
    record.body.clone_from(&message.body);
    record.event_source = Some("aws:sqs".to_owned());
    record
}
