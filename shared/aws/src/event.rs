//! SQS events in, partial batch responses out.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use serde::de::DeserializeOwned;

/// A message of an event whose body was read.
#[derive(Debug, Clone)]
pub struct Received<T> {
    /// What it says.
    pub body: T,
    /// For the partial batch response.
    pub message_id: String,
    /// For changing its visibility.
    pub receipt_handle: String,
    /// When it was sent, Unix milliseconds.
    pub sent_ms: Option<i64>,
}

/// Reads each message. One that cannot be read would come back unread for ever, so it is logged
/// and acknowledged; what it stood for is found again from the tables.
pub fn each_message<T: DeserializeOwned>(event: SqsEvent) -> Vec<Received<T>> {
    event.records.into_iter().filter_map(read).collect()
}

fn read<T: DeserializeOwned>(message: SqsMessage) -> Option<Received<T>> {
    let message_id = message.message_id.unwrap_or_default();
    match serde_json::from_str(message.body.as_deref().unwrap_or_default()) {
        Ok(body) => Some(Received {
            body,
            message_id,
            receipt_handle: message.receipt_handle.unwrap_or_default(),
            sent_ms: message.attributes.get("SentTimestamp").and_then(|ms| ms.parse().ok()),
        }),
        Err(error) => {
            let line = error.line();
            tracing::error!(%message_id, line, column = error.column(), "message cannot be read");
            None
        }
    }
}

/// The response that leaves these messages in the queue and acknowledges the others.
pub fn partial_response(failed: Vec<String>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message_id in failed {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = message_id;
        response.batch_item_failures.push(failure);
    }
    response
}
