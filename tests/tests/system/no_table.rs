//! The functions as Lambda calls them, without a table behind them.

use std::sync::Arc;
use std::time::Duration;

use beacon_aws::{Door, Meter, Table, Tokens};
use beacon_core::access::Role;
use beacon_infra::Local;
use beacon_query::Query;
use serde_json::{Value, json};

const TOKEN: &str = "reader-token-0123456";

/// An HTTP API event, payload version 2.0.
fn event(path: &str) -> lambda_http::Request {
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "api.example", "authorization": format!("Bearer {TOKEN}")},
        "requestContext": {
            "stage": "$default",
            "timeEpoch": 0,
            "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": ""},
        },
        "isBase64Encoded": false,
    });
    lambda_http::request::from_str(&event.to_string()).unwrap()
}

#[tokio::test]
async fn reads_are_refused_and_health_says_so() {
    let nobody = "http://127.0.0.1:9".to_owned();
    let local = Local { dynamodb: nobody.clone(), sqs: nobody };
    let mut tokens = Tokens::default();
    tokens.add(Role::Reader, TOKEN).unwrap();
    let query = Query {
        door: Arc::new(Door::new(tokens, 100)),
        table: Table::new(local.dynamodb(), Local::TABLE.to_owned(), Arc::new(Meter::off())),
        router: None,
        settings: Vec::new(),
    };
    for (path, pointer, told) in [
        ("/health", "/status", "unhealthy"),
        ("/health/ready", "/services/0/status", "unhealthy"),
        ("/api/v1/jobs", "/error_code", "table_unavailable"),
        ("/api/v1/jobs/j", "/error_code", "table_unavailable"),
        ("/metrics", "/error_code", "table_unavailable"),
    ] {
        let answer = tokio::time::timeout(Duration::from_secs(60), query.handle(event(path)));
        let answer = answer.await.unwrap();
        assert_eq!(answer.status().as_u16(), 503, "{path}");
        assert!(answer.headers().contains_key("x-request-id"));
        let body: Value = serde_json::from_slice(answer.body().as_ref()).unwrap();
        assert_eq!(body.pointer(pointer).unwrap(), told, "{path}: {body}");
        // Where the table is stays in the log.
        assert!(!body.to_string().contains("127.0.0.1"), "{body}");
    }
}
