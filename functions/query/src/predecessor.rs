//! Analysis under the predecessor's addresses, in its shapes and words.

use beacon_analysis::predecessor::{
    AskedEverywhere, BiasAnalysis, CrossRegionDiff, CrossRegionQuestion, DiffAnalysis,
    DiffExecution,
};
use beacon_aws::{ApiError, SpecifiedJob, clock, json};
use beacon_core::spec::Spec;
use beacon_core::view::{ExecutionView, Source};
use beacon_core::{ExecutionId, JobId, QuestionIndex};
use futures_util::{StreamExt, TryStreamExt, stream};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use serde_json::value::to_raw_value;

use crate::Query;
use crate::filter::Filter;
use crate::parameters::Parameters;

/// Rows that are read at a time.
const AT_ONCE: usize = 16;
/// Characters of a name that an error repeats.
const NAME: usize = 200;

impl Query {
    pub(crate) async fn bias_analysis(&self, id: &JobId) -> Result<Response<Body>, ApiError> {
        let job = self.table.job(id).await?.ok_or(ApiError::NoSuchJobOrAnalysis)?;
        let stored = self.table.analysis(id, job.run).await?;
        let stored = stored.ok_or(ApiError::NoBiasAnalysis)?;
        let findings = self.table.findings_of(id, &stored).await?;
        json(StatusCode::OK, &BiasAnalysis::new(&findings, job.created_at, stored.at))
    }

    /// One question put to one model, in every region.
    pub(crate) async fn cross_region(
        &self,
        id: &JobId,
        parameters: &Parameters,
    ) -> Result<Response<Body>, ApiError> {
        let model = parameters.required("model_id")?;
        let question = parameters.required("question_id")?;
        let (variant, sample) = (parameters.text(&["variant"]), parameters.sample()?);
        let cut = |text: &str| text.chars().take(NAME).collect();
        let nothing = || ApiError::NoExecutions {
            job: id.clone(),
            model: cut(model),
            question: cut(question),
        };
        let of = self.table.specified_job(id).await?.ok_or_else(nothing)?;
        let SpecifiedJob { job, spec, .. } = &of;
        let model = spec.models.iter().find(|of| of.as_str() == model).ok_or_else(nothing)?;
        let index = entry(spec, question, variant).ok_or_else(nothing)?;
        if sample.0 >= spec.samples {
            return Err(nothing());
        }
        let pairs = spec.regions.iter().map(|prompts| ExecutionId {
            job: id.clone(),
            question: index,
            model: model.clone(),
            region: prompts.region.clone(),
            sample,
        });
        let views = self.views(&of.source(), pairs.collect()).await?;
        let next = QuestionIndex(index.0.saturating_add(1));
        let aggregates = self.table.aggregates(id, job.run, index, next).await?;
        let aggregate = aggregates.first();
        let asked = AskedEverywhere { spec, model, views, aggregate };
        json(StatusCode::OK, &CrossRegionQuestion::new(id.clone(), job.created_at, asked)?)
    }

    async fn views(
        &self,
        source: &Source<'_>,
        pairs: Vec<ExecutionId>,
    ) -> Result<Vec<ExecutionView>, ApiError> {
        let read = stream::iter(pairs)
            .map(async |id| {
                let row = self.table.row(&id).await?;
                source
                    .view(id.clone(), row)
                    .ok_or_else(|| ApiError::NoSuchExecution(id.to_string()))
            })
            .buffered(AT_ONCE);
        read.try_collect().await
    }

    /// A page of a job's completed answers, beside what was found in all.
    pub(crate) async fn cross_region_diff(
        &self,
        id: &JobId,
        parameters: &Parameters,
    ) -> Result<Response<Body>, ApiError> {
        let of = self.specified_job(id).await?;
        let findings = self.table.findings(id, of.job.run).await?;
        let analysis = DiffAnalysis::new(findings.as_ref());
        let filter = Filter::of_completed(parameters, &of.spec)?;
        let beside = serde_json::to_string(&analysis)?.len();
        let shape = |view: &ExecutionView| to_raw_value(&DiffExecution::from(view));
        let page = self.page_of(&of.source(), parameters, &filter, beside, shape).await?;
        let view = CrossRegionDiff {
            job_id: of.job.id.clone(),
            total_regions: of.spec.regions.len(),
            executions: page.executions,
            analysis,
            generated_at: clock::now(),
            cursor: page.cursor,
            limit: page.limit,
        };
        json(StatusCode::OK, &view)
    }
}

/// The entry of the question list: the variant, or the question's first.
fn entry(spec: &Spec, question: &str, variant: Option<&str>) -> Option<QuestionIndex> {
    let index = spec.questions.iter().position(|entry| {
        let is_variant = variant.is_none_or(|variant| entry.variant.as_str() == variant);
        entry.id.as_str() == question && is_variant
    });
    u32::try_from(index?).ok().map(QuestionIndex)
}
