//! Each role allows what its function was seen to ask, what the platform needs for it, the secrets
//! that it reads, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use beacon_aws::clock;
use beacon_core::reconcile::Occasion;
use beacon_reconciler::ScheduleEvent;
use beacon_tests::asked::{Asked, AskedBy, SESSIONS};
use beacon_tests::simulation::{Plan, run};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::deployed::{Deployed, Given, WAYS, owner};
use crate::functions::Functions;
use crate::portal;

/// Longer than anything takes that ends at all.
const PATIENCE: Duration = Duration::from_secs(120);
/// Schedules of the simulation that are watched; every path is in some of the first ten.
const SCHEDULES: u64 = 30;

/// What the platform needs of a role whose function a queue feeds.
/// Source: "Using Lambda with Amazon SQS", Lambda developer guide.
const FEEDING: [&str; 3] = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];
/// What it needs to write the function's log.
const LOGGING: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];

/// An action and the resource that it is for, as the resolved template names it.
type Right = (String, String);

fn right(action: &str, resource: &str) -> Right {
    (action.to_owned(), resource.to_owned())
}

fn texts(value: &Value) -> Vec<String> {
    let one = value.as_str().map(|text| vec![text.to_owned()]);
    one.unwrap_or_else(|| {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    })
}

/// What a function's role allows.
fn allowed(deployed: &Deployed, function: &str) -> BTreeSet<Right> {
    let role = deployed.properties(owner(&deployed.properties(function)["Role"]));
    assert!(role.get("ManagedPolicyArns").is_none(), "{function}");
    let trusted = &role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"];
    assert_eq!(*trusted, "lambda.amazonaws.com", "{function}");
    let mut allowed = BTreeSet::new();
    for policy in role["Policies"].as_array().unwrap() {
        for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
            assert_eq!(statement["Effect"], "Allow", "{function}");
            let of = condition(statement);
            for action in texts(&statement["Action"]) {
                for resource in texts(&statement["Resource"]) {
                    assert!(!action.contains('*') && !resource.contains('*'), "{statement}");
                    let is_new = allowed.insert((action.clone(), format!("{resource}{of}")));
                    assert!(is_new, "{function}: {action} at {resource} is allowed twice");
                }
            }
        }
    }
    allowed
}

/// What of its resources a statement is for, beside what [`rights`] calls it.
fn condition(statement: &Value) -> &'static str {
    let sessions = json!({
        "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["SESSION#*"] },
        // A request without a key would meet the first.
        "Null": { "dynamodb:LeadingKeys": "false" },
    });
    match statement.get("Condition") {
        None => "",
        Some(condition) => {
            assert_eq!(*condition, sessions, "{statement}");
            SESSIONS
        }
    }
}

/// What the platform needs of a function's role, and the secrets that it reads at its start.
fn needed_beside(deployed: &Deployed, function: &str) -> BTreeSet<Right> {
    let properties = deployed.properties(function);
    let log = properties["LoggingConfig"]["LogGroup"].as_str().unwrap();
    let mut needed: BTreeSet<_> =
        LOGGING.iter().map(|action| right(action, &format!("{log}.Arn"))).collect();
    for (_, mapping) in deployed.of_type("AWS::Lambda::EventSourceMapping") {
        if owner(&mapping["FunctionName"]) == function {
            let queue = mapping["EventSourceArn"].as_str().unwrap();
            needed.extend(FEEDING.iter().map(|action| right(action, queue)));
        }
    }
    let secrets = properties["Environment"]["Variables"]["BEACON_SECRETS"].as_str();
    let secrets = secrets.into_iter().flat_map(|list| list.split(','));
    needed.extend(secrets.map(|secret| right("secretsmanager:GetSecretValue", secret)));
    needed
}

/// What was asked, as rights in the template.
fn rights(asked: &BTreeSet<Asked>) -> BTreeSet<Right> {
    let resource = |of: &str| {
        if let Some(index) = of.strip_prefix("beacon/index/") {
            return format!("Table.Arn/index/{index}");
        }
        if of.ends_with(SESSIONS) {
            return format!("Table.Arn{SESSIONS}");
        }
        let name = of.rsplit('/').next().unwrap().trim_start_matches("beacon-");
        let id = match name {
            "beacon" => "Table",
            "dispatch" => "DispatchQueue",
            "question.fifo" => "QuestionQueue",
            "question-dead.fifo" => "QuestionDeadLetterQueue",
            "completion" => "CompletionQueue",
            other => panic!("what {other} is in the template is not known here"),
        };
        format!("{id}.Arn")
    };
    asked.iter().map(|asked| (asked.action.clone(), resource(&asked.of))).collect()
}

fn function_id(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{}{rest}Function", first.to_ascii_uppercase())
}

#[tokio::test]
async fn roles_allow_what_their_functions_were_seen_to_ask_and_nothing_else() {
    let seen = Box::pin(everything_is_asked()).await;
    for given in WAYS {
        let deployed = Deployed::with(given);
        for (id, _) in deployed.functions() {
            let seen = seen.iter().find(|(name, _)| function_id(name) == id);
            let seen = seen.map(|(_, asked)| rights(asked)).unwrap_or_default();
            let needed: BTreeSet<_> = seen.union(&needed_beside(&deployed, id)).cloned().collect();
            assert_eq!(allowed(&deployed, id), needed, "{id} with {given:?}");
        }
    }
}

#[test]
fn roles_allow_whatever_goes_wrong() {
    let deployed = Deployed::with(&[]);
    let mut seen: BTreeMap<&str, BTreeSet<Right>> = BTreeMap::new();
    for seed in 0..SCHEDULES {
        for (function, asked) in run(Plan::drawn(seed)).asked {
            seen.entry(function).or_default().extend(rights(&asked));
        }
    }
    assert_eq!(seen.len(), 5);
    for (function, seen) in seen {
        let allowed = allowed(&deployed, &function_id(function));
        let more: Vec<_> = seen.difference(&allowed).collect();
        assert!(more.is_empty(), "{function} asks what it may not: {more:?}");
    }
}

#[test]
fn no_function_shares_its_role_and_no_secret_goes_where_it_is_not_needed() {
    for given in WAYS {
        let deployed = Deployed::with(given);
        let functions = deployed.functions();
        let roles: BTreeSet<_> = functions.iter().map(|(_, of)| owner(&of["Role"])).collect();
        assert_eq!(roles.len(), functions.len());
        assert_eq!(deployed.of_type("AWS::IAM::Role").len(), functions.len());
        let with_secrets = functions.iter().filter(|(_, function)| {
            function["Environment"]["Variables"].get("BEACON_SECRETS").is_some()
        });
        let with_secrets: Vec<_> = with_secrets.map(|(id, _)| *id).collect();
        assert_eq!(with_secrets, secret_readers(given), "{given:?}");
    }
}

fn secret_readers(given: Given<'_>) -> Vec<&'static str> {
    let has = |name| given.iter().any(|(given, _)| *given == name);
    let mut readers = Vec::new();
    if !has("JwtIssuer") {
        readers.push("AuthorizerFunction");
    }
    readers.extend(["CoordinatorFunction", "InferenceFunction"]);
    if !has("JwtIssuer") {
        readers.push("PortalFunction");
    }
    if has("RouterSecret") && has("RouterUrl") {
        readers.push("ReconcilerFunction");
    }
    readers
}

/// A provider that fails as long as it is told to.
async fn provider(fails: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = async move || {
        if fails.load(Ordering::Relaxed) {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        let message = json!({ "role": "assistant", "content": "4" });
        let choices = json!([{ "index": 0, "message": message, "finish_reason": "stop" }]);
        axum::Json(json!({ "model": "m", "choices": choices })).into_response()
    };
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    port
}

fn job(id: &str, region: &str, questions: usize) -> Value {
    let questions: Vec<_> =
        (0..questions).map(|n| json!({ "id": format!("q{n}"), "text": format!("{n}?") })).collect();
    json!({
        "id": id, "questions": questions, "models": ["m"], "regions": [region],
        "system_prompt": "none", "stop": "never", "timeout": 86_400,
    })
}

/// Jobs on every path: run, repeated, cancelled, asked anew, lost and found, given up, read.
async fn everything_is_asked() -> AskedBy {
    let fails = Arc::new(AtomicBool::new(true));
    let port = provider(Arc::clone(&fails)).await;
    let functions = Functions::start(&format!(
        "[[providers]]\nname = \"lab\"\nkind = \"simulated\"\nregion = \"us-east\"\nmodels = [\"m\"]\n\
         latency_ms = [0, 0]\n[[providers]]\nname = \"ill\"\nkind = \"openai\"\nregion = \"eu-west\"\n\
         models = [\"m\"]\nurl = \"http://127.0.0.1:{port}/v1\"\n",
    ))
    .await;
    // Of more than a page, so that the next one is asked for.
    submit(&functions, &job("long", "us-east", 201)).await;
    functions.drain().await;
    finished(&functions, "long", "completed").await;
    let (status, told) =
        functions.answer("POST", "/api/v1/jobs", &job("long", "us-east", 201)).await;
    assert_eq!(status, 200, "{told}");

    breaks_and_heals(&functions, &fails).await;
    retried(&functions).await;
    cancelled(&functions).await;
    lost_and_given_up(&functions).await;
    judged(&functions).await;
    reads(&functions).await;
    Box::pin(portal::everything_is_asked(&functions)).await;
    let asked = functions.seen.asked();
    functions.stop().await;
    asked
}

async fn submit(functions: &Functions, job: &Value) {
    let (status, told) = functions.answer("POST", "/api/v1/jobs", job).await;
    assert_eq!(status, 202, "{told}");
}

async fn finished(functions: &Functions, job: &str, status: &str) {
    let (code, told) = functions.answer("GET", &format!("/api/v1/jobs/{job}"), &Value::Null).await;
    let view: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &view["status"]), (200, &json!(status)), "{told}");
}

/// A route opens, is tried when its time is over, and closes.
async fn breaks_and_heals(functions: &Functions, fails: &AtomicBool) {
    submit(functions, &job("ill", "eu-west", 6)).await;
    functions.drain().await;
    finished(functions, "ill", "failed").await;
    fails.store(false, Ordering::Relaxed);
    let closes = |asked: AskedBy| {
        asked["inference"].iter().any(|asked| asked.action == "dynamodb:DeleteItem")
    };
    let healed = async {
        for n in 0.. {
            submit(functions, &job(&format!("healing-{n}"), "eu-west", 1)).await;
            functions.drain().await;
            if closes(functions.seen.asked()) {
                return;
            }
        }
    };
    timeout(PATIENCE, healed).await.expect("the route never closed");
}

async fn retried(functions: &Functions) {
    let (status, told) =
        functions.answer("POST", "/api/v1/jobs/ill/retry", &json!({ "reason": "healed" })).await;
    assert_eq!(status, 202, "{told}");
    // One more of them than is needed.
    let (_, messages) = functions.received(&functions.urls.dispatch).await;
    let body = messages[0].body.clone().unwrap();
    functions.deleted(&functions.urls.dispatch, messages).await;
    for _twice in 0..2 {
        let send = functions.operator.send_message().queue_url(&functions.urls.dispatch);
        send.message_body(&body).send().await.unwrap();
        functions.drain().await;
    }
    finished(functions, "ill", "completed").await;
}

async fn cancelled(functions: &Functions) {
    submit(functions, &job("cancelled", "us-east", 2)).await;
    let (status, told) =
        functions.answer("POST", "/api/v1/jobs/cancelled/cancel", &Value::Null).await;
    assert_eq!(status, 202, "{told}");
    functions.drain().await;
    finished(functions, "cancelled", "cancelled").await;

    // Nobody hears that all its lanes are closed.
    submit(functions, &job("unheard", "us-east", 2)).await;
    let (status, told) =
        functions.answer("POST", "/api/v1/jobs/unheard/cancel", &Value::Null).await;
    assert_eq!(status, 202, "{told}");
    let purge = functions.operator.purge_queue().queue_url(&functions.urls.completion);
    purge.send().await.unwrap();
    let event = ScheduleEvent { time: clock::now() };
    functions.reconciler.handle(event, Occasion::Schedule).await.unwrap();
    finished(functions, "unheard", "cancelled").await;
    functions.drain().await;
}

/// Every message is lost, and then a question is given up again and again.
async fn lost_and_given_up(functions: &Functions) {
    submit(functions, &job("lost", "us-east", 2)).await;
    functions.dispatch().await;
    for give_up in 1..=8 {
        let (_, questions) = functions.received(&functions.urls.question).await;
        let body = questions.first().and_then(|question| question.body.clone());
        let purge = functions.operator.purge_queue().queue_url(&functions.urls.question);
        purge.send().await.unwrap();
        if let Some(body) = body {
            let send = functions.operator.send_message().queue_url(&functions.dead_questions);
            let send = send.message_group_id("g").message_deduplication_id(give_up.to_string());
            send.message_body(body).send().await.unwrap();
        }
        let time = clock::now() + SignedDuration::from_mins(20 * give_up);
        let event = ScheduleEvent { time };
        functions.reconciler.handle(event, Occasion::Schedule).await.unwrap();
        functions.dispatch().await;
    }
    functions.drain().await;
    let event = ScheduleEvent { time: clock::now() };
    functions.reconciler.handle(event, Occasion::Schedule).await.unwrap();
    finished(functions, "lost", "failed").await;
}

/// A person's verdict is set and taken back, and all answers are judged anew.
async fn judged(functions: &Functions) {
    let label = "/api/v1/executions/long.0.us-east.0.m/label";
    for (path, body, expected) in [
        (label, json!({ "verdict": "refused" }), 200),
        (label, json!({ "verdict": null }), 200),
        ("/api/v1/jobs/long/classify", Value::Null, 202),
    ] {
        let (status, told) = functions.answer("POST", path, &body).await;
        assert_eq!(status, expected, "{path}: {told}");
    }
    functions.drain().await;
}

async fn reads(functions: &Functions) {
    let execution = "/api/v1/executions/long.0.us-east.0.m";
    let details = format!("{execution}/details");
    for path in [
        "/health",
        "/health/live",
        "/health/ready",
        "/openapi.json",
        "/metrics",
        "/api/v1/questions",
        "/api/v1/jobs",
        "/api/v1/jobs/long/summary",
        "/api/v1/jobs/long/executions/all",
        "/api/v1/jobs/long/findings",
        "/api/v1/jobs/long/aggregates",
        "/api/v1/jobs/long/manifest",
        "/api/v2/jobs/long/bias-analysis",
        "/api/v1/executions/long/cross-region?model_id=m&question_id=q0",
        "/api/v1/executions/long/cross-region-diff",
        "/api/v1/executions?jobspec_id=long",
        execution,
        &details,
        "/debug/config",
        "/debug/executor",
        "/debug/jobs/long",
    ] {
        let (status, told) = functions.answer("GET", path, &Value::Null).await;
        assert_eq!(status, 200, "{path}: {told}");
    }
}
