//! The table's keys and indexes, for the local stack and for checking the template.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, GlobalSecondaryIndexDescription,
    IndexStatus, KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType,
    TableDescription, TableStatus,
};
use thiserror::Error;

use super::key::{PK, SK};
use super::{TableError, request};

/// Index of jobs by creation month, newest last.
pub const BY_MONTH: &str = "jobs-by-month";
/// Sparse index of jobs without a final status, of those that are to be analysed, and of calls whose
/// fate is not known.
pub const OPEN: &str = "open-jobs";
/// Partition attribute of [`BY_MONTH`].
pub(super) const MONTH: &str = "month";
/// Partition attribute of [`OPEN`]; removed with the analysis, or when the fate is known.
pub(super) const OPEN_SHARD: &str = "open_shard";
/// Sort attribute of both.
pub(super) const CREATED_AT: &str = "created_at";
/// The indexes, each with its partition attribute.
const INDEXES: [(&str, &str); 2] = [(BY_MONTH, MONTH), (OPEN, OPEN_SHARD)];

/// Creates the table unless it exists.
pub async fn create_table(client: &Client, name: &str) -> Result<(), TableError> {
    let act = "get created";
    let built = |error: BuildError| request(act, error);
    let mut create =
        client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for attribute in [PK, SK, MONTH, OPEN_SHARD, CREATED_AT] {
        let definition = AttributeDefinition::builder()
            .attribute_name(attribute)
            .attribute_type(ScalarAttributeType::S);
        create = create.attribute_definitions(definition.build().map_err(built)?);
    }
    create = create.key_schema(element(PK, KeyType::Hash).map_err(built)?);
    create = create.key_schema(element(SK, KeyType::Range).map_err(built)?);
    for (index, partition) in INDEXES {
        create = create.global_secondary_indexes(keys_only(index, partition).map_err(built)?);
    }
    match create.send().await {
        Ok(_) => Ok(()),
        Err(SdkError::ServiceError(error)) if exists(error.err()) => Ok(()),
        Err(error) => Err(request(act, error)),
    }
}

/// Why a table is not the one that Beacon needs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TableFlaw {
    /// There is none of that name.
    #[error("it does not exist")]
    Missing,
    /// It is being made, changed or deleted.
    #[error("it is {0}, not ACTIVE")]
    NotActive(String),
    /// It was made for something else.
    #[error("its keys are {0}, not {PK}, {SK}")]
    Keys(String),
    /// An index is missing.
    #[error("it has no index `{0}`")]
    NoIndex(&'static str),
    /// An index is being made or deleted.
    #[error("its index `{name}` is {status}, not ACTIVE")]
    IndexNotActive {
        /// Which.
        name: &'static str,
        /// What it is.
        status: String,
    },
    /// An index was made for something else.
    #[error("the keys of its index `{name}` are {found}, not {expected}")]
    IndexKeys {
        /// Which.
        name: &'static str,
        /// Its keys.
        found: String,
        /// The keys it should have.
        expected: String,
    },
}

/// Everything that keeps a table from being Beacon's; nothing where it can be used.
pub async fn flaws(client: &Client, name: &str) -> Result<Vec<TableFlaw>, TableError> {
    match client.describe_table().table_name(name).send().await {
        Ok(described) => Ok(described.table.as_ref().map_or_else(|| vec![TableFlaw::Missing], of)),
        Err(SdkError::ServiceError(error)) if is_missing(error.err()) => {
            Ok(vec![TableFlaw::Missing])
        }
        Err(error) => Err(request("get described", error)),
    }
}

fn is_missing(error: &DescribeTableError) -> bool {
    error.is_resource_not_found_exception()
}

fn of(table: &TableDescription) -> Vec<TableFlaw> {
    let mut flaws = Vec::new();
    match table.table_status() {
        None | Some(TableStatus::Active) => {}
        Some(status) => flaws.push(TableFlaw::NotActive(status.as_str().to_owned())),
    }
    let keys = names(table.key_schema());
    if keys != format!("{PK}, {SK}") {
        flaws.push(TableFlaw::Keys(keys));
    }
    let indexes = table.global_secondary_indexes();
    for (name, partition) in INDEXES {
        let index = indexes.iter().find(|index| index.index_name() == Some(name));
        flaws.extend(match index {
            None => Some(TableFlaw::NoIndex(name)),
            Some(index) => of_index(name, partition, index),
        });
    }
    flaws
}

fn of_index(
    name: &'static str,
    partition: &str,
    index: &GlobalSecondaryIndexDescription,
) -> Option<TableFlaw> {
    let (found, expected) = (names(index.key_schema()), format!("{partition}, {CREATED_AT}"));
    if found != expected {
        return Some(TableFlaw::IndexKeys { name, found, expected });
    }
    match index.index_status() {
        None | Some(IndexStatus::Active) => None,
        Some(status) => {
            Some(TableFlaw::IndexNotActive { name, status: status.as_str().to_owned() })
        }
    }
}

/// Partition before sort key, as AWS orders them.
fn names(keys: &[KeySchemaElement]) -> String {
    keys.iter().map(KeySchemaElement::attribute_name).collect::<Vec<_>>().join(", ")
}

fn exists(error: &CreateTableError) -> bool {
    error.is_resource_in_use_exception()
}

fn element(attribute: &str, kind: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder().attribute_name(attribute).key_type(kind).build()
}

fn keys_only(index: &str, partition: &str) -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name(index)
        .key_schema(element(partition, KeyType::Hash)?)
        .key_schema(element(CREATED_AT, KeyType::Range)?)
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()
}
