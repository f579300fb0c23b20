//! Questions whose message its queue gave up: their lanes are dispatched anew, or, when that was in
//! vain too often, their pairs get rows.

use beacon_aws::Received;
use beacon_core::execution::Ending;
use beacon_core::failure::{Failure, FailureCode, Stage};
use beacon_core::message::QuestionMessage;
use beacon_core::reconcile::{DeadLetter, Pass, dead_letter};
use tokio::time::Instant;
use tracing::{error, warn};

use crate::question::Leaving;
use crate::{ReconcileError, Reconciler};

/// Dead letters that one pass looks at.
const LETTERS: usize = 50;

impl Reconciler {
    pub(crate) async fn dead_letters(
        &self,
        until: Instant,
        pass: &mut Pass,
    ) -> Result<(), ReconcileError> {
        let (mut looked_at, mut result) = (0, Ok(()));
        while looked_at < LETTERS && Instant::now() < until {
            let letters = self.dead.receive().await?;
            if letters.is_empty() {
                break;
            }
            looked_at += letters.len();
            for letter in letters {
                // One letter's trouble does not keep the others waiting; it comes again.
                match self.bury(&letter, pass).await {
                    Ok(()) => {
                        self.dead.delete(&letter.receipt_handle).await?;
                        pass.dead_letters += 1;
                    }
                    Err(error) => result = result.and(Err(error)),
                }
            }
        }
        result
    }

    async fn bury(
        &self,
        letter: &Received<QuestionMessage>,
        pass: &mut Pass,
    ) -> Result<(), ReconcileError> {
        let QuestionMessage { job_id, run, lane: lane_id, position, .. } = &letter.body;
        warn!(%job_id, %run, lane = %lane_id, %position, "a question's message was given up");
        let Some((job, lanes)) = self.table.job_and_lanes(job_id).await? else { return Ok(()) };
        let Some(lane) = lanes.iter().find(|lane| lane.id == *lane_id) else { return Ok(()) };
        let seen = (*run, letter.body.dispatch_number, *position);
        match dead_letter(&job, lane, seen, self.clock.now()) {
            DeadLetter::Dispatch(write, message) => self.dispatch(&write, &message, pass).await,
            DeadLetter::GiveUp => {
                pass.given_up += 1;
                let code = FailureCode::DeadLetter;
                error!(%job_id, %run, lane = %lane_id, %position, %code, "a question is given up");
                let spec = self.table.spec(&job).await?;
                let ending = given_up(lane.redispatches);
                self.leave(&job, &spec, Leaving::Question(lane.clone(), Box::new(ending))).await?;
                Ok(())
            }
            DeadLetter::Stale => Ok(()),
        }
    }
}

/// The ending of pairs whose question nobody could begin. Nobody held it, so nobody called.
fn given_up(redispatches: u32) -> Ending {
    Ending::Failed(Failure {
        stage: Stage::Worker,
        code: FailureCode::DeadLetter,
        message: format!(
            "the queue gave the question's message up, and so it did after it was sent \
             {redispatches} times more"
        ),
        retryable: true,
        maybe_billed: false,
        provider_id: None,
        http_status: None,
        attempts: 0,
    })
}
