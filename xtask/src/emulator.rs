//! An emulator of AWS that runs until it is dropped, or until this process ends in whatever way.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::python::{folder, installed};
use crate::test::{TestError, file, shown};

/// What the emulator, and what is said to it, is installed as.
const TOOL: &str = "ministack";
/// It takes two seconds.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// The emulator.
pub(crate) struct Emulator {
    endpoint: String,
    tools: PathBuf,
    // Its state, and the functions' programs.
    _state: TempDir,
    process: Child,
}

impl Emulator {
    /// Starts it on a free port of 127.0.0.1; what it and the functions say goes to this file.
    pub(crate) fn start(log: &Path) -> Result<Self, TestError> {
        let tools = installed(TOOL)?;
        let state = tempfile::tempdir().map_err(file("the emulator's state"))?;
        let address = free_address().map_err(file("a free port"))?;
        let endpoint = format!("http://{address}");
        let log = File::create(log).map_err(file("the emulator's log"))?;
        let errors = log.try_clone().map_err(file("the emulator's log"))?;
        let mut command = Command::new(tools.join("bin/python"));
        command.arg(folder(TOOL).join("serve.py"));
        // Functions inherit its environment: nothing of this one may make up for what the template
        // does not set.
        command
            .env_clear()
            .envs(["HOME", "TMPDIR", "STATE_DIR"].map(|name| (name, state.path())))
            .env("BIND_HOST", Ipv4Addr::LOCALHOST.to_string())
            .env("GATEWAY_PORT", address.port().to_string())
            .env("AWS_ENDPOINT_URL", &endpoint)
            // Policies are evaluated, and what they do not allow is refused.
            .env("AUTH", "true")
            // It ends when this pipe does.
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(errors);
        let process = command.spawn().map_err(|source| {
            let command = shown(&command);
            TestError::Start { command, source }
        })?;
        let mut emulator = Self { endpoint, tools, _state: state, process };
        emulator.wait_for(address)?;
        Ok(emulator)
    }

    /// Its address.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A program of those that belong to it.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.tools.join("bin/python"));
        command.arg(folder(TOOL).join(name));
        // A developer's own credentials, profiles and proxies are none of its business.
        command.env_clear();
        command
    }

    fn wait_for(&mut self, address: SocketAddr) -> Result<(), TestError> {
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            let ended = self.process.try_wait().map_err(file("the emulator"))?.is_some();
            if ended || Instant::now() > until {
                return Err(TestError::Failed { command: "the emulator, see its log".to_owned() });
            }
            sleep(PAUSE);
        }
        Ok(())
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let until = Instant::now() + Duration::from_secs(10);
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < until {
            sleep(PAUSE);
        }
        // Whoever is left of its group, and it.
        let group = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        let _gone = group.map(|group| kill_process_group(group, Signal::KILL));
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}

/// One that nobody listens at now.
pub(crate) fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// A folder for the logs of a step, which people read afterwards.
pub(crate) fn log_folder(name: &str) -> Result<PathBuf, TestError> {
    let folder = std::path::absolute(Path::new("target").join(name)).map_err(file("target"))?;
    fs::create_dir_all(&folder).map_err(file("the folder for logs"))?;
    Ok(folder)
}
