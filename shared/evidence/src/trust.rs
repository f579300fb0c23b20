//! Whose signed specifications are accepted: a list of keys, each for a time, until it is revoked.

use std::collections::BTreeMap;

use beacon_core::json::{JsonError, read_json};
use beacon_core::seal::KeyId;
use jiff::Timestamp;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::key::PublicKey;

/// Keys that a list may have.
pub const MOST_KEYS: usize = 1000;
/// Bytes of a list's JSON.
pub const MOST_BYTES: usize = 1024 * 1024;

const FIELDS: [&str; 5] = ["kid", "public_key", "status", "not_before", "not_after"];

/// Why a list of keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TrustListError {
    /// It is too long.
    #[error("has more than {MOST_BYTES} bytes")]
    TooLarge,
    /// Not JSON, or ambiguous JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Not a list of keys.
    #[error("must be a JSON list of 1 to {MOST_KEYS} keys")]
    NotKeys,
    /// An entry is no object.
    #[error("entry [{entry}] must be an object with {}", FIELDS.join(", "))]
    NotAnObject {
        /// From 0.
        entry: usize,
    },
    /// A field of an entry is wrong.
    #[error("entry [{entry}]: `{field}` {problem}")]
    Field {
        /// From 0.
        entry: usize,
        /// Its name.
        field: &'static str,
        /// What is wrong.
        problem: FieldProblem,
    },
    /// An entry has a field that there is not.
    #[error("entry [{entry}]: unknown field; known are {}", FIELDS.join(", "))]
    UnknownField {
        /// From 0.
        entry: usize,
    },
}

/// What is wrong with a field of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FieldProblem {
    /// It is not there, and must be.
    #[error("is missing")]
    Missing,
    /// It is no text.
    #[error("must be a text")]
    NotText,
    /// It is no key.
    #[error("must be the 32 bytes of an Ed25519 public key in standard base64 with padding")]
    NoKey,
    /// It does not name the entry's key.
    #[error("must be the SHA-256 of the text of `public_key`, 64 lower-case hexadecimal digits")]
    OtherKey,
    /// An entry before has it.
    #[error("is in an entry before")]
    Twice,
    /// Neither of the two.
    #[error("must be active or revoked")]
    NoStatus,
    /// No time.
    #[error("must be a time such as 2026-01-31T12:00:00Z (RFC 3339)")]
    NoTime,
    /// The key would be good at no time.
    #[error("must not be before `not_before`")]
    EndsBeforeItBegins,
}

/// Why a key is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TrustViolation {
    /// The list does not have it.
    #[error("untrusted signing key: no match in allowlist")]
    Unknown,
    /// It is there, and revoked.
    #[error("untrusted signing key: explicitly revoked")]
    Revoked,
    /// Its time is over.
    #[error("untrusted signing key: after not_after")]
    Expired,
    /// Its time is to come.
    #[error("untrusted signing key: before not_before")]
    NotYetValid,
}

impl TrustViolation {
    /// For programs, in the predecessor's words.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "trust_violation:unknown",
            Self::Revoked => "trust_violation:revoked",
            Self::Expired => "trust_violation:expired",
            Self::NotYetValid => "trust_violation:not_yet_valid",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Active,
    Revoked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    standing: Standing,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
}

/// Keys by their text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustList(BTreeMap<String, Entry>);

impl TrustList {
    /// From its JSON, a list of `{kid, public_key, status, not_before, not_after}`, the times of which may be
    /// left out. Whatever is wrong with one entry makes the whole list unusable.
    pub fn read(json: &[u8]) -> Result<Self, TrustListError> {
        if json.len() > MOST_BYTES {
            return Err(TrustListError::TooLarge);
        }
        let Value::Array(listed) = read_json(json)? else { return Err(TrustListError::NotKeys) };
        if listed.is_empty() || listed.len() > MOST_KEYS {
            return Err(TrustListError::NotKeys);
        }
        let mut keys = BTreeMap::new();
        for (index, value) in listed.iter().enumerate() {
            let Value::Object(members) = value else {
                return Err(TrustListError::NotAnObject { entry: index });
            };
            let fields = EntryFields { index, members };
            let (key, entry) = fields.read()?;
            // Keys have one text each, and ids follow from it.
            if keys.insert(key, entry).is_some() {
                return Err(fields.wrong("public_key", FieldProblem::Twice));
            }
        }
        Ok(Self(keys))
    }

    /// Keys that it has, revoked ones too.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether a key, as its text, is trusted now.
    pub fn trust(&self, public_key: &str, now: Timestamp) -> Result<(), TrustViolation> {
        let Some(entry) = self.0.get(public_key) else { return Err(TrustViolation::Unknown) };
        match entry.standing {
            Standing::Revoked => Err(TrustViolation::Revoked),
            Standing::Active if entry.not_before.is_some_and(|at| now < at) => {
                Err(TrustViolation::NotYetValid)
            }
            Standing::Active if entry.not_after.is_some_and(|at| now > at) => {
                Err(TrustViolation::Expired)
            }
            Standing::Active => Ok(()),
        }
    }
}

/// An entry that is being read.
struct EntryFields<'a> {
    index: usize,
    members: &'a Map<String, Value>,
}

impl<'a> EntryFields<'a> {
    fn read(&self) -> Result<(String, Entry), TrustListError> {
        if self.members.keys().any(|name| !FIELDS.contains(&name.as_str())) {
            return Err(TrustListError::UnknownField { entry: self.index });
        }
        let key = PublicKey::read(self.required("public_key")?)
            .map_err(|_no_key| self.wrong("public_key", FieldProblem::NoKey))?;
        let kid = KeyId::try_from(self.required("kid")?.to_owned());
        if kid != Ok(key.id()) {
            return Err(self.wrong("kid", FieldProblem::OtherKey));
        }
        let standing = match self.required("status")? {
            "active" => Standing::Active,
            "revoked" => Standing::Revoked,
            _ => return Err(self.wrong("status", FieldProblem::NoStatus)),
        };
        let (not_before, not_after) = (self.time("not_before")?, self.time("not_after")?);
        if let (Some(first), Some(last)) = (not_before, not_after)
            && last < first
        {
            return Err(self.wrong("not_after", FieldProblem::EndsBeforeItBegins));
        }
        Ok((key.to_string(), Entry { standing, not_before, not_after }))
    }

    fn text(&self, field: &'static str) -> Result<Option<&'a str>, TrustListError> {
        match self.members.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(self.wrong(field, FieldProblem::NotText))
            }
        }
    }

    fn required(&self, field: &'static str) -> Result<&'a str, TrustListError> {
        self.text(field)?.ok_or_else(|| self.wrong(field, FieldProblem::Missing))
    }

    fn time(&self, field: &'static str) -> Result<Option<Timestamp>, TrustListError> {
        let time = self.text(field)?.map(str::parse).transpose();
        time.map_err(|_no_time| self.wrong(field, FieldProblem::NoTime))
    }

    fn wrong(&self, field: &'static str, problem: FieldProblem) -> TrustListError {
        TrustListError::Field { entry: self.index, field, problem }
    }
}

#[cfg(test)]
mod tests;
