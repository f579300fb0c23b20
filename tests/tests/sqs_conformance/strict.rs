//! What SQS refuses or forgives and emulators of it tend not to. Against an emulator, leave these
//! out with `--skip strict`.

use aws_sdk_sqs::operation::receive_message::builders::ReceiveMessageFluentBuilder;
use aws_sdk_sqs::types::QueueAttributeName;

use crate::subject::{Queue, code, handle, redrive_policy, sqs, unique_name};

type Ask = ReceiveMessageFluentBuilder;

#[tokio::test]
async fn a_receive_out_of_its_limits_is_refused() {
    let queue = Queue::standard(&[]).await;
    let asks: [fn(Ask) -> Ask; 6] = [
        |ask| ask.max_number_of_messages(0),
        |ask| ask.max_number_of_messages(11),
        |ask| ask.wait_time_seconds(-1),
        |ask| ask.wait_time_seconds(21),
        |ask| ask.visibility_timeout(-1),
        |ask| ask.visibility_timeout(43_201),
    ];
    for (number, ask) in asks.iter().enumerate() {
        let received = ask(queue.client.receive_message().queue_url(&queue.url)).send().await;
        assert_eq!(code(&received), "InvalidParameterValue", "ask {number}");
    }
}

#[tokio::test]
async fn a_visibility_timeout_is_at_most_twelve_hours() {
    let queue = Queue::standard(&[]).await;
    queue.send("held").await;
    let message = queue.receive_one().await;
    for seconds in [-1, 43_201] {
        let request = queue.client.change_message_visibility().queue_url(&queue.url);
        let request = request.receipt_handle(handle(&message)).visibility_timeout(seconds);
        assert_eq!(code(&request.send().await), "InvalidParameterValue", "{seconds}");
    }
}

#[tokio::test]
async fn a_delay_is_at_most_fifteen_minutes() {
    let queue = Queue::standard(&[]).await;
    for seconds in [-1, 901] {
        let request = queue.client.send_message().queue_url(&queue.url).message_body("late");
        let sent = request.delay_seconds(seconds).send().await;
        assert_eq!(code(&sent), "InvalidParameterValue", "{seconds}");
    }
}

#[tokio::test]
async fn group_and_deduplication_ids_are_at_most_128_printable_characters() {
    let queue = Queue::fifo(&[]).await;
    let longest = format!("{}{}", "i".repeat(96), "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");
    assert_eq!(longest.len(), 128);
    let sent = queue.send_deduplicated(&longest, &longest, "body").await;
    assert_eq!(code(&sent), "no error");
    for id in ["i".repeat(129).as_str(), "with space", "ü"] {
        let sent = queue.send_deduplicated("g", id, "body").await;
        assert_eq!(code(&sent), "InvalidParameterValue", "deduplication id {id}");
        let sent = queue.send_deduplicated(id, "id", "body").await;
        assert_eq!(code(&sent), "InvalidParameterValue", "group id {id}");
    }
}

#[tokio::test]
async fn what_belongs_to_the_other_type_of_queue_is_refused() {
    let fifo = Queue::fifo(&[]).await;
    let request = fifo.client.send_message().queue_url(&fifo.url).message_body("body");
    let request = request.message_group_id("g").message_deduplication_id("id");
    assert_eq!(code(&request.delay_seconds(1).send().await), "InvalidParameterValue");
    let standard = Queue::standard(&[]).await;
    let request = standard.client.send_message().queue_url(&standard.url).message_body("body");
    let sent = request.message_deduplication_id("id").send().await;
    assert_eq!(code(&sent), "InvalidParameterValue");
}

#[tokio::test]
async fn the_name_must_fit_the_type() {
    let client = sqs().await;
    let fifo = [(QueueAttributeName::FifoQueue, "true")];
    let long = "q".repeat(81);
    for (name, attributes) in [
        (unique_name(""), &fifo[..]),
        (unique_name(".fifo"), &[]),
        (unique_name(" space"), &[]),
        (long, &[]),
    ] {
        let created = Queue::create(&client, &name, attributes).await;
        assert_eq!(code(&created.map(|_| ())), "InvalidParameterValue", "{name}");
    }
}

#[tokio::test]
async fn deleting_twice_is_no_error() {
    let queue = Queue::standard(&[]).await;
    queue.send("once").await;
    let message = queue.receive_one().await;
    queue.delete(&message).await;
    queue.delete(&message).await;
}

#[tokio::test]
async fn a_deleted_message_has_no_visibility_to_change() {
    let queue = Queue::standard(&[]).await;
    queue.send("once").await;
    let message = queue.receive_one().await;
    queue.delete(&message).await;
    let change = queue.client.change_message_visibility().queue_url(&queue.url);
    let change = change.receipt_handle(handle(&message)).visibility_timeout(1).send().await;
    assert_eq!(code(&change), "InvalidParameterValue");
}

#[tokio::test]
async fn a_visible_message_is_not_in_flight() {
    let queue = Queue::standard(&[]).await;
    queue.send("back").await;
    let message = queue.receive_one().await;
    queue.hide(&message, 0).await;
    let change = queue.client.change_message_visibility().queue_url(&queue.url);
    let change = change.receipt_handle(handle(&message)).visibility_timeout(1).send().await;
    assert_eq!(code(&change), "AWS.SimpleQueueService.MessageNotInflight");
}

#[tokio::test]
async fn a_fifo_handle_expires_with_its_visibility_timeout() {
    let queue = Queue::fifo(&[]).await;
    queue.send_to("g", "kept").await;
    let expired = queue.receive_one().await;
    queue.hide(&expired, 0).await;
    let delete = queue.client.delete_message().queue_url(&queue.url);
    let delete = delete.receipt_handle(handle(&expired)).send().await;
    assert_eq!(code(&delete), "InvalidParameterValue");
    assert_eq!(queue.receive_one().await.body(), Some("kept"));
}

#[tokio::test]
async fn the_dead_letter_queue_must_be_of_the_same_type() {
    let queue = Queue::fifo(&[]).await;
    let dead_letters = queue.sibling("").await;
    let policy = redrive_policy(&dead_letters, 1).await;
    let request = queue.client.set_queue_attributes().queue_url(&queue.url);
    let set = request.attributes(QueueAttributeName::RedrivePolicy, policy).send().await;
    assert_eq!(code(&set), "InvalidParameterValue");
}

#[tokio::test]
async fn an_unknown_attribute_is_refused() {
    let client = sqs().await;
    let unknown = [(QueueAttributeName::from("NoSuchAttribute"), "1")];
    let created = Queue::create(&client, &unique_name(""), &unknown).await;
    assert_eq!(code(&created.map(|_| ())), "InvalidAttributeName");
}
