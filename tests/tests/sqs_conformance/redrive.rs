//! Messages that nobody deletes end in the dead-letter queue.

use aws_sdk_sqs::types::{Message, QueueAttributeName};

use crate::subject::{Queue, bodies, receive_count, redrive_policy};

/// Sends what is received too often to the dead-letter queue.
async fn set_redrive(queue: &Queue, dead_letters: &Queue, max_receives: u32) {
    let policy = redrive_policy(dead_letters, max_receives).await;
    let request = queue.client.set_queue_attributes().queue_url(&queue.url);
    request.attributes(QueueAttributeName::RedrivePolicy, policy).send().await.unwrap();
}

async fn give_back(queue: &Queue) -> Message {
    let message = queue.receive_one().await;
    queue.hide(&message, 0).await;
    message
}

#[tokio::test]
async fn a_message_received_too_often_is_moved() {
    let queue = Queue::standard(&[]).await;
    let dead_letters = queue.sibling("").await;
    set_redrive(&queue, &dead_letters, 2).await;
    queue.send("poison").await;
    let first = give_back(&queue).await;
    assert_eq!(receive_count(&give_back(&queue).await), 2);
    assert_eq!(bodies(&queue.receive(10, 0).await), [""; 0]);
    let dead = dead_letters.receive_one().await;
    assert_eq!(dead.body(), Some("poison"));
    assert_eq!(dead.message_id(), first.message_id());
}

#[tokio::test]
async fn an_expired_message_is_moved_too() {
    let queue = Queue::standard(&[(QueueAttributeName::VisibilityTimeout, "1")]).await;
    let dead_letters = queue.sibling("").await;
    set_redrive(&queue, &dead_letters, 1).await;
    queue.send("poison").await;
    queue.receive_one().await;
    let (left, dead) = tokio::join!(queue.receive(10, 3), dead_letters.receive_one());
    assert_eq!(bodies(&left), [""; 0]);
    assert_eq!(dead.body(), Some("poison"));
}

#[tokio::test]
async fn a_group_goes_on_after_its_poison_is_moved() {
    let queue = Queue::fifo(&[]).await;
    let dead_letters = queue.sibling(".fifo").await;
    set_redrive(&queue, &dead_letters, 1).await;
    queue.send_to("g", "poison").await;
    queue.send_to("g", "good").await;
    give_back(&queue).await;
    assert_eq!(queue.receive_one().await.body(), Some("good"));
    assert_eq!(dead_letters.receive_one().await.body(), Some("poison"));
}

#[tokio::test]
async fn the_policy_can_be_read_back() {
    let queue = Queue::standard(&[]).await;
    let dead_letters = queue.sibling("").await;
    set_redrive(&queue, &dead_letters, 7).await;
    let policy = queue.attribute(QueueAttributeName::RedrivePolicy).await.unwrap();
    let arn = dead_letters.attribute(QueueAttributeName::QueueArn).await.unwrap();
    assert!(policy.contains(&arn) && policy.contains('7'), "{policy}");
}
