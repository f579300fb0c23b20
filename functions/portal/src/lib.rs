//! A browser's requests in → pages out: jobs, live progress, where answers diverge, and the forms that
//! submit, cancel and retry. What they show and do is what the functions of the API read and change.

mod address;
mod analysis;
mod answer;
mod asset;
mod door;
mod form;
mod form_token;
mod input;
mod layout;
mod page;
mod read;
mod recent;
mod visit;
mod window;

use std::sync::{Arc, Mutex};

use beacon_aws::{Clock, Tokens, at_length, request_id};
use beacon_core::access::Allowances;
use beacon_intake::Intake;
use beacon_query::Query;
use lambda_http::{Body, Request, Response};
use tracing::{Instrument as _, info_span};

use address::{Address, Method};
use analysis::Analysed;
use answer::{Answer, PageError};
use door::Let;
pub use door::OneTime;
use page::Rendered;
use read::Kept;
use recent::Recent;
use visit::Visit;

/// What the portal works on.
#[derive(Debug)]
pub struct Portal {
    tokens: Tokens,
    query: Arc<Query>,
    intake: Option<Arc<Intake>>,
    clock: Clock,
    allowances: Mutex<Allowances>,
    one_time: Mutex<Option<OneTime>>,
    specs: Recent<Kept>,
    analyses: Recent<Analysed>,
    findings: Recent<Rendered>,
}

impl Portal {
    /// A portal that these tokens let in, each so often a minute. Without intake nothing can be changed.
    pub fn new(
        tokens: Tokens,
        requests_per_minute: u32,
        query: Arc<Query>,
        intake: Option<Arc<Intake>>,
    ) -> Self {
        Self {
            tokens,
            query,
            intake,
            clock: Clock::System,
            allowances: Mutex::new(Allowances::new(requests_per_minute)),
            one_time: Mutex::new(None),
            specs: read::specs(),
            analyses: analysis::analyses(),
            findings: page::rendered(),
        }
    }

    /// Lets whoever has it sign in once without a token.
    #[must_use]
    pub fn with_one_time(self, one_time: OneTime) -> Self {
        Self { one_time: Mutex::new(Some(one_time)), ..self }
    }

    /// Whether a path is one of the portal's, and not the API's.
    pub fn has(path: &str) -> bool {
        match Address::read("GET", path) {
            Ok(_) | Err(address::NoAddress::MethodNotAllowed { .. }) => true,
            // Pages that say so are for people; programs ask elsewhere.
            Err(address::NoAddress::NotFound) => ["/jobs", "/executions", "/assets", "/new"]
                .iter()
                .any(|first| path == *first || path.starts_with(&format!("{first}/"))),
        }
    }

    /// Answers a request of a browser.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let encodings = answer::takes_gzip(request.headers());
        let is_head = request.method() == "HEAD";
        let request_id = request_id(request.headers());
        let span = info_span!("request", request_id);
        let response = self.response(&request).instrument(span).await;
        at_length(|| answer::finish(response, &request_id, encodings, is_head))
    }

    async fn response(&self, request: &Request) -> Response<Body> {
        let visit = match self.let_in(request).await {
            Let::Asset(name, asked) => {
                return asset::answer(&name, asked.text("v"), request.headers());
            }
            Let::Answered(response) => return response,
            Let::In(visit) => visit,
        };
        let answered = self.answered(&visit).await;
        if let Some(intake) = self.intake.as_ref().filter(|_| visit.method == Method::Change) {
            intake.table.tell_writes(self.clock.now());
        }
        layout::respond(
            &visit,
            answered.unwrap_or_else(|error| page::error::page(&error, &visit.address)),
        )
    }

    /// What changes jobs.
    fn intake(&self) -> Result<&Intake, PageError> {
        self.intake.as_deref().ok_or(PageError::OnlyReads)
    }

    async fn answered(&self, visit: &Visit) -> Result<Answer, PageError> {
        match (&visit.address, visit.method) {
            (Address::Jobs, _) => self.jobs(visit).await,
            (Address::New, Method::Show) => self.new_job(visit).await,
            (Address::New, Method::Change) => self.submit(visit).await,
            (Address::Estimate, _) => self.estimate(visit).await,
            (Address::Job(id), _) => self.job(visit, id).await,
            (Address::Live(id), _) => self.live(visit, id).await,
            (Address::Cancel(id), Method::Show) => self.ask_cancel(visit, id).await,
            (Address::Cancel(id), Method::Change) => self.cancel(visit, id).await,
            (Address::Retry(id), Method::Show) => self.ask_retry(visit, id).await,
            (Address::Retry(id), Method::Change) => self.retry(visit, id).await,
            (Address::Matrix(id), _) => self.matrix(visit, id).await,
            (Address::Question(id, index), _) => self.question(visit, id, *index).await,
            (Address::Findings(id), _) => self.findings(visit, id).await,
            (Address::Classify(id), _) => self.classify(visit, id).await,
            (Address::Files(id), _) => self.files(visit, id).await,
            (Address::Download(id, file), _) => self.download(visit, id, *file).await,
            (Address::Execution(id), _) => self.execution(visit, id).await,
            (Address::RetryExecution(id), Method::Show) => {
                self.ask_retry_execution(visit, id).await
            }
            (Address::RetryExecution(id), Method::Change) => self.retry_execution(visit, id).await,
            (Address::Label(id), _) => self.label(visit, id).await,
            (Address::System, _) => self.system(visit).await,
            (Address::SignOut, _) => self.sign_out(visit).await,
            // Answered at the door.
            (Address::SignIn | Address::Asset(_), _) => Err(PageError::NotFound),
        }
    }
}
