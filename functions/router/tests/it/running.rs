//! A router that runs, and a client of it.

use beacon_router::{Config, HybridRouter, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::upstream::within;

pub(crate) const KEY: &str = "key-of-the-test";

pub(crate) struct Running {
    pub(crate) address: String,
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

impl Running {
    pub(crate) async fn start(toml: &str) -> Self {
        let router = router(toml);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel();
        let service = tokio::spawn(serve(listener, router, async {
            let _asked_or_forgotten = stopped.await;
        }));
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { address, client, stop: Some(stop), service }
    }

    pub(crate) fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.post(format!("http://{}{path}", self.address))
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

    /// Body of an inference, whose status is always 200.
    pub(crate) async fn infer(&self, body: &Value) -> Value {
        let (status, body) = self.send(self.post("/inference").json(body)).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Asks it to stop; it resolves once the calls in flight are over.
    pub(crate) async fn stop(mut self) -> std::io::Result<()> {
        self.stop.take().unwrap().send(()).unwrap();
        within(self.service).await.unwrap()
    }
}
