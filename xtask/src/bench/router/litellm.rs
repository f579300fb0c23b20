//! LiteLLM proxy, the most used gateway, installed beside what cargo builds.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::gateway::{Gateway, free_address};
use super::upstream::Upstream;
use super::{HOLD, INSTANT};
use crate::bench::error::{BenchError, io};
use crate::bench::table;
use crate::python;
use crate::test::TestError;

/// Everything it does beside the calls is off, as its advice for production says: calls home, the
/// download of prices, a line for every request. The two limits would keep it from having 2,000
/// calls in flight.
const ENVIRONMENT: [(&str, &str); 6] = [
    ("LITELLM_MODE", "PRODUCTION"),
    ("LITELLM_LOG", "ERROR"),
    ("LITELLM_LOCAL_MODEL_COST_MAP", "True"),
    ("LITELLM_DONT_SHOW_FEEDBACK_BOX", "True"),
    ("AIOHTTP_CONNECTOR_LIMIT", "4000"),
    ("AIOHTTP_CONNECTOR_LIMIT_PER_HOST", "4000"),
];

/// How its proxy may be run on two cores.
pub(super) const WAYS: [Way; 3] = [
    Way { name: "LiteLLM, 1 worker", arguments: &["--num_workers", "1"] },
    Way {
        name: "LiteLLM, 2 workers",
        // On a busy machine a worker that starts does not tell of itself in the usual five seconds,
        // and would be started again and again.
        arguments: &["--num_workers", "2", "--timeout_worker_healthcheck", "120"],
    },
    Way { name: "LiteLLM, 2 Granian workers", arguments: &["--num_workers", "2", "--run_granian"] },
];

/// One of them.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) name: &'static str,
    arguments: &'static [&'static str],
}

/// An installed LiteLLM.
#[derive(Debug)]
pub(super) struct Litellm {
    tools: PathBuf,
}

impl Litellm {
    /// Installs the pinned versions unless they are there; none where Python is missing.
    pub(super) fn install() -> Result<Option<Self>, BenchError> {
        match python::installed("litellm") {
            Ok(tools) => Ok(Some(Self { tools })),
            Err(TestError::Start { source, .. }) if source.kind() == ErrorKind::NotFound => {
                table::progress("Python is not installed: LiteLLM is left out");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Starts its proxy on the upstream.
    pub(super) fn start(
        &self,
        way: &Way,
        upstream: &Upstream,
        scratch: &Path,
    ) -> Result<Gateway, BenchError> {
        let config = scratch.join("litellm.yaml");
        fs::write(&config, configuration(upstream)).map_err(io("LiteLLM's configuration"))?;
        let address = free_address()?;
        let mut command = Command::new(self.tools.join("bin/litellm"));
        command.arg("--config").arg(&config);
        command.args(["--host", "127.0.0.1", "--port", &address.port().to_string()]);
        command.args(["--telemetry", "False"]).args(way.arguments);
        command.envs(ENVIRONMENT).current_dir(scratch);
        Gateway::start(way.name.to_owned(), command, address, &scratch.join("litellm.log"))
    }
}

/// Without a key of its own, as the router beside it: checking one takes time.
fn configuration(upstream: &Upstream) -> String {
    let model = |model: &str| {
        let url = upstream.url(model);
        format!(
            "  - model_name: {model}\n    litellm_params:\n      model: openai/{model}\n      \
             api_base: {url}\n      api_key: none\n"
        )
    };
    let models = [INSTANT, HOLD].map(model).concat();
    format!(
        "model_list:\n{models}litellm_settings:\n  request_timeout: 600\n  set_verbose: false\n  \
         num_retries: 0\n  telemetry: false\ngeneral_settings:\n  disable_spend_logs: true\n  \
         dangerously_permit_weak_or_unset_master_key: true\n"
    )
}
