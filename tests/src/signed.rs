//! The key that tests sign with.

use beacon_aws::Signer;
use beacon_evidence::key::{KeyRing, SecretKey};

fn key() -> SecretKey {
    SecretKey::new(&[7; 32])
}

/// Signs; no table knows its key.
pub fn signer() -> Signer {
    Signer::new(key())
}

/// Verifies what it signed.
pub fn key_ring() -> KeyRing {
    [key().public()].into_iter().collect()
}
