//! `CompletionMessage` in → the job's final status, once, after every lane is closed; then its receipts
//! are signed for as a whole, and its answers are analysed.

mod analysis;
mod judge;
mod root;
mod window;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use beacon_aws::{
    Clock, Finalised, Signer, Table, TableError, chain, each_message, partial_response,
};
use beacon_core::JobId;
use beacon_core::job::{Actor, Job};
use beacon_core::message::CompletionMessage;
use tracing::error;

use crate::analysis::Invocation;

/// What the coordinator works on.
#[derive(Debug)]
pub struct Coordinator {
    /// The table.
    pub table: Table,
    /// Signs roots.
    pub signer: Signer,
    /// What time it is.
    pub clock: Clock,
    /// After this long an invocation leaves what of analyses it has not begun.
    pub longest: Duration,
}

impl Coordinator {
    /// Finalises the job of each message, if that was its last open lane, and then analyses those that
    /// are final. No job's analysis keeps another from its final status, and a job that could not be given
    /// its own keeps no other from its analysis: its message comes back when its visibility is over, and
    /// the reconciler comes by before. An analysis that fails is asked for again by the reconciler alone, and
    /// not by its message.
    pub async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        let invocation = Invocation::begin(self.clock.now(), self.longest);
        // A job with many lanes sends many at once; one look at it is enough for all of them.
        let mut of_job: BTreeMap<JobId, Vec<String>> = BTreeMap::new();
        for message in each_message::<CompletionMessage>(event) {
            of_job.entry(message.body.job_id).or_default().push(message.message_id);
        }
        let (mut failed, mut unanalysed) = (Vec::new(), Vec::new());
        for (job_id, messages) in of_job {
            match self.finalise(&job_id).await {
                Ok(job) => unanalysed.extend(job),
                Err(error) => {
                    error!(%job_id, error = chain(&error), "job was not finalised");
                    failed.extend(messages);
                }
            }
        }
        Box::pin(self.analyse_all(unanalysed, &invocation)).await;
        self.table.tell_writes(self.clock.now());
        partial_response(failed)
    }

    async fn analyse_all(&self, mut jobs: Vec<Job>, invocation: &Invocation) {
        // A large one takes minutes, and the small ones are not to wait for it.
        jobs.sort_by_key(|job| job.expected);
        for job in jobs {
            let job_id = job.id.clone();
            if let Err(error) = self.analyse(job, invocation).await {
                error!(%job_id, error = chain(&error), "answers were not analysed");
            }
            if invocation.is_over() {
                break;
            }
        }
    }

    /// The job, if it has its final status and is to be analysed.
    async fn finalise(&self, job_id: &JobId) -> Result<Option<Job>, TableError> {
        match self.table.finalise(job_id, Actor::Coordinator, self.clock.now()).await? {
            Finalised::Now(job) | Finalised::Before(job) => {
                Ok(job.analysis.due.is_some().then_some(*job))
            }
            Finalised::NotYet => Ok(None),
        }
    }
}
