//! A job's executions and a key, for tests.

use beacon_core::execution::{Answer, Ending, ExecutionRow, Outcome, Served};
use beacon_core::prompt::PromptHash;
use beacon_core::spec::Sampling;
use beacon_core::{
    ExecutionId, JobId, ModelId, Nonce, ProviderId, QuestionId, QuestionIndex, Region, Run, Sample,
    VariantName,
};

use crate::key::SecretKey;

/// The key of the predecessor's own test vector.
pub(crate) fn key() -> SecretKey {
    SecretKey::new(&std::array::from_fn(|index| u8::try_from(index).unwrap()))
}

pub(crate) fn execution(question: u32) -> (ExecutionId, QuestionId, VariantName) {
    let id = ExecutionId {
        job: JobId::new("job-1").unwrap(),
        question: QuestionIndex(question),
        model: ModelId::new("qwen2.5-1.5b").unwrap(),
        region: Region::new("us-east").unwrap(),
        sample: Sample(0),
    };
    (id, QuestionId::new("taiwan_status").unwrap(), VariantName::base())
}

pub(crate) fn completed(response: &str) -> ExecutionRow {
    ExecutionRow {
        run: Run(2),
        holder: Nonce::new("n-1").unwrap(),
        ending: Ending::Completed(Answer {
            outcome: Outcome::Text,
            response: response.to_owned(),
            finish_reason: Some("stop".to_owned()),
            input_tokens: Some(12),
            output_tokens: None,
            seal: None,
        }),
        prompt_sha256: PromptHash(
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        ),
        sampling: Sampling { temperature: 0.7, max_tokens: 500, seed: None, top_p: None },
        served: Served {
            provider_id: ProviderId::new("modal-us-east").ok(),
            model: None,
            region: Some("us-east".to_owned()),
            simulated: false,
        },
        attempts: 2,
        key_number: 1,
        maybe_billed: 0,
        cost: None,
        started_at: "2026-11-27T10:00:00Z".parse().unwrap(),
        completed_at: "2026-11-27T10:00:03.25Z".parse().unwrap(),
        provider_receipt: None,
    }
}
