//! What a function asks of AWS, as a policy names it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// An action and what it is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// As in a policy, such as `dynamodb:PutItem`.
    pub action: String,
    /// The table's name, the same and `/index/` and an index's, or a queue's address. Of what is deleted,
    /// sessions are told from all else: the table's name and [`SESSIONS`].
    pub of: String,
}

/// What the partition keys of sessions begin with, as a policy says so.
pub const SESSIONS: &str = "/SESSION#*";

/// What was asked, by function.
pub type AskedBy = BTreeMap<&'static str, BTreeSet<Asked>>;

impl Asked {
    /// What a request asks, from its `X-Amz-Target` and its body.
    ///
    /// A batch needs the right to each entry's action, and a transaction to each item's.
    /// Source: "Actions, resources, and condition keys" for `DynamoDB` and for SQS, Service
    /// Authorization Reference.
    pub fn of_request(target: &str, body: &str) -> Vec<Self> {
        let (service, operation) = target.split_once('.').unwrap_or_default();
        let body: Value = serde_json::from_str(body).unwrap();
        match service {
            "DynamoDB_20120810" => of_table(operation, &body),
            "AmazonSQS" => {
                let action = format!("sqs:{}", operation.trim_end_matches("Batch"));
                vec![Self { action, of: text(&body, "QueueUrl") }]
            }
            other => panic!("Beacon asks {other}, of which this knows nothing"),
        }
    }
}

fn of_table(operation: &str, body: &Value) -> Vec<Asked> {
    if operation == "TransactWriteItems" {
        let items = body["TransactItems"].as_array().unwrap().iter();
        let parts = items.flat_map(|item| item.as_object().unwrap());
        let asked = parts.map(|(part, of)| {
            let action = match part.as_str() {
                "ConditionCheck" => "dynamodb:ConditionCheckItem".to_owned(),
                part => format!("dynamodb:{part}Item"),
            };
            Asked { action, of: text(of, "TableName") }
        });
        return asked.collect();
    }
    let mut of = text(body, "TableName");
    if let Some(index) = body["IndexName"].as_str() {
        of = format!("{of}/index/{index}");
    }
    let is_session = |key: &str| key.starts_with("SESSION#");
    if operation == "DeleteItem" && body["Key"]["pk"]["S"].as_str().is_some_and(is_session) {
        of.push_str(SESSIONS);
    }
    vec![Asked { action: format!("dynamodb:{operation}"), of }]
}

fn text(of: &Value, name: &str) -> String {
    of[name].as_str().unwrap().to_owned()
}
