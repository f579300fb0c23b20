//! Sending, deleting and changing visibility, one by one and in batches.

use std::borrow::Cow;
use std::collections::HashSet;

use super::answer::{BatchAnswer, Digests, Done, DoneEntry, SentMessage, write};
use super::endpoint::Shared;
use super::error::SqsError;
use super::message::Outgoing;
use super::queue::Queue;
use super::request::{Batch, OfReceipt, Send, parse, queue_name};
use super::settings::MAX_BYTES;

const MAX_ENTRIES: usize = 10;

impl Shared {
    pub(super) fn send(&self, body: &[u8]) -> Result<Vec<u8>, SqsError> {
        let mut request: Send<'_> = parse(body)?;
        let outgoing = request.outgoing()?;
        let digests = Digests::of(&outgoing)?;
        let name = queue_name(&request.queue_url)?;
        let sent = self.change(name, |queues, now| queues.get_mut(name)?.send(now, outgoing))?;
        write(&SentMessage::new("", digests, sent))
    }

    pub(super) fn send_batch(&self, body: &[u8]) -> Result<Vec<u8>, SqsError> {
        let mut request: Batch<'_, Send<'_>> = parse(body)?;
        check_ids(request.entries.iter().map(|entry| &entry.id))?;
        // Digests are made here, so that the lock is not held for them.
        let prepared: Vec<_> = request.entries.iter_mut().map(prepare).collect();
        check_total(&request.entries, &prepared)?;
        let name = queue_name(&request.queue_url)?;
        let results: Vec<_> = self.change(name, |queues, now| {
            let queue = queues.get_mut(name)?;
            let send = |prepared: Result<(Outgoing, Digests), SqsError>| {
                let (outgoing, digests) = prepared?;
                queue.send(now, outgoing).map(|sent| (digests, sent))
            };
            Ok(prepared.into_iter().map(send).collect())
        })?;
        let ids = request.entries.iter().map(|entry| entry.id.as_ref());
        write(&BatchAnswer::new(ids.zip(results).map(|(id, result)| {
            (id, result.map(|(digests, sent)| SentMessage::new(id, digests, sent)))
        })))
    }

    pub(super) fn delete(&self, body: &[u8]) -> Result<Vec<u8>, SqsError> {
        self.on_receipt(body, delete_one)
    }

    pub(super) fn delete_batch(&self, body: &[u8]) -> Result<Vec<u8>, SqsError> {
        self.on_receipts(body, delete_one)
    }

    pub(super) fn change_visibility(&self, body: &[u8]) -> Result<Vec<u8>, SqsError> {
        self.on_receipt(body, change_one)
    }

    pub(super) fn change_visibility_batch(&self, body: &[u8]) -> Result<Vec<u8>, SqsError> {
        self.on_receipts(body, change_one)
    }

    fn on_receipt(&self, body: &[u8], act: OnReceipt) -> Result<Vec<u8>, SqsError> {
        let request: OfReceipt<'_> = parse(body)?;
        let name = queue_name(&request.queue_url)?;
        self.change(name, |queues, now| act(queues.get_mut(name)?, now, &request))?;
        write(&Done {})
    }

    fn on_receipts(&self, body: &[u8], act: OnReceipt) -> Result<Vec<u8>, SqsError> {
        let request: Batch<'_, OfReceipt<'_>> = parse(body)?;
        check_ids(request.entries.iter().map(|entry| &entry.id))?;
        let name = queue_name(&request.queue_url)?;
        let results: Vec<_> = self.change(name, |queues, now| {
            let queue = queues.get_mut(name)?;
            Ok(request.entries.iter().map(|entry| act(queue, now, entry)).collect())
        })?;
        let ids = request.entries.iter().map(|entry| entry.id.as_ref());
        write(&BatchAnswer::new(
            ids.zip(results).map(|(id, result)| (id, result.map(|()| DoneEntry { id }))),
        ))
    }
}

type OnReceipt = fn(&mut Queue, u64, &OfReceipt<'_>) -> Result<(), SqsError>;

fn delete_one(queue: &mut Queue, now: u64, entry: &OfReceipt<'_>) -> Result<(), SqsError> {
    queue.delete(now, entry.receipt()?)
}

fn change_one(queue: &mut Queue, now: u64, entry: &OfReceipt<'_>) -> Result<(), SqsError> {
    let seconds = entry.visibility()?;
    queue.change_visibility(now, entry.receipt()?, seconds)
}

fn prepare(entry: &mut Send<'_>) -> Result<(Outgoing, Digests), SqsError> {
    let outgoing = entry.outgoing()?;
    let digests = Digests::of(&outgoing)?;
    Ok((outgoing, digests))
}

fn check_ids<'a>(ids: impl ExactSizeIterator<Item = &'a Cow<'a, str>>) -> Result<(), SqsError> {
    match ids.len() {
        0 => return Err(SqsError::EmptyBatch),
        1..=MAX_ENTRIES => {}
        number => return Err(SqsError::TooManyEntries(number)),
    }
    let mut seen = HashSet::with_capacity(MAX_ENTRIES);
    for id in ids {
        let letters = id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        if !(1..=80).contains(&id.len()) || !letters {
            return Err(SqsError::InvalidBatchEntryId);
        }
        if !seen.insert(id.as_ref()) {
            return Err(SqsError::EntryIdsNotDistinct(id.to_string()));
        }
    }
    Ok(())
}

fn check_total(
    entries: &[Send<'_>],
    prepared: &[Result<(Outgoing, Digests), SqsError>],
) -> Result<(), SqsError> {
    let sizes = entries.iter().zip(prepared).map(|(entry, prepared)| match prepared {
        Ok((outgoing, _)) => outgoing.content.size,
        Err(_) => entry.message_body.len(),
    });
    let total = sizes.sum();
    if total > MAX_BYTES as usize { Err(SqsError::BatchTooLong(total)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ids: &[&str]) -> Result<(), SqsError> {
        let ids: Vec<Cow<'_, str>> = ids.iter().map(|id| Cow::Borrowed(*id)).collect();
        check_ids(ids.iter())
    }

    #[test]
    fn entry_ids_are_few_distinct_words() {
        assert_eq!(check(&["a", "B-1_"]), Ok(()));
        assert_eq!(check(&[]), Err(SqsError::EmptyBatch));
        assert_eq!(check(&["a"; 11]), Err(SqsError::TooManyEntries(11)));
        assert_eq!(check(&["a", "a"]), Err(SqsError::EntryIdsNotDistinct("a".to_owned())));
        assert_eq!(check(&["a b"]), Err(SqsError::InvalidBatchEntryId));
        assert_eq!(check(&[""]), Err(SqsError::InvalidBatchEntryId));
        assert_eq!(check(&["a".repeat(81).as_str()]), Err(SqsError::InvalidBatchEntryId));
    }

    #[test]
    fn texts_without_escapes_are_borrowed_from_the_request() {
        let request: Send<'_> = parse(br#"{"QueueUrl":"q","MessageBody":"text"}"#).unwrap();
        assert!(matches!(request.message_body, Cow::Borrowed("text")));
    }

    #[test]
    fn entries_are_read_from_the_wire() {
        let body = br#"{"QueueUrl":"http://h/0/q","Entries":[{"Id":"a","ReceiptHandle":"x"}]}"#;
        let request: Batch<'_, OfReceipt<'_>> = parse(body).unwrap();
        assert_eq!(queue_name(&request.queue_url), Ok("q"));
        assert_eq!(request.entries[0].receipt(), Err(SqsError::ReceiptHandleIsInvalid));
    }
}
