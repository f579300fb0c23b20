//! Receipt handles that are stale or were never given out.

use crate::subject::{Queue, bodies, code, handle, receive_count};

/// SQS answers with the first; that it refuses at all is what matters.
const STALE: [&str; 2] = ["InvalidParameterValue", "ReceiptHandleIsInvalid"];

#[tokio::test]
async fn a_handle_that_was_never_given_out_is_invalid() {
    let queue = Queue::standard(&[]).await;
    let delete = queue.client.delete_message().queue_url(&queue.url).receipt_handle("garbage");
    assert_eq!(code(&delete.send().await), "ReceiptHandleIsInvalid");
    let change = queue.client.change_message_visibility().queue_url(&queue.url);
    let change = change.receipt_handle("garbage").visibility_timeout(1).send().await;
    assert_eq!(code(&change), "ReceiptHandleIsInvalid");
}

#[tokio::test]
async fn a_stale_fifo_handle_deletes_nothing() {
    let queue = Queue::fifo(&[]).await;
    queue.send_to("g", "kept").await;
    let stale = queue.receive_briefly().await;
    let fresh = queue.receive_one().await;
    let delete = queue.client.delete_message().queue_url(&queue.url).receipt_handle(handle(&stale));
    assert!(STALE.contains(&code(&delete.send().await)));
    queue.hide(&fresh, 0).await;
    let again = queue.receive_one().await;
    assert_eq!(again.body(), Some("kept"));
    assert_eq!(receive_count(&again), 3);
}

#[tokio::test]
async fn a_stale_fifo_handle_changes_no_visibility() {
    let queue = Queue::fifo(&[]).await;
    queue.send_to("g", "held").await;
    let stale = queue.receive_briefly().await;
    let fresh = queue.receive_one().await;
    let change = queue.client.change_message_visibility().queue_url(&queue.url);
    let change = change.receipt_handle(handle(&stale)).visibility_timeout(0).send().await;
    assert!(STALE.contains(&code(&change)));
    assert_eq!(bodies(&queue.receive(10, 1).await), [""; 0]);
    queue.delete(&fresh).await;
}
