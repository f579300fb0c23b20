//! Runs of a job: which pairs each is for.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Actor;
use crate::id::{ExecutionId, ModelId, Nonce, QuestionId, Run};
use crate::region::Region;

/// Runs that a job may have.
pub const MAX_RUNS: u32 = 20;
/// Retries of a pair after which it is not retried by itself any more.
pub const MAX_RETRIES: u32 = 3;

/// Which pairs a run is for; of those only the ones without a completed row are asked. What is empty
/// selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Of these regions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<Region>,
    /// Of these models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelId>,
    /// Of these questions, all variants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<QuestionId>,
    /// This pair alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<ExecutionId>,
}

impl Selection {
    /// Whether it selects every pair.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it selects some pair of a region.
    pub fn takes_region(&self, region: &Region) -> bool {
        let one = self.execution.as_ref().is_none_or(|id| id.region == *region);
        one && (self.regions.is_empty() || self.regions.contains(region))
    }

    /// What it selects of one question in one region: where it takes the two, it need not name them,
    /// nor the thousands of others that it may.
    pub(crate) fn at(&self, region: &Region, question: &QuestionId) -> Self {
        let asked = self.questions.is_empty() || self.questions.contains(question);
        if !asked || !self.takes_region(region) {
            return self.clone();
        }
        let (models, execution) = (self.models.clone(), self.execution.clone());
        Self { regions: Vec::new(), models, questions: Vec::new(), execution }
    }

    /// Whether it selects a pair, whose question has this id.
    pub fn takes(&self, id: &ExecutionId, question: &QuestionId) -> bool {
        self.takes_region(&id.region)
            && self.execution.as_ref().is_none_or(|one| one == id)
            && (self.models.is_empty() || self.models.contains(&id.model))
            && (self.questions.is_empty() || self.questions.contains(question))
    }
}

/// A run of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// Its number.
    pub run: Run,
    /// When it was asked for.
    pub at: Timestamp,
    /// Which function accepted it.
    pub who: Actor,
    /// Whose token asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The words of whom asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Which pairs.
    #[serde(default, skip_serializing_if = "Selection::is_everything")]
    pub selection: Selection,
    /// How many of those had no completed row.
    pub executions: u64,
    /// Drawn for the request, or derived from its idempotency key: a repeated one is the same run.
    pub request: Nonce,
}

/// Whether a run is for a pair. Run 1 is for all; runs of which nothing is known are for none.
pub fn is_for(runs: &[RunRecord], run: Run, id: &ExecutionId, question: &QuestionId) -> bool {
    let record = runs.iter().find(|record| record.run == run);
    run == Run::FIRST || record.is_some_and(|record| record.selection.takes(id, question))
}

/// Runs after the first that were for a pair: its retries.
pub fn retries(runs: &[RunRecord], id: &ExecutionId, question: &QuestionId) -> u32 {
    let later = runs.iter().filter(|record| record.run > Run::FIRST);
    let count = later.filter(|record| record.selection.takes(id, question)).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
