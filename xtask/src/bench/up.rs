//! A `beacon up` of its own, and its API.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Stdio};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::beacon::command;
use super::error::{BenchError, io, json};
use super::http::Client;

/// One request, and its answer.
pub(crate) fn call<T: DeserializeOwned>(
    client: &mut Client,
    method: &str,
    path: &str,
    body: &[u8],
) -> Result<T, BenchError> {
    let answer = client.call(method, path, body).map_err(io("the API"))?;
    serde_json::from_slice(&answer).map_err(json("an answer of the API"))
}

/// A Beacon that ends with this value; killing it loses nothing.
#[derive(Debug)]
pub(crate) struct Up {
    child: Child,
    api: SocketAddr,
}

impl Up {
    /// Starts the program on a data directory with these providers.
    pub(crate) fn start(binary: &Path, data: &Path, providers: &Path) -> Result<Self, BenchError> {
        let mut command = command(binary, data);
        command.args(["up", "--listen", "127.0.0.1:0", "--providers"]).arg(providers);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().map_err(io("beacon up"))?;
        let mut up = Self { child, api: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) };
        up.api = up.announced()?;
        Ok(up)
    }

    /// Where its API and its portal listen.
    pub(crate) fn address(&self) -> SocketAddr {
        self.api
    }

    /// A connection to its API.
    pub(crate) fn client(&self) -> Result<Client, BenchError> {
        Client::connect(self.api).map_err(io("the API"))
    }

    /// Where its API listens, which it says when it does.
    fn announced(&mut self) -> Result<SocketAddr, BenchError> {
        #[derive(Deserialize)]
        struct Running {
            api: SocketAddr,
        }
        let mut line = String::new();
        if let Some(output) = self.child.stdout.take() {
            BufReader::new(output).read_line(&mut line).map_err(io("beacon up"))?;
        }
        let running: Running = serde_json::from_str(&line).map_err(json("what beacon up says"))?;
        Ok(running.api)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // It may have ended by itself, which the calls have told.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
