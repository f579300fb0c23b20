//! What makes a completed row a receipt: a key's id and its signature.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::prompt::hex;

/// A text that is no key id, hash or signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be {0}")]
pub struct NoSeal(&'static str);

impl NoSeal {
    /// What names 32 bytes.
    pub const HEX: Self = Self("64 lower-case hexadecimal digits");
}

/// Names a public key: SHA-256 of its standard base64 text, as the predecessor names keys; 64
/// lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// From the hash.
    pub fn new(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl TryFrom<String> for KeyId {
    type Error = NoSeal;

    fn try_from(text: String) -> Result<Self, NoSeal> {
        from_hex(&text).map(Self).ok_or(NoSeal::HEX)
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}

/// 32 bytes from their lower-case hexadecimal digits.
pub fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        *byte = digit(high)? * 16 + digit(low)?;
    }
    Some(bytes)
}

/// An Ed25519 signature (RFC 8032), in JSON as standard base64 with padding.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Signature([u8; 64]);

impl Signature {
    /// From its bytes.
    pub fn new(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

impl TryFrom<String> for Signature {
    type Error = NoSeal;

    fn try_from(text: String) -> Result<Self, NoSeal> {
        let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(NoSeal("64 bytes in standard base64 with padding"))
    }
}

impl From<Signature> for String {
    fn from(signature: Signature) -> Self {
        signature.to_string()
    }
}

/// A provider's own receipt of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderReceipt {
    /// Its JSON, as it was read: the members of each object in the order of their names.
    Kept(String),
    /// It was too large to be kept.
    TooLarge {
        /// SHA-256 of its JSON, lower-case hexadecimal digits.
        sha256: String,
    },
}

impl ProviderReceipt {
    /// Bytes of an answer and of the JSON together that are kept: an item of the table holds 400 KB, and the
    /// rest of a row is less than 20. Such JSON has the answer twice, so that it is kept of answers of up to
    /// some 100 KB.
    pub const MOST_BYTES: usize = 360 * 1024;

    /// The one that a provider sent of an answer of so many bytes.
    pub fn new(sent: &serde_json::Value, answer_bytes: usize) -> Self {
        let json = sent.to_string();
        if json.len() + answer_bytes > Self::MOST_BYTES {
            let sha256 = hex(&Sha256::digest(json));
            return Self::TooLarge { sha256 };
        }
        Self::Kept(json)
    }

    /// SHA-256 of its JSON, lower-case hexadecimal digits.
    pub fn sha256(&self) -> String {
        match self {
            Self::Kept(json) => hex(&Sha256::digest(json)),
            Self::TooLarge { sha256 } => sha256.clone(),
        }
    }

    /// Its JSON, where it is kept.
    pub fn json(&self) -> Option<&str> {
        match self {
            Self::Kept(json) => Some(json),
            Self::TooLarge { .. } => None,
        }
    }
}

/// The signature of an execution's receipt, without the receipt: that is built from the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The key that signed.
    pub key_id: KeyId,
    /// Name and version of what made the row, as the receipt has them.
    pub software: String,
    /// Of the receipt.
    pub signature: Signature,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_has_one_way_to_be_written() {
        let text = "ff73a0647bbc29aa418634dba8bb130922491e77680e9d152dde5261ab63d8a2";
        assert_eq!(KeyId::try_from(text.to_owned()).unwrap().to_string(), text);
        for other in
            [&text.to_uppercase(), &text[..62], "", &format!("{text}00"), &text.replace('f', "é")]
        {
            assert!(KeyId::try_from(other.to_owned()).is_err(), "{other}");
        }
    }

    #[test]
    fn a_signature_has_one_way_to_be_written() {
        let text = Signature::new([7; 64]).to_string();
        assert_eq!(Signature::try_from(text.clone()), Ok(Signature::new([7; 64])));
        let slack = text.replace("Bw==", "Bx==");
        assert_ne!(slack, text);
        for other in [slack.as_str(), text.trim_end_matches('='), "", &format!("{text}\n")] {
            assert!(Signature::try_from(other.to_owned()).is_err(), "{other}");
        }
    }
}
