//! The table that the template makes is the one that the code makes for itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use aws_sdk_dynamodb::types::{KeySchemaElement, Projection, TableDescription};
use beacon_aws::{Meter, SharedCalls, Table, clock};
use beacon_core::wire::CallKey;
use beacon_infra::{AccessSettings, DataDir, Duty, Local, Stack, StackOptions};
use serde_json::{Value, json};

use crate::deployed::Deployed;

/// A stack of its own, and the way to its table.
async fn stack(directory: &Path) -> (Stack, aws_sdk_dynamodb::Client) {
    let options = StackOptions {
        data: DataDir::open(directory).unwrap(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        duty: Duty::Read,
        access: AccessSettings::default(),
    };
    let stack = Box::pin(Stack::start(options)).await.unwrap();
    let running = stack.running();
    let local = Local { dynamodb: running.dynamodb.clone(), sqs: running.sqs.clone() };
    let client = local.dynamodb();
    (stack, client)
}

/// The embedded table, as it says itself.
async fn described() -> TableDescription {
    let directory = tempfile::tempdir().unwrap();
    let (stack, client) = stack(directory.path()).await;
    let described = client.describe_table().table_name(Local::TABLE).send().await;
    let described = described.unwrap().table.unwrap();
    stack.stop().await;
    described
}

fn keys(keys: &[KeySchemaElement]) -> Value {
    let key = |key: &KeySchemaElement| json!({ "AttributeName": key.attribute_name(), "KeyType": key.key_type().as_str() });
    keys.iter().map(key).collect()
}

fn projection(projection: Option<&Projection>) -> Value {
    let projection = projection.unwrap();
    assert!(projection.non_key_attributes().is_empty());
    json!({ "ProjectionType": projection.projection_type().unwrap().as_str() })
}

#[tokio::test]
async fn keys_and_indexes_are_those_that_the_code_makes() {
    let made = described().await;
    let deployed = Deployed::with(&[]);
    let table = deployed.properties("Table");
    assert_eq!(table["KeySchema"], keys(made.key_schema()));

    let attributes = |list: &Value| -> BTreeSet<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let list = list.as_array().unwrap().iter();
        list.map(|one| (text(&one["AttributeName"]), text(&one["AttributeType"]))).collect()
    };
    let made_attributes = made.attribute_definitions().iter();
    let made_attributes = made_attributes.map(|attribute| {
        (attribute.attribute_name().to_owned(), attribute.attribute_type().as_str().to_owned())
    });
    assert_eq!(attributes(&table["AttributeDefinitions"]), made_attributes.collect());

    let indexes: BTreeMap<_, _> = made
        .global_secondary_indexes()
        .iter()
        .map(|index| {
            let whole = json!({
                "IndexName": index.index_name(),
                "KeySchema": keys(index.key_schema()),
                "Projection": projection(index.projection()),
            });
            (index.index_name().unwrap().to_owned(), whole)
        })
        .collect();
    let in_template = table["GlobalSecondaryIndexes"].as_array().unwrap().iter();
    let in_template: BTreeMap<_, _> = in_template
        .map(|index| (index["IndexName"].as_str().unwrap().to_owned(), index.clone()))
        .collect();
    assert_eq!(in_template, indexes);
    assert!(table.get("LocalSecondaryIndexes").is_none());
}

#[test]
fn the_table_is_paid_by_use_protected_and_stays() {
    let deployed = Deployed::with(&[]);
    let table = deployed.resource("Table");
    let kept = |name: &str| table.whole[name].as_str();
    assert_eq!(
        (kept("DeletionPolicy"), kept("UpdateReplacePolicy")),
        (Some("Retain"), Some("Retain"))
    );
    let expected = json!({
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": "true",
        "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": true },
        "SSESpecification": { "SSEEnabled": true },
        "TimeToLiveSpecification": { "AttributeName": "expires_at", "Enabled": true },
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(table.properties[name], *value, "{name}");
    }
}

/// What is cleaned up are calls that routers shared, and they say when.
#[tokio::test]
async fn what_is_cleaned_up_says_when_under_the_name_that_the_template_has() {
    let directory = tempfile::tempdir().unwrap();
    let (stack, client) = stack(directory.path()).await;
    let table = Table::new(client.clone(), Local::TABLE.to_owned(), Arc::new(Meter::off()));
    let now = clock::now();
    let now_ms = u64::try_from(now.as_millisecond()).unwrap();
    let key = CallKey::new("k:1").unwrap();
    SharedCalls::new(table).claim(&key, [0; 32], false, now_ms).await.unwrap();
    let found = client.scan().table_name(Local::TABLE).send().await.unwrap().items.unwrap();
    stack.stop().await;
    let deployed = Deployed::with(&[]);
    let attribute = &deployed.properties("Table")["TimeToLiveSpecification"]["AttributeName"];
    let attribute = attribute.as_str().unwrap();
    let call = found.iter().find(|item| item.contains_key("begun_ms")).unwrap();
    let seconds: i64 = call[attribute].as_n().unwrap().parse().unwrap();
    assert!(seconds > now.as_second(), "{call:?}");
}
