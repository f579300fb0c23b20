//! Whether a specification is signed as it must be: before anything else of it is read.

use std::sync::{Mutex, MutexGuard, PoisonError};

use beacon_aws::{ApiError, NonceUse, SpentNonce, fresh_nonce};
use beacon_core::access::{Allowances, Taken};
use beacon_core::idempotency::IdempotencyKey;
use beacon_core::prompt::hex;
use beacon_core::seal::KeyId;
use beacon_core::spec::is_jobspec;
use beacon_evidence::fresh;
use beacon_evidence::signed::{Dialect, Member, SignatureViolation, Signed};
use beacon_evidence::trust::TrustList;
use beacon_evidence::violation::Violation;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::Intake;
use crate::document::Form;

/// Signatures that do not hold, a minute, from an address and of a key.
const FAILURES: (u32, u32) = (10, 5);

/// Whose specifications are accepted.
#[derive(Debug)]
pub struct Signing {
    /// None where nothing need be signed.
    trusted: Option<TrustList>,
    failures: Mutex<Failures>,
}

/// What each may still try. Every instance counts for itself.
#[derive(Debug)]
struct Failures {
    of_address: Allowances,
    of_key: Allowances,
}

impl Signing {
    /// With a list of keys every specification must be signed by one of them, freshly and once. Without,
    /// it may be signed by any key, and then the signature must hold.
    pub fn new(trusted: Option<TrustList>) -> Self {
        let (of_address, of_key) = FAILURES;
        let (of_address, of_key) = (Allowances::new(of_address), Allowances::new(of_key));
        Self { trusted, failures: Mutex::new(Failures { of_address, of_key }) }
    }

    /// Whether every specification must be signed.
    pub(crate) fn is_required(&self) -> bool {
        self.trusted.is_some()
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failures {
    /// Whether an address may try again.
    fn check(&self, address: &str, now: Timestamp) -> Result<(), Violation> {
        allowed(self.of_address.peek(address, now))
    }

    /// Counts one, and says whether it was one too many of the key. That is looked at only here: others, who
    /// know a key, must not keep its owner out.
    fn count(&mut self, address: String, key: String, now: Timestamp) -> Result<(), Violation> {
        self.of_address.take(address, now);
        allowed(self.of_key.take(key, now))
    }
}

fn allowed(taken: Taken) -> Result<(), Violation> {
    let retry_seconds = taken.retry_seconds;
    if taken.allowed { Ok(()) } else { Err(Violation::TooManyFailures { retry_seconds }) }
}

impl Intake {
    /// Whose signature a document carries that comes from this address; none where it may be, and is,
    /// unsigned.
    pub(crate) async fn check_signature(
        &self,
        address: String,
        sent: &Value,
        form: Form,
        key: Option<&IdempotencyKey>,
    ) -> Result<Option<KeyId>, ApiError> {
        let (document, dialect) = signed_part(sent, form);
        let unnamed = |violation: SignatureViolation| ApiError::Unverified {
            key_id: None,
            violation: violation.into(),
        };
        let Some(signed) = Signed::of(document).map_err(unnamed)? else {
            let missing = SignatureViolation::Missing(Member::Signature);
            return if self.signing.trusted.is_some() { Err(unnamed(missing)) } else { Ok(None) };
        };
        let (key_id, now) = (signed.key_id(), self.clock.now());
        let refused =
            |violation: Violation| ApiError::Unverified { key_id: Some(key_id), violation };
        let nonce = self.verify(signed, dialect, address, now).map_err(refused)?;
        if let Some(nonce) = nonce {
            let request = known_by(sent, key);
            let until = fresh::kept_until(now);
            let once = SpentNonce { key: &key_id, nonce, request: &request, until };
            let spending = self.table.spend_nonce(once, now).await;
            match spending.map_err(ApiError::NoReplayProtection)? {
                NonceUse::First | NonceUse::Repeated => {}
                NonceUse::Replayed => return Err(refused(Violation::Replay)),
            }
        }
        Ok(Some(key_id))
    }

    /// The nonce that is to be spent, where one is.
    fn verify<'a>(
        &self,
        signed: Signed<'a>,
        dialect: Dialect,
        address: String,
        now: Timestamp,
    ) -> Result<Option<&'a str>, Violation> {
        let trusted = self.signing.trusted.as_ref();
        if let Some(trusted) = trusted {
            trusted.trust(signed.public_key(), now)?;
        }
        self.signing.failures().check(&address, now)?;
        let nonce = trusted.map(|_| fresh::nonce(signed.document(), now)).transpose()?;
        if let Err(violation) = signed.verify(dialect) {
            self.signing.failures().count(address, signed.key_id().to_string(), now)?;
            return Err(violation.into());
        }
        Ok(nonce)
    }
}

/// What is signed of what was sent: of the predecessor's wrapper what it wraps.
fn signed_part(sent: &Value, form: Form) -> (&Value, Dialect) {
    match form {
        Form::CrossRegion => (sent.get("jobspec").unwrap_or(&Value::Null), Dialect::JobSpec),
        Form::Either if is_jobspec(sent) => (sent, Dialect::JobSpec),
        Form::Either => (sent, Dialect::Own),
    }
}

/// The same for a client that sends the same document with the same key again because it saw no answer,
/// and for nobody else.
fn known_by(sent: &Value, key: Option<&IdempotencyKey>) -> String {
    match key {
        Some(key) => hex(&Sha256::digest(format!("{} {sent}", key.sha256()))),
        None => fresh_nonce().to_string(),
    }
}
