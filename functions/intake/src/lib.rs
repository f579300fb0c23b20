//! `POST …` in → a job with its lanes and specification stored, or cancelled, or a new run of it; one
//! `DispatchMessage` a lane out.
//!
//! What a request changes can also be changed from within, by whoever has let the caller in.

mod body;
mod cancel;
mod document;
mod label;
mod retry;
mod retry_answers;
mod retry_question;
mod served;
mod signing;
mod submit;

use std::sync::Arc;

use beacon_aws::{Admitted, ApiError, Clock, Door, Queues, RouterProbe, Table, chain, json};
use beacon_core::route::{Function, Route};
use beacon_core::wire::ProviderView;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use tracing::{info, warn};

use document::Form;
pub use retry::{Retried, Retry};
pub use signing::Signing;
pub use submit::Estimated;

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

    /// Whether every specification must be signed by a key that is trusted here.
    pub fn requires_signatures(&self) -> bool {
        self.signing.is_required()
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

    /// The router's providers. Asked anew for every submit, so that what is promised is what is served now.
    ///
    /// # Errors
    /// Where the router does not answer with a list.
    pub async fn providers(&self) -> Result<Vec<ProviderView>, ApiError> {
        let providers = self.router.providers().await;
        providers.map_err(|error| ApiError::RouterUnavailable { message: chain(&error) })
    }
}
