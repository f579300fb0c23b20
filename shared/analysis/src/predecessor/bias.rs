//! `GET /api/v2/jobs/{id}/bias-analysis`.

use std::collections::BTreeMap;

use beacon_core::view::cross_region_execution_id;
use beacon_core::{JobId, Region};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::metrics::region_scores;
use super::{Metrics, RegionScore};
use crate::findings::Findings;

/// A job's findings in the predecessor's shape.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BiasAnalysis {
    /// The job.
    pub job_id: JobId,
    /// A UUID made from the job's id.
    pub cross_region_execution_id: String,
    /// What was found.
    pub analysis: StoredMetrics,
    /// Regions with a completed answer.
    pub region_scores: BTreeMap<Region, RegionScore>,
    /// When the job was accepted.
    pub created_at: Timestamp,
}

/// What was found, and when it was computed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StoredMetrics {
    /// The same UUID: a job has one analysis.
    pub id: String,
    /// A UUID made from the job's id.
    pub cross_region_execution_id: String,
    /// What was found.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// When it was computed.
    pub created_at: Timestamp,
    /// When it was computed.
    pub updated_at: Timestamp,
}

impl BiasAnalysis {
    /// Of the findings of a job that was accepted and analysed then.
    pub fn new(findings: &Findings, accepted: Timestamp, analysed: Timestamp) -> Self {
        let id = cross_region_execution_id(&findings.job_id);
        Self {
            job_id: findings.job_id.clone(),
            cross_region_execution_id: id.clone(),
            analysis: StoredMetrics {
                id: id.clone(),
                cross_region_execution_id: id,
                metrics: Metrics::new(findings),
                created_at: analysed,
                updated_at: analysed,
            },
            region_scores: region_scores(findings).collect(),
            created_at: accepted,
        }
    }
}
