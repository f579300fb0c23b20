//! `beacon up` as a process, and its API.

use std::fs::File;
use std::process::{ExitStatus, Stdio};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::place::{Place, eventually, within};

/// A running `beacon up`. It dies with the test.
pub(crate) struct Up {
    child: Child,
    api: String,
    client: reqwest::Client,
    token: String,
}

impl Up {
    pub(crate) async fn start(place: &Place, arguments: &[&str]) -> Self {
        let arguments = [&["up", "--listen", "127.0.0.1:0", "--json"], arguments].concat();
        Self::spawn(place.command(&arguments), place).await
    }

    /// Starts a command that is a `beacon up --json`.
    pub(crate) async fn spawn(mut command: Command, place: &Place) -> Self {
        let log = File::options().create(true).append(true).open(place.path("up.log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let running: Value = serde_json::from_str(&first_line(&mut child).await).unwrap();
        let api = running["api"].as_str().unwrap();
        assert_eq!(running["pid"].as_u64(), child.id().map(u64::from));
        let client = beacon_infra::http_client().unwrap();
        let token = beacon_infra::DataDir::token(&place.data()).unwrap();
        Self { api: format!("http://{api}/api/v1"), child, client, token }
    }

    /// The API's address, for --api.
    pub(crate) fn base(&self) -> &str {
        self.api.strip_suffix("/api/v1").unwrap()
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) async fn submit(&self, spec: &Value) -> Value {
        let request = self.client.post(format!("{}/jobs", self.api)).bearer_auth(&self.token);
        let request = request.json(spec);
        within(async { request.send().await.unwrap().json().await.unwrap() }).await
    }

    /// Asks for a change of a job. Returns the answer's status.
    pub(crate) async fn change(&self, path: &str) -> u16 {
        let request = self.client.post(format!("{}/{path}", self.api)).bearer_auth(&self.token);
        within(request.send()).await.unwrap().status().as_u16()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let request = self.client.get(format!("{}/{path}", self.api)).bearer_auth(&self.token);
        within(async { request.send().await.unwrap().json().await.unwrap() }).await
    }

    /// All executions of a job, as the API prints them.
    pub(crate) async fn executions(&self, job: &str) -> Vec<Value> {
        let path = format!("jobs/{job}/executions/all?limit=1000");
        let mut page = self.get(&path).await;
        let mut executions = Vec::new();
        loop {
            executions.append(page["executions"].as_array_mut().unwrap());
            let Some(cursor) = page["cursor"].as_str() else { return executions };
            page = self.get(&format!("{path}&cursor={cursor}")).await;
        }
    }

    /// The job once its status is final.
    pub(crate) async fn final_job(&self, job: &str) -> Value {
        eventually("a final status", async || {
            let view = self.get(&format!("jobs/{job}")).await;
            let open = ["queued", "running", "cancelling"];
            (!open.contains(&view["status"].as_str().unwrap())).then_some(view)
        })
        .await
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends it as a power cut does.
    pub(crate) async fn kill(mut self) {
        self.child.start_kill().unwrap();
        self.child.wait().await.unwrap();
    }

    /// Sends a signal by name, and waits until the process has ended.
    pub(crate) async fn end_with(mut self, signal: &str) -> ExitStatus {
        send(signal, &self.child);
        within(self.child.wait()).await.unwrap()
    }
}

/// The first line that a child prints.
pub(crate) async fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    within(BufReader::new(stdout).read_line(&mut line)).await.unwrap();
    line
}

/// The first line that a command writes to standard error.
pub(crate) async fn first_error_line(child: &mut Child) -> String {
    let mut line = String::new();
    let stderr = child.stderr.as_mut().unwrap();
    within(BufReader::new(stderr).read_line(&mut line)).await.unwrap();
    line.trim_end().to_owned()
}

/// Sends a signal by name.
pub(crate) fn send(signal: &str, child: &Child) {
    let pid = child.id().unwrap().to_string();
    let sent = std::process::Command::new("kill").args(["-s", signal, &pid]).status().unwrap();
    assert!(sent.success());
}
