//! Executions as the API answers them, under our names and the predecessor's.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ResponseClassification;
use super::milliseconds;
use crate::execution::{Ending, ExecutionRow, ExecutionStatus, Outcome};
use crate::failure::Failure;
use crate::id::{
    ExecutionId, JobId, ModelId, ProviderId, QuestionId, QuestionIndex, Run, Sample, VariantName,
};
use crate::job::{Job, MAX_RETRIES, RunRecord, retries};
use crate::lane::{Lane, Shown, shown};
use crate::money::Dollars;
use crate::prompt::{Prompt, PromptHash};
use crate::region::Region;
use crate::spec::{Question, Sampling, Spec};
use crate::verdict::VerdictView;

/// One pair as the API shows it, whether or not its row exists; `R` is what its receipt is shown as.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ExecutionView")]
pub struct ExecutionView<R = ()> {
    /// Reversible; see [`ExecutionId`].
    pub id: ExecutionId,
    /// The job.
    pub job_id: JobId,
    /// Shared by all variants.
    pub question_id: QuestionId,
    /// How the question was put.
    pub variant: VariantName,
    /// Index into the job's question list.
    pub question: QuestionIndex,
    /// Of the question, as its specification groups it; null where it does not.
    #[serde(default)]
    pub category: Option<String>,
    /// Of the question; null where its specification does not say.
    #[serde(default)]
    pub language: Option<String>,
    /// The model asked.
    pub model_id: ModelId,
    /// The region asked, canonical.
    pub region: Region,
    /// The region as the client wrote it.
    pub region_asked: String,
    /// Which repetition.
    pub sample: Sample,
    /// Where it is.
    pub status: ExecutionStatus,
    /// Why it did not complete; null for others. Of a pair that its job left behind there is no row.
    pub failure: Option<Failure>,
    /// Runs after the first that were for it; of a completed one those until it was.
    pub retries: u32,
    /// The same, under the predecessor's name.
    pub retry_count: u32,
    /// Retries that it may have by itself.
    pub max_retries: u32,
    /// When its job was accepted, and the pair promised.
    pub created_at: Timestamp,
    /// What its text says; null for one without a text, and until its job was analysed.
    pub verdict: Option<VerdictView>,
    /// The same in the predecessor's words.
    pub response_classification: ResponseClassification,
    /// Whether that is `substantive`.
    pub is_substantive: bool,
    /// Whether that is `content_refusal`.
    pub is_content_refusal: bool,
    /// Bytes of its text; null for one without an answer.
    pub response_length: Option<u64>,
    /// Of a completed execution that is asked for by itself; null in lists.
    pub receipt: Option<R>,
    /// Whether it has a receipt.
    pub has_receipt: bool,
    /// What its row holds, under the predecessor's names; null for pending and running ones.
    pub output: Option<OutputView>,
    /// What its row holds; absent for pending and running ones.
    #[serde(flatten)]
    pub row: Option<RowView>,
}

/// What came back, as the predecessor's clients read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutputView {
    /// The answer, which may be empty; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// Who answered; absent when no provider was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// What was sent, and the answer again.
    pub metadata: OutputMetadata,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The failure's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The failure's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<crate::failure::FailureCode>,
}

/// The prompt exactly as it was sent, and the whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutputMetadata {
    /// The system message; empty where none was sent.
    pub system_prompt: String,
    /// The question's text.
    pub prompt: String,
    /// The whole answer; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_response: Option<String>,
}

impl OutputView {
    fn new(
        response: Option<&String>,
        provider: Option<&ProviderId>,
        failure: Option<&Failure>,
        prompt: Option<Prompt<'_>>,
    ) -> Self {
        let (system, question) =
            prompt.map_or(("", ""), |prompt| (prompt.system.unwrap_or_default(), prompt.question));
        Self {
            response: response.cloned(),
            provider: provider.cloned(),
            metadata: OutputMetadata {
                system_prompt: system.to_owned(),
                prompt: question.to_owned(),
                full_response: response.cloned(),
            },
            error: failure.map(|failure| failure.message.clone()),
            error_code: failure.map(|failure| failure.code.clone()),
            failure: failure.cloned(),
        }
    }
}

/// What the row of an execution holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RowView {
    /// The run that made it.
    pub run: Run,
    /// Of a completed one.
    pub outcome: Option<Outcome>,
    /// Of a completed one.
    pub response: Option<String>,
    /// The provider's word.
    pub finish_reason: Option<String>,
    /// Absent when no provider was chosen.
    pub provider_id: Option<ProviderId>,
    /// The model that the provider says it ran.
    pub served_model: Option<String>,
    /// The region served from: the provider's word, or else the router's.
    pub served_region: Option<String>,
    /// Tokens of the prompt, as the provider counts.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer, as the provider counts.
    pub output_tokens: Option<u64>,
    /// US dollars that its calls cost, where the provider's price is declared and what they used is
    /// told.
    pub cost: Option<f64>,
    /// Made up by the simulated provider.
    pub simulated: bool,
    /// Of what was sent.
    pub prompt_sha256: PromptHash,
    /// How the model was to sample.
    pub sampling: Sampling,
    /// Requests sent to the router.
    pub attempts: u32,
    /// Attempts of its run that may have been charged for without an answer having arrived.
    pub maybe_billed: u32,
    /// When the first attempt began.
    pub started_at: Timestamp,
    /// When the answer or the failure was known.
    pub completed_at: Timestamp,
    /// Between the two.
    pub duration_ms: u64,
}

impl RowView {
    fn new(row: ExecutionRow) -> Self {
        let answer = match row.ending {
            Ending::Completed(answer) => Some(answer),
            Ending::Failed(_) | Ending::TimedOut(_) | Ending::Cancelled(_) => None,
        };
        let outcome = answer.as_ref().map(|answer| answer.outcome);
        let input_tokens = answer.as_ref().and_then(|answer| answer.input_tokens);
        let output_tokens = answer.as_ref().and_then(|answer| answer.output_tokens);
        let finish_reason = answer.as_ref().and_then(|answer| answer.finish_reason.clone());
        Self {
            run: row.run,
            outcome,
            response: answer.map(|answer| answer.response),
            finish_reason,
            provider_id: row.served.provider_id,
            served_model: row.served.model,
            served_region: row.served.region,
            input_tokens,
            output_tokens,
            cost: row.cost.map(Dollars::as_f64),
            simulated: row.served.simulated,
            prompt_sha256: row.prompt_sha256,
            sampling: row.sampling,
            attempts: row.attempts,
            maybe_billed: row.maybe_billed,
            started_at: row.started_at,
            completed_at: row.completed_at,
            duration_ms: milliseconds(row.started_at, row.completed_at),
        }
    }
}

impl<R> ExecutionView<R> {
    /// A pair as its lane shows it, without `output` and `receipt`; its row counts where the lane says so.
    pub(super) fn new(
        id: ExecutionId,
        spec: &Spec,
        question: &Question,
        job: &Job,
        lane: Option<&Lane>,
        row: Option<ExecutionRow>,
    ) -> Self {
        let stored = row.as_ref().map(|row| (row.run, row.ending.status()));
        let shown =
            lane.map_or(Shown::Pending, |lane| shown(lane, &job.runs, &id, &question.id, stored));
        let status = shown.status(stored.map(|(_, status)| status));
        let retries = retries(until(&job.runs, stored), &id, &question.id);
        let row = row.filter(|_| shown == Shown::AsStored);
        let failure = match &shown {
            Shown::AsStored => row.as_ref().and_then(|row| row.ending.failure().cloned()),
            Shown::Ended(mark) => Some(mark.cause.failure(0, false)),
            Shown::Pending | Shown::Running => None,
        };
        let has_receipt = row.as_ref().is_some_and(ExecutionRow::is_sealed);
        let row = row.map(RowView::new);
        let asked = spec.region(&id.region).map(|region| region.asked.clone());
        let response = row.as_ref().and_then(|row| row.response.as_ref());
        let view = Self {
            job_id: id.job.clone(),
            question_id: question.id.clone(),
            variant: question.variant.clone(),
            question: id.question,
            category: question.category.clone(),
            language: question.language.clone(),
            model_id: id.model.clone(),
            region_asked: asked.unwrap_or_else(|| id.region.to_string()),
            region: id.region.clone(),
            sample: id.sample,
            status,
            failure,
            retries,
            retry_count: retries,
            max_retries: MAX_RETRIES,
            created_at: job.created_at,
            verdict: None,
            response_classification: ResponseClassification::Unknown,
            is_substantive: false,
            is_content_refusal: false,
            response_length: response.map(|response| response.len() as u64),
            receipt: None,
            has_receipt,
            output: None,
            row,
            id,
        };
        view.judged(None)
    }

    /// The same with its `output`, which has the answer twice more, and the prompts.
    #[must_use]
    pub(super) fn with_output(mut self, spec: &Spec, question: &Question) -> Self {
        let (row, failure) = (self.row.as_ref(), self.failure.as_ref());
        self.output = (row.is_some() || failure.is_some()).then(|| {
            let response = row.and_then(|row| row.response.as_ref());
            let provider = row.and_then(|row| row.provider_id.as_ref());
            OutputView::new(response, provider, failure, spec.prompt(question, &self.region))
        });
        self
    }

    /// The same with what its text says; of one without a text nothing is said.
    #[must_use]
    pub fn judged(mut self, verdict: Option<VerdictView>) -> Self {
        self.verdict = verdict.filter(|_| self.has_text());
        let outcome = self.row.as_ref().and_then(|row| row.outcome);
        // All of the tokens went into reasoning.
        let is_blank = outcome.is_some_and(Outcome::is_text) && !self.has_text();
        let outcome = if is_blank { Some(Outcome::Empty) } else { outcome };
        let said = self.verdict.as_ref().map(|view| view.verdict);
        self.response_classification = ResponseClassification::of(self.status, outcome, said);
        self.is_substantive = self.response_classification == ResponseClassification::Substantive;
        self.is_content_refusal =
            self.response_classification == ResponseClassification::ContentRefusal;
        self
    }

    /// Whether it came back with a text, which can be judged.
    pub fn has_text(&self) -> bool {
        self.text().is_some()
    }

    /// The text of a completed one that has any: what is judged and compared. Blanks are none, and what
    /// stands beside a withheld answer is none either.
    pub fn text(&self) -> Option<&str> {
        let row = self.row.as_ref().filter(|_| self.status == ExecutionStatus::Completed)?;
        let text = row.response.as_deref().filter(|_| row.outcome.is_some_and(Outcome::is_text));
        text.filter(|text| !text.trim().is_empty())
    }
}

/// The runs that can have been for a pair: after it is completed none is.
fn until(runs: &[RunRecord], stored: Option<(Run, ExecutionStatus)>) -> &[RunRecord] {
    match stored {
        Some((run, ExecutionStatus::Completed)) => {
            let later = runs.partition_point(|record| record.run <= run);
            runs.get(..later).unwrap_or(runs)
        }
        Some(_) | None => runs,
    }
}

/// A page of a job's executions, in the order region, question, model, sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ExecutionsPage")]
pub struct ExecutionsPage<T = ExecutionView> {
    /// The pairs of this page; few or none where most do not pass the filter.
    pub executions: Vec<T>,
    /// For the next page; null on the last.
    pub cursor: Option<String>,
    /// Pairs of a page at most.
    pub limit: usize,
    /// Pairs of the whole job, whatever the filter.
    pub total: u64,
}
