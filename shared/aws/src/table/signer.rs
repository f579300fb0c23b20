//! Public keys by their id: who verifies finds those of earlier keys too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use beacon_evidence::key::{PublicKey, SecretKey};
use jiff::Timestamp;

use super::item::{Item, text, time};
use super::key::{self, PK, SK};
use super::query::Query;
use super::{Table, TableError, request};

/// The key that signs, and whether the table knows its public half.
#[derive(Debug, Clone)]
pub struct Signer {
    key: Arc<SecretKey>,
    is_known: Arc<AtomicBool>,
}

impl Signer {
    /// Of a key that the table may not know.
    pub fn new(key: SecretKey) -> Self {
        Self { key: Arc::new(key), is_known: Arc::new(AtomicBool::new(false)) }
    }

    /// What it signs with.
    pub fn key(&self) -> &SecretKey {
        &self.key
    }
}

/// A public key whose private half signs, or signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownKey {
    /// It.
    pub public_key: PublicKey,
    /// When it was first told of.
    pub first_used_at: Timestamp,
}

impl Table {
    /// Tells the table a signer's public key, once a process. Keys are never taken away.
    pub async fn make_known(&self, signer: &Signer, now: Timestamp) -> Result<(), TableError> {
        if signer.is_known.load(Ordering::Relaxed) {
            return Ok(());
        }
        let public = signer.key.public();
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item(PK, text(key::SIGNERS))
            .item(SK, text(format!("{}{}", key::SIGNER, signer.key.id())))
            .item("public_key", text(public.to_string()))
            .item("first_used_at", time(now))
            .condition_expression("attribute_not_exists(pk)");
        match put.send().await.map_err(SdkError::into_service_error) {
            Ok(_) | Err(PutItemError::ConditionalCheckFailedException(_)) => {
                signer.is_known.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => Err(request("store a public key", error)),
        }
    }

    /// All public keys that ever signed, in no order, read strongly.
    pub async fn public_keys(&self) -> Result<Vec<KnownKey>, TableError> {
        let query = self.beginning(key::SIGNERS.to_owned(), key::SIGNER);
        let mut keys = Vec::new();
        Query::new(query, "read public keys")
            .whole(|item| {
                let item = Item(item);
                let (public_key, first_used_at) =
                    (item.required("public_key")?, item.time("first_used_at")?);
                keys.push(KnownKey { public_key, first_used_at });
                Ok(())
            })
            .await?;
        Ok(keys)
    }
}
