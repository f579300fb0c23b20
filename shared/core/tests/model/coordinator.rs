//! The coordinator: a final status, from a read of the job and then of its lanes, one by one.

use beacon_core::Run;
use beacon_core::job::{Actor, finalise};
use beacon_core::lane::Lane;

use super::state::Coordinator;
use super::turn::{JobAnswer, Stop, Taken, Turn};
use super::world::NOW;

impl Turn<'_> {
    /// Receives a message and reads the job with its first lane.
    pub(crate) fn receive_completion(&mut self, index: usize) -> Taken {
        if self.state.coordinator != Coordinator::Idle || index >= self.state.completions.len() {
            return Err(Stop::Disabled);
        }
        let run = self.state.completions.remove(index);
        self.state.coordinator = self.read_first(run);
        Ok(())
    }

    fn read_first(&self, run: Run) -> Coordinator {
        Coordinator::Read(run, self.state.job, vec![self.state.lanes[0]])
    }

    pub(crate) fn coordinate(&mut self) -> Taken {
        let Coordinator::Read(run, job, mut lanes) = self.state.coordinator.clone() else {
            return Err(Stop::Disabled);
        };
        if let Some(next) = self.state.lanes.get(lanes.len()) {
            lanes.push(*next);
            self.state.coordinator = Coordinator::Read(run, job, lanes);
            return Ok(());
        }
        let lanes: Vec<Lane> = lanes.iter().map(|lane| (**lane).clone()).collect();
        let written = match finalise(&job, &lanes, Actor::Coordinator, NOW) {
            Some(finalisation) => Some(self.write_job(&finalisation.write)?),
            None => None,
        };
        self.state.coordinator = match written {
            Some(JobAnswer::Refused) => self.read_first(run),
            Some(JobAnswer::Applied(_)) | None => Coordinator::Idle,
        };
        Ok(())
    }
}
