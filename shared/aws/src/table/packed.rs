//! Values as compressed JSON, as items hold them.

use aws_sdk_dynamodb::types::AttributeValue;
use beacon_core::JobId;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::TableError;
use super::item::{Attributes, bytes};

/// A favourable balance of time and size.
const LEVEL: i32 = 3;
/// Bytes of a value's part, where it is split; an item holds 400 KB at most.
pub(super) const PART: usize = 350 * 1024;

pub(super) type PackedError = Box<dyn std::error::Error + Send + Sync>;

pub(super) fn pack<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, PackedError> {
    compress(&serde_json::to_vec(value)?)
}

pub(super) fn compress(json: &[u8]) -> Result<Vec<u8>, PackedError> {
    Ok(zstd::encode_all(json, LEVEL)?)
}

pub(super) fn decompress(packed: &[u8]) -> Result<Vec<u8>, PackedError> {
    Ok(zstd::decode_all(packed)?)
}

pub(super) fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Result<T, PackedError> {
    Ok(serde_json::from_slice(&decompress(packed)?)?)
}

pub(super) fn packed<T: Serialize + ?Sized>(value: &T) -> Result<AttributeValue, PackedError> {
    Ok(bytes(pack(value)?))
}

/// The value of an attribute that holds one.
pub(super) fn unpacked<T: DeserializeOwned>(
    item: &Attributes,
    name: &str,
) -> Result<T, PackedError> {
    unpack(bytes_of(item, name)?)
}

/// The bytes of an attribute.
pub(super) fn bytes_of<'a>(item: &'a Attributes, name: &str) -> Result<&'a [u8], PackedError> {
    let bytes = item.get(name).and_then(|value| value.as_b().ok()).map(AsRef::as_ref);
    bytes.ok_or_else(|| format!("attribute `{name}` is missing or holds no bytes").into())
}

/// What is said of a job's answers cannot be read or written.
pub(super) fn unusable(job: &JobId, what: &'static str, source: PackedError) -> TableError {
    TableError::Analysis { job: job.clone(), what, source }
}
