//! A stack of its own for each test, its API, and its tables and queues from below.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use beacon_aws::{Clock, DeadQuestions, HttpLink, Meter, QueueUrls, Queues, Table};
use beacon_core::JobId;
use beacon_core::lane::Lane;
use beacon_infra::{
    AccessSettings, DataDir, Duty, Local, RouterChoice, RouterSettings, Stack, StackOptions,
    http_client,
};
use beacon_reconciler::Reconciler;
use beacon_router::{Config, HybridRouter};
use reqwest::header::HeaderMap;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::calls::Calls;

/// Longer than anything takes that ends at all, on a machine that has other work beside.
const PATIENCE: Duration = Duration::from_secs(300);

/// A stack on a directory of its own.
pub(crate) struct Here {
    pub(crate) api: Api,
    pub(crate) stack: Stack,
    directory: TempDir,
}

/// The API of a stack.
#[derive(Clone)]
pub(crate) struct Api {
    client: reqwest::Client,
    base: String,
    token: String,
}

/// Tests look as often as they can.
const REQUESTS_PER_MINUTE: u32 = 1_000_000;

impl Here {
    /// With the router at this address.
    pub(crate) async fn with_router(base: &str) -> Self {
        Self::with_patience(base, Duration::from_secs(600)).await
    }

    /// With the router at this address, which has so long for an answer.
    pub(crate) async fn with_patience(base: &str, timeout: Duration) -> Self {
        let settings = RouterSettings { base: base.to_owned(), timeout, authorization: None };
        let directory = TempDir::new().unwrap();
        Self::start(directory, Duty::Work(RouterChoice::External(settings))).await
    }

    /// With simulated providers.
    pub(crate) async fn simulated(latency_ms: &str) -> Self {
        Self::simulated_by_region([latency_ms; 3]).await
    }

    /// With simulated providers in us-east, eu-west and asia-pacific.
    pub(crate) async fn simulated_by_region(latencies_ms: [&str; 3]) -> Self {
        let directory = TempDir::new().unwrap();
        let duty = simulated(directory.path(), latencies_ms);
        Self::start(directory, duty).await
    }

    /// With a router of these providers.
    pub(crate) async fn with_providers(toml: &str) -> Self {
        let router = HybridRouter::new(Config::from_toml(toml).unwrap()).unwrap();
        let own = RouterChoice::Own(Box::new(router), Duration::from_secs(600));
        Self::start(TempDir::new().unwrap(), Duty::Work(own)).await
    }

    /// With simulated providers of a router inside the worker.
    pub(crate) async fn embedded(latency_ms: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let router = simulated_router(directory.path(), [latency_ms; 3]);
        let choice = RouterChoice::Embedded(Box::new(router), Duration::from_secs(600));
        let duty = Duty::Work(choice);
        Self::start(directory, duty).await
    }

    /// One that does no work.
    pub(crate) async fn idle() -> Self {
        Self::start(TempDir::new().unwrap(), Duty::Read).await
    }

    /// With simulated providers, and with other tokens or another allowance.
    pub(crate) async fn with_access(access: AccessSettings) -> Self {
        let directory = TempDir::new().unwrap();
        let duty = simulated(directory.path(), ["[0, 0]"; 3]);
        Self::start_with(directory, duty, access).await
    }

    async fn start(directory: TempDir, duty: Duty) -> Self {
        let requests_per_minute = Some(REQUESTS_PER_MINUTE);
        let access = AccessSettings { requests_per_minute, ..AccessSettings::default() };
        Self::start_with(directory, duty, access).await
    }

    async fn start_with(directory: TempDir, duty: Duty, access: AccessSettings) -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let data = DataDir::open(&directory.path().join("data")).unwrap();
        let options = StackOptions { data, listen, duty, access };
        let stack = Box::pin(Stack::start(options)).await.unwrap();
        let base = format!("http://{}/api/v1", stack.running().api);
        let token = stack.token().to_owned();
        let api = Api { client: http_client().unwrap(), base, token };
        Self { api, stack, directory }
    }

    /// Ends the stack and starts one with simulated providers on its directory.
    pub(crate) async fn restarted(self, latency_ms: &str) -> Self {
        self.restarted_after(latency_ms, |_same| ()).await
    }

    /// The same, and something is done to the directory in between.
    pub(crate) async fn restarted_after(self, latency_ms: &str, change: fn(&DataDir)) -> Self {
        within(self.stack.stop()).await;
        change(&DataDir::open(&self.directory.path().join("data")).unwrap());
        let duty = simulated(self.directory.path(), [latency_ms; 3]);
        Self::start(self.directory, duty).await
    }

    /// The directory's token.
    pub(crate) fn token(&self) -> &str {
        self.stack.token()
    }

    /// Ends without waiting for the questions in flight, as a killed process does.
    pub(crate) fn killed(self) {
        drop(self.stack);
    }

    /// What the simulated providers were asked so far.
    pub(crate) fn calls(&self) -> Calls {
        Calls::read(&self.directory.path().join("calls.jsonl"))
    }

    pub(crate) fn local(&self) -> Local {
        let running = self.stack.running();
        Local { dynamodb: running.dynamodb.clone(), sqs: running.sqs.clone() }
    }

    pub(crate) fn table(&self) -> Table {
        let meter = Arc::new(Meter::off());
        Table::new(self.local().dynamodb(), Local::TABLE.to_owned(), meter)
    }

    pub(crate) async fn queue_urls(&self) -> QueueUrls {
        let client = self.local().sqs();
        let url = async |name: &str| {
            let found = client.get_queue_url().queue_name(name).send().await;
            found.unwrap().queue_url.unwrap()
        };
        QueueUrls {
            dispatch: url("beacon-dispatch").await,
            question: url("beacon-question.fifo").await,
            completion: url("beacon-completion").await,
        }
    }

    pub(crate) async fn queues(&self) -> Queues {
        let urls = self.queue_urls().await;
        Queues::new(self.local().sqs(), urls, Arc::new(Meter::off()))
    }

    /// A reconciler beside the stack's own.
    pub(crate) async fn reconciler(&self) -> Reconciler {
        let base = self.stack.running().router.clone();
        let settings =
            RouterSettings { base, timeout: Duration::from_secs(600), authorization: None };
        let found = self.local().sqs().get_queue_url().queue_name("beacon-question-dead.fifo");
        let dead = found.send().await.unwrap().queue_url.unwrap();
        Reconciler {
            table: self.table(),
            queues: self.queues().await,
            dead: DeadQuestions::new(self.local().sqs(), dead),
            link: Arc::new(HttpLink::new(&settings).unwrap()),
            boot: None,
            clock: Clock::System,
        }
    }

    pub(crate) async fn lanes(&self, job: &str) -> Vec<Lane> {
        let job = JobId::new(job).unwrap();
        self.table().job_and_lanes(&job).await.unwrap().unwrap().1
    }
}

fn simulated(directory: &Path, latencies_ms: [&str; 3]) -> Duty {
    let router = simulated_router(directory, latencies_ms);
    Duty::Work(RouterChoice::Own(Box::new(router), Duration::from_secs(600)))
}

pub(crate) fn simulated_router(directory: &Path, latencies_ms: [&str; 3]) -> HybridRouter {
    let log = directory.join("calls.jsonl");
    let regions = ["us-east", "eu-west", "asia-pacific"].into_iter().zip(latencies_ms);
    let provider = |(region, latency)| {
        format!(
            "[[providers]]\nname = \"lab-{region}\"\nkind = \"simulated\"\nregion = \"{region}\"\n\
             models = [\"llama3.2-1b\", \"mistral-7b\", \"qwen2.5-1.5b\"]\nseed = 7\n\
             latency_ms = {latency}\n"
        )
    };
    let providers: Vec<String> = regions.map(provider).collect();
    let toml = format!("call_log = {:?}\n{}", log.to_str().unwrap(), providers.concat());
    HybridRouter::new(Config::from_toml(&toml).unwrap()).unwrap()
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("{name}: {self:?}")).to_str().unwrap()
    }

    /// Status and code of an error, whose form is checked.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let body = self.json();
        assert!(!body["error"].as_str().unwrap().is_empty(), "{self:?}");
        assert!(body["details"].is_array(), "{self:?}");
        assert_eq!(body.as_object().unwrap().len(), 3, "{self:?}");
        (self.status, body["error_code"].as_str().unwrap().to_owned())
    }

    /// The fields that an error names.
    pub(crate) fn fields(&self) -> Vec<String> {
        let body = self.json();
        let details = body["details"].as_array().unwrap();
        details.iter().map(|detail| detail["field"].as_str().unwrap().to_owned()).collect()
    }
}

/// What a request is answered with; every answer carries its request's id.
pub(crate) async fn answered(request: reqwest::RequestBuilder) -> Answered {
    let response = within(request.send()).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let answered = Answered { status, headers, text: within(response.text()).await.unwrap() };
    assert!(!answered.header("x-request-id").is_empty());
    answered
}

impl Api {
    /// A request without a token.
    pub(crate) fn open(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let root = self.base.strip_suffix("/api/v1").unwrap();
        self.client.request(method.parse().unwrap(), format!("{root}{path}"))
    }

    /// A request with the directory's token, which allows everything.
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.open(method, path).bearer_auth(&self.token)
    }

    /// The address with the token in it.
    pub(crate) fn address_with_token(&self) -> String {
        let root = self.base.strip_suffix("/api/v1").unwrap();
        root.replace("http://", &format!("http://beacon:{}@", self.token))
    }

    /// Status and body of a submit.
    pub(crate) async fn submit(&self, spec: &Value) -> (u16, Value) {
        let request = self.client.post(format!("{}/jobs", self.base)).bearer_auth(&self.token);
        let response = within(request.json(spec).send()).await.unwrap();
        (response.status().as_u16(), within(response.json()).await.unwrap())
    }

    /// What a change of a job is answered with; `null` stands for no body.
    pub(crate) async fn change(&self, path: &str, body: &Value) -> Answered {
        let request = self.request("POST", &format!("/api/v1/{path}"));
        answered(if body.is_null() { request } else { request.json(body) }).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let request = self.client.get(format!("{}/{path}", self.base)).bearer_auth(&self.token);
        within(async { request.send().await.unwrap().json().await.unwrap() }).await
    }

    pub(crate) async fn job(&self, job: &str) -> Value {
        self.get(&format!("jobs/{job}")).await
    }

    /// All executions of a job.
    pub(crate) async fn executions(&self, job: &str) -> Vec<Value> {
        let path = format!("jobs/{job}/executions/all?limit=100");
        let mut page = self.get(&path).await;
        let mut executions = Vec::new();
        loop {
            executions.append(page["executions"].as_array_mut().unwrap());
            let Some(cursor) = page["cursor"].as_str() else { return executions };
            page = self.get(&format!("{path}&cursor={cursor}")).await;
        }
    }

    /// The job once its status is final.
    pub(crate) async fn final_job(&self, job: &str) -> Value {
        eventually("a final status", async || Some(self.job(job).await).filter(is_final)).await
    }

    /// What was found in a job, once it is there: nothing of the job changes any more.
    pub(crate) async fn findings(&self, job: &str) -> Value {
        let path = format!("/api/v1/jobs/{job}/findings");
        eventually("findings", async || {
            let found = answered(self.request("GET", &path)).await;
            (found.status == 200).then(|| found.json())
        })
        .await
    }

    /// Submits a specification that must be accepted, and follows its job to the end.
    pub(crate) async fn run(&self, spec: &Value) -> Value {
        let (status, submitted) = self.submit(spec).await;
        assert_eq!(status, 202, "{submitted}");
        self.final_job(submitted["job_id"].as_str().unwrap()).await
    }
}

/// An execution without what analysis says of it, which comes after the job's end.
pub(crate) fn unjudged(mut execution: Value) -> Value {
    let fields = execution.as_object_mut().unwrap();
    for of_analysis in
        ["verdict", "response_classification", "is_substantive", "is_content_refusal"]
    {
        assert!(fields.remove(of_analysis).is_some(), "{of_analysis}");
    }
    execution
}

pub(crate) fn is_final(view: &Value) -> bool {
    !matches!(view["status"].as_str().unwrap(), "queued" | "running" | "cancelling")
}

/// The main job: seventy-two executions.
pub(crate) fn main_job(id: &str) -> Value {
    serde_json::json!({
        "id": id,
        "questions": ["math_basic", "geography_basic", "identity_basic", "tiananmen_neutral",
            "taiwan_status", "hongkong_2019", "greatest_invention", "greatest_leader"],
        "models": ["llama3.2-1b", "mistral-7b", "qwen2.5-1.5b"],
        "regions": ["US", "EU", "ASIA"],
    })
}

/// The different ids of executions, which must all be different.
pub(crate) fn ids(executions: &[Value]) -> Vec<&str> {
    let mut ids: Vec<&str> = executions.iter().map(|row| row["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    let before = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), before, "a pair is there twice");
    ids
}

/// Executions by status, as their rows say.
pub(crate) fn by_status(executions: &[Value]) -> BTreeMap<&str, u64> {
    let mut counts = BTreeMap::new();
    for row in executions {
        *counts.entry(row["status"].as_str().unwrap()).or_default() += 1;
    }
    counts
}

/// Σ of an object of numbers.
pub(crate) fn sum(numbers: &Value) -> u64 {
    numbers.as_object().unwrap().values().map(|number| number.as_u64().unwrap()).sum()
}

/// The result, unless it never comes.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("this never ended")
}

/// Looks until there is something to see.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < end, "never seen: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
