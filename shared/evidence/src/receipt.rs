//! The receipt of a completed execution: what was asked of whom, and what came back, signed.
//!
//! A receipt is canonical JSON whose signature is over the same without `signature`. It holds no text of
//! prompt or answer, but their hashes. Of a stored row only the signature is kept: all else is built from
//! the row, always the same.

use beacon_core::execution::{Answer, Ending, ExecutionRow, Outcome};
use beacon_core::prompt::PromptHash;
use beacon_core::seal::{KeyId, ProviderReceipt, Seal, Signature};
use beacon_core::spec::{Sampling, Spec};
use beacon_core::{
    ExecutionId, JobId, ModelId, ProviderId, QuestionId, Region, Run, Sample, VariantName,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::canonical::to_canonical;
use crate::hash::Hash;
use crate::key::{PublicKey, SecretKey};

/// The `format` of a receipt.
pub const FORMAT: &str = "beacon-receipt-v1";

/// What a receipt says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ReceiptBody")]
pub struct Body {
    /// [`FORMAT`].
    pub format: String,
    /// Which execution; the fields down to `sample` are its coordinates.
    pub execution_id: ExecutionId,
    /// The job.
    pub job_id: JobId,
    /// Shared by all variants of a question.
    pub question_id: QuestionId,
    /// How the question was put.
    pub variant: VariantName,
    /// The model asked.
    pub model_id: ModelId,
    /// The region asked.
    pub region: Region,
    /// Which repetition.
    pub sample: Sample,
    /// The run that it was completed in.
    pub run: Run,
    /// Of the chat that was sent: SHA-256 of the canonical JSON of its messages, each `{content, role}`.
    pub prompt_sha256: PromptHash,
    /// How the model was to sample.
    pub sampling: Sampling,
    /// What came back, from the transport.
    pub outcome: Outcome,
    /// SHA-256 of the answer's UTF-8, which may be empty.
    pub answer_sha256: Hash,
    /// The provider's word; null where it said none.
    pub finish_reason: Option<String>,
    /// Tokens of the prompt, as the provider counts; null where it does not.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer, as the provider counts; null where it does not.
    pub output_tokens: Option<u64>,
    /// Who answered.
    pub provider_id: Option<ProviderId>,
    /// The model that the provider says it ran; null where it does not say.
    pub served_model: Option<String>,
    /// The region served from: the provider's word, or else the router's.
    pub served_region: Option<String>,
    /// SHA-256 of the provider's own receipt; null where it sent none.
    pub provider_receipt_sha256: Option<String>,
    /// Whether that is kept, and so in a bundle: one that is too large is not.
    pub provider_receipt_kept: bool,
    /// Made up by the simulated provider.
    pub simulated: bool,
    /// Requests sent to the router.
    pub attempts: u32,
    /// When the first attempt began, to the millisecond.
    #[serde(with = "milliseconds")]
    #[schemars(with = "Timestamp")]
    pub started_at: Timestamp,
    /// When the answer was there, to the millisecond.
    #[serde(with = "milliseconds")]
    #[schemars(with = "Timestamp")]
    pub completed_at: Timestamp,
    /// Name and version of what asked.
    pub software: String,
    /// The key that signed.
    pub key_id: KeyId,
}

/// A receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// What it says.
    #[serde(flatten)]
    pub body: Body,
    /// Of the canonical JSON of the rest.
    pub signature: Signature,
}

/// How a question stands in its job's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Put<'a> {
    /// Shared by all variants.
    pub question_id: &'a QuestionId,
    /// How it is put.
    pub variant: &'a VariantName,
}

/// The row with its receipt's signature, if it is completed.
#[must_use]
pub fn sealed(
    id: &ExecutionId,
    put: Put<'_>,
    mut row: ExecutionRow,
    software: &str,
    key: &SecretKey,
) -> ExecutionRow {
    let body = completed(&row).map(|answer| Body::new(id, put, &row, answer, software, key.id()));
    if let (Some(body), Ending::Completed(answer)) = (body, &mut row.ending) {
        let signature = key.sign(&body.canonical());
        let software = software.to_owned();
        answer.seal = Some(Seal { key_id: key.id(), software, signature });
    }
    row
}

fn completed(row: &ExecutionRow) -> Option<&Answer> {
    match &row.ending {
        Ending::Completed(answer) => Some(answer),
        Ending::Failed(_) | Ending::TimedOut(_) | Ending::Cancelled(_) => None,
    }
}

impl Receipt {
    /// The receipt of a row; none of what did not complete, or is not signed.
    pub fn of(id: &ExecutionId, put: Put<'_>, row: &ExecutionRow) -> Option<Self> {
        let answer = completed(row)?;
        let Seal { key_id, software, signature } = answer.seal.as_ref()?;
        let body = Body::new(id, put, row, answer, software, *key_id);
        Some(Self { body, signature: *signature })
    }

    /// The same of an execution of a job that runs this specification; none of a question that it does not
    /// have.
    pub fn of_job(id: &ExecutionId, spec: &Spec, row: &ExecutionRow) -> Option<Self> {
        let question = spec.question(id.question)?;
        Self::of(id, Put { question_id: &question.id, variant: &question.variant }, row)
    }

    /// Its one text.
    pub fn canonical(&self) -> Vec<u8> {
        canonical(self)
    }

    /// Whether its signature is this key's.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.verifies(&self.body.canonical(), &self.signature)
    }
}

impl Body {
    fn new(
        id: &ExecutionId,
        put: Put<'_>,
        row: &ExecutionRow,
        answer: &Answer,
        software: &str,
        key_id: KeyId,
    ) -> Self {
        let Answer { outcome, response, finish_reason, input_tokens, output_tokens, seal: _ } =
            answer;
        let ExecutionId { job, question: _, model, region, sample } = id;
        Self {
            format: FORMAT.to_owned(),
            execution_id: id.clone(),
            job_id: job.clone(),
            question_id: put.question_id.clone(),
            variant: put.variant.clone(),
            model_id: model.clone(),
            region: region.clone(),
            sample: *sample,
            run: row.run,
            prompt_sha256: row.prompt_sha256.clone(),
            sampling: row.sampling.clone(),
            outcome: *outcome,
            answer_sha256: Hash::of(response.as_bytes()),
            finish_reason: finish_reason.clone(),
            input_tokens: *input_tokens,
            output_tokens: *output_tokens,
            provider_id: row.served.provider_id.clone(),
            served_model: row.served.model.clone(),
            served_region: row.served.region.clone(),
            provider_receipt_sha256: row.provider_receipt.as_ref().map(ProviderReceipt::sha256),
            provider_receipt_kept: row
                .provider_receipt
                .as_ref()
                .is_some_and(|of| of.json().is_some()),
            simulated: row.served.simulated,
            attempts: row.attempts,
            started_at: row.started_at,
            completed_at: row.completed_at,
            software: software.to_owned(),
            key_id,
        }
    }

    /// What is signed.
    pub fn canonical(&self) -> Vec<u8> {
        canonical(self)
    }

    /// Whether the coordinates are those of the execution's id.
    pub fn is_of_one_execution(&self) -> bool {
        let ExecutionId { job, question: _, model, region, sample } = &self.execution_id;
        (&self.job_id, &self.model_id, &self.region, self.sample) == (job, model, region, *sample)
    }
}

#[expect(clippy::expect_used, reason = "its numbers are finite: the specification's are in bounds")]
pub(crate) fn canonical(value: &impl Serialize) -> Vec<u8> {
    to_canonical(value).expect("texts, whole numbers and finite fractions are JSON")
}

/// Times as rows keep them.
pub(crate) mod milliseconds {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{at:.3}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        Timestamp::deserialize(from)
    }
}

#[cfg(test)]
mod tests;
