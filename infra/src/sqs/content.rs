//! What a message says: its body and attributes, their digests and the rules they must keep.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::error::SqsError;

const MAX_ATTRIBUTES: usize = 10;
const MAX_ATTRIBUTE_NAME: usize = 256;

/// An MD5 digest, shown in hexadecimal as SDKs compare it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The value of one message attribute, as on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttributeValue {
    data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    string_value: Option<String>,
    /// Base64, as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
}

/// Message attributes by name, in the order in which their digest takes them.
pub(super) type MessageAttributes = BTreeMap<String, AttributeValue>;

/// A checked body with its attributes. Clones share the text.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) body: Arc<str>,
    pub(super) fingerprint: Fingerprint,
    pub(super) attributes: Option<Arc<MessageAttributes>>,
    /// Bytes of body and attributes, as the limits count them.
    pub(super) size: usize,
}

impl Content {
    /// Checks everything that does not depend on the queue.
    pub(super) fn new(body: &str, attributes: MessageAttributes) -> Result<Self, SqsError> {
        if body.is_empty() {
            return Err(SqsError::MissingParameter("MessageBody"));
        }
        if !is_allowed(body) {
            return Err(SqsError::InvalidMessageContents);
        }
        let size = body.len() + checked_size(&attributes)?;
        Ok(Self {
            body: Arc::from(body),
            fingerprint: Fingerprint(Md5::digest(body.as_bytes()).into()),
            attributes: (!attributes.is_empty()).then(|| Arc::new(attributes)),
            size,
        })
    }
}

/// Whether the text keeps to the characters of XML 1.0, as SQS demands.
fn is_allowed(text: &str) -> bool {
    let control = |b: u8| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r');
    // Inside UTF-8 a byte 0xEF starts a character of U+F000 to U+FFFF, which is rare.
    !text.bytes().any(control)
        && (!text.as_bytes().contains(&0xef) || !text.contains(['\u{fffe}', '\u{ffff}']))
}

fn invalid(reason: &'static str) -> SqsError {
    SqsError::InvalidParameter { parameter: "MessageAttributes", reason }
}

impl AttributeValue {
    /// The kind byte of the digest and the bytes of the value.
    fn parts(&self) -> Result<(u8, Vec<u8>), SqsError> {
        let kind = self.data_type.split('.').next().unwrap_or_default();
        match (kind, &self.string_value, &self.binary_value) {
            ("String" | "Number", Some(text), None) if !text.is_empty() => {
                Ok((1, text.clone().into_bytes()))
            }
            ("Binary", None, Some(text)) => aws_smithy_types::base64::decode(text)
                .map(|bytes| (2, bytes))
                .map_err(|error| SqsError::Malformed(error.to_string())),
            _other => Err(invalid("a type of String, Number or Binary with one value of its kind")),
        }
    }
}

fn checked_size(attributes: &MessageAttributes) -> Result<usize, SqsError> {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(invalid("a message has at most 10 attributes"));
    }
    let mut size = 0;
    for (name, value) in attributes {
        let named = (1..=MAX_ATTRIBUTE_NAME).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        if !named {
            return Err(invalid("names are 1 to 256 characters of [A-Za-z0-9_.-]"));
        }
        size += name.len() + value.data_type.len() + value.parts()?.1.len();
    }
    Ok(size)
}

/// The digest that SDKs compare with their own: of length-prefixed names, types and values.
pub(super) fn attributes_fingerprint<'a>(
    attributes: impl Iterator<Item = (&'a String, &'a AttributeValue)>,
) -> Result<Option<Fingerprint>, SqsError> {
    let mut digest = Md5::new();
    let mut any = false;
    for (name, value) in attributes {
        any = true;
        let (kind, bytes) = value.parts()?;
        for text in [name, &value.data_type] {
            update_prefixed(&mut digest, text.as_bytes());
        }
        digest.update([kind]);
        update_prefixed(&mut digest, &bytes);
    }
    Ok(any.then(|| Fingerprint(digest.finalize().into())))
}

fn update_prefixed(digest: &mut Md5, bytes: &[u8]) {
    // Messages are far below 4 GiB, so the length always fits.
    digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    digest.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_digest_is_md5() {
        let content = Content::new("hello", MessageAttributes::new()).unwrap();
        assert_eq!(content.fingerprint.to_string(), "5d41402abc4b2a76b9719d911017c592");
    }

    #[test]
    fn characters_outside_xml_are_refused() {
        for (text, allowed) in [
            ("tab\tline\r\nü 漢 😀 \u{feff} \u{fffd} \u{7f}", true),
            ("nul\0", false),
            ("escape\u{1b}", false),
            ("\u{fffe}", false),
            ("\u{ffff}", false),
        ] {
            assert_eq!(is_allowed(text), allowed, "{text:?}");
        }
    }

    #[test]
    fn attributes_need_one_value_of_their_type() {
        let value = |kind: &str, text: Option<&str>, binary: Option<&str>| AttributeValue {
            data_type: kind.to_owned(),
            string_value: text.map(str::to_owned),
            binary_value: binary.map(str::to_owned),
        };
        for (value, valid) in [
            (value("String", Some("a"), None), true),
            (value("Number.int", Some("1"), None), true),
            (value("Binary", None, Some("AQI=")), true),
            (value("Binary", None, Some("not base64")), false),
            (value("String", None, None), false),
            (value("Bool", Some("true"), None), false),
        ] {
            let attributes = MessageAttributes::from([("name".to_owned(), value)]);
            assert_eq!(Content::new("body", attributes.clone()).is_ok(), valid, "{attributes:?}");
        }
    }
}
