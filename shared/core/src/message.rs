//! Bodies on the dispatch, question and completion queues.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::{
    DispatchNumber, JobId, LaneId, ModelId, Position, QuestionId, QuestionIndex, Run, VariantName,
};
use crate::prompt::{Prompt, hex};
use crate::spec::{Sampling, Spec};

/// Questions of a lane that are in the queue at a time.
pub const PAGE: u32 = 200;
/// The worker asks for the next page when this many questions of the page are left.
pub const PAGE_LEFT: u32 = 20;

/// Dispatch queue: send the lane's questions from this position, a page at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DispatchMessage {
    /// The job.
    pub job_id: JobId,
    /// Its run.
    pub run: Run,
    /// The lane.
    pub lane: LaneId,
    /// Makes the deduplication ids new.
    pub dispatch_number: DispatchNumber,
    /// First position to send.
    pub from: Position,
    /// Pages asked for by workers in this chain of messages; see [`max_hops`].
    pub hop: u32,
}

/// Question queue (FIFO, a group a lane): all that a worker needs, so that it reads no
/// specification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuestionMessage {
    /// The job.
    pub job_id: JobId,
    /// Its run.
    pub run: Run,
    /// The lane.
    pub lane: LaneId,
    /// Of the dispatch that sent it.
    pub dispatch_number: DispatchNumber,
    /// Position in the lane's work list.
    pub position: Position,
    /// Index into the job's question list.
    pub question: QuestionIndex,
    /// Shared by all variants.
    pub question_id: QuestionId,
    /// How the question is put.
    pub variant: VariantName,
    /// What is asked.
    pub text: String,
    /// The system message as composed at intake.
    pub system: Option<String>,
    /// The models to ask.
    pub models: Vec<ModelId>,
    /// How often each.
    pub samples: u16,
    /// How they are to sample.
    pub sampling: Sampling,
    /// First position after this page.
    pub page_end: Position,
    /// Of the dispatch message that sent the page.
    pub hop: u32,
}

/// Completion queue: a lane of the job was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionMessage {
    /// The job.
    pub job_id: JobId,
    /// Its run.
    pub run: Run,
}

/// Page requests that one chain of messages may make: enough for every page, and a bound should
/// the chain ever feed itself.
pub fn max_hops(length: u32) -> u32 {
    length.div_ceil(PAGE) + 8
}

impl DispatchMessage {
    /// The first dispatch of a job's lane.
    pub fn first(job_id: JobId, lane: LaneId) -> Self {
        let (run, dispatch_number) = (Run::FIRST, DispatchNumber(0));
        Self { job_id, run, lane, dispatch_number, from: Position(0), hop: 0 }
    }

    /// The page's question messages, in order. Empty where lane and specification do not match.
    pub fn page<'a>(&'a self, spec: &'a Spec) -> impl Iterator<Item = QuestionMessage> + 'a {
        let length = spec.lane_length(self.lane.k);
        let end = length.min(self.from.0.saturating_add(PAGE));
        (self.from.0..end).filter_map(move |position| self.question(spec, Position(position), end))
    }

    fn question(&self, spec: &Spec, position: Position, end: u32) -> Option<QuestionMessage> {
        let index = question_at(spec, &self.lane, position);
        let question = spec.question(index)?;
        let prompt = spec.prompt(question, &self.lane.region)?;
        Some(QuestionMessage {
            job_id: self.job_id.clone(),
            run: self.run,
            lane: self.lane.clone(),
            dispatch_number: self.dispatch_number,
            position,
            question: index,
            question_id: question.id.clone(),
            variant: question.variant.clone(),
            text: question.text.clone(),
            system: prompt.system.map(str::to_owned),
            models: spec.models.clone(),
            samples: spec.samples,
            sampling: spec.sampling.clone(),
            page_end: Position(end),
            hop: self.hop,
        })
    }
}

/// The question at a position of a lane's work list.
pub fn question_at(spec: &Spec, lane: &LaneId, position: Position) -> QuestionIndex {
    let lanes = u32::from(spec.lanes_per_region);
    QuestionIndex(position.0.saturating_mul(lanes).saturating_add(u32::from(lane.k)))
}

/// The lane's position of a question: the inverse of [`question_at`].
pub fn position_of(spec: &Spec, question: QuestionIndex) -> (u16, Position) {
    let lanes = u32::from(spec.lanes_per_region).max(1);
    let k = u16::try_from(question.0 % lanes).unwrap_or(u16::MAX);
    (k, Position(question.0 / lanes))
}

impl QuestionMessage {
    /// What is sent.
    pub fn prompt(&self) -> Prompt<'_> {
        Prompt { system: self.system.as_deref(), question: &self.text }
    }

    /// FIFO group: one a lane.
    pub fn group_id(&self) -> String {
        digest(&[self.job_id.as_str(), &self.lane.to_string()])
    }

    /// FIFO deduplication id: new for every run and dispatch number.
    pub fn deduplication_id(&self) -> String {
        digest(&[
            self.job_id.as_str(),
            &self.run.to_string(),
            &self.lane.to_string(),
            &self.question.to_string(),
            &self.dispatch_number.to_string(),
        ])
    }

    /// After this question: the request for the lane's next page, when the page runs low.
    pub fn next_page(&self, length: u32) -> Option<DispatchMessage> {
        let runs_low = self.position.0 + PAGE_LEFT + 1 == self.page_end.0;
        let hop = self.hop + 1;
        (runs_low && self.page_end.0 < length && hop <= max_hops(length)).then(|| DispatchMessage {
            job_id: self.job_id.clone(),
            run: self.run,
            lane: self.lane.clone(),
            dispatch_number: self.dispatch_number,
            from: self.page_end,
            hop,
        })
    }
}

/// Hex SHA-256 of the parts, joined by a character that none of them holds.
fn digest(parts: &[&str]) -> String {
    hex(&Sha256::digest(parts.join("\n")))
}

#[cfg(test)]
mod tests;
