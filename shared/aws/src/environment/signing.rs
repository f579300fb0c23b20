//! The key that signs receipts and roots.

use beacon_evidence::key::SecretKey;

use super::{ConfigError, required};
use crate::table::Signer;

/// The variable of the key; only ever in a secret, or in the file that the local stack writes.
pub(super) const SIGNING_KEY: &str = "BEACON_SIGNING_KEY";

/// The key from `BEACON_SIGNING_KEY`, 64 lower-case hexadecimal digits.
pub fn signer() -> Result<Signer, ConfigError> {
    let text = required(SIGNING_KEY, "the key that signs receipts, 64 hexadecimal digits")?;
    secret_key(&text).map(Signer::new)
}

/// Reads a key. What was set is not shown.
pub(super) fn secret_key(text: &str) -> Result<SecretKey, ConfigError> {
    SecretKey::read(text).map_err(|error| ConfigError::Invalid {
        variable: SIGNING_KEY,
        value: "…".to_owned(),
        problem: error.to_string(),
    })
}
