//! `GET /api/v1/executions/{id}/cross-region`: one question, one model, all regions.

use beacon_core::execution::ExecutionStatus;
use beacon_core::spec::Spec;
use beacon_core::view::{ExecutionView, OutputView};
use beacon_core::{ExecutionId, JobId, ModelId, ProviderId, Region};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::claim::KeyDifference;
use super::{
    NO_FACTS, NO_RECOMMENDATION, NOT_ANALYSED, ONE_REGION, Reasons, RegionScore, reasons, shown,
    variance,
};
use crate::aggregate::QuestionAggregate;
use crate::estimate::{Estimate, mean, real};
use crate::findings::Tally;
use crate::page::{PAGE_BYTES, escaped_bytes};

/// What is told.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CrossRegionQuestion {
    /// What was asked of whom.
    pub cross_region_execution: QuestionExecution,
    /// Region by region, in the specification's order.
    pub region_results: Vec<RegionResult>,
    /// The question's answers in all regions, all samples.
    pub analysis: QuestionMetrics,
    /// Counts.
    pub summary: QuestionSummary,
}

/// What was asked of whom.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct QuestionExecution {
    /// The job.
    pub job_id: JobId,
    /// The model.
    pub model_id: ModelId,
    /// When the job was accepted.
    pub created_at: Timestamp,
    /// Whether all regions completed.
    pub status: CrossRegionState,
}

/// How many regions completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CrossRegionState {
    /// All.
    Completed,
    /// Some, or others may yet.
    Partial,
    /// None, and all have ended.
    Failed,
}

/// A region's answer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RegionResult {
    /// Canonical.
    pub region: Region,
    /// Such as `US`.
    pub region_code: String,
    /// For people.
    pub region_name: String,
    /// An emoji.
    pub flag: &'static str,
    /// Where it is.
    pub status: ExecutionStatus,
    /// Absent where the answer does not say.
    pub provider_id: Option<ProviderId>,
    /// Its id.
    pub execution_id: ExecutionId,
    /// When the first attempt began.
    pub started_at: Option<Timestamp>,
    /// When the answer or the failure was known.
    pub completed_at: Option<Timestamp>,
    /// Between the two.
    pub duration_ms: Option<u64>,
    /// The answer; null where there is none, or the page is full.
    pub execution_output: Option<OutputView>,
    /// Of all samples; null where nothing completed, or nothing is analysed.
    pub scoring: Option<RegionScore>,
    /// Why there is no answer.
    pub error: Option<String>,
    /// Why fields are null.
    pub reasons: Reasons,
}

/// What the predecessor said of one question.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct QuestionMetrics {
    /// Population variance over regions of their share of refusals, to two decimals.
    pub bias_variance: Option<f64>,
    /// Share of completed answers that refuse, wholly or in part, or were withheld.
    pub censorship_rate: Option<f64>,
    /// Null.
    pub factual_consistency: Option<()>,
    /// Mean Jaccard distance between texts of different regions, 0 to 1.
    pub narrative_divergence: Option<f64>,
    /// Empty: no test of one question is corrected for all the others.
    pub key_differences: Vec<KeyDifference>,
    /// Says the variance in percent.
    pub summary: Option<String>,
    /// Null.
    pub recommendation: Option<()>,
    /// Why fields are null, or empty.
    pub reasons: Reasons,
}

/// Counts over regions.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct QuestionSummary {
    /// Regions of the job.
    pub total_regions: usize,
    /// Those whose answer is there.
    pub completed_regions: usize,
    /// Those that failed or timed out.
    pub failed_regions: usize,
    /// By the variance of the regions' scores; null where there is none. No test.
    pub risk_level: Option<RiskLevel>,
    /// The greatest of the regions' scores.
    pub max_bias_score: Option<f64>,
    /// The least of the regions' scores.
    pub min_bias_score: Option<f64>,
    /// Bytes, a mean over the regions whose answer is there.
    pub avg_response_length: Option<f64>,
    /// Why fields are null.
    pub reasons: Reasons,
}

/// The predecessor's name for a variance of the regions' scores. Of shares that is 0.25 at most, so that
/// none is high.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    /// Below 0.1.
    Low,
    /// Below 0.3.
    Medium,
    /// All others.
    High,
}

impl RiskLevel {
    pub(super) fn of(variance: f64) -> Self {
        if variance < 0.1 {
            Self::Low
        } else if variance < 0.3 {
            Self::Medium
        } else {
            Self::High
        }
    }
}

/// One question put to one model, in every region of the job.
#[derive(Debug)]
pub struct AskedEverywhere<'a> {
    /// The job's specification.
    pub spec: &'a Spec,
    /// The model.
    pub model: &'a ModelId,
    /// The pairs, in the order of the specification's regions.
    pub views: Vec<ExecutionView>,
    /// The question's; none until the job is analysed.
    pub aggregate: Option<&'a QuestionAggregate>,
}

impl CrossRegionQuestion {
    /// What is told of it; `job_id` is that of a job accepted then.
    ///
    /// # Errors
    /// Where an answer cannot be written as JSON.
    pub fn new(
        job_id: JobId,
        accepted: Timestamp,
        asked: AskedEverywhere<'_>,
    ) -> Result<Self, serde_json::Error> {
        let scores = Scores::new(&asked);
        let AskedEverywhere { model, views, .. } = asked;
        let count = |wanted: fn(ExecutionStatus) -> bool| {
            views.iter().filter(|view| wanted(view.status)).count()
        };
        let total_regions = views.len();
        let completed_regions = count(|status| status == ExecutionStatus::Completed);
        let failed_regions =
            count(|status| matches!(status, ExecutionStatus::Failed | ExecutionStatus::TimedOut));
        let open =
            count(|status| matches!(status, ExecutionStatus::Pending | ExecutionStatus::Running));
        let status = match (completed_regions, open) {
            (completed, _) if completed == total_regions => CrossRegionState::Completed,
            (0, 0) => CrossRegionState::Failed,
            (_, _) => CrossRegionState::Partial,
        };
        let lengths: Vec<f64> =
            views.iter().filter_map(|view| view.response_length).map(real).collect();
        let summary = QuestionSummary {
            total_regions,
            completed_regions,
            failed_regions,
            risk_level: scores.variance().map(RiskLevel::of),
            max_bias_score: scores.known().reduce(f64::max),
            min_bias_score: scores.known().reduce(f64::min),
            avg_response_length: mean(&lengths),
            reasons: scores.missing(["max_bias_score", "min_bias_score"], lengths.is_empty()),
        };
        Ok(Self {
            cross_region_execution: QuestionExecution {
                job_id,
                model_id: model.clone(),
                created_at: accepted,
                status,
            },
            analysis: scores.metrics(),
            region_results: results(views, scores.of_regions)?,
            summary,
        })
    }
}

/// The regions' shares, and how far their texts lie apart.
struct Scores {
    is_analysed: bool,
    /// A region's in the specification's order.
    tallies: Vec<Tally>,
    of_regions: Vec<Option<RegionScore>>,
    distance: Option<f64>,
    why_no_distance: Option<String>,
}

impl Scores {
    fn new(asked: &AskedEverywhere<'_>) -> Self {
        let regions = asked.spec.regions.len();
        let position = asked.spec.models.iter().position(|model| model == asked.model);
        let of_model = asked.aggregate.zip(position);
        let cells =
            of_model.and_then(|(of, model)| of.cells.get(model * regions..)?.get(..regions));
        let tallies: Vec<Tally> =
            cells.unwrap_or_default().iter().map(|cell| cell.categories().collect()).collect();
        let texts = of_model.and_then(|(of, model)| of.texts.get(model));
        let (distance, why_no_distance) = match texts.map(|texts| texts.between) {
            Some(Estimate::Known(distances)) => (Some(distances.jaccard), None),
            Some(Estimate::Absent(reason)) => (None, Some(reason.to_string())),
            None => (None, Some(NOT_ANALYSED.to_owned())),
        };
        let of_regions =
            tallies.iter().map(|tally| RegionScore::new(tally.strict, tally.completed));
        Self {
            is_analysed: cells.is_some(),
            of_regions: of_regions.collect(),
            tallies,
            distance,
            why_no_distance,
        }
    }

    fn known(&self) -> impl Iterator<Item = f64> {
        self.of_regions.iter().flatten().map(|score| score.bias_score)
    }

    /// Why there is no score.
    fn why(&self) -> &'static str {
        if self.is_analysed { "nothing completed" } else { NOT_ANALYSED }
    }

    fn variance(&self) -> Option<f64> {
        variance(&self.known().collect::<Vec<f64>>())
    }

    fn why_no_variance(&self) -> &'static str {
        if self.is_analysed { ONE_REGION } else { NOT_ANALYSED }
    }

    fn missing(&self, fields: [&'static str; 2], no_lengths: bool) -> Reasons {
        let mut reasons = Reasons::new();
        if self.variance().is_none() {
            reasons.insert("risk_level", self.why_no_variance().to_owned());
        }
        if self.known().next().is_none() {
            reasons.extend(fields.map(|field| (field, self.why().to_owned())));
        }
        if no_lengths {
            reasons.insert("avg_response_length", "nothing completed".to_owned());
        }
        reasons
    }

    fn metrics(&self) -> QuestionMetrics {
        const NO_TEST: &str = "one question alone is not tested; see the job's findings";
        let mut reasons = reasons([
            ("factual_consistency", NO_FACTS),
            ("key_differences", NO_TEST),
            ("recommendation", NO_RECOMMENDATION),
        ]);
        let variance = self.variance();
        if variance.is_none() {
            for field in ["bias_variance", "summary"] {
                reasons.insert(field, self.why_no_variance().to_owned());
            }
        }
        let all: Tally = self.tallies.iter().copied().sum();
        let censorship_rate = Estimate::share(all.strict, all.completed).known().copied();
        if censorship_rate.is_none() {
            reasons.insert("censorship_rate", self.why().to_owned());
        }
        let why_no_distance = self.why_no_distance.clone();
        reasons.extend(why_no_distance.map(|why| ("narrative_divergence", why)));
        QuestionMetrics {
            bias_variance: variance.map(|variance| (variance * 100.0).round() / 100.0),
            censorship_rate,
            factual_consistency: None,
            narrative_divergence: self.distance,
            key_differences: Vec::new(),
            summary: variance
                .map(|variance| format!("Cross-region bias variance: {:.2}%", 100.0 * variance)),
            recommendation: None,
            reasons,
        }
    }
}

fn results(
    views: Vec<ExecutionView>,
    mut scores: Vec<Option<RegionScore>>,
) -> Result<Vec<RegionResult>, serde_json::Error> {
    let mut room = PAGE_BYTES;
    scores.resize(views.len(), None);
    let mut results = Vec::new();
    for (view, scoring) in views.into_iter().zip(scores) {
        let bytes = escaped_bytes(&serde_json::to_string(&view.output)?);
        let fits = bytes <= room;
        room = room.saturating_sub(if fits { bytes } else { 0 });
        let mut reasons = Reasons::new();
        if !fits {
            let where_else = format!("too large for this page; see /api/v1/executions/{}", view.id);
            reasons.insert("execution_output", where_else);
        }
        let (region_code, region_name, flag) = shown(&view.region);
        let row = view.row.as_ref();
        results.push(RegionResult {
            region_code,
            region_name,
            flag,
            status: view.status,
            provider_id: row.and_then(|row| row.provider_id.clone()),
            started_at: row.map(|row| row.started_at),
            completed_at: row.map(|row| row.completed_at),
            duration_ms: row.map(|row| row.duration_ms),
            execution_output: view.output.filter(|_| fits),
            scoring,
            error: view.failure.map(|failure| failure.message),
            reasons,
            region: view.region,
            execution_id: view.id,
        });
    }
    Ok(results)
}
