//! Who gets in.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::place::Place;

const NEVER: &str = "never-submitted";

/// Without a credential the gateway says so; with a wrong one its authorizer refuses; neither starts
/// anything. What is open to anybody is answered by the function behind it.
pub(super) async fn check(place: &mut Place) {
    let spec = json!({
        "id": NEVER, "questions": ["math_basic"], "models": ["mistral-7b"], "regions": ["US"],
    });
    let job = format!("/api/v1/jobs/{NEVER}");
    let cancel = format!("{job}/cancel");
    let asked: [(Method, &str, Option<&Value>); 3] = [
        (Method::POST, "/api/v1/jobs", Some(&spec)),
        (Method::POST, &cancel, None),
        (Method::GET, &job, None),
    ];
    for (method, path, body) in asked {
        let answer = place.ask(None, (method.clone(), path), body).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}: {answer:?}");
        assert_eq!(answer.body, json!({"message": "Unauthorized"}), "{method} {path}");
        let wrong = Some("Bearer wrong-token-0123456789abcdef");
        let answer = place.ask(wrong, (method.clone(), path), body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}: {answer:?}");
        assert_eq!(answer.body, json!({"message": "Forbidden"}), "{method} {path}");
    }
    let known = place.get("/api/v1/jobs").await;
    assert_eq!(known["jobs"], json!([]), "{known}");
    let live = place.ask(None, (Method::GET, "/health/live"), None).await;
    assert_eq!(live.body, json!({"status": "alive"}), "{live:?}");
    place.say("door: 3 requests refused with 401 without and 3 with 403 with a wrong credential");
}
