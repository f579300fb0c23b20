//! Endpoints of analysis: what was found, what it was found from, and a person's verdict beside the
//! classifier's.

use schemars::generate::SchemaGenerator;
use serde_json::{Value, json};

use super::{Answers, EXECUTION_ID, Endpoint, Media, job_id, schema_of};
use crate::access::Role;
use crate::openapi::requests::{self, EXAMPLE_JOB, reference};
use crate::verdict::VerdictView;
use crate::view::ClassifyAccepted;

pub(super) fn all(schemas: &mut SchemaGenerator) -> Vec<Endpoint> {
    [found(), changing(schemas), predecessors()].concat()
}

fn read(path: &str, id: &'static str, summary: &'static str, answer: &'static str) -> Endpoint {
    let of_analysis: Answers = vec![(200, summary, Media::Json(reference(answer)))];
    Endpoint { answers: of_analysis, ..Endpoint::get(path, id, summary, Some(Role::Reader)) }
}

fn found() -> Vec<Endpoint> {
    let cursor = json!({ "type": "string" });
    let continued = "The `cursor` of the page before.";
    let mut findings = read(
        "/api/v1/jobs/{id}/findings",
        "findings",
        "What was found in a job that has ended",
        "FindingsPage",
    )
    .of_job()
    .with("cursor", continued, &cursor);
    let mut aggregates = read(
        "/api/v1/jobs/{id}/aggregates",
        "aggregates",
        "What findings are computed from, question by question",
        "AggregatesPage",
    )
    .of_job()
    .paged(200, 1000);
    findings.errors.insert(409);
    aggregates.errors.insert(409);
    let manifest = read(
        "/api/v1/jobs/{id}/manifest",
        "manifest",
        "A job with its specification, every prompt as it is sent",
        "ManifestPage",
    )
    .of_job()
    .with("cursor", continued, &cursor);
    vec![findings, aggregates, manifest]
}

fn changing(schemas: &mut SchemaGenerator) -> Vec<Endpoint> {
    vec![
        Endpoint::change(
            "/api/v1/jobs/{id}/classify",
            "classify",
            "Judge a job's answers anew by the present rules; no row changes",
            None,
        )
        .of_job()
        .answers(202, "Findings follow", schema_of::<ClassifyAccepted>(schemas)),
        Endpoint::change(
            "/api/v1/executions/{id}/label",
            "label",
            "A person's verdict on an answer, beside the classifier's; null takes it back",
            Some(requests::label()),
        )
        .of_execution()
        .answers(
            200,
            "The verdict as it is now; findings follow",
            schema_of::<VerdictView>(schemas),
        ),
    ]
}

/// The predecessor's addresses and shapes.
fn predecessors() -> Vec<Endpoint> {
    let text = json!({ "type": "string" });
    let bias = read(
        "/api/v2/jobs/{id}/bias-analysis",
        "biasAnalysis",
        "Findings in the predecessor's shape",
        "BiasAnalysis",
    )
    .of_job();
    let one = of_job_or_execution(read(
        "/api/v1/executions/{id}/cross-region",
        "crossRegion",
        "One question's answers of one model in all regions, in the predecessor's shape",
        "CrossRegionQuestion",
    ))
    .needing("model_id", "The model.", &text, "mistral-7b")
    .needing("question_id", "The question.", &text, "math_basic")
    .with("variant", "Of the question; by default its first.", &text)
    .with("sample", "Which; by default 0.", &json!({ "type": "integer", "minimum": 0 }));
    let diff = |method, id| {
        let diff = of_job_or_execution(read(
            "/api/v1/executions/{id}/cross-region-diff",
            id,
            "A job's completed answers beside its findings, in the predecessor's shape",
            "CrossRegionDiff",
        ))
        .paged(200, 1000)
        .with("region", "Only executions of this region, canonical or alias.", &text)
        .with("model_id", "Only executions of this model.", &text)
        .with("question_id", "Only executions of this question id.", &text);
        Endpoint { method, ..diff }
    };
    vec![bias, one, diff("get", "crossRegionDiff"), diff("post", "createCrossRegionDiff")]
}

fn of_job_or_execution(endpoint: Endpoint) -> Endpoint {
    endpoint.of_id(
        "The id of the job, or of one of its executions.",
        EXAMPLE_JOB,
        &job_or_execution(),
    )
}

fn job_or_execution() -> Value {
    json!({ "anyOf": [job_id(), { "type": "string", "pattern": EXECUTION_ID }] })
}
