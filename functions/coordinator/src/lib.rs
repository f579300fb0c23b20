//! `CompletionMessage` in → the job's final status, once, after every lane is closed.

use std::collections::BTreeMap;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use beacon_aws::{Clock, Table, chain, each_message, partial_response};
use beacon_core::JobId;
use beacon_core::job::Actor;
use beacon_core::message::CompletionMessage;
use tracing::error;

/// What the coordinator works on.
#[derive(Debug)]
pub struct Coordinator {
    /// The table.
    pub table: Table,
    /// What time it is.
    pub clock: Clock,
}

impl Coordinator {
    /// Finalises the job of each message, if that was its last open lane.
    pub async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        // A job with many lanes sends many at once; one look at it is enough for all of them.
        let mut of_job: BTreeMap<JobId, Vec<String>> = BTreeMap::new();
        for message in each_message::<CompletionMessage>(event) {
            of_job.entry(message.body.job_id).or_default().push(message.message_id);
        }
        let mut failed = Vec::new();
        for (job_id, messages) in of_job {
            let now = self.clock.now();
            if let Err(error) = self.table.finalise(&job_id, Actor::Coordinator, now).await {
                error!(%job_id, error = chain(&error), "job was not finalised");
                failed.extend(messages);
            }
        }
        self.table.tell_writes(self.clock.now());
        partial_response(failed)
    }
}
