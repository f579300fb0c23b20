//! Secrets Manager on loopback, asked by the SDK as the functions ask it.

use std::sync::Arc;

use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;

/// A Secrets Manager that answers every request for one secret in this way.
async fn manager(status: u16, body: String) -> Client {
    let told = Arc::new((StatusCode::from_u16(status).unwrap(), body));
    let answer = move |headers: HeaderMap, asked: Bytes| async move {
        assert_eq!(headers["x-amz-target"], "secretsmanager.GetSecretValue");
        let asked: Value = serde_json::from_slice(&asked).unwrap();
        assert_eq!(asked, json!({"SecretId": "beacon/tokens"}));
        (*told).clone()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    client(&address.to_string())
}

fn client(address: &str) -> Client {
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(Credentials::new("id", "key", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(format!("http://{address}"));
    Client::from_conf(config.build())
}

async fn asked(client: &Client) -> Result<String, SecretsError> {
    let ids = SecretId::list("beacon/tokens").unwrap();
    read(client, &ids[0]).await
}

async fn refused(status: u16, body: Value) -> String {
    let error = asked(&manager(status, body.to_string()).await).await.unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(!told.contains("hush"), "{told}");
    assert!(told.contains("`beacon/tokens`") && told.contains("`BEACON_SECRETS`"), "{told}");
    error.to_string()
}

#[tokio::test]
async fn a_secret_is_the_text_that_the_service_gives() {
    let text = r#"{"BEACON_ADMIN_TOKENS": "hush"}"#;
    let body = json!({"ARN": "arn", "Name": "beacon/tokens", "SecretString": text});
    assert_eq!(asked(&manager(200, body.to_string()).await).await.as_deref(), Ok(text));
}

#[tokio::test]
async fn a_refusal_is_told_in_the_services_words() {
    let body = json!({
        "__type": "ResourceNotFoundException",
        "Message": "Secrets Manager can't find the specified secret.",
    });
    let told = refused(400, body).await;
    assert!(told.contains("ResourceNotFoundException"), "{told}");
    assert!(told.contains("can't find the specified secret"), "{told}");
    let body = json!({"__type": "AccessDeniedException", "Message": "not authorized to perform"});
    let told = refused(400, body).await;
    assert!(told.contains("AccessDeniedException"), "{told}");
    assert!(told.contains("the function's role"), "{told}");
}

#[tokio::test]
async fn what_is_no_text_is_refused() {
    let told = refused(200, json!({"Name": "beacon/tokens", "SecretBinary": "aHVzaA=="})).await;
    assert!(told.contains("holds bytes"), "{told}");
    let told = refused(200, json!(["hush"])).await;
    assert!(told.contains("not one of Secrets Manager"), "{told}");
    let error = asked(&manager(200, "{\"SecretString\": \"hush".to_owned()).await).await;
    let told = format!("{:?}", error.unwrap_err());
    assert!(told.contains("Unreadable") && !told.contains("hush"), "{told}");
}

#[tokio::test]
async fn nobody_there_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let told = asked(&client(&address)).await.unwrap_err().to_string();
    assert!(told.contains("out of reach") && told.contains("refused"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let error = asked(&client(&address)).await.unwrap_err();
    let secret = "beacon/tokens".to_owned();
    assert_eq!(error, SecretsError::Unread { secret, problem: Unread::Late(TIME.as_secs()) });
    drop(listener);
}
