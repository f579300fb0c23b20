//! What the views of a job's pairs are made from, those without a row too.

use super::ExecutionView;
use crate::execution::ExecutionRow;
use crate::id::ExecutionId;
use crate::job::Job;
use crate::lane::Lane;
use crate::message::position_of;
use crate::spec::Spec;

/// A job, its lanes and its specification. Lanes are read before rows, so that a pair behind its
/// lane's cursor always has its row.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The job.
    pub job: &'a Job,
    /// Its lanes.
    pub lanes: &'a [Lane],
    /// What it runs.
    pub spec: &'a Spec,
}

impl Source<'_> {
    /// A pair as it is shown, without its verdict and receipt; none for a question that the job does not have.
    pub fn view<R>(&self, id: ExecutionId, row: Option<ExecutionRow>) -> Option<ExecutionView<R>> {
        let question = self.spec.question(id.question)?;
        Some(self.look(id, row)?.with_output(self.spec, question))
    }

    /// The same without its `output`, for those who only look.
    pub fn look<R>(&self, id: ExecutionId, row: Option<ExecutionRow>) -> Option<ExecutionView<R>> {
        let question = self.spec.question(id.question)?;
        let (k, _position) = position_of(self.spec, id.question);
        let lane = self.lanes.iter().find(|lane| lane.id.region == id.region && lane.id.k == k);
        Some(ExecutionView::new(id, self.spec, question, self.job, lane, row))
    }
}
