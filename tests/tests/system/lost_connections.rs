//! Connections to the router that are lost after a call was sent. The router is Beacon's own; what
//! loses connections stands before it, and the provider behind it counts what it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::HeaderMap;
use beacon_aws::clock;
use beacon_router::{Clock, Config, HybridRouter};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::here::{Here, by_status};
use crate::router::request;

const QUESTIONS: usize = 50;
const MODELS: usize = 20;
const SAMPLES: usize = 10;

/// What becomes of the first request with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Loss {
    /// It is answered.
    None,
    /// Half of it arrives at the router.
    WithinTheRequest,
    /// Both ends go while the provider works: the router gives the call up.
    WhileItRuns,
    /// The worker's end goes while the provider works, and the router gives the call up only after it
    /// told the worker that it runs.
    AfterTheLook,
    /// The worker's end goes while the provider works, and the router does not notice.
    Unnoticed,
    /// The answer is lost.
    OfTheAnswer,
}

impl Loss {
    /// By the number of question, model and sample that a key ends in.
    fn of(key: &str) -> Self {
        let digits = key.bytes().filter(u8::is_ascii_digit);
        match digits.map(|digit| u32::from(digit - b'0')).sum::<u32>() % 6 {
            0 => Self::None,
            1 => Self::WithinTheRequest,
            2 => Self::WhileItRuns,
            3 => Self::AfterTheLook,
            4 => Self::Unnoticed,
            _ => Self::OfTheAnswer,
        }
    }
}

/// What the provider was asked, by key.
type Asked = Arc<watch::Sender<BTreeMap<String, usize>>>;
/// Keys that something happened to.
type Keys = Arc<watch::Sender<BTreeSet<String>>>;

/// Until it happens to the key.
async fn happens(keys: &Keys, key: &str) {
    keys.subscribe().wait_for(|keys| keys.contains(key)).await.unwrap();
}

/// A call at the provider that ends only with its connection.
struct Endless {
    key: String,
    given_up: Keys,
}

impl Drop for Endless {
    fn drop(&mut self) {
        let key = std::mem::take(&mut self.key);
        self.given_up.send_modify(|keys| {
            keys.insert(key);
        });
    }
}

/// Where somebody listens who is part of the test.
async fn listening() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A provider: it counts, and answers unless the connection will be lost while it works.
fn provider(asked: Asked, given_up: Keys) -> axum::Router {
    axum::Router::new().fallback(async move |headers: HeaderMap| {
        let key = headers["idempotency-key"].to_str().unwrap().to_owned();
        let loss = Loss::of(&key);
        asked.send_modify(|asked| *asked.entry(key.clone()).or_default() += 1);
        match loss {
            Loss::WhileItRuns | Loss::AfterTheLook => {
                let _endless = Endless { key, given_up };
                std::future::pending::<()>().await;
            }
            Loss::Unnoticed => sleep(Duration::from_millis(20)).await,
            Loss::None | Loss::WithinTheRequest | Loss::OfTheAnswer => {}
        }
        axum::Json(json!({
            "choices": [{"message": {"content": "four"}, "finish_reason": "stop"}],
        }))
    })
}

/// What stands before the router, and loses connections.
#[derive(Clone)]
struct Way {
    router: SocketAddr,
    asked: Asked,
    /// Calls that the provider sees dropped.
    given_up: Keys,
    /// Calls that the router told to run.
    told: Keys,
    seen: Arc<Mutex<BTreeMap<String, Loss>>>,
}

impl Way {
    /// One request of a worker, over a connection of its own.
    async fn carry(self, mut worker: TcpStream) {
        let Some((head, body)) = request(&mut worker).await else { return };
        let loss = self.first(&head);
        let sent = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
        let sent = [sent.as_bytes(), b"\r\n\r\n", &body].concat();
        let mut router = TcpStream::connect(self.router).await.unwrap();
        if loss == Loss::WithinTheRequest {
            router.write_all(&sent[..sent.len() - body.len() / 2]).await.unwrap();
            return worker.set_zero_linger().unwrap();
        }
        router.write_all(&sent).await.unwrap();
        if let Loss::WhileItRuns | Loss::AfterTheLook | Loss::Unnoticed = loss {
            let key = key_of(&head).unwrap();
            self.asked.subscribe().wait_for(|asked| asked.contains_key(key)).await.unwrap();
            return self.lose(loss, key, worker, router).await;
        }
        let mut answer = Vec::new();
        router.read_to_end(&mut answer).await.unwrap();
        if loss == Loss::OfTheAnswer {
            return worker.set_zero_linger().unwrap();
        }
        self.follow_look(&head, &answer).await;
        // A worker that waits no more is its own affair.
        let _gone = worker.write_all(&answer).await;
    }

    /// While the provider works, connections go in the order that the loss has.
    async fn lose(self, loss: Loss, key: &str, worker: TcpStream, mut router: TcpStream) {
        worker.set_zero_linger().unwrap();
        match loss {
            Loss::WhileItRuns => {
                drop(router);
                happens(&self.given_up, key).await;
                drop(worker);
            }
            Loss::AfterTheLook => {
                drop(worker);
                happens(&self.told, key).await;
                drop(router);
            }
            Loss::Unnoticed => {
                drop(worker);
                router.read_to_end(&mut Vec::new()).await.unwrap();
            }
            Loss::None | Loss::WithinTheRequest | Loss::OfTheAnswer => unreachable!("{loss:?}"),
        }
    }

    /// A worker that is told that its call runs hears it when the router has given the call up.
    async fn follow_look(&self, head: &str, answer: &[u8]) {
        let Some(key) = looked_at(head).filter(|key| Loss::of(key) == Loss::AfterTheLook) else {
            return;
        };
        if String::from_utf8_lossy(answer).contains(r#""state":"running""#) {
            self.told.send_modify(|keys| {
                keys.insert(key.to_owned());
            });
            happens(&self.given_up, key).await;
        }
    }

    /// What becomes of a call's first request; all others are answered.
    fn first(&self, head: &str) -> Loss {
        let Some(key) = key_of(head) else { return Loss::None };
        let mut seen = self.seen.lock().unwrap();
        if seen.contains_key(key) {
            return Loss::None;
        }
        *seen.entry(key.to_owned()).or_insert(Loss::of(key))
    }
}

/// What a router has not seen it believes not to have missed only when it has run for some seconds.
/// This one's clock is late instead.
fn has_run_for_a_minute(config: Config) -> HybridRouter {
    let now_ms = u64::try_from(clock::now().as_millisecond()).unwrap();
    let clock = Clock::Runtime { origin_ms: now_ms - 60_000, began: Instant::now() };
    HybridRouter::with_clock(config, clock).unwrap()
}

/// The key that somebody asks after.
fn looked_at(head: &str) -> Option<&str> {
    let path = head.strip_prefix("GET /inference/")?;
    path.split_once(' ').map(|(key, _)| key)
}

fn key_of(head: &str) -> Option<&str> {
    let header = |line: &'_ str| line.to_ascii_lowercase().starts_with("idempotency-key:");
    let line = head.lines().find(|line| header(line))?;
    line.split_once(':').map(|(_, key)| key.trim())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_executions_are_each_one_call_whatever_connections_are_lost() {
    let models: Vec<String> = (0..MODELS).map(|n| format!("m{n}")).collect();
    let (asked, given_up, told, seen) = <(Asked, Keys, Keys, Arc<_>)>::default();
    let mut tasks = JoinSet::new();
    let (listener, upstream) = listening().await;
    let provider = provider(Arc::clone(&asked), Arc::clone(&given_up));
    tasks.spawn(async move { axum::serve(listener, provider).await.unwrap() });
    let config = format!(
        "[[providers]]\nname = \"lab\"\nkind = \"openai\"\nregion = \"us-east\"\n\
         url = \"http://{upstream}/v1\"\nmodels = {}\n",
        json!(models)
    );
    let router = has_run_for_a_minute(Config::from_toml(&config).unwrap());
    let (listener, address) = listening().await;
    tasks.spawn(async move {
        beacon_router::serve(listener, router, std::future::pending()).await.unwrap();
    });
    let (shared, seen_by_way) = (Arc::clone(&asked), Arc::clone(&seen));
    let way = Way { router: address, asked: shared, given_up, told, seen: seen_by_way };
    let (listener, address) = listening().await;
    tasks.spawn(async move {
        let mut carried = JoinSet::new();
        loop {
            let (worker, _) = listener.accept().await.unwrap();
            carried.spawn(way.clone().carry(worker));
        }
    });

    let here = Here::with_router(&format!("http://{address}")).await;
    let questions: Vec<Value> =
        (0..QUESTIONS).map(|n| json!({"id": format!("q{n}"), "text": "2+2?"})).collect();
    let view = here
        .api
        .run(&json!({
            "id": "j", "questions": questions, "models": models, "samples": SAMPLES,
            "regions": ["US"], "questions_in_flight": 8, "stop": "never",
            "min_success_rate": 0.5,
        }))
        .await;

    let seen = seen.lock().unwrap().clone();
    let lost = |loss: Loss| seen.values().filter(|seen| **seen == loss).count();
    let executions = QUESTIONS * MODELS * SAMPLES;
    assert_eq!(seen.len(), executions);
    let asked = asked.borrow().clone();
    let other: Vec<_> = asked.iter().filter(|(_, times)| **times != 1).collect();
    assert_eq!((asked.len(), other), (executions, vec![]));
    for loss in [Loss::WhileItRuns, Loss::AfterTheLook, Loss::Unnoticed] {
        assert!(lost(loss) > executions / 10, "{loss:?}: {}", lost(loss));
    }
    let given_up = lost(Loss::WhileItRuns) + lost(Loss::AfterTheLook);

    let rows = here.api.executions("j").await;
    let expected = [("completed", executions - given_up), ("failed", given_up)];
    let by_status: Vec<_> = by_status(&rows).into_iter().collect();
    assert_eq!(by_status, expected.map(|(status, count)| (status, count as u64)));
    // Each call whose fate is unknown is told of, in its row and in the job.
    let told = rows.iter().filter(|row| row["failure"]["maybe_billed"] == true).count();
    assert_eq!((told, &view["maybe_billed"]), (given_up, &given_up.into()), "{view}");
}
