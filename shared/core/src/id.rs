//! Identifiers and coordinates, each its own type, each valid once built.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::region::Region;

/// A text that is not an identifier of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{given}` is not a {kind}: {allowed}")]
pub struct IdError {
    /// What the text should have been, for people.
    pub kind: &'static str,
    /// The text as given, cut to 80 characters.
    pub given: String,
    /// What is allowed, for people.
    pub allowed: &'static str,
}

impl IdError {
    pub(crate) fn new(kind: &'static str, given: &str, allowed: &'static str) -> Self {
        Self { kind, given: given.chars().take(80).collect(), allowed }
    }
}

/// Defines a text identifier: its character rule is checked on every way in, serde included.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:literal, $allowed:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What the text may be, for error messages.
            pub const ALLOWED: &'static str = $allowed;

            /// Characters, all of them ASCII, of the longest one.
            pub const LONGEST: usize = $max;

            /// Checks the text against [`Self::ALLOWED`].
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                let valid: fn(char) -> bool = $valid;
                if text.is_empty() || text.len() > Self::LONGEST || !text.chars().all(valid) {
                    return Err(IdError::new($kind, &text, Self::ALLOWED));
                }
                Ok(Self(text))
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "description": $allowed,
                    "minLength": 1,
                    "maxLength": $max,
                })
            }
        }
    };
}
pub(crate) use text_id;

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

text_id! {
    /// A job. Chosen by the client or made at intake.
    JobId, "job id", 255, "1 to 255 characters of [A-Za-z0-9_-]", is_word
}
text_id! {
    /// What is asked, shared by all its variants.
    QuestionId, "question id", 128, "1 to 128 characters of [A-Za-z0-9._-]",
    |c| is_word(c) || c == '.'
}
text_id! {
    /// How a question is put: `base`, a named paraphrase or system prompt, or `variant/prompt`.
    VariantName, "variant name", 129, "1 to 129 characters of [A-Za-z0-9._/-]",
    |c| is_word(c) || c == '.' || c == '/'
}
text_id! {
    /// A model as the client names it; a provider may call it something else upstream.
    ModelId, "model id", 128, "1 to 128 characters of [A-Za-z0-9._:/@+-]",
    |c| is_word(c) || matches!(c, '.' | ':' | '/' | '@' | '+')
}
text_id! {
    /// A provider as the router names it.
    ProviderId, "provider id", 128, "1 to 128 printable ASCII characters", |c| c.is_ascii_graphic()
}
text_id! {
    /// Drawn anew for every receive of a message; who holds a lane.
    Nonce, "nonce", 64, "1 to 64 characters of [A-Za-z0-9_-]", is_word
}
text_id! {
    /// One start of the local stack: holders of an earlier one are known to be dead.
    BootId, "boot id", 64, "1 to 64 characters of [A-Za-z0-9_-]", is_word
}

impl Nonce {
    /// Of the request that made a job's first run.
    pub(crate) fn submit() -> Self {
        Self("submit".to_owned())
    }
}

impl VariantName {
    /// The variant of a question asked as it stands.
    pub fn base() -> Self {
        Self("base".to_owned())
    }
}

/// Defines a counting number with its own type.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            schemars::JsonSchema,
        )]
        #[serde(transparent)]
        #[schemars(inline)]
        pub struct $name(pub $inner);

        impl $name {
            /// The number after this one.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

number! {
    /// 1 for a job's first execution, one more for every retry of it.
    Run(u32)
}
number! {
    /// One more each time a lane's messages are sent anew; makes their deduplication ids new.
    DispatchNumber(u32)
}
number! {
    /// Index into the job's ordered question list, from 0.
    QuestionIndex(u32)
}
number! {
    /// Index into a lane's work list, from 0; a lane's cursor is the position it works at.
    Position(u32)
}
number! {
    /// Repetition of a cell, from 0.
    Sample(u16)
}

impl Run {
    /// The first execution of a job.
    pub const FIRST: Self = Self(1);
}

/// One region's stream of questions within a job: question *q* belongs to lane *q mod W* of its
/// region, for W lanes of that region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LaneId {
    /// The region served.
    pub region: Region,
    /// Which of the region's lanes, from 0.
    pub k: u16,
}

impl fmt::Display for LaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.region, self.k)
    }
}

/// One (job, question, model, region, sample). Its text form is reversible and URL-safe and holds
/// nothing else, so any id locates its row without an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExecutionId {
    /// The job.
    pub job: JobId,
    /// Which entry of the job's question list.
    pub question: QuestionIndex,
    /// The model asked.
    pub model: ModelId,
    /// The region asked.
    pub region: Region,
    /// Which repetition.
    pub sample: Sample,
}

impl ExecutionId {
    const KIND: &'static str = "execution id";
    const ALLOWED: &'static str = "job.question.region.sample.model as Beacon prints it";

    /// Reads the text form; only what [`fmt::Display`] prints is accepted.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let bad = || IdError::new(Self::KIND, text, Self::ALLOWED);
        let mut parts = text.split('.');
        let mut part = || parts.next().ok_or_else(bad);
        let (job, question, region, sample, model) = (part()?, part()?, part()?, part()?, part()?);
        let id = Self {
            job: JobId::new(job)?,
            question: QuestionIndex(question.parse().map_err(|_not_a_number| bad())?),
            region: Region::new(region)?,
            sample: Sample(sample.parse().map_err(|_not_a_number| bad())?),
            model: unescape(model).ok_or_else(bad)?,
        };
        if id.to_string() == text { Ok(id) } else { Err(bad()) }
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, question, model, region, sample } = self;
        write!(f, "{job}.{question}.{region}.{sample}.{}", escape(model))
    }
}

impl TryFrom<String> for ExecutionId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        Self::parse(&text)
    }
}

impl schemars::JsonSchema for ExecutionId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ExecutionId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": Self::ALLOWED })
    }
}

impl From<ExecutionId> for String {
    fn from(id: ExecutionId) -> Self {
        id.to_string()
    }
}

/// A model id with every byte outside [A-Za-z0-9_-] as `~XX`: safe in a URL and in a key.
pub fn escape(model: &ModelId) -> String {
    use fmt::Write as _;
    let mut escaped = String::with_capacity(model.as_str().len() + 8);
    for c in model.as_str().chars() {
        if is_word(c) {
            escaped.push(c);
        } else {
            // Model ids are ASCII, and writing to a String cannot fail.
            let _infallible = write!(escaped, "~{:02X}", u32::from(c));
        }
    }
    escaped
}

/// The inverse of [`escape`].
pub fn unescape(escaped: &str) -> Option<ModelId> {
    let mut text = String::with_capacity(escaped.len());
    let mut chars = escaped.chars();
    while let Some(c) = chars.next() {
        if c == '~' {
            let byte = (chars.next()?.to_digit(16)? << 4) | chars.next()?.to_digit(16)?;
            text.push(char::from_u32(byte)?);
        } else {
            text.push(c);
        }
    }
    ModelId::new(text).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_execution_id_is_reversible_and_url_safe(
            job in "[A-Za-z0-9_-]{1,40}",
            question in 0u32..1_000_000,
            model in "[A-Za-z0-9._:/@+-]{1,40}",
            region in "[a-z][a-z0-9-]{0,20}[a-z0-9]",
            sample in 0u16..100,
        ) {
            let id = ExecutionId {
                job: JobId::new(job).unwrap(),
                question: QuestionIndex(question),
                model: ModelId::new(model).unwrap(),
                region: Region::new(region).unwrap(),
                sample: Sample(sample),
            };
            let text = id.to_string();
            prop_assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)));
            prop_assert_eq!(ExecutionId::parse(&text).unwrap(), id);
        }

        #[test]
        fn parsing_any_text_never_panics(text in ".{0,60}") {
            if let Ok(id) = ExecutionId::parse(&text) {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn only_the_printed_form_is_an_execution_id() {
        for other in ["j.00.us-east.0.m", "j.0.us-east.0.~6d", "j.0.us-east.0.m.x", "j.0.us-east.0"]
        {
            assert!(ExecutionId::parse(other).is_err(), "{other}");
        }
        assert!(ExecutionId::parse("j.0.us-east.0.qwen2~2E5").is_ok());
    }
}
