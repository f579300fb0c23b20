//! What became of a pair: its stored row, and the types that make a silent failure impossible.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::id::{Nonce, ProviderId, Run};
use crate::money::Dollars;
use crate::prompt::PromptHash;
use crate::seal::{ProviderReceipt, Seal};
use crate::spec::Sampling;
use crate::view::milliseconds;
use crate::wire::AnswerKind;

/// Status of an execution. `pending` and `running` are derived from the lane, never stored.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionStatus {
    /// Not begun.
    Pending,
    /// Its question is open and held.
    Running,
    /// The model answered, be it with nothing.
    Completed,
    /// It ended without an answer; the failure says why.
    Failed,
    /// Its own time budget, or the job's deadline, ran out.
    TimedOut,
    /// The job was stopped before it ended.
    Cancelled,
}

impl fmt::Display for ExecutionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The name in JSON.
        self.serialize(f)
    }
}

/// What a completed execution brought back, as the transport tells it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Text.
    Text,
    /// Nothing, or white space alone, which is an answer.
    Empty,
    /// Withheld by a content filter, or refused in the protocol's refusal field.
    Blocked,
    /// Cut at the token limit.
    Truncated,
}

impl Outcome {
    /// The outcome that a text and the provider's finish reason amount to, for answers of routers
    /// that do not tell their kind.
    pub fn of(text: &str, finish_reason: Option<&str>) -> Self {
        match finish_reason {
            Some("content_filter" | "refusal") => Self::Blocked,
            Some("length" | "max_tokens") => Self::Truncated,
            Some(_) | None if text.trim().is_empty() => Self::Empty,
            Some(_) | None => Self::Text,
        }
    }

    /// Whether there is a text that says something.
    pub fn is_text(self) -> bool {
        match self {
            Self::Text | Self::Truncated => true,
            Self::Empty | Self::Blocked => false,
        }
    }
}

impl From<AnswerKind> for Outcome {
    fn from(kind: AnswerKind) -> Self {
        match kind {
            AnswerKind::Text => Self::Text,
            AnswerKind::Empty => Self::Empty,
            AnswerKind::Refusal | AnswerKind::ContentFilter => Self::Blocked,
            AnswerKind::Length | AnswerKind::Reasoning => Self::Truncated,
        }
    }
}

/// A completed execution's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// From the transport.
    pub outcome: Outcome,
    /// At most [`crate::wire::MAX_RESPONSE_BYTES`].
    pub response: String,
    /// The provider's word.
    pub finish_reason: Option<String>,
    /// Tokens of the prompt, as the provider counts.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer, as the provider counts.
    pub output_tokens: Option<u64>,
    /// What makes its row a receipt; none until it is stored, and of rows of releases that signed none.
    pub seal: Option<Seal>,
}

/// How an execution ended. There is no way to build a failure without its code.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// With an answer.
    Completed(Answer),
    /// Without one.
    Failed(Failure),
    /// Out of time.
    TimedOut(Failure),
    /// Stopped; the failure names the reason.
    Cancelled(Failure),
}

impl Ending {
    /// The status that it is stored under.
    pub fn status(&self) -> ExecutionStatus {
        match self {
            Self::Completed(_) => ExecutionStatus::Completed,
            Self::Failed(_) => ExecutionStatus::Failed,
            Self::TimedOut(_) => ExecutionStatus::TimedOut,
            Self::Cancelled(_) => ExecutionStatus::Cancelled,
        }
    }

    /// The same, and whether a call of it may be billed, where it did not complete.
    #[must_use]
    pub fn billed(self, maybe_billed: bool) -> Self {
        let told = |failure| Failure { maybe_billed, ..failure };
        match self {
            Self::Completed(answer) => Self::Completed(answer),
            Self::Failed(failure) => Self::Failed(told(failure)),
            Self::TimedOut(failure) => Self::TimedOut(told(failure)),
            Self::Cancelled(failure) => Self::Cancelled(told(failure)),
        }
    }

    /// The same, after so many attempts, where it did not complete.
    #[must_use]
    pub fn after(mut self, attempts: u32) -> Self {
        match &mut self {
            Self::Completed(_) => {}
            Self::Failed(failure) | Self::TimedOut(failure) | Self::Cancelled(failure) => {
                failure.attempts = attempts;
            }
        }
        self
    }

    /// Bytes of its text, where it completed.
    pub fn response_bytes(&self) -> Option<usize> {
        match self {
            Self::Completed(answer) => Some(answer.response.len()),
            Self::Failed(_) | Self::TimedOut(_) | Self::Cancelled(_) => None,
        }
    }

    /// Why it did not complete.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Completed(_) => None,
            Self::Failed(failure) | Self::TimedOut(failure) | Self::Cancelled(failure) => {
                Some(failure)
            }
        }
    }
}

/// Who answered, as reported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Served {
    /// Absent when no provider was chosen.
    pub provider_id: Option<ProviderId>,
    /// The model that the provider says it ran.
    pub model: Option<String>,
    /// The region served from: the provider's word, or else the router's.
    pub region: Option<String>,
    /// Made up by the simulated provider.
    pub simulated: bool,
}

/// The stored row of an execution; its coordinates are its key.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionRow {
    /// The run that made it.
    pub run: Run,
    /// Who wrote it.
    pub holder: Nonce,
    /// How it ended.
    pub ending: Ending,
    /// Of what was sent.
    pub prompt_sha256: PromptHash,
    /// How the model was to sample.
    pub sampling: Sampling,
    /// Who answered.
    pub served: Served,
    /// Requests sent to the router.
    pub attempts: u32,
    /// Number of the idempotency key of its last call; 0 where no run has made one.
    pub key_number: u32,
    /// Attempts of its run that may have been charged for without an answer having arrived.
    pub maybe_billed: u32,
    /// What its calls cost, where the provider's price is declared and what they used is told.
    pub cost: Option<Dollars>,
    /// When the first attempt began.
    pub started_at: Timestamp,
    /// When the answer or the failure was known.
    pub completed_at: Timestamp,
    /// What the provider itself says of its answer.
    pub provider_receipt: Option<ProviderReceipt>,
}

/// What counts of a row towards its lane's tallies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The run that made the row.
    pub run: Run,
    /// Its status.
    pub status: ExecutionStatus,
    /// Its outcome, if it is completed.
    pub outcome: Option<Outcome>,
    /// Made up by the simulated provider.
    pub simulated: bool,
    /// From the first attempt to the ending, milliseconds.
    pub duration_ms: u64,
}

/// A row as the next attempt at its pair needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredRow {
    /// What counts of it.
    pub counted: Counted,
    /// Number of the idempotency key of its last call; 0 where no run has made one.
    pub key_number: u32,
    /// What became of that call is not known.
    pub is_open: bool,
    /// Attempts of its run that may have been charged for without an answer having arrived.
    pub maybe_billed: u32,
    /// What its calls cost, where that is known.
    pub cost: Option<Dollars>,
}

/// Whether a run may put its row where this one (its run and status) is stored, or none: the twin of
/// the condition of the table's write. The first ended row of a run stands, a completed one for good.
/// Where a worker looks for rows, it asks the pairs of which this is so.
pub fn may_replace(stored: Option<(Run, ExecutionStatus)>, run: Run) -> bool {
    stored.is_none_or(|(of, status)| status != ExecutionStatus::Completed && of < run)
}

impl Counted {
    /// Whether a row of this kind is the pair's in a run: a row of an earlier run that is not
    /// completed counts as none.
    pub fn stands_in(&self, run: Run) -> bool {
        self.run == run || self.status == ExecutionStatus::Completed
    }

    /// A pair without a row, as a run leaves it.
    pub(crate) fn without_row(run: Run) -> Self {
        let status = ExecutionStatus::Pending;
        Self { run, status, outcome: None, simulated: false, duration_ms: 0 }
    }
}

impl ExecutionRow {
    /// What the next attempt at its pair needs of it.
    pub fn stored(&self) -> StoredRow {
        let is_open = self.ending.failure().is_some_and(|failure| failure.maybe_billed);
        let Self { key_number, maybe_billed, cost, .. } = *self;
        StoredRow { counted: self.counted(), key_number, is_open, maybe_billed, cost }
    }

    /// Bytes of its answer and of the provider's receipt, which it holds.
    pub fn text_bytes(&self) -> usize {
        let receipt = self.provider_receipt.as_ref().and_then(ProviderReceipt::json);
        self.ending.response_bytes().unwrap_or(0) + receipt.map_or(0, str::len)
    }

    fn answer(&self) -> Option<&Answer> {
        match &self.ending {
            Ending::Completed(answer) => Some(answer),
            Ending::Failed(_) | Ending::TimedOut(_) | Ending::Cancelled(_) => None,
        }
    }

    /// Whether it has a receipt.
    pub fn is_sealed(&self) -> bool {
        self.answer().is_some_and(|answer| answer.seal.is_some())
    }

    /// What counts of it.
    pub fn counted(&self) -> Counted {
        Counted {
            run: self.run,
            status: self.ending.status(),
            outcome: self.answer().map(|answer| answer.outcome),
            simulated: self.served.simulated,
            duration_ms: milliseconds(self.started_at, self.completed_at),
        }
    }
}
