//! Who may use the API of the local stack.

use std::sync::Arc;

use beacon_aws::{AccessSettings, Door, TokenError, Tokens};
use beacon_core::access::Role;
use beacon_evidence::trust::TrustList;
use beacon_intake::Intake;
use beacon_portal::{OneTime, Portal};
use beacon_query::Query;

/// Requests a minute of each token, unless set: one person's tools, which look often.
const REQUESTS_PER_MINUTE: u32 = 6000;

/// The door of all functions, so that an allowance is one.
pub(crate) struct Access {
    pub(crate) door: Arc<Door>,
    tokens: Tokens,
    pub(crate) requests_per_minute: u32,
    pub(crate) trusted_keys: Option<TrustList>,
}

impl Access {
    /// The configured tokens, and the data directory's own, which allows everything.
    pub(crate) fn new(settings: AccessSettings, own: &str) -> Result<Self, TokenError> {
        let AccessSettings { mut tokens, requests_per_minute, trusted_keys } = settings;
        tokens.add(Role::Admin, own)?;
        let requests_per_minute = requests_per_minute.unwrap_or(REQUESTS_PER_MINUTE);
        let door = Arc::new(Door::new(tokens.clone(), requests_per_minute));
        Ok(Self { door, tokens, requests_per_minute, trusted_keys })
    }

    /// The portal, and the code that its address carries: it lets in as the directory's own token does.
    pub(crate) fn portal(
        &self,
        own: &str,
        query: Arc<Query>,
        intake: Option<Arc<Intake>>,
    ) -> (Portal, Option<OneTime>) {
        let portal = Portal::new(self.tokens.clone(), self.requests_per_minute, query, intake);
        match self.tokens.mark(own).map(OneTime::fresh) {
            Some(once) => (portal.with_one_time(once.clone()), Some(once)),
            None => (portal, None),
        }
    }
}
