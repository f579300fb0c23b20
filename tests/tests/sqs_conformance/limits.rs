//! What SQS refuses, and with which code; batches that fail in part.

use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    SendMessageBatchRequestEntry,
};

use crate::subject::{Queue, bodies, code, handle, receive_count};

const MAX_BYTES: usize = 1024 * 1024;

async fn send_code(queue: &Queue, body: &str) -> String {
    let request = queue.client.send_message().queue_url(&queue.url).message_body(body);
    code(&request.send().await).to_owned()
}

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
}

async fn batch_code(queue: &Queue, entries: Vec<SendMessageBatchRequestEntry>) -> String {
    let request = queue.client.send_message_batch().queue_url(&queue.url);
    code(&request.set_entries(Some(entries)).send().await).to_owned()
}

#[tokio::test]
async fn a_message_of_the_largest_size_passes_and_one_byte_more_does_not() {
    let queue = Queue::standard(&[]).await;
    let mut body = "x".repeat(MAX_BYTES);
    assert_eq!(send_code(&queue, &body).await, "no error");
    assert_eq!(queue.receive_one().await.body(), Some(body.as_str()));
    body.push('x');
    assert_eq!(send_code(&queue, &body).await, "InvalidParameterValue");
}

#[tokio::test]
async fn an_empty_body_is_a_missing_one() {
    let queue = Queue::standard(&[]).await;
    assert_eq!(send_code(&queue, "").await, "MissingParameter");
}

#[tokio::test]
async fn characters_outside_xml_are_refused() {
    let queue = Queue::standard(&[]).await;
    for body in ["\u{1}", "text\u{b}", "\u{1f}", "\u{fffe}", "\u{ffff}"] {
        assert_eq!(send_code(&queue, body).await, "InvalidMessageContents", "{body:?}");
    }
}

#[tokio::test]
async fn a_receive_takes_one_to_ten_messages() {
    let queue = Queue::standard(&[]).await;
    for number in [0, 11] {
        let request = queue.client.receive_message().queue_url(&queue.url);
        let received = request.max_number_of_messages(number).send().await;
        assert_eq!(code(&received), "InvalidParameterValue", "{number}");
    }
}

#[tokio::test]
async fn a_fifo_message_needs_a_group_and_a_deduplication_id() {
    let queue = Queue::fifo(&[]).await;
    assert_eq!(send_code(&queue, "body").await, "MissingParameter");
    let request = queue.client.send_message().queue_url(&queue.url).message_body("body");
    let sent = request.message_group_id("g").send().await;
    assert_eq!(code(&sent), "InvalidParameterValue");
}

#[tokio::test]
async fn a_malformed_batch_is_refused_whole() {
    let queue = Queue::standard(&[]).await;
    let half = "x".repeat(MAX_BYTES / 2 + 1);
    let eleven = (0..11).map(|number| entry(&format!("e{number}"), "body")).collect();
    for (entries, expected) in [
        (vec![], "EmptyBatchRequest"),
        (eleven, "TooManyEntriesInBatchRequest"),
        (vec![entry("a", "1"), entry("a", "2")], "BatchEntryIdsNotDistinct"),
        (vec![entry("a b", "1")], "InvalidBatchEntryId"),
        (vec![entry(&"a".repeat(81), "1")], "InvalidBatchEntryId"),
        (vec![entry("a", &half), entry("b", &half)], "BatchRequestTooLong"),
    ] {
        let code = batch_code(&queue, entries).await;
        assert_eq!(code, format!("AWS.SimpleQueueService.{expected}"));
    }
    assert_eq!(bodies(&queue.receive(10, 0).await), [""; 0]);
}

#[tokio::test]
async fn one_bad_entry_does_not_keep_the_others_from_being_sent() {
    let queue = Queue::standard(&[]).await;
    let request = queue.client.send_message_batch().queue_url(&queue.url);
    let request = request.entries(entry("good", "body")).entries(entry("bad", "\u{1}"));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.successful().len(), 1);
    assert_eq!(answer.successful()[0].id(), "good");
    assert_eq!(answer.failed().len(), 1);
    assert_eq!(answer.failed()[0].id(), "bad");
    assert_eq!(answer.failed()[0].code(), "InvalidMessageContents");
    assert!(answer.failed()[0].sender_fault());
    assert_eq!(queue.receive_one().await.body(), Some("body"));
}

#[tokio::test]
async fn a_batch_is_sent_in_order_and_deduplicated() {
    let queue = Queue::fifo(&[]).await;
    let entry = |id: &str, body: &str| {
        let entry = SendMessageBatchRequestEntry::builder().id(id).message_body(body);
        entry.message_group_id("g").message_deduplication_id(body).build().unwrap()
    };
    let request = queue.client.send_message_batch().queue_url(&queue.url);
    let entries = vec![entry("a", "1"), entry("b", "2"), entry("c", "1"), entry("d", "3")];
    let answer = request.set_entries(Some(entries)).send().await.unwrap();
    let sent = answer.successful();
    assert_eq!(sent.len(), 4);
    assert_eq!(sent[0].message_id(), sent[2].message_id());
    assert_eq!(bodies(&queue.receive(10, 20).await), ["1", "2", "3"]);
}

#[tokio::test]
async fn one_bad_handle_does_not_keep_the_others_from_being_deleted() {
    let queue = Queue::standard(&[]).await;
    queue.send("body").await;
    let message = queue.receive_one().await;
    let entry = |id, handle| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle);
        entry.build().unwrap()
    };
    let request = queue.client.delete_message_batch().queue_url(&queue.url);
    let request = request.entries(entry("bad", "garbage")).entries(entry("good", handle(&message)));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.successful().len(), 1);
    assert_eq!(answer.successful()[0].id(), "good");
    assert_eq!(answer.failed().len(), 1);
    assert_eq!(answer.failed()[0].id(), "bad");
    assert_eq!(answer.failed()[0].code(), "ReceiptHandleIsInvalid");
}

#[tokio::test]
async fn visibility_is_changed_entry_by_entry() {
    let queue = Queue::standard(&[]).await;
    queue.send("a").await;
    queue.send("b").await;
    let messages = queue.receive_all(2).await;
    let entry = |id: &str, handle: &str| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id);
        entry.receipt_handle(handle).visibility_timeout(0).build().unwrap()
    };
    let request = queue.client.change_message_visibility_batch().queue_url(&queue.url);
    let request = request
        .entries(entry("first", handle(&messages[0])))
        .entries(entry("bad", "garbage"))
        .entries(entry("second", handle(&messages[1])));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.successful().len(), 2);
    assert_eq!(answer.failed()[0].id(), "bad");
    for message in queue.receive_all(2).await {
        assert_eq!(receive_count(&message), 2);
    }
}
