//! The hybrid router: the way to it, its health, its providers.

use std::collections::BTreeSet;
use std::path::Path;

use beacon_core::wire::{ProviderView, ProvidersResponse};
use beacon_infra::{chain, http_client};
use beacon_router::{Config, HybridRouter};
use reqwest::{Client, Url};
use serde::Deserialize;
use tokio::net::TcpListener;

use super::check::{Check, Found, Status};
use super::inference::{INFERENCE, inference};
use super::needs::complete;
use super::network::{Answer, NoAnswer, Server, ask};
use super::patience::Patience;

const NAME: &str = "router name";
const CONNECTION: &str = "router connection";
const TLS: &str = "router TLS";
const HEALTH: &str = "router health";
const PROVIDERS: &str = "providers";
const BREAKERS: &str = "breakers";
/// In this order, each resting on the one before.
const WAY: [&str; 7] = [NAME, CONNECTION, TLS, HEALTH, PROVIDERS, BREAKERS, INFERENCE];

/// What was found of the router.
#[derive(Debug)]
pub(crate) struct RouterFound {
    pub(crate) checks: Vec<Check>,
    /// An answer of it, where it gave one.
    pub(crate) answer: Option<Answer>,
}

/// An own router with the providers of a file, as `beacon run --providers` starts it.
pub(crate) async fn own(file: &Path) -> Found<Server> {
    let name = "providers file";
    let failed = |error: &dyn std::error::Error| {
        let fix = format!("correct `{}`; docs/providers.md says what it may hold", file.display());
        Found::nothing(Check::failed(name, chain(error), fix))
    };
    // Of the checks nothing is to be left behind.
    let config = Config::from_file(file).map(Config::without_call_log);
    let router = match config.and_then(HybridRouter::new) {
        Ok(router) => router,
        Err(error) => return failed(&error),
    };
    let listener = match TcpListener::bind(("127.0.0.1", 0)).await {
        Ok(listener) => listener,
        Err(error) => return failed(&error),
    };
    let base = listener.local_addr().ok().and_then(|a| Url::parse(&format!("http://{a}")).ok());
    let count = router.providers(None).len();
    tokio::spawn(beacon_router::serve(listener, router, std::future::pending()));
    let check = Check::ok(name, format!("{} declares {count} providers", file.display()));
    let named_by = "--providers".to_owned();
    let server = base.map(|base| Server { base, named_by, what: "router", authorization: None });
    Found { check, value: server }
}

/// Checks a router, where it is known which.
pub(crate) async fn checks(
    known: &Check,
    server: Option<&Server>,
    patience: Patience,
) -> RouterFound {
    let mut checks = Vec::new();
    let answer = match (server, http_client()) {
        (Some(server), Ok(client)) => walk(&client, server, patience, &mut checks).await,
        (Some(_), Err(error)) => {
            let fix = "install the certificates of the authorities that this machine is to trust";
            checks.push(Check::failed(TLS, format!("no client: {}", chain(&error)), fix));
            None
        }
        (None, _) => None,
    };
    complete(&WAY, known, &mut checks);
    RouterFound { checks, answer }
}

/// Goes as far as it gets. Returns an answer of the router.
async fn walk(
    client: &Client,
    server: &Server,
    patience: Patience,
    checks: &mut Vec<Check>,
) -> Option<Answer> {
    let name = server.resolve(NAME, patience).await;
    checks.push(name.check);
    let connection = server.connect(CONNECTION, &name.value?, patience).await;
    let connected = connection.status == Status::Ok;
    checks.push(connection);
    if !connected {
        return None;
    }
    let tls = tls(client, server, patience).await;
    checks.push(tls.check);
    let (health, list) = tls.value?;
    let list = providers(server, list);
    let is_router = list.value.is_some();
    let (health_check, answer) = match health {
        Ok(answer) => (health_of(server, &answer, is_router), Some(answer)),
        Err(error) => (no_health(server, &error), None),
    };
    let healthy = health_check.status == Status::Ok;
    checks.push(health_check);
    // What answers something else is no router, and is said to be none once.
    if !healthy && !is_router {
        return None;
    }
    checks.push(list.check);
    let list = list.value?;
    checks.extend(breakers(&list));
    checks.push(inference(client, server, &list, patience).await);
    answer
}

type Asked = Result<Answer, NoAnswer>;

/// Asks for health and providers at once; the first request shows whether TLS comes about.
async fn tls(client: &Client, server: &Server, patience: Patience) -> Found<(Asked, Asked)> {
    let name = TLS;
    let health = ask(client.get(server.path("/health")), patience);
    let list = ask(client.get(server.path("/providers")), patience);
    let (health, list) = tokio::join!(health, list);
    if server.base.scheme() != "https" {
        return Found::with(Check::not_applicable(name, "the address is http"), (health, list));
    }
    match &health {
        Ok(_) | Err(NoAnswer::Other(_)) => {
            let check = Check::ok(name, "the certificate is accepted");
            Found::with(check, (health, list))
        }
        Err(error @ (NoAnswer::Connection(_) | NoAnswer::InTime(_))) => {
            let detail = format!("no TLS connection to {}: {error}", server.base());
            let fix = format!(
                "correct {}: does the router speak https there, and is its certificate valid for \
                 `{}` and signed by an authority that this machine trusts?",
                server.named_by,
                server.base.host_str().unwrap_or_default()
            );
            Found::nothing(Check::failed(name, detail, fix))
        }
    }
}

#[derive(Deserialize)]
struct Health {
    #[serde(default)]
    version: String,
    providers_total: u64,
    providers_healthy: u64,
}

fn health_of(server: &Server, answer: &Answer, is_router: bool) -> Check {
    let (base, status) = (server.base(), answer.status);
    let check = match serde_json::from_slice::<Health>(&answer.body) {
        Ok(health) if status == 200 => {
            let (total, healthy) = (health.providers_total, health.providers_healthy);
            let detail =
                format!("version {}, {healthy} of {total} providers healthy", health.version);
            Check::ok(HEALTH, detail)
        }
        Ok(_) | Err(_) if is_router => Check::failed(
            HEALTH,
            format!("GET /health of {base}: HTTP {status} and not a router's health"),
            "look into the router's log",
        ),
        Ok(_) | Err(_) if status >= 500 => Check::failed(
            HEALTH,
            format!("{base} answers GET /health with HTTP {status}"),
            format!(
                "start the router behind that address, or look into its log; if there is none, \
                 correct {}",
                server.named_by
            ),
        ),
        Ok(_) | Err(_) => Check::failed(
            HEALTH,
            format!("{base} answers (HTTP {status}), but it is not a hybrid router"),
            format!("correct {}: something else listens there", server.named_by),
        ),
    };
    check.after(answer.took)
}

fn no_health(server: &Server, error: &NoAnswer) -> Check {
    let detail = format!("GET /health of {}: {error}", server.base());
    let fix = "look into the router's log, and start it anew if it hangs; if it is none, correct";
    Check::failed(HEALTH, detail, format!("{fix} {}", server.named_by))
}

fn providers(server: &Server, answer: Asked) -> Found<Vec<ProviderView>> {
    let failed = |detail| {
        let fix = "look into the router's log";
        Found::nothing(Check::failed(PROVIDERS, detail, fix))
    };
    let base = server.base();
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return failed(format!("GET /providers of {base}: {error}")),
    };
    let (status, took) = (answer.status, answer.took);
    let list = match serde_json::from_slice::<ProvidersResponse>(&answer.body) {
        Ok(list) if status == 200 => list.providers,
        Ok(_) | Err(_) => {
            return failed(format!("GET /providers of {base}: HTTP {status} and no list"));
        }
    };
    if list.is_empty() {
        let detail = format!("the router at {base} has no providers");
        let fix = "declare providers in its file; docs/providers.md says how";
        return Found::nothing(Check::failed(PROVIDERS, detail, fix).after(took));
    }
    Found::with(Check::ok(PROVIDERS, summary(&list)).after(took), list)
}

fn summary(list: &[ProviderView]) -> String {
    let regions: BTreeSet<&str> = list.iter().map(|provider| provider.region.as_str()).collect();
    let regions: Vec<&str> = regions.into_iter().collect();
    let healthy = list.iter().filter(|provider| provider.healthy).count();
    let simulated = list.iter().filter(|provider| provider.simulated).count();
    let told = match simulated {
        0 => String::new(),
        some => format!("; {some} SIMULATED: answers are made up"),
    };
    format!("{} in {}, {healthy} healthy{told}", list.len(), regions.join(", "))
}

fn breakers(list: &[ProviderView]) -> Vec<Check> {
    let set_back: Vec<Check> = list.iter().filter(|one| !one.healthy).map(set_back).collect();
    if set_back.is_empty() {
        return vec![Check::ok(BREAKERS, "no provider is set back for failures")];
    }
    set_back
}

fn set_back(provider: &ProviderView) -> Check {
    let ProviderView { name, region, success_rate, .. } = provider;
    let share = (success_rate * 100.0).round();
    let detail = format!(
        "provider `{name}` ({region}) is unhealthy: its last calls failed (success rate {share} %)"
    );
    let fix = format!(
        "see why in the router's log under `{name}`, then its url and key in the providers' file; \
         it is tried again by itself"
    );
    Check::failed(BREAKERS, detail, fix)
}
