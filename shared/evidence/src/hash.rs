//! SHA-256 of texts and of a tree's nodes, in JSON as lower-case hexadecimal digits.

use std::fmt;

use beacon_core::prompt::hex;
use beacon_core::seal::{NoSeal, from_hex};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// 32 bytes of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// Of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Of parts, one after the other.
    pub(crate) fn of_parts(parts: &[&[u8]]) -> Self {
        let hasher = parts.iter().fold(Sha256::new(), Sha256::chain_update);
        Self(hasher.finalize().into())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Hash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl TryFrom<String> for Hash {
    type Error = NoSeal;

    fn try_from(text: String) -> Result<Self, NoSeal> {
        from_hex(&text).map(Self).ok_or(NoSeal::HEX)
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}
