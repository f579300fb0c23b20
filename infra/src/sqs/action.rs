//! What a client can ask for, and how often each was asked for.

use std::sync::atomic::{AtomicU64, Ordering};

/// An action of the SQS API that this endpoint has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Create a queue.
    CreateQueue,
    /// Delete a queue with its messages.
    DeleteQueue,
    /// Find a queue's URL by its name.
    GetQueueUrl,
    /// List queue URLs.
    ListQueues,
    /// Read settings and message counts.
    GetQueueAttributes,
    /// Change settings.
    SetQueueAttributes,
    /// Drop all messages of a queue.
    PurgeQueue,
    /// Send one message.
    SendMessage,
    /// Send up to ten messages.
    SendMessageBatch,
    /// Receive up to ten messages, waiting for the first if asked to.
    ReceiveMessage,
    /// Delete a received message.
    DeleteMessage,
    /// Delete up to ten received messages.
    DeleteMessageBatch,
    /// Hide a received message for longer or shorter.
    ChangeMessageVisibility,
    /// The same for up to ten.
    ChangeMessageVisibilityBatch,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 14] = [
        Self::CreateQueue,
        Self::DeleteQueue,
        Self::GetQueueUrl,
        Self::ListQueues,
        Self::GetQueueAttributes,
        Self::SetQueueAttributes,
        Self::PurgeQueue,
        Self::SendMessage,
        Self::SendMessageBatch,
        Self::ReceiveMessage,
        Self::DeleteMessage,
        Self::DeleteMessageBatch,
        Self::ChangeMessageVisibility,
        Self::ChangeMessageVisibilityBatch,
    ];

    /// Reads the `x-amz-target` header.
    pub(super) fn from_target(target: &[u8]) -> Option<Self> {
        Some(match target.strip_prefix(b"AmazonSQS.")? {
            b"CreateQueue" => Self::CreateQueue,
            b"DeleteQueue" => Self::DeleteQueue,
            b"GetQueueUrl" => Self::GetQueueUrl,
            b"ListQueues" => Self::ListQueues,
            b"GetQueueAttributes" => Self::GetQueueAttributes,
            b"SetQueueAttributes" => Self::SetQueueAttributes,
            b"PurgeQueue" => Self::PurgeQueue,
            b"SendMessage" => Self::SendMessage,
            b"SendMessageBatch" => Self::SendMessageBatch,
            b"ReceiveMessage" => Self::ReceiveMessage,
            b"DeleteMessage" => Self::DeleteMessage,
            b"DeleteMessageBatch" => Self::DeleteMessageBatch,
            b"ChangeMessageVisibility" => Self::ChangeMessageVisibility,
            b"ChangeMessageVisibilityBatch" => Self::ChangeMessageVisibilityBatch,
            _unknown => return None,
        })
    }
}

/// Requests by action since the start.
#[derive(Debug, Default)]
pub(super) struct Counts([AtomicU64; Action::ALL.len()]);

impl Counts {
    pub(super) fn add(&self, action: Action) {
        self.0[action as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn of(&self, action: Action) -> u64 {
        self.0[action as usize].load(Ordering::Relaxed)
    }
}
