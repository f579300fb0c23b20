//! What the function's secrets hold: variables that never stand in the environment.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use thiserror::Error;

use super::settings::{Naming, naming};

/// The variable that names the secrets.
pub(crate) const SECRETS: &str = "BEACON_SECRETS";
/// Secrets of one function.
const MAX_SECRETS: usize = 8;
/// Characters of a secret's name or ARN; the API's own limit.
const MAX_ID_CHARS: usize = 2048;
/// Bytes of a secret; the service's own limit.
const MAX_BYTES: usize = 65_536;
/// Variables in one secret.
const MAX_ENTRIES: usize = 100;
/// Characters of a variable's name.
const MAX_NAME_CHARS: usize = 256;

/// What is wrong with `BEACON_SECRETS` or one of the secrets that it names. No value is shown.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SecretsError {
    /// The list cannot be used.
    #[error("`{SECRETS}` {0}")]
    List(ListProblem),
    /// A secret could not be read.
    #[error("the secret `{secret}`, named by `{SECRETS}`, {problem}")]
    Unread {
        /// Its name or ARN.
        secret: String,
        /// Why.
        problem: Unread,
    },
    /// A secret does not hold variables.
    #[error("the secret `{secret}`, named by `{SECRETS}`, {problem}")]
    Content {
        /// Its name or ARN.
        secret: String,
        /// What is wrong.
        problem: ContentProblem,
    },
    /// A variable of a secret cannot be one.
    #[error("`{variable}` in the secret `{secret}`, named by `{SECRETS}`, {problem}")]
    Variable {
        /// Its name.
        variable: String,
        /// The secret's name or ARN.
        secret: String,
        /// What is wrong.
        problem: VariableProblem,
    },
}

/// What is wrong with the list of secrets.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ListProblem {
    /// The environment holds other bytes.
    #[error("is not UTF-8")]
    NotUnicode,
    /// Something between commas is no name.
    #[error(
        "must be names or ARNs of secrets with commas between them; a name has letters, digits \
         and /_+=.@-"
    )]
    NoName,
    /// More than anybody needs.
    #[error("names more than {MAX_SECRETS} secrets")]
    TooMany,
    /// The same one again.
    #[error("names `{0}` twice")]
    Twice(String),
}

/// Why a secret could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unread {
    /// The service says why.
    #[error("is not given out ({code}): {message}; see its name, region and the function's role")]
    Refused {
        /// The service's own code, such as `ResourceNotFoundException`.
        code: String,
        /// The service's own words.
        message: String,
    },
    /// No answer.
    #[error("cannot be read, Secrets Manager is out of reach: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("was not read within {0} s")]
    Late(u64),
    /// An answer that is none of Secrets Manager.
    #[error("cannot be read, the answer is not one of Secrets Manager")]
    Unreadable,
}

/// What is wrong with what a secret holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ContentProblem {
    /// Bytes in place of a text.
    #[error("holds bytes, not a text")]
    Binary,
    /// Larger than a secret can be.
    #[error("has more than {MAX_BYTES} bytes")]
    TooLarge,
    /// Not the object expected.
    #[error(
        "is not one JSON object of variables and texts (line {line}, column {column}), such as \
         {{\"BEACON_ADMIN_TOKENS\": \"…\"}}"
    )]
    NotTexts {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// More than anybody needs.
    #[error("holds more than {MAX_ENTRIES} variables")]
    TooMany,
}

/// What is wrong with a variable of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VariableProblem {
    /// Nothing that a variable can be called.
    #[error("is no name of a variable: letters, digits and _, not a digit first")]
    Name,
    /// Of Beacon's, but not a secret.
    #[error("is no secret: set it in the function's environment")]
    Open,
    /// Nothing reads it.
    #[error("is no variable that Beacon reads")]
    Unknown,
    /// Others read it, from the environment.
    #[error("is read from the environment alone")]
    NotOurs,
    /// The environment has it too.
    #[error("is set in the environment too: keep one")]
    InEnvironment,
    /// The same secret, or another, has it too.
    #[error("is in the secret `{0}` too: keep one")]
    InSecret(String),
}

/// A secret's name or ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretId(String);

impl SecretId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The list that `BEACON_SECRETS` holds.
    pub(crate) fn list(text: &str) -> Result<Vec<Self>, ListProblem> {
        let mut ids: Vec<Self> = Vec::new();
        for id in text.split(',').map(str::trim) {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-:".contains(c);
            if id.is_empty() || id.len() > MAX_ID_CHARS || !id.chars().all(allowed) {
                return Err(ListProblem::NoName);
            }
            if ids.iter().any(|other| other.0 == id) {
                return Err(ListProblem::Twice(id.to_owned()));
            }
            if ids.len() == MAX_SECRETS {
                return Err(ListProblem::TooMany);
            }
            ids.push(Self(id.to_owned()));
        }
        Ok(ids)
    }
}

/// A variable's value and the secret that it stands in.
pub(crate) struct Entry {
    pub(crate) value: String,
    pub(crate) secret: String,
}

/// The variables of all secrets.
#[derive(Default)]
pub(crate) struct Secrets(BTreeMap<String, Entry>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Secrets {
    pub(crate) fn get(&self, variable: &str) -> Option<&Entry> {
        self.0.get(variable)
    }

    /// Adds the variables of one secret. `in_environment` says whether the environment sets one.
    pub(crate) fn add(
        &mut self,
        secret: &SecretId,
        text: &str,
        in_environment: &dyn Fn(&str) -> bool,
    ) -> Result<(), SecretsError> {
        let secret = &secret.0;
        let content = |problem| SecretsError::Content { secret: secret.clone(), problem };
        if text.len() > MAX_BYTES {
            return Err(content(ContentProblem::TooLarge));
        }
        let texts: Texts = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            content(ContentProblem::NotTexts { line, column })
        })?;
        if texts.0.len() > MAX_ENTRIES {
            return Err(content(ContentProblem::TooMany));
        }
        for (variable, value) in texts.0 {
            if let Some(problem) = self.problem(&variable, in_environment) {
                let variable = variable.chars().take(MAX_NAME_CHARS).collect();
                return Err(SecretsError::Variable { variable, secret: secret.clone(), problem });
            }
            self.0.insert(variable, Entry { value, secret: secret.clone() });
        }
        Ok(())
    }

    fn problem(
        &self,
        variable: &str,
        in_environment: &dyn Fn(&str) -> bool,
    ) -> Option<VariableProblem> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let digit_first = variable.starts_with(|c: char| c.is_ascii_digit());
        if variable.is_empty()
            || variable.len() > MAX_NAME_CHARS
            || digit_first
            || !variable.chars().all(plain)
        {
            return Some(VariableProblem::Name);
        }
        match naming(variable) {
            Naming::Secret | Naming::Other => {}
            Naming::Open => return Some(VariableProblem::Open),
            Naming::Unknown => return Some(VariableProblem::Unknown),
            Naming::Platform => return Some(VariableProblem::NotOurs),
        }
        if in_environment(variable) {
            return Some(VariableProblem::InEnvironment);
        }
        self.0.get(variable).map(|entry| VariableProblem::InSecret(entry.secret.clone()))
    }
}

/// The pairs of a JSON object in their order, those that repeat a name too.
struct Texts(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Texts(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests;
