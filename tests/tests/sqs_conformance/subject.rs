//! The SQS under test, and a queue of it with what the tests say to it.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::create_queue::CreateQueueError;
use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageOutput};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use beacon_infra::sqs::SqsEndpoint;
use tokio::net::TcpListener;

/// Longer than any wait that a test needs to end well.
pub(crate) const LONG: i32 = 20;

/// A client of the SQS under test.
pub(crate) async fn sqs() -> Client {
    match given_endpoint() {
        Some(url) => client(&url),
        None => client(start_own().await.url()),
    }
}

#[expect(clippy::disallowed_methods, reason = "a switch for the person who runs the tests")]
fn given_endpoint() -> Option<String> {
    std::env::var("BEACON_SQS_CONFORMANCE_ENDPOINT").ok()
}

/// Our endpoint, served until the test ends.
pub(crate) async fn start_own() -> SqsEndpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = SqsEndpoint::new(listener.local_addr().unwrap());
    tokio::spawn(endpoint.clone().serve(listener, std::future::pending()));
    endpoint
}

/// An SDK client for this URL.
pub(crate) fn client(url: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(url)
        .build();
    Client::from_conf(config)
}

/// A name that no other queue has.
pub(crate) fn unique_name(suffix: &str) -> String {
    format!("conformance-{:016x}{suffix}", rand::random::<u64>())
}

/// The error code that the SQS answered with.
pub(crate) fn code<T, E>(result: &Result<T, SdkError<E>>) -> &str
where
    E: ProvideErrorMetadata,
{
    result.as_ref().err().and_then(ProvideErrorMetadata::code).unwrap_or("no error")
}

/// A queue of the SQS under test.
#[derive(Clone)]
pub(crate) struct Queue {
    pub(crate) client: Client,
    pub(crate) url: String,
}

impl Queue {
    /// Creates a queue under this name.
    pub(crate) async fn create(
        client: &Client,
        name: &str,
        attributes: &[(QueueAttributeName, &str)],
    ) -> Result<Self, SdkError<CreateQueueError>> {
        let mut request = client.create_queue().queue_name(name);
        for (attribute, value) in attributes {
            request = request.attributes(attribute.clone(), *value);
        }
        let url = request.send().await?.queue_url.unwrap();
        Ok(Self { client: client.clone(), url })
    }

    /// A standard queue of its own.
    pub(crate) async fn standard(attributes: &[(QueueAttributeName, &str)]) -> Self {
        Self::create(&sqs().await, &unique_name(""), attributes).await.unwrap()
    }

    /// A FIFO queue of its own.
    pub(crate) async fn fifo(attributes: &[(QueueAttributeName, &str)]) -> Self {
        let mut attributes = attributes.to_vec();
        attributes.push((QueueAttributeName::FifoQueue, "true"));
        Self::create(&sqs().await, &unique_name(".fifo"), &attributes).await.unwrap()
    }

    /// Another queue of the same SQS and, by its suffix, of either type.
    pub(crate) async fn sibling(&self, suffix: &str) -> Self {
        let fifo = [(QueueAttributeName::FifoQueue, "true")];
        let attributes = if suffix == ".fifo" { &fifo[..] } else { &[] };
        Self::create(&self.client, &unique_name(suffix), attributes).await.unwrap()
    }

    pub(crate) async fn send(&self, body: &str) -> SendMessageOutput {
        let request = self.client.send_message().queue_url(&self.url);
        request.message_body(body).send().await.unwrap()
    }

    /// Sends to a FIFO queue; the body is the deduplication id too.
    pub(crate) async fn send_to(&self, group: &str, body: &str) -> SendMessageOutput {
        self.send_deduplicated(group, body, body).await.unwrap()
    }

    pub(crate) async fn send_deduplicated(
        &self,
        group: &str,
        id: &str,
        body: &str,
    ) -> Result<SendMessageOutput, SdkError<SendMessageError>> {
        let request = self.client.send_message().queue_url(&self.url).message_body(body);
        request.message_group_id(group).message_deduplication_id(id).send().await
    }

    /// Receives with all attributes, waiting so many seconds for the first message.
    pub(crate) async fn receive(&self, max: i32, wait_seconds: i32) -> Vec<Message> {
        let request = self.client.receive_message().queue_url(&self.url);
        let request = request.max_number_of_messages(max).wait_time_seconds(wait_seconds);
        let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
        request.message_attribute_names("All").send().await.unwrap().messages.unwrap_or_default()
    }

    /// Receives the one message that must come.
    pub(crate) async fn receive_one(&self) -> Message {
        let mut messages = self.receive(1, LONG).await;
        assert_eq!(messages.len(), 1);
        messages.remove(0)
    }

    /// Receives the one message that must come, hidden for one second whatever the queue says.
    pub(crate) async fn receive_briefly(&self) -> Message {
        let request = self.client.receive_message().queue_url(&self.url).visibility_timeout(1);
        let received = request.wait_time_seconds(LONG).send().await.unwrap();
        received.messages.unwrap().remove(0)
    }

    /// Receives until so many messages came; standard queues may hand them out in any parts.
    pub(crate) async fn receive_all(&self, number: usize) -> Vec<Message> {
        let mut messages = Vec::new();
        while messages.len() < number {
            let more = self.receive(10, LONG).await;
            assert!(!more.is_empty(), "{} of {number} messages came", messages.len());
            messages.extend(more);
        }
        messages
    }

    pub(crate) async fn delete(&self, message: &Message) {
        let request = self.client.delete_message().queue_url(&self.url);
        request.receipt_handle(handle(message)).send().await.unwrap();
    }

    /// Changes how long a received message stays hidden.
    pub(crate) async fn hide(&self, message: &Message, seconds: i32) {
        let request = self.client.change_message_visibility().queue_url(&self.url);
        let request = request.receipt_handle(handle(message)).visibility_timeout(seconds);
        request.send().await.unwrap();
    }

    pub(crate) async fn attribute(&self, name: QueueAttributeName) -> Option<String> {
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let answer = request.attribute_names(name.clone()).send().await.unwrap();
        answer.attributes.and_then(|attributes| attributes.get(&name).cloned())
    }
}

pub(crate) fn handle(message: &Message) -> &str {
    message.receipt_handle().unwrap()
}

pub(crate) fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body().unwrap()).collect()
}

/// A system attribute of a received message.
pub(crate) fn system<'a>(
    message: &'a Message,
    name: &MessageSystemAttributeName,
) -> Option<&'a str> {
    message.attributes()?.get(name).map(String::as_str)
}

/// How often the message was received.
pub(crate) fn receive_count(message: &Message) -> u32 {
    system(message, &MessageSystemAttributeName::ApproximateReceiveCount).unwrap().parse().unwrap()
}

/// A redrive policy with this queue as the dead-letter queue.
pub(crate) async fn redrive_policy(dead_letters: &Queue, max_receives: u32) -> String {
    let arn = dead_letters.attribute(QueueAttributeName::QueueArn).await.unwrap();
    format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"{max_receives}"}}"#)
}
