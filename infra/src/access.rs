//! Who may use the API of the local stack.

use beacon_aws::{AccessSettings, Door, TokenError, Tokens};
use beacon_core::access::Role;

/// Requests a minute of each token, unless set: one person's tools, which look often.
const REQUESTS_PER_MINUTE: u32 = 6000;

/// Who may use the API.
pub(crate) struct Access {
    tokens: Tokens,
    requests_per_minute: u32,
}

impl Access {
    /// The configured tokens, and the data directory's own, which allows everything.
    pub(crate) fn new(settings: AccessSettings, own: &str) -> Result<Self, TokenError> {
        let AccessSettings { mut tokens, requests_per_minute } = settings;
        tokens.add(Role::Admin, own)?;
        Ok(Self { tokens, requests_per_minute: requests_per_minute.unwrap_or(REQUESTS_PER_MINUTE) })
    }

    pub(crate) fn requests_per_minute(&self) -> u32 {
        self.requests_per_minute
    }

    pub(crate) fn door(&self) -> Door {
        Door::new(self.tokens.clone(), self.requests_per_minute)
    }
}
