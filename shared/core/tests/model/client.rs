//! What is asked of intake: a cancel with its fan-out over the lanes, and a retry.

use beacon_core::job::{Job, JobStatus, RetryRequest, Selection, cancel, retry};
use beacon_core::lane::{Closing, close};
use beacon_core::message::DispatchMessage;
use beacon_core::{Nonce, Run};

use super::action::Wish;
use super::pool::Ref;
use super::scope::Retry;
use super::state::{Client, FanOut};
use super::turn::{JobAnswer, LaneAnswer, Stop, Taken, Turn};
use super::world::NOW;

impl Turn<'_> {
    /// A request arrives, and the job is read for it.
    pub(crate) fn wish(&mut self, wish: Wish) -> Taken {
        if self.state.client != Client::Idle {
            return Err(Stop::Disabled);
        }
        let job = self.state.job;
        match wish {
            Wish::Cancel if self.state.may_cancel && !job.status.is_final() => {
                self.state.may_cancel = false;
                self.state.client = Client::Cancel(job);
            }
            Wish::Retry if self.state.may_retry && job.status.is_final() => {
                self.state.may_retry = false;
                self.state.client = Client::Retry(job);
            }
            Wish::Cancel | Wish::Retry => return Err(Stop::Disabled),
        }
        Ok(())
    }

    pub(crate) fn serve(&mut self) -> Taken {
        self.state.client = match self.state.client.clone() {
            Client::Idle => return Err(Stop::Disabled),
            Client::Cancel(job) => self.cancel(job)?,
            Client::FanOut(fan_out) => self.close_lanes(&fan_out)?,
            Client::Retry(job) => self.retry(job)?,
            Client::Send(run) => self.send_retry(run),
        };
        Ok(())
    }

    fn cancel(&mut self, job: Ref<Job>) -> Taken<Client> {
        let job = match cancel(&job, None, NOW) {
            Some(write) => match self.write_job(&write)? {
                JobAnswer::Applied(job) => job,
                JobAnswer::Refused => return Ok(Client::Cancel(self.state.job)),
            },
            None => job,
        };
        // Somebody's cancel, be it this one with its answer lost, is under way.
        let ending = job.ending.as_ref().filter(|_| job.status == JobStatus::Cancelling);
        Ok(ending.map_or(Client::Idle, |ending| {
            let (run, cause) = (job.run, ending.cause.clone());
            Client::FanOut(FanOut { run, cause, lane: 0, seen: None })
        }))
    }

    fn close_lanes(&mut self, fan_out: &FanOut) -> Taken<Client> {
        let next = self.fan_out(fan_out)?;
        if next.is_none() {
            self.state.acknowledged = Some(fan_out.run);
        }
        Ok(next.map_or(Client::Idle, Client::FanOut))
    }

    /// One request more of a fan-out; none after the last lane.
    pub(crate) fn fan_out(&mut self, fan_out: &FanOut) -> Taken<Option<FanOut>> {
        let FanOut { run, cause, lane, seen } = fan_out.clone();
        let at = |lane, seen| FanOut { run, cause: cause.clone(), lane, seen };
        let Some(seen) = seen else {
            let lanes = &self.state.lanes;
            return Ok(lanes.get(lane).map(|seen| at(lane, Some(*seen))));
        };
        match close(&seen, run, &cause, NOW) {
            Closing::Closed | Closing::Marked => {
                let is_last = lane + 1 == self.state.lanes.len();
                Ok((!is_last).then(|| at(lane + 1, None)))
            }
            Closing::Write(write) => {
                let (LaneAnswer::Applied { after: seen, .. } | LaneAnswer::Refused(seen)) =
                    self.write_lane(lane, &write, false)?;
                Ok(Some(at(lane, Some(seen))))
            }
        }
    }

    fn retry(&mut self, job: Ref<Job>) -> Taken<Client> {
        let models = match self.world.scope.retry {
            Retry::Never | Retry::Everything => Vec::new(),
            Retry::FirstModel => vec![self.world.spec.models[0].clone()],
        };
        let request = Nonce::new("retry").unwrap();
        // A repeated request finds its run.
        if job.runs.last().is_some_and(|record| record.request == request) {
            return Ok(Client::Send(job.run));
        }
        let selection = Selection { models, ..Selection::default() };
        let asked = RetryRequest { selection, executions: 1, by: None, why: None, request };
        Ok(match retry(&job, asked, NOW) {
            Some(write) => match self.write_job(&write)? {
                JobAnswer::Applied(job) => Client::Send(job.run),
                JobAnswer::Refused => Client::Retry(self.state.job),
            },
            None => Client::Idle,
        })
    }

    fn send_retry(&mut self, run: Run) -> Client {
        for lane in self.state.lanes.clone() {
            let message = DispatchMessage::of_run(self.world.job.id.clone(), run, &lane);
            let message = self.world.keep_dispatch(message);
            self.state.send_dispatch(message);
        }
        Client::Idle
    }
}
