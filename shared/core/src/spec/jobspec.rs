//! The predecessor's `JobSpec`, read into a [`Submission`] like any other specification.
//!
//! Its clients send free forms, so unknown fields are accepted here. Zero, the empty text and the
//! empty list mean that a field is absent, because its own answers write absent fields so.

mod models;

use serde_json::Value;

use super::draft::{Draft, Names, read_id, read_regions, small};
use super::parse::read_max_cost;
use super::questions::{Asked, read_questions};
use super::read::{Fields, Findings, Problem, kind, shown, text};
use super::{Submission, limit};
use crate::id::{JobId, QuestionId, VariantName};
use crate::money::Dollars;
use crate::region::Region;

/// A job for several regions as the predecessor's clients submit it: a `JobSpec` in a wrapper that
/// says where.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossRegion<'a> {
    /// What to run, the wrapper's values in it.
    pub submission: Submission,
    /// As in the submission: the wrapper's, or its default.
    pub min_regions: u16,
    /// The inner `JobSpec` as it was sent; a signature covers it alone.
    pub jobspec: &'a Value,
}

/// Whether a document is a `JobSpec` rather than a specification of ours.
pub fn is_jobspec(document: &Value) -> bool {
    let has = |name: &str| document.get(name).is_some();
    let theirs = has("benchmark") || has("constraints") || has("jobspec_id");
    theirs && !has("regions")
}

/// Checks a `JobSpec`. `declared` are the regions that providers serve beside the built-in ones.
pub fn parse_jobspec(document: &Value, declared: &[Region]) -> Result<Submission, Vec<Problem>> {
    let mut findings = Findings::default();
    let Some(mut spec) = Fields::of(document, "", &mut findings) else {
        return Err(findings.problems);
    };
    let mut constraints = spec.object("constraints", &mut findings);
    let target = Target::read(&mut constraints, "regions", |_| 1, declared, &mut findings);
    finish(spec, constraints, target, declared, findings)
}

/// Checks a `JobSpec` in its wrapper. The wrapper's regions, `min_regions` and `min_success_rate`
/// stand in for the constraints of the same names, which are not looked at.
pub fn parse_cross_region<'a>(
    document: &'a Value,
    declared: &[Region],
) -> Result<CrossRegion<'a>, Vec<Problem>> {
    let mut findings = Findings::default();
    let Some(mut wrapper) = Fields::of(document, "", &mut findings) else {
        return Err(findings.problems);
    };
    let default_min_regions = |regions: usize| small(regions.min(3) as u64);
    let target =
        Target::read(&mut wrapper, "target_regions", default_min_regions, declared, &mut findings);
    wrapper.flag("enable_analysis", &mut findings);
    let Some(jobspec) = wrapper.take("jobspec") else {
        findings.problem("jobspec", "is missing; must be a JobSpec");
        return Err(findings.problems);
    };
    let Some(mut spec) = Fields::of(jobspec, "jobspec", &mut findings) else {
        return Err(findings.problems);
    };
    let constraints = spec.object("constraints", &mut findings);
    let submission = finish(spec, constraints, target, declared, findings)?;
    Ok(CrossRegion { min_regions: submission.spec.min_regions, submission, jobspec })
}

/// Where a job runs and how much of it must succeed: said by the constraints or by the wrapper.
struct Target {
    regions: Vec<(Region, String)>,
    /// Whether every entry of the list is a region; models are compared only with such a list.
    regions_known: bool,
    regions_path: String,
    min_regions: u16,
    min_regions_path: String,
    min_success_rate: Option<f64>,
}

impl Target {
    fn read(
        fields: &mut Fields<'_>,
        name: &'static str,
        default_min_regions: impl Fn(usize) -> u16,
        declared: &[Region],
        findings: &mut Findings,
    ) -> Self {
        let regions_path = fields.path(name);
        let wrong_before = findings.problems.len();
        let regions = match fields.take(name) {
            Some(value) if !is_empty_list(value) => {
                read_regions(Some(value), &regions_path, declared, findings)
            }
            Some(_) | None => {
                findings.problem(&regions_path, "at least one region constraint is required");
                Vec::new()
            }
        };
        let regions_known = findings.problems.len() == wrong_before;
        let min_regions = fields.whole("min_regions", 0..=limit::REGIONS as u64, findings);
        let min_success_rate = fields.number("min_success_rate", 0.0..=1.0, findings);
        Self {
            min_regions: match min_regions {
                None | Some(0) => default_min_regions(regions.len()).max(1),
                Some(count) => small(count),
            },
            min_regions_path: fields.path("min_regions"),
            min_success_rate: min_success_rate.filter(|rate| *rate > 0.0),
            regions,
            regions_known,
            regions_path,
        }
    }
}

fn finish(
    mut spec: Fields<'_>,
    mut constraints: Fields<'_>,
    target: Target,
    declared: &[Region],
    mut findings: Findings,
) -> Result<Submission, Vec<Problem>> {
    let found = &mut findings;
    let names = Names {
        questions: spec.path("questions"),
        models: spec.path("models"),
        regions: target.regions_path.clone(),
        samples: spec.path("runs"),
        min_regions: target.min_regions_path.clone(),
        prompt: target.regions_path.clone(),
        prompt_remedy: "a specification of Beacon's own form can have another prompt",
    };
    let usual = Draft::default();
    let id = read_ids(&mut spec, found);
    let benchmark = Benchmark::read(&mut spec, found);
    let models = models::read(&mut spec, &benchmark, &target, declared, found);
    let runs = spec.whole("runs", 0..=u64::from(limit::SAMPLES), found);
    check_unused(&mut spec, found);
    let draft = Draft {
        id,
        asked: asked(&mut spec, &benchmark, found),
        name: benchmark.name,
        models,
        timeout_seconds: read_timeout(&mut constraints, found),
        max_cost: given_max_cost(&mut constraints, found),
        min_regions: target.min_regions,
        min_success_rate: target.min_success_rate.unwrap_or(usual.min_success_rate),
        regions: target.regions,
        samples: runs.filter(|runs| *runs > 0).map_or(usual.samples, small),
        ..usual
    };
    warn_unapplied(&mut constraints, found);
    draft.finish(&names, findings)
}

fn read_ids(spec: &mut Fields<'_>, findings: &mut Findings) -> Option<JobId> {
    let (id, legacy) = (spec.given("id", findings), spec.given("jobspec_id", findings));
    if let (Some(id), Some(legacy)) = (id, legacy)
        && id != legacy
    {
        findings.problem(spec.path("jobspec_id"), "differs from `id`; send one of them");
    }
    let name = if id.is_some() { "id" } else { "jobspec_id" };
    read_id(id.or(legacy)?.to_owned(), &spec.path(name), findings)
}

/// What is taken from `benchmark`.
struct Benchmark<'a> {
    name: Option<String>,
    version: Option<&'a str>,
    /// Asked where there are no questions.
    prompt: Option<&'a Value>,
    prompt_path: String,
}

impl<'a> Benchmark<'a> {
    fn read(spec: &mut Fields<'a>, findings: &mut Findings) -> Self {
        let mut fields = spec.object("benchmark", findings);
        let missing = "benchmark name is required";
        let name = fields.required("name", limit::LABEL_BYTES, missing, findings);
        let version = fields.given("version", findings);
        fields.given("description", findings);
        fields.object("scoring", findings);
        fields.object("metadata", findings);

        let mut container = fields.object("container", findings);
        container.required("image", usize::MAX, "container image is required", findings);
        container.given("tag", findings);
        container.object("environment", findings);
        container.object("resources", findings);

        let mut input = fields.object("input", findings);
        let missing = "input hash is required for integrity verification";
        input.required("hash", usize::MAX, missing, findings);
        input.given("type", findings);
        let mut data = input.object("data", findings);
        Self { name, version, prompt: data.take("prompt"), prompt_path: data.path("prompt") }
    }
}

fn asked(spec: &mut Fields<'_>, benchmark: &Benchmark<'_>, findings: &mut Findings) -> Vec<Asked> {
    let path = spec.path("questions");
    let version = spec.given("version", findings).filter(|version| *version != "1.0");
    let named_bias = benchmark.name.as_ref().is_some_and(|name| name.contains("bias"));
    let bias_v1 = named_bias && version.or(benchmark.version) == Some("v1");
    match spec.take("questions") {
        None if bias_v1 => {
            findings.problem(path, "questions are required for bias-detection v1 jobspec");
            Vec::new()
        }
        Some(value) if bias_v1 && (is_empty_list(value) || !value.is_array()) => {
            let message = "questions must be a non-empty array for bias-detection v1 jobspec";
            findings.problem(path, message);
            Vec::new()
        }
        Some(value) if !is_empty_list(value) => read_questions(Some(value), &path, findings),
        Some(_) | None => input_prompt(benchmark, &path, findings).into_iter().collect(),
    }
}

/// The one question of a job that names none.
fn input_prompt(
    benchmark: &Benchmark<'_>,
    questions: &str,
    findings: &mut Findings,
) -> Option<Asked> {
    let path = &benchmark.prompt_path;
    let Some(prompt) = benchmark.prompt else {
        findings
            .problem(questions, format!("are missing, and so is {path}, asked instead of them"));
        return None;
    };
    let text = text(prompt, path, limit::QUESTION_BYTES, findings)?;
    let id = QuestionId::new("prompt").ok()?;
    let texts = vec![(VariantName::base(), text)];
    Some(Asked { id, category: None, language: None, expect: Vec::new(), texts })
}

/// Whole nanoseconds, rounded up to seconds.
fn read_timeout(constraints: &mut Fields<'_>, findings: &mut Findings) -> Option<u64> {
    const SECOND: u64 = 1_000_000_000;
    let most = limit::TIMEOUT_SECONDS * SECOND;
    let nanoseconds = constraints.whole("timeout", 0..=most, findings)?;
    Some(nanoseconds.div_ceil(SECOND)).filter(|seconds| *seconds > 0)
}

/// US dollars; nought means that there is no limit.
fn given_max_cost(constraints: &mut Fields<'_>, findings: &mut Findings) -> Option<Dollars> {
    let given = constraints.take("max_cost")?;
    if given.as_f64() == Some(0.0) { None } else { read_max_cost(constraints, findings) }
}

/// Constraints that have no counterpart here.
fn warn_unapplied(constraints: &mut Fields<'_>, findings: &mut Findings) {
    let wait = constraints.whole("provider_timeout", 0..=u64::MAX, findings);
    let providers = constraints.take("providers");
    if let Some(providers) = providers.filter(|providers| !providers.is_array()) {
        let message = format!("is {}; must be a list", kind(providers));
        findings.problem(constraints.path("providers"), message);
    }
    for (name, given) in [
        ("provider_timeout", wait.is_some_and(|wait| wait > 0)),
        ("providers", providers.is_some_and(|providers| !is_empty_list(providers))),
    ] {
        if given {
            findings.warn(format!("{} is not applied here", constraints.path(name)));
        }
    }
}

/// Fields that are checked for their type and otherwise not used: a signature was verified before.
fn check_unused(spec: &mut Fields<'_>, findings: &mut Findings) {
    for name in ["created_at", "public_key", "signature"] {
        spec.given(name, findings);
    }
    spec.object("wallet_auth", findings);
}

fn is_empty_list(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

impl<'a> Fields<'a> {
    /// A text; absent where it is blank.
    fn given(&mut self, name: &'static str, findings: &mut Findings) -> Option<&'a str> {
        let value = self.take(name)?;
        let Value::String(text) = value else {
            findings.problem(self.path(name), format!("is {}; must be a text", kind(value)));
            return None;
        };
        Some(text.as_str()).filter(|text| !text.trim().is_empty())
    }

    /// A text, or the problem where it is missing or blank.
    fn required(
        &mut self,
        name: &'static str,
        max_bytes: usize,
        missing: &str,
        findings: &mut Findings,
    ) -> Option<String> {
        let path = self.path(name);
        match self.take(name) {
            Some(Value::String(blank)) if blank.trim().is_empty() => {
                findings.problem(path, missing);
                None
            }
            Some(value) => text(value, &path, max_bytes, findings),
            None => {
                findings.problem(path, missing);
                None
            }
        }
    }

    fn flag(&mut self, name: &'static str, findings: &mut Findings) {
        if let Some(value) = self.take(name).filter(|value| !value.is_boolean()) {
            let message = format!("is {}; must be true or false", shown(value));
            findings.problem(self.path(name), message);
        }
    }
}

#[cfg(test)]
mod tests;
