//! What an error tells that a provider answers with. Its text is compared with what is known and
//! never repeated: it may quote the prompt.

use beacon_core::wire::AnswerKind;
use serde_json::Value;

use super::Answer;
use crate::failure::{Failure, FailureCode, is_word};

/// Codes and types of providers whose content filter rejects a call.
const FILTERED: [&str; 13] = [
    "content_filter",
    "content_filtered",
    "responsibleaipolicyviolation",
    "content_policy_violation",
    "contentpolicyviolationerror",
    "moderation",
    "moderation_blocked",
    "data_inspection_failed",
    "datainspectionfailed",
    "guardrail_intervened",
    "prohibited_content",
    "safety",
    // Zhipu's.
    "1301",
];
/// Numbers of `MiniMax` for a question and an answer that are held back.
const FILTERED_NUMBERS: [u64; 2] = [1026, 1027];
/// How the texts begin of content filters whose code says no more than "bad request".
const FILTERED_TEXTS: [&str; 7] = [
    "Content Exists Risk",
    "Output blocked by content filtering policy",
    "Invalid prompt: your prompt was flagged",
    "litellm.ContentPolicyViolationError",
    "litellm.BadRequestError: litellm.ContentPolicyViolationError",
    "input new_sensitive",
    "output new_sensitive",
];
/// Parts of words of errors that pass.
const PASSING: [&str; 6] =
    ["rate_limit", "ratelimit", "overloaded", "unavailable", "timeout", "throttl"];
/// Parts of words of errors that stay, however often the same is asked.
const LASTING: [&str; 16] = [
    "invalid_request",
    "invalid_argument",
    "invalid_api_key",
    "invalid_prompt",
    "badrequest",
    "bad_request",
    "validation",
    "not_found",
    "notfound",
    "authentication",
    "permission",
    "billing",
    "insufficient_quota",
    "context_length",
    "exceed_context",
    "too_large",
];

/// One error.
#[derive(Debug, Default)]
pub(super) struct ToldError {
    /// Its codes and types that are plain words, the most telling first.
    words: Vec<String>,
    /// The HTTP status that it names.
    status: Option<u16>,
    /// What a content filter or the model did, where the error tells of that.
    verdict: Option<AnswerKind>,
}

impl ToldError {
    /// The error in a body of JSON: under `error`, in a list of one, or spread over the body itself.
    pub(super) fn in_body(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let body = body.as_array().and_then(|list| list.first()).unwrap_or(&body);
        let flat = Self::of(body);
        let mut told = body.get("error").map(Self::of).unwrap_or_default();
        told.words.extend(flat.words);
        told.status = told.status.or(flat.status);
        told.verdict = told.verdict.or(flat.verdict);
        Some(told)
    }

    /// An error object, or its text alone.
    pub(super) fn of(error: &Value) -> Self {
        let inner = ["/innererror", "/provider_specific_fields/innererror", "/metadata"];
        let inner = inner.iter().filter_map(|place| error.pointer(place));
        let mut told = Self::default();
        for level in std::iter::once(error).chain(inner) {
            for name in ["code", "type", "error_type", "status", "http_code", "__type"] {
                told.take(level.get(name));
            }
        }
        let text = ["message", "detail"].iter().find_map(|name| error.get(name)?.as_str());
        let text = error.as_str().or(text).unwrap_or_default();
        if FILTERED_TEXTS.iter().any(|known| text.starts_with(known)) || is_flagged(error) {
            told.verdict = told.verdict.or(Some(AnswerKind::ContentFilter));
        }
        told
    }

    /// Of a code alone, where that is what is told.
    pub(super) fn of_code(code: &Value) -> Self {
        let mut told = Self::default();
        told.take(Some(code));
        told
    }

    fn take(&mut self, code: Option<&Value>) {
        let word = match code {
            Some(Value::String(word)) => word.clone(),
            Some(Value::Number(number)) => {
                if number.as_u64().is_some_and(|number| FILTERED_NUMBERS.contains(&number)) {
                    self.verdict = Some(AnswerKind::ContentFilter);
                }
                number.to_string()
            }
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
                return;
            }
        };
        if !is_word(&word) {
            return;
        }
        let lower = word.to_ascii_lowercase();
        if lower == "refusal" {
            self.verdict = Some(AnswerKind::Refusal);
        } else if FILTERED.contains(&lower.as_str()) || lower.contains("sensitivecontentdetected") {
            self.verdict = Some(AnswerKind::ContentFilter);
        }
        let status = word.parse().ok().filter(|status| (100..600).contains(status));
        self.status = self.status.or(status);
        self.words.push(word);
    }

    /// The answer that the error is, where it tells of a content filter or a refusal.
    pub(super) fn withheld(&self) -> Option<Answer> {
        let kind = self.verdict?;
        let reason = if kind == AnswerKind::Refusal { "refusal" } else { "content_filter" };
        Some(Answer { finish_reason: Some(reason.to_owned()), ..Answer::new(kind, String::new()) })
    }

    /// Whether it is an answer, told with this status of failure. Statuses of the caller's rights and
    /// pace are believed before the body is.
    pub(super) fn is_answer(&self, status: u16) -> bool {
        let believed = matches!(status, 401 | 408 | 429) || status < 400;
        self.verdict.is_some() && !believed
    }

    /// Its first word.
    pub(super) fn word(&self) -> Option<&str> {
        self.words.first().map(String::as_str)
    }

    /// The failure that it is, told with an HTTP status of success, `generated` if there are signs
    /// that the model said something before.
    pub(super) fn into_failure(self, http_status: u16, generated: bool) -> Failure {
        let message = match self.word() {
            Some(word) => format!("the provider reports an error: {word}"),
            None => "the provider reports an error".to_owned(),
        };
        let retryable = self.retryable();
        let lost = self.status.is_some_and(|status| {
            Failure::new(FailureCode::Http(status), String::new()).maybe_billed()
        });
        let failure = Failure::new(FailureCode::ExecutionFailed, message).with_status(http_status);
        // What was asked wrongly, or too fast, does not speak against the provider.
        let asked_so = self.status.is_some_and(|status| (400..500).contains(&status));
        let fault = (asked_so || retryable == Some(false)).then_some(false);
        let throttles = self.status == Some(429) || self.status.is_none() && self.asks_to_wait();
        let maybe_billed = Some(lost || generated);
        Failure { retryable, maybe_billed, fault, throttles, ..failure }
    }

    /// Whether a word of it says that it was asked too fast.
    fn asks_to_wait(&self) -> bool {
        let mut words = self.words.iter().map(|word| word.to_ascii_lowercase());
        words.any(|word| ["rate_limit", "ratelimit", "throttl"].iter().any(|w| word.contains(w)))
    }

    /// Whether asking again may help, where the error tells.
    fn retryable(&self) -> Option<bool> {
        let any = |parts: &[&str]| {
            let mut words = self.words.iter().map(|word| word.to_ascii_lowercase());
            words.any(|word| parts.iter().any(|part| word.contains(part)))
        };
        if any(&PASSING) {
            Some(true)
        } else if any(&LASTING) {
            Some(false)
        } else {
            self.status.map(|status| status == 429 || status >= 500)
        }
    }
}

/// Whether a moderator's note stands beside the error, as `OpenRouter` has it.
fn is_flagged(error: &Value) -> bool {
    let note = |name| error.get("metadata").and_then(|metadata| metadata.get(name));
    let reasons = note("reasons").and_then(Value::as_array);
    reasons.is_some_and(|reasons| !reasons.is_empty()) || note("flagged_input").is_some()
}

/// The failure of a generation that broke off, for the reason given.
pub(super) fn broken_off(reason: &str, http_status: u16, generated: bool) -> Failure {
    let message = if is_word(reason) {
        format!("the provider broke the answer off: {reason}")
    } else {
        "the provider broke the answer off".to_owned()
    };
    let failure = Failure::new(FailureCode::ExecutionFailed, message).with_status(http_status);
    Failure { retryable: Some(true), maybe_billed: Some(generated), ..failure }
}
