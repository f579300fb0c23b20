//! `GET` and `POST /api/v1/executions/{id}/cross-region-diff`.

use beacon_core::execution::ExecutionStatus;
use beacon_core::view::{ExecutionView, OutputView};
use beacon_core::{
    ExecutionId, JobId, ModelId, ProviderId, QuestionId, Region, Sample, VariantName,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Metrics;
use super::metrics::region_scores;
use crate::findings::Findings;

/// A job's completed answers beside its findings, in the predecessor's shape.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "CrossRegionDiff")]
pub struct CrossRegionDiff<T = DiffExecution> {
    /// The job.
    pub job_id: JobId,
    /// Its regions.
    pub total_regions: usize,
    /// A page of its completed executions.
    pub executions: Vec<T>,
    /// What was found in all of them, or why there is nothing.
    pub analysis: DiffAnalysis,
    /// When this was answered.
    pub generated_at: Timestamp,
    /// For the next page; null on the last.
    pub cursor: Option<String>,
    /// Executions of a page at most.
    pub limit: usize,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum DiffAnalysis {
    /// Nothing.
    Error {
        /// Why.
        error: String,
    },
    /// This.
    Found {
        /// As of the job.
        #[serde(flatten)]
        metrics: Box<Metrics>,
        /// Regions with a completed answer.
        regions_analyzed: usize,
        /// Completed answers.
        responses_found: u64,
    },
}

impl DiffAnalysis {
    /// Of a job's findings, if it was analysed.
    pub fn new(findings: Option<&Findings>) -> Self {
        let Some(findings) = findings else {
            let error = format!("{}; it is when it has ended", super::NOT_ANALYSED);
            return Self::Error { error };
        };
        let regions_analyzed = region_scores(findings).count();
        if regions_analyzed < 2 {
            let error = "Need at least 2 regions for cross-region analysis".to_owned();
            return Self::Error { error };
        }
        Self::Found {
            metrics: Box::new(Metrics::new(findings)),
            regions_analyzed,
            responses_found: findings.denominators.completed,
        }
    }
}

/// A completed execution.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DiffExecution {
    /// Its id.
    pub id: ExecutionId,
    /// The region asked, canonical.
    pub region: Region,
    /// The model asked.
    pub model_id: ModelId,
    /// The question.
    pub question_id: QuestionId,
    /// How it was put.
    pub variant: VariantName,
    /// Which repetition.
    pub sample: Sample,
    /// Absent where the answer does not say.
    pub provider_id: Option<ProviderId>,
    /// `completed`.
    pub status: ExecutionStatus,
    /// When the first attempt began.
    pub started_at: Option<Timestamp>,
    /// When the answer was known.
    pub completed_at: Option<Timestamp>,
    /// The answer.
    pub output_data: Option<OutputView>,
}

impl From<&ExecutionView> for DiffExecution {
    fn from(view: &ExecutionView) -> Self {
        let row = view.row.as_ref();
        Self {
            id: view.id.clone(),
            region: view.region.clone(),
            model_id: view.model_id.clone(),
            question_id: view.question_id.clone(),
            variant: view.variant.clone(),
            sample: view.sample,
            provider_id: row.and_then(|row| row.provider_id.clone()),
            status: view.status,
            started_at: row.map(|row| row.started_at),
            completed_at: row.map(|row| row.completed_at),
            output_data: view.output.clone(),
        }
    }
}
