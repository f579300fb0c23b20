//! A person's verdict on an answer, and judging a job's answers anew. No row changes.

use beacon_analysis::classify::version;
use beacon_aws::{AnalysisAsked, ApiError, chain, json};
use beacon_core::execution::ExecutionStatus;
use beacon_core::message::CompletionMessage;
use beacon_core::spec::{LabelAsked, limit, parse_label};
use beacon_core::verdict::{Label, VerdictView};
use beacon_core::view::{ClassifyAccepted, ExecutionView};
use beacon_core::{ExecutionId, JobId};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use tracing::{info, warn};

use crate::{Intake, body};

impl Intake {
    pub(crate) async fn answer_label(
        &self,
        request: &Request,
        id: &ExecutionId,
        by: Option<String>,
    ) -> Result<Response<Body>, ApiError> {
        let asked = parse_label(&body::json(request, limit::RETRY_BYTES)?);
        json(StatusCode::OK, &self.label(id, asked.map_err(ApiError::InvalidSpec)?, by).await?)
    }

    /// Sets a person's verdict beside the classifier's, or takes it back. Findings follow.
    ///
    /// # Errors
    /// Unless it is a text of a job that has ended and was analysed.
    pub async fn label(
        &self,
        id: &ExecutionId,
        asked: LabelAsked,
        by: Option<String>,
    ) -> Result<VerdictView, ApiError> {
        let seen = self.judged(id).await?;
        let label = match asked {
            LabelAsked::Given { verdict, note } => {
                Some(Label { verdict, by: by.clone(), at: self.clock.now(), note })
            }
            LabelAsked::Withdrawn => None,
        };
        self.tell(&id.job, self.table.label(id, label.as_ref()).await?).await?;
        info!(execution_id = %id, by, withdrawn = label.is_none(), "execution is labelled");
        Ok(VerdictView::new(seen.rules, seen.classifier, label))
    }

    /// The verdict of an execution that can be labelled.
    async fn judged(&self, id: &ExecutionId) -> Result<VerdictView, ApiError> {
        let found = self.table.specified_job(&id.job).await?;
        let of = found.ok_or_else(|| ApiError::NoSuchJob(id.job.clone()))?;
        let missing = || ApiError::NoSuchExecution(id.to_string());
        of.spec.question_of(id).ok_or_else(missing)?;
        if !of.job.status.is_final() {
            return Err(ApiError::NotEnded { job: of.job.id, status: of.job.status });
        }
        let row = self.table.row(id).await?;
        let view = of.source().look(id.clone(), row).ok_or_else(missing)?;
        if !view.has_text() {
            return Err(ApiError::NoText { id: id.clone(), why: why_no_text(&view) });
        }
        let verdict = self.table.verdict(id).await?;
        verdict.ok_or_else(|| ApiError::not_analysed(&of.job, self.clock.now()))
    }

    /// Judges a job's answers anew by the present rules, and computes its findings from that.
    ///
    /// # Errors
    /// Unless the job has ended.
    pub async fn classify(
        &self,
        id: &JobId,
        by: Option<String>,
    ) -> Result<ClassifyAccepted, ApiError> {
        self.tell(id, self.table.ask_analysis(id).await?).await?;
        let rules = version();
        info!(job_id = %id, rules = rules.0, by, "answers are judged anew");
        Ok(ClassifyAccepted { job_id: id.clone(), rules })
    }

    /// Tells the coordinator of an analysis that was asked for.
    async fn tell(&self, id: &JobId, asked: AnalysisAsked) -> Result<(), ApiError> {
        let run = match asked {
            AnalysisAsked::Asked(run) => run,
            AnalysisAsked::NotFinal(status) => {
                return Err(ApiError::NotEnded { job: id.clone(), status });
            }
            AnalysisAsked::NoSuchJob => return Err(ApiError::NoSuchJob(id.clone())),
        };
        let completion = CompletionMessage { job_id: id.clone(), run };
        // Lost, it costs a minute: the reconciler finds a job that is to be analysed.
        if let Err(error) = self.queues.send_completion(&completion).await {
            warn!(job_id = %id, error = chain(&error), "completion was not sent");
        }
        Ok(())
    }
}

fn why_no_text(view: &ExecutionView) -> &'static str {
    match view.status {
        ExecutionStatus::Completed => "it was completed empty, or its answer was withheld",
        ExecutionStatus::Failed => "it failed",
        ExecutionStatus::TimedOut => "it timed out",
        ExecutionStatus::Cancelled => "it was cancelled",
        ExecutionStatus::Pending | ExecutionStatus::Running => "it has not ended",
    }
}
