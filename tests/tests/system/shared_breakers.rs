//! Breakers of routers that share a table.

use beacon_aws::SharedCalls;
use beacon_core::wire::{BreakerState, InferenceRequest, InferenceResponse};
use beacon_core::{ModelId, ProviderId};
use beacon_router::{CallContext, Config, HybridRouter};
use serde_json::json;
use tokio::net::TcpListener;

use crate::here::{Here, eventually, within};

/// A router with one provider, at a port where each connection is closed at once.
fn router(here: &Here, port: u16) -> HybridRouter {
    let toml = format!(
        "[[providers]]\nname = \"lab\"\nkind = \"modal\"\nregion = \"us-east\"\n\
         models = [\"m\"]\nurl = \"http://127.0.0.1:{port}\"\n"
    );
    let router = HybridRouter::new(Config::from_toml(&toml).unwrap()).unwrap();
    router.with_shared_calls(SharedCalls::new(here.table()))
}

async fn ask(router: &HybridRouter) -> InferenceResponse {
    let request = json!({"model": "m", "prompt": "?", "region_preference": "us-east"});
    let request: InferenceRequest = serde_json::from_value(request).unwrap();
    within(router.infer(&request, &CallContext::default())).await.unwrap()
}

fn breaker(router: &HybridRouter) -> BreakerState {
    router.providers(None)[0].routes[0].breaker
}

#[tokio::test]
async fn what_one_router_found_out_the_others_need_not() {
    let here = Here::idle().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let [a, b] = [(); 2].map(|()| router(&here, port));
    let (connections, mut counted) = tokio::sync::watch::channel(0);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            connections.send_modify(|count| *count += 1);
            drop(stream);
        }
    });
    // Once it looked, a router believes the table for a second; so B has never asked.
    while breaker(&a) == BreakerState::Closed {
        ask(&a).await;
    }
    let before = *counted.borrow_and_update();
    assert_eq!(before, 5);
    let told = ask(&b).await;
    assert_eq!(told.error_code.as_deref(), Some("PROVIDER_UNAVAILABLE"));
    assert_eq!((breaker(&b), *counted.borrow()), (BreakerState::Open, before));

    // When it may be tried again one of them does, and the other learns that it is still down.
    let due = async || {
        let told = ask(&b).await;
        (told.error_code.as_deref() == Some("PROVIDER_CONNECTION_LOST")).then_some(())
    };
    eventually("the provider was tried again", due).await;
    assert_eq!(*counted.borrow(), before + 1);
    let learnt = async || {
        let told = ask(&a).await;
        let open_ms = a.providers(None)[0].routes[0].open_ms.unwrap_or_default();
        assert_ne!(told.error_code.as_deref(), Some("PROVIDER_CONNECTION_LOST"));
        (open_ms > 1_000).then_some(())
    };
    eventually("the other knows", learnt).await;

    // An administrator's reset holds for all.
    assert_eq!(a.reset_breakers(None, None).await, 1);
    assert_eq!(ask(&a).await.error_code.as_deref(), Some("PROVIDER_CONNECTION_LOST"));
    let (lab, m) = (ProviderId::new("lab").unwrap(), ModelId::new("m").unwrap());
    assert_eq!(here.table().route(&lab, &m).await.unwrap(), None);
}
