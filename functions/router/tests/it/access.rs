//! Who may use the service, and where it listens.

use beacon_router::{Access, Service};
use serde_json::json;
use tokio::net::TcpListener;

use crate::running::{Running, lab, question, router};
use crate::upstream::{Act, Upstream, refusing, within};

const CALLER: &str = "caller-token-0123";
const ADMIN: &str = "admin-token-01234";
const CHAT: &str = "/v1/chat/completions";

async fn guarded(callers: &str, admins: &str) -> Running {
    let access = Access::new(callers, admins).unwrap();
    let router = router(&lab("openai", &refusing().await, ""));
    Running::serving(router, |service| service.with_access(access)).await
}

#[tokio::test]
async fn whatever_spends_or_stops_needs_a_token() {
    let router = guarded(CALLER, ADMIN).await;
    let chat = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
    let requests = || {
        [
            // The first: after it the breaker is open.
            (router.post(CHAT).json(&chat), 502),
            (router.post("/inference").json(&question()), 200),
            (router.post("/v1/inference").json(&question()), 200),
            (router.client().get(router.url("/inference/k:1")), 404),
            (router.client().delete(router.url("/inference/k:1")), 200),
            (router.client().get(router.url("/v1/inference/k:1")), 200),
        ]
    };
    for token in [None, Some("caller-token-012"), Some("")] {
        for (request, _) in requests() {
            let request = match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            let response = within(request.send()).await.unwrap();
            assert_eq!(response.status(), 401, "{}", response.url());
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
        }
    }
    for token in [CALLER, ADMIN] {
        let router = guarded(CALLER, ADMIN).await;
        let request = router.post("/inference").bearer_auth(token).json(&question());
        assert_eq!(router.send(request).await.1["error_code"], "PROVIDER_UNREACHABLE");
    }
    for (request, status) in requests() {
        let response = within(request.bearer_auth(CALLER).send()).await.unwrap();
        assert_eq!(response.status(), status, "{}", response.url());
    }
    for open in ["/health", "/providers", "/v1/models"] {
        assert_eq!(router.get(open).await.0, 200, "{open}");
    }
    // Its one provider is down by now.
    assert_eq!(router.get("/ready").await.0, 503);
    let (_, told) = router.send(router.post(CHAT).json(&chat)).await;
    assert_eq!(told["error"]["type"], "authentication_error");
}

#[tokio::test]
async fn nothing_is_read_of_a_call_without_a_token() {
    let mut upstream = Upstream::start(Act::Silent).await;
    let access = Access::new(CALLER, "").unwrap();
    let router = router(&lab("openai", &upstream.url, ""));
    let router = Running::serving(router, |service| service.with_access(access)).await;
    let request = router.post("/inference").body("{ no json");
    assert_eq!(within(request.send()).await.unwrap().status(), 401);
    assert_eq!(upstream.connections(), 0);
    let request = router.post("/inference").bearer_auth(CALLER).json(&question());
    let call = tokio::spawn(request.send());
    let received = upstream.received().await;
    // The caller's token is for the router alone.
    assert!(!received.headers.contains_key("authorization"), "{received:?}");
    call.abort();
}

#[tokio::test]
async fn only_administrators_reset_breakers() {
    let path = "/breakers/reset?provider=lab&model=m";
    for (callers, admins, token, status) in [
        (CALLER, ADMIN, None, 401),
        (CALLER, ADMIN, Some("unknown-token-0123"), 401),
        (CALLER, ADMIN, Some(CALLER), 403),
        (CALLER, ADMIN, Some(ADMIN), 200),
        ("", ADMIN, Some(ADMIN), 200),
        ("", ADMIN, None, 401),
        ("", "", None, 403),
        (CALLER, "", Some(CALLER), 403),
    ] {
        let router = guarded(callers, admins).await;
        let request = router.post(path);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let (found, told) = router.send(request).await;
        assert_eq!(found, status, "{callers} {admins} {token:?}: {told}");
        if status == 200 {
            assert!(told["reset"].is_u64(), "{told}");
        }
    }
}

#[tokio::test]
async fn without_tokens_it_listens_on_this_machine_only() {
    let everywhere = || TcpListener::bind("0.0.0.0:0");
    let router = router(&lab("openai", &refusing().await, ""));
    let admins = Access::new("", ADMIN).unwrap();
    for access in [Access::default(), admins] {
        let service = Service::new(router.clone()).with_access(access);
        let refused = service.serve(everywhere().await.unwrap(), std::future::pending());
        let error = within(refused).await.unwrap_err().to_string();
        assert!(error.contains("0.0.0.0") && error.contains("BEACON_ROUTER_TOKENS"), "{error}");
    }
    let service = Service::new(router).with_access(Access::new(CALLER, "").unwrap());
    within(service.serve(everywhere().await.unwrap(), async {})).await.unwrap();
}
