//! What the analysis of a job's answers uses at most, once the job is final.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AwsPrices, COORDINATOR_MB, JOB_BYTES, LANE_BYTES, READ_UNIT_BYTES, ROW_BYTES, Shape,
    WRITE_UNIT_BYTES, float, gigabytes,
};
use crate::money::Dollars;

/// Bytes of the item with a question's judgements in one region, beside the judgements. Assumed; that ten
/// judgements with it are one write unit is measured by `--bin analysis` of the tests (decision 0018).
const VERDICTS_BYTES: u64 = 200;
/// Bytes of a judgement in it, compressed. Assumed, within what was measured.
const JUDGEMENT_BYTES: u64 = 60;
/// Bytes of an execution in aggregates and findings, compressed: twice what `--bin analysis` of the tests
/// measures.
const COUNTED_BYTES: u64 = 8;
/// Writes of the job's item, each of its index too: begun, ended.
const JOB_WRITES: u64 = 2 * (JOB_BYTES / WRITE_UNIT_BYTES + 1);
/// Seconds for each execution: read, its text judged, compared with the others, counted. As measured
/// there with answers of 2 KB; on AWS it is not measured.
const SECONDS: f64 = 0.0005;

/// Bytes of a leaf of the root: its hash, its place, and its share of the root of its part.
const LEAF_BYTES: u64 = 39;
/// Writes of a root beside its leaves: itself, and whose was last.
const ROOT_WRITES: u64 = 3;

/// What an analysis uses, and the root that is signed before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnalysisEstimate {
    /// `DynamoDB` write request units: leaves, root, judgements, aggregates, findings.
    pub write_units: u64,
    /// `DynamoDB` read request units: every row twice.
    pub read_units: u64,
    /// Lambda time × memory.
    pub gb_seconds: f64,
}

impl AnalysisEstimate {
    pub(super) fn of(shape: Shape) -> Self {
        let questions = shape.questions * shape.regions;
        let pairs = shape.executions / questions.max(1);
        let verdicts = (VERDICTS_BYTES + JUDGEMENT_BYTES * pairs).div_ceil(WRITE_UNIT_BYTES);
        let aggregates = (COUNTED_BYTES * shape.executions).div_ceil(WRITE_UNIT_BYTES);
        let rows = shape.executions * (ROW_BYTES + shape.answer_bytes);
        // A window of questions is read region by region, rows and what is said of them.
        let windows = 2 * questions;
        let leaves = (LEAF_BYTES * shape.executions).div_ceil(WRITE_UNIT_BYTES) + ROOT_WRITES;
        let whole = (JOB_BYTES + LANE_BYTES * shape.lanes).div_ceil(READ_UNIT_BYTES);
        Self {
            write_units: leaves + questions * verdicts + aggregates + JOB_WRITES + 2,
            read_units: 2 * rows.div_ceil(READ_UNIT_BYTES) + windows + 2 * whole,
            gb_seconds: gigabytes(COORDINATOR_MB) * float(shape.executions) * SECONDS,
        }
    }

    pub(super) fn aws(&self, prices: &AwsPrices) -> Dollars {
        let units = [
            prices.write_unit.of(float(self.write_units)),
            prices.read_unit.of(float(self.read_units)),
            prices.gb_second.of(self.gb_seconds),
        ];
        units.into_iter().sum()
    }
}
