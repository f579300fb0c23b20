//! The simulated provider: answers made up from a seed, for demonstrations and tests. The same
//! call always gets the same answer, and everything it makes is marked as simulated.

mod answers;
mod call_log;
mod config;
mod draw;
mod topic;

use std::future;
use std::sync::Arc;
use std::time::Duration;

use beacon_core::wire::{AnswerKind, Usage};

use super::ending::is_empty;
use super::{Answer, Call};
use crate::chat;
use crate::failure::{Failure, FailureCode};
pub(crate) use call_log::CallLog;
use config::Behaviour;
pub(crate) use config::SimulatedConfig;
use draw::Draw;
use topic::Topic;

/// What filler text is made of.
const FILLER: &str = "Simulated text. ";

/// A simulated provider.
#[derive(Debug)]
pub(super) struct Simulated {
    config: SimulatedConfig,
    call_log: Option<Arc<CallLog>>,
}

impl Simulated {
    pub(super) fn new(config: SimulatedConfig, call_log: Option<Arc<CallLog>>) -> Self {
        Self { config, call_log }
    }

    pub(super) async fn call(&self, call: &Call<'_>) -> Result<Answer, Failure> {
        call.sent.leaves();
        let in_flight = self.call_log.as_deref().map(|log| log.begin(call));
        let question = chat::question(call.request);
        let mut draw = self.draw(call, question);
        let (shortest, longest) = self.config.latency_ms;
        let latency = draw.between(shortest, longest);
        if latency > 0 {
            tokio::time::sleep(Duration::from_millis(latency)).await;
        }
        let outcome = match self.config.scripted(question, &call.request.model) {
            Some(behaviour) => scripted(behaviour, call, &mut draw).await,
            None => self.drawn(call, question, &mut draw),
        };
        if let Some(in_flight) = in_flight {
            in_flight.end();
        }
        outcome
    }

    /// Drawn from the execution and not from the attempt: asked again, a model says the same.
    fn draw(&self, call: &Call<'_>, question: &str) -> Draw {
        let key = call.idempotency_key.unwrap_or_default();
        let execution = key.rsplit_once(':').map_or(key, |(execution, _attempt)| execution);
        let model = call.request.model.as_str();
        Draw::new(self.config.seed, &[model, call.region.as_str(), question, execution])
    }

    fn drawn(&self, call: &Call<'_>, question: &str, draw: &mut Draw) -> Result<Answer, Failure> {
        // Drawn from the attempt too, so that a second attempt may succeed.
        let attempt = call.idempotency_key.unwrap_or_default();
        if Draw::new(self.config.seed, &["error", attempt, question]).chance(self.config.error_rate)
        {
            return Err(error());
        }
        let (topic, model) = (Topic::of(question), call.request.model.as_str());
        let rate = self.config.empty_rate;
        if draw.chance(rate.unwrap_or_else(|| topic.empty_rate())) {
            return Ok(answer(call, String::new()));
        }
        let rate = self.config.refusal_rate;
        let rate = rate.unwrap_or_else(|| topic.refusal_rate(model, call.region.as_str()));
        let text = if draw.chance(rate) {
            answers::refusal(draw)
        } else {
            answers::about(topic, model, draw)
        };
        Ok(answer(call, text))
    }
}

async fn scripted(
    behaviour: &Behaviour,
    call: &Call<'_>,
    draw: &mut Draw,
) -> Result<Answer, Failure> {
    let text = match behaviour {
        Behaviour::Empty => String::new(),
        Behaviour::Refuse => answers::refusal(draw),
        Behaviour::Text(text) => text.clone(),
        Behaviour::SizeBytes(size) => FILLER.chars().cycle().take(*size).collect(),
        Behaviour::Error => return Err(error()),
        Behaviour::HttpStatus(status) => {
            let message = format!("the simulated provider answers HTTP {status}");
            return Err(Failure::new(FailureCode::Http(*status), message).with_status(*status));
        }
        Behaviour::ServedRegion(region) => {
            let text = answers::about(Topic::Other, &call.request.model, draw);
            return Ok(Answer { served_region: Some(region.clone()), ..answer(call, text) });
        }
        Behaviour::Hang => future::pending().await,
    };
    Ok(answer(call, text))
}

fn error() -> Failure {
    Failure::new(FailureCode::ExecutionFailed, "the simulated provider fails as configured")
}

fn answer(call: &Call<'_>, text: String) -> Answer {
    Answer {
        kind: if is_empty(&text) { AnswerKind::Empty } else { AnswerKind::Text },
        finish_reason: Some("stop".to_owned()),
        usage: Some(Usage {
            input_tokens: Some(tokens(&chat::prompt(call.request))),
            output_tokens: Some(tokens(&text)),
        }),
        served_region: Some(call.region.to_string()),
        served_model: Some(call.upstream_model.to_owned()),
        receipt: None,
        text,
    }
}

/// About four bytes a token, as in English.
fn tokens(text: &str) -> u64 {
    u64::try_from(text.len().div_ceil(4)).unwrap_or(u64::MAX)
}
