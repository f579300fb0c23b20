//! The Beacon that runs: it answers, and takes the token.

use std::time::Duration;

use beacon_core::view::{ErrorView, Health, HealthView};
use beacon_infra::{DataDir, chain, http_client};
use reqwest::{Client, Url};
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::check::{Check, Found, Status};
use super::needs::skipped;
use super::network::{Answer, Server, ask};
use super::patience::Patience;
use crate::arguments::Arguments;
use crate::deployed;
use crate::token::token;

const BEACON: &str = "beacon";
const TOKEN: &str = "token";
const STACK: &str = "stack";
/// Of two services of AWS, and of whoever gives the credentials.
const AWS: Duration = Duration::from_secs(3);

/// What was found of the Beacon.
#[derive(Debug)]
pub(crate) struct BeaconFound {
    pub(crate) checks: Vec<Check>,
    /// An answer of it, where it gave one.
    pub(crate) answer: Option<Answer>,
}

/// Checks the Beacon at --api or of --stack, or the one that runs on the data directory.
pub(crate) async fn checks(arguments: &Arguments, patience: Patience) -> BeaconFound {
    if let Some(stack) = &arguments.stack {
        return of_stack(stack, patience).await;
    }
    let server = match (&arguments.api, DataDir::running(&arguments.data)) {
        (Some(api), _) => server(api, "--api"),
        (None, Some(running)) => {
            server(&format!("http://{}", running.api), "the data directory with --data")
        }
        (None, None) => {
            let why = format!("none runs on `{}`, and no --api is given", arguments.data.display());
            let checks = [BEACON, TOKEN].map(|name| Check::not_applicable(name, why.as_str()));
            return BeaconFound { checks: checks.into(), answer: None };
        }
    };
    let Some(server) = server else {
        let detail = "--api is not an address such as http://127.0.0.1:8787";
        return found(Check::failed(BEACON, detail, "correct --api"), None);
    };
    ask_both(&server, token(arguments).as_deref(), patience).await
}

/// What to do where the stack gives no address.
const LOOK: &str = "see whether `aws cloudformation describe-stacks` shows the stack";

/// First the stack is looked up.
async fn of_stack(stack: &str, patience: Patience) -> BeaconFound {
    let begun = Instant::now();
    let looked_up = timeout(patience.at_most(AWS), deployed::find(stack)).await;
    let (detail, fix) = match looked_up {
        Ok(Ok(deployed)) => match server(&deployed.api, "the stack's output ApiUrl") {
            Some(server) => {
                let check = Check::ok(STACK, format!("{stack}: {}", server.base())).since(begun);
                let token = Some(deployed.token.0.as_str());
                let mut found = ask_both(&server, token, patience).await;
                found.checks.insert(0, check);
                return found;
            }
            None => (format!("{stack}: its output ApiUrl is no address"), LOOK),
        },
        // Each of them says what to do.
        Ok(Err(error)) => (chain(&error), "do what it says"),
        Err(_late) => (format!("{stack}: AWS did not answer in time"), LOOK),
    };
    let check = Check::failed(STACK, detail, fix).since(begun);
    let rest = [BEACON, TOKEN].into_iter().filter_map(|name| skipped(name, &check));
    BeaconFound { checks: std::iter::once(check.clone()).chain(rest).collect(), answer: None }
}

async fn ask_both(server: &Server, token: Option<&str>, patience: Patience) -> BeaconFound {
    let client = match http_client() {
        Ok(client) => client,
        Err(error) => {
            let fix = "install the certificates of the authorities that this machine is to trust";
            let detail = format!("no client: {}", chain(&error));
            return found(Check::failed(BEACON, detail, fix), None);
        }
    };
    let beacon = beacon(&client, server, patience).await;
    let mut found = found(beacon.check, beacon.value);
    if found.answer.is_some() && found.checks.len() == 1 {
        found.checks.push(accepted(&client, server, token, patience).await);
    }
    found
}

/// With the token's check skipped, where Beacon's failed.
fn found(beacon: Check, answer: Option<Answer>) -> BeaconFound {
    let token = skipped(TOKEN, &beacon);
    BeaconFound { checks: std::iter::once(beacon).chain(token).collect(), answer }
}

/// The address without the token that it may hold.
fn server(base: &str, named_by: &str) -> Option<Server> {
    let mut base = Url::parse(base).ok().filter(Url::has_host)?;
    base.set_username("").ok()?;
    base.set_password(None).ok()?;
    Some(Server { base, named_by: named_by.to_owned(), what: "Beacon", authorization: None })
}

async fn beacon(client: &Client, server: &Server, patience: Patience) -> Found<Answer> {
    let begun = Instant::now();
    let name = server.resolve(BEACON, patience).await;
    let Some(addresses) = name.value else { return Found::nothing(name.check) };
    let connection = server.connect(BEACON, &addresses, patience).await;
    if connection.status == Status::Failed {
        return Found::nothing(connection);
    }
    match ask(client.get(server.path("/health")), patience).await {
        Ok(answer) => {
            let check = health(server, &answer).since(begun);
            Found::with(check, answer)
        }
        Err(error) => {
            let detail = format!("GET /health of {}: {error}", server.base());
            let fix = format!("look into Beacon's log, or correct {}", server.named_by);
            Found::nothing(Check::failed(BEACON, detail, fix).since(begun))
        }
    }
}

fn health(server: &Server, answer: &Answer) -> Check {
    let (base, status) = (server.base(), answer.status);
    let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
    let refusal = serde_json::from_slice::<ErrorView>(&answer.body).ok();
    let is_router = body.get("providers_total").is_some();
    if let Ok(view) = serde_json::from_slice::<HealthView>(&answer.body) {
        return parts(base, &view);
    }
    let told = body.get("status").and_then(Value::as_str).unwrap_or("it does not say how it is");
    match (status, refusal) {
        (200, _) if body.is_object() && !is_router => {
            Check::ok(BEACON, format!("{base} answers: {told}"))
        }
        (404, Some(_)) => {
            Check::ok(BEACON, format!("{base} answers; it is an older Beacon, without /health"))
        }
        // Whether it is the token that is refused is told by the next check.
        (401, _) => Check::ok(BEACON, format!("{base} answers, and asks for a token")),
        (_, Some(refusal)) => Check::failed(
            BEACON,
            format!("{base} refuses (HTTP {status}): {}", refusal.error),
            format!("correct {}, or look into Beacon's log", server.named_by),
        ),
        (500.., None) if body.is_object() => Check::failed(
            BEACON,
            format!("{base} answers: {told} (HTTP {status})"),
            "look into Beacon's log",
        ),
        (_, None) => {
            let what = if is_router {
                "it is a hybrid router, not a Beacon"
            } else {
                "it is not a Beacon"
            };
            let detail = format!("{base} answers (HTTP {status}), but {what}");
            Check::failed(BEACON, detail, format!("correct {}", server.named_by))
        }
    }
}

/// Which part of a Beacon is not well, in its own words.
fn parts(base: &str, view: &HealthView) -> Check {
    let sick: Vec<String> = view
        .services
        .iter()
        .filter(|part| part.status != Health::Healthy)
        .map(|part| format!("{}: {}", part.name, part.error.as_deref().unwrap_or("not well")))
        .collect();
    if sick.is_empty() {
        return Check::ok(BEACON, format!("{base} is healthy, version {}", view.version));
    }
    let detail = format!("{base} is not well: {}", sick.join("; "));
    Check::failed(BEACON, detail, "mend the part that is named; GET /debug/config has its settings")
}

async fn accepted(
    client: &Client,
    server: &Server,
    token: Option<&str>,
    patience: Patience,
) -> Check {
    let mut request = client.get(server.path("/api/v1/jobs?limit=1"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let look = "look into Beacon's log";
    let answer = match ask(request, patience).await {
        Ok(answer) => answer,
        Err(error) => {
            let detail = format!("GET /api/v1/jobs of {}: {error}", server.base());
            return Check::failed(TOKEN, detail, look);
        }
    };
    let status = answer.status;
    let check = match (status, token) {
        (200, Some(_)) => Check::ok(TOKEN, "it is accepted"),
        (200, None) => Check::ok(TOKEN, "none is set, and none is asked for"),
        (401 | 403, Some(_)) => {
            let detail = format!("the token is not accepted (HTTP {status})");
            Check::failed(TOKEN, detail, "set BEACON_TOKEN to a token that this Beacon knows")
        }
        (401 | 403, None) => {
            let detail = format!("the token is not accepted (HTTP {status}): none is set");
            Check::failed(TOKEN, detail, "set BEACON_TOKEN to a token that this Beacon knows")
        }
        (_, _) => {
            let view = serde_json::from_slice::<ErrorView>(&answer.body);
            let why = view.map_or_else(|_other| "no list of jobs".to_owned(), |view| view.error);
            let detail = format!("GET /api/v1/jobs of {}: HTTP {status}: {why}", server.base());
            Check::failed(TOKEN, detail, look)
        }
    };
    check.after(answer.took)
}
