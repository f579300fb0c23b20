//! Public keys as a Beacon tells them to those who verify.

use beacon_core::json::{JsonError, read_json};
use beacon_core::seal::KeyId;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::key::{KeyRing, PublicKey};

/// The only `algorithm` there is (RFC 8032).
pub const ALGORITHM: &str = "Ed25519";

/// All keys that a Beacon has signed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublishedKeys {
    /// Newest first.
    pub keys: Vec<PublishedKey>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublishedKey {
    /// SHA-256 of `public_key` as it is written.
    pub key_id: KeyId,
    /// 32 bytes in standard base64 with padding.
    pub public_key: PublicKey,
    /// [`ALGORITHM`].
    pub algorithm: String,
    /// When a Beacon first told of it.
    pub first_used_at: Timestamp,
}

impl PublishedKey {
    /// A key in use since then.
    pub fn new(public_key: PublicKey, first_used_at: Timestamp) -> Self {
        let algorithm = ALGORITHM.to_owned();
        Self { key_id: public_key.id(), public_key, algorithm, first_used_at }
    }
}

/// A list of keys that cannot be taken.
#[derive(Debug, Error)]
pub enum BadKeys {
    /// Not JSON, or ambiguous JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Of another shape.
    #[error("not a list of keys as `beacon keys --json` prints it")]
    Shape(#[source] serde_json::Error),
    /// Of an algorithm that nothing here signs with.
    #[error("the key {0} is not of the algorithm {ALGORITHM}")]
    Algorithm(KeyId),
    /// The id is another key's.
    #[error("the key that is called {called} is {is}")]
    OtherId {
        /// In the list.
        called: KeyId,
        /// By its own bytes.
        is: KeyId,
    },
}

impl PublishedKeys {
    /// The keys of a list that was handed on as JSON.
    pub fn read(json: &[u8]) -> Result<KeyRing, BadKeys> {
        let list: Self = serde_json::from_value(read_json(json)?).map_err(BadKeys::Shape)?;
        list.ring()
    }

    /// The keys, each by the id that it has.
    pub fn ring(&self) -> Result<KeyRing, BadKeys> {
        let key = |PublishedKey { key_id, public_key, algorithm, .. }: &PublishedKey| {
            if algorithm != ALGORITHM {
                return Err(BadKeys::Algorithm(*key_id));
            }
            let (called, is) = (*key_id, public_key.id());
            if called == is { Ok(*public_key) } else { Err(BadKeys::OtherId { called, is }) }
        };
        self.keys.iter().map(key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SecretKey;

    #[test]
    fn a_list_reads_back_and_one_that_lies_is_refused() {
        let at = "2026-11-27T10:00:00Z".parse().unwrap();
        let (one, other) = (SecretKey::new(&[1; 32]).public(), SecretKey::new(&[2; 32]).public());
        let list = PublishedKeys { keys: vec![PublishedKey::new(one, at)] };
        let json = serde_json::to_string(&list).unwrap();
        assert_eq!(PublishedKeys::read(json.as_bytes()).unwrap().get(&one.id()), Some(&one));
        let swapped = json.replace(&one.to_string(), &other.to_string());
        let refused = PublishedKeys::read(swapped.as_bytes());
        assert!(matches!(refused, Err(BadKeys::OtherId { .. })), "{refused:?}");
        let refused = PublishedKeys::read(json.replace(ALGORITHM, "RSA").as_bytes());
        assert!(matches!(refused, Err(BadKeys::Algorithm(_))), "{refused:?}");
        let twice = json.replace("\"keys\":", "\"keys\":[],\"keys\":");
        assert!(matches!(PublishedKeys::read(twice.as_bytes()), Err(BadKeys::Json(_))));
    }
}
