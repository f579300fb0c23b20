//! Each failure, made by a socket that does the thing.

use serde_json::{Value, json};

use crate::running::{Running, lab, question};
use crate::upstream::{Act, Upstream, refusing};

/// What a prompt or an answer of these tests holds, and no failure may.
const SECRET: &str = "SECRET-TEXT";

async fn failure_of(kind: &str, url: &str) -> Value {
    let router = Running::start(&lab(kind, url, "timeout_seconds = 0.3")).await;
    let mut body = question();
    body["prompt"] = json!(SECRET);
    let told = router.infer(&body).await;
    assert_eq!(told["success"], false, "{told}");
    assert_eq!(told["provider_used"], "lab");
    assert_eq!(told["error_code"], told["failure"]["code"]);
    assert!(!told.to_string().contains(SECRET), "{told}");
    assert!(!told.to_string().contains("127.0.0.1"), "{told}");
    told["failure"].clone()
}

fn raw(text: &str) -> Act {
    Act::Raw(text.as_bytes().to_vec())
}

fn reply(status: u16, body: &Value) -> Act {
    Act::Reply(status, body.to_string())
}

struct Case {
    act: Act,
    code: &'static str,
    stage: &'static str,
    http_status: Option<u16>,
    retryable: bool,
    maybe_billed: bool,
    /// What certainly brought no answer is asked again, three times in all.
    requests: usize,
}

fn case(act: Act, code: &'static str, stage: &'static str) -> Case {
    Case { act, code, stage, http_status: None, retryable: false, maybe_billed: false, requests: 1 }
}

impl Case {
    fn asked_again(self) -> Self {
        Self { requests: 3, ..self }
    }

    fn status(self, http_status: u16) -> Self {
        Self { http_status: Some(http_status), ..self }
    }

    fn retryable(self) -> Self {
        Self { retryable: true, ..self }
    }

    fn maybe_billed(self) -> Self {
        Self { maybe_billed: true, ..self }
    }
}

fn lost() -> [Case; 5] {
    let lost =
        |act| case(act, "PROVIDER_CONNECTION_LOST", "provider_request").retryable().maybe_billed();
    let cut = format!("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{{\"text\":\"{SECRET}");
    [
        lost(Act::Reset),
        lost(raw("")),
        lost(raw("this is not HTTP\r\n\r\n")),
        lost(raw(&cut)).status(200),
        case(Act::Silent, "PROVIDER_TIMEOUT", "provider_request").retryable().maybe_billed(),
    ]
}

fn unreadable() -> [Case; 7] {
    let page = format!("<html>{SECRET}</html>");
    let unreadable = |act| {
        case(act, "PROVIDER_RESPONSE_PARSE_ERROR", "response_parsing").status(200).maybe_billed()
    };
    let large = |act| case(act, "PROVIDER_RESPONSE_TOO_LARGE", "response_parsing").maybe_billed();
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(2 * 1024 * 1024 + 1));
    let text = "x".repeat(256 * 1024 + 1);
    let both = json!({"success": true, "response": text,
        "choices": [{"message": {"content": text}}]});
    [
        unreadable(Act::Reply(200, page)),
        unreadable(Act::Reply(200, String::new())),
        unreadable(reply(200, &json!([SECRET, "list"]))),
        unreadable(Act::Reply(200, format!("{{\"text\":\"{SECRET}"))),
        large(Act::Reply(200, "x".repeat(2 * 1024 * 1024 + 1))).status(200),
        large(raw(&endless)).status(200),
        large(reply(200, &both)),
    ]
}

fn statuses() -> [Case; 8] {
    let status = |status: u16, code, body: &Value| {
        case(reply(status, body), code, "provider_execution").status(status)
    };
    let detail = json!({"detail": SECRET});
    let quoting = json!({"error": {"message": SECRET, "type": "invalid_request_error"}});
    [
        status(500, "PROVIDER_HTTP_500", &detail).retryable().asked_again(),
        case(Act::Reply(500, SECRET.to_owned()), "PROVIDER_HTTP_500", "provider_execution")
            .status(500)
            .retryable()
            .asked_again(),
        status(503, "PROVIDER_HTTP_503", &detail).retryable().asked_again(),
        status(504, "PROVIDER_HTTP_504", &detail).retryable().maybe_billed(),
        status(429, "PROVIDER_HTTP_429", &quoting).retryable().asked_again(),
        status(400, "PROVIDER_HTTP_400", &quoting),
        status(404, "PROVIDER_HTTP_404", &detail),
        status(302, "PROVIDER_HTTP_302", &json!({})),
    ]
}

#[tokio::test]
async fn every_way_to_fail_has_its_code_and_says_what_it_means() {
    let cases = lost().into_iter().chain(unreadable()).chain(statuses());
    for (number, case) in cases.enumerate() {
        for kind in ["openai", "modal"] {
            let upstream = Upstream::start(case.act.clone()).await;
            let failure = failure_of(kind, &upstream.url).await;
            let seen = json!([
                failure["code"],
                failure["stage"],
                failure["retryable"],
                failure["transient"],
                failure["maybe_billed"],
                failure["http_status"]
            ]);
            let expected = json!([
                case.code,
                case.stage,
                case.retryable,
                case.retryable,
                case.maybe_billed,
                case.http_status
            ]);
            assert_eq!(seen, expected, "case {number} of {kind}: {failure}");
            assert_eq!(failure["attempts"], case.requests, "case {number} of {kind}: {failure}");
            assert_eq!(upstream.connections(), case.requests, "case {number} of {kind}");
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_certainly_not_billed() {
    let failure = failure_of("openai", &refusing().await).await;
    let seen = json!([failure["code"], failure["retryable"], failure["maybe_billed"]]);
    assert_eq!(seen, json!(["PROVIDER_UNREACHABLE", true, false]));
    assert_eq!(failure["component"], "hybrid_router");
    assert_eq!(failure["subcomponent"], "inference");
}

#[tokio::test]
async fn an_error_in_an_answer_of_success_is_a_failure() {
    let error = |error: Value| json!({"error": error, "choices": []});
    let table = [
        (error(json!({"message": SECRET, "code": 429})), true, "429"),
        (error(json!({"message": SECRET, "code": 400})), false, "400"),
        (error(json!({"message": SECRET, "code": "model_overloaded"})), true, "model_overloaded"),
        (
            error(json!({"message": SECRET, "code": null, "type": "server_error"})),
            true,
            "server_error",
        ),
        (error(json!({"code": format!("why {SECRET}")})), true, "reports an error"),
        (error(json!(SECRET)), true, "reports an error"),
    ];
    for (body, retryable, word) in table {
        let upstream = Upstream::json(body.clone()).await;
        let failure = failure_of("openai", &upstream.url).await;
        assert_eq!(failure["code"], "PROVIDER_EXECUTION_FAILED", "{body}");
        assert_eq!(failure["retryable"], retryable, "{body}");
        assert!(failure["message"].as_str().unwrap().contains(word), "{failure}");
    }
}

#[tokio::test]
async fn a_completion_without_a_choice_is_no_answer() {
    for body in [json!({}), json!({"choices": []}), json!({"choices": null})] {
        let upstream = Upstream::json(body.clone()).await;
        let failure = failure_of("openai", &upstream.url).await;
        assert_eq!(failure["code"], "PROVIDER_RESPONSE_PARSE_ERROR", "{body}");
    }
}

#[tokio::test]
async fn an_answer_of_the_largest_size_is_kept() {
    let text = "x".repeat(256 * 1024);
    let upstream = Upstream::json(json!({"success": true, "response": text})).await;
    let router = Running::start(&lab("modal", &upstream.url, "")).await;
    assert_eq!(router.infer(&question()).await["response"], text);
}
