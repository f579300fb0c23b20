//! Questions whose message its queue gave up: their pairs get rows, and their lanes go on.

use beacon_aws::{Received, TableError};
use beacon_core::execution::Ending;
use beacon_core::failure::{Failure, FailureCode, Stage};
use beacon_core::job::Job;
use beacon_core::lane::{Lane, LaneState};
use beacon_core::message::QuestionMessage;
use beacon_core::reconcile::Pass;
use tracing::error;

use crate::question::Leaving;
use crate::{ReconcileError, Reconciler};

/// Dead letters that one pass looks at.
const LETTERS: usize = 50;

impl Reconciler {
    pub(crate) async fn dead_letters(&self, pass: &mut Pass) -> Result<(), ReconcileError> {
        let mut looked_at = 0;
        while looked_at < LETTERS {
            let letters = self.dead.receive().await?;
            if letters.is_empty() {
                break;
            }
            looked_at += letters.len();
            for letter in letters {
                self.bury(&letter).await?;
                self.dead.delete(&letter.receipt_handle).await?;
                pass.dead_letters += 1;
            }
        }
        Ok(())
    }

    /// The question's missing pairs get their rows, if its lane still stands at it.
    async fn bury(&self, letter: &Received<QuestionMessage>) -> Result<(), ReconcileError> {
        let QuestionMessage { job_id, run, lane: lane_id, position, .. } = &letter.body;
        let code = FailureCode::DeadLetter;
        error!(%job_id, %run, lane = %lane_id, %position, %code, "a question is given up");
        let Some((job, lane)) = self.stands_at(&letter.body).await? else { return Ok(()) };
        let spec = self.table.spec(&job).await?;
        let was_held = lane.holder.is_some();
        let ending = Ending::Failed(Failure {
            stage: Stage::Worker,
            code,
            message: "the queue gave the question's message up".to_owned(),
            retryable: true,
            maybe_billed: was_held,
            provider_id: None,
            http_status: None,
            attempts: u32::from(was_held),
        });
        self.leave(&job, &spec, Leaving::Question(lane, ending)).await?;
        Ok(())
    }

    async fn stands_at(&self, letter: &QuestionMessage) -> Result<Option<(Job, Lane)>, TableError> {
        let Some((job, lanes)) = self.table.job_and_lanes(&letter.job_id).await? else {
            return Ok(None);
        };
        let stands = |lane: &Lane| {
            lane.id == letter.lane
                && lane.run == letter.run
                && lane.state == LaneState::Open
                && lane.mark.is_none()
                && lane.cursor == letter.position
        };
        Ok(lanes.into_iter().find(stands).map(|lane| (job, lane)))
    }
}
