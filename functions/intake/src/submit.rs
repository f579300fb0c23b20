//! Accepting a specification: what is checked before, and the job that is stored then.

use beacon_aws::{ApiError, NewJob, Submit, chain, source};
use beacon_core::JobId;
use beacon_core::estimate::{Estimate, LATENCY};
use beacon_core::idempotency::IdempotencyKey;
use beacon_core::job::Job;
use beacon_core::message::DispatchMessage;
use beacon_core::price::Prices;
use beacon_core::seal::KeyId;
use beacon_core::spec::{Spec, limit};
use beacon_core::view::Submitted;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde_json::Value;
use tracing::{error, info};

use crate::document::{Document, Form};
use crate::{Intake, body, served};

/// Where a specification comes from that is submitted from within: signatures that do not hold are counted
/// for all of them together.
const WITHIN: &str = "within";

/// What became of a submit.
pub(crate) struct Accepted {
    pub(crate) job: Job,
    pub(crate) existing: bool,
}

/// A specification that would be accepted now.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimated {
    /// As it was read.
    pub spec: Spec,
    /// What it may use.
    pub estimate: Estimate,
    /// What was folded or capped.
    pub warnings: Vec<String>,
}

/// A document of which nothing is wrong but what only the table knows.
struct Checked<'a> {
    document: Document<'a>,
    prices: Prices,
}

impl Intake {
    pub(crate) async fn submit(
        &self,
        request: &Request,
        form: Form,
        submitter: Option<String>,
    ) -> Result<Response<Body>, ApiError> {
        let key = body::idempotency_key(request.headers())?;
        let sent = body::json(request, limit::SPEC_BYTES)?;
        let signer = self.check_signature(source(request), &sent, form, key.as_ref()).await?;
        let checked = self.check(&sent, form).await?;
        let accepted = self.accept(&checked, key.as_ref(), submitter, signer).await?;
        let status = if accepted.existing { StatusCode::OK } else { StatusCode::ACCEPTED };
        checked.document.answer(status, accepted)
    }

    /// Submits a specification, or the predecessor's `JobSpec`, in the name of somebody who may. How many
    /// bytes it has is bounded by whoever read it.
    ///
    /// # Errors
    /// As the API refuses it: one that is not signed too, where signatures are required.
    pub async fn submit_document(
        &self,
        sent: &Value,
        key: Option<&IdempotencyKey>,
        by: Option<String>,
    ) -> Result<Submitted, ApiError> {
        let signer = self.check_signature(WITHIN.to_owned(), sent, Form::Either, key).await?;
        let checked = self.check(sent, Form::Either).await?;
        let accepted = self.accept(&checked, key, by, signer).await?;
        Ok(checked.document.submitted(accepted))
    }

    /// What a specification would use, if it is one that would be accepted. Nothing is written, and no
    /// signature is looked at.
    ///
    /// # Errors
    /// With everything that is wrong with it, as at its submit.
    pub async fn estimate(&self, sent: &Value) -> Result<Estimated, ApiError> {
        let Checked { document, prices } = self.check(sent, Form::Either).await?;
        let spec = document.submission.spec;
        let estimate = Estimate::of(&spec, &prices, LATENCY);
        Ok(Estimated { spec, estimate, warnings: document.submission.warnings })
    }

    /// Reads a document, and asks the router whether it is served, and at what prices.
    async fn check<'a>(&self, sent: &'a Value, form: Form) -> Result<Checked<'a>, ApiError> {
        let providers = self.providers().await?;
        let regions = served::regions(&providers);
        let document = Document::read(sent, form, &regions)?;
        if self.signing.is_required() {
            document.check_regions(&regions)?;
        }
        let spec = &document.submission.spec;
        let unserved = served::unserved(spec, &providers);
        if !unserved.is_empty() {
            return Err(ApiError::NotServed(unserved));
        }
        let prices = Prices::of(spec, &providers);
        let unpriced = served::unpriced(spec, &prices);
        if !unpriced.is_empty() {
            return Err(ApiError::NoPrice(unpriced));
        }
        Ok(Checked { document, prices })
    }

    async fn accept(
        &self,
        checked: &Checked<'_>,
        key: Option<&IdempotencyKey>,
        submitter: Option<String>,
        signer: Option<KeyId>,
    ) -> Result<Accepted, ApiError> {
        let accepted = self.store(checked, key).await?;
        let (job_id, existing) = (&accepted.job.id, accepted.existing);
        let (key_id, total_executions) =
            (signer.map(tracing::field::display), accepted.job.expected);
        info!(%job_id, existing, submitter, key_id, total_executions, "job submitted");
        Ok(accepted)
    }

    async fn store(
        &self,
        Checked { document, prices }: &Checked<'_>,
        key: Option<&IdempotencyKey>,
    ) -> Result<Accepted, ApiError> {
        let submission = &document.submission;
        let given = submission.id.clone().or_else(|| key.map(IdempotencyKey::job_id));
        let id = given.unwrap_or_else(fresh_id);
        let spec = &submission.spec;
        let estimate = Some(Estimate::of(spec, prices, LATENCY));
        let (jobspec, prices) = (document.jobspec, Some(prices));
        let new = NewJob { id: id.clone(), spec, jobspec, key, estimate, prices };
        match self.table.submit(new, self.clock.now()).await? {
            Submit::Created(job) => {
                self.dispatch(&job, spec).await;
                Ok(Accepted { job, existing: false })
            }
            Submit::Exists { job, same: true } | Submit::Repeated { job, same: true } => {
                Ok(Accepted { job, existing: true })
            }
            Submit::Exists { same: false, .. } => Err(ApiError::Conflict(id)),
            Submit::Repeated { job, same: false } => Err(ApiError::KeyConflict(job.id)),
        }
    }

    /// The job is accepted already: a message that is lost here is sent again by the reconciler.
    async fn dispatch(&self, job: &Job, spec: &Spec) {
        for lane in spec.lanes() {
            let message = DispatchMessage::first(job.id.clone(), lane);
            if let Err(error) = self.queues.send_dispatch(&message).await {
                let (job_id, lane) = (&job.id, &message.lane);
                error!(%job_id, %lane, error = chain(&error), "lane was not dispatched");
            }
        }
    }
}

fn fresh_id() -> JobId {
    let text = format!("job-{:016x}", rand::random::<u64>());
    #[expect(clippy::expect_used, reason = "`job-` and hexadecimal digits are a job id")]
    JobId::new(text).expect("a job id")
}
