//! Queries, read to their last page.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use beacon_core::JobId;

use super::item::{Attributes, text};
use super::{Table, TableError, request};

/// A query of which every page is wanted.
pub(super) struct Query<'a> {
    request: QueryFluentBuilder,
    act: &'static str,
    /// Where its read units count as a job's usage.
    usage: Option<(&'a Table, &'a JobId)>,
}

impl<'a> Query<'a> {
    /// What is done with it stands in its errors: "the table did not …".
    pub(super) fn new(request: QueryFluentBuilder, act: &'static str) -> Self {
        Self { request, act, usage: None }
    }

    /// The same, whose read units are usage of this job.
    pub(super) fn counted(self, table: &'a Table, job: &'a JobId) -> Self {
        let request = self.request.return_consumed_capacity(ReturnConsumedCapacity::Total);
        Self { request, usage: Some((table, job)), ..self }
    }

    /// Reads all its pages, one after the other: each item in the order of the sort keys.
    pub(super) async fn whole(
        self,
        mut each: impl FnMut(&Attributes) -> Result<(), TableError>,
    ) -> Result<(), TableError> {
        let mut pages = self.request.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| request(self.act, error))?;
            if let Some((table, job)) = self.usage {
                table.read(job, page.consumed_capacity());
            }
            page.items().iter().try_for_each(&mut each)?;
        }
        Ok(())
    }
}

impl Table {
    /// The items of a partition from one sort key to another, both included, read strongly.
    pub(super) fn between(&self, pk: String, from: String, until: String) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :until")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":until", text(until))
            .consistent_read(true)
    }

    /// The items of a partition whose sort keys begin so, read strongly.
    pub(super) fn beginning(&self, pk: String, prefix: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":prefix", text(prefix))
            .consistent_read(true)
    }
}
