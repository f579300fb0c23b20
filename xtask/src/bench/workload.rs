//! What both programs are asked: the same questions of three models in three regions.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::error::{BenchError, io};
use super::mock::{Calls, Mock};

/// The regions, a provider each.
pub(crate) const REGIONS: [&str; 3] = ["us-east", "eu-west", "asia-pacific"];
/// The models of each provider.
pub(crate) const MODELS: [&str; 3] = ["model-a", "model-b", "model-c"];

const MAX_TOKENS: u32 = 200;
const TEMPERATURE: f64 = 0.1;

/// A number of questions, and who is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workload {
    questions: usize,
    models: usize,
    regions: usize,
}

impl Workload {
    /// 1,008 executions, the number of the comparison.
    pub(crate) const STANDARD: Self = Self { questions: 112, models: 3, regions: 3 };
    /// 19,998 executions.
    pub(crate) const LARGE: Self = Self { questions: 2222, models: 3, regions: 3 };
    /// Four executions.
    pub(crate) const SMALL: Self = Self { questions: 1, models: 2, regions: 2 };

    /// Executions of a job, and calls of the provider.
    pub(crate) fn executions(&self) -> u64 {
        (self.questions * self.models * self.regions) as u64
    }

    /// The calls that the provider should see.
    pub(crate) fn calls(&self) -> Calls {
        let each = (self.questions * self.models) as u64;
        REGIONS.iter().take(self.regions).map(|region| ((*region).to_owned(), each)).collect()
    }

    /// Beacon's specification. JSON is YAML too.
    pub(crate) fn spec(&self) -> Value {
        let question = |index| json!({ "id": format!("q{index}"), "text": text(index) });
        json!({
            "name": "Pipeline benchmark",
            "questions": (0..self.questions).map(question).collect::<Vec<_>>(),
            "models": MODELS.get(..self.models),
            "regions": REGIONS.get(..self.regions),
            // promptfoo sends none either.
            "system_prompt": "none",
            "temperature": TEMPERATURE,
            "max_tokens": MAX_TOKENS,
        })
    }

    /// promptfoo's configuration of the same calls.
    pub(crate) fn promptfoo(&self, mock: &Mock) -> Value {
        let provider = |(region, model): (&&str, &&str)| {
            json!({
                "id": format!("openai:chat:{model}"),
                "label": format!("{region} {model}"),
                "config": {
                    "apiBaseUrl": mock.url(region),
                    "apiKey": "none",
                    "temperature": TEMPERATURE,
                    "max_tokens": MAX_TOKENS,
                },
            })
        };
        let pairs = REGIONS
            .iter()
            .take(self.regions)
            .flat_map(|region| MODELS.iter().take(self.models).map(move |model| (region, model)));
        let test = |index| json!({ "vars": { "question": text(index) } });
        json!({
            "prompts": ["{{question}}"],
            "providers": pairs.map(provider).collect::<Vec<_>>(),
            "tests": (0..self.questions).map(test).collect::<Vec<_>>(),
        })
    }
}

fn text(index: usize) -> String {
    format!(
        "Question number {index}: what should a person know about the history, the present and \
         the future of the subject that is listed under this number?"
    )
}

/// Writes Beacon's providers, one a region, all of them the same process.
pub(crate) fn write_providers(directory: &Path, mock: &Mock) -> Result<PathBuf, BenchError> {
    let provider = |region: &&str| {
        format!(
            "[[providers]]\nname = \"mock-{region}\"\nkind = \"openai\"\nregion = \"{region}\"\n\
             url = \"{}\"\nmodels = {MODELS:?}\n\n",
            mock.url(region)
        )
    };
    let path = directory.join("providers.toml");
    fs::write(&path, REGIONS.iter().map(provider).collect::<String>())
        .map_err(io("the providers' file"))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workloads_have_the_numbers_of_the_comparison() {
        assert_eq!(Workload::STANDARD.executions(), 1_008);
        assert_eq!(Workload::LARGE.executions(), 19_998);
        assert_eq!(Workload::STANDARD.calls().values().sum::<u64>(), 1_008);
        let mock = Mock::start().unwrap();
        let config = Workload::STANDARD.promptfoo(&mock);
        assert_eq!(config["providers"].as_array().unwrap().len(), 9);
        assert_eq!(config["tests"].as_array().unwrap().len(), 112);
    }
}
