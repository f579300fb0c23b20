//! Question messages that their queue gave up.

use aws_sdk_sqs::Client;
use beacon_core::message::QuestionMessage;

use super::{QueueError, request};
use crate::event::Received;

const QUEUE: &str = "dead-letter";
/// Hidden for as long as a pass may take with them, seconds.
const HIDDEN_SECONDS: i32 = 120;

/// The dead-letter queue of the question queue.
#[derive(Debug, Clone)]
pub struct DeadQuestions {
    client: Client,
    url: String,
}

impl DeadQuestions {
    /// The one at this address.
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Up to ten of them. One that cannot be read is removed and logged: what it stood for is found
    /// again from the tables.
    pub async fn receive(&self) -> Result<Vec<Received<QuestionMessage>>, QueueError> {
        let received = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .visibility_timeout(HIDDEN_SECONDS)
            .send()
            .await;
        let received = received.map_err(|error| request(QUEUE, "give messages", error))?;
        let mut letters = Vec::new();
        for message in received.messages.unwrap_or_default() {
            let message_id = message.message_id.unwrap_or_default();
            let receipt_handle = message.receipt_handle.unwrap_or_default();
            match serde_json::from_str(message.body.as_deref().unwrap_or_default()) {
                Ok(body) => {
                    letters.push(Received { body, message_id, receipt_handle, sent_ms: None });
                }
                Err(error) => {
                    let (line, column) = (error.line(), error.column());
                    tracing::error!(%message_id, line, column, "message cannot be read");
                    self.delete(&receipt_handle).await?;
                }
            }
        }
        Ok(letters)
    }

    /// Removes one.
    pub async fn delete(&self, receipt_handle: &str) -> Result<(), QueueError> {
        let delete = self.client.delete_message().queue_url(&self.url);
        let deleted = delete.receipt_handle(receipt_handle).send().await;
        deleted.map_err(|error| request(QUEUE, "remove a message", error))?;
        Ok(())
    }
}
