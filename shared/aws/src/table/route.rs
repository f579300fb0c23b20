//! What routers tell each other of a model at a provider: that it is not to be asked, and who tries
//! it. Times are Unix milliseconds of the router that wrote them.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use beacon_core::{ModelId, ProviderId};

use super::item::{Attributes, Item, number, text};
use super::key::{self, PK, SK};
use super::{Table, TableError, request};

/// Kept so much longer than it counts, so that the table's own clean-up decides nothing.
const SPARE_MS: u64 = 60 * 60 * 1000;

/// A model at a provider that is not to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenRoute {
    /// From then on one may try it.
    pub open_until_ms: u64,
    /// How often it was opened without having worked in between.
    pub level: u32,
    /// Somebody tries it, until then; none where nobody does.
    pub probe_until_ms: Option<u64>,
}

/// What became of a conditional write of an open route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerUpdate {
    /// It happened.
    Applied,
    /// Its condition did not hold: the route as it is; none where it is closed.
    Refused(Option<OpenRoute>),
}

impl Table {
    /// Opens a route, unless it is open until a later time. Who tries it, tries it no more.
    pub async fn open_route(
        &self,
        provider: &ProviderId,
        model: &ModelId,
        open: OpenRoute,
    ) -> Result<BreakerUpdate, TableError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(route_item(provider, model, open)))
            .condition_expression("attribute_not_exists(pk) OR open_until_ms < :until")
            .expression_attribute_values(":until", number(open.open_until_ms))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = put.send().await else { return Ok(BreakerUpdate::Applied) };
        let error = error.into_service_error();
        let PutItemError::ConditionalCheckFailedException(refusal) = error else {
            return Err(request("open a route", error));
        };
        refused(refusal.item.as_ref())
    }

    /// Claims the one attempt at a route that was open long enough, until `probe_until_ms`; a claim
    /// whose time is over is nobody's.
    pub async fn claim_probe(
        &self,
        provider: &ProviderId,
        model: &ModelId,
        now_ms: u64,
        probe_until_ms: u64,
    ) -> Result<BreakerUpdate, TableError> {
        let write = self
            .update_route(provider, model)
            .update_expression("SET probe_until_ms = :until")
            .condition_expression(
                "open_until_ms <= :now AND \
                 (attribute_not_exists(probe_until_ms) OR probe_until_ms <= :now)",
            )
            .expression_attribute_values(":until", number(probe_until_ms))
            .expression_attribute_values(":now", number(now_ms));
        updated(write.send().await, "let a route be tried")
    }

    /// Gives up the attempt that was claimed until then, so that another may be made.
    pub async fn release_probe(
        &self,
        provider: &ProviderId,
        model: &ModelId,
        probe_until_ms: u64,
    ) -> Result<BreakerUpdate, TableError> {
        let write = self
            .update_route(provider, model)
            .update_expression("REMOVE probe_until_ms")
            .condition_expression("probe_until_ms = :mine")
            .expression_attribute_values(":mine", number(probe_until_ms));
        updated(write.send().await, "let a route go")
    }

    /// Closes a route that was seen open until then: one opened anew meanwhile stays open.
    pub async fn close_route(
        &self,
        provider: &ProviderId,
        model: &ModelId,
        open_until_ms: u64,
    ) -> Result<BreakerUpdate, TableError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.name)
            .key(PK, text(key::route(provider, model)))
            .key(SK, text(key::BREAKER))
            .condition_expression("open_until_ms = :seen")
            .expression_attribute_values(":seen", number(open_until_ms))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = delete.send().await else { return Ok(BreakerUpdate::Applied) };
        let error = error.into_service_error();
        let DeleteItemError::ConditionalCheckFailedException(refusal) = error else {
            return Err(request("close a route", error));
        };
        refused(refusal.item.as_ref())
    }

    /// The route as it was a moment ago; none where it is closed.
    pub async fn route(
        &self,
        provider: &ProviderId,
        model: &ModelId,
    ) -> Result<Option<OpenRoute>, TableError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(PK, text(key::route(provider, model)))
            .key(SK, text(key::BREAKER));
        let get = get.send().await.map_err(|error| request("read a route", error))?;
        get.item.as_ref().map(route_of).transpose()
    }

    fn update_route(&self, provider: &ProviderId, model: &ModelId) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.name)
            .key(PK, text(key::route(provider, model)))
            .key(SK, text(key::BREAKER))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

fn updated<T, R>(
    done: Result<T, SdkError<UpdateItemError, R>>,
    act: &'static str,
) -> Result<BreakerUpdate, TableError>
where
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let Err(error) = done else { return Ok(BreakerUpdate::Applied) };
    let error = error.into_service_error();
    let UpdateItemError::ConditionalCheckFailedException(refusal) = error else {
        return Err(request(act, error));
    };
    refused(refusal.item.as_ref())
}

fn refused(item: Option<&Attributes>) -> Result<BreakerUpdate, TableError> {
    Ok(BreakerUpdate::Refused(item.map(route_of).transpose()?))
}

fn route_item(provider: &ProviderId, model: &ModelId, open: OpenRoute) -> Attributes {
    let OpenRoute { open_until_ms, level, probe_until_ms } = open;
    let expires_at = open_until_ms.saturating_add(SPARE_MS) / 1000;
    let mut item = Attributes::from([
        (PK.to_owned(), text(key::route(provider, model))),
        (SK.to_owned(), text(key::BREAKER)),
        ("open_until_ms".to_owned(), number(open_until_ms)),
        ("level".to_owned(), number(level)),
        ("expires_at".to_owned(), number(expires_at)),
    ]);
    let probe: Option<(String, AttributeValue)> =
        probe_until_ms.map(|until| ("probe_until_ms".to_owned(), number(until)));
    item.extend(probe);
    item
}

fn route_of(attributes: &Attributes) -> Result<OpenRoute, TableError> {
    let item = Item(attributes);
    Ok(OpenRoute {
        open_until_ms: item.number("open_until_ms")?,
        level: item.number("level")?,
        probe_until_ms: item.optional_number("probe_until_ms")?,
    })
}
