//! A request that was let in: what is asked, by whom, and with what.

use beacon_aws::Caller;
use beacon_core::access::Role;
use jiff::Timestamp;

use crate::address::{Address, Method};
use crate::input::Input;

/// A request of somebody who signed in.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) address: Address,
    pub(crate) method: Method,
    /// Who asks.
    pub(crate) caller: Caller,
    /// Whether this Beacon takes changes at all.
    pub(crate) takes_changes: bool,
    /// What forms of the page carry.
    pub(crate) form_token: String,
    /// What stands behind the address.
    pub(crate) parameters: Input,
    /// What a form holds; empty where nothing was sent.
    pub(crate) form: Input,
    /// The session's, for signing out.
    pub(crate) session: beacon_aws::SessionId,
    /// The cookie's name.
    pub(crate) cookie: String,
    /// Whether the page travels over TLS.
    pub(crate) secure: bool,
    /// Whether a part of a page is asked for, by the page itself.
    pub(crate) is_part: bool,
    pub(crate) now: Timestamp,
}

impl Visit {
    /// Whether who asks may submit, cancel, retry and label.
    pub(crate) fn may_change(&self) -> bool {
        self.takes_changes && self.caller.role >= Role::Submitter
    }
}
