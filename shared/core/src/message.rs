//! Bodies on the dispatch, question and completion queues.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::{
    DispatchNumber, ExecutionId, JobId, LaneId, ModelId, Position, QuestionId, QuestionIndex, Run,
    Sample, VariantName,
};
use crate::job::{Job, Selection, StopRule};
use crate::lane::{Lane, WorkItem, WorkList};
use crate::money::Dollars;
use crate::price::{Ceiling, Prices, most_prompt_tokens};
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
    /// Its executions that the run is for.
    pub due: u32,
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
    /// Which of those pairs the run is for.
    #[serde(default, skip_serializing_if = "Selection::is_everything")]
    pub selection: Selection,
    /// How they are to sample.
    pub sampling: Sampling,
    /// When the time of the job's run is up.
    pub deadline: Timestamp,
    /// When the job stops by itself.
    pub stop: StopRule,
    /// What the job may cost; absent where it may cost anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<CostLimit>,
    /// First position after this page.
    pub page_end: Position,
    /// Of the dispatch message that sent the page.
    pub hop: u32,
}

/// What a job may cost, and what a call of a question does at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostLimit {
    /// Of all its runs.
    pub max_cost: Dollars,
    /// The most that a call costs, one a model.
    pub bounds: Vec<Dollars>,
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

    /// The dispatch that plans a closed lane's part of a run, and sends its first page.
    pub fn of_run(job_id: JobId, run: Run, lane: &Lane) -> Self {
        let Lane { id, dispatch_number, .. } = lane;
        let (lane, dispatch_number) = (id.clone(), *dispatch_number);
        Self { job_id, run, lane, dispatch_number, from: Position(0), hop: 0 }
    }
}

/// A lane's questions as its run asks them.
#[derive(Debug, Clone, Copy)]
pub struct Asks<'a> {
    /// The job.
    pub job: &'a Job,
    /// Its specification.
    pub spec: &'a Spec,
    /// The lane.
    pub lane: &'a Lane,
    /// Its work list; none where it asks all its questions.
    pub work: Option<&'a WorkList>,
    /// What its models cost; none where the job may cost anything.
    pub prices: Option<&'a Prices>,
}

impl Asks<'_> {
    /// The page's question messages, in order. Empty where lane and specification do not match.
    pub fn page(&self, from: Position, hop: u32) -> impl Iterator<Item = QuestionMessage> + '_ {
        let end = Position(self.lane.length.min(from.0.saturating_add(PAGE)));
        (from.0..end.0).filter_map(move |position| self.question(Position(position), end, hop))
    }

    /// The message of one position alone.
    pub fn at(&self, position: Position) -> Option<QuestionMessage> {
        self.question(position, position.next(), 0)
    }

    fn question(
        &self,
        position: Position,
        page_end: Position,
        hop: u32,
    ) -> Option<QuestionMessage> {
        let Self { job, spec, lane, work, .. } = *self;
        let item = match work {
            Some(work) => work.at(position)?,
            None => WorkItem {
                question: question_at(spec, &lane.id, position),
                due: lane.pairs_of_question,
            },
        };
        let question = spec.question(item.question)?;
        let prompt = spec.prompt(question, &lane.id.region)?;
        let selection = job.runs.iter().find(|record| record.run == lane.run);
        Some(QuestionMessage {
            job_id: job.id.clone(),
            run: lane.run,
            lane: lane.id.clone(),
            dispatch_number: lane.dispatch_number,
            position,
            question: item.question,
            due: item.due,
            question_id: question.id.clone(),
            variant: question.variant.clone(),
            text: question.text.clone(),
            system: prompt.system.map(str::to_owned),
            models: spec.models.clone(),
            samples: spec.samples,
            selection: selection
                .map(|record| record.selection.at(&lane.id.region, &question.id))
                .unwrap_or_default(),
            sampling: spec.sampling.clone(),
            deadline: job.deadline,
            stop: job.stop,
            limit: self.limit(prompt),
            page_end,
            hop,
        })
    }

    fn limit(&self, prompt: Prompt<'_>) -> Option<CostLimit> {
        let max_cost = self.job.max_cost?;
        let of_region =
            self.prices.map_or(&[][..], |prices| prices.in_region(&self.lane.id.region));
        let (tokens, most) = (most_prompt_tokens(prompt), self.spec.sampling.max_tokens);
        // A model without a price, which intake lets into no job with a limit, ends it.
        let bound = |ceiling: Option<Ceiling>| {
            ceiling.map_or(max_cost, |ceiling| ceiling.bound(tokens, most))
        };
        let models = 0..self.spec.models.len();
        let bounds = models.map(|model| bound(of_region.get(model).copied().flatten()));
        Some(CostLimit { max_cost, bounds: bounds.collect() })
    }
}

/// What a finished question asks of dispatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextPage {
    /// Nothing: the page does not run low, or is the lane's last.
    NotDue,
    /// The next page.
    Due(DispatchMessage),
    /// Nothing any more: the chain of requests would have more pages than [`max_hops`].
    Refused {
        /// Which page of the chain it would be.
        hop: u32,
    },
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
    /// All pairs of the question that its run is for, each with the index of its model.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, ExecutionId)> + '_ {
        let samples = self.samples;
        let all = self.models.iter().enumerate();
        let all = all.flat_map(move |(index, model)| {
            (0..samples).map(move |sample| (index, model.clone(), Sample(sample)))
        });
        let ids = all.map(|(index, model, sample)| {
            let (job, region) = (self.job_id.clone(), self.lane.region.clone());
            (index, ExecutionId { job, question: self.question, model, region, sample })
        });
        ids.filter(|(_, id)| self.selection.takes(id, &self.question_id))
    }

    /// The most that a call of this model costs; nothing where the job may cost anything.
    pub fn bound(&self, model: usize) -> Dollars {
        let Some(limit) = &self.limit else { return Dollars::ZERO };
        limit.bounds.get(model).copied().unwrap_or(limit.max_cost)
    }

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
    pub fn next_page(&self, length: u32) -> NextPage {
        let runs_low = self.position.0 + PAGE_LEFT + 1 == self.page_end.0;
        let hop = self.hop + 1;
        if !runs_low || self.page_end.0 >= length {
            return NextPage::NotDue;
        }
        if hop > max_hops(length) {
            return NextPage::Refused { hop };
        }
        NextPage::Due(DispatchMessage {
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
