//! Codes, and what they mean.

use super::*;

#[test]
fn codes_print_as_on_the_wire() {
    assert_eq!(FailureCode::Http(503).to_string(), "PROVIDER_HTTP_503");
    assert_eq!(FailureCode::Named("MODEL_CRASH".to_owned()).to_string(), "MODEL_CRASH");
    assert_eq!(FailureCode::DeadlineExceeded.to_string(), "DEADLINE_EXCEEDED");
}

#[test]
fn only_overload_and_server_errors_are_worth_asking_again() {
    let retryable = [429, 500, 502, 503, 599];
    for status in [300, 303, 400, 401, 404, 408, 422, 429, 500, 502, 503, 599] {
        let code = FailureCode::Http(status);
        assert_eq!(code.retryable(), retryable.contains(&status), "{status}");
    }
}

#[test]
fn what_was_asked_does_not_speak_against_the_provider() {
    for status in [400, 404, 413, 422, 429] {
        assert!(!FailureCode::Http(status).is_providers_fault(), "{status}");
    }
    for status in [303, 401, 403, 408, 500, 503] {
        assert!(FailureCode::Http(status).is_providers_fault(), "{status}");
    }
}

#[test]
fn the_wire_object_is_complete_and_dated_to_the_second() {
    let subject = Subject {
        provider: Some(("lab", "openai")),
        region: Some("us-east"),
        model: "m",
        attempts: 1,
    };
    let failure = Failure::new(FailureCode::Timeout, "no answer");
    let wire = failure.to_wire(subject, 1_795_313_897_999);
    assert_eq!(wire.timestamp.as_deref(), Some("2026-11-22T02:18:17Z"));
    assert_eq!(wire.provider.as_deref(), Some("lab"));
    assert_eq!((wire.transient, wire.retryable, wire.maybe_billed), (true, Some(true), Some(true)));
}
