//! The table's keys and indexes, for the local stack and for checking the template.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};

use super::key::{PK, SK};
use super::{TableError, request};

/// Index of jobs by creation month, newest last.
pub const BY_MONTH: &str = "jobs-by-month";
/// Sparse index of jobs without a final status.
pub const OPEN: &str = "open-jobs";
/// Partition attribute of [`BY_MONTH`].
pub(super) const MONTH: &str = "month";
/// Partition attribute of [`OPEN`]; removed with the final status.
pub(super) const OPEN_SHARD: &str = "open_shard";
/// Sort attribute of both.
pub(super) const CREATED_AT: &str = "created_at";

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
    for (index, partition) in [(BY_MONTH, MONTH), (OPEN, OPEN_SHARD)] {
        create = create.global_secondary_indexes(keys_only(index, partition).map_err(built)?);
    }
    match create.send().await {
        Ok(_) => Ok(()),
        Err(SdkError::ServiceError(error)) if exists(error.err()) => Ok(()),
        Err(error) => Err(request(act, error)),
    }
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
