//! What earlier analyses of a run stored, and nobody reads any more.

use std::time::Duration;

use beacon_core::JobId;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::findings::StoredAnalysis;
use super::item::{Item, number, text};
use super::key::{self, PK, SK};
use super::query::Query;
use super::{Table, TableError, request};

const ACT: &str = "let an earlier analysis expire";
/// Who began to read an earlier analysis has as long to come to its end.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Requests at a time.
const AT_A_TIME: usize = 8;

impl Table {
    /// Lets what analyses with a lower count of asks stored of the same run expire, whole or half, now that
    /// this one is stored. It saves storage; nothing rests on it.
    pub async fn expire_superseded(
        &self,
        job: &JobId,
        by: &StoredAnalysis,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let (first, last) = (key::asked(by.run, 0), key::asked(by.run, by.asked));
        let query = self
            .between(key::job(job), first, last)
            .filter_expression("attribute_not_exists(expires_at)")
            .projection_expression("pk, sk")
            .consistent_read(false);
        let mut superseded = Vec::new();
        Query::new(query, ACT)
            .whole(|item| {
                superseded.push(Item(item).text(SK)?);
                Ok(())
            })
            .await?;
        let expires_at = (now + KEPT).as_second();
        let writes = superseded.into_iter().map(|sk| self.expire(job, sk, expires_at));
        stream::iter(writes).buffer_unordered(AT_A_TIME).try_collect().await
    }

    async fn expire(&self, job: &JobId, sk: String, expires_at: i64) -> Result<(), TableError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(PK, text(key::job(job)))
            .key(SK, text(sk))
            .update_expression("SET expires_at = :at")
            // What has expired meanwhile is not made anew.
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(expires_at)")
            .expression_attribute_values(":at", number(expires_at));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let error = error.into_service_error();
                if error.is_conditional_check_failed_exception() {
                    Ok(())
                } else {
                    Err(request(ACT, error))
                }
            }
        }
    }
}
