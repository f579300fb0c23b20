//! The three queues: sending, and holding on to a message.

mod dead;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use beacon_core::JobId;
use beacon_core::message::{CompletionMessage, DispatchMessage, QuestionMessage};
use serde::Serialize;
use thiserror::Error;

use crate::environment::QueueUrls;
use crate::meter::Meter;

pub use dead::DeadQuestions;

/// Entries of a batch at most.
const BATCH: usize = 10;
/// Bytes of a batch at most; SQS allows 1 MiB, bodies and attributes together.
const BATCH_BYTES: usize = 900 * 1024;

/// A request to a queue that was not carried out as far as is known.
#[derive(Debug, Error)]
pub enum QueueError {
    /// The request failed; asking again may help.
    #[error("the {queue} queue did not {act}")]
    Request {
        /// Which queue.
        queue: &'static str,
        /// What was asked.
        act: &'static str,
        /// The SDK's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// One entry of a batch was refused; those after it were not sent.
    #[error("the question queue refused position {position}: {code}")]
    Entry {
        /// The lane's position that was refused.
        position: u32,
        /// SQS's code.
        code: String,
    },
    /// A message could not be written as JSON.
    #[error("a message for the {queue} queue cannot be written")]
    Body {
        /// Which queue.
        queue: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// One of the queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueName {
    /// Lanes to dispatch.
    Dispatch,
    /// Questions, a group a lane.
    Question,
    /// Closed lanes.
    Completion,
}

impl QueueName {
    /// All of them, in the order of the flow.
    pub const ALL: [Self; 3] = [Self::Dispatch, Self::Question, Self::Completion];

    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dispatch => "dispatch",
            Self::Question => "question",
            Self::Completion => "completion",
        }
    }

    /// Whether it must keep the order within a group. The others must not: they take messages
    /// without one.
    pub fn is_fifo(self) -> bool {
        match self {
            Self::Question => true,
            Self::Dispatch | Self::Completion => false,
        }
    }
}

/// What a queue says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueState {
    /// Keeps the order within a group.
    pub fifo: bool,
    /// Messages that wait, about.
    pub visible: u64,
    /// Messages that somebody works at, about.
    pub in_flight: u64,
}

/// The queues.
#[derive(Debug, Clone)]
pub struct Queues {
    client: Client,
    urls: QueueUrls,
    meter: Arc<Meter>,
}

impl Queues {
    /// Queues at these addresses.
    pub fn new(client: Client, urls: QueueUrls, meter: Arc<Meter>) -> Self {
        Self { client, urls, meter }
    }

    /// What a queue says of itself; none where it does not exist.
    pub async fn state(&self, queue: QueueName) -> Result<Option<QueueState>, QueueError> {
        let url = match queue {
            QueueName::Dispatch => &self.urls.dispatch,
            QueueName::Question => &self.urls.question,
            QueueName::Completion => &self.urls.completion,
        };
        // A standard queue refuses to be asked for `FifoQueue` by name.
        let asked = self.client.get_queue_attributes().queue_url(url);
        let asked = asked.attribute_names(QueueAttributeName::All).send().await;
        let found = match asked {
            Ok(found) => found,
            Err(SdkError::ServiceError(error)) if error.err().is_queue_does_not_exist() => {
                return Ok(None);
            }
            Err(error) => return Err(request(queue.as_str(), "tell its attributes", error)),
        };
        let attribute = |name| found.attributes()?.get(&name).map(String::as_str);
        let count = |name| attribute(name).and_then(|text| text.parse().ok()).unwrap_or_default();
        Ok(Some(QueueState {
            fifo: attribute(QueueAttributeName::FifoQueue) == Some("true"),
            visible: count(QueueAttributeName::ApproximateNumberOfMessages),
            in_flight: count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        }))
    }

    /// Asks for a lane's page.
    pub async fn send_dispatch(&self, message: &DispatchMessage) -> Result<(), QueueError> {
        self.send("dispatch", &self.urls.dispatch, &message.job_id, message).await
    }

    /// Tells that a lane was closed.
    pub async fn send_completion(&self, message: &CompletionMessage) -> Result<(), QueueError> {
        self.send("completion", &self.urls.completion, &message.job_id, message).await
    }

    async fn send<T: Serialize>(
        &self,
        queue: &'static str,
        url: &str,
        job: &JobId,
        message: &T,
    ) -> Result<(), QueueError> {
        let body = body(queue, message)?;
        self.meter.queue(job, 1);
        let sent = self.client.send_message().queue_url(url).message_body(body).send().await;
        sent.map_err(|error| request(queue, "take a message", error))?;
        Ok(())
    }

    /// Sends a page of one lane's questions in order. After a batch with an entry that is refused it
    /// stops; the entries behind that one in the same batch find their predecessor missing.
    pub async fn send_questions(
        &self,
        messages: impl Iterator<Item = QuestionMessage>,
    ) -> Result<(), QueueError> {
        let mut batch: Vec<(QuestionMessage, String)> = Vec::with_capacity(BATCH);
        let mut bytes = 0;
        for message in messages {
            let body = body("question", &message)?;
            if batch.len() == BATCH || bytes + body.len() > BATCH_BYTES {
                self.send_batch(std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
            bytes += body.len();
            batch.push((message, body));
        }
        if batch.is_empty() { Ok(()) } else { self.send_batch(batch).await }
    }

    async fn send_batch(&self, batch: Vec<(QuestionMessage, String)>) -> Result<(), QueueError> {
        let mut request_builder = self.client.send_message_batch().queue_url(&self.urls.question);
        for (message, body) in &batch {
            let entry = SendMessageBatchRequestEntry::builder()
                .id(message.position.to_string())
                .message_body(body)
                .message_group_id(message.group_id())
                .message_deduplication_id(message.deduplication_id())
                .build()
                .map_err(|error| request("question", "take a batch", error))?;
            request_builder = request_builder.entries(entry);
        }
        if let Some((message, _)) = batch.first() {
            self.meter.queue(&message.job_id, 1);
        }
        let sent = request_builder.send().await;
        let sent = sent.map_err(|error| request("question", "take a batch", error))?;
        let refused = sent
            .failed()
            .iter()
            .filter_map(|entry| Some((entry.id().parse::<u32>().ok()?, entry.code().to_owned())));
        match refused.min() {
            None => Ok(()),
            Some((position, code)) => Err(QueueError::Entry { position, code }),
        }
    }

    /// Hides a question's message from others for this long from now.
    pub async fn hold_question(
        &self,
        job: &JobId,
        receipt_handle: &str,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        self.meter.queue(job, 1);
        let seconds = i32::try_from(visibility.as_secs()).unwrap_or(i32::MAX);
        let changed = self
            .client
            .change_message_visibility()
            .queue_url(&self.urls.question)
            .receipt_handle(receipt_handle)
            .visibility_timeout(seconds)
            .send()
            .await;
        changed.map_err(|error| request("question", "keep a message hidden", error))?;
        Ok(())
    }
}

fn body<T: Serialize>(queue: &'static str, message: &T) -> Result<String, QueueError> {
    serde_json::to_string(message).map_err(|source| QueueError::Body { queue, source })
}

fn request(
    queue: &'static str,
    act: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> QueueError {
    QueueError::Request { queue, act, source: Box::new(source) }
}
