//! From the JSON that a client sends to a [`Spec`]: everything wrong is reported at once.

use serde_json::Value;

use super::draft::{Draft, Names, add_model, read_id, read_regions, small};
use super::questions::{read_prompts, read_questions};
use super::read::{Fields, Findings, Problem, list, shown, text};
use super::{Sampling, Spec, Stop, limit};
use crate::id::{JobId, ModelId};
use crate::money::Dollars;
use crate::region::Region;

/// An accepted specification.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// The id that the client chose.
    pub id: Option<JobId>,
    /// What to run.
    pub spec: Spec,
    /// What was folded or capped, for people.
    pub warnings: Vec<String>,
}

/// Checks a specification. `declared` are the regions that providers serve beside the built-in
/// ones.
pub fn parse(document: &Value, declared: &[Region]) -> Result<Submission, Vec<Problem>> {
    let mut findings = Findings::default();
    match Fields::of(document, "", &mut findings) {
        Some(fields) => read(fields, declared, &mut findings).finish(&names(), findings),
        None => Err(findings.problems),
    }
}

fn names() -> Names {
    Names {
        questions: "questions".to_owned(),
        models: "models".to_owned(),
        regions: "regions".to_owned(),
        samples: "samples".to_owned(),
        min_regions: "min_regions".to_owned(),
        prompt: "system_prompt".to_owned(),
        prompt_remedy: "use `none` or a text without {place}",
    }
}

fn read(mut fields: Fields<'_>, declared: &[Region], findings: &mut Findings) -> Draft {
    let usual = Draft::default();
    let id = fields.text("id", usize::MAX, findings);
    let samples = fields.whole("samples", 1..=u64::from(limit::SAMPLES), findings);
    let in_flight = fields.whole("questions_in_flight", 1..=limit::LANES as u64, findings);
    let min_success_rate = fields.number("min_success_rate", 0.0..=1.0, findings);
    let min_regions = fields.whole("min_regions", 1..=limit::REGIONS as u64, findings);
    let stop_after = fields.whole("stop_after", 1..=limit::QUESTIONS as u64, findings);
    let draft = Draft {
        id: id.and_then(|id| read_id(id, "id", findings)),
        name: fields.text("name", limit::LABEL_BYTES, findings),
        asked: read_questions(fields.take("questions"), "questions", findings),
        models: read_models(fields.take("models"), findings),
        regions: read_regions(fields.take("regions"), "regions", declared, findings),
        prompts: match fields.take("system_prompt") {
            Some(value) => read_prompts(value, findings),
            None => usual.prompts,
        },
        samples: samples.map_or(usual.samples, small),
        sampling: read_sampling(&mut fields, &usual.sampling, findings),
        in_flight: in_flight.map_or(usual.in_flight, small),
        min_success_rate: min_success_rate.unwrap_or(usual.min_success_rate),
        min_regions: min_regions.map_or(usual.min_regions, small),
        stop: read_stop(&mut fields, findings).unwrap_or(usual.stop),
        stop_after: stop_after.map_or(usual.stop_after, |count| u32::from(small(count))),
        timeout_seconds: read_timeout(&mut fields, findings),
        max_cost: read_max_cost(&mut fields, findings),
    };
    check_signing(&mut fields, findings);
    fields.finish(findings);
    draft
}

/// What a signed specification has beside. It was verified as it was sent, and is not part of what runs.
fn check_signing(fields: &mut Fields<'_>, findings: &mut Findings) {
    fields.text("public_key", limit::LABEL_BYTES, findings);
    fields.text("signature", limit::LABEL_BYTES, findings);
    let mut metadata = fields.object("metadata", findings);
    metadata.text("timestamp", limit::LABEL_BYTES, findings);
    metadata.text("nonce", limit::LABEL_BYTES, findings);
    metadata.finish(findings);
}

fn read_models(value: Option<&Value>, findings: &mut Findings) -> Vec<ModelId> {
    let mut models: Vec<ModelId> = Vec::new();
    for (index, entry) in list(value, "models", "model", findings).iter().enumerate() {
        if models.len() > limit::MODELS || findings.is_full() {
            break;
        }
        let path = format!("models[{index}]");
        let Some(name) = text(entry, &path, usize::MAX, findings) else { continue };
        add_model(&mut models, &name, &path, findings);
    }
    models
}

fn read_sampling(fields: &mut Fields<'_>, usual: &Sampling, findings: &mut Findings) -> Sampling {
    let max_tokens = fields.whole("max_tokens", 1..=limit::MAX_TOKENS, findings);
    let temperature = fields.number("temperature", 0.0..=2.0, findings);
    Sampling {
        temperature: temperature.unwrap_or(usual.temperature),
        max_tokens: max_tokens
            .and_then(|most| u32::try_from(most).ok())
            .unwrap_or(usual.max_tokens),
        // JSON numbers above 2^53 are not exact in most languages.
        seed: fields.whole("seed", 0..=limit::SEED, findings),
        top_p: fields.number("top_p", 0.0..=1.0, findings),
    }
}

fn read_stop(fields: &mut Fields<'_>, findings: &mut Findings) -> Option<Stop> {
    let value = fields.take("stop")?;
    let stop = value.as_str().and_then(|text| serde_json::from_value(text.into()).ok());
    if stop.is_none() {
        findings.problem(
            "stop",
            format!("is {}; must be region_failure, unreachable or never", shown(value)),
        );
    }
    stop
}

/// Whole seconds, or a whole number with a unit: `90s`, `15m`, `2h`.
fn read_timeout(fields: &mut Fields<'_>, findings: &mut Findings) -> Option<u64> {
    let value = fields.take("timeout")?;
    let seconds = match value {
        Value::String(text) => seconds_of(text.trim()),
        Value::Number(number) => number.as_u64(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let seconds = seconds.filter(|seconds| (1..=limit::TIMEOUT_SECONDS).contains(seconds));
    if seconds.is_none() {
        findings.problem(
            "timeout",
            format!(
                "is {}; must be seconds or a text such as 90s, 15m or 2h, at most 24h",
                shown(value)
            ),
        );
    }
    seconds
}

/// US dollars. Nothing would let no question be asked.
pub(super) fn read_max_cost(fields: &mut Fields<'_>, findings: &mut Findings) -> Option<Dollars> {
    let value = fields.take("max_cost")?;
    let dollars = value.as_f64().filter(|dollars| *dollars >= limit::SMALLEST_FRACTION);
    let amount = dollars.and_then(|dollars| Dollars::new(dollars).ok());
    if amount.is_none() {
        let most = Dollars::MOST;
        findings.problem(
            fields.path("max_cost"),
            format!("is {}; must be US dollars, a number from 0.000001 to {most}", shown(value)),
        );
    }
    amount
}

fn seconds_of(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests;
