//! Standard queues: what is sent arrives, is hidden while it is held, and comes back.

use std::collections::BTreeSet;

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName};

use crate::subject::{Queue, bodies, receive_count, system};

/// MD5 of `hello`.
const MD5_OF_HELLO: &str = "5d41402abc4b2a76b9719d911017c592";

#[tokio::test]
async fn a_message_arrives_as_it_was_sent() {
    let queue = Queue::standard(&[]).await;
    let sent = queue.send("hello").await;
    assert_eq!(sent.md5_of_message_body(), Some(MD5_OF_HELLO));
    assert_eq!(sent.sequence_number(), None);
    let message = queue.receive_one().await;
    assert_eq!(message.body(), Some("hello"));
    assert_eq!(message.md5_of_body(), Some(MD5_OF_HELLO));
    assert_eq!(message.message_id(), sent.message_id());
    assert_eq!(receive_count(&message), 1);
    let number = |name| system(&message, &name).unwrap().parse::<u64>().unwrap();
    let sent_at = number(MessageSystemAttributeName::SentTimestamp);
    assert!(number(MessageSystemAttributeName::ApproximateFirstReceiveTimestamp) >= sent_at);
}

#[tokio::test]
async fn any_allowed_text_survives() {
    let queue = Queue::standard(&[]).await;
    let text =
        "quotes \" and \\ backslash, \t\r\n, ü 漢 😀, \u{7f} \u{fffd}, </xml> & {\"json\": 1}";
    queue.send(text).await;
    assert_eq!(queue.receive_one().await.body(), Some(text));
}

#[tokio::test]
async fn message_attributes_arrive_with_their_digest() {
    let queue = Queue::standard(&[]).await;
    let value = |kind: &str| MessageAttributeValue::builder().data_type(kind);
    let text = value("String").string_value("beacon").build().unwrap();
    let bytes = value("Binary").binary_value(Blob::new([0, 1, 255])).build().unwrap();
    let request = queue.client.send_message().queue_url(&queue.url).message_body("body");
    let request = request.message_attributes("name", text.clone());
    let sent = request.message_attributes("bytes", bytes.clone()).send().await.unwrap();
    let message = queue.receive_one().await;
    assert_eq!(message.message_attributes().unwrap()["name"], text);
    assert_eq!(message.message_attributes().unwrap()["bytes"], bytes);
    // Computed by the published rule: length, name, length, type, kind byte, length, value.
    let digest = Some("239665688019ed664786cea503fe7bf4");
    assert_eq!(sent.md5_of_message_attributes(), digest);
    assert_eq!(message.md5_of_message_attributes(), digest);
}

#[tokio::test]
async fn an_undeleted_message_comes_back_after_its_visibility_timeout() {
    let queue = Queue::standard(&[(QueueAttributeName::VisibilityTimeout, "1")]).await;
    queue.send("again").await;
    let first = queue.receive_one().await;
    let second = queue.receive_one().await;
    assert_eq!(second.message_id(), first.message_id());
    assert_eq!(receive_count(&second), 2);
    assert_ne!(second.receipt_handle(), first.receipt_handle());
    let received_at = MessageSystemAttributeName::ApproximateFirstReceiveTimestamp;
    assert_eq!(system(&second, &received_at), system(&first, &received_at));
}

#[tokio::test]
async fn a_receive_can_bring_its_own_visibility_timeout() {
    let queue = Queue::standard(&[(QueueAttributeName::VisibilityTimeout, "600")]).await;
    queue.send("again").await;
    queue.receive_briefly().await;
    assert_eq!(receive_count(&queue.receive_one().await), 2);
}

#[tokio::test]
async fn a_deleted_message_does_not_come_back() {
    let queue = Queue::standard(&[(QueueAttributeName::VisibilityTimeout, "1")]).await;
    queue.send("once").await;
    let message = queue.receive_one().await;
    queue.delete(&message).await;
    assert_eq!(bodies(&queue.receive(10, 2).await), [""; 0]);
}

#[tokio::test]
async fn a_visibility_timeout_of_zero_gives_the_message_back_at_once() {
    let queue = Queue::standard(&[(QueueAttributeName::VisibilityTimeout, "600")]).await;
    queue.send("back").await;
    let message = queue.receive_one().await;
    queue.hide(&message, 0).await;
    assert_eq!(receive_count(&queue.receive_one().await), 2);
}

#[tokio::test]
async fn a_message_given_back_ends_a_waiting_receive() {
    let queue = Queue::standard(&[(QueueAttributeName::VisibilityTimeout, "600")]).await;
    queue.send("back").await;
    let message = queue.receive_one().await;
    let (again, ()) = tokio::join!(queue.receive_one(), queue.hide(&message, 0));
    assert_eq!(receive_count(&again), 2);
}

#[tokio::test]
async fn an_extended_visibility_timeout_holds() {
    let queue = Queue::standard(&[(QueueAttributeName::VisibilityTimeout, "3")]).await;
    queue.send("held").await;
    let message = queue.receive_one().await;
    queue.hide(&message, 600).await;
    assert_eq!(bodies(&queue.receive(10, 4).await), [""; 0]);
    queue.delete(&message).await;
}

#[tokio::test]
async fn a_shortened_visibility_timeout_ends_a_waiting_receive() {
    let queue = Queue::standard(&[(QueueAttributeName::VisibilityTimeout, "600")]).await;
    queue.send("back").await;
    let message = queue.receive_one().await;
    let (again, ()) = tokio::join!(queue.receive_one(), queue.hide(&message, 1));
    assert_eq!(receive_count(&again), 2);
}

#[tokio::test]
async fn a_message_sent_during_a_long_poll_ends_it() {
    let queue = Queue::standard(&[]).await;
    let (message, _) = tokio::join!(queue.receive_one(), queue.send("awaited"));
    assert_eq!(message.body(), Some("awaited"));
}

#[tokio::test]
async fn every_waiting_receive_gets_its_message() {
    let queue = Queue::standard(&[]).await;
    let receive = || queue.receive_one();
    let send = async {
        for body in ["a", "b", "c"] {
            queue.send(body).await;
        }
    };
    let (first, second, third, ()) = tokio::join!(receive(), receive(), receive(), send);
    let received: BTreeSet<_> = [&first, &second, &third].map(|m| m.body().unwrap()).into();
    assert_eq!(received, BTreeSet::from(["a", "b", "c"]));
}

#[tokio::test]
async fn a_long_poll_of_an_empty_queue_ends_empty() {
    let queue = Queue::standard(&[]).await;
    assert_eq!(bodies(&queue.receive(10, 1).await), [""; 0]);
}

#[tokio::test]
async fn the_queue_can_make_every_receive_wait() {
    let queue = Queue::standard(&[(QueueAttributeName::ReceiveMessageWaitTimeSeconds, "20")]).await;
    let receive = queue.client.receive_message().queue_url(&queue.url).send();
    let (received, _) = tokio::join!(receive, queue.send("awaited"));
    assert_eq!(bodies(received.unwrap().messages()), ["awaited"]);
}

#[tokio::test]
async fn a_delayed_message_comes_later() {
    let queue = Queue::standard(&[]).await;
    let request = queue.client.send_message().queue_url(&queue.url).message_body("late");
    request.delay_seconds(1).send().await.unwrap();
    assert_eq!(bodies(&queue.receive(10, 0).await), [""; 0]);
    assert_eq!(queue.receive_one().await.body(), Some("late"));
}

#[tokio::test]
async fn a_queue_can_delay_every_message() {
    let queue = Queue::standard(&[(QueueAttributeName::DelaySeconds, "1")]).await;
    queue.send("late").await;
    assert_eq!(bodies(&queue.receive(10, 0).await), [""; 0]);
    assert_eq!(queue.receive_one().await.body(), Some("late"));
}

#[tokio::test]
async fn a_purged_queue_is_empty() {
    let queue = Queue::standard(&[(QueueAttributeName::VisibilityTimeout, "1")]).await;
    queue.send("held").await;
    queue.receive_one().await;
    queue.send("waiting").await;
    queue.client.purge_queue().queue_url(&queue.url).send().await.unwrap();
    assert_eq!(bodies(&queue.receive(10, 2).await), [""; 0]);
    queue.send("new").await;
    assert_eq!(queue.receive_one().await.body(), Some("new"));
}
