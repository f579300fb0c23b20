//! The portal in a browser: its pages as people use them, on a Beacon whose providers fail, wait and answer
//! with what is meant to harm.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use clap::Args;

use crate::python::{folder, installed};
use crate::test::{TestError, file, shown, step};
use crate::up::Beacon;

const TOOL: &str = "portal";
/// Debian's, and a font that has Chinese, which the pictures of the pages show.
const PACKAGES: [&str; 2] = ["chromium", "fonts-wqy-zenhei"];
const BROWSER: &str = "chromium";
/// Of somebody who only reads, and of somebody who may also submit.
const TOKENS: [(&str, &str); 2] = [
    ("BEACON_READER_TOKENS", "reader-of-the-portal"),
    ("BEACON_SUBMITTER_TOKENS", "submitter-of-the-portal"),
];

/// Which of its tests run.
#[derive(Debug, Default, Args)]
pub(crate) struct Which {
    /// Those alone whose names hold this, as pytest reads it: `hostile and not findings`.
    #[arg(short = 'k', value_name = "NAMES")]
    names: Option<String>,
}

/// Runs them; pictures of all pages are in `target/portal-screenshots` afterwards.
pub(crate) fn run(which: &Which) -> Result<(), TestError> {
    let tools = installed(TOOL)?;
    let python = tools.join("bin/python");
    let browser = browser()?;
    let scratch = tempfile::tempdir().map_err(file("a scratch directory"))?;
    let hostile = Hostile::start(&python)?;
    let beacon = Beacon::start_with(scratch.path(), &providers(&hostile.address), &TOKENS)?;
    let pictures = std::path::absolute("target/portal-screenshots");
    let mut tests = Command::new(python);
    tests.args(["-m", "pytest", "-p", "no:cacheprovider", "--tb=short", "-q"]);
    tests.args(which.names.iter().flat_map(|names| ["-k", names]));
    tests.arg(folder(TOOL));
    tests.env("PYTHONDONTWRITEBYTECODE", "1");
    tests.env("PORTAL_SIGN_IN", &beacon.portal).env("PORTAL_DATA", &beacon.data);
    tests.env("PORTAL_READER", TOKENS[0].1).env("PORTAL_SUBMITTER", TOKENS[1].1);
    tests.env("PORTAL_BROWSER", browser);
    tests.env("PORTAL_BEACON", beacon.command("export").get_program());
    tests.env("PORTAL_PICTURES", pictures.map_err(file("target/portal-screenshots"))?);
    step("the portal in a browser", &mut tests)
}

/// Simulated ones, slow enough that a job can be watched, and one whose answers are hostile.
fn providers(hostile: &str) -> String {
    let models = "models = [\"llama3.2-1b\", \"mistral-7b\", \"qwen2.5-1.5b\"]";
    let simulated = |region| {
        format!(
            "[[providers]]\nname = \"lab-{region}\"\nkind = \"simulated\"\nregion = \"{region}\"\n{models}\n\
             seed = 2026\nlatency_ms = [400, 900]\n\
             price = {{ per_million_input_tokens = 0.1, per_million_output_tokens = 0.3 }}\n\
             script = [\n  {{ match = \"Say nothing for a while\", behaviour = \"hang\" }},\n  \
             {{ match = \"Fail\", behaviour = {{ http_status = 400 }} }},\n]\n"
        )
    };
    // A name of a provider has no blanks.
    let harmful = |region| {
        format!(
            "[[providers]]\nname = \"<img/src=x/onerror=alert('{region}')>\"\nkind = \"openai\"\n\
             region = \"{region}\"\nurl = \"{hostile}/{region}/v1\"\nmodels = [\"hostile\"]\n"
        )
    };
    let regions = ["us-east", "eu-west", "asia-pacific"];
    [regions.map(simulated).concat(), regions[..2].iter().map(harmful).collect()].concat()
}

/// The browser that Debian has; installed unless there is one.
fn browser() -> Result<PathBuf, TestError> {
    if let Some(there) = on_path(BROWSER) {
        return Ok(there);
    }
    let apt = on_path("apt-get").ok_or(TestError::Missing { program: BROWSER })?;
    step("what can be installed", Command::new(&apt).args(["update", "-qq"]))?;
    let mut install = Command::new(apt);
    install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(PACKAGES);
    install.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
    step("installing a browser", &mut install)?;
    on_path(BROWSER).ok_or(TestError::Missing { program: BROWSER })
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The provider of hostile answers, which runs until this is dropped.
struct Hostile {
    address: String,
    process: Child,
}

impl Hostile {
    fn start(python: &Path) -> Result<Self, TestError> {
        let mut command = Command::new(python);
        command.arg(folder(TOOL).join("hostile.py")).stdin(Stdio::null()).stdout(Stdio::piped());
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        let shown = shown(&command);
        let process = command.spawn().map_err(|source| {
            let command = shown.clone();
            TestError::Start { command, source }
        })?;
        let mut hostile = Self { address: String::new(), process };
        let mut line = String::new();
        if let Some(output) = hostile.process.stdout.take() {
            BufReader::new(output).read_line(&mut line).map_err(file("the provider's output"))?;
        }
        line.trim().clone_into(&mut hostile.address);
        if hostile.address.is_empty() {
            Err(TestError::Failed { command: shown })
        } else {
            Ok(hostile)
        }
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}
