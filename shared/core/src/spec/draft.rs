//! What every form of a specification is read into, and the checks that hold for all of them.

use serde_json::Value;

use super::parse::Submission;
use super::questions::{Asked, variant_name};
use super::read::{Findings, Problem, list, text};
use super::{Question, RegionPrompts, Sampling, Spec, Stop, limit};
use crate::id::{JobId, ModelId, VariantName};
use crate::money::Dollars;
use crate::prompt::{PlaceUnknown, SystemPrompt};
use crate::region::Region;

/// A specification as it was read, before prompts are composed and multiplied in. What the client
/// does not say is as in [`Draft::default`].
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) id: Option<JobId>,
    pub(super) name: Option<String>,
    pub(super) asked: Vec<Asked>,
    pub(super) models: Vec<ModelId>,
    /// Each with the text that the client wrote.
    pub(super) regions: Vec<(Region, String)>,
    /// The one prompt that is not in a map has no name.
    pub(super) prompts: Vec<(Option<VariantName>, SystemPrompt)>,
    pub(super) samples: u16,
    pub(super) sampling: Sampling,
    pub(super) in_flight: u16,
    pub(super) min_success_rate: f64,
    pub(super) min_regions: u16,
    pub(super) stop: Stop,
    pub(super) stop_after: u32,
    pub(super) timeout_seconds: Option<u64>,
    pub(super) max_cost: Option<Dollars>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            id: None,
            name: None,
            asked: Vec::new(),
            models: Vec::new(),
            regions: Vec::new(),
            prompts: vec![(None, SystemPrompt::Regional)],
            samples: 1,
            sampling: Sampling { temperature: 0.1, max_tokens: 500, seed: None, top_p: None },
            in_flight: 1,
            min_success_rate: 0.67,
            min_regions: 1,
            stop: Stop::RegionFailure,
            stop_after: 3,
            timeout_seconds: None,
            max_cost: None,
        }
    }
}

/// Where a form has the fields that its finished draft may have problems with.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) questions: String,
    pub(super) models: String,
    pub(super) regions: String,
    pub(super) samples: String,
    pub(super) min_regions: String,
    /// The field to blame where a prompt names a place that is not known.
    pub(super) prompt: String,
    /// What can be done about it.
    pub(super) prompt_remedy: &'static str,
}

impl Draft {
    /// Composes the prompts, multiplies the questions and checks all sizes.
    pub(super) fn finish(
        self,
        names: &Names,
        mut findings: Findings,
    ) -> Result<Submission, Vec<Problem>> {
        let regions = compose(self.regions, &self.prompts, names, &mut findings);
        let questions = multiply(self.asked, &self.prompts, names, &mut findings);
        let entries = u16::try_from(questions.len()).unwrap_or(u16::MAX);
        let spec = Spec {
            name: self.name.unwrap_or_else(|| "untitled".to_owned()),
            lanes_per_region: self.in_flight.min(entries).max(1),
            questions,
            models: self.models,
            regions,
            samples: self.samples,
            sampling: self.sampling,
            min_success_rate: self.min_success_rate,
            min_regions: self.min_regions,
            stop: self.stop,
            stop_after: self.stop_after,
            timeout_seconds: self.timeout_seconds,
            max_cost: self.max_cost,
        };
        check_sizes(&spec, self.in_flight, names, &mut findings);
        if findings.problems.is_empty() {
            Ok(Submission { id: self.id, spec, warnings: findings.warnings })
        } else {
            Err(findings.problems)
        }
    }
}

/// A number that its range check keeps within 16 bits.
pub(super) fn small(number: u64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// A job's id as the client wrote it.
/// A job of this id could not be read: the API takes jobs at its address.
pub(super) const RESERVED_ID: &str = "cross-region";

pub(super) fn read_id(text: String, path: &str, findings: &mut Findings) -> Option<JobId> {
    let id = JobId::new(text).map_err(|error| findings.problem(path, error.to_string())).ok()?;
    if id.as_str() == RESERVED_ID {
        findings.problem(path, format!("`{RESERVED_ID}` is an address of the API; choose another"));
        return None;
    }
    Some(id)
}

/// Adds a model to the list, once.
pub(super) fn add_model(
    models: &mut Vec<ModelId>,
    name: &str,
    path: &str,
    findings: &mut Findings,
) {
    match ModelId::new(name.trim()) {
        Ok(model) if models.contains(&model) => {
            findings.warn(format!("{path}: model `{model}` is listed twice; asked once"));
        }
        Ok(model) => models.push(model),
        Err(error) => findings.problem(path, error.to_string()),
    }
}

/// Reads a list of regions, each with the text that the client wrote; duplicates are folded.
pub(super) fn read_regions(
    value: Option<&Value>,
    path: &str,
    declared: &[Region],
    findings: &mut Findings,
) -> Vec<(Region, String)> {
    let mut regions: Vec<(Region, String)> = Vec::new();
    for (index, entry) in list(value, path, "region", findings).iter().enumerate() {
        if regions.len() > limit::REGIONS || findings.is_full() {
            break;
        }
        let path = format!("{path}[{index}]");
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

fn compose(
    regions: Vec<(Region, String)>,
    prompts: &[(Option<VariantName>, SystemPrompt)],
    names: &Names,
    findings: &mut Findings,
) -> Vec<RegionPrompts> {
    let mut composed = Vec::with_capacity(regions.len());
    for (region, asked) in regions {
        let system: Result<Vec<_>, PlaceUnknown> =
            prompts.iter().map(|(_, prompt)| prompt.compose(&region)).collect();
        match system {
            Ok(system) => composed.push(RegionPrompts { region, asked, system }),
            Err(PlaceUnknown) => findings.problem(
                &names.prompt,
                format!(
                    "the system prompt names the place of region `{region}`, which is not known; {}",
                    names.prompt_remedy
                ),
            ),
        }
    }
    composed
}

fn multiply(
    asked: Vec<Asked>,
    prompts: &[(Option<VariantName>, SystemPrompt)],
    names: &Names,
    findings: &mut Findings,
) -> Vec<Question> {
    let bytes = asked.iter().map(Asked::bytes).sum::<usize>() * prompts.len();
    if bytes > limit::TEXT_BYTES {
        let most = limit::TEXT_BYTES;
        let are = if asked.len() > limit::QUESTIONS { "are at least" } else { "are" };
        findings.problem(
            &names.questions,
            format!("texts × prompts {are} {bytes} bytes; at most {most} are allowed"),
        );
        return Vec::new();
    }
    let mut questions = Vec::new();
    for Asked { id, category, language, expect, texts } in asked {
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
                    expect: expect.clone(),
                });
            }
        }
    }
    questions
}

fn check_sizes(spec: &Spec, in_flight: u16, names: &Names, findings: &mut Findings) {
    let (questions, models, regions) =
        (spec.questions.len(), spec.models.len(), spec.regions.len());
    let lists = [
        (&names.questions, "questions × variants × prompts", questions, limit::QUESTIONS),
        (&names.models, "models", models, limit::MODELS),
        (&names.regions, "regions", regions, limit::REGIONS),
    ];
    // A list is read no further than past its limit: how long it is is not known then.
    let is_cut = lists.iter().any(|(_, _, count, most)| count > most);
    for (field, what, _, most) in lists.into_iter().filter(|(_, _, count, most)| count > most) {
        findings.problem(field, format!("{what} are more than the {most} that are allowed"));
    }
    let mut at_most = |field: &str, what: &str, count: u64, max: u64| {
        if count > max {
            let are = if is_cut { "are at least" } else { "are" };
            findings.problem(field, format!("{what} {are} {count}; at most {max} are allowed"));
        }
    };
    let lanes = regions as u64 * u64::from(in_flight);
    at_most("questions_in_flight", "regions × questions_in_flight", lanes, limit::LANES as u64);
    let pairs = spec.pairs_of_question() as u64;
    at_most(&names.samples, "models × samples", pairs, limit::PAIRS_OF_QUESTION as u64);
    at_most(&names.questions, "executions", spec.expected(), limit::EXECUTIONS);
    let unknown = findings.problems.iter().any(|problem| problem.field.starts_with(&names.regions));
    if usize::from(spec.min_regions) > regions && !unknown {
        findings.problem(
            &names.min_regions,
            format!("is {}, but the job has {regions} regions", spec.min_regions),
        );
    }
    check_variants(spec, names, findings);
}

/// Two entries of one question must differ in their variant, or analysis could not pair them.
fn check_variants(spec: &Spec, names: &Names, findings: &mut Findings) {
    let mut seen = std::collections::BTreeSet::new();
    for question in &spec.questions {
        if !seen.insert((&question.id, &question.variant)) {
            findings.problem(
                &names.questions,
                format!(
                    "question `{}` has two variants called `{}`; a variant and a named prompt \
                     must not share a name",
                    question.id, question.variant
                ),
            );
        }
    }
}
