//! `POST …` in → a job with its lanes and specification stored, or cancelled, or a new run of it; one
//! `DispatchMessage` a lane out.

mod body;
mod cancel;
mod document;
mod label;
mod retry;
mod retry_answers;
mod retry_question;
mod served;
mod signing;

use std::sync::Arc;

use beacon_aws::{
    Admitted, ApiError, Clock, Door, NewJob, Queues, RouterProbe, Submit, Table, chain, json,
};
use beacon_core::JobId;
use beacon_core::estimate::{Estimate, LATENCY};
use beacon_core::idempotency::IdempotencyKey;
use beacon_core::job::Job;
use beacon_core::message::DispatchMessage;
use beacon_core::price::Prices;
use beacon_core::route::{Function, Route};
use beacon_core::spec::{Spec, limit};
use beacon_core::wire::ProviderView;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use tracing::{error, info, warn};

use document::{Document, Form};
pub use retry::{Retried, Retry};
pub use signing::Signing;

/// What intake works on.
#[derive(Debug)]
pub struct Intake {
    /// Lets requests in.
    pub door: Arc<Door>,
    /// The table.
    pub table: Table,
    /// The queues.
    pub queues: Queues,
    /// The router, which is asked before anything is accepted.
    pub router: RouterProbe,
    /// Whose specifications are accepted.
    pub signing: Signing,
    /// What time it is.
    pub clock: Clock,
}

/// What became of a submit.
struct Accepted {
    job: Job,
    existing: bool,
}

impl Intake {
    /// Submits, cancels and retries: done, or refused with everything that is wrong with the request.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let work = async |request: Request, admitted: Admitted| {
            let by = admitted.caller.map(|caller| caller.name);
            self.change(&request, admitted.route, by).await
        };
        let answer = self.door.answer(Function::Intake, request, work).await;
        self.table.tell_writes(self.clock.now());
        answer
    }

    async fn change(
        &self,
        request: &Request,
        route: Route,
        by: Option<String>,
    ) -> Result<Response<Body>, ApiError> {
        match route {
            Route::Submit => self.submit(request, Form::Either, by).await,
            Route::SubmitCrossRegion => self.submit(request, Form::CrossRegion, by).await,
            Route::Cancel(id) => {
                body::ignored(request)?;
                json(StatusCode::ACCEPTED, &self.cancel(&id, by).await?)
            }
            Route::Retry(id) => self.answer_retry(request, &id, by).await,
            Route::Classify(id) => {
                body::ignored(request)?;
                json(StatusCode::ACCEPTED, &self.classify(&id, by).await?)
            }
            Route::Label(id) => self.answer_label(request, &id, by).await,
            Route::RetryQuestion(id) => self.answer_retry_question(request, &id, by).await,
            Route::RetryAllFailed(id) => self.answer_retry_all(request, &id, by).await,
            // The door lets only changes in.
            Route::Health
            | Route::Live
            | Route::Ready
            | Route::OpenApi
            | Route::Metrics
            | Route::Questions
            | Route::Jobs
            | Route::Job(_)
            | Route::Summary(_)
            | Route::ExecutionsOfJob(_)
            | Route::Executions
            | Route::Execution(_)
            | Route::Receipt(_)
            | Route::Root
            | Route::Proof
            | Route::Bundle(_)
            | Route::Keys
            | Route::Findings(_)
            | Route::Aggregates(_)
            | Route::Manifest(_)
            | Route::BiasAnalysis(_)
            | Route::CrossRegion(_)
            | Route::CrossRegionDiff(_)
            | Route::DebugConfig
            | Route::DebugExecutor
            | Route::DebugJob(_) => Err(ApiError::NoSuchPath(request.uri().path().to_owned())),
        }
    }

    async fn submit(
        &self,
        request: &Request,
        form: Form,
        submitter: Option<String>,
    ) -> Result<Response<Body>, ApiError> {
        let key = body::idempotency_key(request.headers())?;
        let sent = body::json(request, limit::SPEC_BYTES)?;
        let signer = self.check_signature(request, &sent, form, key.as_ref()).await?;
        let providers = self.providers().await?;
        let regions = served::regions(&providers);
        let document = Document::read(&sent, form, &regions)?;
        if self.signing.is_required() {
            document.check_regions(&regions)?;
        }
        let unserved = served::unserved(&document.submission.spec, &providers);
        if !unserved.is_empty() {
            return Err(ApiError::NotServed(unserved));
        }
        let prices = Prices::of(&document.submission.spec, &providers);
        let unpriced = served::unpriced(&document.submission.spec, &prices);
        if !unpriced.is_empty() {
            return Err(ApiError::NoPrice(unpriced));
        }
        let accepted = self.accept(&document, key.as_ref(), &prices).await?;
        let (job_id, existing) = (&accepted.job.id, accepted.existing);
        let (key_id, total_executions) =
            (signer.map(tracing::field::display), accepted.job.expected);
        info!(%job_id, existing, submitter, key_id, total_executions, "job submitted");
        let status = if existing { StatusCode::OK } else { StatusCode::ACCEPTED };
        document.answer(status, accepted)
    }

    async fn accept(
        &self,
        document: &Document<'_>,
        key: Option<&IdempotencyKey>,
        prices: &Prices,
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

    /// Asks the router at the start, so that the log says at once whether jobs can be accepted.
    /// Returns whether some provider makes its answers up, as far as the router tells.
    pub async fn ask_at_start(&self) -> bool {
        let hybrid_base = self.router.base();
        match self.router.providers().await {
            Ok(providers) => {
                let healthy = providers.iter().filter(|provider| provider.healthy).count();
                info!(
                    hybrid_base,
                    providers = providers.len(),
                    healthy,
                    "the router has providers"
                );
                providers.iter().any(|provider| provider.simulated)
            }
            Err(error) => {
                warn!(
                    hybrid_base,
                    error = chain(&error),
                    "no job is accepted until the router answers"
                );
                false
            }
        }
    }

    /// Asked anew for every submit, so that what is promised is what is served now.
    async fn providers(&self) -> Result<Vec<ProviderView>, ApiError> {
        let providers = self.router.providers().await;
        providers.map_err(|error| ApiError::RouterUnavailable { message: chain(&error) })
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
