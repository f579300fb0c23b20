//! From the JSON that a client sends to a [`Spec`]: everything wrong is reported at once.

use serde_json::Value;

use super::questions::{Asked, read_prompts, read_questions, variant_name};
use super::read::{Fields, Findings, Problem, list, shown, text};
use super::{Question, RegionPrompts, Sampling, Spec, Stop, limit};
use crate::id::{JobId, ModelId, VariantName};
use crate::prompt::{PlaceUnknown, SystemPrompt};
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
    let submission = Fields::of(document, "", &mut findings)
        .map(|fields| read_spec(fields, declared, &mut findings));
    match submission {
        Some((id, spec)) if findings.problems.is_empty() => {
            Ok(Submission { id, spec, warnings: findings.warnings })
        }
        Some(_) | None => Err(findings.problems),
    }
}

fn read_spec(
    mut fields: Fields<'_>,
    declared: &[Region],
    findings: &mut Findings,
) -> (Option<JobId>, Spec) {
    let id = read_id(&mut fields, findings);
    let name = fields.text("name", limit::LABEL_BYTES, findings);
    let asked = read_questions(fields.take("questions"), findings);
    let models = read_models(fields.take("models"), findings);
    let regions = read_regions(fields.take("regions"), declared, findings);
    let prompts = read_prompts(fields.take("system_prompt"), findings);
    let samples = small(fields.whole("samples", 1..=u64::from(limit::SAMPLES), findings), 1);
    let sampling = read_sampling(&mut fields, findings);
    let in_flight =
        small(fields.whole("questions_in_flight", 1..=limit::LANES as u64, findings), 1);
    let min_success_rate = fields.number("min_success_rate", 0.0..=1.0, findings).unwrap_or(0.67);
    let min_regions = fields.whole("min_regions", 1..=limit::REGIONS as u64, findings);
    let stop = read_stop(&mut fields, findings);
    let stop_after = fields.whole("stop_after", 1..=limit::QUESTIONS as u64, findings).unwrap_or(3);
    let timeout_seconds = read_timeout(&mut fields, findings);
    fields.finish(findings);

    let regions = compose(regions, &prompts, findings);
    let questions = multiply(asked, &prompts, findings);
    let spec = Spec {
        name: name.unwrap_or_else(|| "untitled".to_owned()),
        lanes_per_region: in_flight.min(small(Some(questions.len() as u64), 1)).max(1),
        questions,
        models,
        regions,
        samples,
        sampling,
        min_success_rate,
        min_regions: small(min_regions, 1),
        stop,
        stop_after: u32::try_from(stop_after).unwrap_or(u32::MAX),
        timeout_seconds,
    };
    check_sizes(&spec, in_flight, findings);
    (id, spec)
}

/// A number that its range check keeps within 16 bits; the default where it is missing.
fn small(number: Option<u64>, default: u16) -> u16 {
    number.map_or(default, |number| u16::try_from(number).unwrap_or(u16::MAX))
}

fn read_id(fields: &mut Fields<'_>, findings: &mut Findings) -> Option<JobId> {
    let id = fields.text("id", usize::MAX, findings)?;
    JobId::new(id).map_err(|error| findings.problem("id", error.to_string())).ok()
}

fn read_models(value: Option<&Value>, findings: &mut Findings) -> Vec<ModelId> {
    let mut models: Vec<ModelId> = Vec::new();
    for (index, entry) in list(value, "models", "model", findings).iter().enumerate() {
        if models.len() > limit::MODELS {
            break;
        }
        let path = format!("models[{index}]");
        let Some(name) = text(entry, &path, usize::MAX, findings) else { continue };
        match ModelId::new(name.trim()) {
            Ok(model) if models.contains(&model) => {
                findings.warn(format!("{path}: model `{model}` is listed twice; asked once"));
            }
            Ok(model) => models.push(model),
            Err(error) => findings.problem(path, error.to_string()),
        }
    }
    models
}

fn read_regions(
    value: Option<&Value>,
    declared: &[Region],
    findings: &mut Findings,
) -> Vec<(Region, String)> {
    let mut regions: Vec<(Region, String)> = Vec::new();
    for (index, entry) in list(value, "regions", "region", findings).iter().enumerate() {
        if regions.len() > limit::REGIONS {
            break;
        }
        let path = format!("regions[{index}]");
        let Some(asked) = text(entry, &path, limit::LABEL_BYTES, findings) else { continue };
        match Region::resolve(&asked, declared) {
            Ok(region) => match regions.iter().find(|(other, _)| *other == region) {
                Some((_, first)) => findings.warn(format!(
                    "{path}: `{asked}` is the same region as `{first}` ({region}); asked once"
                )),
                None => regions.push((region, asked)),
            },
            Err(error) => findings.problem(path, error.to_string()),
        }
    }
    regions
}

fn read_sampling(fields: &mut Fields<'_>, findings: &mut Findings) -> Sampling {
    let max_tokens = fields.whole("max_tokens", 1..=1_000_000, findings).unwrap_or(500);
    Sampling {
        temperature: fields.number("temperature", 0.0..=2.0, findings).unwrap_or(0.1),
        max_tokens: u32::try_from(max_tokens).unwrap_or(u32::MAX),
        // JSON numbers above 2^53 are not exact in most languages.
        seed: fields.whole("seed", 0..=(1 << 53), findings),
        top_p: fields.number("top_p", 0.0..=1.0, findings),
    }
}

fn read_stop(fields: &mut Fields<'_>, findings: &mut Findings) -> Stop {
    let Some(value) = fields.take("stop") else { return Stop::RegionFailure };
    serde_json::from_value(value.clone()).unwrap_or_else(|_unknown| {
        findings.problem(
            "stop",
            format!("is {}; must be region_failure, unreachable or never", shown(value)),
        );
        Stop::RegionFailure
    })
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

fn compose(
    regions: Vec<(Region, String)>,
    prompts: &[(Option<VariantName>, SystemPrompt)],
    findings: &mut Findings,
) -> Vec<RegionPrompts> {
    let mut composed = Vec::with_capacity(regions.len());
    for (region, asked) in regions {
        let system: Result<Vec<_>, PlaceUnknown> =
            prompts.iter().map(|(_, prompt)| prompt.compose(&region)).collect();
        match system {
            Ok(system) => composed.push(RegionPrompts { region, asked, system }),
            Err(PlaceUnknown) => findings.problem(
                "system_prompt",
                format!(
                    "names the place of region `{region}`, which is not known; \
                     use `none` or a text without {{place}}"
                ),
            ),
        }
    }
    composed
}

fn multiply(
    asked: Vec<Asked>,
    prompts: &[(Option<VariantName>, SystemPrompt)],
    findings: &mut Findings,
) -> Vec<Question> {
    let texts = asked.iter().flat_map(|question| &question.texts);
    let bytes = texts.map(|(_, text)| text.len()).sum::<usize>() * prompts.len();
    if bytes > limit::TEXT_BYTES {
        let most = limit::TEXT_BYTES;
        findings.problem(
            "questions",
            format!("texts × prompts are {bytes} bytes; at most {most} are allowed"),
        );
        return Vec::new();
    }
    let mut questions = Vec::new();
    for Asked { id, category, language, texts } in asked {
        for (variant, text) in texts {
            for (prompt, (name, _)) in prompts.iter().enumerate() {
                // Past the limit the list is refused; it need not be built.
                if questions.len() > limit::QUESTIONS {
                    return questions;
                }
                questions.push(Question {
                    id: id.clone(),
                    variant: variant_name(&variant, name.as_ref()),
                    text: text.clone(),
                    category: category.clone(),
                    language: language.clone(),
                    prompt: u16::try_from(prompt).unwrap_or(u16::MAX),
                });
            }
        }
    }
    questions
}

fn check_sizes(spec: &Spec, in_flight: u16, findings: &mut Findings) {
    let mut at_most = |field: &str, what: &str, count: u64, max: u64| {
        if count > max {
            findings.problem(field, format!("{what} are {count}; at most {max} are allowed"));
        }
    };
    let (questions, models, regions) =
        (spec.questions.len(), spec.models.len(), spec.regions.len());
    at_most(
        "questions",
        "questions × variants × prompts",
        questions as u64,
        limit::QUESTIONS as u64,
    );
    at_most("models", "models", models as u64, limit::MODELS as u64);
    at_most("regions", "regions", regions as u64, limit::REGIONS as u64);
    let lanes = regions as u64 * u64::from(in_flight);
    at_most("questions_in_flight", "regions × questions_in_flight", lanes, limit::LANES as u64);
    let pairs = spec.pairs_of_question() as u64;
    at_most("samples", "models × samples", pairs, limit::PAIRS_OF_QUESTION as u64);
    at_most("questions", "executions", spec.expected(), limit::EXECUTIONS);
    let unknown = findings.problems.iter().any(|problem| problem.field.starts_with("regions"));
    if usize::from(spec.min_regions) > regions && !unknown {
        findings.problem(
            "min_regions",
            format!("is {}, but the job has {regions} regions", spec.min_regions),
        );
    }
    check_variants(spec, findings);
}

/// Two entries of one question must differ in their variant, or analysis could not pair them.
fn check_variants(spec: &Spec, findings: &mut Findings) {
    let mut seen = std::collections::BTreeSet::new();
    for question in &spec.questions {
        if !seen.insert((&question.id, &question.variant)) {
            findings.problem(
                "questions",
                format!(
                    "question `{}` has two variants called `{}`; a variant and a named prompt \
                     must not share a name",
                    question.id, question.variant
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests;
