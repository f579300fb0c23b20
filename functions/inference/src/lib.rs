//! `QuestionMessage` in → one stored row for each of its pairs, and the lane one question further.

mod call;
mod deadline;
mod fence;
mod finish;
mod interrupt;
mod limit;
mod lost;
mod pair;
mod question;
mod store;

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use beacon_aws::{
    Clock, Queues, Received, RouterSettings, Signer, Table, chain, each_message, partial_response,
};
use beacon_core::lane::Finished;
use beacon_core::message::{CompletionMessage, QuestionMessage};
use beacon_core::{BootId, time_budget};
use tokio::sync::Semaphore;
use tracing::{error, warn};

pub use beacon_aws::{Answer, HttpLink, Link, Lost, Request};
use question::WorkError;

/// What the inference function works on.
#[derive(Debug)]
pub struct Inference {
    /// The table.
    pub table: Table,
    /// The queues.
    pub queues: Queues,
    /// The router.
    pub router: Router,
    /// Signs receipts.
    pub signer: Signer,
    /// This start of the local stack; none on AWS.
    pub boot: Option<BootId>,
    /// What time it is.
    pub clock: Clock,
}

/// The router as the worker sees it.
#[derive(Debug, Clone)]
pub struct Router {
    link: Arc<dyn Link>,
    /// Where calls go, for people.
    base: String,
    budget: Duration,
    wait: Duration,
    /// Calls at a time, over all questions of this process: each is a connection.
    slots: Arc<Semaphore>,
}

/// Enough for the largest question, and few enough for the descriptors that a process has.
const CALLS: usize = 256;

impl Router {
    /// The router of these settings, over this link. The worker waits a little longer than the
    /// router may take, so that the router's own account of a time-out arrives.
    pub fn new(settings: RouterSettings, link: Arc<dyn Link>) -> Self {
        let spare = time_budget::CLIENT.saturating_sub(time_budget::ROUTER);
        Self {
            link,
            base: settings.base,
            budget: settings.timeout,
            wait: settings.timeout + spare,
            slots: Arc::new(Semaphore::new(CALLS)),
        }
    }
}

impl Inference {
    /// Asks each message's question. A message is acknowledged when its question is finished, by
    /// whomever, and left in the queue otherwise.
    pub async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        let mut failed = Vec::new();
        for message in each_message::<QuestionMessage>(event) {
            if !self.is_done(&message).await {
                failed.push(message.message_id);
            }
        }
        self.table.tell_writes(self.clock.now());
        partial_response(failed)
    }

    async fn is_done(&self, message: &Received<QuestionMessage>) -> bool {
        let QuestionMessage { job_id, run, lane, position, .. } = &message.body;
        match Box::pin(self.ask_question(message)).await {
            Ok(Finished::Acknowledge) => true,
            Ok(Finished::Complete) => {
                let completion = CompletionMessage { job_id: job_id.clone(), run: *run };
                match self.queues.send_completion(&completion).await {
                    Ok(()) => true,
                    Err(error) => {
                        error!(%job_id, %lane, error = chain(&error), "completion was not sent");
                        false
                    }
                }
            }
            Ok(Finished::Leave) => false,
            Err(WorkError::Lost) => {
                warn!(%job_id, %run, %lane, %position, "the lane is, or may be, another holder's");
                self.give_back(message).await;
                false
            }
            Err(WorkError::Table(error)) => {
                let error = chain(&error);
                error!(%job_id, %run, %lane, %position, error, "question was not finished");
                self.give_back(message).await;
                false
            }
        }
    }

    /// Lets the message come back soon. That it does not is no harm: it comes back anyway.
    async fn give_back(&self, message: &Received<QuestionMessage>) {
        let (job_id, receipt) = (&message.body.job_id, &message.receipt_handle);
        let given = self.queues.hold_question(job_id, receipt, time_budget::GIVEN_BACK).await;
        if let Err(error) = given {
            let lane = &message.body.lane;
            warn!(%job_id, %lane, error = chain(&error), "the message comes back late");
        }
    }
}
