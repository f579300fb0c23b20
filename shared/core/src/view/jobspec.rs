//! A job in the form of the predecessor's `JobSpec`, for clients that read that.

use serde_json::{Map, Value, json};

use super::regions;
use crate::job::Job;
use crate::lane::Lane;
use crate::spec::Spec;

/// What the predecessor's document of a job would be. Without the specification it lists no
/// questions, which takes one read less.
pub fn jobspec(job: &Job, lanes: &[Lane], spec: Option<&Spec>) -> Value {
    let models: Vec<Value> =
        job.models.iter().map(|model| json!({ "id": model, "name": model })).collect();
    let mut document = json!({
        "id": job.id,
        "version": "1.0",
        "benchmark": { "name": job.name, "description": "" },
        "constraints": {
            "regions": regions(lanes),
            "min_regions": job.min_regions,
            "min_success_rate": job.min_success_rate,
        },
        "models": models,
        "metadata": {
            "models": job.models,
            "multi_model": job.models.len() > 1,
            "total_executions_expected": job.expected,
        },
        "created_at": job.created_at,
    });
    if let (Some(spec), Value::Object(document)) = (spec, &mut document) {
        complete(document, spec);
    }
    document
}

fn complete(document: &mut Map<String, Value>, spec: &Spec) {
    let asked: Vec<&str> = spec.regions.iter().map(|region| region.asked.as_str()).collect();
    let mut questions: Vec<&str> = spec.questions.iter().map(|entry| entry.id.as_str()).collect();
    questions.dedup();
    document.insert("questions".to_owned(), json!(questions));
    if let Some(Value::Object(constraints)) = document.get_mut("constraints") {
        constraints.insert("regions".to_owned(), json!(asked));
        let nanoseconds = spec.timeout_seconds.map(|seconds| seconds.saturating_mul(1_000_000_000));
        constraints.extend(nanoseconds.map(|timeout| ("timeout".to_owned(), json!(timeout))));
        constraints.extend(spec.max_cost.map(|most| ("max_cost".to_owned(), json!(most))));
    }
}
