//! A router that runs, and a client of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use beacon_core::wire::CallKey;
use beacon_router::{CallContext, Config, HybridRouter, Service};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::upstream::within;

pub(crate) const KEY: &str = "key-of-the-test";

pub(crate) struct Running {
    pub(crate) address: String,
    pub(crate) router: HybridRouter,
    client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    service: JoinHandle<std::io::Result<()>>,
}

/// The router of a configuration; every API key is [`KEY`].
pub(crate) fn router(toml: &str) -> HybridRouter {
    let config = Config::from_toml_with(toml, |_| Some(KEY.to_owned()));
    HybridRouter::new(config.unwrap()).unwrap()
}

/// A provider called `lab` in us-east with the model `m`.
pub(crate) fn lab(kind: &str, url: &str, more: &str) -> String {
    provider("lab", kind, "us-east", url, more)
}

pub(crate) fn provider(name: &str, kind: &str, region: &str, url: &str, more: &str) -> String {
    format!(
        "[[providers]]\nname = \"{name}\"\nkind = \"{kind}\"\nregion = \"{region}\"\n\
         models = [\"m\"]\nurl = \"{url}\"\n{more}\n"
    )
}

/// A question to the model `m` in us-east.
pub(crate) fn question() -> Value {
    json!({"model": "m", "prompt": "What is 2+2?", "region_preference": "us-east"})
}

/// Now, Unix milliseconds.
#[expect(clippy::disallowed_methods, reason = "a deadline is a time of day")]
pub(crate) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

/// A call with a key.
pub(crate) fn keyed(key: &str) -> CallContext {
    CallContext { idempotency_key: Some(CallKey::new(key).unwrap()), ..CallContext::default() }
}

impl Running {
    pub(crate) async fn start(toml: &str) -> Self {
        Self::serving(router(toml), |service| service).await
    }

    /// The service of a router, with what `with` adds to it.
    pub(crate) async fn serving(
        router: HybridRouter,
        with: impl FnOnce(Service) -> Service,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel();
        let service = with(Service::new(router.clone()));
        let service = tokio::spawn(service.serve(listener, async {
            let _asked_or_forgotten = stopped.await;
        }));
        beacon_aws::install_tls();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { address, router, client, stop: Some(stop), service }
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.post(self.url(path))
    }

    /// Status and body.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = within(request.send()).await.unwrap();
        let status = response.status().as_u16();
        (status, within(response.json()).await.unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.send(self.client.get(format!("http://{}{path}", self.address))).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        self.send(self.client.delete(format!("http://{}{path}", self.address))).await
    }

    /// Status and body of an inference with a key.
    pub(crate) async fn infer_with(&self, key: &str, body: &Value) -> (u16, Value) {
        self.send(self.post("/inference").header("idempotency-key", key).json(body)).await
    }

    /// The connection of one who asks with a key and waits.
    pub(crate) async fn caller(&self, key: &str, body: &Value) -> TcpStream {
        self.waiting(&format!("idempotency-key: {key}\r\n"), body).await
    }

    /// The connection of one who asks and waits.
    pub(crate) async fn anybody(&self, body: &Value) -> TcpStream {
        self.waiting("", body).await
    }

    async fn waiting(&self, headers: &str, body: &Value) -> TcpStream {
        let mut caller = TcpStream::connect(&self.address).await.unwrap();
        let body = body.to_string();
        let head = format!(
            "POST /inference HTTP/1.1\r\nhost: router\r\ncontent-type: application/json\r\n\
             {headers}content-length: {}\r\n\r\n",
            body.len()
        );
        caller.write_all((head + &body).as_bytes()).await.unwrap();
        caller
    }

    /// The view of a key once its call does not run any more.
    pub(crate) async fn ended(&self, key: &str) -> Value {
        let ended = async {
            loop {
                let (_, view) = self.get(&format!("/inference/{key}")).await;
                if view["state"] != "running" {
                    break view;
                }
            }
        };
        within(ended).await
    }

    /// Body of an inference, whose status is always 200.
    pub(crate) fn infer<'a>(&'a self, body: &Value) -> impl Future<Output = Value> + use<'a> {
        let request = self.post("/inference").json(body);
        async move {
            let (status, body) = self.send(request).await;
            assert_eq!(status, 200, "{body}");
            body
        }
    }

    /// Body of an inference with a deadline so far away.
    pub(crate) fn infer_in_ms<'a>(
        &'a self,
        ms: u64,
        body: &Value,
    ) -> impl Future<Output = Value> + use<'a> {
        let request = self.post("/inference").header("x-beacon-deadline-ms", now_ms() + ms);
        let request = request.json(body);
        async move {
            let (status, told) = self.send(request).await;
            assert_eq!(status, 200, "{told}");
            told
        }
    }

    /// The bodies of so many inferences, asked at once.
    pub(crate) fn infer_all<'a>(
        &'a self,
        count: usize,
        body: &Value,
    ) -> impl Future<Output = Vec<Value>> + use<'a> {
        within(join_all((0..count).map(|_| self.infer(body)).collect::<Vec<_>>()))
    }

    /// A provider as `/providers` shows it.
    pub(crate) async fn provider(&self, name: &str) -> Value {
        let (_, told) = self.get("/providers").await;
        let providers = told["providers"].as_array().unwrap();
        providers.iter().find(|provider| provider["name"] == name).unwrap().clone()
    }

    /// The provider once it is so.
    pub(crate) async fn provider_when(&self, name: &str, so: impl Fn(&Value) -> bool) -> Value {
        let when = async {
            loop {
                let provider = self.provider(name).await;
                if so(&provider) {
                    break provider;
                }
                // Asking more often only takes time from what is waited for.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        within(when).await
    }

    /// The value of a metric with these labels.
    pub(crate) async fn metric(&self, name_and_labels: &str) -> f64 {
        let response = self.client.get(format!("http://{}/metrics", self.address)).send();
        let text = within(response).await.unwrap().text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name_and_labels));
        line.ok_or_else(|| format!("no {name_and_labels} in\n{text}"))
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    }

    /// Asks it to stop; it resolves once the calls in flight are over.
    pub(crate) async fn stop(mut self) -> std::io::Result<()> {
        self.stop.take().unwrap().send(()).unwrap();
        within(self.service).await.unwrap()
    }
}
