//! What a job will use and cost at most, computed from its specification before anything runs.
//!
//! The counts follow from the design: which of them are measured, and where, stands at each constant.

mod analysis;
mod aws;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use analysis::AnalysisEstimate;
pub use aws::{AWS, AwsPrice, AwsPrices};

use crate::message::PAGE;
use crate::money::Dollars;
use crate::price::{Prices, ProviderEstimate};
use crate::spec::Spec;
use crate::time_budget;
use crate::wire::MAX_RESPONSE_BYTES;

/// How long a question is thought to take where nobody says.
pub const LATENCY: Duration = Duration::from_secs(10);

/// Bytes of a row beside its answer: some 210 of its attributes' names and 400 of what they hold, with
/// ids of a usual length. A provider's own receipt, where it sends one, is not in it.
const ROW_BYTES: u64 = 620;
/// Bytes of an answer for each token that `max_tokens` allows, the usual figure for English.
const TOKEN_BYTES: u64 = 4;
/// A write unit is so many bytes of an item, a read unit four times as many.
const WRITE_UNIT_BYTES: u64 = 1024;
const READ_UNIT_BYTES: u64 = 4096;
/// Writes of a lane for each of its questions: gate and finish, a unit each
/// (`tests/tests/system/units.rs`).
const LANE_WRITES: u64 = 2;
/// Write units of a job beside rows and lanes: specification, submit, start, and the final status,
/// which the job's own count leaves out. `tests/tests/system/cost.rs` holds them against that count.
const JOB_WRITES: u64 = 10;
/// Write units of a lane beside its questions: it is stored in a transaction, which counts twice, and
/// where lanes are dispatched at once all but one are refused the start of the job, two units each.
const LANE_STORED: u64 = 4;
/// Bytes of a lane's item, at most a write unit.
const LANE_BYTES: u64 = 700;
/// Bytes of a job's item with a short log.
const JOB_BYTES: u64 = 2048;
/// Strong reads for each page of a lane: job, lane, specification.
const PAGE_READS: u64 = 4;
/// Requests of a question's message: received, held, deleted. It is sent in batches of ten.
const MESSAGE_REQUESTS: u64 = 3;
const BATCH: u32 = 10;
/// A dispatch or completion message: sent, received, deleted.
const OTHER_REQUESTS: u64 = 3;
/// Megabytes of the inference function, as `template.yaml` has it unless told otherwise.
pub const INFERENCE_MB: u64 = 256;
/// Megabytes of the dispatch function, as `template.yaml` has it.
pub const OTHER_MB: u64 = 128;
/// Megabytes of the coordinator function, as `template.yaml` has it: those of one whole processor.
/// Source: "Configure Lambda function memory", Lambda developer guide.
pub const COORDINATOR_MB: u64 = 1769;
/// What a function takes beside waiting for answers. Assumed: it is not measured on AWS.
const OWN_SECONDS: f64 = 0.1;
/// Bytes logged for an execution (two lines), and for an invocation by the platform (three lines),
/// with the 26 bytes that a log event counts more. Assumed.
const EXECUTION_LOG_BYTES: u64 = 1100;
const INVOCATION_LOG_BYTES: u64 = 500;

/// What a job will use at most, if each of its questions takes so long and none is asked twice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// Seconds that a question is thought to take, all its models asked at once.
    pub latency_seconds: f64,
    /// Executions of the job.
    pub executions: u64,
    /// Its lanes: so many questions are asked at a time.
    pub lanes: u64,
    /// Seconds from the first question to the last answer.
    pub seconds: f64,
    /// `DynamoDB` write request units, with answers as long as `max_tokens` allows.
    pub write_units: u64,
    /// `DynamoDB` read request units.
    pub read_units: u64,
    /// SQS requests.
    pub queue_requests: u64,
    /// Lambda invocations.
    pub lambda_requests: u64,
    /// Lambda time × memory.
    pub gb_seconds: f64,
    /// Bytes of logs.
    pub log_bytes: u64,
    /// Of these none is in the figures above: the answers are analysed once a job is final. Nothing of
    /// an estimate of an earlier release.
    #[serde(default)]
    pub analysis: AnalysisEstimate,
    /// What the providers charge.
    pub provider: ProviderEstimate,
}

impl Estimate {
    /// Of a job of this specification, at these prices of its providers.
    pub fn of(spec: &Spec, prices: &Prices, latency: Duration) -> Self {
        let shape = Shape::of(spec);
        let seconds = latency.as_secs_f64();
        let questions = shape.questions * shape.regions;
        let others = shape.pages + shape.lanes + 1;
        let inference = gigabytes(INFERENCE_MB) * float(questions) * (seconds + OWN_SECONDS);
        let longest = float(shape.questions.div_ceil(shape.lanes_per_region));
        Self {
            latency_seconds: seconds,
            executions: shape.executions,
            lanes: shape.lanes,
            seconds: longest * (seconds + OWN_SECONDS),
            write_units: shape.write_units(questions),
            read_units: shape.read_units(questions, latency),
            queue_requests: questions * (MESSAGE_REQUESTS + renewals(latency))
                + shape.batches
                + OTHER_REQUESTS * (shape.pages + shape.lanes),
            lambda_requests: questions + others,
            gb_seconds: inference
                + gigabytes(OTHER_MB) * float(shape.pages) * OWN_SECONDS
                + gigabytes(COORDINATOR_MB) * float(shape.lanes + 1) * OWN_SECONDS,
            log_bytes: shape.executions * EXECUTION_LOG_BYTES
                + (questions + others) * INVOCATION_LOG_BYTES,
            analysis: AnalysisEstimate::of(shape),
            provider: prices.estimate(spec, latency),
        }
    }

    /// What AWS charges for it.
    pub fn aws(&self, prices: &AwsPrices) -> AwsCost {
        AwsCost {
            write_units: prices.write_unit.of(float(self.write_units)),
            read_units: prices.read_unit.of(float(self.read_units)),
            queue_requests: prices.queue_request.of(float(self.queue_requests)),
            lambda_requests: prices.lambda_request.of(float(self.lambda_requests)),
            gb_seconds: prices.gb_second.of(self.gb_seconds),
            logs: prices.log_byte.of(float(self.log_bytes)),
            analysis: self.analysis.aws(prices),
        }
    }
}

/// What AWS charges for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsCost {
    /// For writing.
    pub write_units: Dollars,
    /// For reading.
    pub read_units: Dollars,
    /// For the queues.
    pub queue_requests: Dollars,
    /// For invocations.
    pub lambda_requests: Dollars,
    /// For their time.
    pub gb_seconds: Dollars,
    /// For what they log.
    pub logs: Dollars,
    /// For analysing the answers, all of it.
    pub analysis: Dollars,
}

impl AwsCost {
    /// All of it.
    pub fn total(&self) -> Dollars {
        let Self { write_units, read_units, queue_requests, .. } = *self;
        let Self { lambda_requests, gb_seconds, logs, analysis, .. } = *self;
        [write_units, read_units, queue_requests, lambda_requests, gb_seconds, logs, analysis]
            .into_iter()
            .sum()
    }
}

/// What of a specification the counts depend on.
#[derive(Debug, Clone, Copy)]
struct Shape {
    executions: u64,
    questions: u64,
    regions: u64,
    lanes: u64,
    lanes_per_region: u64,
    pages: u64,
    batches: u64,
    answer_bytes: u64,
    is_limited: bool,
}

impl Shape {
    fn of(spec: &Spec) -> Self {
        let regions = spec.regions.len() as u64;
        let lanes_per_region = u64::from(spec.lanes_per_region);
        let of_region = |each: u32| {
            let lengths = (0..spec.lanes_per_region).map(|k| spec.lane_length(k).div_ceil(each));
            regions * lengths.map(u64::from).sum::<u64>()
        };
        let longest = u64::from(spec.sampling.max_tokens) * TOKEN_BYTES;
        Self {
            executions: spec.expected(),
            questions: spec.questions.len() as u64,
            regions,
            lanes: regions * lanes_per_region,
            lanes_per_region,
            pages: of_region(PAGE),
            batches: of_region(BATCH),
            answer_bytes: longest.min(MAX_RESPONSE_BYTES as u64),
            is_limited: spec.max_cost.is_some(),
        }
    }

    fn write_units(&self, questions: u64) -> u64 {
        let row = (ROW_BYTES + self.answer_bytes).div_ceil(WRITE_UNIT_BYTES);
        self.executions * row + LANE_WRITES * questions + LANE_STORED * self.lanes + JOB_WRITES
    }

    fn read_units(&self, questions: u64, latency: Duration) -> u64 {
        // Whoever waits looks at its lane; with a limit of cost all lanes are read before a question.
        let looks = latency.as_secs() / time_budget::LOOK.as_secs();
        let whole = (JOB_BYTES + LANE_BYTES * self.lanes).div_ceil(READ_UNIT_BYTES);
        let limit = if self.is_limited { whole } else { 0 };
        // Each lane that closes has the coordinator read the job.
        questions * (looks + limit) + PAGE_READS * self.pages + whole * (self.lanes + 1)
    }
}

/// How often a message is kept hidden while its question is out, after the first time.
fn renewals(latency: Duration) -> u64 {
    latency.as_secs() / time_budget::RENEW.as_secs()
}

fn gigabytes(megabytes: u64) -> f64 {
    float(megabytes) / 1024.0
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
