//! The router inside the process of the one who asks.

use std::time::Duration;

use beacon_aws::{Answer, Link, Lost, Request};
use beacon_core::wire::CallKey;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::json;
use tokio::time::timeout;

use crate::provider::json;
use crate::router::{CallContext, HybridRouter};

/// Requests to a router in this process. One whose future is dropped drops the call, unless others
/// wait for it.
#[derive(Debug, Clone)]
pub struct EmbeddedLink(HybridRouter);

impl EmbeddedLink {
    /// To this router.
    pub fn new(router: HybridRouter) -> Self {
        Self(router)
    }

    async fn answer(&self, request: Request<'_>) -> Answer {
        let key = match request {
            Request::Ask { key, .. } | Request::Look { key } | Request::Stop { key } => key,
        };
        let Ok(key) = CallKey::new(key) else {
            return told(
                422,
                &json!({"detail": format!("an idempotency key is {}", CallKey::ALLOWED)}),
            );
        };
        match request {
            Request::Ask { trace, deadline, joins, body, .. } => {
                let context = CallContext {
                    deadline_ms: Some(u64::try_from(deadline.as_millisecond()).unwrap_or(0)),
                    idempotency_key: Some(key),
                    trace_id: Some(trace.to_owned()),
                    joins,
                };
                match self.0.infer(body, &context).await {
                    Ok(response) => told(200, &response),
                    Err(refused) => {
                        told(refused.status().as_u16(), &json!({"detail": refused.to_string()}))
                    }
                }
            }
            Request::Look { .. } => told(200, &self.0.look(&key).await),
            Request::Stop { .. } => told(200, &self.0.stop(&key).await),
        }
    }
}

impl Link for EmbeddedLink {
    fn send<'a>(
        &'a self,
        request: Request<'a>,
        within: Duration,
    ) -> BoxFuture<'a, Result<Answer, Lost>> {
        async move { timeout(within, self.answer(request)).await.map_err(|_late| Lost::Silent) }
            .boxed()
    }
}

fn told<T: Serialize>(status: u16, body: &T) -> Answer {
    Answer { status, body: json(body) }
}
