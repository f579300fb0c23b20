//! Making sure, while calls are out, that no other worker has the lane.

use std::convert::Infallible;

use beacon_aws::{Received, Table, chain};
use beacon_core::job::EndCause;
use beacon_core::message::QuestionMessage;
use beacon_core::{Nonce, time_budget};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tracing::{error, warn};

use crate::Inference;
use crate::interrupt::Interrupt;

/// Pause after a look that failed.
const AGAIN: std::time::Duration = std::time::Duration::from_millis(100);

/// What a holder watches while it waits for answers.
pub(crate) struct Fence<'a> {
    pub(crate) table: &'a Table,
    pub(crate) message: &'a QuestionMessage,
    pub(crate) nonce: &'a Nonce,
    pub(crate) interrupt: &'a Interrupt,
}

/// A look at the lane that found the own nonce.
pub(crate) struct Look {
    /// Before its request was sent.
    pub(crate) started: Instant,
    /// Why the lane is to be closed, if it is.
    pub(crate) ends: Option<EndCause>,
}

impl Fence<'_> {
    /// Looks at the lane every 2 s, counted from the start of the request that let this holder in.
    /// Calls are dropped at the latest 2.5 s after the start of the last look that succeeded.
    pub(crate) async fn watch(&self, since: Instant) -> Infallible {
        let mut held = since;
        loop {
            sleep_until(held + time_budget::LOOK).await;
            let Some(look) = self.look(held + time_budget::FENCE).await else { break };
            held = look.started;
            if let Some(cause) = &look.ends {
                self.interrupt.end(cause);
            }
        }
        self.interrupt.lose();
        std::future::pending().await
    }

    /// A look that found the own nonce; none when it found another, or none in time.
    pub(crate) async fn look(&self, until: Instant) -> Option<Look> {
        let QuestionMessage { job_id, lane, .. } = self.message;
        loop {
            let started = Instant::now();
            match timeout_at(until, self.table.lane(job_id, lane)).await {
                Ok(Ok(seen)) => {
                    let lane = seen.filter(|lane| {
                        lane.holder.as_ref().is_some_and(|holder| holder.nonce == *self.nonce)
                    })?;
                    let ends = lane.mark.map(|mark| mark.cause);
                    return Some(Look { started, ends });
                }
                Ok(Err(error)) => {
                    warn!(%job_id, %lane, error = chain(&error), "the holder cannot be verified");
                    timeout_at(until, sleep(AGAIN)).await.ok()?;
                }
                Err(_elapsed) => return None,
            }
        }
    }
}

impl Inference {
    /// Keeps the message hidden while its question is worked at: a crash then costs about a minute,
    /// not the queue's whole visibility timeout. A worker that cannot renew drops its calls.
    pub(crate) async fn keep_hidden(
        &self,
        received: &Received<QuestionMessage>,
        interrupt: &Interrupt,
    ) -> Infallible {
        let QuestionMessage { job_id, lane, .. } = &received.body;
        loop {
            let hidden = self
                .queues
                .hold_question(job_id, &received.receipt_handle, time_budget::HELD_VISIBILITY)
                .await;
            if let Err(error) = hidden {
                error!(%job_id, %lane, error = chain(&error), "the message cannot be held");
                interrupt.lose();
                return std::future::pending().await;
            }
            sleep(time_budget::RENEW).await;
        }
    }
}
