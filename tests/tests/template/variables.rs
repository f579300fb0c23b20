//! Every variable that a function needs is set in the template, and every one that is set is read: the
//! programs themselves are started with them, with each left out, and with each wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::deployed::{Deployed, Given, ROUTER, SECRET, WAYS};
use crate::lambda::{function, secrets_manager};

/// Longer than a function takes to start or to give up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What cannot be the value of a variable that may be left out.
const WRONG: [(&str, &str); 4] = [
    ("BEACON_LOG", "a=b=c"),
    ("BEACON_SECRETS", "no secret!"),
    ("BEACON_STACK", "no stack!"),
    ("BEACON_TRUSTED_KEYS", "[]"),
];

type Variables = BTreeMap<String, String>;

/// How a start ended.
#[derive(Debug)]
enum Start {
    /// The function asks for its first event.
    Polls,
    /// It gave up, and this is what it said.
    GaveUp(String),
}

/// What Lambda is to the programs, on loopback.
struct Lambda {
    programs: BTreeMap<String, PathBuf>,
    runtime: String,
    polled: Arc<Notify>,
    secrets: String,
}

impl Lambda {
    async fn start(given: Given<'_>, programs: &BTreeMap<String, PathBuf>) -> Self {
        let polled = Arc::new(Notify::new());
        let tell = Arc::clone(&polled);
        // There is never an event.
        let next = async move || {
            tell.notify_one();
            std::future::pending::<()>().await;
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let runtime = listener.local_addr().unwrap().to_string();
        let router = Router::new().fallback(next);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let shown = if given == ROUTER {
            json!({ "HYBRID_ROUTER_TOKEN": "token-of-the-router" })
        } else {
            json!({ "OPENAI_API_KEY": "key-of-a-provider" })
        };
        let tokens = json!({ "BEACON_ADMIN_TOKENS": "token-of-an-administrator" });
        let key = json!({ "BEACON_SIGNING_KEY": "ab".repeat(32) });
        let secrets =
            BTreeMap::from([("TokensSecret", tokens), ("SigningSecret", key), (SECRET, shown)]);
        let secrets = secrets_manager(secrets).await;
        Self { programs: programs.clone(), runtime, polled, secrets }
    }

    async fn try_with(&self, id: &str, variables: &Variables) -> Start {
        let name = format!("beacon-{}", id.strip_suffix("Function").unwrap().to_lowercase());
        let program = self.programs[&name].to_str().unwrap();
        let mut command = function(program, &self.runtime, &self.secrets);
        command.envs(variables);
        let mut command = tokio::process::Command::from(command);
        let ended = command.kill_on_drop(true).stdout(Stdio::null()).output();
        let tried = async {
            tokio::select! {
                () = self.polled.notified() => Start::Polls,
                ended = ended => {
                    let ended = ended.unwrap();
                    assert!(!ended.status.success(), "{id} ended, and called that success");
                    Start::GaveUp(String::from_utf8_lossy(&ended.stderr).into_owned())
                }
            }
        };
        timeout(PATIENCE, tried).await.expect("a function starts, or it gives up")
    }
}

/// The functions' programs, with the features that the tests were built with.
fn programs() -> BTreeMap<String, PathBuf> {
    let deployed = Deployed::with(&[]);
    let ids = deployed.functions().into_iter().map(|(id, _)| id);
    let names =
        ids.map(|id| format!("beacon-{}", id.strip_suffix("Function").unwrap().to_lowercase()));
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--workspace", "--locked", "--message-format=json", "--test", "template"]);
    build.args(names.flat_map(|name| ["--bin".to_owned(), name]));
    // Those of this test. A build script that looks at its own, as that of *ring* does, would run anew
    // with them, and everything after it be built again.
    for (name, _value) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            build.env_remove(name);
        }
    }
    let output = build.current_dir(crate::root()).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{build:?} failed");
    let messages = String::from_utf8(output.stdout).unwrap();
    let messages = messages.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let programs = messages.filter_map(|message| {
        let name = message["target"]["name"].as_str()?.to_owned();
        Some((name, message["executable"].as_str()?.into()))
    });
    programs.collect()
}

/// A function's variables, the layer's files where they are in the repository.
fn variables(properties: &Value) -> Variables {
    let set = properties["Environment"]["Variables"].as_object().unwrap();
    let layer = properties.get("Layers").is_some();
    let value = |value: &Value| {
        let value = value.as_str().unwrap();
        let file = value.strip_prefix("/opt/").filter(|_| layer);
        file.map_or_else(
            || value.to_owned(),
            |file| {
                let path = crate::root().join("infra/providers").join(file);
                path.to_str().unwrap().to_owned()
            },
        )
    };
    set.iter().map(|(name, set)| (name.clone(), value(set))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_function_needs_is_set_and_what_is_set_is_read() {
    let programs = programs();
    let mut known = BTreeSet::new();
    for given in WAYS {
        let lambda = Lambda::start(given, &programs).await;
        let deployed = Deployed::with(given);
        for (id, properties) in deployed.functions() {
            let variables = variables(properties);
            // The same function with the same variables as in a way before.
            if !known.insert((id.to_owned(), variables.clone())) {
                continue;
            }
            let start = lambda.try_with(id, &variables).await;
            assert!(matches!(start, Start::Polls), "{id} with {given:?}: {start:?}");
            for name in variables.keys() {
                assert_is_read(&lambda, id, &variables, name).await;
            }
        }
    }
}

/// Without it, or with a wrong one, the function takes no event and names it.
async fn assert_is_read(lambda: &Lambda, id: &str, variables: &Variables, name: &str) {
    let mut others = variables.clone();
    others.remove(name);
    if let Start::GaveUp(told) = lambda.try_with(id, &others).await
        && told.contains(name)
    {
        return;
    }
    let wrong = WRONG.iter().find(|(variable, _)| *variable == name);
    let (_, wrong) = wrong.unwrap_or_else(|| panic!("{id} does not miss {name}"));
    others.insert(name.to_owned(), (*wrong).to_owned());
    let start = lambda.try_with(id, &others).await;
    let Start::GaveUp(told) = &start else { panic!("{id} does not read {name}: {start:?}") };
    assert!(told.contains(name), "{id} does not name {name}: {told}");
}
