//! The specification of a job: what is asked of which models where, frozen once accepted.

mod draft;
mod jobspec;
mod label;
mod parse;
mod question_csv;
mod questions;
mod read;
mod retry;
mod schema;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use jobspec::{CrossRegion, is_jobspec, parse_cross_region, parse_jobspec};
pub use label::{LabelAsked, parse_label};
pub use parse::{Submission, parse};
pub use question_csv::{CSV_COLUMNS, CsvError, CsvRow, read_question_csv};
pub use read::Problem;
pub(crate) use read::cut;
pub use retry::{PairAsked, RetryAsked, parse_pair, parse_retry};
pub use schema::schema;
pub(crate) use schema::{cross_region, jobspec};

use crate::id::{
    ExecutionId, JobId, LaneId, ModelId, QuestionId, QuestionIndex, Sample, VariantName,
};
use crate::money::Dollars;
use crate::prompt::{Prompt, hex};
use crate::region::Region;

/// Upper bounds of a specification; each has an error of its own.
pub mod limit {
    /// Entries of the question list, variants and named prompts multiplied out.
    pub const QUESTIONS: usize = 10_000;
    /// Models.
    pub const MODELS: usize = 50;
    /// Regions.
    pub const REGIONS: usize = 50;
    /// Lanes: regions × `questions_in_flight`, so that a submit is one transaction.
    pub const LANES: usize = 90;
    /// Named system prompts.
    pub const PROMPTS: usize = 50;
    /// Bytes of all questions with what they expect, variants and named prompts multiplied out.
    pub const TEXT_BYTES: usize = 16 * 1024 * 1024;
    /// Samples.
    pub const SAMPLES: u16 = 100;
    /// Models × samples, the executions of one question in one region.
    pub const PAIRS_OF_QUESTION: usize = 200;
    /// Executions of a job.
    pub const EXECUTIONS: u64 = 1_000_000;
    /// Bytes of a question's text.
    pub const QUESTION_BYTES: usize = 32 * 1024;
    /// Texts that a control question expects one of.
    pub const EXPECTED: usize = 20;
    /// Bytes of a text that a control question expects.
    pub const EXPECTED_BYTES: usize = 200;
    /// Bytes of a system prompt.
    pub const PROMPT_BYTES: usize = 16 * 1024;
    /// Bytes of a whole specification as JSON.
    pub const SPEC_BYTES: usize = 3 * 1024 * 1024;
    /// Bytes of a name, category or language.
    pub const LABEL_BYTES: usize = 200;
    /// Characters of the name of a variant or of a system prompt.
    pub const NAME_CHARACTERS: usize = 64;
    /// Tokens to generate.
    pub const MAX_TOKENS: u64 = 1_000_000;
    /// The `seed`: JSON numbers above it are not exact in most languages.
    pub const SEED: u64 = 1 << 53;
    /// The fraction nearest to nought that is not nought: the table stores none that is nearer.
    pub const SMALLEST_FRACTION: f64 = 1e-6;
    /// Regions, models or questions that a retry names.
    pub const SELECTED: usize = 200;
    /// Bytes of all that a retry names: every run of a job is kept in its item.
    pub const SELECTED_BYTES: usize = 12 * 1024;
    /// Bytes of a retry's reason.
    pub const REASON_BYTES: usize = 200;
    /// Bytes of a whole retry as JSON.
    pub const RETRY_BYTES: usize = 64 * 1024;
    /// Seconds of a job's `timeout`.
    pub const TIMEOUT_SECONDS: u64 = 24 * 60 * 60;
}

/// A job's specification, checked and with every prompt composed. Immutable once accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// For people.
    pub name: String,
    /// The ordered question list; a [`QuestionIndex`] points into it.
    pub questions: Vec<Question>,
    /// The models, in the order given.
    pub models: Vec<ModelId>,
    /// The regions with their composed prompts, in the order given.
    pub regions: Vec<RegionPrompts>,
    /// How often each cell is repeated.
    pub samples: u16,
    /// How the models are to sample.
    pub sampling: Sampling,
    /// Lanes of each region, at most one a question.
    pub lanes_per_region: u16,
    /// Lowest completed ÷ expected of a completed job, 0 to 1.
    pub min_success_rate: f64,
    /// Fewest regions with a completed execution of a completed job.
    pub min_regions: u16,
    /// When the job stops early.
    pub stop: Stop,
    /// Questions in a row without a completed execution that make a region failed.
    pub stop_after: u32,
    /// The job's time budget, seconds; absent: derived from its length.
    pub timeout_seconds: Option<u64>,
    /// What providers may charge for the job before it stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost: Option<Dollars>,
}

/// One entry of the question list: a question in one variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Question {
    /// Shared by all variants.
    pub id: QuestionId,
    /// How it is put.
    pub variant: VariantName,
    /// What is asked.
    pub text: String,
    /// For grouping in analysis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// For grouping in analysis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Index into each region's [`RegionPrompts::system`].
    pub prompt: u16,
    /// Of a control question: texts of which a right answer holds at least one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<String>,
}

/// A region and the system messages composed for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RegionPrompts {
    /// Canonical region.
    pub region: Region,
    /// The region as the client wrote it.
    pub asked: String,
    /// One a named prompt, in the specification's order; none where no system message is sent.
    pub system: Vec<Option<String>>,
}

/// Sampling parameters sent with every call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sampling {
    /// 0 to 2.
    pub temperature: f64,
    /// Most tokens to generate.
    pub max_tokens: u32,
    /// Where the provider takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// 0 to 1, where the provider takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
}

/// When a job stops before its last question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// When a region has only failures for `stop_after` questions in a row.
    RegionFailure,
    /// As soon as `min_success_rate` or `min_regions` cannot be reached any more.
    Unreachable,
    /// Never.
    Never,
}

/// SHA-256 of a specification's JSON, lower-case hex: tells whether two submissions are the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SpecHash(pub String);

impl SpecHash {
    /// The hash of a specification in its stored form.
    pub fn of(json: &[u8]) -> Self {
        Self(hex(&Sha256::digest(json)))
    }
}

impl Spec {
    /// Executions of the whole job.
    pub fn expected(&self) -> u64 {
        self.questions.len() as u64 * self.regions.len() as u64 * self.pairs_of_question() as u64
    }

    /// Executions of one question in one region: models × samples.
    pub fn pairs_of_question(&self) -> usize {
        self.models.len() * usize::from(self.samples)
    }

    /// The pairs of a question in a region: models in their order, the samples of one together.
    pub fn pairs(
        &self,
        job: &JobId,
        question: QuestionIndex,
        region: &Region,
    ) -> impl Iterator<Item = ExecutionId> {
        let samples = self.samples;
        self.models.iter().flat_map(move |model| {
            (0..samples).map(move |sample| ExecutionId {
                job: job.clone(),
                question,
                model: model.clone(),
                region: region.clone(),
                sample: Sample(sample),
            })
        })
    }

    /// All lanes, region by region.
    pub fn lanes(&self) -> impl Iterator<Item = LaneId> + '_ {
        self.regions.iter().flat_map(|prompts| {
            (0..self.lanes_per_region).map(|k| LaneId { region: prompts.region.clone(), k })
        })
    }

    /// Questions of lane `k`: those with index ≡ k modulo the lanes of a region.
    pub fn lane_length(&self, k: u16) -> u32 {
        let (questions, lanes) = (self.questions.len(), usize::from(self.lanes_per_region));
        let length = (questions + lanes - 1 - usize::from(k)) / lanes;
        u32::try_from(length).unwrap_or(u32::MAX)
    }

    /// The entry of the question list.
    pub fn question(&self, index: QuestionIndex) -> Option<&Question> {
        self.questions.get(usize::try_from(index.0).ok()?)
    }

    /// The entry that a pair asks, if the pair is one of the job's.
    pub fn question_of(&self, id: &ExecutionId) -> Option<&Question> {
        let there = self.region(&id.region).is_some()
            && self.models.contains(&id.model)
            && id.sample.0 < self.samples;
        self.question(id.question).filter(|_| there)
    }

    /// The region's prompts, if it is one of the job's.
    pub fn region(&self, region: &Region) -> Option<&RegionPrompts> {
        self.regions.iter().find(|prompts| prompts.region == *region)
    }

    /// What a question sends in a region, if both are of this job.
    pub fn prompt<'a>(&'a self, question: &'a Question, region: &Region) -> Option<Prompt<'a>> {
        let system = self.region(region)?.system.get(usize::from(question.prompt))?;
        Some(Prompt { system: system.as_deref(), question: &question.text })
    }
}
