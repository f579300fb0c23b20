//! Calls with a key that routers share: one item each, written whole against the version seen.

use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use beacon_core::shared_call::{CallWrite, RequestDigest, SharedCall, SharedEnding, SharedState};
use beacon_core::wire::{CallKey, InferenceResponse};
use serde::{Deserialize, Serialize};
use zstd::bulk::decompress;

use super::item::{Attributes, Item, bytes, number, text, variant_name};
use super::key::{self, PK, SK};
use super::{Table, TableError, request};

/// Speed before size: an answer is written while somebody waits for it.
const LEVEL: i32 = 3;
/// Bytes of a compressed answer; an item holds 400 KB with everything in it.
const MOST: usize = 380 * 1024;
/// Bytes of an answer that is read back.
const MOST_READ: usize = 16 * 1024 * 1024;
/// Kept so much longer than it counts, so that the table's own clean-up decides nothing.
const SPARE: Duration = Duration::from_secs(24 * 60 * 60);

/// What became of a write of a shared call.
#[derive(Debug, Clone, PartialEq)]
pub enum CallUpdate {
    /// It happened.
    Applied,
    /// Another version stands: the call as it is, if there is one.
    Refused(Option<Box<SharedCall>>),
}

/// The state's name in the table.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Running,
    Done,
    Dropped,
    Stopped,
}

impl Table {
    /// Makes a conditional write of a shared call, which is kept at least `age` after its time.
    pub async fn write_call(
        &self,
        key: &CallKey,
        write: &CallWrite,
        age: Duration,
    ) -> Result<CallUpdate, TableError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(call_item(key, &write.call, age)?))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match write.seen {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(seen) => put
                .condition_expression("#version = :seen")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":seen", number(seen)),
        };
        match put.send().await {
            Ok(_) => Ok(CallUpdate::Applied),
            Err(error) => refused(error),
        }
    }

    /// Reads a shared call, strongly or as it was a moment ago.
    pub async fn call(
        &self,
        key: &CallKey,
        strongly: bool,
    ) -> Result<Option<SharedCall>, TableError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(PK, text(key::call(key)))
            .key(SK, text(key::CALL))
            .consistent_read(strongly);
        let get = get.send().await.map_err(|error| request("read a call", error))?;
        get.item.as_ref().map(call_of).transpose()
    }

    /// Since when routers share their calls, Unix milliseconds: since now, if nobody did before.
    pub async fn calls_shared_since(&self, now_ms: u64) -> Result<u64, TableError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item(PK, text(key::CALLS))
            .item(SK, text(key::CALLS))
            .item("since_ms", number(now_ms))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match put.send().await {
            Ok(_) => Ok(now_ms),
            Err(error) => {
                let error = error.into_service_error();
                let PutItemError::ConditionalCheckFailedException(refusal) = error else {
                    return Err(request("tell since when calls are shared", error));
                };
                Item(&refusal.item.unwrap_or_default()).number("since_ms")
            }
        }
    }
}

fn refused(error: SdkError<PutItemError>) -> Result<CallUpdate, TableError> {
    let error = error.into_service_error();
    if error.code() == Some("ValidationException") {
        return Err(TableError::NotStorable { source: Box::new(error) });
    }
    let PutItemError::ConditionalCheckFailedException(refusal) = error else {
        return Err(request("store a call", error));
    };
    let seen = refusal.item.as_ref().map(call_of).transpose()?;
    Ok(CallUpdate::Refused(seen.map(Box::new)))
}

fn call_item(key: &CallKey, call: &SharedCall, age: Duration) -> Result<Attributes, TableError> {
    let mut item = Attributes::with_capacity(16);
    let mut put = |name: &str, value: AttributeValue| {
        item.insert(name.to_owned(), value);
    };
    put(PK, text(key::call(key)));
    put(SK, text(key::CALL));
    put("version", number(call.version));
    put("begun_ms", number(call.begun_ms));
    put("earlier_maybe_billed", number(call.earlier_maybe_billed));
    if let Some(digest) = call.digest {
        put("digest", bytes(digest.to_vec()));
    }
    if let Some(owner) = &call.owner {
        put("owner", text(owner.as_str()));
    }
    if let Some(url) = &call.result_url {
        put("result_url", text(url.as_str()));
    }
    let (state, at_ms) = match &call.state {
        SharedState::Running { lease_until_ms, stop_asked } => {
            put("lease_until_ms", number(lease_until_ms));
            put("stop_asked", AttributeValue::Bool(*stop_asked));
            (State::Running, *lease_until_ms)
        }
        SharedState::Ended { at_ms, ending } => {
            put("ended_ms", number(at_ms));
            let state = match ending {
                SharedEnding::Done(response) => {
                    put("response", bytes(compressed(response)?));
                    State::Done
                }
                SharedEnding::Dropped { maybe_billed } => {
                    put("maybe_billed", AttributeValue::Bool(*maybe_billed));
                    State::Dropped
                }
                SharedEnding::Stopped { maybe_billed } => {
                    put("maybe_billed", AttributeValue::Bool(*maybe_billed));
                    State::Stopped
                }
            };
            (state, *at_ms)
        }
    };
    put("state", text(variant_name(&state)));
    let until = Duration::from_millis(at_ms).saturating_add(age).saturating_add(SPARE);
    put("expires_at", number(until.as_secs()));
    Ok(item)
}

fn call_of(attributes: &Attributes) -> Result<SharedCall, TableError> {
    let item = Item(attributes);
    let flag = |name| match attributes.get(name).map(AttributeValue::as_bool) {
        Some(Ok(flag)) => Ok(*flag),
        Some(Err(_)) | None => Err(item.corrupt(name)),
    };
    let ended = |ending| Ok(SharedState::Ended { at_ms: item.number("ended_ms")?, ending });
    Ok(SharedCall {
        version: item.number("version")?,
        digest: digest_of(item)?,
        owner: item.optional("owner")?,
        begun_ms: item.number("begun_ms")?,
        earlier_maybe_billed: item.number("earlier_maybe_billed")?,
        result_url: item.optional_text("result_url")?,
        state: match item.variant("state")? {
            State::Running => SharedState::Running {
                lease_until_ms: item.number("lease_until_ms")?,
                stop_asked: flag("stop_asked")?,
            },
            State::Done => ended(SharedEnding::Done(Box::new(response_of(item)?)))?,
            State::Dropped => ended(SharedEnding::Dropped { maybe_billed: flag("maybe_billed")? })?,
            State::Stopped => ended(SharedEnding::Stopped { maybe_billed: flag("maybe_billed")? })?,
        },
    })
}

fn digest_of(item: Item<'_>) -> Result<Option<RequestDigest>, TableError> {
    let Some(value) = item.0.get("digest") else { return Ok(None) };
    let digest = value.as_b().ok().and_then(|blob| blob.as_ref().try_into().ok());
    digest.map(Some).ok_or_else(|| item.corrupt("digest"))
}

fn compressed(response: &InferenceResponse) -> Result<Vec<u8>, TableError> {
    let act = "store a call";
    let json = serde_json::to_vec(response).map_err(|error| request(act, error))?;
    let small = zstd::encode_all(json.as_slice(), LEVEL).map_err(|error| request(act, error))?;
    if small.len() > MOST {
        let error = std::io::Error::from(std::io::ErrorKind::FileTooLarge);
        return Err(TableError::NotStorable { source: Box::new(error) });
    }
    Ok(small)
}

fn response_of(item: Item<'_>) -> Result<InferenceResponse, TableError> {
    let stored = item.0.get("response").and_then(|value| value.as_b().ok());
    let json = stored.and_then(|blob| decompress(blob.as_ref(), MOST_READ).ok());
    let response = json.and_then(|json| serde_json::from_slice(&json).ok());
    response.ok_or_else(|| item.corrupt("response"))
}
