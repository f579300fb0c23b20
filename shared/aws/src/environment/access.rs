//! Who may use the API, how often, and whose specifications are accepted.

use beacon_core::access::Role;
use beacon_evidence::trust::TrustList;

use super::{ConfigError, optional, trusted_keys};
use crate::tokens::Tokens;

/// The variable of each role's tokens.
const TOKENS: [(&str, Role); 3] = [
    ("BEACON_ADMIN_TOKENS", Role::Admin),
    ("BEACON_SUBMITTER_TOKENS", Role::Submitter),
    ("BEACON_READER_TOKENS", Role::Reader),
];
const REQUESTS_PER_MINUTE: &str = "BEACON_REQUESTS_PER_MINUTE";
/// Requests a minute that a setting may allow.
const MOST: u32 = 1_000_000;

/// Tokens and their allowance, and keys that are trusted.
#[derive(Debug, Clone, Default)]
pub struct AccessSettings {
    /// The tokens that are accepted.
    pub tokens: Tokens,
    /// Requests a minute of each token; none where it is not set.
    pub requests_per_minute: Option<u32>,
    /// Whose signed specifications are accepted, and no others; none where nothing need be signed.
    pub trusted_keys: Option<TrustList>,
}

impl AccessSettings {
    /// Requests a minute of each token on AWS, unless set.
    pub const REQUESTS_PER_MINUTE: u32 = 600;
}

/// The tokens from `BEACON_ADMIN_TOKENS`, `BEACON_SUBMITTER_TOKENS` and `BEACON_READER_TOKENS`
/// (each a list with commas; a token, or `sha256:` and its hash), their allowance from
/// `BEACON_REQUESTS_PER_MINUTE`, and the keys of [`trusted_keys`].
pub fn access_settings() -> Result<AccessSettings, ConfigError> {
    access_settings_from(&optional, trusted_keys()?)
}

/// The tokens of [`access_settings`], where nobody could use the API without any.
pub fn required_tokens() -> Result<Tokens, ConfigError> {
    let tokens = tokens_from(&optional)?;
    if tokens.is_empty() {
        return Err(ConfigError::Missing {
            variable: "BEACON_ADMIN_TOKENS",
            purpose: "without a token nobody could use the API; BEACON_SUBMITTER_TOKENS and \
                      BEACON_READER_TOKENS allow less",
        });
    }
    Ok(tokens)
}

/// The allowance of [`access_settings`], where somebody else knows the tokens.
pub fn requests_per_minute() -> Result<Option<u32>, ConfigError> {
    requests_per_minute_from(&optional)
}

type Read<'a> = &'a dyn Fn(&'static str) -> Option<String>;

fn access_settings_from(
    read: Read<'_>,
    trusted_keys: Option<TrustList>,
) -> Result<AccessSettings, ConfigError> {
    let requests_per_minute = requests_per_minute_from(read)?;
    Ok(AccessSettings { tokens: tokens_from(read)?, requests_per_minute, trusted_keys })
}

fn tokens_from(read: Read<'_>) -> Result<Tokens, ConfigError> {
    let mut tokens = Tokens::default();
    for (variable, role) in TOKENS {
        let Some(list) = read(variable) else { continue };
        tokens.add(role, &list).map_err(|error| ConfigError::Invalid {
            variable,
            value: "…".to_owned(),
            problem: error.to_string(),
        })?;
    }
    Ok(tokens)
}

fn requests_per_minute_from(read: Read<'_>) -> Result<Option<u32>, ConfigError> {
    read(REQUESTS_PER_MINUTE).map(|value| allowance(&value)).transpose()
}

/// The allowance that a setting names.
pub(super) fn allowance(value: &str) -> Result<u32, ConfigError> {
    let number = value.trim().parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| ConfigError::Invalid {
        variable: REQUESTS_PER_MINUTE,
        value: "…".to_owned(),
        problem: format!("must be a whole number from 1 to {MOST}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(set: &[(&'static str, &str)]) -> Result<AccessSettings, ConfigError> {
        let read = |name| {
            set.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        };
        access_settings_from(&read, None)
    }

    #[test]
    fn tokens_are_read_by_role() {
        let set = [
            ("BEACON_ADMIN_TOKENS", "admin-token-0123456"),
            ("BEACON_READER_TOKENS", "reader-token-012345,reader-token-543210"),
            ("BEACON_REQUESTS_PER_MINUTE", "90"),
        ];
        let settings = settings(&set).unwrap();
        let count = |role| settings.tokens.count(role);
        assert_eq!((count(Role::Admin), count(Role::Submitter), count(Role::Reader)), (1, 0, 2));
        assert_eq!(settings.requests_per_minute, Some(90));
    }

    #[test]
    fn a_mistake_names_its_variable_and_shows_no_token() {
        for (variable, value) in [
            ("BEACON_ADMIN_TOKENS", "secret"),
            ("BEACON_READER_TOKENS", "sha256:secret"),
            ("BEACON_REQUESTS_PER_MINUTE", "0"),
            ("BEACON_REQUESTS_PER_MINUTE", "many"),
        ] {
            let error = settings(&[(variable, value)]).unwrap_err().to_string();
            assert!(error.contains(variable) && !error.contains("secret"), "{error}");
        }
    }
}
