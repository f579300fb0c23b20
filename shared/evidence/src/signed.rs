//! Signatures of job specifications, verified on the JSON as it was sent.
//!
//! Signed is a text of the document: members sorted by the bytes of their keys at every level, no white
//! space, and some members left out ([`Form`]). It is not quite RFC 8785, because the signers are others:
//! keys sort by bytes rather than by UTF-16 units, whole numbers keep their digits, and only fractions are
//! written as ECMAScript writes them, which is also how Go does. Never is a document read into a type
//! before it is verified: what the type does not know would not be covered.

mod prune;
mod text;

use beacon_core::seal::{KeyId, Signature};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::key::{PublicKey, SecretKey};
use text::{Integers, escaped, text};

const SIGNATURE: &str = "signature";
const PUBLIC_KEY: &str = "public_key";
const ID: &str = "id";
const CREATED_AT: &str = "created_at";

/// A member that a signed document has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// The signature, base64.
    Signature,
    /// The key that made it, base64.
    PublicKey,
}

impl Member {
    fn name(self) -> &'static str {
        match self {
            Self::Signature => SIGNATURE,
            Self::PublicKey => PUBLIC_KEY,
        }
    }
}

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignatureViolation {
    /// There is none, or its other half is there alone.
    #[error("`{}` is missing: a specification is signed by both `signature` and `public_key`", .0.name())]
    Missing(Member),
    /// It is not what its name says.
    #[error("`{}` is not {} in standard base64 with padding", .0.name(), what(*.0))]
    Encoding(Member),
    /// The document has no text that could be signed.
    #[error("the specification cannot be written as canonical JSON")]
    Canonicalization,
    /// It is of another document, or by another key.
    #[error("the signature is not of this specification by this key; sign it again as it is")]
    Mismatch,
}

fn what(member: Member) -> &'static str {
    match member {
        Member::Signature => "the 64 bytes of an Ed25519 signature",
        Member::PublicKey => "the 32 bytes of an Ed25519 public key",
    }
}

impl SignatureViolation {
    /// For programs, in the predecessor's words.
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing(Member::Signature) => "missing_field:signature",
            Self::Missing(Member::PublicKey) => "missing_field:public_key",
            Self::Encoding(Member::Signature) => "invalid_encoding:signature",
            Self::Encoding(Member::PublicKey) => "invalid_encoding:public_key",
            Self::Canonicalization => "canonicalization_error",
            Self::Mismatch => "signature_mismatch",
        }
    }
}

/// What was signed of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All but signature and key.
    Whole,
    /// As [`Form::Whole`], without `id`.
    WithoutId,
    /// As [`Form::Whole`], without `id` and `created_at`.
    WithoutIdAndTime,
    /// As the last, and without what is null, "", {} or 0 in objects, at any depth that no list is above;
    /// whole numbers as 64-bit floats hold them. What the predecessor's runner signs.
    Pruned,
    /// As [`Form::Whole`], with an end of line.
    Legacy,
}

/// Whose document it is, which decides what may have been signed of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Beacon's own: a member that is left out, null or 0 is not the same there, so that the forms which
    /// do not cover it are not taken.
    Own,
    /// The predecessor's, to which zero, the empty text and a missing member are the same.
    JobSpec,
}

impl Dialect {
    fn forms(self) -> &'static [Form] {
        match self {
            Self::Own => &[Form::Whole, Form::WithoutId],
            Self::JobSpec => {
                &[Form::Whole, Form::WithoutId, Form::WithoutIdAndTime, Form::Pruned, Form::Legacy]
            }
        }
    }
}

/// How a signature holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// What it covers.
    pub form: Form,
    /// In the text, `<`, `>`, `&`, U+2028 and U+2029 are escaped, as Go does unless told otherwise.
    pub escaped: bool,
}

/// A document with a signature that was not verified yet.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    document: &'a Map<String, Value>,
    public_key: &'a str,
    signature: &'a str,
}

impl<'a> Signed<'a> {
    /// The document with what it carries; none where it carries neither signature nor key. A blank text
    /// and null count as missing.
    pub fn of(document: &'a Value) -> Result<Option<Self>, SignatureViolation> {
        let Value::Object(document) = document else { return Ok(None) };
        let carried = |member: Member| match document.get(member.name()) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(blank)) if blank.trim().is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(SignatureViolation::Encoding(member))
            }
        };
        match (carried(Member::PublicKey)?, carried(Member::Signature)?) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(SignatureViolation::Missing(Member::PublicKey)),
            (Some(_), None) => Err(SignatureViolation::Missing(Member::Signature)),
            (Some(public_key), Some(signature)) => {
                Ok(Some(Self { document, public_key, signature }))
            }
        }
    }

    /// The key's text, which need not be a key.
    pub fn public_key(&self) -> &'a str {
        self.public_key
    }

    /// What the key's text is named by.
    pub fn key_id(&self) -> KeyId {
        KeyId::new(Sha256::digest(self.public_key).into())
    }

    /// The document.
    pub fn document(&self) -> &'a Map<String, Value> {
        self.document
    }

    /// Whether the key signed the document, in one of the forms that its dialect has.
    pub fn verify(&self, dialect: Dialect) -> Result<Verified, SignatureViolation> {
        let encoding = SignatureViolation::Encoding;
        let key =
            PublicKey::read(self.public_key).map_err(|_no_key| encoding(Member::PublicKey))?;
        let signature = Signature::try_from(self.signature.to_owned());
        let signature = signature.map_err(|_other| encoding(Member::Signature))?;
        for form in dialect.forms().iter().copied().filter(|form| form.differs(self.document)) {
            let plain = form.text(self.document)?;
            if key.verifies(plain.as_bytes(), &signature) {
                return Ok(Verified { form, escaped: false });
            }
            let escaped = escaped(&plain);
            if escaped.is_some_and(|text| key.verifies(text.as_bytes(), &signature)) {
                return Ok(Verified { form, escaped: true });
            }
        }
        Err(SignatureViolation::Mismatch)
    }
}

impl Form {
    /// Whether its text of this document can be another than that of the forms before it.
    fn differs(self, document: &Map<String, Value>) -> bool {
        match self {
            Self::Whole | Self::Pruned | Self::Legacy => true,
            Self::WithoutId => document.contains_key(ID),
            Self::WithoutIdAndTime => document.contains_key(CREATED_AT),
        }
    }

    /// What is signed of a document.
    fn text(self, document: &Map<String, Value>) -> Result<String, SignatureViolation> {
        let without: &[&str] = match self {
            Self::Whole | Self::Legacy => &[SIGNATURE, PUBLIC_KEY],
            Self::WithoutId => &[SIGNATURE, PUBLIC_KEY, ID],
            Self::WithoutIdAndTime | Self::Pruned => &[SIGNATURE, PUBLIC_KEY, ID, CREATED_AT],
        };
        let written = match self {
            Self::Whole | Self::WithoutId | Self::WithoutIdAndTime => {
                text(document, without, Integers::Exact)
            }
            Self::Pruned => text(&prune::pruned(document, without), without, Integers::Double),
            Self::Legacy => text(document, without, Integers::Exact).map(|text| text + "\n"),
        };
        written.map_err(|_number| SignatureViolation::Canonicalization)
    }
}

/// Signs a document as it is but for its `id`, which may so be chosen later, and puts key and signature
/// into it.
pub fn sign(document: &mut Map<String, Value>, key: &SecretKey) -> Result<(), SignatureViolation> {
    let signature = key.sign(Form::WithoutId.text(document)?.as_bytes());
    document.insert(PUBLIC_KEY.to_owned(), key.public().to_string().into());
    document.insert(SIGNATURE.to_owned(), signature.to_string().into());
    Ok(())
}

#[cfg(test)]
mod tests;
