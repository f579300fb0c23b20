//! What following a job in the portal takes, whatever the job has: bytes on the wire, and read units as
//! the table counts them.

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use beacon_aws::{Meter, Table, Tokens};
use beacon_core::access::Role;
use beacon_core::execution::Outcome;
use beacon_core::{ExecutionId, QuestionIndex};
use beacon_infra::Local;
use beacon_portal::{OneTime, Portal};
use beacon_query::Query;
use beacon_tests::written::{Written, answered, words};
use lambda_http::http::header::{ACCEPT_ENCODING, COOKIE, SET_COOKIE};
use serde_json::{Value, json};

use crate::here::Here;

const TOKEN: &str = "token-of-the-budget";
const UPDATES: u32 = 10;
/// Pairs of a question, so that twenty questions fill a page.
const REGIONS: [&str; 5] = ["us-east", "eu-west", "asia-pacific", "r-3", "r-4"];
const MODELS: [&str; 2] = ["model-a", "model-b"];
const PAIRS: u32 = 10;
/// Questions of a page; the last half of the page that is looked at has no answer yet.
const ON_PAGE: u32 = 20;
/// Most read units of an update: the session, the job with its lanes, and the rows of the page.
const UNITS: f64 = 30.0;
/// Most bytes of an update on the wire.
const BYTES: usize = 4 * 1024;

/// Read units so far.
#[derive(Debug, Clone, Default)]
struct Read(Arc<Mutex<f64>>);

impl Read {
    fn units(&self) -> f64 {
        *self.0.lock().unwrap()
    }
}

/// A connection whose every request asks what it consumes.
#[derive(Debug, Clone)]
struct Counted<T> {
    read: Read,
    inner: T,
}

impl HttpClient for Counted<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Counted { read: self.read.clone(), inner })
    }
}

impl HttpConnector for Counted<SharedHttpConnector> {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let mut asked: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        asked["ReturnConsumedCapacity"] = json!("TOTAL");
        let asked = asked.to_string();
        request.headers_mut().insert("content-length", asked.len().to_string());
        *request.body_mut() = SdkBody::from(asked);
        let (call, read) = (self.inner.call(request), self.read.clone());
        let reads = ["GetItem", "Query"].iter().any(|name| target.ends_with(&format!(".{name}")));
        HttpConnectorFuture::new(async move {
            let mut response: HttpResponse = call.await?;
            let body = ByteStream::new(response.take_body()).collect().await;
            let body = body.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
            if reads && response.status().is_success() {
                let told: Value = serde_json::from_slice(&body).unwrap();
                let units = told["ConsumedCapacity"]["CapacityUnits"].as_f64();
                *read.0.lock().unwrap() += units.unwrap_or_else(|| panic!("{target}: {told}"));
            } else {
                assert!(!target.contains("Batch") && !target.contains("Transact"), "{target}");
            }
            *response.body_mut() = SdkBody::from(body);
            Ok(response)
        })
    }
}

/// What the updates took together.
#[derive(Debug)]
struct Took {
    units: f64,
    bytes: usize,
}

/// A browser that follows jobs in a portal.
struct Browser {
    portal: Portal,
    read: Read,
    cookie: String,
}

impl Browser {
    async fn start(here: &Here) -> Self {
        let read = Read::default();
        let inner = aws_smithy_http_client::Builder::new().build_http();
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(Counted { read: read.clone(), inner })
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "beacon"))
            .endpoint_url(here.local().dynamodb);
        let client = aws_sdk_dynamodb::Client::from_conf(config.build());
        let table = Table::new(client, Local::TABLE.to_owned(), Arc::new(Meter::off()));
        let door = Arc::new(beacon_aws::Door::on_aws(None));
        let query = Query { door, table, router: None, settings: Vec::new() };
        let mut tokens = Tokens::default();
        tokens.add(Role::Reader, TOKEN).unwrap();
        let once = OneTime::fresh(tokens.mark(TOKEN).unwrap());
        let portal = Portal::new(tokens, 1_000_000, Arc::new(query), None);
        let portal = portal.with_one_time(once.clone());
        let mut browser = Self { portal, read, cookie: String::new() };
        let (_, cookie) = browser.ask(&once.path()).await;
        cookie.unwrap().split(';').next().unwrap().clone_into(&mut browser.cookie);
        browser
    }

    /// The answer's bytes on the wire, and the cookie that it gives.
    async fn ask(&self, address: &str) -> (Vec<u8>, Option<String>) {
        self.ask_with("gzip", address).await
    }

    async fn ask_with(&self, encoding: &str, address: &str) -> (Vec<u8>, Option<String>) {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {
                "host": "localhost",
                "x-forwarded-proto": "https",
                COOKIE.as_str(): self.cookie,
                ACCEPT_ENCODING.as_str(): encoding,
            },
            "requestContext": {
                "stage": "$default",
                "timeEpoch": 0,
                "http": {
                    "method": "GET", "path": path, "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1", "userAgent": "",
                },
            },
            "isBase64Encoded": false,
        });
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        let response = self.portal.handle(request).await;
        let status = response.status().as_u16();
        assert!(matches!(status, 200 | 303), "{address}: {status}");
        let cookie = response.headers().get(SET_COOKIE);
        let cookie = cookie.map(|cookie| cookie.to_str().unwrap().to_owned());
        (response.body().to_vec(), cookie)
    }

    /// Opens a page of the job as a person does, and takes the updates that it asks for.
    async fn follow(&self, job: &str, page: u32) -> Took {
        let (page, _) = self.ask_with("identity", &format!("/jobs/{job}?page={page}")).await;
        let page = String::from_utf8(page).unwrap();
        let (_, live) = page.split_once("hx-get=\"").unwrap_or_else(|| panic!("{page}"));
        let live = live.split('"').next().unwrap().replace("&amp;", "&");
        assert!(live.starts_with(&format!("/jobs/{job}/live")), "{live}");
        let before = self.read.units();
        let mut bytes = 0;
        for _ in 0..UPDATES {
            bytes += self.ask(&live).await.0.len();
        }
        Took { units: self.read.units() - before, bytes }
    }
}

/// A job of so many questions whose rows are there up to the middle of the page that is returned.
async fn half_way(here: &Here, id: &str, questions: u32) -> u32 {
    let asked: Vec<Value> = (0..questions)
        .map(|n| json!({"id": format!("q{n:04}"), "text": format!("What is {n:04}?")}))
        .collect();
    let document = json!({
        "questions": asked, "models": MODELS, "regions": REGIONS, "system_prompt": "none",
        "questions_in_flight": 2,
    });
    let written = Written::submit(&here.table(), id, &document).await;
    assert_eq!(written.pairs().len(), (questions * PAIRS) as usize);
    let page = questions / ON_PAGE / 2;
    let until = QuestionIndex(page * ON_PAGE + ON_PAGE / 2);
    // The ids of both jobs are of one length, and so are their answers.
    let answer = |id: &ExecutionId| answered(Outcome::Text, &words(id, 400)[..400]);
    written.begin(until, answer).await;
    page + 1
}

#[tokio::test]
async fn an_update_costs_what_its_page_costs_and_not_what_its_job_has() {
    let here = Here::idle().await;
    let browser = Browser::start(&here).await;
    let page = half_way(&here, "small", ON_PAGE).await;
    let small = browser.follow("small", page).await;
    let page = half_way(&here, "large", 2000).await;
    let large = browser.follow("large", page).await;

    let updates = f64::from(UPDATES);
    assert!(small.units > updates, "{small:?}");
    // A job that has more questions has longer numbers.
    assert!((large.units - small.units).abs() <= updates, "{large:?} {small:?}");
    assert!(large.bytes.abs_diff(small.bytes) * 10 <= small.bytes, "{large:?} {small:?}");
    assert!(large.units <= updates * UNITS, "{large:?}");
    assert!(large.bytes <= UPDATES as usize * BYTES, "{large:?}");
}
