//! The `Idempotency-Key` of a submit or retry: sent again, it is the same job or run.

use sha2::{Digest, Sha256};

use crate::id::{IdError, JobId, Nonce};
use crate::prompt::hex;

/// A client's key, valid once built. Keys are the same for everybody: a token that was renewed
/// between two tries does not make a second job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    sha256: String,
}

impl IdempotencyKey {
    /// What a key may be, for error messages.
    pub const ALLOWED: &'static str = "1 to 255 printable ASCII characters";

    /// Checks a key against [`Self::ALLOWED`].
    pub fn new(text: &str) -> Result<Self, IdError> {
        let printable = |c: char| c == ' ' || c.is_ascii_graphic();
        if text.is_empty() || text.len() > 255 || !text.chars().all(printable) {
            return Err(IdError::new("Idempotency-Key", text, Self::ALLOWED));
        }
        Ok(Self { sha256: hex(&Sha256::digest(text)) })
    }

    /// The id of a job that was sent with the key and without an id.
    pub fn job_id(&self) -> JobId {
        let id = format!("key-{}", self.sha256.chars().take(32).collect::<String>());
        #[expect(clippy::expect_used, reason = "`key-` and hexadecimal digits are a job id")]
        JobId::new(id).expect("a job id")
    }

    /// Of a retry that was sent with the key.
    pub fn request(&self) -> Nonce {
        #[expect(clippy::expect_used, reason = "64 hexadecimal digits are a nonce")]
        Nonce::new(self.sha256.as_str()).expect("a nonce")
    }

    /// SHA-256 of the key, lower-case hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_is_one_id() {
        let id = |key: &str| IdempotencyKey::new(key).unwrap().job_id();
        assert_eq!(id("beacon-1a2b"), id("beacon-1a2b"));
        assert_ne!(id("beacon-1a2b"), id("beacon-1a2c"));
        let request = |key: &str| IdempotencyKey::new(key).unwrap().request();
        assert_eq!(request("beacon-1a2b"), request("beacon-1a2b"));
        assert_ne!(request("beacon-1a2b"), request("beacon-1a2c"));
        for bad in ["", "a\nb", "ü", &"x".repeat(256)] {
            assert!(IdempotencyKey::new(bad).is_err(), "{bad}");
        }
    }
}
