//! What was found in a job, and what it was found from.

use beacon_analysis::answer::{AggregatesPage, FindingsPage};
use beacon_analysis::manifest::{FORMAT, Manifest, ManifestPage};
use beacon_analysis::page::{Cut, PAGE_BYTES};
use beacon_aws::{ApiError, SpecifiedJob, StoredAnalysis, clock, json};
use beacon_core::job::Job;
use beacon_core::view::JobView;
use beacon_core::{JobId, QuestionIndex};
use jiff::Timestamp;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};

use crate::Query;
use crate::parameters::Parameters;

/// Items of aggregates that are read at a time: of each at most some 200 KB of JSON, so that these about
/// fill a page.
const READ_ITEMS: u32 = 20;

impl Query {
    pub(crate) async fn findings(
        &self,
        id: &JobId,
        parameters: &Parameters,
    ) -> Result<Response<Body>, ApiError> {
        let from = parameters.first_entry()?;
        let (job, of) = self.analysed(id).await?;
        let findings = self.table.findings_of(id, &of).await?;
        let page = FindingsPage::cut(findings, of.made_from(), from)?;
        json(StatusCode::OK, &FindingsPage { is_due: job.analysis.due.is_some(), ..page })
    }

    pub(crate) async fn aggregates(
        &self,
        id: &JobId,
        parameters: &Parameters,
    ) -> Result<Response<Body>, ApiError> {
        let (limit, first) = (parameters.limit(200, 1000)?, parameters.first_entry()?);
        let (job, of) = self.analysed(id).await?;
        let total = job.questions;
        let mut at = u32::try_from(first).unwrap_or(u32::MAX).min(total);
        let last = at.saturating_add(u32::try_from(limit).unwrap_or(u32::MAX)).min(total);
        let (mut aggregates, mut room) = (Vec::new(), PAGE_BYTES);
        while at < last {
            let until = last.min(of.question_after(at, READ_ITEMS));
            let (from, next) = (QuestionIndex(at), QuestionIndex(until));
            let read = self.table.aggregates_of(id, &of, from, next).await?;
            let (mut cut, read_all) = (Cut::new(0, room), read.len());
            let taken = cut.take(read)?;
            at += u32::try_from(taken.len()).unwrap_or(u32::MAX);
            let is_full = taken.len() < read_all;
            aggregates.extend(taken);
            room = cut.room();
            if is_full || room == 0 {
                break;
            }
        }
        let cursor = (at < total).then(|| at.to_string());
        let (total, analysis) = (u64::from(total), of.made_from());
        json(StatusCode::OK, &AggregatesPage { aggregates, analysis, cursor, limit, total })
    }

    pub(crate) async fn manifest(
        &self,
        id: &JobId,
        parameters: &Parameters,
    ) -> Result<Response<Body>, ApiError> {
        let from = parameters.first_entry()?;
        let of = self.specified_job(id).await?;
        json(StatusCode::OK, &ManifestPage::cut(manifest_of(&of, clock::now()), from)?)
    }

    /// A job that has ended, and the analysis of it that is stored.
    ///
    /// # Errors
    /// Without such a job, before it has ended and was analysed, and where the table does not answer.
    pub async fn analysed(&self, id: &JobId) -> Result<(Job, StoredAnalysis), ApiError> {
        let job = self.table.job(id).await?.ok_or_else(|| ApiError::NoSuchJob(id.clone()))?;
        if !job.status.is_final() {
            return Err(ApiError::NotEnded { job: job.id, status: job.status });
        }
        let stored = self.table.analysis(id, job.run).await?;
        let stored = stored.ok_or_else(|| ApiError::not_analysed(&job, clock::now()))?;
        Ok((job, stored))
    }
}

/// What a job ran and how it went, as of that moment.
pub fn manifest_of(of: &SpecifiedJob, now: Timestamp) -> Manifest {
    let SpecifiedJob { job, lanes, spec } = of;
    Manifest {
        format: FORMAT.to_owned(),
        software: env!("CARGO_PKG_VERSION").to_owned(),
        job: JobView::new(job, lanes, now),
        spec: spec.clone(),
        spec_sha256: job.spec_hash.clone(),
    }
}
