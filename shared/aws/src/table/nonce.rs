//! Nonces of signed specifications: each is spent once.

use std::time::Duration;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use beacon_core::seal::KeyId;
use jiff::Timestamp;

use super::item::{Item, number, text, time};
use super::key::{self, PK, SK};
use super::{Table, TableError, request};

const ACT: &str = "remember a nonce";
/// Before what nobody needs any more is deleted, which saves storage; nothing rests on it.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// A nonce that is being spent.
#[derive(Debug, Clone, Copy)]
pub struct SpentNonce<'a> {
    /// Whose it is.
    pub key: &'a KeyId,
    /// The nonce.
    pub nonce: &'a str,
    /// What the request that spends it is known by: a repeated one is the same.
    pub request: &'a str,
    /// Until when it is spent.
    pub until: Timestamp,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonceUse {
    /// It was not spent before.
    First,
    /// It was spent by the same request.
    Repeated,
    /// It was spent by another.
    Replayed,
}

impl Table {
    /// Spends a nonce, unless it is spent. The condition alone decides, so that of two at once one does.
    pub async fn spend_nonce(
        &self,
        spent: SpentNonce<'_>,
        now: Timestamp,
    ) -> Result<NonceUse, TableError> {
        let SpentNonce { key, nonce, request: by, until } = spent;
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item(PK, text(key::nonce(key, nonce)))
            .item(SK, text(key::NONCE))
            .item("request", text(by))
            .item("until", time(until))
            .item(
                "expires_at",
                number(until.as_second().saturating_add(KEPT.as_secs().cast_signed())),
            )
            .condition_expression("attribute_not_exists(pk) OR #until < :now")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":now", time(now))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match put.send().await {
            Ok(_) => Ok(NonceUse::First),
            Err(error) => {
                let error = error.into_service_error();
                let PutItemError::ConditionalCheckFailedException(refusal) = error else {
                    return Err(request(ACT, error));
                };
                let item = refusal.item.unwrap_or_default();
                let same = Item(&item).text("request")? == by;
                Ok(if same { NonceUse::Repeated } else { NonceUse::Replayed })
            }
        }
    }
}
