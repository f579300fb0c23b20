//! `POST /v1/chat/completions` and `GET /v1/models`: `OpenAI`'s shapes, statuses and refusals.

use serde_json::{Value, json};

use crate::running::{KEY, Running, lab, provider};
use crate::upstream::{Act, Upstream, refusing, within};

const CHAT: &str = "/v1/chat/completions";

fn chat() -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "What is 2+2?"}]})
}

/// Status, `x-should-retry` and body.
struct Told {
    status: u16,
    should_retry: Option<String>,
    body: Value,
}

async fn told(request: reqwest::RequestBuilder) -> Told {
    let response = within(request.send()).await.unwrap();
    let should_retry = response.headers().get("x-should-retry");
    Told {
        status: response.status().as_u16(),
        should_retry: should_retry.map(|value| value.to_str().unwrap().to_owned()),
        body: within(response.json()).await.unwrap(),
    }
}

async fn asked(router: &Running, body: &Value) -> Told {
    told(router.post(CHAT).header("x-beacon-region", "US").json(body)).await
}

fn completion(message: &Value, finish_reason: &str) -> Value {
    json!({"model": "m-2026", "choices": [{"message": message, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}})
}

#[tokio::test]
async fn a_chat_is_passed_on_and_answered_in_openais_shape() {
    let mut upstream = Upstream::json(completion(&json!({"content": "4"}), "stop")).await;
    let router = Running::start(&lab("openai", &upstream.url, "")).await;
    let body = json!({"model": "m", "temperature": 0.7, "max_completion_tokens": 64, "seed": 7,
        "user": "u", "store": false, "stream": false, "n": 1, "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "2+2?"}]}]});
    let request = router.post(CHAT).header("x-beacon-region", "US").header("x-trace-id", "trace-1");
    let response = within(request.json(&body).send()).await.unwrap();
    assert_eq!(response.headers()["x-request-id"], "trace-1");
    let mut told: Value = within(response.json()).await.unwrap();
    assert!(told["id"].as_str().unwrap().starts_with("chatcmpl-"), "{told}");
    assert!(told["created"].as_u64().unwrap() > 1_700_000_000, "{told}");
    assert!(told["beacon"]["inference_time"].as_f64().unwrap() > 0.0, "{told}");
    (told["id"], told["created"]) = (json!("i"), json!(1));
    told["beacon"]["inference_time"] = json!(0.5);
    let beside = told["beacon"].as_object_mut().unwrap();
    assert_eq!(beside.remove("decision").unwrap()["attempts"].as_array().unwrap().len(), 1);
    assert!(beside.remove("timings").unwrap()["total_ms"].as_f64().unwrap() > 0.0);
    let expected = json!({
        "id": "i", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "logprobs": null,
            "message": {"role": "assistant", "content": "4", "refusal": null}}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
        "beacon": {"provider_used": "lab", "region": "us-east", "served_region": null,
            "served_model": "m-2026", "finish_reason": "stop", "cost_estimate": 0.0,
            "usage": {"input_tokens": 12, "output_tokens": 3}, "inference_time": 0.5,
            "simulated": false, "outcome": "text",
            "parameters": {"temperature": 0.7, "max_tokens": 64}},
    });
    assert_eq!(told, expected);

    let received = upstream.received().await;
    assert_eq!(received.headers["x-trace-id"], "trace-1");
    let messages = json!([{"role": "system", "content": "Be brief."},
        {"role": "user", "content": "2+2?"}]);
    assert_eq!(received.body["messages"], messages);
    assert_eq!((&received.body["seed"], &received.body["max_tokens"]), (&json!(7), &json!(64)));
}

#[tokio::test]
async fn a_refusal_a_filter_and_a_cut_are_answers() {
    let table = [
        (
            completion(&json!({"content": null, "refusal": "No."}), "stop"),
            "stop",
            json!(null),
            json!("No."),
        ),
        (completion(&json!({"content": "Half"}), "length"), "length", json!("Half"), json!(null)),
        (
            completion(&json!({"content": ""}), "content_filter"),
            "content_filter",
            json!(""),
            json!(null),
        ),
        (completion(&json!({"content": ""}), "stop"), "stop", json!(""), json!(null)),
    ];
    for (answer, finish_reason, content, refusal) in table {
        let upstream = Upstream::json(answer.clone()).await;
        let router = Running::start(&lab("openai", &upstream.url, "")).await;
        let Told { status, body, .. } = asked(&router, &chat()).await;
        let choice = &body["choices"][0];
        let message = json!({"role": "assistant", "content": content, "refusal": refusal});
        assert_eq!((status, &choice["message"]), (200, &message), "{answer}");
        assert_eq!(choice["finish_reason"], finish_reason, "{answer}");
    }
}

#[tokio::test]
async fn what_cannot_be_passed_on_is_refused_by_name_and_nothing_is_sent() {
    let upstream = Upstream::json(completion(&json!({"content": "4"}), "stop")).await;
    let router = Running::start(&lab("openai", &upstream.url, "")).await;
    for (name, value) in [
        ("stream", json!(true)),
        ("n", json!(2)),
        ("tools", json!([{"type": "function"}])),
        ("response_format", json!({"type": "json_object"})),
        ("logprobs", json!(true)),
        ("stop", json!(["x"])),
        ("reasoning_effort", json!("low")),
    ] {
        let mut body = chat();
        body[name] = value;
        let Told { status, body, .. } = asked(&router, &body).await;
        let error = &body["error"];
        assert_eq!((status, &error["param"]), (400, &json!(name)), "{body}");
        assert_eq!(error["type"], "invalid_request_error");
        assert!(error["message"].as_str().unwrap().contains(name), "{body}");
    }
    let request = router.post(CHAT).header("x-beacon-deadline-ms", "soon").json(&chat());
    let Told { status, body, .. } = told(request).await;
    assert_eq!((status, &body["error"]["param"]), (400, &json!("x-beacon-deadline-ms")));
    let request = router.post(CHAT).header("content-type", "text/plain");
    assert_eq!(told(request.body(chat().to_string())).await.status, 415);
    let request = router.post(CHAT).json(&json!({"prompt": "x".repeat(2 * 1024 * 1024)}));
    let Told { status, body, .. } = told(request).await;
    assert_eq!((status, &body["error"]["type"]), (413, &json!("invalid_request_error")));
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test]
async fn a_model_or_region_that_nobody_serves_is_not_found() {
    let router = Running::start(&lab("openai", &refusing().await, "")).await;
    let other = json!({"model": "other", "messages": chat()["messages"]});
    for (region, body, param) in [
        ("US", &other, "model"),
        ("mars", &chat(), "x-beacon-region"),
        ("EU", &chat(), "x-beacon-region"),
    ] {
        let told = told(router.post(CHAT).header("x-beacon-region", region).json(body)).await;
        let error = &told.body["error"];
        assert_eq!((told.status, &error["code"]), (404, &json!("model_not_found")), "{region}");
        assert_eq!(error["param"], param, "{region}: {error}");
        assert_eq!(error["beacon"]["failure"]["code"], "PROVIDER_UNAVAILABLE");
    }
}

#[tokio::test]
async fn each_failure_has_its_status_and_says_whether_to_ask_again() {
    let reply = |status| Act::Reply(status, json!({"error": {"message": "x"}}).to_string());
    let again = None::<&str>;
    let no = Some("false");
    for (act, status, code, should_retry) in [
        (reply(400), 400, "PROVIDER_HTTP_400", no),
        (reply(401), 502, "PROVIDER_HTTP_401", no),
        (reply(500), 502, "PROVIDER_HTTP_500", again),
        (reply(504), 504, "PROVIDER_HTTP_504", no),
        (Act::Reset, 502, "PROVIDER_CONNECTION_LOST", no),
        (
            Act::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nHTML".to_vec()),
            502,
            "PROVIDER_RESPONSE_PARSE_ERROR",
            no,
        ),
    ] {
        let upstream = Upstream::start(act).await;
        let router = Running::start(&lab("openai", &upstream.url, "")).await;
        let told = asked(&router, &chat()).await;
        let error = &told.body["error"];
        assert_eq!((told.status, &error["code"]), (status, &json!(code)), "{error}");
        assert_eq!(told.should_retry.as_deref(), should_retry, "{error}");
        assert_eq!(error["beacon"]["failure"]["code"], code);
    }
    let router = Running::start(&lab("openai", &refusing().await, "")).await;
    let told = asked(&router, &chat()).await;
    assert_eq!((told.status, told.should_retry), (502, None), "{}", told.body);
}

#[tokio::test]
async fn a_deadline_and_a_time_out_are_told_as_such() {
    let upstream = Upstream::start(Act::Silent).await;
    let router = Running::start(&lab("openai", &upstream.url, "timeout_seconds = 0.1")).await;
    let told_late = asked(&router, &chat()).await;
    assert_eq!((told_late.status, told_late.should_retry.as_deref()), (504, Some("false")));
    assert_eq!(told_late.body["error"]["beacon"]["failure"]["maybe_billed"], true);
    let Told { status, should_retry, body } =
        told(router.post(CHAT).header("x-beacon-deadline-ms", "1").json(&chat())).await;
    assert_eq!((status, should_retry.as_deref()), (504, Some("false")));
    assert_eq!(body["error"]["code"], "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_key_is_one_call_and_belongs_to_one_body() {
    let upstream = Upstream::json(completion(&json!({"content": "4"}), "stop")).await;
    let router = Running::start(&lab("openai", &upstream.url, "")).await;
    let keyed = |body: &Value| told(router.post(CHAT).header("idempotency-key", "k:1").json(body));
    for _ in 0..2 {
        let told = keyed(&chat()).await;
        assert_eq!(told.body["choices"][0]["message"]["content"], "4");
    }
    assert_eq!(upstream.connections(), 1);
    let mut other = chat();
    other["seed"] = json!(1);
    let Told { status, should_retry, body } = keyed(&other).await;
    assert_eq!((status, &body["error"]["code"]), (409, &json!("key_conflict")));
    // `OpenAI`'s client would ask again for ever.
    assert_eq!(should_retry.as_deref(), Some("false"));
    assert_eq!(router.get("/inference/k:1").await.1["state"], "done");

    assert_eq!(router.delete("/inference/k:2").await.1["state"], "stopped");
    let Told { status, should_retry, body } =
        told(router.post(CHAT).header("idempotency-key", "k:2").json(&chat())).await;
    assert_eq!((status, should_retry.as_deref()), (409, Some("false")));
    assert_eq!(body["error"]["code"], "CALL_STOPPED");
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn models_are_listed_with_their_regions() {
    let url = refusing().await;
    let slashed = lab("openai", &url, "").replace("\"m\"", "\"m\", \"org/n\"");
    let toml = slashed + &provider("far", "openai", "eu-west", &url, "api_key_env = \"K\"");
    let router = Running::start(&toml).await;
    let model = |id: &str, regions: Value| {
        json!({"id": id, "object": "model", "created": 0, "owned_by": "beacon",
            "beacon": {"regions": regions, "simulated": false}})
    };
    let (m, n) = (model("m", json!(["eu-west", "us-east"])), model("org/n", json!(["us-east"])));
    let (status, list) = router.get("/v1/models").await;
    assert_eq!((status, &list), (200, &json!({"object": "list", "data": [m, n]})));
    assert!(!list.to_string().contains(KEY));
    assert_eq!(router.get("/v1/models/m").await, (200, m));
    for path in ["/v1/models/org/n", "/v1/models/org%2Fn"] {
        assert_eq!(router.get(path).await, (200, n.clone()), "{path}");
    }
    let (status, told) = router.get("/v1/models/other").await;
    assert_eq!((status, &told["error"]["code"]), (404, &json!("model_not_found")));
    let (status, told) = router.get("/v1/engines").await;
    assert_eq!((status, &told["error"]["type"]), (404, &json!("invalid_request_error")));
    assert_eq!(router.get(CHAT).await.0, 405);
}
