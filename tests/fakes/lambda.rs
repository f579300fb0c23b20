//! What a function meets on Lambda, on loopback: the runtime API, and Secrets Manager.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

/// Longer than a function takes to answer, unless it ended.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves a router on a free port of loopback; the address. It ends with the test's runtime.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A Secrets Manager with these secrets.
pub(crate) async fn secrets_manager(secrets: BTreeMap<&'static str, Value>) -> String {
    let answer = |State(secrets): State<Arc<BTreeMap<&'static str, Value>>>,
                  headers: HeaderMap,
                  asked: Bytes| async move {
        assert_eq!(headers["x-amz-target"], "secretsmanager.GetSecretValue");
        let asked: Value = serde_json::from_slice(&asked).unwrap();
        let name = asked["SecretId"].as_str().unwrap();
        match secrets.get(name) {
            Some(secret) => {
                let text = secret.to_string();
                Json(json!({"ARN": "arn", "Name": name, "SecretString": text})).into_response()
            }
            None => {
                let message = "Secrets Manager can't find the specified secret.";
                let told = json!({"__type": "ResourceNotFoundException", "Message": message});
                (StatusCode::BAD_REQUEST, Json(told)).into_response()
            }
        }
    };
    serve(Router::new().fallback(post(answer)).with_state(Arc::new(secrets))).await
}

/// Lambda's runtime API, as it is documented at
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.
pub(crate) struct Runtime {
    pub(crate) address: String,
    events: mpsc::Sender<Value>,
    answers: mpsc::Receiver<Value>,
}

struct Invocations {
    events: Mutex<mpsc::Receiver<Value>>,
    answers: mpsc::Sender<Value>,
}

impl Runtime {
    /// One that gives each event once.
    pub(crate) async fn start() -> Self {
        let (events, given) = mpsc::channel(8);
        let (told, answers) = mpsc::channel(8);
        let invocations = Arc::new(Invocations { events: Mutex::new(given), answers: told });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{end}", post(end))
            .with_state(invocations);
        Self { address: serve(router).await, events, answers }
    }

    /// What the function answers to an event.
    pub(crate) async fn invoke(&mut self, event: Value) -> Value {
        self.events.send(event).await.unwrap();
        let answer = timeout(PATIENCE, self.answers.recv()).await;
        answer.expect("the function does not answer").unwrap()
    }
}

async fn next(State(invocations): State<Arc<Invocations>>) -> Response {
    match invocations.events.lock().await.recv().await {
        Some(event) => {
            let headers = [
                ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
                ("lambda-runtime-deadline-ms", "4102444800000"),
                (
                    "lambda-runtime-invoked-function-arn",
                    "arn:aws:lambda:eu-west-1:123456789012:function:f",
                ),
            ];
            (headers, Json(event)).into_response()
        }
        None => StatusCode::GONE.into_response(),
    }
}

async fn end(
    State(invocations): State<Arc<Invocations>>,
    Path((_id, end)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    assert_eq!(end, "response", "{}", String::from_utf8_lossy(&body));
    invocations.answers.send(serde_json::from_slice(&body).unwrap()).await.unwrap();
    StatusCode::ACCEPTED
}

/// A function's program as Lambda starts it: with nothing in its environment but this.
pub(crate) fn function(program: &str, runtime: &str, secrets_manager: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", runtime)
        .env("AWS_LAMBDA_FUNCTION_NAME", "f")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "key")
        .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("http://{secrets_manager}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A function that runs until the test has seen enough of it.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Ends it; all that it wrote to its log.
    pub(crate) fn end(mut self) -> String {
        self.0.kill().unwrap();
        let mut log = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut log).unwrap();
        self.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = (self.0.kill(), self.0.wait());
    }
}
