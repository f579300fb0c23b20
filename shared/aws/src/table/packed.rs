//! Values as compressed JSON, as items hold them.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::item::{Attributes, bytes};

/// A favourable balance of time and size.
const LEVEL: i32 = 3;

pub(super) type PackedError = Box<dyn std::error::Error + Send + Sync>;

pub(super) fn pack<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, PackedError> {
    let json = serde_json::to_vec(value)?;
    Ok(zstd::encode_all(json.as_slice(), LEVEL)?)
}

pub(super) fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Result<T, PackedError> {
    let json = zstd::decode_all(packed)?;
    Ok(serde_json::from_slice(&json)?)
}

pub(super) fn packed<T: Serialize + ?Sized>(value: &T) -> Result<AttributeValue, PackedError> {
    Ok(bytes(pack(value)?))
}

/// The bytes of an attribute, if it is there and holds bytes.
pub(super) fn bytes_of<'a>(item: &'a Attributes, name: &str) -> Option<&'a [u8]> {
    item.get(name)?.as_b().ok().map(AsRef::as_ref)
}
