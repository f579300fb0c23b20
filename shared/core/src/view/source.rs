//! What the views of a job's pairs are made from, those without a row too.

use super::ExecutionView;
use crate::execution::ExecutionRow;
use crate::id::{ExecutionId, QuestionIndex, Sample};
use crate::job::Job;
use crate::lane::Lane;
use crate::message::position_of;
use crate::region::Region;
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
    /// The pairs of a question in a region: models in the specification's order, the samples of one
    /// together.
    pub fn pairs(
        &self,
        question: QuestionIndex,
        region: &Region,
    ) -> impl Iterator<Item = ExecutionId> {
        let samples = self.spec.samples;
        let of_models = self.spec.models.iter();
        of_models.flat_map(move |model| {
            (0..samples).map(move |sample| ExecutionId {
                job: self.job.id.clone(),
                question,
                model: model.clone(),
                region: region.clone(),
                sample: Sample(sample),
            })
        })
    }

    /// A pair as it is shown, without its verdict; none for a question that the job does not have.
    pub fn view(&self, id: ExecutionId, row: Option<ExecutionRow>) -> Option<ExecutionView> {
        let question = self.spec.question(id.question)?;
        let (k, _position) = position_of(self.spec, id.question);
        let lane = self.lanes.iter().find(|lane| lane.id.region == id.region && lane.id.k == k);
        Some(ExecutionView::new(id, self.spec, question, self.job, lane, row))
    }
}
