//! Who may use the service: tokens, of which only hashes are kept, compared in constant time.

use std::env::VarError;
use std::fmt;
use std::net::SocketAddr;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

const CALLERS: &str = "BEACON_ROUTER_TOKENS";
const ADMINS: &str = "BEACON_ROUTER_ADMIN_TOKENS";
/// Fewest characters of a token, as everywhere in Beacon.
const MIN_TOKEN_CHARS: usize = 16;
const HASHED: &str = "sha256:";

/// Why a router with these tokens cannot be started.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AccessError {
    /// A variable that holds no tokens. What it holds is not shown.
    #[error("`{variable}` {problem}")]
    Tokens {
        /// Its name.
        variable: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
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

/// A token's SHA-256.
#[derive(Clone, Copy)]
struct TokenHash([u8; 32]);

#[derive(Debug, Clone, Default)]
struct Tokens(Vec<TokenHash>);

/// The tokens that the service accepts. Without any for callers, whoever reaches it may call.
#[derive(Debug, Clone, Default)]
pub struct Access {
    callers: Tokens,
    admins: Tokens,
}

impl Access {
    /// The tokens in `BEACON_ROUTER_TOKENS` and `BEACON_ROUTER_ADMIN_TOKENS`: each a list with
    /// commas of tokens, or of `sha256:` and the hash of one in hexadecimal.
    #[expect(clippy::disallowed_methods, reason = "the variables of who may use it")]
    pub fn from_environment() -> Result<Self, AccessError> {
        Self::from_variables(&|name| std::env::var(name))
    }

    /// The same, from the two lists.
    pub fn new(callers: &str, admins: &str) -> Result<Self, AccessError> {
        Ok(Self {
            callers: Tokens::configured(CALLERS, callers)?,
            admins: Tokens::configured(ADMINS, admins)?,
        })
    }

    fn from_variables(
        read: &dyn Fn(&'static str) -> Result<String, VarError>,
    ) -> Result<Self, AccessError> {
        let list = |variable| match read(variable) {
            Ok(list) => Ok(list),
            Err(VarError::NotPresent) => Ok(String::new()),
            Err(VarError::NotUnicode(_)) => {
                Err(AccessError::Tokens { variable, problem: "is not UTF-8" })
            }
        };
        Self::new(&list(CALLERS)?, &list(ADMINS)?)
    }

    /// Whether a service with these tokens may listen there.
    pub fn may_listen(&self, address: SocketAddr) -> Result<(), AccessError> {
        let closed = address.ip().to_canonical().is_loopback() || !self.callers.0.is_empty();
        if closed { Ok(()) } else { Err(AccessError::Exposed(address)) }
    }

    /// Whether a request may call, look and stop. Administrators may.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Result<(), Refused> {
        if self.callers.0.is_empty() {
            return Ok(());
        }
        let shown = shown(headers).ok_or(Refused::Unknown)?;
        // Both are looked at, so that the time taken does not tell them apart.
        if self.callers.hold(shown) | self.admins.hold(shown) {
            Ok(())
        } else {
            Err(Refused::Unknown)
        }
    }

    /// Whether a request may do what administrators may.
    pub(super) fn admin(&self, headers: &HeaderMap) -> Result<(), Refused> {
        if self.admins.0.is_empty() {
            return Err(Refused::NoAdmins);
        }
        let shown = shown(headers).ok_or(Refused::Unknown)?;
        match (self.admins.hold(shown), self.callers.hold(shown)) {
            (true, _) => Ok(()),
            (false, true) => Err(Refused::NotAdmin),
            (false, false) => Err(Refused::Unknown),
        }
    }
}

/// The token of `Authorization: Bearer TOKEN`, hashed.
fn shown(headers: &HeaderMap) -> Option<TokenHash> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| TokenHash::of(token.trim()))
}

impl Tokens {
    fn configured(variable: &'static str, list: &str) -> Result<Self, AccessError> {
        let texts = list.split(',').map(str::trim).filter(|text| !text.is_empty());
        let hashes = texts.map(TokenHash::configured).collect::<Result<_, _>>();
        hashes.map(Self).map_err(|problem| AccessError::Tokens { variable, problem })
    }

    /// Compares with every one, so that the time taken says nothing about any.
    fn hold(&self, shown: TokenHash) -> bool {
        let same = |hash: &TokenHash| bool::from(hash.0.ct_eq(&shown.0));
        self.0.iter().fold(false, |held, hash| held | same(hash))
    }
}

impl TokenHash {
    fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    fn configured(text: &str) -> Result<Self, &'static str> {
        if let Some(digits) = text.strip_prefix(HASHED) {
            return Self::from_hex(digits)
                .ok_or("holds `sha256:` without 64 hexadecimal digits after it");
        }
        if !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err("holds a token with characters other than printable ASCII without blanks");
        }
        if text.len() < MIN_TOKEN_CHARS {
            return Err("holds a token of fewer than 16 characters");
        }
        Ok(Self::of(text))
    }

    fn from_hex(digits: &str) -> Option<Self> {
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use beacon_core::prompt::hex;

    use super::*;

    const CALLER: &str = "caller-token-0123";
    const ADMIN: &str = "admin-token-01234";

    fn headers(authorization: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, authorization.parse().unwrap())])
    }

    fn access() -> Access {
        let hash = hex(&Sha256::digest(ADMIN)).to_uppercase();
        Access::new(&format!("{CALLER}, other-caller-token,"), &format!("sha256:{hash}")).unwrap()
    }

    #[test]
    fn callers_call_and_administrators_do_both() {
        let table = [
            (format!("Bearer {CALLER}"), Ok(()), Err(Refused::NotAdmin)),
            (format!("bearer  {ADMIN} "), Ok(()), Ok(())),
            ("Bearer other-caller-token".to_owned(), Ok(()), Err(Refused::NotAdmin)),
            ("Bearer caller-token-012".to_owned(), Err(Refused::Unknown), Err(Refused::Unknown)),
            (CALLER.to_owned(), Err(Refused::Unknown), Err(Refused::Unknown)),
            (format!("Basic {CALLER}"), Err(Refused::Unknown), Err(Refused::Unknown)),
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
        assert!(Access::from_variables(&read).unwrap().callers.0.is_empty());
    }
}
