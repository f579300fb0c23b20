//! What Lambda's event source mapping does: receive, invoke, delete what was done.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName as Attribute,
};
use beacon_aws::{Meter, chain};
use beacon_core::JobId;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

/// The longest long poll.
const WAIT_SECONDS: i32 = 20;
/// After a receive that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// A queue and how its function is invoked.
#[derive(Debug, Clone)]
pub(crate) struct EventSource {
    pub(crate) client: Client,
    pub(crate) url: String,
    /// Messages of an invocation at most, 1 to 10.
    pub(crate) batch_size: i32,
    /// Invocations at a time at most.
    pub(crate) concurrency: usize,
    pub(crate) meter: Arc<Meter>,
}

impl EventSource {
    /// Invokes the function with what the queue has until told to stop; then waits for the
    /// invocations that run.
    pub(crate) async fn poll<F>(
        self,
        stop: CancellationToken,
        function: impl Fn(SqsEvent) -> F + Clone + Send + 'static,
    ) where
        F: Future<Output = SqsBatchResponse> + Send,
    {
        let slots = Arc::new(Semaphore::new(self.concurrency));
        let mut running = JoinSet::new();
        loop {
            let slot = tokio::select! {
                slot = Arc::clone(&slots).acquire_owned() => slot,
                () = stop.cancelled() => break,
            };
            let messages = tokio::select! {
                messages = self.receive() => messages,
                () = stop.cancelled() => break,
            };
            if messages.is_empty() {
                continue;
            }
            let (source, function) = (self.clone(), function.clone());
            running.spawn(async move {
                source.invoke(function, messages).await;
                drop(slot);
            });
            // A panic leaves the messages to the visibility timeout, as on Lambda.
            while running.try_join_next().is_some() {}
        }
        while running.join_next().await.is_some() {}
    }

    async fn receive(&self) -> Vec<Message> {
        let received = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(self.batch_size)
            .wait_time_seconds(WAIT_SECONDS)
            .message_system_attribute_names(Attribute::All)
            .send()
            .await;
        match received {
            Ok(received) => {
                let messages = received.messages.unwrap_or_default();
                self.count(messages.first());
                messages
            }
            Err(error) => {
                warn!(queue = self.url, error = chain(&error), "nothing was received");
                sleep(PAUSE).await;
                Vec::new()
            }
        }
    }

    async fn invoke<F>(&self, function: impl Fn(SqsEvent) -> F, messages: Vec<Message>)
    where
        F: Future<Output = SqsBatchResponse>,
    {
        let mut event = SqsEvent::default();
        event.records = messages.iter().map(record).collect();
        let response = function(event).await;
        let failed = |message: &&Message| {
            let id = message.message_id().unwrap_or_default();
            response.batch_item_failures.iter().any(|failure| failure.item_identifier == id)
        };
        let done: Vec<&Message> = messages.iter().filter(|message| !failed(message)).collect();
        self.delete(&done).await;
    }

    async fn delete(&self, done: &[&Message]) {
        let entry = |(index, message): (usize, &&Message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
            entry.receipt_handle(message.receipt_handle()?).build().ok()
        };
        let entries: Vec<_> = done.iter().enumerate().filter_map(entry).collect();
        if entries.is_empty() {
            return;
        }
        self.count(done.first().copied());
        let delete = self.client.delete_message_batch().queue_url(&self.url);
        if let Err(error) = delete.set_entries(Some(entries)).send().await {
            error!(queue = self.url, error = chain(&error), "messages were not deleted");
        }
    }

    /// One request for the job of this message; a receive or delete of several jobs' messages
    /// counts for the first.
    fn count(&self, message: Option<&Message>) {
        #[derive(Deserialize)]
        struct OfJob {
            job_id: JobId,
        }
        let body = message.and_then(Message::body).unwrap_or_default();
        if let Ok(OfJob { job_id }) = serde_json::from_str(body) {
            self.meter.queue(&job_id, 1);
        }
    }
}

fn record(message: &Message) -> SqsMessage {
    let attributes = message.attributes().into_iter().flatten();
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let mut record = SqsMessage::default();
    record.message_id = owned(message.message_id());
    record.receipt_handle = owned(message.receipt_handle());
    record.body = owned(message.body());
    record.md5_of_body = owned(message.md5_of_body());
    record.attributes =
        attributes.map(|(name, value)| (name.as_str().to_owned(), value.clone())).collect();
    record.event_source = Some("aws:sqs".to_owned());
    record.aws_region = Some("us-east-1".to_owned());
    record
}
