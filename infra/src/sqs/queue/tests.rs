//! Facts about one queue, at times of the test's choosing.

use super::*;
use crate::sqs::content::{Content, MessageAttributes};

const SECOND: u64 = 1000;
const START: u64 = 1_700_000_000_000;

fn standard() -> Queue {
    Queue::new(QueueSettings::default(), START, 7)
}

fn fifo() -> Queue {
    Queue::new(QueueSettings::fifo(), START, 7)
}

fn body(text: &str) -> Outgoing {
    Outgoing {
        content: Content::new(text, MessageAttributes::new()).unwrap(),
        group: None,
        deduplication: None,
        delay_seconds: None,
    }
}

fn grouped(group: &str, text: &str) -> Outgoing {
    Outgoing { group: Some(group.into()), deduplication: Some(text.into()), ..body(text) }
}

fn up_to(max: usize) -> Ask {
    Ask { max, visibility_seconds: None }
}

fn bodies(received: &Received) -> Vec<&str> {
    received.deliveries.iter().map(|delivery| delivery.message.content.body.as_ref()).collect()
}

/// Receives one message that must be there.
fn receipt(queue: &mut Queue, now: u64) -> Receipt {
    queue.receive(now, up_to(1), None).deliveries[0].receipt
}

#[test]
fn a_received_message_is_hidden_until_its_timeout() {
    let mut queue = standard();
    queue.send(START, body("a")).unwrap();
    assert_eq!(queue.receive(START, up_to(10), None).deliveries[0].message.receives, 1);
    assert!(queue.receive(START + 30 * SECOND - 1, up_to(10), None).deliveries.is_empty());
    let again = queue.receive(START + 30 * SECOND, up_to(10), None);
    assert_eq!(again.deliveries[0].message.receives, 2);
    assert_eq!(again.deliveries[0].message.first_received, Some(START));
}

#[test]
fn a_delayed_message_appears_when_its_delay_ends() {
    let mut queue = standard();
    queue.send(START, Outgoing { delay_seconds: Some(5), ..body("late") }).unwrap();
    queue.send(START, body("now")).unwrap();
    assert_eq!(queue.depth(START), Depth { visible: 1, in_flight: 0, delayed: 1 });
    assert_eq!(bodies(&queue.receive(START, up_to(10), None)), ["now"]);
    assert_eq!(queue.next_due(), Some(START + 5 * SECOND));
    assert_eq!(bodies(&queue.receive(START + 5 * SECOND, up_to(10), None)), ["late"]);
}

#[test]
fn a_fifo_queue_keeps_order_when_its_delay_is_lowered() {
    let mut queue = fifo();
    queue.settings.delay_seconds = 5;
    queue.send(START, grouped("g", "1")).unwrap();
    queue.settings.delay_seconds = 0;
    queue.send(START, grouped("g", "2")).unwrap();
    assert!(queue.receive(START, up_to(10), None).deliveries.is_empty());
    assert_eq!(bodies(&queue.receive(START + 5 * SECOND, up_to(10), None)), ["1", "2"]);
}

#[test]
fn one_receive_takes_a_group_in_order_and_locks_it() {
    let mut queue = fifo();
    for text in ["1", "2", "3"] {
        queue.send(START, grouped("g", text)).unwrap();
    }
    let first = queue.receive(START, up_to(2), None);
    assert_eq!(bodies(&first), ["1", "2"]);
    assert!(queue.receive(START, up_to(10), None).deliveries.is_empty());
    queue.delete(START, first.deliveries[0].receipt).unwrap();
    assert!(queue.receive(START, up_to(10), None).deliveries.is_empty());
    queue.delete(START, first.deliveries[1].receipt).unwrap();
    assert_eq!(bodies(&queue.receive(START, up_to(10), None)), ["3"]);
}

#[test]
fn a_returned_message_comes_before_the_later_ones_of_its_group() {
    let mut queue = fifo();
    for text in ["1", "2", "3"] {
        queue.send(START, grouped("g", text)).unwrap();
    }
    let taken = queue.receive(START, up_to(2), None);
    for delivery in taken.deliveries.iter().rev() {
        queue.change_visibility(START, delivery.receipt, 0).unwrap();
    }
    assert_eq!(bodies(&queue.receive(START, up_to(10), None)), ["1", "2", "3"]);
}

#[test]
fn groups_take_turns() {
    let mut queue = fifo();
    for text in ["a1", "a2", "b1", "b2"] {
        queue.send(START, grouped(&text[..1], text)).unwrap();
    }
    let mut seen = Vec::new();
    for _ in 0..4 {
        let received = queue.receive(START, up_to(1), None);
        seen.push(bodies(&received)[0].to_owned());
        queue.delete(START, received.deliveries[0].receipt).unwrap();
    }
    assert_eq!(seen, ["a1", "b1", "a2", "b2"]);
}

#[test]
fn a_repeated_deduplication_id_answers_with_the_original() {
    let mut queue = fifo();
    let first = queue.send(START, grouped("g", "a")).unwrap();
    let held = receipt(&mut queue, START);
    queue.delete(START, held).unwrap();
    let window = 300 * SECOND;
    assert_eq!(queue.send(START + window - 1, grouped("other", "a")), Ok(first));
    assert_eq!(queue.depth(START + window - 1).visible, 0);
    assert_ne!(queue.send(START + window, grouped("g", "a")), Ok(first));
    assert_eq!(queue.depth(START + window).visible, 1);
}

#[test]
fn a_stale_fifo_receipt_is_refused_and_changes_nothing() {
    let mut queue = fifo();
    queue.send(START, grouped("g", "a")).unwrap();
    let stale = receipt(&mut queue, START);
    let later = START + 30 * SECOND;
    let expired = Err(SqsError::ReceiptHandleExpired);
    assert_eq!(queue.delete(later, stale), expired);
    receipt(&mut queue, later);
    assert_eq!(queue.delete(later, stale), expired);
    assert_eq!(queue.change_visibility(later, stale, 0), expired);
    assert_eq!(queue.depth(later), Depth { visible: 0, in_flight: 1, delayed: 0 });
}

#[test]
fn a_stale_standard_receipt_is_accepted_and_changes_nothing() {
    let mut queue = standard();
    queue.send(START, body("a")).unwrap();
    let stale = receipt(&mut queue, START);
    let later = START + 30 * SECOND;
    let fresh = receipt(&mut queue, later);
    assert_eq!(queue.delete(later, stale), Ok(()));
    assert_eq!(queue.change_visibility(later, stale, 0), Err(SqsError::MessageUnavailable));
    assert_eq!(queue.depth(later), Depth { visible: 0, in_flight: 1, delayed: 0 });
    assert_eq!(queue.delete(later, fresh), Ok(()));
    assert_eq!(queue.delete(later, fresh), Ok(()));
    assert_eq!(queue.change_visibility(later, fresh, 0), Err(SqsError::MessageUnavailable));
}

#[test]
fn a_visible_message_has_no_timeout_to_change_but_can_be_deleted() {
    let mut queue = standard();
    queue.send(START, body("a")).unwrap();
    let held = receipt(&mut queue, START);
    queue.change_visibility(START, held, 0).unwrap();
    assert_eq!(queue.change_visibility(START, held, 9), Err(SqsError::MessageNotInflight));
    queue.delete(START, held).unwrap();
    assert!(queue.receive(START, up_to(10), None).deliveries.is_empty());
}

#[test]
fn a_receipt_of_another_queue_is_invalid() {
    let mut queue = standard();
    queue.send(START, body("a")).unwrap();
    let held = receipt(&mut queue, START);
    let mut other = Queue::new(QueueSettings::default(), START, 8);
    assert_eq!(other.delete(START, held), Err(SqsError::ReceiptHandleIsInvalid));
    assert_eq!(other.change_visibility(START, held, 0), Err(SqsError::ReceiptHandleIsInvalid));
}

#[test]
fn a_message_received_too_often_is_given_up_and_its_group_goes_on() {
    let mut queue = fifo();
    queue.send(START, grouped("g", "poison")).unwrap();
    queue.send(START, grouped("g", "good")).unwrap();
    receipt(&mut queue, START);
    let later = START + 30 * SECOND;
    let received = queue.receive(later, up_to(1), Some(1));
    assert_eq!(bodies(&received), ["good"]);
    assert_eq!(received.dead.len(), 1);
    assert_eq!(queue.depth(later), Depth { visible: 0, in_flight: 1, delayed: 0 });
    let mut dead_letters = Queue::new(QueueSettings::fifo(), START, 8);
    for message in received.dead {
        dead_letters.bury(later, message);
    }
    let buried = dead_letters.receive(later, up_to(1), Some(1));
    assert_eq!(bodies(&buried), ["poison"]);
    assert_eq!(buried.deliveries[0].message.receives, 2);
}

#[test]
fn messages_past_their_retention_are_dropped() {
    let mut queue = fifo();
    queue.settings.retention_seconds = 60;
    queue.send(START, grouped("g", "held")).unwrap();
    queue.send(START + SECOND, grouped("g", "waiting")).unwrap();
    receipt(&mut queue, START);
    assert_eq!(queue.depth(START + 60 * SECOND).in_flight, 0);
    assert_eq!(bodies(&queue.receive(START + 60 * SECOND, up_to(10), None)), ["waiting"]);
    let end = START + 61 * SECOND;
    assert_eq!(queue.depth(end), Depth { visible: 0, in_flight: 0, delayed: 0 });
}

#[test]
fn a_purge_drops_messages_and_locks_but_not_deduplication() {
    let mut queue = fifo();
    queue.send(START, grouped("g", "1")).unwrap();
    queue.send(START, grouped("g", "2")).unwrap();
    let held = receipt(&mut queue, START);
    queue.purge();
    assert_eq!(queue.depth(START), Depth { visible: 0, in_flight: 0, delayed: 0 });
    assert_eq!(queue.delete(START, held), Ok(()));
    queue.send(START, grouped("g", "1")).unwrap();
    queue.send(START, grouped("g", "3")).unwrap();
    assert_eq!(bodies(&queue.receive(START, up_to(10), None)), ["3"]);
}

#[test]
fn content_based_deduplication_goes_by_the_body() {
    let mut queue = fifo();
    let bare = |text: &str| Outgoing { group: Some("g".into()), ..body(text) };
    assert!(queue.send(START, bare("a")).is_err());
    queue.settings.content_based_deduplication = true;
    let first = queue.send(START, bare("a")).unwrap();
    assert_eq!(queue.send(START, bare("a")), Ok(first));
    assert_ne!(queue.send(START, bare("b")), Ok(first));
}

#[test]
fn what_does_not_fit_the_type_of_queue_is_refused() {
    let deduplicated = Outgoing { deduplication: Some("d".into()), ..body("a") };
    let delayed = Outgoing { delay_seconds: Some(1), ..grouped("g", "a") };
    let long_group = grouped(&"g".repeat(129), "a");
    let spaced_group = grouped("g g", "a");
    assert!(standard().send(START, deduplicated).is_err());
    assert!(standard().send(START, Outgoing { group: Some("g".into()), ..body("a") }).is_ok());
    for outgoing in [body("no group"), delayed, long_group, spaced_group] {
        assert!(fifo().send(START, outgoing).is_err());
    }
}
