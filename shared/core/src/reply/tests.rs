//! Answers of routers, old and new, well and ill.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_text_is_completed() {
    let reply = read_json(&answer());
    let Ending::Completed(answer) = reply.ending else { panic!("not completed") };
    assert_eq!((answer.outcome, answer.response.as_str()), (Outcome::Text, "4."));
    assert_eq!(reply.served.provider_id.unwrap().as_str(), "modal-us-east");
    assert_eq!(reply.served.region.as_deref(), Some("us-east"));
}

#[test]
fn empty_is_not_failed() {
    for text in [json!(""), Value::Null] {
        let mut answer = answer();
        answer["response"] = text;
        let Ending::Completed(answer) = read_json(&answer).ending else { panic!("not completed") };
        assert_eq!(answer.outcome, Outcome::Empty);
    }
}

#[test]
fn finish_reasons_decide_before_the_text_does() {
    for (reason, text, outcome) in [
        ("content_filter", "", Outcome::Blocked),
        ("refusal", "No.", Outcome::Blocked),
        ("length", "", Outcome::Truncated),
        ("length", "A long", Outcome::Truncated),
        ("stop", "", Outcome::Empty),
        ("stop", " \n", Outcome::Empty),
        ("stop", "Yes.", Outcome::Text),
    ] {
        let mut answer = answer();
        answer["finish_reason"] = json!(reason);
        answer["response"] = json!(text);
        let Ending::Completed(answer) = read_json(&answer).ending else { panic!("not completed") };
        assert_eq!(answer.outcome, outcome, "{reason} {text}");
    }
}

#[test]
fn a_kind_that_the_router_tells_decides_alone() {
    for (kind, outcome) in [
        ("text", Outcome::Text),
        ("empty", Outcome::Empty),
        ("refusal", Outcome::Blocked),
        ("content_filter", Outcome::Blocked),
        ("length", Outcome::Truncated),
        ("reasoning", Outcome::Truncated),
    ] {
        let mut answer = answer();
        answer["outcome"] = json!(kind);
        let Ending::Completed(answer) = read_json(&answer).ending else { panic!("not completed") };
        assert_eq!(answer.outcome, outcome, "{kind}");
    }
}

#[test]
fn a_kind_that_is_not_known_is_as_one_not_told() {
    for kind in [json!(null), json!("summary"), json!(7)] {
        let mut answer = answer();
        answer["outcome"] = kind.clone();
        answer["finish_reason"] = json!("length");
        let Ending::Completed(answer) = read_json(&answer).ending else { panic!("not completed") };
        assert_eq!(answer.outcome, Outcome::Truncated, "{kind}");
    }
}

#[test]
fn another_region_is_a_failure_wherever_it_is_reported() {
    for (place, region) in [
        ("/served_region", "eu-west"),
        ("/metadata/region", "EU"),
        ("/metadata/receipt/execution_details/region", "asia-pacific"),
        ("/served_region", "somewhere"),
    ] {
        let mut answer = answer();
        *answer.pointer_mut(place).unwrap() = json!(region);
        assert_eq!(code(&read_json(&answer)), "REGION_MISMATCH", "{place}");
    }
    let mut alias = answer();
    alias["served_region"] = json!("US");
    assert!(matches!(read_json(&alias).ending, Ending::Completed(_)));
}

#[test]
fn another_prompt_received_is_a_failure() {
    let mut answer = answer();
    answer["metadata"]["receipt"]["output"] = json!({"system_prompt": "Be evil."});
    assert_eq!(code(&read_json(&answer)), "PROMPT_MISMATCH");
    answer["metadata"]["receipt"]["output"] = json!({"system_prompt": "Be brief."});
    assert!(matches!(read_json(&answer).ending, Ending::Completed(_)));
}

#[test]
fn a_router_that_chose_no_provider_is_told_as_such() {
    let reply = read_json(&json!({
        "success": false, "response": null, "error": "No healthy providers available",
        "error_code": "PROVIDER_UNAVAILABLE", "provider_used": "", "inference_time": 0.0,
        "cost_estimate": 0.0, "metadata": {"requested_region": "asia-pacific"},
        "failure": {"code": "PROVIDER_UNAVAILABLE", "stage": "provider_selection",
            "message": "No healthy providers available", "transient": true},
    }));
    let Ending::Failed(failure) = reply.ending else { panic!("not failed") };
    assert_eq!(failure.code.to_string(), "PROVIDER_UNAVAILABLE");
    assert_eq!(failure.stage, Stage::ProviderSelection);
    assert!(failure.retryable && !failure.maybe_billed && failure.provider_id.is_none());
}

#[test]
fn a_predecessor_that_does_not_say_may_have_billed() {
    let reply = read_json(&json!({
        "success": false, "error": "HTTP 500", "provider_used": "modal-us-east",
        "failure": {"code": "PROVIDER_HTTP_500", "stage": "provider_execution", "message": "m",
            "transient": true, "http_status": 500},
    }));
    let Ending::Failed(failure) = reply.ending else { panic!("not failed") };
    assert!(failure.maybe_billed && failure.retryable);
    assert_eq!(failure.http_status, Some(500));
}

#[test]
fn out_of_time_is_its_own_status() {
    for code in OUT_OF_TIME {
        let answer = json!({"success": false, "provider_used": "p", "error_code": code});
        assert!(matches!(read_json(&answer).ending, Ending::TimedOut(_)), "{code}");
    }
}

#[test]
fn every_failure_has_a_code() {
    let huge = "x".repeat(MAX_RESPONSE_BYTES + 1);
    let mut too_large = answer();
    too_large["response"] = json!(huge);
    for (status, body, expected) in [
        (500, "oops".to_owned(), "ROUTER_HTTP_500"),
        (404, String::new(), "ROUTER_HTTP_404"),
        (200, "<html>".to_owned(), "ROUTER_JSON_ERROR"),
        (200, "{\"success\":tr".to_owned(), "ROUTER_JSON_ERROR"),
        (200, "[1]".to_owned(), "ROUTER_UNEXPECTED_SHAPE"),
        (200, "{}".to_owned(), "ROUTER_UNEXPECTED_SHAPE"),
        (200, "{\"success\":false}".to_owned(), "ROUTER_ERROR"),
        (200, "{\"success\":false,\"error_code\":\"<no>\"}".to_owned(), "ROUTER_ERROR"),
        (200, too_large.to_string(), "RESPONSE_TOO_LARGE"),
    ] {
        assert_eq!(code(&read(status, body.as_bytes(), asked())), expected);
    }
}

#[test]
fn a_providers_words_and_costs_are_bounded() {
    let mut long = answer();
    long["finish_reason"] = json!("x".repeat(300_000));
    long["served_model"] = json!("é".repeat(300_000));
    long["cost_estimate"] = json!(1e200);
    let reply = read_json(&long);
    let Ending::Completed(answer) = reply.ending else { panic!("not completed") };
    assert_eq!(answer.finish_reason.unwrap().len(), 200);
    assert_eq!(reply.served.model.unwrap().chars().count(), 200);
    assert_eq!(reply.cost, None);
}

#[test]
fn a_call_costs_what_its_requests_do_and_what_is_not_told_is_not_known() {
    let decision = |attempts: &Value| json!({"attempts": attempts});
    let request = |cost: Value| json!({"provider": "p", "seconds": 1.0, "cost": cost});
    let lost = json!({"provider": "p", "seconds": 1.0, "cost": 0.5, "maybe_billed": true});
    let (untold, free, told) = (request(json!(null)), request(json!(0.0)), request(json!(0.25)));
    for (success, attempts, nanos) in [
        (true, json!([told]), Some(250_000_000)),
        (true, json!([free]), Some(0)),
        (true, json!([untold]), None),
        (true, json!([told, untold]), None),
        (true, json!([untold, told]), Some(250_000_000)),
        (true, json!([told, told]), Some(500_000_000)),
        (true, json!([]), None),
        (true, json!([request(json!(-1.0))]), None),
        (false, json!([told]), Some(250_000_000)),
        (false, json!([told, lost]), Some(250_000_000)),
        (false, json!([lost]), None),
        (false, json!([untold]), None),
    ] {
        let mut answer = answer();
        answer["success"] = json!(success);
        answer["decision"] = decision(&attempts);
        let cost = read_json(&answer).cost.map(Dollars::nanos);
        assert_eq!(cost, nanos, "{success} {attempts}");
    }
    // An older router writes nought where it does not know.
    let mut old = answer();
    assert_eq!(read_json(&old).cost, None);
    old["cost_estimate"] = json!(0.25);
    assert_eq!(read_json(&old).cost, Some(Dollars::from_nanos(250_000_000)));
}

#[test]
fn the_providers_receipt_is_kept_of_what_is_believed_and_of_what_is_not() {
    let mut answer = answer();
    let receipt = json!({"output": {"system_prompt": "Be brief.", "response": "4."}});
    answer["metadata"]["receipt"] = receipt.clone();
    let kept = Some(ProviderReceipt::Kept(receipt.to_string()));
    assert_eq!(read_json(&answer).provider_receipt, kept);
    answer["metadata"]["receipt"]["output"]["system_prompt"] = json!("Be evil.");
    let reply = read_json(&answer);
    assert_eq!(code(&reply), "PROMPT_MISMATCH");
    assert!(reply.provider_receipt.unwrap().json().unwrap().contains("Be evil."));
    answer["metadata"]["receipt"] = Value::Null;
    assert_eq!(read_json(&answer).provider_receipt, None);
}

#[test]
fn a_count_that_not_every_reader_of_json_takes_for_the_same_number_is_none() {
    let counted = |tokens: u64| {
        let mut answer = answer();
        answer["usage"] = json!({"input_tokens": tokens, "output_tokens": 7});
        let Ending::Completed(answer) = read_json(&answer).ending else { panic!("not completed") };
        (answer.input_tokens, answer.output_tokens)
    };
    assert_eq!(counted(1 << 53), (Some(1 << 53), Some(7)));
    assert_eq!(counted((1 << 53) + 1), (None, Some(7)));
}

fn answer() -> Value {
    json!({
        "success": true, "response": "4.", "provider_used": "modal-us-east",
        "inference_time": 0.03, "cost_estimate": 0.0, "served_region": "us-east",
        "metadata": {"provider_type": "modal", "region": "us-east", "model": "m",
            "receipt": {"execution_details": {"region": "us-east"}}},
    })
}

fn read_json(answer: &Value) -> Reply {
    read(200, answer.to_string().as_bytes(), asked())
}

fn asked() -> Asked<'static> {
    static REGION: std::sync::LazyLock<Region> =
        std::sync::LazyLock::new(|| Region::new("us-east").unwrap());
    Asked { region: &REGION, system: Some("Be brief."), attempts: 1 }
}

fn code(reply: &Reply) -> String {
    reply.ending.failure().unwrap().code.to_string()
}
