//! Sessions of browsers: who signed in, known by the hash of what the cookie holds.

use beacon_core::prompt::hex;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::item::{Item, number, text, time};
use super::key::{self, PK, SK};
use super::{Table, TableError, request};
use crate::tokens::TokenMark;

/// A session as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The token that it began with.
    pub token: TokenMark,
    /// When it is over.
    pub until: Timestamp,
}

/// What a session's cookie holds. The table has its hash alone.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId(String);

impl std::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionId(…)")
    }
}

impl SessionId {
    /// One that nobody can guess: 256 bits.
    pub fn fresh() -> Self {
        Self(hex(&rand::random::<[u8; 32]>()))
    }

    /// What a cookie holds, if it is of the right form.
    pub fn read(text: &str) -> Option<Self> {
        let is_id =
            text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_id.then(|| Self(text.to_owned()))
    }

    /// For the cookie.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> String {
        hex(&Sha256::digest(&self.0))
    }
}

impl Table {
    /// Begins a session.
    pub async fn begin_session(&self, id: &SessionId, session: &Session) -> Result<(), TableError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item(PK, text(key::session(&id.hash())))
            .item(SK, text(key::SESSION))
            .item("token", text(session.token.as_str()))
            .item("until", time(session.until))
            .item("expires_at", number(session.until.as_second()))
            .condition_expression("attribute_not_exists(pk)");
        put.send().await.map_err(|error| request("begin a session", error))?;
        Ok(())
    }

    /// A session that is not over; the time in it decides, and not whether it was deleted yet.
    pub async fn session(
        &self,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Option<Session>, TableError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(PK, text(key::session(&id.hash())))
            .key(SK, text(key::SESSION))
            .consistent_read(true);
        let got = get.send().await.map_err(|error| request("read a session", error))?;
        let Some(attributes) = got.item else { return Ok(None) };
        let item = Item(&attributes);
        let session =
            Session { token: TokenMark::stored(item.text("token")?), until: item.time("until")? };
        Ok(Some(session).filter(|session| session.until > now))
    }

    /// Ends a session, whether or not it is there.
    pub async fn end_session(&self, id: &SessionId) -> Result<(), TableError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.name)
            .key(PK, text(key::session(&id.hash())))
            .key(SK, text(key::SESSION));
        delete.send().await.map_err(|error| request("end a session", error))?;
        Ok(())
    }
}
