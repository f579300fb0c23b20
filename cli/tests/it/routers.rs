//! Two `beacon router` processes that share a table.

use std::process::Stdio;

use beacon_infra::{AccessSettings, DataDir, Duty, Local, Stack, StackOptions};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::place::{Place, finished, within};
use crate::up::{first_line, send};
use crate::upstream::Upstream;

const KEY: &str = "job.0.us-east.0.m:1";

#[tokio::test]
async fn a_key_that_comes_to_both_at_once_is_one_request() {
    let world = World::new("60").await;
    let (a, b) = (world.router().await, world.router().await);
    let asked = [a.ask("m", "?"), b.ask("m", "?"), a.ask("m", "?"), b.ask("m", "?")];
    let asked = asked.map(tokio::spawn);
    within(world.upstream.arrived()).await;
    world.upstream.answer();
    for told in asked {
        let (status, told) = within(told).await.unwrap();
        assert_eq!((status, &told["response"]), (200, &json!("answer 1")), "{told}");
        assert_eq!(told["earlier_maybe_billed"], Value::Null);
    }
    // Also where nobody was asked before, and where nobody remembers.
    let c = world.router().await;
    for router in [&a, &b, &c] {
        let (_, told) = within(router.ask("m", "?")).await;
        assert_eq!(told["response"], "answer 1", "{told}");
        let (status, view) = router.look().await;
        assert_eq!((status, &view["state"]), (200, &json!("done")), "{view}");
        let (status, refused) = within(router.ask("m", "another question")).await;
        assert_eq!((status, &refused["detail"][0]["type"]), (409, &json!("key_conflict")));
    }
    assert_eq!(world.upstream.connections(), 1);
}

#[tokio::test]
async fn a_call_is_stopped_wherever_it_runs() {
    let world = World::new("60").await;
    let (a, b) = (world.router().await, world.router().await);
    let asked = tokio::spawn(a.ask("m", "?"));
    within(world.upstream.arrived()).await;
    let (_, seen) = b.look().await;
    assert_eq!(seen["state"], "running");
    let view = within(b.stop()).await;
    assert_eq!((&view["state"], &view["maybe_billed"]), (&json!("stopped"), &json!(1)), "{view}");
    within(world.upstream.closed()).await;
    for told in [within(asked).await.unwrap(), within(b.ask("m", "?")).await] {
        assert_eq!(told.1["error_code"], "CALL_STOPPED", "{told:?}");
        assert_eq!(told.1["failure"]["maybe_billed"], true, "{told:?}");
    }
    assert_eq!(world.upstream.connections(), 1);
}

#[tokio::test]
async fn the_call_of_a_router_that_was_killed_is_made_by_another_and_counted() {
    let world = World::new("3").await;
    let (mut a, b) = (world.router().await, world.router().await);
    let first = tokio::spawn(a.ask_broken("m", "?"));
    within(world.upstream.arrived()).await;
    a.child.kill().await.unwrap();
    within(first).await.unwrap();
    within(world.upstream.closed()).await;
    let second = tokio::spawn(b.ask("m", "?"));
    within(world.upstream.arrived()).await;
    world.upstream.answer();
    let (_, told) = within(second).await.unwrap();
    assert_eq!(told["response"], "answer 2", "{told}");
    assert_eq!(told["earlier_maybe_billed"], 1, "{told}");
    assert_eq!(world.upstream.connections(), 2);
    let (_, view) = b.look().await;
    assert_eq!((&view["state"], &view["maybe_billed"]), (&json!("done"), &json!(1)), "{view}");
}

#[tokio::test]
async fn one_who_waits_at_another_router_gets_the_call_when_everybody_left_the_first() {
    let world = World::new("60").await;
    let (a, b) = (world.router().await, world.router().await);
    let first = tokio::spawn(a.ask("m", "?"));
    within(world.upstream.arrived()).await;
    let second = tokio::spawn(b.ask("m", "?"));
    first.abort();
    within(world.upstream.closed()).await;
    within(world.upstream.arrived()).await;
    world.upstream.answer();
    let (_, told) = within(second).await.unwrap();
    assert_eq!((&told["response"], &told["earlier_maybe_billed"]), (&json!("answer 2"), &json!(1)));
}

#[tokio::test]
async fn what_a_router_that_drains_ended_is_known_to_the_others() {
    let world = World::new("60").await;
    let (mut a, b) = (world.router().await, world.router().await);
    let asked = tokio::spawn(a.ask("m", "?"));
    within(world.upstream.arrived()).await;
    send("TERM", &a.child);
    world.upstream.answer();
    assert_eq!(within(asked).await.unwrap().1["response"], "answer 1");
    assert!(within(a.child.wait()).await.unwrap().success());
    assert_eq!(within(b.ask("m", "?")).await.1["response"], "answer 1");
    assert_eq!(world.upstream.connections(), 1);
}

#[tokio::test]
async fn a_table_that_cannot_be_used_is_told_before_the_first_call() {
    let world = World::new("60").await;
    for (variable, value) in [
        ("BEACON_ROUTER_TABLE", "there-is-none"),
        ("BEACON_ROUTER_TABLE", "no name"),
        ("BEACON_ROUTER_LEASE_SECONDS", "soon"),
    ] {
        let mut command = world.command();
        command.env(variable, value);
        let refused = finished(command).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains("BEACON_ROUTER_"), "{refused:?}");
    }
}

struct World {
    place: Place,
    upstream: Upstream,
    stack: Stack,
    lease_seconds: &'static str,
}

impl World {
    async fn new(lease_seconds: &'static str) -> Self {
        let place = Place::new();
        let options = StackOptions {
            data: DataDir::open(&place.data()).unwrap(),
            listen: "127.0.0.1:0".parse().unwrap(),
            duty: Duty::Read,
            access: AccessSettings::default(),
        };
        let stack = Stack::start(options).await.unwrap();
        Self { place, upstream: Upstream::start().await, stack, lease_seconds }
    }

    fn command(&self) -> Command {
        let config = self.place.write("upstream.toml", &self.upstream.providers());
        let arguments = ["router", "--config", &config, "--listen", "127.0.0.1:0"];
        let mut command = self.place.command(&arguments);
        command
            .env("BEACON_ROUTER_TABLE", Local::TABLE)
            .env("BEACON_ROUTER_LEASE_SECONDS", self.lease_seconds)
            .env("AWS_ENDPOINT_URL_DYNAMODB", &self.stack.running().dynamodb)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local");
        command
    }

    async fn router(&self) -> Router {
        let mut command = self.command();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let line = first_line(&mut child).await;
        let base = line.trim().strip_prefix("router at ").unwrap().to_owned();
        Router { child, base, client: beacon_infra::http_client().unwrap() }
    }
}

/// A router as a process. It dies with the test.
struct Router {
    child: Child,
    base: String,
    client: reqwest::Client,
}

impl Router {
    fn request(&self, model: &str, prompt: &str) -> reqwest::RequestBuilder {
        let body = json!({"model": model, "prompt": prompt, "region_preference": "us-east"});
        let request = self.client.post(format!("{}/inference", self.base));
        request.header("idempotency-key", KEY).json(&body)
    }

    /// Status and body.
    fn ask(
        &self,
        model: &str,
        prompt: &str,
    ) -> impl Future<Output = (u16, Value)> + Send + 'static + use<> {
        let request = self.request(model, prompt);
        async move {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.json().await.unwrap())
        }
    }

    /// One whose router dies.
    fn ask_broken(
        &self,
        model: &str,
        prompt: &str,
    ) -> impl Future<Output = ()> + Send + 'static + use<> {
        let request = self.request(model, prompt);
        async move {
            request.send().await.unwrap_err();
        }
    }

    async fn look(&self) -> (u16, Value) {
        let request = self.client.get(format!("{}/inference/{KEY}", self.base));
        let response = within(request.send()).await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn stop(&self) -> Value {
        let request = self.client.delete(format!("{}/inference/{KEY}", self.base));
        request.send().await.unwrap().json().await.unwrap()
    }
}
