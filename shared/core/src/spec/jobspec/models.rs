//! Which models a `JobSpec` asks: a list, one name, or none at all.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::draft::add_model;
use super::super::limit;
use super::super::read::{Fields, Findings, cut, kind, list, text};
use super::{Benchmark, Target, is_empty_list};
use crate::id::ModelId;
use crate::region::Region;

/// The predecessor's three models: id, and the names by which its clients call them.
const MODELS: [(&str, &[&str]); 3] = [
    ("llama3.2-1b", &["Llama 3.2-1B Instruct", "Llama 3.2-1B (Instruct)"]),
    ("mistral-7b", &["Mistral 7B Instruct"]),
    ("qwen2.5-1.5b", &["Qwen 2.5-1.5B Instruct"]),
];

/// Benchmarks that are named for their one model.
const BENCHMARKS: [(&str, &str); 4] = [
    ("bias-detection-mistral", "mistral-7b"),
    ("bias-detection-qwen", "qwen2.5-1.5b"),
    ("bias-detection-llama", "llama3.2-1b"),
    ("bias-detection", "llama3.2-1b"),
];

const DEFAULT: &str = "llama3.2-1b";

pub(super) fn read(
    spec: &mut Fields<'_>,
    benchmark: &Benchmark<'_>,
    target: &Target,
    declared: &[Region],
    findings: &mut Findings,
) -> Vec<ModelId> {
    let mut metadata = spec.object("metadata", findings);
    let own = spec.take("models").map(|value| (value, spec.path("models")));
    let portal = metadata.take("models").map(|value| (value, metadata.path("models")));
    let lists = [own, portal].into_iter().flatten();
    if let Some((value, path)) = lists.into_iter().find(|(value, _)| !is_empty_list(value)) {
        return read_list(value, &path, target, declared, findings);
    }
    let mut models = Vec::new();
    if let Some(model) = metadata.given("model", findings) {
        add_model(&mut models, model, &metadata.path("model"), findings);
    } else if let Some(name) = metadata.given("model_name", findings) {
        match MODELS.iter().find(|(_, names)| names.contains(&name.trim())) {
            Some((id, _)) => add_model(&mut models, id, "model_name", findings),
            None => findings.problem(metadata.path("model_name"), unknown_name(name)),
        }
    } else {
        let name = benchmark.name.as_deref().unwrap_or_default();
        let found = BENCHMARKS.iter().find(|(benchmark, _)| *benchmark == name);
        let (model, why) = match found {
            Some((_, model)) => (*model, "which the benchmark's name stands for"),
            None => (DEFAULT, "the default"),
        };
        findings.warn(format!("no model is named; `{model}` is asked, {why}"));
        add_model(&mut models, model, "models", findings);
    }
    models
}

fn unknown_name(given: &str) -> String {
    let known: Vec<&str> = MODELS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    format!(
        "`{}` is not the name of a model; known are {}; any other is named by its id in `model`",
        cut(given),
        known.join(", ")
    )
}

fn read_list(
    value: &Value,
    path: &str,
    target: &Target,
    declared: &[Region],
    findings: &mut Findings,
) -> Vec<ModelId> {
    let mut models = Vec::new();
    for (index, entry) in list(Some(value), path, "model", findings).iter().enumerate() {
        if models.len() > limit::MODELS {
            break;
        }
        let path = format!("{path}[{index}]");
        match entry {
            Value::String(_) => {
                if let Some(id) = text(entry, &path, usize::MAX, findings) {
                    add_model(&mut models, &id, &path, findings);
                }
            }
            Value::Object(_) => {
                let Some(mut fields) = Fields::of(entry, &path, findings) else { continue };
                let id =
                    fields.required("id", usize::MAX, "is missing; a model has an id", findings);
                if let Some(id) = id {
                    add_model(&mut models, &id, &fields.path("id"), findings);
                }
                check_model(fields, target, declared, findings);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => findings.problem(
                path,
                format!("is {}; must be a model id or {{id, name, …}}", kind(entry)),
            ),
        }
    }
    models
}

/// What a model says beside its id.
fn check_model(
    mut fields: Fields<'_>,
    target: &Target,
    declared: &[Region],
    findings: &mut Findings,
) {
    fields.given("name", findings);
    fields.given("container_image", findings);
    if fields.given("provider", findings).is_some_and(|provider| provider != "hybrid") {
        findings.warn(format!("{} is not applied here", fields.path("provider")));
    }
    let Some(value) = fields.take("regions").filter(|value| !is_empty_list(value)) else { return };
    let path = fields.path("regions");
    let wrong_before = findings.problems.len();
    let mut own = BTreeSet::new();
    for (index, entry) in list(Some(value), &path, "region", findings).iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Some(asked) = text(entry, &path, limit::LABEL_BYTES, findings) else { continue };
        match Region::resolve(&asked, declared) {
            Ok(region) => {
                own.insert(region);
            }
            Err(error) => findings.problem(path, error.to_string()),
        }
    }
    let jobs: BTreeSet<Region> = target.regions.iter().map(|(region, _)| region.clone()).collect();
    let known = target.regions_known && findings.problems.len() == wrong_before;
    if known && own != jobs {
        findings.problem(
            path,
            "differ from the job's regions; every model is asked in every region here, so submit \
             one job for each set of regions",
        );
    }
}

#[cfg(test)]
mod tests;
