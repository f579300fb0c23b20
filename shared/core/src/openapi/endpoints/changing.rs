//! Endpoints that change a job that is there.

use schemars::generate::SchemaGenerator;
use serde_json::{Value, json};

use super::{EXECUTION_ID, Endpoint, job_id, schema_of};
use crate::openapi::requests::{self, EXAMPLE_JOB};
use crate::view::{CancelAccepted, ErrorView, PairRetry, RetryAccepted};

const KEY: &str = "Sent again, it is the same run: 1 to 255 printable ASCII characters.";

pub(super) fn all(schemas: &mut SchemaGenerator) -> Vec<Endpoint> {
    let retried = schema_of::<RetryAccepted>(schemas);
    vec![
        Endpoint::change("/api/v1/jobs/{id}/cancel", "cancel", "Cancel a job", None)
            .of_job()
            .answers(
                202,
                "No question is opened any more; the job is cancelled when nothing runs",
                schema_of::<CancelAccepted>(schemas),
            ),
        run(
            "/api/v1/jobs/{id}/retry",
            "retry",
            "Ask anew what is not completed, or some of it: a new run",
            Some(requests::retry()),
            &retried,
        )
        .of_job(),
        run(
            "/api/v1/executions/{id}/retry-all-failed",
            "retryAllFailed",
            "The same for everything, under the predecessor's address",
            None,
            &retried,
        )
        .of_id(
            "The id of the job, or of one of its executions.",
            EXAMPLE_JOB,
            &json!({ "anyOf": [job_id(), { "type": "string", "pattern": EXECUTION_ID }] }),
        ),
        retry_question(schemas),
    ]
}

fn run(
    path: &str,
    id: &'static str,
    summary: &'static str,
    body: Option<requests::Body>,
    retried: &Value,
) -> Endpoint {
    Endpoint::change(path, id, summary, body)
        .keyed(KEY)
        .answers(202, "The run was accepted", retried.clone())
        .answers(200, "The run was accepted before, under this key", retried.clone())
}

fn retry_question(schemas: &mut SchemaGenerator) -> Endpoint {
    let pair = schema_of::<PairRetry>(schemas);
    Endpoint::change(
        "/api/v1/executions/{id}/retry-question",
        "retryQuestion",
        "Ask one pair anew, in the predecessor's form",
        Some(requests::pair()),
    )
    .keyed(KEY)
    .of_execution()
    .answers(200, "It is completed, or a run for it was accepted", pair.clone())
    .answers(202, "It waits, is being asked, or will be by a run accepted before", pair)
    .answers(
        429,
        "It was retried as often as pairs are, or there were too many requests",
        schema_of::<ErrorView>(schemas),
    )
}
