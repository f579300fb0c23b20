//! FIFO queues: order and lock of a group, deduplication.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};

use crate::subject::{Queue, bodies, receive_count, system};

#[tokio::test]
async fn a_message_says_its_group_deduplication_id_and_sequence_number() {
    let queue = Queue::fifo(&[]).await;
    let sent = queue.send_deduplicated("group", "id", "body").await.unwrap();
    let message = queue.receive_one().await;
    let attribute = |name| system(&message, &name);
    assert_eq!(attribute(MessageSystemAttributeName::MessageGroupId), Some("group"));
    assert_eq!(attribute(MessageSystemAttributeName::MessageDeduplicationId), Some("id"));
    assert_eq!(attribute(MessageSystemAttributeName::SequenceNumber), sent.sequence_number());
    assert_eq!(receive_count(&message), 1);
}

#[tokio::test]
async fn sequence_numbers_grow() {
    let queue = Queue::fifo(&[]).await;
    let first = queue.send_to("g", "1").await.sequence_number.unwrap();
    let second = queue.send_to("g", "2").await.sequence_number.unwrap();
    assert_eq!(first.len(), 20);
    assert!(first < second);
}

#[tokio::test]
async fn a_group_is_received_one_by_one_in_order() {
    let queue = Queue::fifo(&[]).await;
    for body in ["1", "2", "3"] {
        queue.send_to("g", body).await;
    }
    for body in ["1", "2", "3"] {
        let message = queue.receive_one().await;
        assert_eq!(message.body(), Some(body));
        queue.delete(&message).await;
    }
}

#[tokio::test]
async fn one_receive_takes_several_of_a_group_in_order() {
    let queue = Queue::fifo(&[]).await;
    for body in ["1", "2", "3", "4"] {
        queue.send_to("g", body).await;
    }
    assert_eq!(bodies(&queue.receive(3, 20).await), ["1", "2", "3"]);
}

#[tokio::test]
async fn a_held_group_is_locked_and_others_are_not() {
    let queue = Queue::fifo(&[]).await;
    queue.send_to("a", "a1").await;
    queue.send_to("a", "a2").await;
    let held = queue.receive_one().await;
    assert_eq!(bodies(&queue.receive(10, 1).await), [""; 0]);
    queue.send_to("b", "b1").await;
    assert_eq!(bodies(&queue.receive(10, 1).await), ["b1"]);
    queue.delete(&held).await;
    assert_eq!(bodies(&queue.receive(10, 1).await), ["a2"]);
}

#[tokio::test]
async fn a_group_stays_locked_until_its_whole_batch_is_settled() {
    let queue = Queue::fifo(&[]).await;
    for body in ["1", "2", "3"] {
        queue.send_to("g", body).await;
    }
    let held = queue.receive(2, 20).await;
    assert_eq!(bodies(&held), ["1", "2"]);
    queue.delete(&held[0]).await;
    assert_eq!(bodies(&queue.receive(10, 0).await), [""; 0]);
    queue.delete(&held[1]).await;
    assert_eq!(bodies(&queue.receive(10, 1).await), ["3"]);
}

#[tokio::test]
async fn a_delete_that_unlocks_a_group_ends_a_waiting_receive() {
    let queue = Queue::fifo(&[]).await;
    queue.send_to("g", "1").await;
    queue.send_to("g", "2").await;
    let held = queue.receive_one().await;
    let (next, ()) = tokio::join!(queue.receive_one(), queue.delete(&held));
    assert_eq!(next.body(), Some("2"));
}

#[tokio::test]
async fn an_expired_message_comes_back_before_the_rest_of_its_group() {
    let queue = Queue::fifo(&[(QueueAttributeName::VisibilityTimeout, "1")]).await;
    queue.send_to("g", "1").await;
    queue.send_to("g", "2").await;
    assert_eq!(queue.receive_one().await.body(), Some("1"));
    let again = queue.receive_one().await;
    assert_eq!(again.body(), Some("1"));
    assert_eq!(receive_count(&again), 2);
}

#[tokio::test]
async fn a_message_given_back_comes_before_the_rest_of_its_group() {
    let queue = Queue::fifo(&[]).await;
    queue.send_to("g", "1").await;
    queue.send_to("g", "2").await;
    let held = queue.receive_one().await;
    queue.hide(&held, 0).await;
    assert_eq!(bodies(&queue.receive(10, 20).await), ["1", "2"]);
}

#[tokio::test]
async fn a_repeated_deduplication_id_is_swallowed() {
    let queue = Queue::fifo(&[]).await;
    let first = queue.send_deduplicated("g", "id", "first").await.unwrap();
    let second = queue.send_deduplicated("g", "id", "second").await.unwrap();
    assert_eq!(second.message_id(), first.message_id());
    assert_eq!(second.sequence_number(), first.sequence_number());
    assert_eq!(bodies(&queue.receive(10, 20).await), ["first"]);
}

#[tokio::test]
async fn deduplication_outlives_the_message() {
    let queue = Queue::fifo(&[]).await;
    let first = queue.send_deduplicated("g", "id", "first").await.unwrap();
    let held = queue.receive_one().await;
    queue.delete(&held).await;
    let again = queue.send_deduplicated("g", "id", "first").await.unwrap();
    assert_eq!(again.message_id(), first.message_id());
    assert_eq!(bodies(&queue.receive(10, 1).await), [""; 0]);
}

#[tokio::test]
async fn deduplication_spans_groups() {
    let queue = Queue::fifo(&[]).await;
    let first = queue.send_deduplicated("a", "id", "first").await.unwrap();
    let second = queue.send_deduplicated("b", "id", "second").await.unwrap();
    assert_eq!(second.message_id(), first.message_id());
}

#[tokio::test]
async fn another_deduplication_id_is_another_message() {
    let queue = Queue::fifo(&[]).await;
    queue.send_deduplicated("g", "1", "same").await.unwrap();
    queue.send_deduplicated("g", "2", "same").await.unwrap();
    assert_eq!(bodies(&queue.receive(10, 20).await), ["same", "same"]);
}

#[tokio::test]
async fn the_body_can_stand_for_the_deduplication_id() {
    let queue = Queue::fifo(&[(QueueAttributeName::ContentBasedDeduplication, "true")]).await;
    for body in ["same", "same", "other"] {
        let request = queue.client.send_message().queue_url(&queue.url);
        request.message_body(body).message_group_id("g").send().await.unwrap();
    }
    assert_eq!(bodies(&queue.receive(10, 20).await), ["same", "other"]);
}

#[tokio::test]
async fn concurrent_receivers_see_every_group_in_order_and_every_message_once() {
    const GROUPS: usize = 6;
    const LENGTH: usize = 15;
    let queue = Queue::fifo(&[]).await;
    for number in 0..LENGTH {
        for group in 0..GROUPS {
            queue.send_to(&format!("g{group}"), &format!("g{group}-{number:02}")).await;
        }
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let receiver = |max| {
        let (queue, seen) = (queue.clone(), Arc::clone(&seen));
        async move {
            while seen.lock().unwrap().len() < GROUPS * LENGTH {
                for message in queue.receive(max, 1).await {
                    seen.lock().unwrap().push(message.body().unwrap().to_owned());
                    queue.delete(&message).await;
                }
            }
        }
    };
    let receivers = [1, 1, 2, 3, 10].map(|max| tokio::spawn(receiver(max)));
    for receiver in receivers {
        receiver.await.unwrap();
    }
    let mut by_group: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for body in seen.lock().unwrap().drain(..) {
        by_group.entry(body[..2].to_owned()).or_default().push(body);
    }
    assert_eq!(by_group.len(), GROUPS);
    for (group, bodies) in by_group {
        let expected: Vec<_> = (0..LENGTH).map(|number| format!("{group}-{number:02}")).collect();
        assert_eq!(bodies, expected);
    }
}
