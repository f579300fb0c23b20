//! Keys: Ed25519 (RFC 8032), named by the hash of their public half.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use beacon_core::prompt::hex;
use beacon_core::seal::{KeyId, Signature, from_hex};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// A text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoKey {
    /// No secret key. What was given is not shown.
    #[error("must be 64 lower-case hexadecimal digits, such as `openssl rand -hex 32` prints")]
    Secret,
    /// No public key.
    #[error("must be the 32 bytes of an Ed25519 public key in standard base64 with padding")]
    Public,
}

/// Signs. Its text is the 32 secret bytes as 64 lower-case hexadecimal digits.
#[derive(Clone)]
pub struct SecretKey {
    key: SigningKey,
    id: KeyId,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SecretKey {
    /// From its 32 secret bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(secret);
        let id = PublicKey(key.verifying_key()).id();
        Self { key, id }
    }

    /// From its text, with white space around it.
    pub fn read(text: &str) -> Result<Self, NoKey> {
        from_hex(text.trim()).map(|secret| Self::new(&secret)).ok_or(NoKey::Secret)
    }

    /// Its text. Whoever has it can sign.
    pub fn text(&self) -> String {
        hex(self.key.as_bytes())
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.key.verifying_key())
    }

    /// The id of its public half.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Signs a message. The same message has always the same signature.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature::new(self.key.sign(message).to_bytes())
    }
}

/// Verifies. Its text is standard base64 with padding.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// From its text.
    pub fn read(text: &str) -> Result<Self, NoKey> {
        let bytes: [u8; 32] = STANDARD
            .decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(NoKey::Public)?;
        match VerifyingKey::from_bytes(&bytes) {
            // Of a weak key anybody can make signatures that verify.
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            Ok(_) | Err(_) => Err(NoKey::Public),
        }
    }

    /// What it is named by.
    pub fn id(&self) -> KeyId {
        KeyId::new(Sha256::digest(self.to_string()).into())
    }

    /// Whether a signature is its own, of this message. Of the several encodings that some verifiers
    /// take for one signature only one is (RFC 8032 with the checks of `verify_strict`).
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
        self.0.verify_strict(message, &signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl TryFrom<String> for PublicKey {
    type Error = NoKey;

    fn try_from(text: String) -> Result<Self, NoKey> {
        Self::read(&text)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

/// Public keys by their id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRing(BTreeMap<KeyId, PublicKey>);

impl KeyRing {
    /// The key of this id.
    pub fn get(&self, id: &KeyId) -> Option<&PublicKey> {
        self.0.get(id)
    }

    /// All of them.
    pub fn keys(&self) -> impl Iterator<Item = PublicKey> + '_ {
        self.0.values().copied()
    }
}

impl FromIterator<PublicKey> for KeyRing {
    fn from_iter<T: IntoIterator<Item = PublicKey>>(keys: T) -> Self {
        Self(keys.into_iter().map(|key| (key.id(), key)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting() -> SecretKey {
        let secret: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
        SecretKey::new(&secret)
    }

    #[test]
    fn a_key_is_named_as_the_predecessor_names_it() {
        let public = counting().public();
        assert_eq!(public.to_string(), "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=");
        let id = "ff73a0647bbc29aa418634dba8bb130922491e77680e9d152dde5261ab63d8a2";
        assert_eq!((public.id().to_string().as_str(), counting().id()), (id, public.id()));
        assert_eq!(PublicKey::read(&public.to_string()), Ok(public));
    }

    #[test]
    fn a_signature_holds_for_its_message_and_key_alone() {
        let (key, signature) = (counting(), counting().sign(b"what was said"));
        assert!(key.public().verifies(b"what was said", &signature));
        assert!(!key.public().verifies(b"what was sad", &signature));
        assert!(!SecretKey::new(&[9; 32]).public().verifies(b"what was said", &signature));
        for bit in 0..512 {
            let mut bytes = *signature.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.public().verifies(b"what was said", &Signature::new(bytes)), "bit {bit}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_and_a_secret_is_never_shown() {
        let text = "00".repeat(31) + "2a";
        assert_eq!(SecretKey::read(&format!(" {text}\n")).unwrap().text(), text);
        for other in [&text.to_uppercase(), &text[1..], "", "hush-hush"] {
            assert_eq!(SecretKey::read(other).unwrap_err(), NoKey::Secret, "{other}");
        }
        assert!(!format!("{:?}", SecretKey::read(&text)).contains("2a2a"));
        let weak = STANDARD.encode([0; 32]);
        let slack = counting().public().to_string().replace("bg=", "bh=");
        for other in [weak.as_str(), &slack, "", "AAAA"] {
            assert_eq!(PublicKey::read(other), Err(NoKey::Public), "{other}");
        }
    }
}
