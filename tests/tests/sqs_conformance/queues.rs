//! Creating, finding, setting and deleting queues.

use aws_sdk_sqs::types::QueueAttributeName as Name;

use crate::subject::{Queue, bodies, code, sqs, unique_name};

const NOT_THERE: &str = "AWS.SimpleQueueService.NonExistentQueue";

#[tokio::test]
async fn creating_the_same_queue_again_finds_it() {
    let client = sqs().await;
    let name = unique_name(".fifo");
    let attributes = [(Name::FifoQueue, "true"), (Name::VisibilityTimeout, "45")];
    let first = Queue::create(&client, &name, &attributes).await.unwrap();
    first.send_to("g", "kept").await;
    let second = Queue::create(&client, &name, &attributes).await.unwrap();
    assert_eq!(second.url, first.url);
    assert_eq!(second.receive_one().await.body(), Some("kept"));
}

#[tokio::test]
async fn a_taken_name_with_other_attributes_is_refused() {
    let client = sqs().await;
    let name = unique_name("");
    Queue::create(&client, &name, &[(Name::VisibilityTimeout, "45")]).await.unwrap();
    let other = Queue::create(&client, &name, &[(Name::VisibilityTimeout, "46")]).await;
    assert_eq!(code(&other.map(|_| ())), "QueueAlreadyExists");
}

#[tokio::test]
async fn attributes_out_of_range_are_refused() {
    let client = sqs().await;
    for (attribute, value) in [
        (Name::VisibilityTimeout, "43201"),
        (Name::DelaySeconds, "901"),
        (Name::ReceiveMessageWaitTimeSeconds, "21"),
        (Name::MessageRetentionPeriod, "59"),
        (Name::MaximumMessageSize, "1023"),
        (Name::VisibilityTimeout, "soon"),
    ] {
        let attributes = [(attribute.clone(), value)];
        let created = Queue::create(&client, &unique_name(""), &attributes).await;
        assert_eq!(code(&created.map(|_| ())), "InvalidAttributeValue", "{attribute}");
    }
}

#[tokio::test]
async fn a_queue_is_found_by_its_name() {
    let client = sqs().await;
    let name = unique_name("");
    let missing = client.get_queue_url().queue_name(&name).send().await;
    assert_eq!(code(&missing), NOT_THERE);
    let queue = Queue::create(&client, &name, &[]).await.unwrap();
    let found = client.get_queue_url().queue_name(&name).send().await.unwrap();
    assert_eq!(found.queue_url(), Some(queue.url.as_str()));
    let listed = client.list_queues().queue_name_prefix(&name).send().await.unwrap();
    assert_eq!(listed.queue_urls(), [queue.url]);
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_said_so() {
    let queue = Queue::standard(&[]).await;
    let url = format!("{}-not", queue.url);
    let client = &queue.client;
    let send = client.send_message().queue_url(&url).message_body("body").send().await;
    assert!(send.as_ref().unwrap_err().as_service_error().unwrap().is_queue_does_not_exist());
    assert_eq!(code(&send), NOT_THERE);
    let receive = client.receive_message().queue_url(&url).wait_time_seconds(1).send().await;
    assert_eq!(code(&receive), NOT_THERE);
    let attributes = client.get_queue_attributes().queue_url(&url).send().await;
    assert_eq!(code(&attributes), NOT_THERE);
    let purge = client.purge_queue().queue_url(&url).send().await;
    assert_eq!(code(&purge), NOT_THERE);
}

#[tokio::test]
async fn a_deleted_queue_is_gone() {
    let queue = Queue::standard(&[]).await;
    queue.send("lost").await;
    queue.client.delete_queue().queue_url(&queue.url).send().await.unwrap();
    let receive = queue.client.receive_message().queue_url(&queue.url).send().await;
    assert_eq!(code(&receive), NOT_THERE);
}

#[tokio::test]
async fn a_new_queue_has_the_defaults() {
    let queue = Queue::standard(&[]).await;
    let request = queue.client.get_queue_attributes().queue_url(&queue.url);
    let answer = request.attribute_names(Name::All).send().await.unwrap();
    let attributes = answer.attributes().unwrap();
    for (name, value) in [
        (Name::VisibilityTimeout, "30"),
        (Name::DelaySeconds, "0"),
        (Name::ReceiveMessageWaitTimeSeconds, "0"),
        (Name::MessageRetentionPeriod, "345600"),
        (Name::MaximumMessageSize, "1048576"),
        (Name::ApproximateNumberOfMessages, "0"),
        (Name::ApproximateNumberOfMessagesNotVisible, "0"),
        (Name::ApproximateNumberOfMessagesDelayed, "0"),
    ] {
        assert_eq!(attributes.get(&name).map(String::as_str), Some(value), "{name}");
    }
    assert!(attributes[&Name::CreatedTimestamp].parse::<u64>().unwrap() > 1_600_000_000);
    let arn = &attributes[&Name::QueueArn];
    let name = queue.url.rsplit('/').next().unwrap();
    assert!(arn.starts_with("arn:aws:sqs:us-east-1:") && arn.ends_with(name), "{arn}");
    assert!(!attributes.contains_key(&Name::FifoQueue));
}

#[tokio::test]
async fn set_attributes_are_read_back_and_obeyed() {
    let queue = Queue::standard(&[(Name::VisibilityTimeout, "600")]).await;
    let request = queue.client.set_queue_attributes().queue_url(&queue.url);
    request.attributes(Name::VisibilityTimeout, "1").send().await.unwrap();
    assert_eq!(queue.attribute(Name::VisibilityTimeout).await.as_deref(), Some("1"));
    queue.send("body").await;
    let first = queue.receive_one().await;
    assert_eq!(queue.receive_one().await.message_id(), first.message_id());
}

#[tokio::test]
async fn a_fifo_queue_says_so() {
    let queue = Queue::fifo(&[(Name::ContentBasedDeduplication, "true")]).await;
    assert_eq!(queue.attribute(Name::FifoQueue).await.as_deref(), Some("true"));
    assert_eq!(queue.attribute(Name::ContentBasedDeduplication).await.as_deref(), Some("true"));
}

#[tokio::test]
async fn the_counts_follow_the_messages() {
    let queue = Queue::standard(&[]).await;
    let counts = async || {
        let mut counts = Vec::new();
        for name in [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesNotVisible,
            Name::ApproximateNumberOfMessagesDelayed,
        ] {
            counts.push(queue.attribute(name).await.unwrap());
        }
        counts
    };
    queue.send("a").await;
    queue.send("b").await;
    let late = queue.client.send_message().queue_url(&queue.url).message_body("late");
    late.delay_seconds(900).send().await.unwrap();
    assert_eq!(counts().await, ["2", "0", "1"]);
    let message = queue.receive_one().await;
    assert_eq!(counts().await, ["1", "1", "1"]);
    queue.delete(&message).await;
    assert_eq!(counts().await, ["1", "0", "1"]);
    assert_eq!(bodies(&queue.receive(10, 0).await).len(), 1);
}
