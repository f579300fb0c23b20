//! Endpoints of evidence: receipts, the root over them, proofs, bundles and keys.

use serde_json::{Value, json};

use super::{EXECUTION_ID, Endpoint, Media, job_id};
use crate::access::Role;
use crate::openapi::requests::{EXAMPLE_EXECUTION, reference};

pub(super) fn all() -> Vec<Endpoint> {
    vec![one(), root(), proof(), bundle(), keys()]
}

fn read(path: &str, id: &'static str, summary: &'static str, media: Media) -> Endpoint {
    let answers = vec![(200, summary, media)];
    Endpoint { answers, ..Endpoint::get(path, id, summary, Some(Role::Reader)) }
}

fn one() -> Endpoint {
    read(
        "/api/v1/executions/{id}/receipt",
        "receipt",
        "The receipt of a completed execution: its canonical JSON, and nothing else",
        Media::Json(reference("Receipt")),
    )
    .of_execution()
}

fn root() -> Endpoint {
    let mut root = read(
        "/api/v1/transparency/root",
        "root",
        "The signed root over a job's receipts; of the job finalised last where none is named",
        Media::Json(reference("RootAnswer")),
    )
    .with("job_id", "The job's id.", &job_id())
    .with("run", "Which run of it; by default the last that has a root.", &run());
    root.errors.extend([404, 409]);
    root
}

fn proof() -> Endpoint {
    let execution = json!({ "type": "string", "pattern": EXECUTION_ID });
    let mut proof = read(
        "/api/v1/transparency/proof",
        "proof",
        "That a receipt is under a signed root: of an execution, or of a leaf of the tree",
        Media::Json(reference("Proof")),
    )
    .with("execution_id", "Whose receipt; or else give `index`.", &execution)
    .with("index", "Of the leaf, from 0.", &json!({ "type": "integer", "minimum": 0 }))
    .with(
        "job_id",
        "The job's id; by default the execution's, or the job finalised last.",
        &job_id(),
    )
    .with("run", "Which run of it; by default the last that has a root.", &run());
    if let Some(Value::Object(parameter)) = proof.parameters.first_mut() {
        parameter.insert("example".to_owned(), json!(EXAMPLE_EXECUTION));
    }
    proof.errors.extend([404, 409]);
    proof
}

fn bundle() -> Endpoint {
    let mut bundle = read(
        "/api/v1/jobs/{id}/bundle",
        "bundle",
        "A page of a job's bundle: lines of canonical JSON, a BundleHeader and then BundleEntries; the pages one \
         after the other are the bundle, and the `Link` header leads to the next",
        Media::JsonLines,
    )
    .of_job()
    .with("run", "Which run of it; by default the last that has a root.", &run())
    .with("cursor", "That of the `Link` of the page before.", &json!({ "type": "string" }));
    bundle.errors.insert(409);
    bundle
}

fn keys() -> Endpoint {
    read(
        "/api/v1/keys",
        "keys",
        "The public keys that receipts and roots are verified with, newest first",
        Media::Json(reference("PublishedKeys")),
    )
}

fn run() -> Value {
    json!({ "type": "integer", "minimum": 1 })
}
