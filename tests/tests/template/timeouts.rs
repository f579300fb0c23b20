//! Timeouts nest, as they stand in the template: what is inside ends before what is outside.

use std::time::Duration;

use beacon_core::estimate::{COORDINATOR_MB, INFERENCE_MB, OTHER_MB};
use beacon_core::spec::limit;
use beacon_core::time_budget::{
    ATTEMPT, CLIENT, COMPLETION_VISIBILITY, CONNECT, COORDINATOR, FUNCTION, HOLDER, ROUTER,
    VISIBILITY,
};
use serde_json::Value;

use crate::deployed::{Deployed, WAYS, number, owner};

/// The longest that an HTTP API waits for a function.
/// Source: "Quotas for HTTP APIs", API Gateway developer guide.
const INTEGRATION_AT_MOST: u64 = 30_000;
/// Between the worker's last wait and its function's end.
const TO_WRITE: Duration = Duration::from_secs(20);

fn seconds(properties: &Value, name: &str) -> Duration {
    Duration::from_secs(number(properties, name))
}

#[test]
fn a_call_ends_inside_its_function_and_its_function_inside_its_messages_visibility() {
    for given in WAYS {
        let deployed = Deployed::with(given);
        let inference = deployed.properties("InferenceFunction");
        let variables = &inference["Environment"]["Variables"];
        let set = variables.get("HYBRID_ROUTER_TIMEOUT");
        let router = set.map_or(ROUTER, |_| seconds(variables, "HYBRID_ROUTER_TIMEOUT"));
        let client = router + CLIENT.saturating_sub(ROUTER);
        let function = seconds(inference, "Timeout");
        let visibility = seconds(deployed.properties("QuestionQueue"), "VisibilityTimeout");
        assert!(CONNECT < ATTEMPT && ATTEMPT <= router && router < client);
        assert!(client + TO_WRITE < function, "{client:?} {function:?}");
        assert!(function <= visibility, "{function:?} {visibility:?}");
        // What the reconciler and the local stack reckon with.
        assert_eq!((function, visibility), (FUNCTION, VISIBILITY));
        assert!(function < HOLDER);
    }
}

#[test]
fn every_function_ends_before_its_message_is_seen_again() {
    let deployed = Deployed::with(&[]);
    let mappings = deployed.of_type("AWS::Lambda::EventSourceMapping");
    assert_eq!(mappings.len(), 3);
    for (id, mapping) in mappings {
        let queue = deployed.properties(owner(&mapping["EventSourceArn"]));
        let function = deployed.properties(owner(&mapping["FunctionName"]));
        let (timeout, visibility) =
            (seconds(function, "Timeout"), seconds(queue, "VisibilityTimeout"));
        assert!(timeout <= visibility, "{id}: {timeout:?} {visibility:?}");
    }
    // What an analysis is held for, and the local stack reckons with.
    let coordinator = seconds(deployed.properties("CoordinatorFunction"), "Timeout");
    let visibility = seconds(deployed.properties("CompletionQueue"), "VisibilityTimeout");
    assert_eq!((coordinator, visibility), (COORDINATOR, COMPLETION_VISIBILITY));
}

#[test]
fn who_asks_the_api_is_told_by_the_function_and_not_by_the_gateway() {
    let deployed = Deployed::with(&[]);
    for (id, integration) in deployed.of_type("AWS::ApiGatewayV2::Integration") {
        let function = deployed.properties(owner(&integration["IntegrationUri"]));
        let waits = number(integration, "TimeoutInMillis");
        assert!(number(function, "Timeout") * 1000 < waits, "{id}");
        assert!(waits <= INTEGRATION_AT_MOST, "{id}");
    }
}

#[test]
fn messages_outlive_every_job_and_dead_letters_outlive_messages() {
    let deployed = Deployed::with(&[]);
    for name in ["Dispatch", "Question", "Completion"] {
        let kept = |queue| number(deployed.properties(queue), "MessageRetentionPeriod");
        let (queue, dead) = (format!("{name}Queue"), format!("{name}DeadLetterQueue"));
        assert!(kept(&queue) > limit::TIMEOUT_SECONDS, "{name}");
        // A standard queue's dead letter keeps the time at which it was first sent.
        assert!(kept(&dead) > 2 * kept(&queue), "{name}");
    }
}

#[test]
fn memory_is_what_estimates_reckon_with() {
    let deployed = Deployed::with(WAYS[0]);
    let memory = |function| number(deployed.properties(function), "MemorySize");
    assert_eq!(memory("InferenceFunction"), INFERENCE_MB);
    assert_eq!(memory("DispatchFunction"), OTHER_MB);
    assert_eq!(memory("CoordinatorFunction"), COORDINATOR_MB);
}
