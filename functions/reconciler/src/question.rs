//! The question at a lane's cursor, ended in place of a worker.

use beacon_aws::{Calls, LaneUpdate, TableError, fresh_nonce};
use beacon_core::cloudwatch::counted;
use beacon_core::execution::Ending;
use beacon_core::job::{EndCause, Job};
use beacon_core::lane::{
    Lane, LaneState, LaneWrite, Ticket, enter, finish, gate, take_over, take_over_marked,
};
use beacon_core::message::{Asks, QuestionMessage};
use beacon_core::reconcile::anew;
use beacon_core::spec::Spec;
use jiff::Timestamp;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::{ReconcileError, Reconciler};

/// A lane whose open question ends.
#[derive(Debug)]
pub(crate) enum Leaving {
    /// It is marked, and its holder does not close it: it is closed in his place.
    Marked(Lane),
    /// The question's missing pairs get this ending, and the lane goes on.
    Question(Lane, Box<Ending>),
}

/// A lane that the reconciler holds.
struct Held {
    lane: Lane,
    waited_ms: u64,
    ending: Ending,
    closing: Option<EndCause>,
    /// When calls of the holder before may have begun; none where that is not known.
    since: Option<Timestamp>,
    /// How many holders were before.
    holders: u32,
}

impl Reconciler {
    /// Ends the question; whether that closed the lane. A refusal says that the lane has moved.
    pub(crate) async fn leave(
        &self,
        job: &Job,
        spec: &Spec,
        leaving: Leaving,
    ) -> Result<bool, ReconcileError> {
        let (Leaving::Marked(lane) | Leaving::Question(lane, _)) = &leaving;
        let work = self.table.work(&job.id, &lane.id, lane.run).await?;
        let prices = self.table.prices(job).await?;
        let asks = Asks { job, spec, lane, work: work.as_ref(), prices: prices.as_ref() };
        let Some(message) = asks.at(lane.cursor) else {
            warn!(job_id = %job.id, lane = %lane.id, "lane and specification do not match");
            return Ok(false);
        };
        let mut ticket = self.ticket(&message);
        let Some(held) = self.enter(&message, &mut ticket, leaving).await? else {
            return Ok(false);
        };
        let after = self.end_question(&message, &ticket, held).await?;
        let Some(after) = after else { return Ok(false) };
        if after.state == LaneState::Open {
            self.go_on(job, &after).await?;
        }
        Ok(after.state == LaneState::Closed)
    }

    fn ticket(&self, message: &QuestionMessage) -> Ticket {
        Ticket {
            run: message.run,
            position: message.position,
            question: message.question,
            due: message.due,
            nonce: fresh_nonce(),
            boot: self.boot.clone(),
            sent_at: None,
            received_at: self.clock.now(),
        }
    }

    async fn enter(
        &self,
        message: &QuestionMessage,
        ticket: &mut Ticket,
        leaving: Leaving,
    ) -> Result<Option<Held>, TableError> {
        let now = self.clock.now();
        let (write, ending, closing): (LaneWrite, Ending, Option<EndCause>) = match &leaving {
            Leaving::Marked(lane) => {
                let (Some(mark), Some(holder)) = (&lane.mark, &lane.holder) else {
                    return Ok(None);
                };
                let write = take_over_marked(ticket, fresh_nonce(), holder, now);
                (write, mark.cause.ending(1, true), Some(mark.cause.clone()))
            }
            Leaving::Question(lane, ending) => {
                let write = match &lane.holder {
                    Some(holder) => take_over(ticket, fresh_nonce(), lane, holder, now),
                    None => gate(ticket, now),
                };
                (write, ending.as_ref().clone(), None)
            }
        };
        let LaneUpdate::Applied(before) =
            self.table.write_lane(&message.job_id, &message.lane, &write).await?
        else {
            return Ok(None);
        };
        let entry = enter(ticket, &before, &[]);
        if let Some(wait) = entry.wait {
            sleep(wait).await;
        }
        let holder = before.holder.clone();
        let holders = holder.as_ref().map_or(0, |holder| holder.known_to(&ticket.nonce));
        let since = holder.filter(|_| holders == 1).map(|holder| holder.since);
        let lane = write.change.apply(before);
        Ok(Some(Held { lane, waited_ms: entry.waited_ms, ending, closing, since, holders }))
    }

    /// The lane after its question has ended; none where another holder has it by now.
    async fn end_question(
        &self,
        message: &QuestionMessage,
        ticket: &Ticket,
        held: Held,
    ) -> Result<Option<Lane>, TableError> {
        let QuestionMessage { job_id, run, lane, position, .. } = message;
        if !self.table.is_held_by(job_id, lane, &ticket.nonce).await? {
            return Ok(None);
        }
        let now = self.clock.now();
        let calls = Calls { link: self.link.as_ref(), since: held.since, holders: held.holders };
        let rows = self.table.end_missing(message, ticket, &held.ending, calls, now).await?;
        let closing = held.closing.as_ref();
        let write = finish(ticket, &held.lane, held.waited_ms, &rows, closing, now);
        match self.table.write_lane(job_id, lane, &write).await? {
            LaneUpdate::Applied(before) => {
                let after = write.change.apply(before.clone());
                self.table.metrics().tell(&counted(&before, &after, &rows), now);
                info!(%job_id, %run, %lane, %position, "a question was ended in place of its holder");
                Ok(Some(after))
            }
            LaneUpdate::Refused(_) => Ok(None),
        }
    }

    /// The messages behind the question's may be lost as well.
    async fn go_on(&self, job: &Job, lane: &Lane) -> Result<(), ReconcileError> {
        let (write, message) = anew(&job.id, lane, false, self.clock.now());
        if let LaneUpdate::Applied(_) = self.table.write_lane(&job.id, &lane.id, &write).await? {
            self.queues.send_dispatch(&message).await?;
        }
        Ok(())
    }
}
