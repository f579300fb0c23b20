//! What only our endpoint has: queues made in code, request counts, an end.

use std::time::Duration;

use beacon_infra::sqs::{Action, QueueSettings, Redrive, SqsEndpoint, SqsError};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::subject::{LONG, Queue, bodies, client, start_own};

fn queue(endpoint: &SqsEndpoint, name: &str, settings: QueueSettings) -> Queue {
    let url = endpoint.create_queue(name, settings).unwrap();
    Queue { client: client(endpoint.url()), url }
}

/// Lets other tasks run until so many receives came in.
async fn receives(endpoint: &SqsEndpoint, number: u64) {
    while endpoint.requests(Action::ReceiveMessage) < number {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn queues_made_in_code_are_served() {
    let endpoint = start_own().await;
    let dead_letters = queue(&endpoint, "dead.fifo", QueueSettings::fifo());
    let redrive = Redrive { dead_letter_queue: "dead.fifo".to_owned(), max_receive_count: 1 };
    let settings = QueueSettings { redrive: Some(redrive), ..QueueSettings::fifo() };
    let questions = queue(&endpoint, "questions.fifo", settings.clone());
    assert_eq!(questions.url, format!("{}/000000000000/questions.fifo", endpoint.url()));
    assert_eq!(endpoint.create_queue("questions.fifo", settings), Ok(questions.url.clone()));
    assert_eq!(
        endpoint.create_queue("questions.fifo", QueueSettings::fifo()),
        Err(SqsError::QueueNameExists)
    );
    questions.send_to("g", "poison").await;
    let message = questions.receive_one().await;
    questions.hide(&message, 0).await;
    assert_eq!(bodies(&questions.receive(1, 0).await), [""; 0]);
    assert_eq!(dead_letters.receive_one().await.body(), Some("poison"));
}

#[tokio::test]
async fn requests_are_counted_by_action() {
    let endpoint = start_own().await;
    let queue = queue(&endpoint, "counted", QueueSettings::default());
    queue.send("a").await;
    queue.send("b").await;
    queue.receive_one().await;
    assert_eq!(endpoint.requests(Action::SendMessage), 2);
    assert_eq!(endpoint.requests(Action::ReceiveMessage), 1);
    assert_eq!(endpoint.total_requests(), 3);
}

#[tokio::test]
async fn a_shutdown_ends_long_polls_and_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = SqsEndpoint::new(listener.local_addr().unwrap());
    let (shutdown, told) = oneshot::channel::<()>();
    let server = endpoint.clone().serve(listener, async { told.await.unwrap() });
    let server = tokio::spawn(server);
    let queue = queue(&endpoint, "empty", QueueSettings::default());
    let poll = tokio::spawn(async move { queue.receive(1, LONG).await });
    receives(&endpoint, 1).await;
    shutdown.send(()).unwrap();
    assert_eq!(bodies(&poll.await.unwrap()), [""; 0]);
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_abandoned_long_poll_loses_no_message() {
    let endpoint = start_own().await;
    let settings = QueueSettings { visibility_timeout_seconds: 1, ..QueueSettings::default() };
    let queue = queue(&endpoint, "abandoned", settings);
    let poller = queue.clone();
    let poll = tokio::spawn(async move { poller.receive(1, LONG).await });
    receives(&endpoint, 1).await;
    poll.abort();
    assert!(poll.await.unwrap_err().is_cancelled());
    queue.send("body").await;
    assert_eq!(queue.receive_one().await.body(), Some("body"));
}

#[tokio::test]
async fn a_deleted_queue_ends_its_long_polls() {
    let endpoint = start_own().await;
    let queue = queue(&endpoint, "short-lived", QueueSettings::default());
    let poller = queue.clone();
    let poll = tokio::spawn(async move {
        let request = poller.client.receive_message().queue_url(&poller.url);
        request.wait_time_seconds(LONG).send().await
    });
    receives(&endpoint, 1).await;
    queue.client.delete_queue().queue_url(&queue.url).send().await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(15), poll).await.unwrap().unwrap();
    assert!(ended.unwrap_err().as_service_error().unwrap().is_queue_does_not_exist());
}
