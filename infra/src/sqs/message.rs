//! A message in a queue, its identifiers and the handle of one receive of it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::content::Content;
use super::error::SqsError;

/// A message's place in its queue: later sends have greater numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Seq(pub(super) u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}", self.0)
    }
}

/// Names a message for life; a move to the dead-letter queue keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct MessageId(pub(super) u128);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            id >> 96,
            (id >> 80) & 0xffff,
            (id >> 64) & 0xffff,
            (id >> 48) & 0xffff,
            id & 0xffff_ffff_ffff
        )
    }
}

/// One receive of one message of one queue; its text is the receipt handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receipt {
    /// The life of the queue that gave it out: a queue of the same name created later, also after
    /// a restart, has another.
    pub(super) queue: u64,
    pub(super) seq: Seq,
    /// The message's receive count at that receive.
    pub(super) receive: u32,
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}{:08x}", self.queue, self.seq.0, self.receive)
    }
}

impl FromStr for Receipt {
    type Err = SqsError;

    fn from_str(text: &str) -> Result<Self, SqsError> {
        let invalid = SqsError::ReceiptHandleIsInvalid;
        if text.len() != 40 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(invalid);
        }
        let field = |range| u64::from_str_radix(&text[range], 16);
        match (field(0..16), field(16..32), u32::from_str_radix(&text[32..], 16)) {
            (Ok(queue), Ok(seq), Ok(receive)) => Ok(Self { queue, seq: Seq(seq), receive }),
            (Err(_), _, _) | (_, Err(_), _) | (_, _, Err(_)) => Err(invalid),
        }
    }
}

/// What a sender hands over.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) content: Content,
    pub(super) group: Option<Arc<str>>,
    pub(super) deduplication: Option<Arc<str>>,
    pub(super) delay_seconds: Option<u32>,
}

/// Who may receive the message now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Visible,
    Delayed { due: u64 },
    InFlight { due: u64 },
}

/// A message that is not deleted.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) id: MessageId,
    pub(super) content: Content,
    pub(super) group: Option<Arc<str>>,
    pub(super) deduplication: Option<Arc<str>>,
    pub(super) sent: u64,
    pub(super) first_received: Option<u64>,
    pub(super) receives: u32,
    /// How many of those were in the queues that gave it up: redrive counts the others only.
    pub(super) receives_elsewhere: u32,
    /// The queue from which it was moved here as undeliverable.
    pub(super) dead_letter_source: Option<Arc<str>>,
    pub(super) state: State,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_survive_their_text_form() {
        let receipt = Receipt { queue: u64::MAX, seq: Seq(7), receive: 3 };
        assert_eq!(receipt.to_string().parse(), Ok(receipt));
    }

    #[test]
    fn other_texts_are_no_receipts() {
        let signed = format!("+{}", "0".repeat(39));
        let wide = "é".repeat(20);
        for text in ["", "garbage", signed.as_str(), wide.as_str()] {
            assert_eq!(text.parse::<Receipt>(), Err(SqsError::ReceiptHandleIsInvalid), "{text}");
        }
    }

    #[test]
    fn message_ids_look_like_uuids() {
        let id = MessageId(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(id.to_string(), "01234567-89ab-cdef-0123-456789abcdef");
    }
}
