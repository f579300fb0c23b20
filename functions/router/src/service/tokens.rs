//! Who may use the service, by the tokens that requests present.

use std::env::VarError;
use std::net::SocketAddr;

use axum::http::{HeaderMap, StatusCode};
use beacon_aws::{TokenError, Tokens};
use beacon_core::access::Role;
use thiserror::Error;

const CALLERS: &str = "BEACON_ROUTER_TOKENS";
const ADMINS: &str = "BEACON_ROUTER_ADMIN_TOKENS";

/// Why a router with these tokens cannot be started.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AccessError {
    /// A variable that holds no tokens. What it holds is not shown.
    #[error("`{variable}` {problem}")]
    Tokens {
        /// Its name.
        variable: &'static str,
        /// What is wrong.
        problem: TokenError,
    },
    /// A variable that is no text.
    #[error("`{0}` is not UTF-8")]
    NotUnicode(&'static str),
    /// Anybody could reach it, and it asks nobody for a token.
    #[error(
        "`{0}` is not on this machine: without tokens in `{CALLERS}` anybody could spend there, \
         set some or listen on 127.0.0.1"
    )]
    Exposed(SocketAddr),
}

/// Why a request is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It shows no token, or one that is not known.
    Unknown,
    /// Its token allows calls and nothing else.
    NotAdmin,
    /// Nobody could be an administrator: no such token is configured.
    NoAdmins,
}

impl Refused {
    /// Status, and what is wrong for people.
    pub(super) fn told(self) -> (StatusCode, &'static str) {
        match self {
            Self::Unknown => {
                (StatusCode::UNAUTHORIZED, "a known token is needed: Authorization: Bearer TOKEN")
            }
            Self::NotAdmin => (StatusCode::FORBIDDEN, "an administrator's token is needed"),
            Self::NoAdmins => (
                StatusCode::FORBIDDEN,
                "no administrator's token is set: BEACON_ROUTER_ADMIN_TOKENS",
            ),
        }
    }
}

/// The tokens that the service accepts. Without any for callers, whoever reaches it may call.
#[derive(Debug, Clone, Default)]
pub struct Access(Tokens);

/// What callers' tokens allow, in the project's roles.
const CALLER: Role = Role::Submitter;

impl Access {
    /// The tokens in `BEACON_ROUTER_TOKENS` and `BEACON_ROUTER_ADMIN_TOKENS`: each a list with
    /// commas of tokens, or of `sha256:` and the hash of one in hexadecimal.
    #[expect(clippy::disallowed_methods, reason = "the variables of who may use it")]
    pub fn from_environment() -> Result<Self, AccessError> {
        Self::from_variables(&|name| std::env::var(name))
    }

    /// The same, from the two lists.
    pub fn new(callers: &str, admins: &str) -> Result<Self, AccessError> {
        let mut tokens = Tokens::default();
        for (variable, role, list) in [(CALLERS, CALLER, callers), (ADMINS, Role::Admin, admins)] {
            let added = tokens.add(role, list);
            added.map_err(|problem| AccessError::Tokens { variable, problem })?;
        }
        Ok(Self(tokens))
    }

    fn from_variables(
        read: &dyn Fn(&'static str) -> Result<String, VarError>,
    ) -> Result<Self, AccessError> {
        let list = |variable| match read(variable) {
            Ok(list) => Ok(list),
            Err(VarError::NotPresent) => Ok(String::new()),
            Err(VarError::NotUnicode(_)) => Err(AccessError::NotUnicode(variable)),
        };
        Self::new(&list(CALLERS)?, &list(ADMINS)?)
    }

    /// Whether a service with these tokens may listen there.
    pub fn may_listen(&self, address: SocketAddr) -> Result<(), AccessError> {
        let closed = address.ip().to_canonical().is_loopback() || self.0.has(CALLER);
        if closed { Ok(()) } else { Err(AccessError::Exposed(address)) }
    }

    /// Whether a request may call, look and stop. Administrators may.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Result<(), Refused> {
        if !self.0.has(CALLER) {
            return Ok(());
        }
        self.0.role_of(headers).map(|_known| ()).ok_or(Refused::Unknown)
    }

    /// Whether a request may do what administrators may.
    pub(super) fn admin(&self, headers: &HeaderMap) -> Result<(), Refused> {
        if !self.0.has(Role::Admin) {
            return Err(Refused::NoAdmins);
        }
        match self.0.role_of(headers) {
            Some(Role::Admin) => Ok(()),
            Some(Role::Submitter | Role::Reader) => Err(Refused::NotAdmin),
            None => Err(Refused::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::AUTHORIZATION;
    use beacon_core::prompt::hex;
    use sha2::{Digest as _, Sha256};

    use super::*;

    const TOKEN: &str = "caller-token-0123";
    const ADMIN: &str = "admin-token-01234";

    fn headers(authorization: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, authorization.parse().unwrap())])
    }

    fn access() -> Access {
        let hash = hex(&Sha256::digest(ADMIN)).to_uppercase();
        Access::new(&format!("{TOKEN}, other-caller-token,"), &format!("sha256:{hash}")).unwrap()
    }

    #[test]
    fn callers_call_and_administrators_do_both() {
        let table = [
            (format!("Bearer {TOKEN}"), Ok(()), Err(Refused::NotAdmin)),
            (format!("bearer  {ADMIN} "), Ok(()), Ok(())),
            ("Bearer other-caller-token".to_owned(), Ok(()), Err(Refused::NotAdmin)),
            ("Bearer caller-token-012".to_owned(), Err(Refused::Unknown), Err(Refused::Unknown)),
            (TOKEN.to_owned(), Err(Refused::Unknown), Err(Refused::Unknown)),
            (format!("Basic {TOKEN}"), Err(Refused::Unknown), Err(Refused::Unknown)),
            ("Bearer ".to_owned(), Err(Refused::Unknown), Err(Refused::Unknown)),
        ];
        for (authorization, caller, admin) in table {
            let headers = headers(&authorization);
            assert_eq!(access().caller(&headers), caller, "{authorization}");
            assert_eq!(access().admin(&headers), admin, "{authorization}");
        }
        assert_eq!(access().caller(&HeaderMap::new()), Err(Refused::Unknown));
    }

    #[test]
    fn without_tokens_anybody_calls_and_nobody_administers() {
        let open = Access::default();
        assert_eq!(open.caller(&HeaderMap::new()), Ok(()));
        assert_eq!(open.admin(&headers("Bearer ")), Err(Refused::NoAdmins));
    }

    #[test]
    fn a_service_that_asks_for_no_token_stays_on_this_machine() {
        let may = |access: &Access, at: &str| access.may_listen(at.parse().unwrap()).is_ok();
        for here in ["127.0.0.1:80", "127.9.9.9:0", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert!(may(&Access::default(), here), "{here}");
        }
        for open in ["0.0.0.0:80", "[::]:80", "192.168.0.1:80", "[::ffff:10.0.0.1]:80"] {
            assert!(!may(&Access::default(), open), "{open}");
            assert!(may(&access(), open), "{open}");
        }
        let admins = Access::new("", ADMIN).unwrap();
        assert!(!may(&admins, "0.0.0.0:80"));
    }

    #[test]
    fn a_mistake_names_its_variable_and_shows_no_token() {
        for list in ["secret", "secret with blanks in it", "sha256:secret", "sha256:+5"] {
            for (callers, admins, named) in [(list, "", CALLERS), ("", list, ADMINS)] {
                let error = Access::new(callers, admins).unwrap_err().to_string();
                assert!(error.contains(named) && !error.contains("secret"), "{error}");
            }
        }
        assert!(!format!("{:?}", access()).contains("token-0"));
    }

    #[test]
    fn variables_that_are_blank_or_unset_hold_no_tokens() {
        let read = |name| match name {
            CALLERS => Ok(" , ".to_owned()),
            _ => Err(VarError::NotPresent),
        };
        assert!(Access::from_variables(&read).unwrap().0.is_empty());
    }
}
