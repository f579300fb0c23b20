//! Bad input at every edge: a clear answer that names what is wrong, and nothing kept of it.

use serde_json::{Value, json};

use crate::here::{Here, answered, main_job};

const SMALL: &str =
    r#"{"id": "ID", "questions": ["math_basic"], "models": ["mistral-7b"], "regions": ["US"]}"#;

#[tokio::test]
async fn bodies_that_are_no_specification() {
    let here = Here::simulated("[0, 0]").await;
    let nested = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    let in_field = format!("{{\"questions\": {}{}}}", "[".repeat(400_000), "]".repeat(400_000));
    let twice = SMALL.replace("\"regions\"", "\"models\": [\"x\"], \"regions\"");
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(3 * 1024 * 1024));
    let nul = SMALL.replace("\"math_basic\"", "{\"id\": \"q\", \"text\": \"a\\u0000b\"}");
    let invalid = |status: u16, code: &str| (status, code.to_owned());
    for (body, refusal, told) in [
        ("{ not-json }", invalid(400, "invalid_json"), "Malformed JSON in body"),
        ("", invalid(400, "invalid_json"), "line"),
        ("null", invalid(400, "validation_error"), "specification"),
        ("[]", invalid(400, "validation_error"), "specification"),
        ("\u{feff}{}", invalid(400, "invalid_json"), "line 1"),
        (&nested, invalid(400, "invalid_json"), "nested"),
        (&in_field, invalid(400, "invalid_json"), "nested"),
        (&twice, invalid(400, "invalid_json"), "`models`"),
        (&large, invalid(413, "body_too_large"), "3145728"),
        (&nul, invalid(400, "validation_error"), "U+0000"),
    ] {
        let request = here.api.request("POST", "/api/v1/jobs");
        let request = request.header("content-type", "application/json").body(body.to_owned());
        let answer = answered(request).await;
        let shown: String = body.chars().take(60).collect();
        assert_eq!(answer.refusal(), refusal, "{shown}");
        assert!(answer.text.contains(told), "{shown}: {}", answer.text);
    }
    let not_utf8 = here.api.request("POST", "/api/v1/jobs").body(vec![b'{', 0xff, b'}']);
    let not_utf8 = not_utf8.header("content-type", "application/json");
    assert_eq!(answered(not_utf8).await.refusal(), invalid(400, "invalid_json"));
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let mut request = here.api.request("POST", "/api/v1/jobs").body(SMALL);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        assert_eq!(answered(request).await.refusal(), invalid(415, "unsupported_media_type"));
    }
    assert_eq!(here.api.get("jobs").await["jobs"], json!([]));
}

#[tokio::test]
async fn a_wrong_type_in_any_field_is_named() {
    let here = Here::simulated("[0, 0]").await;
    let fields = [
        "id",
        "name",
        "questions",
        "models",
        "regions",
        "samples",
        "system_prompt",
        "temperature",
        "max_tokens",
        "seed",
        "top_p",
        "questions_in_flight",
        "min_success_rate",
        "min_regions",
        "stop",
        "stop_after",
        "timeout",
    ];
    for field in fields {
        for wrong in [json!(true), json!({"a": [1]}), json!([[]]), json!(-1), json!("\u{7}")] {
            if field == "system_prompt" && wrong.is_object() {
                continue;
            }
            let mut spec: Value = serde_json::from_str(SMALL).unwrap();
            spec[field] = wrong.clone();
            let answer = answered(here.api.request("POST", "/api/v1/jobs").json(&spec)).await;
            assert_eq!(answer.refusal(), (400, "validation_error".into()), "{field}: {wrong}");
            let named = answer.fields();
            assert!(named.iter().all(|name| name.starts_with(field)), "{field}: {named:?}");
        }
    }
    let mut many: Value = serde_json::from_str(SMALL).unwrap();
    many["samples"] = json!(0);
    many["colour"] = json!("red");
    many["stop"] = json!("soon");
    let mut named = answered(here.api.request("POST", "/api/v1/jobs").json(&many)).await.fields();
    named.sort();
    assert_eq!(named, ["colour", "samples", "stop"]);
    assert_eq!(here.api.get("jobs").await["jobs"], json!([]));
}

#[tokio::test]
async fn addresses_that_lead_nowhere_and_methods_that_are_not_taken() {
    let here = Here::simulated("[0, 0]").await;
    for path in
        ["/nowhere", "/api", "/api/v2/jobs", "/api/v1/jobs/j/x", "/env", "/.git/config", "/debug"]
    {
        let answer = answered(here.api.request("GET", path)).await;
        assert_eq!(answer.refusal(), (404, "not_found".into()), "{path}");
    }
    for (method, path, allow) in [
        ("DELETE", "/api/v1/jobs", "GET, POST"),
        ("PUT", "/api/v1/jobs/j", "GET"),
        ("GET", "/api/v1/jobs/cross-region", "POST"),
        ("POST", "/health", "GET"),
        ("OPTIONS", "/api/v1/jobs", "GET, POST"),
        ("PATCH", "/debug/config", "GET"),
    ] {
        let answer = answered(here.api.request(method, path)).await;
        assert_eq!(answer.refusal(), (405, "method_not_allowed".into()), "{method} {path}");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    for path in [
        "/api/v1/jobs/%2e%2e%2fetc",
        "/api/v1/jobs/a%00b",
        "/api/v1/jobs/j%0d%0aSet-Cookie:%20x=1",
        "/api/v1/jobs/JOB%23other",
        "/api/v1/executions/j.0.us-east.0",
        "/api/v1/executions/j.0.us-east.0.m%23",
        "/api/v1/jobs?limit=0",
        "/api/v1/jobs?limit=",
        "/api/v1/jobs?limit=201",
        "/api/v1/jobs?limit=-1",
        "/api/v1/jobs?limit=ten",
        "/api/v1/jobs?cursor=%00",
        "/api/v1/jobs?cursor=1.%2e%2e%2f",
        "/api/v1/jobs?cursor=99999999999999999999.j",
        "/api/v1/executions",
    ] {
        let answer = answered(here.api.request("GET", path)).await;
        assert_eq!(answer.refusal(), (400, "invalid_parameter".into()), "{path}");
        assert!(answer.headers.get("set-cookie").is_none());
    }
}

#[tokio::test]
async fn the_clients_request_id_comes_back_unless_it_could_do_harm() {
    let here = Here::simulated("[0, 0]").await;
    let with = |id: &str| here.api.open("GET", "/health/live").header("x-request-id", id);
    assert_eq!(answered(with("abc-123:x")).await.header("x-request-id"), "abc-123:x");
    for harmful in ["a b", "<script>", "a;b", &"x".repeat(129)] {
        let id = answered(with(harmful)).await.header("x-request-id").to_owned();
        assert!(id.starts_with("req-") && id.len() == 36, "{id}");
    }
    let refused = here.api.open("GET", "/nowhere").header("x-request-id", "mine");
    assert_eq!(answered(refused).await.header("x-request-id"), "mine");
}

#[tokio::test]
async fn headers_that_would_steer_what_is_behind() {
    let here = Here::simulated("[0, 0]").await;
    for (name, value, status) in [
        ("x-forwarded-proto", "1", 200),
        ("x-forwarded-proto", "data", 200),
        ("x-forwarded-host", "evil.example", 200),
        ("x-forwarded-port", "99999", 200),
        ("host", "127.0.0.1:99999", 403),
        ("host", "127.0.0.1:x", 403),
        ("host", "evil.example", 403),
        ("host", "127.0.0.1.evil.example", 403),
    ] {
        let request = here.api.open("GET", "/health/live").header(name, value);
        assert_eq!(answered(request).await.status, status, "{name}: {value}");
    }
    let key = reqwest::header::HeaderValue::from_bytes(b"k\xc3\xbc").unwrap();
    let request = here.api.request("POST", "/api/v1/jobs").header("idempotency-key", key);
    let answer = answered(request.json(&main_job("not-ascii"))).await;
    assert_eq!(answer.refusal(), (400, "invalid_parameter".into()));
    // From the year 9999 backwards there are many months to look through.
    let far = here.api.request("GET", "/api/v1/jobs?cursor=253402200000000.j");
    assert_eq!(answered(far).await.status, 200);
    assert_eq!(here.api.get("jobs").await["jobs"], json!([]));
}

#[tokio::test]
async fn an_idempotency_key_is_one_job() {
    let here = Here::simulated("[0, 0]").await;
    let mut spec = main_job("first");
    let send = async |spec: &Value, key: &str| {
        let request = here.api.request("POST", "/api/v1/jobs").header("idempotency-key", key);
        answered(request.json(spec)).await
    };
    let first = send(&spec, "key-a").await;
    assert_eq!((first.status, &first.json()["job_id"]), (202, &json!("first")));
    // A client that makes a new id for each try means the same job by its key.
    spec["id"] = json!("second");
    let again = send(&spec, "key-a").await;
    assert_eq!((again.status, &again.json()["job_id"]), (200, &json!("first")));
    assert_eq!(again.json()["existing"], true);
    spec["samples"] = json!(2);
    assert_eq!(send(&spec, "key-a").await.refusal(), (409, "idempotency_key_conflict".into()));

    spec.as_object_mut().unwrap().remove("id");
    let made = send(&spec, "key-b").await.json()["job_id"].as_str().unwrap().to_owned();
    let again = send(&spec, "key-b").await;
    assert_eq!((again.status, &again.json()["job_id"]), (200, &json!(made)));
    assert_eq!(send(&spec, "").await.refusal(), (400, "invalid_parameter".into()));
    assert_eq!(here.api.get("jobs").await["jobs"].as_array().unwrap().len(), 2);

    let at_once: Vec<_> = (0..8).map(|_| send(&spec, "key-c")).collect();
    let answers = futures_util::future::join_all(at_once).await;
    let created = answers.iter().filter(|answer| answer.status == 202).count();
    let ids: std::collections::BTreeSet<String> =
        answers.iter().map(|answer| answer.json()["job_id"].to_string()).collect();
    assert_eq!((created, ids.len()), (1, 1), "{answers:?}");

    // As clients do that make a new id for each try, all at once.
    let tries: Vec<Value> = (0..8).map(|n| main_job(&format!("try-{n}"))).collect();
    let at_once = tries.iter().map(|spec| send(spec, "key-d"));
    let answers = futures_util::future::join_all(at_once).await;
    let created = answers.iter().filter(|answer| answer.status == 202).count();
    let ids: std::collections::BTreeSet<String> =
        answers.iter().map(|answer| answer.json()["job_id"].to_string()).collect();
    assert_eq!((created, ids.len()), (1, 1), "{answers:?}");
    // A key that comes with a job that was there means that job from then on.
    assert_eq!(send(&main_job("first"), "key-e").await.status, 200);
    let other = json!({"questions": ["math_basic"], "models": ["mistral-7b"], "regions": ["US"]});
    assert_eq!(send(&other, "key-e").await.refusal(), (409, "idempotency_key_conflict".into()));
    assert_eq!(here.api.get("jobs").await["jobs"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn what_nobody_serves_is_refused_before_anything_is_promised() {
    let here = Here::simulated("[0, 0]").await;
    let mut spec = main_job("unserved");
    spec["models"] = json!(["mistral-7b", "gpt-9"]);
    let answer = answered(here.api.request("POST", "/api/v1/jobs").json(&spec)).await;
    assert_eq!(answer.refusal(), (422, "pair_not_served".into()));
    assert_eq!(answer.fields(), ["models[1]"; 3]);
    for region in ["us-east", "eu-west", "asia-pacific"] {
        assert!(answer.text.contains(&format!("`gpt-9` in `{region}`")), "{}", answer.text);
    }
    assert_eq!(here.api.get("jobs").await["jobs"], json!([]));

    let dead = Here::with_router("http://127.0.0.1:9").await;
    let submit = dead.api.request("POST", "/api/v1/jobs").json(&main_job("dead"));
    assert_eq!(answered(submit).await.refusal(), (503, "router_unavailable".into()));
    assert_eq!(dead.api.get("jobs").await["jobs"], json!([]));
}
