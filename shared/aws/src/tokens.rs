//! Tokens: what a request carries, compared with the configured ones in constant time.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use beacon_core::access::Role;
use beacon_core::prompt::hex;
use beacon_core::seal::from_hex;
use lambda_http::http::HeaderMap;
use lambda_http::http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

/// Fewest characters of a token.
const MIN_TOKEN_CHARS: usize = 16;
const HASHED: &str = "sha256:";

/// A configured token that cannot be one. It is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Too easy to guess.
    #[error("holds a token of fewer than {MIN_TOKEN_CHARS} characters")]
    Short,
    /// After `sha256:` there must be a hash.
    #[error("holds `sha256:` without 64 hexadecimal digits after it")]
    Hash,
    /// Headers cannot carry it.
    #[error("holds a token with characters other than printable ASCII without blanks")]
    Characters,
}

/// A token's SHA-256: the tokens themselves are not kept.
#[derive(Clone, Copy, PartialEq, Eq)]
struct TokenHash([u8; 32]);

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

impl TokenHash {
    fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    fn configured(text: &str) -> Result<Self, TokenError> {
        if let Some(digits) = text.strip_prefix(HASHED) {
            return from_hex(&digits.to_ascii_lowercase()).map(Self).ok_or(TokenError::Hash);
        }
        if !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err(TokenError::Characters);
        }
        if text.len() < MIN_TOKEN_CHARS {
            return Err(TokenError::Short);
        }
        Ok(Self::of(text))
    }

    fn name(self) -> String {
        hex(&self.0[..4])
    }

    fn mark(self) -> TokenMark {
        TokenMark(hex(&Sha256::new().chain_update("session ").chain_update(self.0).finalize()))
    }
}

/// What tells a token from all others and gives nothing of it away: a hash of its whole hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenMark(String);

impl TokenMark {
    /// One that was stored.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// For storing it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who asks, by the token presented; as the API's authorizer tells it to the functions behind the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The first eight digits of the token's hash: tells callers apart in logs, and gives nothing
    /// away.
    #[serde(rename = "caller")]
    pub name: String,
    /// What the token allows.
    pub role: Role,
}

/// What a request says of who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    /// Nothing.
    Nobody,
    /// A header that holds no token.
    Unreadable,
    /// A token that is not configured.
    Unknown,
    /// Somebody whom the issuer of the token gave no role.
    WithoutRole,
    /// A configured one.
    Known(Caller),
}

/// The tokens that are accepted.
#[derive(Debug, Clone, Default)]
pub struct Tokens(Vec<(TokenHash, Role)>);

impl Tokens {
    /// Adds a role's tokens: texts, or `sha256:` and the hash of one in hexadecimal, with commas
    /// between them.
    pub fn add(&mut self, role: Role, list: &str) -> Result<(), TokenError> {
        for text in list.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            self.0.push((TokenHash::configured(text)?, role));
        }
        Ok(())
    }

    /// What a session keeps of a token, if it is a configured one.
    pub fn mark(&self, token: &str) -> Option<TokenMark> {
        self.known(token).map(|_caller| TokenHash::of(token).mark())
    }

    /// What the token of a mark allows now; nothing where it is configured no more.
    pub fn marked(&self, mark: &TokenMark) -> Option<Caller> {
        let same = |hash: &TokenHash| hash.mark().0.as_bytes().ct_eq(mark.0.as_bytes());
        let of = self.0.iter().filter(|(hash, _)| bool::from(same(hash)));
        let (hash, role) = of.max_by_key(|(_, role)| *role)?;
        Some(Caller { name: hash.name(), role: *role })
    }

    /// Whether none is configured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a role has any.
    pub fn has(&self, role: Role) -> bool {
        self.0.iter().any(|(_, of)| *of == role)
    }

    /// What the token that a request presents allows; nothing where it presents none that is known.
    pub fn role_of(&self, headers: &HeaderMap) -> Option<Role> {
        match self.presented(headers) {
            Presented::Known(caller) => Some(caller.role),
            Presented::Nobody
            | Presented::Unreadable
            | Presented::Unknown
            | Presented::WithoutRole => None,
        }
    }

    #[cfg(test)]
    pub(crate) fn count(&self, role: Role) -> usize {
        self.0.iter().filter(|(_, of)| *of == role).count()
    }

    /// Who presents these headers.
    pub(crate) fn presented(&self, headers: &HeaderMap) -> Presented {
        // What is no text holds no token.
        self.shown(headers.get(AUTHORIZATION).map(|header| header.to_str().unwrap_or_default()))
    }

    /// Who presents `Authorization: Bearer TOKEN`, or `Basic` with the token as password, which is
    /// what `http://beacon:TOKEN@host` becomes.
    pub fn shown(&self, authorization: Option<&str>) -> Presented {
        let Some(header) = authorization else { return Presented::Nobody };
        let Some(token) = token_of(header) else { return Presented::Unreadable };
        self.known(&token).map_or(Presented::Unknown, Presented::Known)
    }

    /// Looks at every token, so that the time taken says nothing about any. Of a token with two
    /// roles the higher counts.
    pub fn known(&self, token: &str) -> Option<Caller> {
        let presented = TokenHash::of(token);
        let mut role = None;
        for (hash, of) in &self.0 {
            if bool::from(hash.0.ct_eq(&presented.0)) {
                role = role.max(Some(*of));
            }
        }
        role.map(|role| Caller { name: presented.name(), role })
    }
}

fn token_of(header: &str) -> Option<String> {
    let (scheme, value) = header.trim().split_once(' ')?;
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.to_owned()).filter(|token| !token.is_empty());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (_, password) = pair.split_once(':')?;
    Some(password.to_owned()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const READER: &str = "reader-token-0123";
    const ADMIN: &str = "admin-token-01234";

    fn tokens() -> Tokens {
        let mut tokens = Tokens::default();
        tokens.add(Role::Reader, &format!("{READER}, other-reader-token,")).unwrap();
        let hash = hex(&Sha256::digest(ADMIN)).to_uppercase();
        tokens.add(Role::Admin, &format!("sha256:{hash}")).unwrap();
        tokens
    }

    fn presented(authorization: &str) -> Presented {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization.parse().unwrap());
        tokens().presented(&headers)
    }

    fn role(authorization: &str) -> Option<Role> {
        match presented(authorization) {
            Presented::Known(caller) => Some(caller.role),
            Presented::Nobody
            | Presented::Unreadable
            | Presented::Unknown
            | Presented::WithoutRole => None,
        }
    }

    #[test]
    fn a_token_is_known_by_either_scheme_and_by_its_hash() {
        assert_eq!(role(&format!("Bearer {READER}")), Some(Role::Reader));
        assert_eq!(role(&format!("bearer  {ADMIN} ")), Some(Role::Admin));
        let basic = STANDARD.encode(format!("anybody:{ADMIN}"));
        assert_eq!(role(&format!("Basic {basic}")), Some(Role::Admin));
    }

    #[test]
    fn what_is_no_token_is_told_from_one_that_is_not_known() {
        assert_eq!(tokens().presented(&HeaderMap::new()), Presented::Nobody);
        for unreadable in ["", "Bearer", "Bearer ", "Token x", "Basic !!", "Basic eA=="] {
            assert_eq!(presented(unreadable), Presented::Unreadable, "{unreadable}");
        }
        for unknown in ["Bearer x", "Bearer reader-token-012", "Bearer sha256:00"] {
            assert_eq!(presented(unknown), Presented::Unknown, "{unknown}");
        }
    }

    #[test]
    fn a_configured_token_that_cannot_be_one_is_refused_without_showing_it() {
        let add = |text: &str| Tokens::default().add(Role::Reader, text).unwrap_err();
        assert_eq!(add("short"), TokenError::Short);
        assert_eq!(add("sha256:abc"), TokenError::Hash);
        assert_eq!(add("with a blank in it"), TokenError::Characters);
        assert!(!format!("{:?}", tokens()).contains("reader-token"));
    }

    #[test]
    fn a_mark_is_of_one_token_and_allows_what_the_token_does_now() {
        let tokens = tokens();
        let mark = tokens.mark(ADMIN).unwrap();
        assert_eq!(tokens.marked(&mark), tokens.known(ADMIN));
        assert_eq!(tokens.mark("not-a-token-0123"), None);
        let mut others = Tokens::default();
        others.add(Role::Reader, READER).unwrap();
        assert_eq!(others.marked(&mark), None);
        // The name alone, which many see, is no mark.
        let name = tokens.known(ADMIN).unwrap().name;
        assert_eq!(tokens.marked(&TokenMark::stored(name)), None);
    }

    #[test]
    fn of_a_token_with_two_roles_the_higher_counts() {
        let mut tokens = tokens();
        tokens.add(Role::Submitter, READER).unwrap();
        assert_eq!(tokens.known(READER).map(|caller| caller.role), Some(Role::Submitter));
    }
}
