//! What the router's HTTP answer to one call amounts to.

use crate::Region;
use crate::execution::{Answer, Ending, Outcome, Served};
use crate::failure::{Failure, FailureCode, ReportedCode, Stage};
use crate::id::ProviderId;
use crate::money::Dollars;
use crate::seal::ProviderReceipt;
use crate::spec::limit;
use crate::wire::{InferenceResponse, MAX_RESPONSE_BYTES, WireFailure};

/// What was asked, for comparing with what the answer says.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The region asked.
    pub region: &'a Region,
    /// The system message sent.
    pub system: Option<&'a str>,
    /// Requests sent to the router so far, this one included.
    pub attempts: u32,
}

/// An ending and who brought it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// How the execution ended.
    pub ending: Ending,
    /// Who answered, as reported.
    pub served: Served,
    /// Earlier requests under the same key that may have been charged for.
    pub earlier_maybe_billed: u32,
    /// What it cost, where that is known.
    pub cost: Option<Dollars>,
    /// What the provider itself says of its answer.
    pub provider_receipt: Option<ProviderReceipt>,
}

impl Reply {
    /// An ending without an answer from the router.
    pub fn without_provider(ending: Ending) -> Self {
        Self {
            ending,
            served: Served::default(),
            earlier_maybe_billed: 0,
            cost: None,
            provider_receipt: None,
        }
    }
}

/// Codes with which the router says that the call's own time budget ran out.
const OUT_OF_TIME: [&str; 2] = ["PROVIDER_TIMEOUT", "DEADLINE_EXCEEDED"];

/// Reads an answer: the HTTP status and the whole body.
pub fn read(status: u16, body: &[u8], asked: Asked<'_>) -> Reply {
    if status != 200 {
        return Reply::without_provider(Ending::Failed(Failure {
            stage: Stage::RouterHttpRequest,
            code: FailureCode::RouterHttp(status),
            message: format!("the router answered with HTTP {status}"),
            retryable: status == 429 || status >= 500,
            // A gateway in front of the router may give up on a call that goes on behind it.
            maybe_billed: status >= 500 || status == 408,
            provider_id: None,
            http_status: Some(status),
            attempts: asked.attempts,
        }));
    }
    match serde_json::from_slice::<InferenceResponse>(body) {
        Ok(response) => {
            let served = served(&response);
            let earlier_maybe_billed = response.earlier_maybe_billed;
            let cost = cost(&response);
            let answer_bytes = response.response.as_ref().map_or(0, String::len);
            let sent = response.metadata.receipt.as_ref();
            let provider_receipt = sent.map(|sent| ProviderReceipt::new(sent, answer_bytes));
            let ending = if response.success {
                answered(response, &served, asked)
            } else {
                Ending::from_router(response, &served, asked)
            };
            Reply { ending, served, earlier_maybe_billed, cost, provider_receipt }
        }
        Err(error) => {
            let code = if error.is_data() {
                FailureCode::RouterUnexpectedShape
            } else {
                FailureCode::RouterJsonError
            };
            let (line, column) = (error.line(), error.column());
            Reply::without_provider(Ending::Failed(Failure {
                stage: Stage::RouterResponseParse,
                code,
                message: format!(
                    "the router's answer cannot be read at line {line}, column {column}"
                ),
                retryable: false,
                maybe_billed: true,
                provider_id: None,
                http_status: Some(status),
                attempts: asked.attempts,
            }))
        }
    }
}

fn served(response: &InferenceResponse) -> Served {
    let region = response.served_region.as_deref().or(response.metadata.region.as_deref());
    Served {
        provider_id: ProviderId::new(response.provider_used.as_str()).ok(),
        model: response.served_model.as_deref().map(cut),
        region: region.map(cut),
        simulated: response.metadata.simulated,
    }
}

/// Characters of a provider's word that are kept, so that a row always fits into an item.
const WORD_CHARS: usize = 200;

fn cut(word: &str) -> String {
    word.chars().take(WORD_CHARS).collect()
}

/// What the router's requests for a call cost. A router that tells of each of them says which cost is
/// not known; an older one writes 0. A request that may be charged for without an answer is not in
/// the sum: it is counted as such.
fn cost(response: &InferenceResponse) -> Option<Dollars> {
    let Some(decision) = &response.decision else {
        return Dollars::new(response.cost_estimate).ok().filter(|cost| *cost > Dollars::ZERO);
    };
    let ended = || decision.attempts.iter().filter(|attempt| !attempt.maybe_billed);
    // Of those that failed some are not charged at all, so that there is nothing to know.
    if response.success && ended().next_back().is_none_or(|answered| answered.cost.is_none()) {
        return None;
    }
    let costs = ended().filter_map(|attempt| attempt.cost);
    costs
        .map(|cost| Dollars::new(cost).ok())
        .sum::<Option<Dollars>>()
        .filter(|cost| response.success || *cost > Dollars::ZERO)
}

fn answered(response: InferenceResponse, served: &Served, asked: Asked<'_>) -> Ending {
    let unverified = |code, message: String| {
        Ending::Failed(Failure {
            stage: Stage::Verification,
            code,
            message: Failure::message(message),
            retryable: false,
            maybe_billed: true,
            provider_id: served.provider_id.clone(),
            http_status: None,
            attempts: asked.attempts,
        })
    };
    if let Some(other) = other_region(&response, asked.region) {
        let message = format!("asked in {}, but served from `{other}`", asked.region);
        return unverified(FailureCode::RegionMismatch, message);
    }
    if has_other_prompt(&response, asked.system) {
        let message = "the provider's receipt holds another system prompt than was sent".into();
        return unverified(FailureCode::PromptMismatch, message);
    }
    let text = response.response.unwrap_or_default();
    if text.len() > MAX_RESPONSE_BYTES {
        let message =
            format!("the answer has {} bytes; at most {MAX_RESPONSE_BYTES} are kept", text.len());
        return unverified(FailureCode::ResponseTooLarge, message);
    }
    let usage = response.usage;
    let untold = || Outcome::of(&text, response.finish_reason.as_deref());
    Ending::Completed(Answer {
        outcome: response.outcome.map_or_else(untold, Outcome::from),
        response: text,
        finish_reason: response.finish_reason.as_deref().map(cut),
        input_tokens: usage.and_then(|usage| countable(usage.input_tokens)),
        output_tokens: usage.and_then(|usage| countable(usage.output_tokens)),
        seal: None,
    })
}

/// A count that every reader of JSON takes for the same number; a larger one counts nothing that there is.
fn countable(tokens: Option<u64>) -> Option<u64> {
    tokens.filter(|tokens| *tokens <= limit::SEED)
}

/// The first region in the answer that is not the one asked. Where none is named, the router's own
/// promise has to do.
fn other_region(response: &InferenceResponse, asked: &Region) -> Option<String> {
    let receipt = response.metadata.receipt.as_ref();
    let receipt =
        receipt.and_then(|receipt| receipt.pointer("/execution_details/region")?.as_str());
    let reported =
        [response.served_region.as_deref(), response.metadata.region.as_deref(), receipt];
    let is_other =
        |given: &&str| Region::resolve(given, std::slice::from_ref(asked)).as_ref() != Ok(asked);
    let other = reported.into_iter().flatten().find(is_other);
    other.map(|region| region.chars().take(80).collect())
}

fn has_other_prompt(response: &InferenceResponse, sent: Option<&str>) -> bool {
    let receipt = response.metadata.receipt.as_ref();
    let received = receipt.and_then(|receipt| receipt.pointer("/output/system_prompt")?.as_str());
    received.is_some_and(|received| received != sent.unwrap_or_default())
}

impl Ending {
    /// A failure in the router's own words.
    fn from_router(response: InferenceResponse, served: &Served, asked: Asked<'_>) -> Self {
        let told = response.failure;
        let text =
            told.as_ref().map(|failure| failure.code.as_str()).filter(|code| !code.is_empty());
        let text = text.or(response.error_code.as_deref()).unwrap_or_default();
        let code = ReportedCode::new(text).map(FailureCode::Reported);
        let message = told.as_ref().map(|failure| failure.message.clone());
        let message = message.filter(|message| !message.is_empty()).or(response.error);
        let retryable = |failure: &WireFailure| failure.retryable.unwrap_or(failure.transient);
        let failure = Failure {
            stage: match served.provider_id {
                Some(_) => Stage::RouterInference,
                None => Stage::ProviderSelection,
            },
            code: code.unwrap_or(FailureCode::RouterError),
            message: Failure::message(
                message.unwrap_or_else(|| "the router gave no reason".into()),
            ),
            retryable: told.as_ref().is_some_and(retryable),
            // A router that does not say: where a provider was asked, it may have answered.
            maybe_billed: told
                .as_ref()
                .and_then(|failure| failure.maybe_billed)
                .unwrap_or(served.provider_id.is_some()),
            provider_id: served.provider_id.clone(),
            http_status: told.as_ref().and_then(|failure| failure.http_status),
            attempts: asked.attempts,
        };
        if OUT_OF_TIME.contains(&text) { Self::TimedOut(failure) } else { Self::Failed(failure) }
    }
}

#[cfg(test)]
mod tests;
