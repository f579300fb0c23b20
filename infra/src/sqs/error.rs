//! Why a request is refused, and the two codes by which AWS SDKs recognise each reason.

use thiserror::Error;

/// A refusal of the endpoint. Every one is the sender's fault: the queues themselves cannot fail.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SqsError {
    /// No queue of that name.
    #[error("the specified queue does not exist")]
    QueueDoesNotExist,
    /// The name is taken by a queue with other attributes.
    #[error("a queue already exists with the same name and a different value for an attribute")]
    QueueNameExists,
    /// A receipt handle that this queue never gave out.
    #[error("the input receipt handle is invalid")]
    ReceiptHandleIsInvalid,
    /// A receipt handle whose visibility timeout is over, on a FIFO queue.
    #[error("value for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired")]
    ReceiptHandleExpired,
    /// The message of the handle is deleted, or held by a later receive.
    #[error(
        "value for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not \
         available for visibility timeout change"
    )]
    MessageUnavailable,
    /// The message of the handle is visible, so it has no timeout to change.
    #[error("the specified message is not in flight")]
    MessageNotInflight,
    /// The body holds a character that XML 1.0 does not allow.
    #[error("the message contains characters outside the allowed set")]
    InvalidMessageContents,
    /// A required parameter is absent or empty.
    #[error("the request must contain the parameter {0}")]
    MissingParameter(&'static str),
    /// A parameter is out of its range or does not fit this type of queue.
    #[error("value for parameter {parameter} is invalid. Reason: {reason}")]
    InvalidParameter {
        /// The parameter as AWS names it.
        parameter: &'static str,
        /// What is allowed.
        reason: &'static str,
    },
    /// A message over the queue's limit.
    #[error("one or more parameters are invalid. Reason: Message must be shorter than {0} bytes")]
    MessageTooLong(u32),
    /// A queue attribute that does not exist, or not for this type of queue.
    #[error("unknown attribute {0}")]
    InvalidAttributeName(String),
    /// A queue attribute with a value out of its range.
    #[error("invalid value for the parameter {0}")]
    InvalidAttributeValue(&'static str),
    /// A batch without entries.
    #[error("there should be at least one entry in the request")]
    EmptyBatch,
    /// A batch of more than ten entries.
    #[error("maximum number of entries per request are 10. You have sent {0}")]
    TooManyEntries(usize),
    /// Two entries of a batch with one id.
    #[error("id {0} repeated")]
    EntryIdsNotDistinct(String),
    /// A batch entry id that is empty, too long or of other characters.
    #[error(
        "a batch entry id can only contain alphanumeric characters, hyphens and underscores. It \
         can be at most 80 letters long"
    )]
    InvalidBatchEntryId,
    /// A batch whose messages together are over the limit.
    #[error("batch requests cannot be longer than 1048576 bytes. You have sent {0} bytes")]
    BatchTooLong(usize),
    /// A feature of SQS that this endpoint does not have.
    #[error("{0} is not supported here")]
    UnsupportedOperation(&'static str),
    /// A target header that names no action.
    #[error("the action is not valid for this endpoint")]
    UnknownAction,
    /// A body that is not the JSON of its action.
    #[error("the request is malformed: {0}")]
    Malformed(String),
}

impl SqsError {
    /// The code of the older query protocol: what batch entries carry and what SDKs match on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue",
            Self::QueueNameExists => "QueueAlreadyExists",
            Self::ReceiptHandleIsInvalid => "ReceiptHandleIsInvalid",
            Self::ReceiptHandleExpired
            | Self::MessageUnavailable
            | Self::InvalidParameter { .. }
            | Self::MessageTooLong(_) => "InvalidParameterValue",
            Self::MessageNotInflight => "AWS.SimpleQueueService.MessageNotInflight",
            Self::InvalidMessageContents => "InvalidMessageContents",
            Self::MissingParameter(_) => "MissingParameter",
            Self::InvalidAttributeName(_) => "InvalidAttributeName",
            Self::InvalidAttributeValue(_) => "InvalidAttributeValue",
            Self::EmptyBatch => "AWS.SimpleQueueService.EmptyBatchRequest",
            Self::TooManyEntries(_) => "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            Self::EntryIdsNotDistinct(_) => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            Self::InvalidBatchEntryId => "AWS.SimpleQueueService.InvalidBatchEntryId",
            Self::BatchTooLong(_) => "AWS.SimpleQueueService.BatchRequestTooLong",
            Self::UnsupportedOperation(_) => "AWS.SimpleQueueService.UnsupportedOperation",
            Self::UnknownAction => "InvalidAction",
            Self::Malformed(_) => "MalformedInput",
        }
    }

    /// The name of the error's shape in the JSON protocol.
    pub(super) fn shape(&self) -> &'static str {
        match self {
            Self::QueueDoesNotExist => "com.amazonaws.sqs#QueueDoesNotExist",
            Self::QueueNameExists => "com.amazonaws.sqs#QueueNameExists",
            Self::ReceiptHandleIsInvalid => "com.amazonaws.sqs#ReceiptHandleIsInvalid",
            Self::ReceiptHandleExpired
            | Self::MessageUnavailable
            | Self::InvalidParameter { .. }
            | Self::MessageTooLong(_) => "com.amazon.coral.service#InvalidParameterValueException",
            Self::MessageNotInflight => "com.amazonaws.sqs#MessageNotInflight",
            Self::InvalidMessageContents => "com.amazonaws.sqs#InvalidMessageContents",
            Self::MissingParameter(_) => {
                "com.amazon.coral.service#MissingRequiredParameterException"
            }
            Self::InvalidAttributeName(_) => "com.amazonaws.sqs#InvalidAttributeName",
            Self::InvalidAttributeValue(_) => "com.amazonaws.sqs#InvalidAttributeValue",
            Self::EmptyBatch => "com.amazonaws.sqs#EmptyBatchRequest",
            Self::TooManyEntries(_) => "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
            Self::EntryIdsNotDistinct(_) => "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
            Self::InvalidBatchEntryId => "com.amazonaws.sqs#InvalidBatchEntryId",
            Self::BatchTooLong(_) => "com.amazonaws.sqs#BatchRequestTooLong",
            Self::UnsupportedOperation(_) => "com.amazonaws.sqs#UnsupportedOperation",
            Self::UnknownAction => "com.amazon.coral.service#UnknownOperationException",
            Self::Malformed(_) => "com.amazon.coral.service#SerializationException",
        }
    }
}
