//! The embedded table, asked in process by the names that requests carry, and what each write
//! changed.

use std::fmt;

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The table's name.
pub(super) const TABLE: &str = "beacon";
/// What requests to it carry before the operation.
pub(super) const TARGET: &str = "DynamoDB_20120810.";

/// An item as the protocol has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Item(Value);

impl Item {
    /// An item of these attributes.
    pub fn new(attributes: Value) -> Self {
        Self(attributes)
    }

    /// A text attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0[name]["S"].as_str()
    }

    /// Whether there is a binary attribute of this name.
    pub fn has_bytes(&self, name: &str) -> bool {
        self.0[name]["B"].is_string()
    }

    /// A number attribute.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.0[name]["N"].as_str()?.parse().ok()
    }

    /// The same item without what tells of its job's analysis, which begins when the job has ended.
    #[must_use]
    pub fn without_analysis(&self) -> Self {
        let mut item = self.clone();
        if let Some(attributes) = item.0.as_object_mut() {
            attributes.retain(|name, _| !name.starts_with("analys") && name != "open_shard");
        }
        item
    }

    /// A text within a map attribute.
    pub fn text_in(&self, map: &str, name: &str) -> Option<&str> {
        self.0[map]["M"][name]["S"].as_str()
    }
}

/// An item that a write touched.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
    /// Absent: there was none.
    pub before: Option<Item>,
    /// As it is now.
    pub after: Option<Item>,
}

/// An answer and what came of its request.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) changes: Vec<Change>,
}

/// The table.
#[derive(Clone)]
pub(super) struct Tables(Database);

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tables")
    }
}

impl Tables {
    pub(super) fn new() -> Self {
        Self(Database::memory().unwrap())
    }

    /// Carries out one request, at once and whole.
    pub(super) fn answer(&self, operation: &str, body: &str) -> Answered {
        let keys = written(operation, body);
        let before: Vec<_> = keys.iter().map(|(pk, sk)| self.item(pk, sk)).collect();
        let (status, body) = match self.perform(operation, body) {
            Ok(body) => (200, body),
            Err(error) => (error.status_code(), error.to_json()),
        };
        let changes = keys.into_iter().zip(before).map(|((pk, sk), before)| {
            let after = self.item(&pk, &sk);
            Change { pk, sk, before, after }
        });
        let changes = changes.filter(|change| change.before != change.after).collect();
        Answered { status, body, changes }
    }

    fn perform(&self, operation: &str, body: &str) -> Result<String, DynoxideError> {
        let Self(database) = self;
        match operation {
            "CreateTable" => database.create_table(read(body)?).map(written_out),
            "GetItem" => database.get_item(read(body)?).map(written_out),
            "PutItem" => database.put_item(read(body)?).map(written_out),
            "Query" => database.query(read(body)?).map(written_out),
            "TransactWriteItems" => database.transact_write_items(read(body)?).map(written_out),
            "UpdateItem" => database.update_item(read(body)?).map(written_out),
            other => panic!("Beacon asks the table for `{other}`, which the simulation lacks"),
        }
    }

    fn item(&self, pk: &str, sk: &str) -> Option<Item> {
        let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
        let request = json!({ "TableName": TABLE, "Key": key, "ConsistentRead": true });
        let found = self.0.get_item(serde_json::from_value(request).unwrap()).unwrap();
        let mut found = serde_json::to_value(&found).unwrap();
        found.get_mut("Item").map(|item| Item(item.take()))
    }
}

fn read<T: DeserializeOwned>(body: &str) -> Result<T, DynoxideError> {
    serde_json::from_str(body)
        .map_err(|error| DynoxideError::SerializationException(error.to_string()))
}

fn written_out<T: Serialize>(answer: T) -> String {
    serde_json::to_string(&answer).unwrap()
}

/// The keys of the items that a request may change.
fn written(operation: &str, body: &str) -> Vec<(String, String)> {
    let key = |at: &Value| {
        let text = |name: &str| at[name]["S"].as_str().map(str::to_owned);
        Some((text("pk")?, text("sk")?))
    };
    let read = || serde_json::from_str::<Value>(body).unwrap_or_default();
    match operation {
        "PutItem" => key(&read()["Item"]).into_iter().collect(),
        "UpdateItem" => key(&read()["Key"]).into_iter().collect(),
        "TransactWriteItems" => {
            let request = read();
            let items = request["TransactItems"].as_array().into_iter().flatten();
            items.filter_map(|item| key(&item["Put"]["Item"])).collect()
        }
        _reads => Vec::new(),
    }
}
