//! Where the deployment is, and how it is asked.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::QueueAttributeName;
use beacon_infra::http_client;
use clap::Args;
use flate2::read::GzDecoder;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// Longer than anything takes that ends at all, the reconciler's three minutes included.
const PATIENCE: Duration = Duration::from_secs(420);
/// Between two looks. Every answer costs the emulator a tenth of a second.
const PAUSE: Duration = Duration::from_millis(200);

/// What was deployed, and with what to ask it.
#[derive(Debug, Args)]
pub struct Deployment {
    /// The emulator.
    #[arg(long)]
    endpoint: String,
    /// What `tests/ministack/deploy.py` said of the stack.
    #[arg(long)]
    stack: PathBuf,
    /// The `beacon` command.
    #[arg(long)]
    beacon: PathBuf,
    /// Providers of the deployment.
    #[arg(long)]
    providers: PathBuf,
    /// Where what was seen is written, beside the standard output.
    #[arg(long)]
    report: PathBuf,
    /// An empty directory.
    #[arg(long)]
    scratch: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Stack {
    token: String,
    api: String,
    queues: Queues,
}

/// Addresses of queues.
#[derive(Debug, Deserialize)]
struct Queues {
    question: String,
    dead: Vec<String>,
}

/// The deployment as the checks ask it.
pub(super) struct Place {
    deployment: Deployment,
    stack: Stack,
    client: reqwest::Client,
    sqs: Client,
    report: File,
    requests: u64,
}

/// An answer of the API.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

/// An answer of the portal.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Shown {
    /// A header's text; nothing where there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A page as it reads.
    pub(super) fn text(&self) -> String {
        if self.header("content-encoding") != "gzip" {
            return String::from_utf8(self.body.clone()).unwrap();
        }
        let mut text = String::new();
        GzDecoder::new(self.body.as_slice()).read_to_string(&mut text).unwrap();
        text
    }
}

impl Place {
    pub(super) fn new(deployment: Deployment) -> Self {
        let stack = std::fs::read(&deployment.stack).unwrap();
        let stack = serde_json::from_slice(&stack).unwrap();
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&deployment.endpoint);
        let sqs = Client::from_conf(config.build());
        let report = File::create(&deployment.report).unwrap();
        Self { deployment, stack, client: http_client().unwrap(), sqs, report, requests: 0 }
    }

    /// Tells the person who watches, and the report.
    #[expect(clippy::print_stdout, reason = "a command line says what it found")]
    pub(super) fn say(&mut self, told: &str) {
        println!("   {told}");
        writeln!(self.report, "{told}").unwrap();
    }

    /// Requests to the API so far, those of the `beacon` command not among them.
    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// With this as `Authorization`, or nothing.
    pub(super) async fn ask(
        &mut self,
        authorization: Option<&str>,
        (method, path): (Method, &str),
        body: Option<&Value>,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.stack.api));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        self.requests += 1;
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        let body = serde_json::from_str(&text);
        let body = body.unwrap_or_else(|_not_json| panic!("{path}: {status} {text}"));
        Answer { status, body }
    }

    /// As a browser asks, which follows no redirect here, and shows these cookies.
    pub(super) async fn browse(
        &mut self,
        (method, path): (Method, &str),
        cookies: &str,
        form: &[(&str, &str)],
    ) -> Shown {
        let request = self.client.request(method, format!("{}{path}", self.stack.api));
        // The gateway of AWS is asked over TLS, and tells the function so.
        let mut request = request.header("x-forwarded-proto", "https").header("cookie", cookies);
        request = request.header("accept-encoding", "gzip");
        if !form.is_empty() {
            let pairs: Vec<_> =
                form.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("content-type", "application/x-www-form-urlencoded");
            request = request.body(pairs.join("&"));
        }
        self.requests += 1;
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Shown { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    /// What opens the API, and the portal, to an administrator.
    pub(super) fn token(&self) -> &str {
        &self.stack.token
    }

    /// As admin.
    pub(super) async fn post(&mut self, path: &str, body: Option<&Value>) -> Answer {
        let token = format!("Bearer {}", self.stack.token);
        self.ask(Some(&token), (Method::POST, path), body).await
    }

    /// As admin; what is answered with 200.
    pub(super) async fn get(&mut self, path: &str) -> Value {
        let token = format!("Bearer {}", self.stack.token);
        let answer = self.ask(Some(&token), (Method::GET, path), None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        answer.body
    }

    /// Submits a specification that must be accepted.
    pub(super) async fn submit(&mut self, spec: &Value) {
        let answer = self.post("/api/v1/jobs", Some(spec)).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        assert_eq!(
            (&answer.body["job_id"], &answer.body["existing"]),
            (&spec["id"], &false.into())
        );
    }

    /// What is seen of a job when this holds.
    pub(super) async fn job_when(
        &mut self,
        job: &str,
        what: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let view = self.get(&format!("/api/v1/jobs/{job}")).await;
            assert_eq!(sum(&view["counts"]), view["expected"].as_u64().unwrap(), "{view}");
            if holds(&view) {
                return view;
            }
            assert!(Instant::now() < until, "{job} was never {what}: {view}");
            sleep(PAUSE).await;
        }
    }

    /// The job when its status is final, which must agree with its lanes and rows.
    pub(super) async fn final_job(&mut self, job: &str) -> Value {
        let going_on = ["queued", "running", "cancelling"];
        let is_final = |view: &Value| !going_on.contains(&view["status"].as_str().unwrap());
        let view = self.job_when(job, "final", is_final).await;
        let debug = self.debug(job).await;
        assert_eq!(debug["status_mismatch"], false, "{debug}");
        view
    }

    /// Why a job is where it is.
    pub(super) async fn debug(&mut self, job: &str) -> Value {
        self.get(&format!("/debug/jobs/{job}")).await
    }

    /// All executions of a small job, each once.
    pub(super) async fn executions(&mut self, job: &str) -> Vec<Value> {
        let mut page = self.get(&format!("/api/v1/jobs/{job}/executions/all?limit=1000")).await;
        assert_eq!(page["cursor"], Value::Null, "{page}");
        let Value::Array(rows) = page["executions"].take() else { panic!("{page}") };
        rows
    }

    /// Runs `beacon` against the deployment; its output, when it ended well.
    pub(super) async fn beacon(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.deployment.beacon);
        command.args(["--api", &self.stack.api]).args(arguments);
        self.finished(command.env("BEACON_TOKEN", &self.stack.token)).await
    }

    /// The same on this machine alone, with the providers of the deployment.
    pub(super) async fn beacon_here(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.deployment.beacon);
        command.arg("--data").arg(self.deployment.scratch.join("data")).args(arguments);
        self.finished(command.env_remove("BEACON_TOKEN")).await
    }

    async fn finished(&self, command: &mut Command) -> String {
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(super) fn providers(&self) -> &str {
        self.deployment.providers.to_str().unwrap()
    }

    /// Takes every question out of its queue.
    pub(super) async fn empty_the_question_queue(&self) {
        let queue = &self.stack.queues.question;
        self.sqs.purge_queue().queue_url(queue).send().await.unwrap();
        assert_eq!(self.messages(queue).await, 0);
    }

    /// No message was given up.
    pub(super) async fn nothing_is_dead(&self) {
        assert_eq!(self.stack.queues.dead.len(), 3);
        for queue in &self.stack.queues.dead {
            assert_eq!(self.messages(queue).await, 0, "{queue}");
        }
    }

    async fn messages(&self, queue: &str) -> u64 {
        let visible = QueueAttributeName::ApproximateNumberOfMessages;
        let request = self.sqs.get_queue_attributes().queue_url(queue);
        let answer = request.attribute_names(visible.clone()).send().await.unwrap();
        answer.attributes.unwrap()[&visible].parse().unwrap()
    }
}

/// Σ of an object of numbers.
pub(super) fn sum(numbers: &Value) -> u64 {
    super::exported::sum(numbers)
}
