//! The public keys to verify with.

use std::path::Path;

use beacon_evidence::key::{KeyRing, PublicKey};
use beacon_evidence::published::PublishedKeys;

use super::VerifyError;
use crate::arguments::{Arguments, Verify};
use crate::command::CommandError;
use crate::connect::{ConnectError, Connection};

/// Keys, and who gave them.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) ring: KeyRing,
    /// The Beacon that was asked for its own; none where they were given.
    pub(super) of_beacon: Option<String>,
}

/// Those that are given, or else those that the Beacon at hand says are its own.
pub(super) async fn keys(arguments: &Arguments, options: &Verify) -> Result<Keys, CommandError> {
    if !options.has_keys() {
        return of_beacon(arguments).await;
    }
    let mut all = Vec::new();
    for given in &options.key {
        let key = PublicKey::read(given.trim());
        let cut = || given.chars().take(80).collect();
        all.push(key.map_err(|source| VerifyError::Key { given: cut(), source })?);
    }
    if let Some(path) = &options.keys {
        all.extend(of_file(path)?.keys());
    }
    Ok(Keys { ring: all.into_iter().collect(), of_beacon: None })
}

fn of_file(path: &Path) -> Result<KeyRing, VerifyError> {
    let unreadable = |source| VerifyError::Unreadable { path: path.to_owned(), source };
    let json = std::fs::read(path).map_err(unreadable)?;
    let keys = PublishedKeys::read(&json);
    keys.map_err(|source| VerifyError::Keys { path: path.to_owned(), source })
}

async fn of_beacon(arguments: &Arguments) -> Result<Keys, CommandError> {
    let connection = match Connection::for_read(arguments).await {
        Ok(connection) => connection,
        Err(error @ ConnectError::NoData(_)) => {
            return Err(VerifyError::NoKey(Some(Box::new(error))).into());
        }
        Err(error) => return Err(error.into()),
    };
    let (keys, base) = (connection.api.keys().await, connection.api.base().to_owned());
    let of_beacon = match &connection.own {
        Some(_) => format!("the Beacon in `{}`", arguments.data.display()),
        None => format!("the Beacon at {base}"),
    };
    connection.close().await;
    let keys = keys?;
    if keys.keys.is_empty() {
        return Err(VerifyError::NoKey(None).into());
    }
    let ring = keys.ring().map_err(|source| VerifyError::Answered { base, source })?;
    Ok(Keys { ring, of_beacon: Some(of_beacon) })
}
