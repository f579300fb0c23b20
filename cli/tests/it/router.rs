//! The router that the environment or the command line names, and what becomes of a dead one.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;

use serde_json::Value;
use tokio::net::TcpSocket;
use tokio::process::{Child, Command};

use crate::exported::sum;
use crate::place::{Done, Place, eventually, finished, within};
use crate::up::{Up, first_line};

const SPEC: &str = "examples/bias-detection.yaml";

#[tokio::test]
async fn a_submit_without_a_router_is_refused_and_nothing_accepted() {
    let (_port, address) = port_where_nobody_listens();
    let place = Place::new();
    let url = format!("http://{address}");
    let run = place.command(&["run", SPEC, "--id", "none"]);
    let run = with(run, &[("HYBRID_ROUTER_URL", &url)]).await;
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains(&url), "{run:?}");
    assert!(run.stderr.contains("nothing new was accepted"), "{run:?}");
    let list = place.beacon(&["list", "--json"]).await;
    assert_eq!(list.json(), Value::Array(Vec::new()));
}

#[tokio::test]
async fn another_router_than_the_one_of_the_stack_that_runs_is_not_ignored() {
    let place = Place::new();
    let up = Up::start(&place, &["--providers", &place.providers("[0, 0]")]).await;
    let (_port, address) = port_where_nobody_listens();
    let url = format!("http://{address}");
    let run = place.command(&["run", SPEC]);
    let run = with(run, &[("HYBRID_ROUTER_URL", &url)]).await;
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains(&url), "{run:?}");
    up.kill().await;
}

#[tokio::test]
async fn the_api_listens_on_this_machine_only() {
    let place = Place::new();
    let up = place.beacon(&["up", "--listen", "0.0.0.0:0"]).await;
    assert_eq!(up.code, Some(2), "{up:?}");
    assert!(up.stderr.contains("0.0.0.0"), "{up:?}");
}

#[tokio::test]
async fn a_router_that_dies_leaves_a_failed_job_with_a_code_for_every_pair() {
    let place = Place::new();
    // The port stays ours when the router has gone, so that nobody else answers there.
    let (_port, address) = port_where_nobody_listens();
    let providers = place.providers("[600000, 600000]");
    let mut router = Router::start(&place, &providers, address).await;
    assert!(router.first_line.contains("SIMULATED"), "{}", router.first_line);
    let spec = std::fs::read_to_string(format!("{}/../{SPEC}", env!("CARGO_MANIFEST_DIR")));
    let spec = place.write("spec.yaml", &format!("{}\nstop: never\n", spec.unwrap()));
    let mut run = place.command(&["run", &spec, "--id", "dead", "--json"]);
    run.env("HYBRID_ROUTER_URL", format!("http://{address}"));
    let run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let asked = async || (place.calls().begun().len() == 9).then_some(());
    eventually("a call for each pair of the first questions", asked).await;
    router.child.kill().await.unwrap();
    let run = Done::from(within(run.wait_with_output()).await.unwrap());

    assert_eq!(run.code, Some(1), "{run:?}");
    let view = run.json();
    assert_eq!((&view["status"], &view["counts"]["failed"]), (&"failed".into(), &72.into()));
    assert_eq!(sum(&view["counts"]), 72);
    let rows = place.beacon(&["export", "dead", "--format", "jsonl"]).await.json_lines();
    assert_eq!(rows.len(), 72);
    for row in rows {
        let (code, billed) = match row["question"].as_u64() {
            Some(0) => ("ROUTER_CONNECTION_LOST", true),
            Some(_) | None => ("ROUTER_UNREACHABLE", false),
        };
        assert_eq!(row["status"], "failed", "{row}");
        assert_eq!(row["failure"]["code"], code, "{row}");
        assert_eq!(row["failure"]["maybe_billed"], billed, "{row}");
        assert!(!row["failure"]["message"].as_str().unwrap().is_empty(), "{row}");
    }
}

#[tokio::test]
async fn a_contradictory_environment_is_refused_by_name() {
    let place = Place::new();
    let providers = place.providers("[0, 0]");
    let own = ["--providers", &providers];
    let url = ("HYBRID_ROUTER_URL", "http://127.0.0.1:9");
    let other = ("HYBRID_BASE", "http://127.0.0.1:10");
    let no_scheme = ("HYBRID_ROUTER_URL", "127.0.0.1:9");
    let embedded = ("HYBRID_ROUTER_URL", "embedded");
    let nowhere = ("BEACON_ROUTER_CONFIG", "/nowhere/providers.toml");
    let off = ("HYBRID_ROUTER_DISABLE", "1");
    let soon = ("HYBRID_TIMEOUT", "soon");
    let cases = [
        (&own[..], vec![url], vec!["HYBRID_ROUTER_URL", "--providers"]),
        (&[], vec![off], vec!["HYBRID_ROUTER_DISABLE"]),
        (&own, vec![off], vec!["HYBRID_ROUTER_DISABLE"]),
        (&[], vec![url, other], vec!["HYBRID_ROUTER_URL", "HYBRID_BASE"]),
        (&[], vec![no_scheme], vec!["HYBRID_ROUTER_URL"]),
        (&[], vec![embedded], vec!["BEACON_ROUTER_CONFIG"]),
        (&[], vec![embedded, nowhere], vec!["/nowhere/providers.toml"]),
        (&own, vec![embedded, nowhere], vec!["HYBRID_ROUTER_URL", "--providers"]),
        (&[], vec![url, soon], vec!["HYBRID_TIMEOUT"]),
    ];
    for command in [&["run", SPEC][..], &["up", "--listen", "127.0.0.1:0"]] {
        for (arguments, environment, named) in &cases {
            let command = place.command(&[command, arguments].concat());
            let refused = with(command, environment).await;
            assert_eq!(refused.code, Some(2), "{environment:?}: {refused:?}");
            for name in named {
                assert!(refused.stderr.contains(name), "{name}: {refused:?}");
            }
        }
    }
    assert_eq!(place.calls().lines(), 0);
}

#[tokio::test]
async fn a_router_that_asks_for_a_token_gets_it_from_the_worker_and_the_doctor() {
    let place = Place::new();
    let (_port, address) = port_where_nobody_listens();
    let providers = place.providers("[0, 0]");
    let router = [("BEACON_ROUTER_TOKENS", "token-of-the-router")];
    let _router = Router::start_with(&place, &providers, address, &router).await;
    let url = format!("http://{address}");
    let (url, token) =
        (("HYBRID_ROUTER_URL", url.as_str()), ("HYBRID_ROUTER_TOKEN", "token-of-the-router"));

    let doctor = with(place.command(&["doctor"]), &[url]).await;
    assert!(doctor.stdout.contains("set HYBRID_ROUTER_TOKEN"), "{doctor:?}");
    let doctor = with(place.command(&["doctor"]), &[url, token]).await;
    assert!(doctor.stdout.contains("✓ inference"), "{doctor:?}");
    assert!(!doctor.stdout.contains(token.1), "{doctor:?}");

    let run = place.command(&["run", SPEC, "--id", "told", "--json"]);
    let run = with(run, &[url, token]).await;
    assert_eq!(run.json()["counts"]["failed"], 0, "{run:?}");
    assert!(!run.stderr.contains(token.1), "{run:?}");
    let run = place.command(&["run", SPEC, "--id", "untold", "--json"]);
    let run = with(run, &[url]).await;
    assert_eq!(run.json()["counts"]["completed"], 0, "{run:?}");
    let rows = place.beacon(&["export", "untold", "--format", "jsonl"]).await.json_lines();
    let told = rows.iter().find(|row| row["status"] == "failed").unwrap();
    assert_eq!(told["failure"]["code"], "ROUTER_HTTP_401", "{told}");
    assert_eq!(told["failure"]["maybe_billed"], false, "{told}");
}

#[tokio::test]
async fn a_router_without_tokens_listens_on_this_machine_only() {
    let place = Place::new();
    let providers = place.providers("[0, 0]");
    let router = || place.command(&["router", "--config", &providers, "--listen", "0.0.0.0:0"]);
    let refused = with(router(), &[]).await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    for told in ["0.0.0.0", "BEACON_ROUTER_TOKENS"] {
        assert!(refused.stderr.contains(told), "{refused:?}");
    }
    let refused = with(router(), &[("BEACON_ROUTER_TOKENS", "too-short")]).await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(!refused.stderr.contains("too-short"), "{refused:?}");
}

#[tokio::test]
async fn a_job_runs_with_the_router_inside_the_worker() {
    let place = Place::new();
    let providers = place.providers("[0, 0]");
    let environment =
        [("HYBRID_ROUTER_URL", "embedded"), ("BEACON_ROUTER_CONFIG", providers.as_str())];
    let run = with(place.command(&["run", SPEC, "--json"]), &environment).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.json()["counts"]["completed"], 72);
    assert_eq!(place.calls().begun().len(), 72);
    let doctor = with(place.command(&["doctor", "--json"]), &environment).await;
    assert_eq!(doctor.code, Some(0), "{doctor:?}");
    let doctor = with(place.command(&["doctor", "--json"]), &environment[..1]).await;
    assert!(doctor.stdout.contains("BEACON_ROUTER_CONFIG to the file"), "{doctor:?}");
}

#[tokio::test]
async fn a_hang_up_reads_the_providers_anew_and_a_wrong_file_changes_nothing() {
    let place = Place::new();
    let (_port, address) = port_where_nobody_listens();
    let provider = |name: &str| {
        format!(
            "[[providers]]\nname = \"{name}\"\nkind = \"simulated\"\nregion = \"us-east\"\n\
             models = [\"m\"]\n"
        )
    };
    let file = place.write("providers.toml", &provider("before"));
    let router = Router::start(&place, &file, address).await;
    let client = beacon_infra::http_client().unwrap();
    let url = format!("http://{address}/providers");
    let names = async || {
        let told = client.get(&url).send().await.unwrap().json::<Value>().await.unwrap();
        let names = told["providers"].as_array().unwrap().iter();
        names.map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["before"]);
    place.write("providers.toml", "nonsense");
    router.hang_up();
    let both = provider("wrong").replace("us-east", "Mars Base");
    place.write("providers.toml", &both);
    router.hang_up();
    assert_eq!(names().await, ["before"]);
    place.write("providers.toml", &(provider("after") + &provider("more")));
    router.hang_up();
    let after = async || (names().await == ["after", "more"]).then_some(());
    eventually("the router goes by the file", after).await;
}

/// A `beacon router` as a process. It dies with the test.
pub(crate) struct Router {
    child: Child,
    first_line: String,
}

impl Router {
    pub(crate) async fn start(place: &Place, config: &str, address: SocketAddr) -> Self {
        Self::start_with(place, config, address, &[]).await
    }

    async fn start_with(
        place: &Place,
        config: &str,
        address: SocketAddr,
        environment: &[(&str, &str)],
    ) -> Self {
        let listen = address.to_string();
        let mut command = place.command(&["router", "--config", config, "--listen", &listen]);
        command.envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let first_line = first_line(&mut child).await;
        let client = beacon_infra::http_client().unwrap();
        let ready = format!("http://{address}/ready");
        eventually("a router", async || client.get(&ready).send().await.ok()).await;
        Self { child, first_line }
    }
}

impl Router {
    fn hang_up(&self) {
        let id = self.child.id().unwrap().cast_signed();
        let process = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::HUP).unwrap();
    }
}

/// A port of this test's own that refuses connections until somebody listens there.
pub(crate) fn port_where_nobody_listens() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

pub(crate) async fn with(mut command: Command, environment: &[(&str, &str)]) -> Done {
    command.envs(environment.iter().copied());
    finished(command).await
}
